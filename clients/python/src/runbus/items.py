"""Items of a subscription: events, and the messages of a gateway about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, cast

import pydantic_core
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from .types import rest
from .types.events import BY_TYPE, KnownEvent
from .types.snapshot import Snapshot as SnapshotState


class _Message(BaseModel):
    model_config = ConfigDict(extra="allow")


class UnknownEvent(_Message):
    """An event whose type is not in the catalogue, or whose payload differs from the payload of its type."""

    id: str
    type: str
    stream_id: str
    data: dict[str, Any] = Field(default_factory=dict[str, Any])
    timestamp: AwareDatetime | str
    node_id: str | None = None
    execution_id: str | None = None
    session_id: str | None = None
    correlation_id: str | None = None
    attempt: int | None = None
    seq: int | None = None
    external: bool | None = None
    cursor: str | None = None


Event: TypeAlias = KnownEvent | UnknownEvent
"""An event. Narrow it by its class, or by `type`."""


class Undecodable(_Message):
    """A stored line that is no event, or a whole damaged message."""

    type: Literal["undecodable"] = "undecodable"
    line: str
    line_base64: str | None = None
    line_bytes: int | None = None
    reason: str
    seq: int
    cursor: str | None = None


class Gap(_Message):
    """Events are missing: retention removed them (`expired`), or the log is another one (`recreated`)."""

    type: Literal["gap"] = "gap"
    requested: str
    first_available: str
    reason: str


class CaughtUp(_Message):
    """Everything that was stored when the subscription began has been delivered."""

    type: Literal["caught_up"] = "caught_up"


class SnapshotItem(_Message):
    """The state of the execution, before the events behind `cursor`."""

    type: Literal["snapshot"] = "snapshot"
    cursor: str
    snapshot: dict[str, Any]

    def state(self) -> SnapshotState:
        """The snapshot with types."""
        return SnapshotState.model_validate(self.snapshot)


class Presence(_Message):
    """The watchers of the execution."""

    type: Literal["presence"] = "presence"
    execution_id: str
    count: int
    watchers: list[rest.Watcher]


class PresenceChanged(_Message):
    """Watchers that joined and left."""

    type: Literal["presence_changed"] = "presence_changed"
    execution_id: str
    count: int
    joined: list[rest.Watcher]
    left: list[rest.Watcher]


Item: TypeAlias = KnownEvent | UnknownEvent | Undecodable | Gap | CaughtUp | SnapshotItem | Presence | PresenceChanged
"""An item of a subscription."""

ABOUT: dict[str, type[BaseModel]] = {
    "undecodable": Undecodable, "gap": Gap, "caught_up": CaughtUp, "snapshot": SnapshotItem,
    "presence": Presence, "presence_changed": PresenceChanged,
}  # fmt: skip


_VALIDATE = {kind: known.__pydantic_validator__.validate_python for kind, known in BY_TYPE.items()}
"""The work of `model_validate`, without its options."""


def decode_event(line: Mapping[str, Any]) -> Event | Undecodable:
    """The event of a JSON object. A payload that is not as its type says makes an `UnknownEvent`."""
    kind = line.get("type")
    if kind == "undecodable" and "reason" in line:
        return Undecodable.model_validate(line)
    validate = _VALIDATE.get(kind) if isinstance(kind, str) else None
    if validate is not None:
        try:
            return cast("Event", validate(line))
        except ValidationError:
            pass
    try:
        return UnknownEvent.model_validate(line)
    except ValidationError as error:
        seq = line.get("seq")
        return Undecodable(line=json.dumps(line), reason=str(error), seq=seq if isinstance(seq, int) else 0, cursor=line.get("cursor"))


def decode_events(lines: list[Any]) -> list[Event | Undecodable]:
    """The events of a message or page."""
    return [decode_event(line) for line in lines]


def parse(text: str | bytes) -> dict[str, Any] | None:
    """A message as a JSON object; None when it is something else."""
    try:
        message: Any = pydantic_core.from_json(text, cache_strings="keys")
    except ValueError:
        return None
    return cast("dict[str, Any]", message) if isinstance(message, dict) else None
