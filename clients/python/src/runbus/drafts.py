"""Events that are to be published: everything that can be checked is checked before anything is sent."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, cast

from pydantic import BaseModel

from . import ids, limits
from .errors import InvalidArgument, TooLarge

_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_FIELDS = frozenset({"id", "type", "stream_id", "node_id", "execution_id", "session_id", "correlation_id", "attempt", "data", "timestamp"})
_OPTIONAL_IDS = ("node_id", "execution_id", "session_id", "correlation_id")
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ON_DELIVERY = ("seq", "cursor", "external", "merged")


def now() -> str:
    """The time as events have it."""
    return rfc3339(datetime.now(timezone.utc))


def rfc3339(time: datetime) -> str:
    """UTC with six digits. A time without zone is local time."""
    return time.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def envelope(draft: Mapping[str, Any] | BaseModel, path: str = "event") -> dict[str, Any]:
    """The whole envelope of a draft, with an id and a time; raises before anything is sent when it is no event."""
    if isinstance(draft, BaseModel):
        # An event that was received may be published again.
        fields = {name: value for name, value in draft.model_dump(mode="json", exclude_none=True).items() if name not in _ON_DELIVERY}
    else:
        fields = {name: value for name, value in draft.items() if value is not None}
    if not fields.keys() <= _FIELDS:
        raise InvalidArgument("is no field of an event", path=f"{path}.{next(name for name in fields if name not in _FIELDS)}")
    kind = fields.get("type")
    if not isinstance(kind, str) or not _TYPE.match(kind):
        raise InvalidArgument(f"is {kind!r}: 1 to 64 characters a-z0-9_ that begin with a letter are allowed", path=f"{path}.type")
    try:
        ids.check("stream_id", cast("str", fields.get("stream_id")))
        for name in _OPTIONAL_IDS:
            if name in fields:
                ids.check(name, cast("str", fields[name]))
    except InvalidArgument as error:
        raise InvalidArgument(error.message, path=f"{path}.{error.path}") from None
    fields["id"] = _uuid(fields["id"], path) if "id" in fields else ids.uuid7()
    time = fields.get("timestamp")
    fields["timestamp"] = rfc3339(time) if isinstance(time, datetime) else time or now()
    data = fields.setdefault("data", {})
    if not isinstance(data, dict):
        raise InvalidArgument("is no object", path=f"{path}.data")
    return fields


def _uuid(value: Any, path: str) -> str:
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise InvalidArgument(f"{value!r} is no UUID", path=f"{path}.id") from None


def line(event: Mapping[str, Any], path: str = "event") -> bytes:
    """The event as its line of JSON; raises when no reader could decode it."""
    try:
        raw = _ENCODER.encode(event).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"is no JSON: {error}", path=f"{path}.data") from None
    if len(raw) > limits.EVENT_BYTES:
        raise TooLarge(f"has {len(raw)} bytes; {limits.EVENT_BYTES} are allowed", path=path)
    if raw.count(b"{") + raw.count(b"[") > limits.EVENT_DEPTH and _depth(event) > limits.EVENT_DEPTH:
        raise InvalidArgument(f"has more than {limits.EVENT_DEPTH} levels", path=f"{path}.data")
    return raw


def _depth(value: Any) -> int:
    """Levels of objects and lists, without recursion."""
    deepest, rest = 0, [(value, 1)]
    while rest:
        one, level = rest.pop()
        inner: list[Any] = list(cast("dict[str, Any]", one).values()) if isinstance(one, dict) else cast("list[Any]", one) if isinstance(one, list | tuple) else []
        if isinstance(one, dict | list | tuple):
            deepest = max(deepest, level)
        rest.extend((item, level + 1) for item in inner)
    return deepest
