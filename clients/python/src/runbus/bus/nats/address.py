"""Addresses of NATS: `nats://user:password@host:4222?shards=4&prefix=rb`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit, urlunsplit

from ...errors import InvalidArgument
from . import limits


@dataclass(frozen=True)
class Address:
    """Servers of one cluster, and how Runbus names its streams there."""

    servers: list[str]
    prefix: str
    shards: tuple[int, ...] | None
    credentials: str | None
    inbox_prefix: str

    @classmethod
    def parse(cls, urls: list[str]) -> Address:
        """Values after `?` win over `RUNBUS_NATS_PREFIX`, `_SHARDS`, `_CREDENTIALS`, `_INBOX_PREFIX`."""
        query: dict[str, list[str]] = {}
        servers: list[str] = []
        for url in urls:
            parts = urlsplit(url)
            query |= parse_qs(parts.query)
            servers.append(urlunsplit((parts.scheme, parts.netloc, "", "", "")))

        def value(name: str) -> str | None:
            return query.get(name, [""])[-1] or os.environ.get(f"RUNBUS_NATS_{name.upper()}") or None

        return cls(servers, value("prefix") or "rb", _shards(value("shards")), value("credentials"), value("inbox_prefix") or "_INBOX")

    def stream(self, shard: int) -> str:
        """The JetStream stream of a shard."""
        return f"{self.prefix.upper()}_EV_{shard}"


def _shards(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        counts = tuple(int(count) for count in text.split("+" if "+" in text else ","))
    except ValueError:
        counts = ()
    if not counts or min(counts) < 1 or sum(counts) > limits.SHARDS:
        raise InvalidArgument(f"{text!r}: write one number for each generation, 1 to {limits.SHARDS} over all", path="shards")
    return counts
