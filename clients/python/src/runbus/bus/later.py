"""Buses that were subscribed to before an event loop runs connect when their thread's next loop begins.

A bus in memory needs no loop to listen. So that a program which subscribes first and then only waits gets events of other processes, the
event loop policy makes each new loop tell these buses that it runs.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import Protocol


class Opens(Protocol):
    """A bus."""

    def open_soon(self) -> object:
        """Connects in the running loop."""
        ...


_waiting: weakref.WeakKeyDictionary[Opens, int] = weakref.WeakKeyDictionary()
_MARK = "_runbus_tells"


def open_with_next_loop(bus: Opens) -> None:
    """Opens the bus in the next loop that this thread makes and runs. Loops that `asyncio.run(loop_factory=...)` makes do not tell."""
    _waiting[bus] = threading.get_ident()
    policy = asyncio.get_event_loop_policy()  # pyright: ignore[reportDeprecated]
    if getattr(policy, _MARK, False):
        return
    make = policy.new_event_loop

    def new_event_loop() -> asyncio.AbstractEventLoop:
        loop = make()
        loop.call_soon(_tell)
        return loop

    setattr(policy, "new_event_loop", new_event_loop)  # noqa: B010 (a method is replaced)
    setattr(policy, _MARK, True)


def _tell() -> None:
    for bus, thread in tuple(_waiting.items()):
        if thread == threading.get_ident():
            del _waiting[bus]
            bus.open_soon()
