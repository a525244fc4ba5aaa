"""The latest events, in memory."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any

from .event import AgentEvent, EventType, text


class Window:
    """At most `max_history` events, oldest first, each once."""

    def __init__(self, max_history: int) -> None:
        if max_history < 0:
            raise ValueError(f"max_history is {max_history}; it cannot be negative")
        self.max_history = max_history
        self._events: OrderedDict[object, AgentEvent] = OrderedDict()

    def add(self, event: AgentEvent, key: object = None) -> None:
        """Adds an event; an event with a known key changes nothing."""
        key = object() if key is None else key
        if key in self._events:
            return
        self._events[key] = event
        while len(self._events) > self.max_history:
            self._events.popitem(last=False)

    def find(self, event_type: EventType | str | None, stream_id: str | None, execution_id: str | None, limit: int) -> list[AgentEvent]:
        """Events that match, newest first."""
        found: list[AgentEvent] = []
        for event in reversed(self._events.values()):
            if len(found) >= limit:
                break
            if matches(event, event_type, stream_id, execution_id):
                found.append(event)
        return found

    def stats(self, subscriptions: int) -> dict[str, Any]:
        """Counts."""
        by_type = Counter(text(event.type) for event in self._events.values())
        return {"total_events": len(self._events), "subscriptions": subscriptions, "events_by_type": dict(by_type)}


def matches(event: AgentEvent, event_type: EventType | str | None, stream_id: str | None, execution_id: str | None) -> bool:
    """Whether an event matches; an empty filter matches any."""
    return (not event_type or text(event.type) == text(event_type)) and (not stream_id or event.stream_id == stream_id) and (not execution_id or event.execution_id == execution_id)
