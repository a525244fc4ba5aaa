"""Own events between publishing and their return from the log: their handlers run in `publish`, not again when they come back."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from . import limits

Key = tuple[str | None, ...]
"""Id, stream, node and execution: the same id in another topic is another event."""


def key_of(line: Mapping[str, Any]) -> Key:
    """The key of an envelope."""
    return (line["id"], line["stream_id"], line.get("node_id"), line.get("execution_id"))


class Own:
    """Own events by key."""

    def __init__(self) -> None:
        self._pending: dict[Key, asyncio.Future[None]] = {}
        self._acknowledged: dict[Key, float] = {}
        self._recent: OrderedDict[Key, None] = OrderedDict()
        self._has_space = asyncio.Event()

    def begin(self, key: Key) -> asyncio.Future[None]:
        """An event is published now. The future ends when the log delivers it."""
        future = self._pending.get(key)
        if future is None:
            future = self._pending[key] = asyncio.get_running_loop().create_future()
        return future

    def fail(self, key: Key) -> None:
        """The outcome is unknown: should the event come back, it is delivered like those of others."""
        self._pending.pop(key, None)

    def succeed(self, key: Key, is_callers_id: bool) -> bool:
        """The event is durable. Whether its handlers are still to run."""
        future = self._pending.pop(key, None)
        if key in self._recent:
            return future is not None and future.done()
        if key in self._acknowledged:
            return False
        self._acknowledged[key] = time.monotonic() + limits.OWN_UNSEEN_S if is_callers_id else float("inf")
        return True

    def returns(self, key: Key) -> bool:
        """The log delivers an event: whether it is an own one, whose handlers `publish` runs, or was delivered before."""
        is_known = key in self._recent
        self._remember(key)
        if self._acknowledged.pop(key, None) is not None:
            self._has_space.set()
            return True
        future = self._pending.get(key)
        if future is None:
            return is_known
        if not future.done():
            future.set_result(None)
        return True

    def _remember(self, key: Key) -> None:
        self._recent[key] = None
        if len(self._recent) > limits.RECENT_IDS:
            self._recent.popitem(last=False)

    def expects(self, key: Key) -> bool:
        """Whether an own event has yet to come back from the log, or is being published."""
        return key in self._acknowledged or key in self._pending

    @property
    def is_full(self) -> bool:
        """Too many own events have not come back."""
        return len(self._acknowledged) >= limits.OWN_EVENTS

    async def space(self) -> None:
        """Waits while too many own events have not come back."""
        while self.is_full:
            now = time.monotonic()
            self._acknowledged = {key: end for key, end in self._acknowledged.items() if end > now}
            if not self.is_full:
                return
            self._has_space.clear()
            await self._has_space.wait()
