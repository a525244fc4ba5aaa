"""A reader of everything that misses nothing.

The live feed is a hint that may lose messages. A message of it is taken as it is when its place follows the last one of its shard; else
the log is read up to it. Losses that no later message reveals are found by looks into the log: soon after the start and after every
doubt, then now and then.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..transport import Deliver
from . import limits
from .log import RETRYABLE, Bounds, Log, Stored, stored

log = logging.getLogger("runbus.bus")


Headers = Mapping[str, str]


@dataclass
class _Shard:
    created: str
    next: int
    wanted: int | None = None
    """A read is needed, up to this place; 0: to the end."""
    stale_reads: int = 0


class Follower:
    """Reads all shards from where it was started, for ever."""

    def __init__(self, source: Log, deliver: Deliver, is_own: Callable[[Headers, bytes], bool], bounds: Mapping[int, Bounds]) -> None:
        """`is_own` takes a message that was published by this process as it is; False: its events are to be delivered."""
        self._log, self._deliver, self._is_own = source, deliver, is_own
        self._shards = {shard: _Shard(found.created, found.last + 1) for shard, found in bounds.items()}
        self._is_suspect = False
        self._idle: asyncio.Future[None] | None = None
        """Ends when there is something to do. None: the follower is at work."""
        self._probes = 0
        self._probe_at = time.monotonic() + limits.PROBES_S[0]

    def place(self, shard: int) -> int:
        """Everything up to this place has been delivered."""
        return self._shards[shard].next - 1

    def suspect(self) -> None:
        """Messages of the live feed may be lost."""
        self._is_suspect = True
        self.fed()

    async def run(self, live: asyncio.Queue[tuple[Headers, bytes]]) -> None:
        """Delivers until it is cancelled."""
        pause = limits.RETRY_MIN_S
        while True:
            try:
                if self._is_suspect:
                    self._is_suspect = False
                    try:
                        await self._check_bounds()
                    except BaseException:
                        self._is_suspect = True
                        raise
                    self._probes = 0
                    self._look()
                await self._read_wanted()
                pause = limits.RETRY_MIN_S
                await self._take_live(live)
            except RETRYABLE as error:
                log.debug("the log does not answer: %r", error)
                await asyncio.sleep(random.uniform(pause / 2, pause))
                pause = min(pause * 2, limits.RETRY_MAX_S)

    async def _take_live(self, live: asyncio.Queue[tuple[Headers, bytes]]) -> None:
        """Takes messages until a read is needed."""
        while not self._is_suspect and all(shard.wanted is None for shard in self._shards.values()):
            if live.empty():
                left = self._probe_at - time.monotonic()
                if left <= 0:
                    self._look()
                    return
                await self._rest(left)
                continue
            headers, payload = live.get_nowait()
            found = stored(headers, payload)
            shard = self._shard_of(headers)
            if found is None or shard is None or found.place < shard.next:
                continue
            if found.place == shard.next:
                await self._give(shard, found)
            else:
                shard.wanted = found.place

    async def _rest(self, seconds: float) -> None:
        """Waits for the live feed, for a doubt, or for the time to be over. Unlike a bounded wait for an event this starts no task."""
        loop = asyncio.get_running_loop()
        self._idle = loop.create_future()
        timer = loop.call_later(seconds, self.fed)
        try:
            await self._idle
        finally:
            self._idle = None
            timer.cancel()

    def fed(self) -> None:
        """The live feed has a message."""
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def take_own(self, headers: Headers, payload: bytes) -> bool:
        """Takes a message of the live feed at once: an own event that comes back, while nothing else is to be done before it."""
        if self._idle is None or self._idle.done():
            return False
        shard = self._shard_of(headers)
        if shard is None or headers.get("Nats-Sequence") != str(shard.next) or not self._is_own(headers, payload):
            return False
        shard.next += 1
        return True

    def _shard_of(self, headers: Headers) -> _Shard | None:
        tokens = headers.get("Nats-Subject", "").split(".", 3)
        return self._shards.get(int(tokens[2])) if len(tokens) > 2 and tokens[2].isdigit() else None

    async def _give(self, shard: _Shard, found: Stored) -> None:
        if self._is_own(found.headers, found.payload):
            shard.next = found.place + 1
            return
        for event in found.events():
            if event["type"] == "undecodable":
                log.warning("a line of the log is no event: %s", event["reason"])
            else:
                await self._deliver(event)
        shard.next = found.place + 1

    def _look(self) -> None:
        for shard in self._shards.values():
            shard.wanted = shard.wanted or 0
        bound = limits.PROBES_S[min(self._probes, len(limits.PROBES_S) - 1)]
        self._probes += 1
        self._probe_at = time.monotonic() + bound * random.uniform(0.75, 1.25)

    async def _read_wanted(self) -> None:
        for number, shard in self._shards.items():
            while shard.wanted is not None:
                await self._read(number, shard)

    async def _read(self, number: int, shard: _Shard) -> None:
        page, is_all = await self._log.page(number, shard.next)
        if page and page[0].place > shard.next:
            # Retention, or somebody with the right to remove messages, was faster.
            bounds = await self._log.bounds(number)
            if bounds is not None and bounds.first > shard.next:
                log.error("shard %d: places %d to %d are gone before the bus could read them", number, shard.next, bounds.first - 1)
        for found in page:
            if found.place >= shard.next:
                await self._give(shard, found)
        if not is_all:
            return
        if not shard.wanted or shard.next > shard.wanted:
            shard.wanted, shard.stale_reads = None, 0
            return
        # The replica that answered lags behind the live feed.
        shard.stale_reads += 1
        if shard.stale_reads >= limits.STALE_READS:
            shard.stale_reads = 0
            await self._check(number, shard)
            if shard.wanted < shard.next:
                shard.wanted = 0
        await asyncio.sleep(limits.RETRY_MIN_S)

    async def _check_bounds(self) -> None:
        for number, shard in self._shards.items():
            await self._check(number, shard)

    async def _check(self, number: int, shard: _Shard) -> None:
        """Notices a log that was deleted and made again, or that lost its end, or whose messages were removed."""
        bounds = await self._log.bounds(number)
        if bounds is None:
            return
        if bounds.created != shard.created or bounds.last + 1 < shard.next:
            log.error("shard %d is another log, or lost its end: the bus goes on at its beginning", number)
            shard.created, shard.next, shard.wanted = bounds.created, bounds.first, 0
        elif bounds.first > shard.next:
            log.error("shard %d: places %d to %d are gone before the bus could read them", number, shard.next, bounds.first - 1)
            shard.next = bounds.first
            shard.wanted = 0
