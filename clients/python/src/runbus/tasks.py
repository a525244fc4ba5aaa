"""Tasks that are ended for certain."""

from __future__ import annotations

import asyncio
from typing import Any

_AGAIN_S = 0.1


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels tasks and returns when they have ended.

    A handler of the caller may lose a cancellation, for instance in `asyncio.wait_for` of Python 3.10 and 3.11: it is asked for again.
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=_AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            # Errors of what is no longer wanted are nobody's.
            task.exception()
