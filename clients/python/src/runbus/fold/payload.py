"""Payloads as the catalogue defines them. A payload that differs counts as an event and changes nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from .bounded import timestamp


class Mismatch(Exception):
    """The payload is not as its type says."""


_MISSING: Any = object()
Check = Callable[[Any], Any]


def _need(value: Any, kind: type) -> Any:
    if value is _MISSING or not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Mismatch
    return value


def _text(value: Any) -> str:
    return _need(value, str)


def _unsigned(bits: int) -> Check:
    def check(value: Any) -> int:
        if not 0 <= _need(value, int) < 1 << bits:
            raise Mismatch
        return value

    return check


def _number(value: Any) -> float:
    if value is _MISSING or isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Mismatch
    return float(value)


def _flag(value: Any) -> bool:
    return _need(value, bool)


def _any(value: Any) -> Any:
    return None if value is _MISSING else value


def _time(value: Any) -> str:
    found = timestamp(_need(value, str))
    if found is None:
        raise Mismatch
    return found


def _optional(check: Check) -> Check:
    return lambda value: None if value is _MISSING or value is None else check(value)


def _default(check: Check, default: Any) -> Check:
    return lambda value: default if value is _MISSING else check(value)


def _list(check: Check) -> Check:
    return lambda value: [] if value is _MISSING else [check(item) for item in _need(value, list)]


def _object(**fields: Check) -> Check:
    return lambda value: {name: check(value.get(name, _MISSING)) for name, check in fields.items()} if isinstance(value, dict) else _need(_MISSING, dict)  # pyright: ignore[reportUnknownMemberType, reportUnknownLambdaType, reportUnknownVariableType]


_U32, _U64 = _unsigned(32), _unsigned(64)
_TEXT = _optional(_text)
_USAGE = _object(prompt_tokens=_default(_U64, 0), completion_tokens=_default(_U64, 0), total_tokens=_default(_U64, 0), reasoning_tokens=_optional(_U64), cached_tokens=_optional(_U64))

PAYLOADS: Mapping[str, Check] = {
    "execution_queued": _object(definition=_TEXT, request_digest=_TEXT),
    "execution_waiting": _object(waits_for=_text, definition=_TEXT),
    "execution_started": _object(definition=_TEXT),
    "execution_completed": _object(output=_any),
    "execution_failed": _object(error=_any),
    "execution_paused": _object(reason=_TEXT),
    "execution_resumed": _object(reason=_TEXT),
    "execution_cancelled": _object(reason=_TEXT),
    "attempt_superseded": _object(superseded_attempt=_U32, attempt=_U32, void_from=_optional(_U64), reason=_text),
    "llm_text_delta": _object(content=_text, snapshot=_TEXT),
    "client_output_delta": _object(content=_text, snapshot=_TEXT),
    "llm_reasoning_delta": _object(content=_text),
    "tool_call_delta": _object(index=_U32, tool_use_id=_text, tool_name=_text, arguments=_text),
    "llm_turn_completed": _object(
        message_id=_TEXT,
        usage=_optional(_USAGE),
        finish_reason=_TEXT,
        model=_TEXT,
        provider=_TEXT,
        request_id=_TEXT,
        reasoning=_TEXT,
        content=_TEXT,
        tool_calls=_list(_object(tool_use_id=_text, tool_name=_text, arguments=_text)),
    ),
    "llm_retry": _object(error=_any, next_try=_default(_U32, 0), delay_ms=_default(_U64, 0), message_id=_TEXT, model=_TEXT),
    "usage_updated": _object(usage=_USAGE, rounds=_default(_U32, 0)),
    "node_loop_started": _object(max_iterations=_optional(_U32), iteration=_optional(_U32)),
    "node_loop_iteration": _object(iteration=_U32, message_id=_TEXT),
    "node_loop_completed": _object(iterations=_U32),
    "node_internal_output": _object(content=_text, output=_any),
    "node_stalled": _object(reason=_default(_text, "")),
    "tool_call_started": _object(tool_use_id=_text, tool_name=_text, tool_input=_any),
    "tool_call_completed": _object(tool_use_id=_text, tool_name=_text, result=_any, is_error=_default(_flag, False)),
    "tool_approval_requested": _object(approval_id=_text, tool_use_id=_text, tool_name=_text, tool_input=_any, arguments_digest=_TEXT, expires_at=_optional(_time)),
    "tool_approval_decided": _object(approval_id=_text, tool_use_id=_text, approved=_flag, arguments=_any, note=_TEXT, decided_by=_TEXT),
    "tool_approval_expired": _object(approval_id=_text, tool_use_id=_text),
    "client_input_requested": _object(prompt=_default(_text, ""), request_id=_TEXT, choices=_list(_text), expires_at=_optional(_time), tool_use_id=_TEXT),
    "client_input_received": _object(request_id=_TEXT, input=_any, answered_by=_TEXT),
    "goal_progress": _object(progress=_number, criteria_status=_any),
    "goal_achieved": _object(goal_id=_TEXT),
}
"""The payloads that change a snapshot. Optional fields that are absent are None."""

COALESCIBLE = frozenset({"llm_text_delta", "llm_reasoning_delta", "client_output_delta", "tool_call_delta"})


def read(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """The payload; None when it changes nothing."""
    check = PAYLOADS.get(event["type"])
    if check is None:
        return None
    try:
        return check(event["data"])
    except Mismatch:
        return None
