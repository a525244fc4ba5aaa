"""Tasks that are ended for certain, and waits with a bound.

`asyncio.wait_for` of Python 3.10 and 3.11 loses a cancellation that comes together with the result. Bounds that cancel the waiting task
itself, as `anyio.move_on_after` does, lose on 3.10 one that comes together with the end of the time: a task cannot tell two
cancellations apart there. [`within`] cancels no task but its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

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


async def within(seconds: float | None, work: Awaitable[T], discard: Callable[[T], object] | None = None) -> T:
    """The result of `work`. Raises `TimeoutError` when it does not come in time; `None`: there is no bound.

    `work` has ended when this returns. `discard` gets a result that comes too late, or together with a cancellation.
    """
    task = asyncio.ensure_future(work)
    is_done = False
    try:
        await asyncio.wait({task}, timeout=seconds)
        is_done = task.done()
    finally:
        # Also a result that came together with a cancellation is given up.
        if not is_done:
            await _give_up(task, discard)
    if not is_done:
        raise TimeoutError
    return task.result()


async def _give_up(task: asyncio.Future[T], discard: Callable[[T], object] | None) -> None:
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_AGAIN_S)
    if not task.cancelled() and task.exception() is None and discard is not None:
        with contextlib.suppress(Exception):
            discard(task.result())
