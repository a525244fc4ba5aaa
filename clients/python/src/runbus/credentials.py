"""The credential of a client, and fresh ones."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from .errors import InvalidArgument

TokenSource = Callable[[], "str | Awaitable[str]"]
"""Returns a fresh credential. May be async."""


class Credentials:
    """One credential for all connections of a client. Several callers that need a fresh one share one call of `get_token`."""

    def __init__(self, token: str | None, get_token: TokenSource | None) -> None:
        if token is not None and get_token is not None:
            raise InvalidArgument("give `token` or `get_token`, not both", path="token")
        self._token, self._source = token, get_token
        self._lock = asyncio.Lock()

    @property
    def can_refresh(self) -> bool:
        """Whether fresh credentials exist."""
        return self._source is not None

    async def current(self) -> str | None:
        """The credential to use; None: the client has none."""
        if self._source is None:
            return self._token
        return await self.fresh(None) if self._token is None else self._token

    async def fresh(self, instead_of: str | None) -> str | None:
        """Another credential than `instead_of`."""
        async with self._lock:
            if self._source is not None and self._token == instead_of:
                found = self._source()
                self._token = await found if inspect.isawaitable(found) else found
            return self._token

    async def headers(self) -> tuple[dict[str, str], str | None]:
        """The headers of a request, and the credential in them."""
        token = await self.current()
        return ({"authorization": f"Bearer {token}"} if token else {}), token
