"""The addresses of a client's gateways."""

from __future__ import annotations

import random
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from . import limits
from .errors import InvalidArgument


class Gateways:
    """A list of equivalent gateways. Clients begin at a random one and move on when one fails."""

    def __init__(self, url: str | Sequence[str]) -> None:
        urls = [url] if isinstance(url, str) else list(url)
        if not 1 <= len(urls) <= limits.GATEWAYS:
            raise InvalidArgument(f"has {len(urls)} addresses; 1 to {limits.GATEWAYS} are allowed", path="url")
        self.urls = [self._parse(one) for one in urls]
        self._at = random.randrange(len(self.urls))

    @staticmethod
    def _parse(url: str) -> str:
        parts = urlsplit(url)
        scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
        if scheme not in ("http", "https") or not parts.hostname:
            raise InvalidArgument(f"{url!r} is no address: write http://HOST:PORT or https://HOST", path="url")
        return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/"), "", ""))

    @property
    def current(self) -> str:
        """The gateway to use."""
        return self.urls[self._at]

    def move_on(self, failed: str) -> None:
        """The next gateway, unless another caller has moved on from `failed` already."""
        if self.current == failed:
            self._at = (self._at + 1) % len(self.urls)


def websocket(url: str) -> str:
    """The WebSocket's address of a gateway."""
    return "ws" + url[len("http") :] + "/v1/ws"
