"""Subscriptions of the bus, and how handlers run."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from .. import tasks
from ..errors import RunbusError
from ..subscription import check_handler
from . import limits
from .event import AgentEvent, EventHandler, EventType, text

log = logging.getLogger("runbus.bus")

_is_in_handler: contextvars.ContextVar[bool] = contextvars.ContextVar("runbus_is_in_handler", default=False)


@dataclass
class Subscription:
    """A subscription to events. An absent filter means any."""

    id: str
    event_types: frozenset[str]
    handler: EventHandler
    filter_stream: str | None = None
    filter_node: str | None = None
    filter_execution: str | None = None

    def matches(self, event: AgentEvent) -> bool:
        """Whether the event is for this subscription."""
        return (
            text(event.type) in self.event_types
            and (not self.filter_stream or self.filter_stream == event.stream_id)
            and (not self.filter_node or self.filter_node == event.node_id)
            and (not self.filter_execution or self.filter_execution == event.execution_id)
        )


Waiter = tuple[Subscription, "asyncio.Future[AgentEvent]"]


class Registry:
    """The handlers of each event type."""

    def __init__(self, max_concurrent_handlers: int) -> None:
        if max_concurrent_handlers < 1:
            raise ValueError(f"max_concurrent_handlers is {max_concurrent_handlers}; at least 1 is needed")
        self._room = _Room(max_concurrent_handlers)
        self._subscriptions: dict[str, Subscription] = {}
        self._count = 0
        self._waiters: list[Waiter] = []
        self._lanes: dict[tuple[str | None, ...], deque[AgentEvent]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._remote = 0
        self._has_space = asyncio.Event()

    def __len__(self) -> int:
        return len(self._subscriptions)

    def add(self, event_types: Sequence[EventType | str], handler: EventHandler, stream: str | None, node: str | None, execution: str | None) -> str:
        """A new subscription; its id."""
        check_handler(handler)
        self._count += 1
        found = Subscription(f"sub_{self._count}", frozenset(map(text, event_types)), handler, stream, node, execution)
        self._subscriptions[found.id] = found
        return found.id

    def remove(self, subscription_id: str) -> bool:
        """Whether there was such a subscription."""
        return self._subscriptions.pop(subscription_id, None) is not None

    def wait(self, wanted: Subscription) -> asyncio.Future[AgentEvent]:
        """The next event that matches. Waiting takes no place of a handler."""
        future: asyncio.Future[AgentEvent] = asyncio.get_running_loop().create_future()
        entry = (wanted, future)
        self._waiters.append(entry)
        future.add_done_callback(lambda _: self._waiters.remove(entry))
        return future

    def fail_waiters(self, error: RunbusError) -> None:
        """Ends every `wait`."""
        for _, future in tuple(self._waiters):
            if not future.done():
                future.set_exception(error)

    def _wake(self, event: AgentEvent) -> None:
        for wanted, future in tuple(self._waiters):
            if not future.done() and wanted.matches(event):
                future.set_result(event)

    async def run(self, event: AgentEvent) -> None:
        """Runs all handlers of an own event beside each other; returns when all have ended."""
        self._wake(event)
        handlers = [one.handler for one in self._subscriptions.values() if one.matches(event)]
        if handlers:
            await self._run(event, handlers)

    async def _run(self, event: AgentEvent, handlers: list[EventHandler]) -> None:
        await asyncio.gather(*(self._one(handler, event) for handler in handlers), return_exceptions=True)

    async def _one(self, handler: EventHandler, event: AgentEvent) -> None:
        # A handler that publishes holds a place already; waiting for another one could wait for ever.
        if _is_in_handler.get():
            await self._guarded(handler, event)
            return
        async with self._room:
            _is_in_handler.set(True)
            try:
                await self._guarded(handler, event)
            finally:
                _is_in_handler.set(False)

    async def _guarded(self, handler: EventHandler, event: AgentEvent) -> None:
        try:
            await handler(event)
        except Exception:
            log.exception("a handler of %s failed", text(event.type))

    async def hand_over(self, event: AgentEvent) -> None:
        """Queues an event of another process: handlers of one execution take its events in order. Waits while too many wait."""
        self._wake(event)
        if not any(one.matches(event) for one in self._subscriptions.values()):
            return
        while self._remote >= limits.REMOTE_EVENTS:
            self._has_space.clear()
            await self._has_space.wait()
        self._remote += 1
        key = (event.stream_id, event.execution_id)
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append(event)
            return
        self._lanes[key] = deque([event])
        task = asyncio.get_running_loop().create_task(self._drain(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, key: tuple[str | None, ...]) -> None:
        lane = self._lanes[key]
        try:
            while lane:
                event = lane.popleft()
                self._remote -= 1
                self._has_space.set()
                handlers = [one.handler for one in self._subscriptions.values() if one.matches(event)]
                await self._run(event, handlers)
        finally:
            del self._lanes[key]

    async def stop(self) -> None:
        """Ends the handlers of events of other processes."""
        # A handler may close the bus: it does not wait for itself.
        await tasks.end(*(task for task in self._tasks if task is not asyncio.current_task()))
        self._remote = 0


class _Room:
    """Places for handlers. Unlike a semaphore it can be used by one event loop after the other."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._semaphore: asyncio.Semaphore | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def _current(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        if self._semaphore is None or self._loop is not loop:
            self._semaphore, self._loop = asyncio.Semaphore(self._places), loop
        return self._semaphore

    async def __aenter__(self) -> None:
        await self._current().acquire()

    async def __aexit__(self, *_: object) -> None:
        self._current().release()


