"""A reader of everything that misses nothing.

The live feed is a hint that may lose messages. A message of it is taken as it is when its place follows the last one of its shard; else
the log is read up to it. Losses that no later message reveals are found by looks into the log: soon after the start and after every
doubt, then now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from ... import tasks
from ..transport import Deliver
from . import limits
from .log import RETRYABLE, Bounds, Log, Stored, stored

log = logging.getLogger("runbus.bus")


@dataclass
class _Shard:
    created: str
    next: int
    wanted: int | None = None
    """A read is needed, up to this place; 0: to the end."""
    stale_reads: int = 0


class Follower:
    """Reads all shards from where it was started, for ever."""

    def __init__(self, source: Log, deliver: Deliver, bounds: Mapping[int, Bounds]) -> None:
        self._log, self._deliver = source, deliver
        self._shards = {shard: _Shard(found.created, found.last + 1) for shard, found in bounds.items()}
        self._is_suspect = False
        self._wake = asyncio.Event()
        self._probes = 0
        self._probe_at = time.monotonic() + limits.PROBES_S[0]

    def place(self, shard: int) -> int:
        """Everything up to this place has been delivered."""
        return self._shards[shard].next - 1

    def suspect(self) -> None:
        """Messages of the live feed may be lost."""
        self._is_suspect = True
        self._wake.set()

    async def run(self, live: asyncio.Queue[tuple[Mapping[str, str], bytes]]) -> None:
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

    async def _take_live(self, live: asyncio.Queue[tuple[Mapping[str, str], bytes]]) -> None:
        """Takes messages until a read is needed."""
        while not self._is_suspect and all(shard.wanted is None for shard in self._shards.values()):
            if live.empty():
                left = self._probe_at - time.monotonic()
                if left <= 0:
                    self._look()
                    return
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    # The feed sets the event too: one thing to wait for.
                    await tasks.within(left, self._wake.wait())
                continue
            headers, payload = live.get_nowait()
            found = stored(headers, payload)
            tokens = headers.get("Nats-Subject", "").split(".")
            shard = self._shards.get(int(tokens[2])) if len(tokens) > 2 and tokens[2].isdigit() else None
            if found is None or shard is None or found.place < shard.next:
                continue
            if found.place == shard.next:
                await self._give(shard, found)
            else:
                shard.wanted = found.place

    def fed(self) -> None:
        """The live feed has a message."""
        self._wake.set()

    async def _give(self, shard: _Shard, found: Stored) -> None:
        for event in found.events:
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
