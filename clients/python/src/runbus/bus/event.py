"""Events of the bus, and their form in the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from .. import drafts


class EventType(str, Enum):
    """Types of events. Types that are not listed are accepted too: `EventType("order_paid")`."""

    EXECUTION_QUEUED = "execution_queued"
    EXECUTION_STARTED = "execution_started"
    EXECUTION_COMPLETED = "execution_completed"
    EXECUTION_FAILED = "execution_failed"
    EXECUTION_PAUSED = "execution_paused"
    EXECUTION_RESUMED = "execution_resumed"
    EXECUTION_CANCEL_REQUESTED = "execution_cancel_requested"
    EXECUTION_CANCEL_DELIVERED = "execution_cancel_delivered"
    EXECUTION_CANCELLED = "execution_cancelled"
    ATTEMPT_SUPERSEDED = "attempt_superseded"

    STATE_CHANGED = "state_changed"
    STATE_CONFLICT = "state_conflict"

    GOAL_PROGRESS = "goal_progress"
    GOAL_ACHIEVED = "goal_achieved"
    CONSTRAINT_VIOLATION = "constraint_violation"

    STREAM_STARTED = "stream_started"
    STREAM_STOPPED = "stream_stopped"

    NODE_LOOP_STARTED = "node_loop_started"
    NODE_LOOP_ITERATION = "node_loop_iteration"
    NODE_LOOP_COMPLETED = "node_loop_completed"

    LLM_TEXT_DELTA = "llm_text_delta"
    LLM_REASONING_DELTA = "llm_reasoning_delta"
    LLM_TURN_COMPLETED = "llm_turn_completed"
    LLM_RETRY = "llm_retry"
    USAGE_UPDATED = "usage_updated"

    TOOL_CALL_DELTA = "tool_call_delta"
    TOOL_CALL_STARTED = "tool_call_started"
    TOOL_CALL_COMPLETED = "tool_call_completed"
    TOOL_APPROVAL_REQUESTED = "tool_approval_requested"
    TOOL_APPROVAL_DECIDED = "tool_approval_decided"
    TOOL_APPROVAL_EXPIRED = "tool_approval_expired"

    CLIENT_OUTPUT_DELTA = "client_output_delta"
    CLIENT_INPUT_REQUESTED = "client_input_requested"
    CLIENT_INPUT_RECEIVED = "client_input_received"

    NODE_INTERNAL_OUTPUT = "node_internal_output"
    NODE_INPUT_BLOCKED = "node_input_blocked"
    NODE_STALLED = "node_stalled"

    JUDGE_VERDICT = "judge_verdict"
    OUTPUT_KEY_SET = "output_key_set"
    NODE_RETRY = "node_retry"
    EDGE_TRAVERSED = "edge_traversed"

    CONTEXT_COMPACTED = "context_compacted"
    WEBHOOK_RECEIVED = "webhook_received"

    SUBAGENT_STARTED = "subagent_started"
    SUBAGENT_COMPLETED = "subagent_completed"
    SUBAGENT_FAILED = "subagent_failed"
    SESSION_CLOSED = "session_closed"
    SESSION_DEAD_LETTERED = "session_dead_lettered"
    DEAD_LETTER_RETRIED = "dead_letter_retried"
    WEBHOOK_FAILED = "webhook_failed"

    CUSTOM = "custom"

    @classmethod
    def _missing_(cls, value: object) -> EventType | None:
        if not isinstance(value, str):
            return None
        # Not kept: the log may hold any number of types. Members compare and hash by their text.
        member = str.__new__(cls, value)
        member._name_, member._value_ = value.upper(), value
        return member

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __str__(self) -> str:
        return self.value

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)


def text(kind: EventType | str) -> str:
    """The type's text."""
    return kind.value if isinstance(kind, EventType) else kind


@dataclass
class AgentEvent:
    """An event of an agent. `id` is optional: an event with an id can be published again and is stored once."""

    type: EventType
    stream_id: str
    node_id: str | None = None
    execution_id: str | None = None
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    timestamp: datetime = field(default_factory=datetime.now)
    correlation_id: str | None = None
    id: str | None = field(default=None, kw_only=True, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The event as a dictionary, for serialisation."""
        return {
            "type": text(self.type),
            "stream_id": self.stream_id,
            "node_id": self.node_id,
            "execution_id": self.execution_id,
            "data": self.data,
            "timestamp": self.timestamp.isoformat(),
            "correlation_id": self.correlation_id,
        }


EventHandler = Callable[[AgentEvent], Awaitable[None]]
"""Takes one event."""


def to_wire(event: AgentEvent) -> dict[str, Any]:
    """The envelope in the log. A time without zone is local time."""
    draft: dict[str, Any] = {
        "id": event.id,
        "type": text(event.type),
        "stream_id": event.stream_id,
        "node_id": event.node_id,
        "execution_id": event.execution_id,
        "correlation_id": event.correlation_id,
        "data": event.data,
        "timestamp": event.timestamp,
    }
    return drafts.envelope(draft)


def from_wire(line: Mapping[str, Any]) -> AgentEvent:
    """The event of an envelope. Its time is local, without zone, as `datetime.now()` is."""
    try:
        time = datetime.fromisoformat(str(line["timestamp"]).replace("Z", "+00:00")).astimezone().replace(tzinfo=None)
    except ValueError:
        time = datetime.now()
    return AgentEvent(
        type=EventType(line["type"]),
        stream_id=line["stream_id"],
        node_id=line.get("node_id"),
        execution_id=line.get("execution_id"),
        data=line["data"],
        timestamp=time,
        correlation_id=line.get("correlation_id"),
        id=line["id"],
    )
