"""Subscriptions: events from history to live, across lost connections, without gap or duplicate."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from typing_extensions import Self

from . import ids, limits, tasks
from .errors import Closed, InvalidArgument
from .feed import SUB, Feed
from .items import ABOUT, CaughtUp, Gap, Item, SnapshotItem, decode_event

log = logging.getLogger("runbus")

Since = Literal["new", "all", "snapshot"] | str
"""Where to begin: `new`, `all`, `snapshot`, or a cursor."""


@dataclass(frozen=True)
class Filter:
    """Which events; an absent field means any. A cursor belongs to a filter's stream, node and execution."""

    stream_id: str | None = None
    node_id: str | None = None
    execution_id: str | None = None
    types: tuple[str, ...] = ()
    after: datetime | None = None
    before: datetime | None = None

    def __post_init__(self) -> None:
        ids.check_all(stream_id=self.stream_id, node_id=self.node_id, execution_id=self.execution_id)
        for name, time in (("after", self.after), ("before", self.before)):
            if time is not None and time.tzinfo is None:
                raise InvalidArgument("has no time zone", path=name)

    def fields(self) -> dict[str, Any]:
        """The fields that are present."""
        found: dict[str, Any] = {name: value for name in ("stream_id", "node_id", "execution_id") if (value := getattr(self, name)) is not None}
        if self.types:
            found["types"] = list(self.types)
        for name in ("after", "before"):
            if (time := getattr(self, name)) is not None:
                found[name] = time.isoformat()
        return found


@dataclass(frozen=True)
class Options:
    """How a subscription is served."""

    coalesce: bool | None = None
    batch: int | None = None
    presence: bool = False
    label: str | None = None

    def fields(self) -> dict[str, Any]:
        """The fields that differ from the defaults."""
        found: dict[str, Any] = {name: value for name in ("coalesce", "batch", "label") if (value := getattr(self, name)) is not None}
        return {**found, "presence": True} if self.presence else found


class _Memory:
    """Recent lines, to recognise what a gateway sends again after a reconnect."""

    def __init__(self) -> None:
        self.recent: deque[dict[str, Any]] = deque(maxlen=limits.REMEMBERED_ITEMS)
        self.known: set[tuple[Any, ...]] = set()
        self._fresh = 0

    def reconnected(self) -> None:
        """The next lines may be known."""
        self.known = {_key(line) for line in self.recent}
        self._fresh = 0

    def is_new(self, line: dict[str, Any]) -> bool:
        """Whether a line behind a reconnect was not received before it."""
        if _key(line) in self.known:
            return False
        self._fresh += 1
        if self._fresh > limits.REMEMBERED_ITEMS:
            self.known = set()
        return True


def _key(line: dict[str, Any]) -> tuple[Any, ...]:
    return (line.get("seq"), line.get("id") or line.get("line"), line.get("execution_id"), line.get("stream_id"), line.get("node_id"))


class Subscription(Feed):
    """An async iterator of items. `cursor` is the position behind the last item that the iterator returned."""

    def __init__(self, filter: Filter, since: Since, options: Options, **feed: Any) -> None:
        super().__init__(**feed)
        if since == "":
            raise InvalidArgument("is empty: write new, all, snapshot or a cursor", path="since")
        if since == "snapshot" and filter.execution_id is None:
            raise InvalidArgument("snapshot needs an execution", path="since")
        self.filter, self._since, self._options = filter, since, options
        self.cursor: str | None = None if since in ("new", "all", "snapshot") else since
        self._received = self.cursor
        self._ready: deque[Item | dict[str, Any]] = deque()
        self._memory = _Memory()
        self._is_caught_up = False
        self._last_gap: Gap | None = None

    def _request(self) -> dict[str, Any]:
        since: Any = self._since if self._received is None else {"cursor": self._received}
        self._memory.reconnected()
        return {"type": "subscribe", "id": SUB, "filter": self.filter.fields(), "since": since, **self._options.fields()}

    def _take(self, message: dict[str, Any]) -> bool:
        kind = message["type"]
        if kind == "events":
            lines: list[Any] = message["events"]
            if not all(isinstance(line, dict) for line in lines):
                raise TypeError("an event is no object")
            self._put(lines)
        elif kind == "subscribed":
            # Events since then count also when the connection breaks before the first one comes.
            if self._received is None and self._since != "snapshot":
                self._received = message.get("cursor")
        elif kind == "undecodable":
            self._put([message])
        elif kind == "gap":
            gap = Gap.model_validate(message)
            # A reconnect behind a gap reports it again until the next event moves the cursor.
            if self._last_gap is None or (gap.requested, gap.first_available) != (self._last_gap.requested, self._last_gap.first_available):
                self._ready.append(gap)
            self._last_gap = gap
        elif kind == "caught_up":
            if not self._is_caught_up:
                self._is_caught_up = True
                self._ready.append(CaughtUp())
        elif kind == "snapshot":
            self._received = message["cursor"]
            self._ready.append(ABOUT[kind].model_validate(message))  # pyright: ignore[reportArgumentType]
        elif kind in ABOUT:
            self._ready.append(ABOUT[kind].model_validate(message))  # pyright: ignore[reportArgumentType]
        else:
            return False
        return True

    def _put(self, lines: list[dict[str, Any]]) -> None:
        memory = self._memory
        if memory.known:
            lines = [line for line in lines if memory.is_new(line)]
        if lines:
            memory.recent.extend(lines)
            self._last_gap = None
            self._received = lines[-1].get("cursor", self._received)
            self._ready.extend(lines)

    async def start_over(self) -> None:
        """Forgets the position: the next connection begins with `since` again."""
        await self._drop()
        self._received = self.cursor = None
        self._ready.clear()
        self._memory = _Memory()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        # Most items are there already: they cost no further coroutine.
        raw = self._next() if self._ready and not self._is_closed else await self.next_raw()
        return decode_event(raw) if isinstance(raw, dict) else raw

    async def next_raw(self) -> Item | dict[str, Any]:
        """The next item; events as JSON objects, as the gateway sent them."""
        if self._is_closed:
            raise Closed("the subscription was closed")
        while not self._ready:
            try:
                await self._pull()
            except Closed:
                raise StopAsyncIteration from None
        return self._next()

    def _next(self) -> Item | dict[str, Any]:
        item = self._ready.popleft()
        cursor = item.get("cursor") if isinstance(item, dict) else item.cursor if isinstance(item, SnapshotItem) else None
        if cursor is not None:
            self.cursor = cursor
        return item

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


Handler = Callable[[Item], Awaitable[None]]
"""Takes one item after the other."""


def check_handler(handler: object) -> None:
    """Raises `TypeError` unless the handler is async."""
    call = getattr(handler, "__call__", None)  # noqa: B004
    if not (inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(handler, "func", None))):
        raise TypeError(f"handler {handler!r} is not async: write `async def`")


class Listener:
    """A subscription whose items a handler takes, one after the other, in a task."""

    def __init__(self, subscription: Subscription, handler: Handler) -> None:
        self.subscription = subscription
        self._task = asyncio.create_task(self._run(handler))

    async def _run(self, handler: Handler) -> None:
        try:
            async for item in self.subscription:
                await handler(item)
        finally:
            await self.subscription.aclose()

    def when_done(self, call: Callable[[Listener], object]) -> None:
        """Calls a function when the listener has ended."""
        self._task.add_done_callback(lambda _: call(self))

    async def wait(self) -> None:
        """Returns when the listener was closed; raises the error that ended it."""
        await asyncio.shield(self._task)

    async def aclose(self) -> None:
        """Ends the subscription, and the handler that runs."""
        await self.subscription.aclose()
        if self._task is not asyncio.current_task():
            await tasks.end(self._task)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
