"""The fold: events change a snapshot."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from . import execution, limits, payload
from .bounded import Text, excerpt, head, is_short, name, size, timestamp
from .turns import Turn, Turns

_COUNTS = ("output_truncated_bytes", "error_truncated_bytes", "nodes_omitted_events", "calls_omitted", "waiting_omitted")


class State:
    """An execution as of one position. `dump` gives the object that a gateway's snapshot is."""

    def __init__(self, cursor: str = "", complete: bool = True) -> None:
        self.cursor, self.complete = cursor, complete
        self.execution: execution.Execution | None = None
        self._reset()

    def _reset(self) -> None:
        self.nodes: dict[str, dict[str, Any]] = {}
        self.turns = Turns()
        self.calls: list[dict[str, Any]] = []
        self.approvals: list[dict[str, Any]] = []
        self.questions: list[dict[str, Any]] = []
        self.counts: dict[str, int] = {field: 0 for field in _COUNTS}

    @classmethod
    def load(cls, snapshot: Mapping[str, Any]) -> State:
        """Continues a gateway's snapshot."""
        source = copy.deepcopy(dict(snapshot))
        state = cls(source["cursor"], source["complete"])
        state.execution = source.get("execution")
        state.nodes, state.calls = source.get("nodes", {}), source.get("calls", [])
        state.approvals, state.questions = source.get("approvals", []), source.get("questions", [])
        state.counts = {field: source.get(field, 0) for field in _COUNTS}
        state.turns.kept = [Turn.load(turn) for turn in source.get("turns", [])]
        state.turns.omitted, state.turns.begun = source.get("turns_omitted", 0), source.get("turns_begun", 0)
        return state

    def dump(self) -> dict[str, Any]:
        """The snapshot as JSON: a copy."""
        found: dict[str, Any] = {"cursor": self.cursor, "complete": self.complete}
        if self.execution is not None:
            run = {field: value for field, value in self.execution.items() if field != "waiting" or value}
            found["execution"] = copy.deepcopy(run)
        found |= copy.deepcopy({"nodes": self.nodes, "calls": self.calls, "approvals": self.approvals, "questions": self.questions})
        found |= {"turns": [turn.dump() for turn in self.turns.kept], "turns_begun": self.turns.begun}
        counts = {**self.counts, "turns_omitted": self.turns.omitted}
        return found | {field: count for field, count in counts.items() if count}

    def apply(self, event: Mapping[str, Any]) -> None:
        """Takes the next event, as a JSON object with `seq` and `cursor`."""
        self.cursor = event["cursor"]
        has_ended = self.execution is not None and self.execution["status"] in execution.TERMINAL
        self.execution, said = execution.hear(self.execution, event, bool(event.get("external")))
        if said == "nothing" or self.execution is None:
            return
        if said == "begins":
            # Earlier external events are no part of it.
            self.complete = self.complete or event["type"] == "execution_queued"
            self._reset()
        self.execution["events"] += max(0, event.get("merged", 1) - 1)
        if said == "counts" and has_ended:
            return
        data = payload.read(event)
        if data is not None:
            self._change(event, data)
        if event["type"] not in payload.COALESCIBLE:
            self._settle()

    def _change(self, event: Mapping[str, Any], data: dict[str, Any]) -> None:
        kind, node, seq = event["type"], event.get("node_id"), event.get("seq", 0)
        if kind in ("llm_text_delta", "client_output_delta"):
            turn = self._open(event, seq)
            text = turn.text if kind == "llm_text_delta" else turn.output
            # A producer that sends the text so far is believed.
            text.push(data["content"]) if data["snapshot"] is None else text.set(data["snapshot"])
            self.turns.trim()
        elif kind == "llm_reasoning_delta":
            self._open(event, seq).reasoning.push(data["content"])
            self.turns.trim()
        elif kind == "tool_call_delta":
            if is_short(data["tool_use_id"]):
                self._open(event, seq).draft(data)
                self.turns.trim()
        elif kind == "llm_turn_completed":
            turn = self._open(event, seq)
            if data["content"] is not None:
                turn.settle(data["content"])
            if data["reasoning"] is not None:
                turn.reasoning.set(data["reasoning"])
            if data["message_id"] is not None:
                turn.message_id = name(data["message_id"])
            turn.finish_reason, turn.model, turn.provider = name(data["finish_reason"]), name(data["model"]), name(data["provider"])
            turn.end()
            self.turns.trim()
            for call in data["tool_calls"]:
                self._call(event, call["tool_use_id"], call["tool_name"], "requested", excerpt(call["arguments"], limits.VALUE_BYTES))
            if (found := self._node(event, state="running")) is not None:
                found.pop("message_id", None)
        elif kind == "llm_retry":
            self.turns.retry(node)
            if (found := self._node(event)) is not None:
                found["retries"] += 1
                found.pop("message_id", None)
        elif kind == "attempt_superseded":
            if data["void_from"] is not None:
                self.turns.supersede(data["void_from"])
        elif kind == "node_loop_started":
            self.turns.close(node)
            if (found := self._node(event, state="running", round=0)) is not None:
                found["visits"] += 1
                found.pop("iteration", None)
                found.pop("message_id", None)
                if data["iteration"] is not None:
                    found["iteration"] = data["iteration"]
        elif kind == "node_loop_iteration":
            if (found := self._node(event, state="running", round=data["iteration"])) is not None:
                found.pop("message_id", None)
                if data["message_id"] is not None:
                    found["message_id"] = name(data["message_id"])
        elif kind == "node_loop_completed":
            self.turns.close(node)
            self._node(event, state="completed")
        elif kind == "node_internal_output":
            value = data["content"] if data["output"] is None else data["output"]
            self._node(event, output=excerpt(value, limits.OUTPUT_BYTES))
        elif kind == "node_stalled":
            self._node(event, state="stalled")
        elif kind == "client_input_requested":
            self._asks(event, data)
            self._node(event)
        elif kind in ("execution_completed", "execution_failed", "execution_cancelled"):
            self._end()
        else:
            self._change_calls(event, kind, data)

    def _open(self, event: Mapping[str, Any], seq: int) -> Turn:
        """The node's open turn; a new one has the name of the message that the node writes."""
        begun = self.turns.begun
        turn = self.turns.open(event, seq)
        if self.turns.begun > begun:
            turn.message_id = self.nodes.get(event.get("node_id") or "", {}).get("message_id")
        return turn

    def _change_calls(self, event: Mapping[str, Any], kind: str, data: dict[str, Any]) -> None:
        if kind == "tool_call_started":
            self._call(event, data["tool_use_id"], data["tool_name"], "running", excerpt(data["tool_input"], limits.VALUE_BYTES))
        elif kind == "tool_call_completed":
            call = self._call(event, data["tool_use_id"], data["tool_name"], "failed" if data["is_error"] else "completed", None)
            if call is not None:
                call["result"] = excerpt(data["result"], limits.VALUE_BYTES)
        elif kind == "tool_approval_requested":
            arguments = excerpt(data["tool_input"], limits.VALUE_BYTES)
            approval = {"approval_id": data["approval_id"], "tool_use_id": data["tool_use_id"], "tool_name": name(data["tool_name"]), "node_id": event.get("node_id"), "arguments": arguments, "arguments_digest": name(data["arguments_digest"]), "expires_at": data["expires_at"]}  # fmt: skip
            self.approvals = [known for known in self.approvals if known["approval_id"] != data["approval_id"]]
            if len(self.approvals) < limits.WAITING and is_short(data["approval_id"]) and is_short(data["tool_use_id"]):
                self.approvals.append({field: value for field, value in approval.items() if value is not None})
            else:
                self.counts["waiting_omitted"] += 1
            self._call(event, data["tool_use_id"], data["tool_name"], "awaiting_approval", arguments)
        elif kind == "tool_approval_decided":
            self._decide(data["tool_use_id"], "approved" if data["approved"] else "refused", data["arguments"])
        elif kind == "tool_approval_expired":
            self._decide(data["tool_use_id"], "refused", None)

    def _asks(self, event: Mapping[str, Any], data: dict[str, Any]) -> None:
        request = data["request_id"] or ""
        self.questions = [known for known in self.questions if known["request_id"] != request]
        prompt = Text()
        prompt.set(head(data["prompt"], limits.VALUE_BYTES))
        prompt.truncated = size(data["prompt"]) - prompt.size
        choices = [name(choice) for choice in data["choices"][: limits.CHOICES]]
        question = {"request_id": request, "prompt": prompt.dump(), "node_id": event.get("node_id"), "choices": choices or None, "expires_at": data["expires_at"], "tool_use_id": name(data["tool_use_id"])}  # fmt: skip
        if is_short(request) and len(self.questions) < limits.WAITING:
            self.questions.append({field: value for field, value in question.items() if value is not None})
        else:
            self.counts["waiting_omitted"] += 1

    def _node(self, event: Mapping[str, Any], **change: Any) -> dict[str, Any] | None:
        node = event.get("node_id")
        if node is None:
            return None
        if node not in self.nodes and len(self.nodes) >= limits.NODES:
            self.counts["nodes_omitted_events"] += 1
            return None
        found = self.nodes.setdefault(node, {"state": "running", "visits": 0, "round": 0, "retries": 0})
        found |= {"updated_at": timestamp(event["timestamp"]), **change}
        return found

    def _call(self, event: Mapping[str, Any], call_id: str, tool: str, state: str, arguments: dict[str, Any] | None) -> dict[str, Any] | None:
        if not is_short(call_id):
            self.counts["calls_omitted"] += 1
            return None
        found = next((call for call in reversed(self.calls) if call["tool_use_id"] == call_id), None)
        if found is None:
            if len(self.calls) >= limits.CALLS:
                oldest = next((at for at, call in enumerate(self.calls) if call["state"] in ("completed", "failed")), 0)
                self.calls.pop(oldest)
                self.counts["calls_omitted"] += 1
            found = {"tool_use_id": call_id, "tool_name": name(tool), "state": state, "arguments": {"value": None}}
            if event.get("node_id") is not None:
                found["node_id"] = event["node_id"]
            self.calls.append(found)
        found["state"] = state
        if arguments is not None:
            found["arguments"] = arguments
        return found

    def _decide(self, call_id: str, state: str, arguments: Any) -> None:
        found = next((call for call in reversed(self.calls) if call["tool_use_id"] == call_id), None)
        if found is not None and found["state"] == "awaiting_approval":
            found["state"] = state
            if arguments is not None:
                found["arguments"] = excerpt(arguments, limits.VALUE_BYTES)

    def _end(self) -> None:
        for node in self.nodes.values():
            if node["state"] != "completed":
                node["state"] = "stopped"
        for turn in self.turns.kept:
            turn.end()
        run = self.execution
        for field in ("output", "error"):
            if run is not None and field in run:
                bounded = excerpt(run[field], limits.RESULT_BYTES)
                run[field] = bounded["value"]
                self.counts[f"{field}_truncated_bytes"] = bounded.get("truncated_bytes", 0)

    def _settle(self) -> None:
        """The status decides which approvals and questions wait; nodes show where."""
        run = self.execution
        if run is None:
            return
        if "definition" in run:
            run["definition"] = name(run["definition"])
        waiting: dict[str, Any] = {one: value for one, value in run.get("waiting", {}).items() if is_short(one)}
        for extra in sorted(waiting, key=str.encode)[2 * limits.WAITING :]:
            del waiting[extra]
        run["waiting"] = waiting
        self.approvals = [one for one in self.approvals if one["approval_id"] in waiting]
        self.questions = [one for one in self.questions if one["request_id"] in waiting]
        asking = {one.get("node_id") for one in (*self.approvals, *self.questions)}
        for node_id, node in self.nodes.items():
            if node["state"] == "running" and node_id in asking:
                node["state"] = "waiting"
            elif node["state"] == "waiting" and node_id not in asking:
                node["state"] = "running"
