"""The bus: publish, subscribe, wait, history."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import Self

from .. import drafts, tasks
from ..errors import Closed, PublishTimeout, RunbusError, Unavailable
from . import limits
from .address import transport
from .emit import Emit
from .event import AgentEvent, EventHandler, EventType, from_wire, text, to_wire
from .later import open_with_next_loop
from .own import Own, key_of
from .registry import Registry, Subscription
from .transport import Transport
from .window import Window, matches

log = logging.getLogger("runbus.bus")


class EventBus(Emit):
    """Publish and subscribe between parts of a program, and between programs.

    Without an address (`url`, else `RUNBUS_URL`) the bus lives in memory. With `nats://HOST:PORT` or `http://HOST:PORT` (a gateway)
    events are durable and reach the buses of all processes. A bus connects when it is made or subscribed to inside a running event loop,
    when the next loop of its thread begins, or when its first coroutine is awaited.
    """

    def __init__(
        self,
        max_history: int = 1000,
        max_concurrent_handlers: int = 10,
        *,
        url: str | None = None,
        publish_timeout: float = limits.PUBLISH_TIMEOUT_S,
    ) -> None:
        if not 0 < publish_timeout <= limits.PUBLISH_TIMEOUT_MAX_S:
            raise ValueError(f"publish_timeout is {publish_timeout} s; more than 0 and at most {limits.PUBLISH_TIMEOUT_MAX_S:g} s are allowed")
        self._window = Window(max_history)
        self._registry = Registry(max_concurrent_handlers)
        self._publish_timeout = publish_timeout
        self._url = os.environ.get("RUNBUS_URL", "") if url is None else url
        self._own = Own()
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transport: Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        if self._url:
            # A wrong address is an error here and not at the first event.
            transport(self._url)
            self.open_soon()

    # Life

    def open_soon(self) -> asyncio.Task[None] | None:
        """Connects in the running loop, if there is one."""
        if not self._url or self._is_closed:
            return None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # Without handlers nobody listens yet: the first coroutine opens the bus.
            if len(self._registry):
                open_with_next_loop(self)
            return None
        if self._loop is not loop:
            # The program's earlier loop has ended, and with it what ran there.
            self._loop, self._own = loop, Own()
            self._transport = transport(self._url)
            self._opening = loop.create_task(self._open(self._transport))
            self._opening.add_done_callback(_retrieve)
        return self._opening

    async def _open(self, made: Transport) -> None:
        for line in await made.open(self._deliver, self._returned, self._window.max_history):
            self._window.add(from_wire(line), key_of(line))

    async def start(self) -> None:
        """Connects. Returns when events of other processes arrive."""
        self._check_open()
        opening = self.open_soon()
        if opening is not None:
            await asyncio.shield(opening)

    async def close(self) -> None:
        """Ends the bus. Later calls raise `Closed`, and so do calls that wait."""
        if self._is_closed:
            return
        self._is_closed = True
        self._registry.fail_waiters(Closed("the bus was closed"))
        if self._loop is asyncio.get_running_loop():
            if self._opening is not None and not self._opening.done():
                await tasks.end(self._opening)
            if self._transport is not None:
                await self._transport.close()
        await self._registry.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise Closed("the bus was closed")

    # Subscriptions

    def subscribe(
        self,
        event_types: Sequence[EventType],
        handler: EventHandler,
        filter_stream: str | None = None,
        filter_node: str | None = None,
        filter_execution: str | None = None,
    ) -> str:
        """Calls an async handler with each event that matches; returns the subscription's id. Works before an event loop runs."""
        self._check_open()
        found = self._registry.add(event_types, handler, filter_stream, filter_node, filter_execution)
        self.open_soon()
        return found

    def unsubscribe(self, subscription_id: str) -> bool:
        """Ends a subscription; False: there is none with this id."""
        return self._registry.remove(subscription_id)

    async def _deliver(self, line: Mapping[str, Any]) -> None:
        key = key_of(line)
        if self._own.returns(key):
            return
        event = from_wire(line)
        self._window.add(event, key)
        await self._registry.hand_over(event)

    def _returned(self, line: Mapping[str, Any]) -> bool:
        key = key_of(line)
        return self._own.expects(key) and self._own.returns(key)

    # Publishing

    async def publish(self, event: AgentEvent) -> None:
        """Publishes an event. Returns when it is durable and all local handlers have run.

        Raises `PublishTimeout` when the log does not acknowledge the event within `publish_timeout`. The outcome is unknown then.
        Publish an event with the id in the error to repeat it.
        """
        self._check_open()
        if not self._url:
            self._window.add(event)
            await self._registry.run(event)
            return
        wire = to_wire(event)
        line = drafts.line(wire)
        key = key_of(wire)
        loop = asyncio.get_running_loop()
        end = loop.time() + self._publish_timeout
        made = await self._until_open(str(wire["id"]))
        seen = self._own.begin(key)
        is_durable = False
        try:
            if self._own.is_full:
                await tasks.within(max(0.001, end - loop.time()), self._own.space())
            await made.publish(wire, line, seen, end)
            is_durable = True
        except TimeoutError:
            is_durable = seen.done() and not seen.cancelled()
            if not is_durable:
                raise PublishTimeout(f"no acknowledgement within {self._publish_timeout:g} s", event_id=str(wire["id"])) from None
        finally:
            if not is_durable:
                self._own.fail(key)
        if self._own.succeed(key, event.id is not None):
            self._window.add(event, key)
            await self._registry.run(event)

    async def _until_open(self, event_id: str | None = None) -> Transport:
        opening = self.open_soon()
        made = self._transport
        if opening is None or made is None:
            raise Closed("the bus was closed")
        if opening.done():
            opening.result()
            return made
        try:
            await tasks.within(self._publish_timeout, asyncio.shield(opening))
        except TimeoutError:
            message = f"the log does not answer within {self._publish_timeout:g} s"
            raise (Unavailable(message) if event_id is None else PublishTimeout(message, event_id=event_id)) from None
        except asyncio.CancelledError:
            self._check_open()
            raise
        return made

    # Questions

    def get_history(
        self,
        event_type: EventType | None = None,
        stream_id: str | None = None,
        execution_id: str | None = None,
        limit: int = 100,
    ) -> list[AgentEvent]:
        """Events of the local window, newest first."""
        return self._window.find(event_type, stream_id, execution_id, limit)

    def get_stats(self) -> dict[str, Any]:
        """Counts of the local window."""
        return self._window.stats(len(self._registry))

    async def history(
        self,
        event_type: EventType | None = None,
        stream_id: str | None = None,
        execution_id: str | None = None,
        limit: int = 100,
    ) -> list[AgentEvent]:
        """Events of the log, newest first; without a log those of the window."""
        self._check_open()
        if not 0 <= limit <= limits.HISTORY_EVENTS:
            raise ValueError(f"limit is {limit}; 0 to {limits.HISTORY_EVENTS} are allowed")
        if not self._url or limit == 0:
            return self._window.find(event_type, stream_id, execution_id, limit)
        made = await self._until_open()
        kind = text(event_type) if event_type else None
        found = [from_wire(line) for line in await made.history(kind, stream_id or None, execution_id or None, limit)]
        return [event for event in found if matches(event, event_type, stream_id, execution_id)]

    async def stats(self) -> dict[str, Any]:
        """Counts of the log; without a log those of the window."""
        self._check_open()
        if not self._url:
            return self.get_stats()
        made = await self._until_open()
        return {**await made.stats(), "subscriptions": len(self._registry)}

    async def wait_for(
        self,
        event_type: EventType,
        stream_id: str | None = None,
        node_id: str | None = None,
        execution_id: str | None = None,
        timeout: float | None = None,
    ) -> AgentEvent | None:
        """The next event that matches; None when `timeout` seconds are over before it comes."""
        self._check_open()
        self.open_soon()
        wanted = Subscription("", frozenset({text(event_type)}), _nothing, stream_id, node_id, execution_id)
        future = self._registry.wait(wanted)
        try:
            return await tasks.within(timeout or None, future)
        except TimeoutError:
            return None


async def _nothing(_: AgentEvent) -> None:
    return None


def _retrieve(task: asyncio.Task[None]) -> None:
    """Logs why a bus cannot be opened; whoever publishes gets the error too."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the bus is not connected: %s", error if isinstance(error, RunbusError) else repr(error))
