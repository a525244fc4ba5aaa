"""Ids: checks before anything is sent, and the rules of docs/subjects.md for tokens and shards."""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Sequence

from . import limits
from .errors import InvalidArgument

NONE = "_"
"""The token for "no node" and "no execution"."""

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_SIMPLE = re.compile(rf"[ -~]{{1,{limits.ID_BYTES}}}\Z")
"""An id that needs no closer look."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""All of Unicode's category Cc."""


def check(name: str, value: str) -> str:
    """The id; raises `InvalidArgument` for an id that no gateway takes."""
    if isinstance(value, str) and _SIMPLE.match(value):  # pyright: ignore[reportUnnecessaryIsInstance]
        return value
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidArgument(f"is {type(value).__name__}, not a string", path=name)
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise InvalidArgument("holds half of a surrogate pair", path=name) from error
    if not 1 <= size <= limits.ID_BYTES:
        raise InvalidArgument(f"has {size} bytes; 1 to {limits.ID_BYTES} are allowed", path=name)
    if _CONTROL.search(value):
        raise InvalidArgument("has a control character", path=name)
    return value


def check_all(**ids: str | None) -> None:
    """Checks each id that is not None."""
    for name, value in ids.items():
        if value is not None:
            check(name, value)


@functools.lru_cache(limits.KNOWN_TOKENS)
def encode(name: str | None) -> str:
    """The subject token of an id; `_` for None."""
    if name is None:
        return NONE
    if name == NONE:
        return "%5F"
    raw = name.encode()
    if _PLAIN.issuperset(raw):
        return name
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw)


def decode(token: str) -> str | None:
    """The id of a token; None for `_`. A token that `encode` does not make is the id itself."""
    if token == NONE:
        return None
    if "%" not in token:
        return token
    raw, at = bytearray(), 0
    while at < len(token):
        if token[at] == "%" and len(pair := token[at + 1 : at + 3]) == 2 and all(digit in "0123456789ABCDEF" for digit in pair):
            raw.append(int(pair, 16))
            at += 3
        elif ord(token[at]) < 128 and ord(token[at]) in _PLAIN:
            raw.append(ord(token[at]))
            at += 1
        else:
            return token
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        return token
    return name if encode(name) == token else token


@functools.lru_cache(limits.KNOWN_TOKENS)
def fnv1a(token: str) -> int:
    """FNV-1a with 32 bits, as the server's `partition()` computes it."""
    value = 0x811C9DC5
    for byte in token.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def shard(token: str, counts: Sequence[int] = (4,)) -> int:
    """The shard of new events with this token. `counts` has one number for each generation; new ids go to the last one."""
    return sum(counts[:-1]) + fnv1a(token) % counts[-1]


def uuid7() -> str:
    """A UUID of version 7: ordered by time, so that the log's index stays compact."""
    value = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
