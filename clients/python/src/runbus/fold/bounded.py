"""Texts and values that do not grow without end, and say what they lack."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import Any, cast

from . import limits

_FRACTION = re.compile(r"\.(\d+)")


def timestamp(text: str) -> str | None:
    """RFC 3339 in UTC with six digits; None when it is no such text."""
    found = _FRACTION.search(text)
    micros = (found[1] + "000000")[:6] if found else "000000"
    whole = _FRACTION.sub("", text, count=1).upper().replace("Z", "+00:00")
    try:
        time = datetime.fromisoformat(whole)
    except ValueError:
        return None
    if time.tzinfo is None:
        return None
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{micros}Z"


def size(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def head(text: str, limit: int) -> str:
    """The beginning of a text, `limit` bytes at most."""
    return text if size(text) <= limit else text.encode(errors="surrogatepass")[:limit].decode(errors="ignore")


def name(text: str | None) -> str | None:
    """A name, at most as long as names may be."""
    return None if text is None else head(text, limits.NAME_BYTES)


def is_short(identifier: str) -> bool:
    """Whether things with this id are kept."""
    return size(identifier) <= limits.NAME_BYTES


class Text:
    """A text that is being written: its end."""

    __slots__ = ("content", "size", "truncated")

    def __init__(self, source: dict[str, Any] | None = None) -> None:
        self.content: str = source["content"] if source else ""
        self.truncated: int = source.get("truncated_bytes", 0) if source else 0
        self.size = size(self.content)

    def push(self, piece: str) -> None:
        """Appends a piece."""
        self.content += piece
        self.size += size(piece)
        over = self.size - limits.TURN_BYTES
        if over > 0:
            raw = self.content.encode(errors="surrogatepass")
            # The cut moves forward to the begin of a character.
            while over < len(raw) and raw[over] & 0xC0 == 0x80:
                over += 1
            self.content = raw[over:].decode(errors="surrogatepass")
            self.size -= over
            self.truncated += over

    def set(self, text: str) -> None:
        """Puts another text in its place."""
        self.content, self.truncated, self.size = "", 0, 0
        self.push(text)

    @property
    def is_empty(self) -> bool:
        """Whether there is none."""
        return not self.content and not self.truncated

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {"content": self.content, "truncated_bytes": self.truncated} if self.truncated else {"content": self.content}


def excerpt(value: Any, limit: int) -> dict[str, Any]:
    """A value, or the beginning of its JSON text."""
    if value is None or isinstance(value, bool | int | float):
        return {"value": value}
    text: str = value if isinstance(value, str) else compact(value)
    if size(text) <= limit:
        return {"value": value}
    kept = head(text, limit)
    return {"value": kept, "truncated_bytes": size(text) - size(kept)}


def compact(value: Any) -> str:
    """JSON as a gateway writes it: without spaces, keys as they came."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{compact(fields[key])}" for key in fields) + "}"
    if isinstance(value, list):
        return "[" + ",".join(compact(item) for item in cast("list[Any]", value)) + "]"
    if isinstance(value, float):
        return _number(value)
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """The shortest digits are the same in both languages; small numbers and exponents are written differently."""
    text = repr(value)
    if "e" not in text:
        return text
    digits, _, exponent = text.partition("e")
    power = int(exponent)
    if power != -5:
        return f"{digits}e{power:+d}" if power > 0 else f"{digits}e{power}"
    sign, figures = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    return f"{sign}0.0000{figures.replace('.', '')}"
