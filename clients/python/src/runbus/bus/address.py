"""Addresses: `RUNBUS_URL` decides where a bus publishes."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import InvalidArgument
from .gateway import GatewayTransport
from .transport import Transport


def transport(url: str) -> Transport:
    """The transport of an address, or of several with commas between them. Nothing connects yet."""
    urls = [one.strip() for one in url.split(",") if one.strip()]
    schemes = {urlsplit(one).scheme for one in urls}
    if schemes and schemes <= {"http", "https"}:
        return GatewayTransport(urls)
    if schemes and schemes <= {"nats", "tls"}:
        try:
            from .nats import NatsTransport
        except ImportError as error:
            raise ImportError("a bus on NATS needs the package nats-py: pip install 'runbus[nats]'") from error
        return NatsTransport(urls)
    raise InvalidArgument(f"{url!r} is no address: write nats://HOST:PORT or http://HOST:PORT", path="RUNBUS_URL")
