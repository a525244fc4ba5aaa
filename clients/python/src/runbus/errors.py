"""Errors. Each has a stable `code`; docs/errors.md lists the codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RunbusError(Exception):
    """An operation failed.

    `code` is stable. `path` names the field that is wrong. `details` holds what conflicts with the request.
    """

    default_code = "internal"

    def __init__(self, message: str, *, code: str | None = None, path: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        self.code = code or self.default_code
        self.message = message
        self.path = path
        self.details: Mapping[str, Any] = details or {}
        super().__init__(f"{self.code}: {f'{path}: ' if path else ''}{message}")


class InvalidArgument(RunbusError, ValueError):
    """A field is missing, unknown or wrong. Nothing was stored."""

    default_code = "invalid_argument"


class TooLarge(RunbusError, ValueError):
    """An event, a body or a message is too large. Nothing was stored."""

    default_code = "too_large"


class NotFound(RunbusError, LookupError):
    """The named thing does not exist."""

    default_code = "not_found"


class Conflict(RunbusError):
    """It is too late, or another caller was first. `details["standing"]` holds the standing decision."""

    default_code = "conflict"


class SessionPending(Conflict):
    """The session has calls with an unknown outcome; `details["pending"]` lists them."""

    default_code = "session_pending"


class SessionBusy(Conflict):
    """An execution of the session is at work; `details["execution_id"]` names it."""

    default_code = "session_busy"


class SessionClosed(Conflict):
    """The session takes no more input."""

    default_code = "session_closed"


class Unauthenticated(RunbusError):
    """The credential is missing, wrong, expired or revoked."""

    default_code = "unauthenticated"


class Forbidden(RunbusError):
    """The credential does not allow the operation."""

    default_code = "forbidden"


class Unavailable(RunbusError):
    """The log, the queue or the gateway does not answer. The same call with the same ids may succeed later."""

    default_code = "unavailable"


class RateLimited(Unavailable):
    """Too many requests, connections or bytes."""

    default_code = "rate_limited"


class ProtocolError(RunbusError):
    """The gateway refuses the client's protocol, or the address is no gateway. A retry does not help."""

    default_code = "protocol"


class Closed(RunbusError):
    """The client, the subscription or the bus was closed before the call."""

    default_code = "closed"


class PublishTimeout(Unavailable, TimeoutError):
    """The event was not acknowledged within `publish_timeout`. The outcome is unknown: publish the event again with `event_id`."""

    default_code = "publish_timeout"

    def __init__(self, message: str, *, event_id: str) -> None:
        super().__init__(message)
        self.event_id = event_id


_KINDS: tuple[type[RunbusError], ...] = (
    InvalidArgument, TooLarge, NotFound, Conflict, SessionPending, SessionBusy, SessionClosed, Unauthenticated, Forbidden, Unavailable, RateLimited,
)  # fmt: skip

BY_CODE: dict[str, type[RunbusError]] = {
    **{kind.default_code: kind for kind in _KINDS},
    "limit_exceeded": RateLimited,
    "invalid_event": InvalidArgument,
    "invalid_json": ProtocolError,
    "unknown_command": ProtocolError,
}

BY_STATUS: dict[int, type[RunbusError]] = {
    400: InvalidArgument,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: RateLimited,
    503: Unavailable,
}


def of_code(code: str, message: str, path: str | None = None, details: Mapping[str, Any] | None = None) -> RunbusError:
    """The error of a code that a gateway sends."""
    return BY_CODE.get(code, RunbusError)(message, code=code, path=path, details=details)


def of_status(status: int, body: object) -> RunbusError:
    """The error of a response. A body without a code is a proxy's."""
    error = body.get("error") if isinstance(body, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if isinstance(error, dict) and isinstance(code := error.get("code"), str):  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        found: dict[str, Any] = error  # pyright: ignore[reportUnknownVariableType]
        kind = BY_CODE.get(code) or BY_STATUS.get(status) or (Unavailable if status >= 500 else RunbusError)
        return kind(str(found.get("message", "")), code=code, path=found.get("path"), details=found.get("details"))
    kind = BY_STATUS.get(status) or (Unavailable if status >= 500 else ProtocolError)
    return kind(f"status {status} without an error of Runbus: is this a gateway?")
