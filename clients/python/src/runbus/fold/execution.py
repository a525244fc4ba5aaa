"""Status and figures of an execution, and who is heard about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import payload
from .bounded import timestamp

TERMINAL = frozenset({"completed", "failed", "cancelled"})
UNNAMED = ""
"""A question without id."""

Execution = dict[str, Any]
"""As `execution` of a snapshot. Absent fields are absent."""


def hear(known: Execution | None, event: Mapping[str, Any], is_external: bool) -> tuple[Execution | None, str]:
    """The execution behind an event, and `begins`, `counts` or `nothing`."""
    if known is None:
        begun = begin(event, is_external)
        return begun, "begins" if begun else "nothing"
    if event.get("execution_id") != known["execution_id"]:
        return known, "nothing"
    said = _weigh(known, event, is_external)
    if said == "begins":
        return begin(event, is_external), said
    if said == "counts":
        apply(known, event)
    return known, said


def _weigh(known: Execution, event: Mapping[str, Any], is_external: bool) -> str:
    """External events change nothing of an execution that Runbus runs; an external execution is folded from one stream."""
    is_others = known.get("external", False)
    if is_others and not is_external:
        return "begins"
    if is_external and not is_others:
        return "nothing"
    if known["stream_id"] == event["stream_id"]:
        return "counts"
    has_not_begun = known["status"] == "queued" and "started_at" not in known
    if not is_external and has_not_begun and event["type"] in ("execution_queued", "execution_started"):
        return "begins"
    return "nothing"


def begin(event: Mapping[str, Any], is_external: bool) -> Execution | None:
    """The execution of its first event."""
    if event.get("execution_id") is None:
        return None
    execution: Execution = {"execution_id": event["execution_id"], "stream_id": event["stream_id"], "external": is_external, "status": "queued", "rounds": 0, "events": 0}
    apply(execution, event)
    return execution


def apply(run: Execution, event: Mapping[str, Any]) -> None:
    """Takes the next event."""
    run["events"] += 1
    run["updated_at"] = timestamp(event["timestamp"])
    for field in ("session_id", "correlation_id"):
        if event.get(field) is not None:
            run[field] = event[field]
    if event.get("attempt") is not None:
        run["attempt"] = max(run.get("attempt", 0), event["attempt"])
    if run["status"] not in TERMINAL and event["type"] not in payload.COALESCIBLE and (data := payload.read(event)) is not None:
        _change(run, event, data)


def _change(run: Execution, event: Mapping[str, Any], data: dict[str, Any]) -> None:
    kind = event["type"]
    now = timestamp(event["timestamp"])
    if kind != "execution_queued":
        run.pop("waits_for", None)
    if kind == "execution_waiting":
        run["waits_for"] = data["waits_for"]
    elif kind == "execution_queued":
        run["queued_at"] = now
        _define(run, data)
        if data.get("request_digest") is not None:
            run.setdefault("request_digest", data["request_digest"])
    elif kind == "execution_started":
        run.setdefault("started_at", now)
        _define(run, data)
        run["status"] = "running"
    elif kind == "execution_paused":
        run["status"] = "paused"
    elif kind == "execution_resumed":
        _waiting(run).pop(UNNAMED, None)
        run["status"] = _at_work(run)
    elif kind == "tool_approval_requested":
        _waits(run, data["approval_id"], "waiting_for_approval", data["tool_use_id"])
    elif kind in ("tool_approval_decided", "tool_approval_expired"):
        _goes_on(run, lambda name, _: name == data["approval_id"])
    elif kind == "client_input_requested":
        _waits(run, UNNAMED if data["request_id"] is None else data["request_id"], "waiting_for_input", data["tool_use_id"])
    elif kind == "client_input_received":
        named = UNNAMED if data["request_id"] is None else data["request_id"]
        _goes_on(run, lambda name, _: name == named)
    elif kind == "tool_call_completed":
        _goes_on(run, lambda _, one: one.get("tool_use_id") == data["tool_use_id"])
    elif kind == "node_loop_started":
        _set(run, "active_node", event.get("node_id"))
        _set(run, "iteration", data["iteration"] if data["iteration"] is not None else run.get("iteration"))
        _goes_on(run, lambda name, _: name == UNNAMED)
    elif kind == "goal_progress":
        run["progress"] = data["progress"]
    elif kind == "goal_achieved":
        run["progress"] = 1.0
    elif kind == "llm_turn_completed":
        run["rounds"] += 1
    elif kind == "usage_updated":
        run["usage"] = {name: count for name, count in data["usage"].items() if count is not None}
        run["rounds"] = max(run["rounds"], data["rounds"])
    elif kind in ("execution_completed", "execution_failed", "execution_cancelled"):
        _end(run, kind.removeprefix("execution_"), now)
        if kind == "execution_completed":
            run["output"] = data["output"]
        elif kind == "execution_failed":
            run["error"] = data["error"]


def _set(run: Execution, field: str, value: Any) -> None:
    if value is None:
        run.pop(field, None)
    else:
        run[field] = value


def _define(run: Execution, data: dict[str, Any]) -> None:
    if data["definition"] is not None:
        run["definition"] = data["definition"]


def _waiting(run: Execution) -> dict[str, dict[str, Any]]:
    return run.setdefault("waiting", {})


def _waits(run: Execution, name: str, status: str, tool_use_id: str | None) -> None:
    _waiting(run)[name] = {"status": status} if tool_use_id is None else {"status": status, "tool_use_id": tool_use_id}
    _goes_on(run, lambda _, __: False)


def _goes_on(run: Execution, answered: Callable[[str, dict[str, Any]], bool]) -> None:
    run["waiting"] = {name: one for name, one in _waiting(run).items() if not answered(name, one)}
    if run["status"] != "paused":
        run["status"] = _at_work(run)


def _at_work(run: Execution) -> str:
    waiting = _waiting(run)
    if any(one["status"] == "waiting_for_approval" for one in waiting.values()):
        return "waiting_for_approval"
    return waiting[min(waiting, key=str.encode)]["status"] if waiting else "running"


def _end(run: Execution, status: str, now: str | None) -> None:
    run["status"] = status
    run["waiting"] = {}
    run.pop("active_node", None)
    run["ended_at"] = now
