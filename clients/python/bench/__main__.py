"""Figures of the Python client and its bus beside baselines of the same run. Part of `make bench`.

    RUNBUS_BINARY=target/release/runbus python clients/python/bench
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

import nats
from websockets.asyncio.client import connect

import runbus
from proxy import Proxy
from runbus import frames, ids
from runbus.bus import AgentEvent, EventBus, EventType
from servers import World

EVENTS = 30_000
PUBLISHES = 4_000
ROUNDS = 5


def row(name: str, value: float, unit: str, baseline: float | None = None, target: float | None = None, is_most: bool = False) -> bool:
    if baseline is None:
        is_met = target is None or value <= target
        print(f"  {name:<46} {value:>10,.0f} {unit:<4}" + (f" target: under {target:,.0f} {unit}" if target else ""), "" if is_met else "  MISSED")
        return is_met
    ratio = value / baseline
    is_met = target is None or ratio >= target
    print(f"  {name:<46} {value:>10,.0f} {unit:<4} baseline {baseline:>10,.0f}  ratio {ratio:.2f}" + (f" (target {target})" if target else ""), "" if is_met else "  MISSED")
    return is_met


async def bare(url: str, stream: str, keep: list[str] | None = None) -> float:
    """A loop that receives and parses messages, and nothing else."""
    async with connect(url.replace("http", "ws") + "/v1/ws", subprotocols=["runbus.v1"], proxy=None, compression=None, max_size=None) as socket:
        begun, count = time.perf_counter(), 0
        await socket.send(json.dumps({"type": "subscribe", "id": "s", "filter": {"stream_id": stream, "execution_id": stream}, "since": "all", "coalesce": False}))
        while count < EVENTS:
            text = await socket.recv()
            count += len(json.loads(text).get("events", ()))
            if keep is not None:
                keep.append(str(text))
        return EVENTS / (time.perf_counter() - begun)


async def with_client(url: str, stream: str) -> float:
    async with runbus.connect(url) as client, client.subscribe(stream_id=stream, execution_id=stream, since="all", coalesce=False) as subscription:
        begun, count = time.perf_counter(), 0
        while count < EVENTS:
            count += (await subscription.__anext__()).type == "llm_text_delta"
        return EVENTS / (time.perf_counter() - begun)


async def received(world: World) -> bool:
    """Events a second, from a log that holds them; and from a server that only repeats the gateway's messages, so that the client is the limit."""
    stream = uuid.uuid4().hex
    async with runbus.connect(world.urls) as client:
        for base in range(0, EVENTS, 1000):
            await client.publish([{"type": "llm_text_delta", "stream_id": stream, "node_id": "n", "execution_id": stream, "data": {"content": f"token {n}"}} for n in range(base, base + 1000)])
    messages: list[str] = []
    await bare(world.urls[0], stream, messages)
    record = world.folder / "messages"
    record.write_text("\n".join(message for message in messages if '"hello"' not in message[:80]))
    replay = subprocess.Popen([sys.executable, str(HERE / "replay.py"), str(record)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    assert replay.stdout is not None
    port = replay.stdout.readline().strip()
    met = True
    try:
        for name, url in (("events received", world.urls[0]), ("events received, the server repeats messages", f"http://127.0.0.1:{port}")):
            found = [(await with_client(url, stream), await bare(url, stream)) for _ in range(ROUNDS)]
            mine, theirs = (statistics.median(column) for column in zip(*found, strict=True))
            met &= row(name, mine, "/s", theirs, 0.3)
    finally:
        replay.terminate()
        replay.wait()
    return met


async def concurrently(work: Callable[[int], Awaitable[object]], count: int, at_once: int) -> float:
    begun = time.perf_counter()

    async def lane(first: int) -> None:
        for n in range(first, count, at_once):
            await work(n)

    await asyncio.gather(*(lane(first) for first in range(at_once)))
    return count / (time.perf_counter() - begun)


async def published(world: World) -> bool:
    """Publishes a second on NATS: the bus beside nats-py with the same bytes and headers. No bus is open beside nats-py: it would receive what nats-py publishes."""
    stream = uuid.uuid4().hex
    connection = await nats.connect(world.admin_url)
    jetstream = connection.jetstream()
    met = True

    async def plain(n: int) -> None:
        execution = f"{stream}-{n % 16}"
        shard = ids.shard(execution)
        subject = f"rb.ext.{shard}.{stream}._.{execution}"
        event_id = str(uuid.uuid4())
        line = {"id": event_id, "type": "custom", "stream_id": stream, "execution_id": execution, "data": {"n": n}, "timestamp": "2026-01-01T00:00:00.000000Z"}
        payload = json.dumps(line).encode()
        await jetstream.publish(subject, payload, stream=f"RB_EV_{shard}", headers={"Nats-Msg-Id": event_id, frames.HEADER: frames.header(payload)})

    async def bus_rate(count: int, at_once: int) -> float:
        async with EventBus(url=world.bus_url, max_history=100) as bus:

            async def with_bus(n: int) -> None:
                await bus.publish(AgentEvent(EventType.CUSTOM, stream, execution_id=f"{stream}-{n % 16}", data={"n": n}))

            return await concurrently(with_bus, count, at_once)

    for at_once in (1, 64):
        count = PUBLISHES if at_once > 1 else PUBLISHES // 4
        found = [(await bus_rate(count, at_once), await concurrently(plain, count, at_once)) for _ in range(ROUNDS)]
        mine, theirs = (statistics.median(column) for column in zip(*found, strict=True))
        met &= row(f"publishes of the bus on NATS, {at_once} at once", mine, "/s", theirs, 0.7)
    await connection.close()
    return met


async def reconnected(world: World) -> bool:
    """From a lost connection to the next event, without backoff."""
    stream = uuid.uuid4().hex
    # Each connection ends behind its third event; hello and subscribed are messages too.
    async with Proxy(world.urls[0], lambda _, message: "cut" if message == 4 else "pass") as proxy, runbus.connect(proxy.url) as client:
        await client.publish([{"type": "custom", "stream_id": stream, "data": {"n": n}} for n in range(60)])
        found: list[float] = []
        async with client.subscribe(stream_id=stream, since="all", batch=1) as subscription:
            last, connections = time.perf_counter(), 1
            for _ in range(60):
                await subscription.next_raw()
                now = time.perf_counter()
                if subscription.connections > connections:
                    found.append((now - last) * 1000)
                    connections = subscription.connections
                last = now
    return row("lost connection to next event, worst", max(found), "ms", target=300)


async def main() -> int:
    met = True
    for backend in ("embedded", "nats"):
        world = World(backend)
        try:
            print(f"Python client, {backend}, Python {sys.version.split()[0]}")
            met &= await received(world)
            met &= await reconnected(world)
            if backend == "nats":
                met &= await published(world)
        finally:
            world.close()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
