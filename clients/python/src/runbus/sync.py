"""The client without asyncio: the same calls, from any thread. An event loop runs in a thread of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from typing_extensions import Self

from . import client as aio
from .errors import Closed
from .execution import ExecutionView
from .items import Item
from .types.rest import Monitor

P = ParamSpec("P")
T = TypeVar("T")


class _Loop:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._loop.run_forever, name="runbus", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine. An interrupt of the caller cancels it."""
        # A loop that does not run yet takes the work, too: its thread may begin later than this.
        if self._is_stopped:
            work.close()
            raise Closed("the client was closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Closed("the client was closed") from None
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """Ends the thread."""
        if not self._is_stopped:
            self._is_stopped = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


def _blocking(method: Callable[Concatenate[aio.Client, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate[Client, P], T]:
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(method(self.asynchronous, *args, **kwargs))

    call.__name__, call.__doc__ = method.__name__, method.__doc__
    return call


class Iteration(Iterator[T], Generic[T]):
    """A blocking iterator over an async one. Use it in a `with` statement."""

    def __init__(self, loop: _Loop, source: AsyncIterator[T], close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._loop, self._source, self._close = loop, source, close

    def __next__(self) -> T:
        async def step() -> tuple[T] | None:
            try:
                return (await self._source.__anext__(),)
            except StopAsyncIteration:
                return None

        found = self._loop.run(step())
        if found is None:
            raise StopIteration
        return found[0]

    def close(self) -> None:
        """Ends the subscription."""
        self._loop.run(self._close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Client:
    """The blocking form of `runbus.Client`."""

    def __init__(self, url: str | Sequence[str] = aio.DEFAULT_URL, **options: Any) -> None:
        self._loop = _Loop()
        try:
            # Primitives of asyncio belong to the loop that first waits for them: all of them live in the thread.
            self.asynchronous = self._loop.run(_make(url, options))
        except BaseException:
            self._loop.stop()
            raise

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine of `asynchronous`, the client that this one wraps."""
        return self._loop.run(work)

    start = _blocking(aio.Client.start)
    get_execution = _blocking(aio.Client.get_execution)
    get_snapshot = _blocking(aio.Client.get_snapshot)
    cancel = _blocking(aio.Client.cancel)
    pause = _blocking(aio.Client.pause)
    unpause = _blocking(aio.Client.unpause)
    presence = _blocking(aio.Client.presence)
    approvals = _blocking(aio.Client.approvals)
    approval = _blocking(aio.Client.approval)
    decide = _blocking(aio.Client.decide)
    questions = _blocking(aio.Client.questions)
    answer = _blocking(aio.Client.answer)
    send = _blocking(aio.Client.send)
    session = _blocking(aio.Client.session)
    messages = _blocking(aio.Client.messages)
    pending = _blocking(aio.Client.pending)
    resume = _blocking(aio.Client.resume)
    abort_pending = _blocking(aio.Client.abort_pending)
    close_session = _blocking(aio.Client.close_session)
    dead_letters = _blocking(aio.Client.dead_letters)
    dead_letter = _blocking(aio.Client.dead_letter)
    retry_dead_letter = _blocking(aio.Client.retry_dead_letter)
    workers = _blocking(aio.Client.workers)
    stats = _blocking(aio.Client.stats)
    mint_token = _blocking(aio.Client.mint_token)
    publish = _blocking(aio.Client.publish)
    history = _blocking(aio.Client.history)
    get_monitor = _blocking(aio.Client.get_monitor)

    def subscribe(self, *args: Any, **options: Any) -> Iteration[Item]:
        """As `Client.subscribe`, as a blocking iterator."""
        subscription = self.run(_call(lambda: self.asynchronous.subscribe(*args, **options)))
        return Iteration(self._loop, subscription, subscription.aclose)

    def execution(self, execution_id: str, **options: Any) -> Iteration[ExecutionView]:
        """As `Client.execution`, as a blocking iterator."""
        view = self.run(_call(lambda: self.asynchronous.execution(execution_id, **options)))
        return Iteration(self._loop, view, view.aclose)

    def monitor(self, stream_id: str | None = None) -> Iteration[Monitor]:
        """As `Client.monitor`, as a blocking iterator."""
        watch = self.run(_call(lambda: self.asynchronous.monitor(stream_id)))
        return Iteration(self._loop, watch, watch.aclose)

    def close(self) -> None:
        """Ends all subscriptions and calls, and the thread."""
        try:
            self._loop.run(self.asynchronous.aclose())
        except Closed:
            return
        self._loop.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _make(url: str | Sequence[str], options: dict[str, Any]) -> aio.Client:
    return aio.Client(url, **options)


async def _call(make: Callable[[], T]) -> T:
    return make()


def connect(url: str | Sequence[str] = aio.DEFAULT_URL, **options: Any) -> Client:
    """A blocking client. Options as for `runbus.connect`."""
    return Client(url, **options)
