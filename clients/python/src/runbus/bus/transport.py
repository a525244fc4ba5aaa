"""Where a durable bus publishes and reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

Deliver = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Takes the next event of the log, as an envelope."""

Returned = Callable[[Mapping[str, Any]], bool]
"""Takes an event that comes back from the log as this transport published it. False: it is to be delivered like those of others."""


class Transport(Protocol):
    """A log that processes share."""

    async def open(self, deliver: Deliver, returned: Returned, newest: int) -> list[Mapping[str, Any]]:
        """Connects and begins to deliver what is stored from now on. The newest events of before, oldest first. Waits while the log does not answer."""
        ...

    async def publish(self, event: dict[str, Any], line: bytes, seen: asyncio.Future[None], end: float) -> None:
        """Returns when the event is durable, or when `seen` is done: then the log has delivered it. Tries again while the log does not answer.

        Raises `TimeoutError` at `end`, a time of the running loop.
        """
        ...

    async def history(self, event_type: str | None, stream_id: str | None, execution_id: str | None, limit: int) -> list[Mapping[str, Any]]:
        """Stored events, newest first."""
        ...

    async def stats(self) -> dict[str, Any]:
        """`total_events`, `events_by_type`, `bytes` of the log."""
        ...

    async def close(self) -> None:
        """Ends everything."""
        ...
