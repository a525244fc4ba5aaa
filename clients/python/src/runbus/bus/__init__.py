"""A bus with the interface of an in-process event bus, durable and shared when `RUNBUS_URL` names a log.

    from runbus.bus import EventBus, EventType, AgentEvent
"""

from .bus import EventBus
from .event import AgentEvent, EventHandler, EventType
from .registry import Subscription

__all__ = ["AgentEvent", "EventBus", "EventHandler", "EventType", "Subscription"]
