"""A cancelled call ends, at whatever step of the event loop the cancellation comes; a blocking call waits for its loop."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable

import httpx
import pytest

import runbus
from runbus.backoff import Backoff
from runbus.bus.nats.link import Link
from runbus.feed import Feed
from runbus.http import Http
from runbus.sync import _Loop

STEPS = 60
"""More steps of the loop than one round of each call below has."""


async def cancelled_at_every_step(begin: Callable[[], Awaitable[object]]) -> None:
    for step in range(STEPS):
        task = asyncio.ensure_future(begin())
        for _ in range(step):
            await asyncio.sleep(0)
        if task.done():
            await task
            continue
        task.cancel()
        # The task ends by itself: nobody asks it a second time.
        await asyncio.wait({task}, timeout=20)
        assert task.cancelled(), f"cancelled at step {step}: {task}"


async def steps(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Backoff, "next", lambda *_: 0.0001)


async def test_a_cancelled_subscription_does_not_connect_again(monkeypatch: pytest.MonkeyPatch, no_pause: None) -> None:
    async def refuse(*_: object) -> None:
        await steps(2)
        raise OSError("refused")

    monkeypatch.setattr(Feed, "_connect", refuse)
    async with runbus.connect("http://127.0.0.1:1") as client:
        await cancelled_at_every_step(lambda: client.subscribe(since="new").__anext__())


@pytest.mark.parametrize("timeout", [None, 30.0])
async def test_a_cancelled_request_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, no_pause: None, timeout: float | None) -> None:
    async def refuse(*_: object) -> None:
        await steps(2)
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(Http, "_send", refuse)
    async with runbus.connect("http://127.0.0.1:1") as client:
        await cancelled_at_every_step(lambda: client.stats(timeout=timeout))


async def test_a_cancelled_request_does_not_return_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(*_: object) -> httpx.Response:
        await steps(2)
        return httpx.Response(200, content=b"{}")

    monkeypatch.setattr(Http, "_send", answer)
    async with runbus.connect("http://127.0.0.1:1") as client:
        await cancelled_at_every_step(lambda: client._http.call("GET", "/v1/stats", timeout=30))


@pytest.mark.parametrize("waiting_bytes", [0, 1 << 30])
async def test_a_cancelled_request_to_nats_does_not_return_the_answer(waiting_bytes: int) -> None:
    class Message:
        headers: dict[str, str] | None = None

    class Client:
        pending_data_size = waiting_bytes

        async def publish(self, *_: object) -> None:
            waiting = next(future for _, future in reversed(link._one.values()))
            asyncio.get_running_loop().call_soon(lambda: waiting.done() or waiting.set_result(Message()))

    link = Link.__new__(Link)
    link._one, link._inbox, link.client = {}, "", Client()
    numbers = itertools.count()
    link._next = lambda: str(next(numbers))
    await cancelled_at_every_step(lambda: link.request("s", b""))
    await cancelled_at_every_step(lambda: link.request("s", b"", None, asyncio.get_running_loop().create_future()))


async def test_a_cancelled_request_ends_while_nats_py_waits_for_the_socket_and_loses_cancellations() -> None:
    class Client:
        pending_data_size = 1 << 30
        lost = 0

        async def publish(self, *_: object) -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.lost += 1

    link = Link.__new__(Link)
    link._one, link._inbox, link.client = {}, "", Client()
    link._next = lambda: "1"
    await cancelled_at_every_step(lambda: link.request("s", b""))
    assert link.client.lost > 0 and link._one == {}
    with pytest.raises(TimeoutError):
        await link.request("s", b"", seconds=0.05)
    assert not link._one


def test_a_blocking_client_waits_for_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    run = threading.Thread.run
    may_run = threading.Event()

    def late(thread: threading.Thread) -> None:
        may_run.wait(50)
        run(thread)

    monkeypatch.setattr(threading.Thread, "run", late)
    loop = _Loop()
    begun = threading.Event()

    async def work() -> int:
        return 7

    found: list[int] = []

    def caller() -> None:
        begun.set()
        found.append(loop.run(work()))

    with monkeypatch.context() as usual:
        usual.setattr(threading.Thread, "run", run)
        asking = threading.Thread(target=caller)
        asking.start()
        begun.wait(50)
    may_run.set()
    asking.join(50)
    assert found == [7]
    loop.stop()
    with pytest.raises(runbus.errors.Closed):
        loop.run(work())
