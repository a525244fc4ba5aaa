"""The bus over a gateway: publishing by REST, one WebSocket for everything that others publish."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import Any

from .. import tasks
from ..client import Client
from ..errors import Closed, RunbusError
from ..items import CaughtUp, Gap, UnknownEvent
from ..subscription import Subscription
from .transport import Deliver, Returned

log = logging.getLogger("runbus.bus")


class GatewayTransport:
    """A transport over one or several gateways. `RUNBUS_TOKEN` is the key or token to use."""

    def __init__(self, urls: list[str]) -> None:
        self._client = Client(urls, token=os.environ.get("RUNBUS_TOKEN") or None)
        self._feed: Subscription | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self, deliver: Deliver, returned: Returned, newest: int) -> list[Mapping[str, Any]]:
        """See `Transport`."""
        self._feed = self._client.subscribe(since="new")
        # Everything that is stored from here on comes; what was stored before is read.
        while not isinstance(await self._feed.next_raw(), CaughtUp):
            pass
        recent = await self._read(newest, {}) if newest else []
        self._task = asyncio.create_task(self._follow(self._feed, deliver))
        return recent[::-1]

    async def _follow(self, feed: Subscription, deliver: Deliver) -> None:
        try:
            while True:
                item = await feed.next_raw()
                if isinstance(item, dict) and item.get("type") != "undecodable":
                    await deliver(item)
                elif isinstance(item, Gap):
                    log.error("events are gone before the bus could read them: %s", item.reason)
                elif isinstance(item, dict):
                    log.warning("a line of the log is no event: %s", item.get("reason"))
        except (Closed, StopAsyncIteration):
            return
        except RunbusError as error:
            log.error("the bus gets no more events of other processes: %s", error)

    async def publish(self, event: dict[str, Any], line: bytes, seen: asyncio.Future[None], end: float) -> None:
        """See `Transport`."""
        await tasks.within(max(0.001, end - asyncio.get_running_loop().time()), self._client.publish(event))

    async def history(self, event_type: str | None, stream_id: str | None, execution_id: str | None, limit: int) -> list[Mapping[str, Any]]:
        """See `Transport`."""
        return await self._read(limit, {"types": [event_type] if event_type else (), "stream_id": stream_id, "execution_id": execution_id})

    async def _read(self, limit: int, filter: dict[str, Any]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        cursor: str | None = None
        while len(found) < limit:
            page = await self._client.history(limit=min(1000, limit - len(found)), cursor=cursor, **filter)
            for event in page.events:
                line = event.model_dump(mode="json", exclude_unset=True)
                if isinstance(event, UnknownEvent) or event.type != "undecodable":
                    found.append(line)
            cursor = page.next
            if cursor is None:
                break
        return found

    async def stats(self) -> dict[str, Any]:
        """See `Transport`."""
        found = await self._client.stats()
        return {"total_events": found.events, "events_by_type": dict(found.by_type), "bytes": found.bytes}

    async def close(self) -> None:
        """See `Transport`."""
        if self._task is not None:
            await tasks.end(self._task)
        await self._client.aclose()
