"""Runbus: the durable event bus for AI-agent executions.

`connect` gives an asyncio client of gateways, `runbus.sync.connect` a blocking one. `runbus.bus` replaces an in-process event bus.
"""

from .client import Client, Page, connect
from .errors import (
    Closed,
    Conflict,
    Forbidden,
    InvalidArgument,
    NotFound,
    ProtocolError,
    PublishTimeout,
    RateLimited,
    RunbusError,
    SessionBusy,
    SessionClosed,
    SessionPending,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from .execution import ExecutionView
from .items import CaughtUp, Event, Gap, Item, KnownEvent, Presence, PresenceChanged, SnapshotItem, Undecodable, UnknownEvent
from .monitor import MonitorWatch
from .subscription import Filter, Listener, Subscription
from .types import events, rest, snapshot

__all__ = [
    "CaughtUp", "Client", "Closed", "Conflict", "Event", "ExecutionView", "Filter", "Forbidden", "Gap", "InvalidArgument", "Item",
    "KnownEvent", "Listener", "MonitorWatch", "NotFound", "Page", "Presence", "PresenceChanged", "ProtocolError", "PublishTimeout",
    "RateLimited", "RunbusError", "SessionBusy", "SessionClosed", "SessionPending", "SnapshotItem", "Subscription", "TooLarge",
    "Unauthenticated", "Unavailable", "Undecodable", "UnknownEvent", "connect", "events", "rest", "snapshot",
]  # fmt: skip
