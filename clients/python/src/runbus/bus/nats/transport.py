"""Publishing to NATS, and everything that a bus asks of it."""

from __future__ import annotations

import asyncio
import heapq
import json
import logging
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from nats.aio.msg import Msg

from ... import frames, ids, tasks
from ...errors import Forbidden, InvalidArgument, RunbusError, TooLarge, Unavailable
from ..transport import Deliver, Returned
from . import limits
from .address import Address
from .follow import Follower
from .link import Link
from .log import RETRYABLE, Bounds, Log, Stored

log = logging.getLogger("runbus.bus")
T = TypeVar("T")

RESERVED_TYPES = frozenset(
    {"session_closed", "session_dead_lettered", "dead_letter_retried", "webhook_failed", "subscribed", "snapshot", "caught_up", "gap", "undecodable", "closed"}
)
"""Types that only Runbus publishes."""

_IN_PROCESS = (10158, 10164)
"""The same message, or another one of its subject, is under way."""

_STORED = re.compile(rb'\{"stream": ?"[^"\\]*", ?(?:"domain": ?"[^"\\]*", ?)?"seq": ?[1-9][0-9]*\}')
"""The usual acknowledgement: no error, no repeat."""


@dataclass(eq=False)
class _Sent:
    """An own event that has not come back."""

    __slots__ = ("event", "frame", "payload", "subject")

    event: dict[str, Any]
    subject: str
    frame: str
    payload: bytes

    @property
    def size(self) -> int:
        """Bytes, with those of the objects around them."""
        return len(self.payload) + 1024


class NatsTransport:
    """A transport on NATS."""

    def __init__(self, urls: list[str]) -> None:
        self._address = Address.parse(urls)
        self._link = Link(self._address, self._suspect)
        self._log = Log(self._link, self._address)
        self._counts: tuple[int, ...] = ()
        self._live: asyncio.Queue[tuple[Mapping[str, str], bytes]] = asyncio.Queue(limits.LIVE_MESSAGES)
        self._sent: dict[str, _Sent] = {}
        self._sent_bytes = 0
        self._returned: Returned = lambda _: False
        self._follower: Follower | None = None
        self._task: asyncio.Task[None] | None = None

    # Life

    async def open(self, deliver: Deliver, returned: Returned, newest: int) -> list[Mapping[str, Any]]:
        """See `Transport`."""
        self._returned = returned
        await self._link.open()
        prefix = self._address.prefix
        await self._link.listen(f"{prefix}.live.*.*.*.*.*", self._hear)
        bounds = await self._patiently(self._all_bounds)
        # Frames stored from these bounds on are delivered; earlier ones are history.
        self._follower = Follower(self._log, deliver, self._comes_back, bounds)
        recent: list[Mapping[str, Any]] = await self._patiently(lambda: self._newest(bounds, newest)) if newest else []
        self._task = asyncio.create_task(self._follower.run(self._live))
        return recent

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await work()
            except RETRYABLE as error:
                log.debug("NATS does not answer: %r", error)
                await asyncio.sleep(limits.RETRY_MAX_S)

    async def _all_bounds(self) -> dict[int, Bounds]:
        total = sum(self._address.shards) if self._address.shards else None
        found: dict[int, Bounds] = {}
        # Each answer comes from a stream's leader, which has the subscription by then.
        while len(found) < (limits.SHARDS if total is None else total):
            try:
                bounds = await self._log.bounds(len(found))
            except Forbidden:
                # Users may ask for the streams that there are.
                if total is not None or not found:
                    raise
                bounds = None
            if bounds is None:
                break
            found[len(found)] = bounds
        if not found or (total is not None and len(found) < total):
            raise Unavailable(f"there is no stream {self._address.stream(len(found))}: start a gateway or worker of Runbus once, or name `shards`")
        self._counts = self._address.shards or (len(found),)
        return found

    def _suspect(self) -> None:
        if self._follower is not None:
            self._follower.suspect()

    async def _hear(self, message: Msg) -> None:
        headers = message.headers
        if headers is None or (self._follower is not None and self._live.empty() and self._follower.take_own(headers, message.data)):
            return
        try:
            self._live.put_nowait((headers, message.data))
        except asyncio.QueueFull:
            self._suspect()
        if self._follower is not None:
            self._follower.fed()

    async def close(self) -> None:
        """See `Transport`."""
        if self._task is not None:
            await tasks.end(self._task)
        await self._link.close()

    # Publishing

    async def publish(self, event: dict[str, Any], line: bytes, seen: asyncio.Future[None], end: float) -> None:
        """See `Transport`."""
        _check_reserved(event)
        payload = line
        execution = ids.encode(event.get("execution_id"))
        shard = ids.shard(execution, self._counts)
        subject = f"{self._address.prefix}.ext.{shard}.{ids.encode(event['stream_id'])}.{ids.encode(event.get('node_id'))}.{execution}"
        frame, message_id = frames.header(payload), frames.message_id(str(event["id"]), subject)
        headers = {frames.HEADER: frame, "Nats-Expected-Stream": self._address.stream(shard), "Nats-Msg-Id": message_id}
        if len(payload) + 512 > self._link.client.max_payload:
            raise TooLarge(f"has {len(payload)} bytes; the server takes {self._link.client.max_payload - 512}", path="event")
        sent = self._sent_now(message_id, _Sent(event, subject, frame, payload))
        try:
            await self._until_stored(shard, subject, sent, headers, seen, end)
        except BaseException:
            # Should the event come back, it is delivered like those of others.
            self._forget(message_id, sent)
            raise
        if seen.done():
            self._forget(message_id, sent)

    async def _until_stored(self, shard: int, subject: str, sent: _Sent, headers: dict[str, str], seen: asyncio.Future[None], end: float) -> None:
        loop = asyncio.get_running_loop()
        pause = limits.RETRY_MIN_S
        while not seen.done():
            left = end - loop.time()
            if left <= 0:
                raise TimeoutError
            try:
                answer = await self._link.request(subject, sent.payload, headers, seen, min(left, limits.REQUEST_S))
                if answer is None or _STORED.fullmatch(answer.data) or await tasks.within(left, self._is_stored(answer, shard, subject, sent.event, headers)):
                    return
                continue
            except RETRYABLE as error:
                log.debug("an event is not acknowledged: %r", error)
            # A message that is under way is answered soon; the same id makes the repeat harmless.
            await asyncio.wait([seen], timeout=max(0.0, min(random.uniform(pause / 2, pause), end - loop.time())))
            pause = min(pause * 2, limits.RETRY_MAX_S)

    async def _is_stored(self, answer: Msg, shard: int, subject: str, event: dict[str, Any], headers: dict[str, str]) -> bool:
        found: dict[str, Any] = json.loads(answer.data)
        error = found.get("error")
        if error:
            message = f"NATS: {error.get('description')}"
            if error.get("err_code") in _IN_PROCESS or error.get("code") in (408, 429, 500, 503):
                raise Unavailable(message)
            raise TooLarge(message) if error.get("err_code") == 10054 else RunbusError(message)
        if found.get("duplicate") and not await self._is_own(shard, found["seq"], subject, str(event["id"])):
            # Publishers choose their message ids freely; ours is taken by another message.
            headers["Nats-Msg-Id"] = ids.uuid7()
            return False
        return True

    async def _is_own(self, shard: int, place: int, subject: str, event_id: str) -> bool:
        found = await self._log.at(shard, place)
        return found is None or ((found.headers or {}).get("Nats-Subject") == subject and event_id.encode() in found.data)

    # Own events that come back

    def _sent_now(self, message_id: str, sent: _Sent) -> _Sent:
        before = self._sent.get(message_id)
        if before is not None:
            self._forget(message_id, before)
        self._sent[message_id] = sent
        self._sent_bytes += sent.size
        while self._sent_bytes > limits.SENT_BYTES:
            # The oldest go: an event that a lost acknowledgement made unknown may never come back.
            self._forget(*next(iter(self._sent.items())))
        return sent

    def _forget(self, message_id: str, sent: _Sent) -> None:
        if self._sent.get(message_id) is sent:
            del self._sent[message_id]
            self._sent_bytes -= sent.size

    def _comes_back(self, headers: Mapping[str, str], payload: bytes) -> bool:
        """Takes a stored message that is to the byte what this transport published, without decoding it again."""
        message_id = headers.get("Nats-Msg-Id", "")
        sent = self._sent.get(message_id)
        if sent is None or sent.payload != payload or sent.subject != headers.get("Nats-Subject") or sent.frame != headers.get(frames.HEADER):
            return False
        self._forget(message_id, sent)
        return self._returned(sent.event)

    # Reading

    async def _newest(self, bounds: Mapping[int, Bounds], count: int) -> list[Mapping[str, Any]]:
        shards = [self._backward(shard, found.last, found.first) for shard, found in bounds.items()]
        return (await _merge(shards, count))[::-1]

    async def _backward(self, shard: int, last: int, first: int) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Events of a shard, newest first, with the times at which the log took them."""
        high = last
        while high >= max(1, first):
            low = max(first, high - limits.PAGE_FRAMES // 2 + 1, 1)
            for found in reversed(await self._range(shard, low, high)):
                for event in reversed(found.events()):
                    if event["type"] != "undecodable":
                        yield found.time, event
            high = low - 1

    async def _range(self, shard: int, low: int, high: int) -> list[Stored]:
        found: list[Stored] = []
        at = low
        while at <= high:
            page, is_all = await self._log.page(shard, at, high - at + 1)
            found += [one for one in page if one.place <= high]
            if is_all or not page:
                break
            at = page[-1].place + 1
        return found

    async def history(self, event_type: str | None, stream_id: str | None, execution_id: str | None, limit: int) -> list[Mapping[str, Any]]:
        """See `Transport`."""

        def is_wanted(event: dict[str, Any]) -> bool:
            wanted = (("type", event_type), ("stream_id", stream_id), ("execution_id", execution_id))
            return all(value is None or event.get(name) == value for name, value in wanted)

        async def filtered(shard: int, found: Bounds) -> AsyncIterator[tuple[str, dict[str, Any]]]:
            async for time, event in self._backward(shard, found.last, found.first):
                if is_wanted(event):
                    yield time, event

        bounds = await self._all_bounds()
        return await _merge([filtered(shard, found) for shard, found in bounds.items()], limit)

    async def stats(self) -> dict[str, Any]:
        """See `Transport`. Reads the whole log."""
        by_type: Counter[str] = Counter()
        bounds = await self._all_bounds()
        for shard, found in bounds.items():
            async for _, event in self._backward(shard, found.last, found.first):
                by_type[event["type"]] += 1
        return {"total_events": sum(by_type.values()), "events_by_type": dict(by_type), "bytes": sum(found.bytes for found in bounds.values())}


async def _merge(shards: list[AsyncIterator[tuple[str, dict[str, Any]]]], limit: int) -> list[Mapping[str, Any]]:
    """The newest events of several shards, newest first."""
    heads: list[tuple[_Newest, int, dict[str, Any]]] = []

    async def advance(number: int) -> None:
        async for time, event in shards[number]:
            heapq.heappush(heads, (_Newest(time), number, event))
            return

    for number in range(len(shards)):
        await advance(number)
    found: list[Mapping[str, Any]] = []
    while heads and len(found) < limit:
        _, number, event = heapq.heappop(heads)
        found.append(event)
        await advance(number)
    return found


class _Newest:
    """Orders times of the log with the newest first. The server leaves out trailing zeros of a fraction."""

    __slots__ = ("key",)

    def __init__(self, time: str) -> None:
        whole, _, fraction = time.rstrip("Z").partition(".")
        self.key = (whole, fraction.ljust(9, "0"))

    def __lt__(self, other: _Newest) -> bool:
        return self.key > other.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Newest) and self.key == other.key


def _check_reserved(event: Mapping[str, Any]) -> None:
    if event["type"] in RESERVED_TYPES:
        raise InvalidArgument(f"{event['type']} is Runbus's own", path="event.type")
    if str(event["stream_id"]).startswith(("runbus.", "runbus/")):
        raise InvalidArgument("streams that begin with runbus. or runbus/ are Runbus's own", path="event.stream_id")
    if str(event.get("execution_id") or "").startswith("runbus/"):
        raise InvalidArgument("executions that begin with runbus/ are Runbus's own", path="event.execution_id")
