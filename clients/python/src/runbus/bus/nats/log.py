"""Reading a shard: pages by batched direct get, bounds by the stream's leader."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nats.errors
from nats.aio.msg import Msg

from ... import frames
from ...errors import Forbidden, RunbusError, Unavailable
from . import limits
from .address import Address
from .link import Link, status

RETRYABLE = (asyncio.TimeoutError, OSError, nats.errors.Error, Unavailable)
"""An error that the next try may avoid."""


@dataclass(frozen=True)
class Bounds:
    """The bounds of a shard."""

    created: str
    first: int
    last: int
    bytes: int
    messages: int


@dataclass(frozen=True)
class Stored:
    """A stored message."""

    place: int
    headers: Mapping[str, str]
    payload: bytes

    @property
    def time(self) -> str:
        """The time at which the log took it."""
        return self.headers.get("Nats-Time-Stamp", "")

    def events(self) -> list[dict[str, Any]]:
        """Its events, decoded by each call."""
        topic = frames.Topic.parse(self.headers.get("Nats-Subject", ""))
        frame = frames.read(self.payload, topic is not None and topic.lane == "ext", self.headers.get(frames.HEADER))
        return list(frames.events(frame, topic, self.place, self.payload))


def stored(headers: Mapping[str, str], payload: bytes) -> Stored | None:
    """A message of the live feed, or an answer of a direct get; None: it was never stored."""
    place = headers.get("Nats-Sequence", "")
    return Stored(int(place), headers, payload) if place.isdigit() and "Nats-Subject" in headers else None


class Log:
    """The shards of one deployment."""

    def __init__(self, link: Link, address: Address) -> None:
        self._link, self._address = link, address

    async def bounds(self, shard: int) -> Bounds | None:
        """Asks the leader; None: there is no such shard."""
        answer = await self._link.request(f"$JS.API.STREAM.INFO.{self._address.stream(shard)}", b"")
        found: dict[str, Any] = json.loads(answer.data) if answer else {}
        error = found.get("error")
        if error:
            if error.get("code") == 404:
                return None
            raise _of_api(error)
        state = found["state"]
        return Bounds(found["created"], state["first_seq"], state["last_seq"], state["bytes"], state["messages"])

    async def page(self, shard: int, place: int, most: int = limits.PAGE_FRAMES) -> tuple[list[Stored], bool]:
        """Messages from a place on, and whether these are all that the answering replica has."""
        request = {"seq": max(1, place), "next_by_subj": ">", "batch": most, "max_bytes": limits.PAGE_BYTES}
        answers = await self._link.request_many(f"$JS.API.DIRECT.GET.{self._address.stream(shard)}", json.dumps(request).encode())
        found: list[Stored] = []
        before = "0"
        for answer in answers:
            headers = answer.headers or {}
            code = status(answer)
            if code == "404":
                return [], True
            if code == "503":
                raise nats.errors.NoRespondersError
            if code not in (None, "204"):
                raise Unavailable(f"direct get: {code} {headers.get('Description', '')}")
            # Each answer names the one before it.
            if headers.get("Nats-Last-Sequence", "0") != before:
                raise Unavailable("an answer is missing in a batch")
            if code == "204":
                if "Nats-Num-Pending" not in headers:
                    raise RunbusError("the server has no batched direct get: NATS 2.11 or later is needed")
                return found, headers["Nats-Num-Pending"] == "0"
            one = stored(headers, answer.data)
            if one is None:
                raise Unavailable("an answer has no place")
            before = headers["Nats-Sequence"]
            found.append(one)
        raise Unavailable("a batch has no end")

    async def at(self, shard: int, place: int) -> Msg | None:
        """One message; None: it is not there."""
        answer = await self._link.request(f"$JS.API.DIRECT.GET.{self._address.stream(shard)}", json.dumps({"seq": place}).encode())
        return None if answer is None or status(answer) is not None else answer


def _of_api(error: dict[str, Any]) -> RunbusError:
    message = f"NATS: {error.get('description')}"
    return Unavailable(message) if error.get("code") in (408, 429, 500, 503) else Forbidden(message) if error.get("code") == 403 else RunbusError(message)
