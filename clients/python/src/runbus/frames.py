"""Frames: one message of the log, one JSON object a line. The rules are in docs/subjects.md."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from . import ids, limits

FORMAT = 1
HEADER = "Rb-Frame"
SHOWN_BYTES = 32 * 1024
"""Bytes of a line that is no event that are shown."""


def header(payload: bytes, count: int = 1) -> str:
    """The header of a frame without an owner."""
    return f"v={FORMAT}, count={count}, crc32={zlib.crc32(payload):08x}"


def message_id(event_id: str, subject: str) -> str:
    """The `Nats-Msg-Id` of an event: the window for repeats is the stream's, the promise is the topic's."""
    return f"{event_id}-{zlib.crc32(subject.encode()):08x}"


@dataclass(frozen=True)
class Topic:
    """The names in the subject of an event."""

    prefix: str
    lane: str
    shard: int
    stream_id: str
    node_id: str | None
    execution_id: str | None

    @classmethod
    def parse(cls, subject: str) -> Topic | None:
        """The topic of a stored subject; None: it is no event's."""
        tokens = subject.split(".")
        if len(tokens) != 6 or tokens[1] not in ("ev", "ext") or not tokens[2].isdigit():
            return None
        stream = ids.decode(tokens[3])
        return None if stream is None else cls(tokens[0], tokens[1], int(tokens[2]), stream, ids.decode(tokens[4]), ids.decode(tokens[5]))


@dataclass(frozen=True)
class Frame:
    """A message as it was found."""

    lines: list[bytes]
    count: int
    is_external: bool
    index: int | None
    epoch: int | None
    damage: str | None


def read(payload: bytes, is_external_lane: bool, text: str | None) -> Frame:
    """Reads a stored message. The subject decides who may have written it; `text` is its `Rb-Frame`."""
    lines = [line for line in payload.split(b"\n") if line]
    if text is None:
        return Frame(lines, len(lines), True, None, None, None)
    members = dict(member.strip().split("=", 1) for member in text.split(",") if "=" in member)
    numbers = {name: _number(members.get(name), 32 if name in ("v", "count") else 64) for name in ("v", "count", "epoch", "index", "journal")}
    count = numbers["count"]
    is_owned = "epoch" in members and not is_external_lane
    damage: str | None = None
    if is_owned:
        damage = next((f"{name} is missing or malformed" for name in ("epoch", "index", "journal") if numbers[name] is None), None)
    sound_author = damage is None
    if damage is None:
        damage = _damage(payload, lines, members, numbers)
    index = numbers["index"] if is_owned and sound_author else None
    found = len(lines) if count is None else count
    if damage is None and index is not None and index + found >= 1 << 64:
        damage = "index is missing or malformed"
    # A header that does not say who wrote the frame leaves it to others.
    is_external = is_external_lane or (is_owned and not sound_author)
    return Frame(lines, found, is_external, index, numbers["epoch"] if index is not None else None, damage)


def _damage(payload: bytes, lines: list[bytes], members: Mapping[str, str], numbers: Mapping[str, int | None]) -> str | None:
    if numbers["count"] is None:
        return "count is missing or malformed"
    if numbers["v"] is None:
        return "v is missing or malformed"
    if numbers["v"] != FORMAT:
        return f"frame format {numbers['v']} is not known"
    checksum = members.get("crc32", "")
    if not 1 <= len(checksum) <= 8 or any(digit not in "0123456789abcdefABCDEF" for digit in checksum):
        return "crc32 is missing or malformed"
    expected, found = int(checksum, 16), zlib.crc32(payload)
    if expected != found:
        return f"checksum {found:08x} differs from {expected:08x}"
    if numbers["count"] != len(lines):
        return f"{len(lines)} lines instead of {numbers['count']}"
    return None


def _number(text: str | None, bits: int) -> int | None:
    if text is None or not text.isascii() or not text.removeprefix("+").isdigit():
        return None
    value = int(text)
    return value if value < 1 << bits else None


def events(frame: Frame, topic: Topic | None, place: int, payload: bytes) -> Iterator[dict[str, Any]]:
    """The events of a message as readers get them; what is no event as `undecodable`."""
    if frame.damage is not None or topic is None:
        yield _undecodable(payload, frame.damage or "the subject is no event's", _seq(frame, place, 0))
        return
    for at, line in enumerate(frame.lines):
        yield _event(line, frame, topic, _seq(frame, place, at))


def _seq(frame: Frame, place: int, at: int) -> int:
    return place if frame.index is None else frame.index + at


def _event(line: bytes, frame: Frame, topic: Topic, seq: int) -> dict[str, Any]:
    if len(line) > limits.EVENT_BYTES:
        return _undecodable(line, f"has {len(line)} bytes", seq)
    try:
        found: Any = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        return _undecodable(line, f"is no JSON: {error}", seq)
    if not isinstance(found, dict):
        return _undecodable(line, "is no object", seq)
    event = cast("dict[str, Any]", found)
    for name, kind in (("id", str), ("type", str), ("stream_id", str), ("data", dict), ("timestamp", str)):
        if not isinstance(event.get(name), kind):
            return _undecodable(line, f"{name}: is missing or wrong", seq)
    named = (event["stream_id"], event.get("node_id"), event.get("execution_id"))
    if frame.is_external and named != (topic.stream_id, topic.node_id, topic.execution_id):
        return _undecodable(line, "its subject names another stream, node or execution", seq)
    event.pop("external", None)
    if frame.is_external:
        event["external"] = True
    event["seq"] = seq
    return event


def _undecodable(line: bytes, reason: str, seq: int) -> dict[str, Any]:
    shown = line[:SHOWN_BYTES]
    found: dict[str, Any] = {"type": "undecodable", "line": shown.decode(errors="replace"), "reason": reason, "seq": seq}
    if len(line) > SHOWN_BYTES:
        found["line_bytes"] = len(line)
    try:
        shown.decode()
    except UnicodeDecodeError:
        found["line_base64"] = base64.b64encode(shown).decode()
    return found
