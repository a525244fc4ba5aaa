"""The drop-in bus: in memory, over a gateway, on NATS."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import logging
import os
import subprocess
import sys
import uuid
from datetime import datetime, timedelta

import nats
import pytest

import runbus
from proxy import Proxy
from runbus import frames, ids
from runbus.bus import AgentEvent, EventBus, EventType
from runbus.errors import Closed, Forbidden, InvalidArgument, PublishTimeout, TooLarge
from servers import HERE, Grows, World, free_port, within


@pytest.fixture(params=["memory", "gateway-embedded", "gateway-nats", "nats"])
def url(request: pytest.FixtureRequest) -> str:
    from conftest import world_of

    if request.param == "memory":
        return ""
    if request.param == "nats":
        return world_of("nats").bus_url
    return ",".join(world_of(request.param.partition("-")[2]).urls)


@pytest.fixture(params=["gateway-embedded", "gateway-nats", "nats"])
def shared(request: pytest.FixtureRequest) -> str:
    from conftest import world_of

    return world_of("nats").bus_url if request.param == "nats" else ",".join(world_of(request.param.partition("-")[2]).urls)


def custom(stream: str, n: int = 0, **more: object) -> AgentEvent:
    return AgentEvent(type=EventType.CUSTOM, stream_id=stream, data={"n": n}, **more)


class Taker:
    """A handler that keeps what it gets."""

    def __init__(self) -> None:
        self.events: list[AgentEvent] = []
        self._changed = asyncio.Event()

    async def __call__(self, event: AgentEvent) -> None:
        self.events.append(event)
        self._changed.set()

    @property
    def numbers(self) -> list[int]:
        return [event.data["n"] for event in self.events]

    async def until(self, count: int) -> None:
        while len(self.events) < count:
            self._changed.clear()
            await within(self._changed.wait())


def test_signatures_are_those_of_the_in_process_bus() -> None:
    def names(method) -> list[str]:
        return [name for name in inspect.signature(method).parameters if name != "self"]

    assert names(EventBus)[:2] == ["max_history", "max_concurrent_handlers"]
    assert names(EventBus.subscribe) == ["event_types", "handler", "filter_stream", "filter_node", "filter_execution"]
    assert names(EventBus.unsubscribe) == ["subscription_id"]
    assert names(EventBus.publish) == ["event"]
    assert names(EventBus.get_history) == names(EventBus.history) == ["event_type", "stream_id", "execution_id", "limit"]
    assert names(EventBus.wait_for) == ["event_type", "stream_id", "node_id", "execution_id", "timeout"]
    for method in (EventBus.subscribe, EventBus.unsubscribe, EventBus.get_history, EventBus.get_stats):
        assert not inspect.iscoroutinefunction(method)
    emits = [name for name in dir(EventBus) if name.startswith("emit_")]
    assert len(emits) == 25 and all(inspect.iscoroutinefunction(getattr(EventBus, name)) for name in emits)
    event = AgentEvent(EventType.CUSTOM, "s")
    assert list(event.to_dict()) == ["type", "stream_id", "node_id", "execution_id", "data", "timestamp", "correlation_id"]
    assert event.to_dict()["node_id"] is None and event.timestamp.tzinfo is None


def test_unknown_types_are_types_too() -> None:
    paid = EventType("order_paid")
    assert paid == EventType("order_paid") == "order_paid" and len({paid, EventType("order_paid"), "order_paid"}) == 1
    assert (str(paid), f"{paid}", paid.value) == ("order_paid", "order_paid", "order_paid") and json.dumps(paid) == '"order_paid"'
    assert EventType.CUSTOM == "custom" and str(EventType.CUSTOM) == "custom"


def test_subscribing_works_before_a_loop_runs(url: str, fresh: str) -> None:
    bus = EventBus(url=url)
    found = []

    async def handler(event: AgentEvent) -> None:
        found.append(event)

    one = bus.subscribe([EventType.CUSTOM], handler, filter_stream=fresh)
    two = bus.subscribe([EventType.CUSTOM], handler)
    assert one != two and bus.unsubscribe(two) and not bus.unsubscribe(two)
    assert bus.get_history() == [] and bus.get_stats()["subscriptions"] == 1

    async def main() -> None:
        await bus.publish(custom(fresh, 1))
        await bus.publish(custom(f"{fresh}-other", 2))
        assert [event.data["n"] for event in found] == [1]
        await bus.close()

    asyncio.run(main())


def test_a_bus_goes_from_one_loop_to_the_next(url: str, fresh: str) -> None:
    bus = EventBus(url=url)
    for n in range(2):
        asyncio.run(bus.publish(custom(fresh, n)))
    assert [event.data["n"] for event in bus.get_history(stream_id=fresh)] == [1, 0]


async def test_handlers_have_run_when_publish_returns(url: str, fresh: str, caplog: pytest.LogCaptureFixture) -> None:
    async with EventBus(url=url) as bus:
        done = []

        async def slow(event: AgentEvent) -> None:
            await asyncio.sleep(0)
            done.append("slow")

        async def faulty(event: AgentEvent) -> None:
            raise KeyError("of the handler")

        async def nested(event: AgentEvent) -> None:
            await bus.emit_goal_progress(fresh, 0.5, {})

        async def goal(event: AgentEvent) -> None:
            done.append(event.data["progress"])

        for handler in (faulty, slow, nested):
            bus.subscribe([EventType.CUSTOM], handler, filter_stream=fresh)
        bus.subscribe([EventType.GOAL_PROGRESS], goal, filter_stream=fresh)
        with caplog.at_level(logging.ERROR, "runbus.bus"):
            await bus.publish(custom(fresh))
        assert sorted(map(str, done)) == ["0.5", "slow"]
        assert "of the handler" in caplog.text
        with pytest.raises(TypeError):
            bus.subscribe([EventType.CUSTOM], lambda event: None)  # type: ignore[arg-type, return-value]


async def test_nested_publishes_do_not_wait_for_each_other(url: str, fresh: str) -> None:
    async with EventBus(url=url, max_concurrent_handlers=1) as bus:
        depth = []

        async def handler(event: AgentEvent) -> None:
            depth.append(event.data["n"])
            if event.data["n"] < 3:
                await bus.publish(custom(fresh, event.data["n"] + 1))

        bus.subscribe([EventType.CUSTOM], handler, filter_stream=fresh)
        await within(bus.publish(custom(fresh, 0)))
        assert depth == [0, 1, 2, 3]


async def test_history_and_stats_answer_from_window_and_log(url: str, fresh: str) -> None:
    async with EventBus(url=url, max_history=3) as bus:
        for n in range(5):
            await bus.publish(custom(fresh, n, execution_id=f"{fresh}-{n % 2}", node_id="n", correlation_id="c"))
        window = bus.get_history(event_type=EventType.CUSTOM, stream_id=fresh)
        assert [event.data["n"] for event in window] == [4, 3, 2]
        assert bus.get_stats()["total_events"] == 3
        log = await bus.history(stream_id=fresh, execution_id=f"{fresh}-0")
        assert [event.data["n"] for event in log] == ([4, 2] if url == "" else [4, 2, 0])
        assert (log[0].node_id, log[0].correlation_id, log[0].type) == ("n", "c", EventType.CUSTOM)
        assert abs(log[0].timestamp - datetime.now()) < timedelta(minutes=1), "naive local time, as datetime.now()"
        stats = await bus.stats()
        assert stats["total_events"] >= 3 and stats["events_by_type"]["custom"] >= 3 and stats["subscriptions"] == 0
    if url:
        async with EventBus(url=url, max_history=2) as late:
            # Other tests publish too: what the window holds is the newest of the log.
            assert len(late.get_history()) == 2


async def test_every_emit_is_taken(url: str, fresh: str) -> None:
    values = {"str": "x", "int": 1, "float": 0.5, "bool": False, "Any": {"a": 1}}
    async with EventBus(url=url) as bus:
        taker = Taker()
        bus.subscribe(list(EventType), taker, filter_stream=fresh)
        emits = [getattr(bus, name) for name in dir(bus) if name.startswith("emit_")]
        for emit in emits:
            given = {}
            for name, parameter in inspect.signature(emit).parameters.items():
                if parameter.default is inspect.Parameter.empty or name == "execution_id":
                    kind = str(parameter.annotation).partition(" ")[0]
                    given[name] = fresh if name in ("stream_id", "source_id") else values.get(kind, {"a": "b"})
            await emit(**given)
        assert len(taker.events) == len(emits)
        assert {str(event.type) for event in taker.events} == {emit.__name__.removeprefix("emit_") for emit in emits}


async def test_waiting(url: str, fresh: str) -> None:
    async with EventBus(url=url) as bus:
        assert await bus.wait_for(EventType.CUSTOM, stream_id=fresh, timeout=0.05) is None
        waiting = asyncio.ensure_future(bus.wait_for(EventType.CUSTOM, stream_id=fresh, node_id="n", execution_id="e", timeout=30))
        await asyncio.sleep(0)
        await bus.publish(custom(fresh, 1))
        await bus.publish(custom(fresh, 2, node_id="n", execution_id="e"))
        found = await within(waiting)
        assert found is not None and found.data == {"n": 2}
        waiting = asyncio.ensure_future(bus.wait_for(EventType.CUSTOM, stream_id=fresh))
        await asyncio.sleep(0)
    with pytest.raises(Closed):
        await within(waiting, 50)


async def test_use_after_close_is_an_error_at_once(url: str, fresh: str) -> None:
    bus = EventBus(url=url)
    await bus.start()
    await bus.close()
    for use in (bus.publish(custom(fresh)), bus.wait_for(EventType.CUSTOM), bus.history(), bus.stats(), bus.start(), bus.emit_goal_progress(fresh, 1, {})):
        with pytest.raises(Closed):
            await within(use, 50)
    with pytest.raises(Closed):
        bus.subscribe([EventType.CUSTOM], Taker())
    await bus.close()


async def test_wrong_events_are_refused_before_anything_is_sent(shared: str, fresh: str) -> None:
    async with EventBus(url=shared) as bus:
        for event, kind in (
            (custom(""), InvalidArgument),
            (custom("x" * 129), InvalidArgument),
            (custom(fresh, execution_id=""), InvalidArgument),
            (AgentEvent(EventType.CUSTOM, fresh, data={"x": object()}), InvalidArgument),
            (AgentEvent(EventType.CUSTOM, fresh, data={"x": "y" * 262144}), TooLarge),
            (AgentEvent(EventType.SESSION_CLOSED, fresh), InvalidArgument),
            (custom("runbus/x"), InvalidArgument),
        ):
            with pytest.raises(kind):
                await within(bus.publish(event), 50)
        assert await bus.history(stream_id=fresh) == []
        await bus.publish(AgentEvent(EventType("Order_Paid".lower()), fresh))
    for wrong in ({"publish_timeout": 0}, {"publish_timeout": 101}, {"max_history": -1}, {"max_concurrent_handlers": 0}, {"url": "ftp://x"}, {"url": "nats://h?shards=x"}):
        with pytest.raises(ValueError):
            EventBus(**wrong)


async def test_events_of_others_arrive_once_each_in_order(shared: str, fresh: str) -> None:
    async with EventBus(url=shared) as one, EventBus(url=shared) as two, EventBus(url=shared) as three:
        takers = [Taker() for _ in range(3)]
        for bus, taker in zip((one, two, three), takers, strict=True):
            bus.subscribe([EventType.CUSTOM], taker, filter_stream=fresh)

        async def publish(bus: EventBus, execution: str) -> None:
            for n in range(40):
                await bus.publish(custom(fresh, n, execution_id=execution))

        await within(asyncio.gather(*(publish(bus, f"{name}-{lane}") for name, bus in (("one", one), ("two", two)) for lane in range(3))))
        for taker in takers:
            await taker.until(240)
            by_execution: dict[str, list[int]] = {}
            for event in taker.events:
                by_execution.setdefault(event.execution_id or "", []).append(event.data["n"])
            assert by_execution == {f"{name}-{lane}": list(range(40)) for name in ("one", "two") for lane in range(3)}


async def test_slow_handlers_keep_the_order_of_an_execution(shared: str, fresh: str) -> None:
    async with EventBus(url=shared) as one, EventBus(url=shared) as two:
        found: list[int] = []

        async def handler(event: AgentEvent) -> None:
            await asyncio.sleep(0.01 if event.data["n"] % 3 == 0 else 0)
            found.append(event.data["n"])

        two.subscribe([EventType.CUSTOM], handler, filter_stream=fresh)
        done = Taker()
        two.subscribe([EventType.GOAL_ACHIEVED], done, filter_stream=fresh)
        for n in range(20):
            await one.publish(custom(fresh, n, execution_id=fresh))
        await one.publish(AgentEvent(EventType.GOAL_ACHIEVED, fresh, execution_id=fresh, data={"n": 0}))
        await done.until(1)
        assert found == list(range(20))


async def test_an_event_with_an_id_is_published_once(shared: str, fresh: str) -> None:
    async with EventBus(url=shared) as one, EventBus(url=shared) as two:
        mine, theirs = Taker(), Taker()
        one.subscribe([EventType.CUSTOM], mine, filter_stream=fresh)
        two.subscribe([EventType.CUSTOM], theirs, filter_stream=fresh)
        event = custom(fresh, 1, id=str(uuid.uuid4()))
        await asyncio.gather(*(one.publish(event) for _ in range(5)))
        await one.publish(event)
        await two.publish(event)
        await one.publish(custom(fresh, 2))
        await theirs.until(2)
        assert (mine.numbers, sorted(theirs.numbers)) == ([1, 2], [1, 2])
        # The same object without an id is another event each time, as in memory.
        again = custom(fresh, 3)
        await one.publish(again)
        await one.publish(again)
        await theirs.until(4)
        assert mine.numbers == [1, 2, 3, 3]
        assert len(await one.history(stream_id=fresh)) == 4


async def test_runbus_and_gateways_and_buses_see_each_other(on_nats: World, fresh: str) -> None:
    async with EventBus(url=on_nats.bus_url) as bus, runbus.connect(on_nats.urls) as client:
        taker = Taker()
        bus.subscribe([EventType.EXECUTION_COMPLETED], taker, filter_execution=fresh)
        texts = Taker()
        bus.subscribe([EventType.LLM_TEXT_DELTA, EventType.CLIENT_OUTPUT_DELTA], texts, filter_execution=fresh)
        await client.start("council", "Why?", execution_id=fresh)
        await taker.until(1)
        assert len(texts.events) > 100
        await bus.publish(custom(fresh, 7))
        (found,) = (await client.history(stream_id=fresh)).events
        assert found.type == "custom" and found.external is True


def run(program: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(HERE / program), *arguments], env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_program_of_the_in_process_bus_runs_unchanged_in_two_processes(shared: str, fresh: str) -> None:
    names = (f"{fresh}-a", f"{fresh}-b")
    programs = [run("program.py", *pair, RUNBUS_URL=shared) for pair in (names, names[::-1])]
    for name, program in zip(names, programs, strict=True):
        out, err = program.communicate(timeout=100)
        assert program.returncode == 0, err
        seen = [line for line in out.splitlines() if line.startswith(fresh)]
        for other in names:
            assert [line for line in seen if line.startswith(f"{other}:")] == [f"{other}:{n}" for n in range(50)], (name, err)


LISTENER = """
import asyncio, sys
from runbus.bus import EventBus, EventType

bus, done = EventBus(), None

async def handler(event):
    print("heard", event.data["n"])
    done.set()

bus.subscribe([EventType.CUSTOM], handler, filter_stream=sys.argv[1])

async def main():
    global done
    done = asyncio.Event()
    await done.wait()

asyncio.run(main())
"""


async def test_a_program_that_subscribes_first_and_only_listens_hears(shared: str, fresh: str) -> None:
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", LISTENER, fresh, env={**os.environ, "RUNBUS_URL": shared}, stdout=asyncio.subprocess.PIPE)
    async with EventBus(url=shared) as bus:
        ended = asyncio.ensure_future(program.communicate())
        while not ended.done():
            await bus.publish(custom(fresh, 7))
            await asyncio.wait([ended], timeout=0.1)
        assert (await ended)[0].split()[:2] == [b"heard", b"7"]


async def test_the_broker_may_be_away(shared: str, fresh: str) -> None:
    nowhere = f"nats://127.0.0.1:{free_port()}" if shared.startswith("nats") else f"http://127.0.0.1:{free_port()}"
    bus = EventBus(url=nowhere, publish_timeout=0.4)
    taker = Taker()
    bus.subscribe([EventType.CUSTOM], taker)
    with pytest.raises(PublishTimeout) as error:
        await within(bus.publish(custom(fresh)), 50)
    assert uuid.UUID(error.value.event_id) and taker.events == []
    await within(bus.close(), 50)


async def test_no_acknowledged_event_is_lost_or_doubled_when_connections_break(shared: str, fresh: str) -> None:
    """A relay breaks all connections of two buses again and again while they publish."""
    first = shared.split(",")[0]
    async with Relay(first) as relay:
        async with EventBus(url=relay.url, publish_timeout=60) as one, EventBus(url=relay.url, publish_timeout=60) as two, EventBus(url=shared) as calm:
            takers = [Taker() for _ in range(3)]
            for bus, taker in zip((one, two, calm), takers, strict=True):
                bus.subscribe([EventType.CUSTOM], taker, filter_stream=fresh)

            async def publish(bus: EventBus, name: str, base: int) -> None:
                n = 0
                while n < 60 or relay.broken < 4:
                    await bus.publish(custom(fresh, base + n, execution_id=name))
                    acknowledged.append(base + n)
                    n += 1

            acknowledged = Grows()
            breaking = asyncio.ensure_future(relay.keep_breaking(acknowledged))
            await within(asyncio.gather(publish(one, f"{fresh}-1", 0), publish(two, f"{fresh}-2", BASE)), 100)
            breaking.cancel()
            for taker in takers:
                await taker.until(len(acknowledged))
        wanted = sorted(acknowledged)
        for taker in takers:
            assert sorted(taker.numbers) == wanted
            for is_first in (True, False):
                numbers = [n for n in taker.numbers if (n < BASE) is is_first]
                assert numbers == sorted(numbers), "in order"
    async with EventBus(url=shared) as bus:
        assert sorted(event.data["n"] for event in await bus.history(stream_id=fresh, limit=10_000)) == wanted


BASE = 100_000
"""The first number of the second publisher."""


class Relay:
    """Passes connections on, and breaks them on demand."""

    def __init__(self, url: str) -> None:
        self._scheme, _, rest = url.partition("://")
        self._user, at, address = rest.rpartition("@")
        self._prefix = f"{self._scheme}://{self._user}{at}"
        host, _, port = address.partition(":")
        self._target = (host, int(port))
        self._writers: set[asyncio.StreamWriter] = set()
        self.broken = 0

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"{self._prefix}127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, up_writer}

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while piece := await source.read(65536):
                    target.write(piece)
                    await target.drain()
            writer.transport.abort()
            up_writer.transport.abort()

        await asyncio.gather(copy(reader, up_writer), copy(up_reader, writer))
        self._writers -= {writer, up_writer}

    async def keep_breaking(self, acknowledged: Grows) -> None:
        """Breaks all connections each time that some more events are acknowledged, so that slow machines make progress too."""
        while True:
            await acknowledged.until(len(acknowledged) + 25)
            self.broken += 1
            for writer in tuple(self._writers):
                writer.transport.abort()


async def test_a_broker_that_restarts_loses_nothing(on_nats: World, fresh: str) -> None:
    assert on_nats.nats is not None
    async with EventBus(url=on_nats.bus_url, publish_timeout=60) as one, EventBus(url=on_nats.bus_url) as two:
        taker = Taker()
        two.subscribe([EventType.CUSTOM], taker, filter_stream=fresh)

        async def publish() -> None:
            for n in range(80):
                await one.publish(custom(fresh, n, execution_id=fresh))

        publishing = asyncio.ensure_future(publish())
        await taker.until(20)
        on_nats.nats.kill()
        await asyncio.to_thread(on_nats.nats.start)
        await within(publishing)
        await taker.until(80)
        assert taker.numbers == list(range(80))


async def test_damaged_frames_are_skipped_and_owned_ones_read(on_nats: World, fresh: str, caplog: pytest.LogCaptureFixture) -> None:
    async with EventBus(url=on_nats.bus_url) as bus:
        taker = Taker()
        bus.subscribe([EventType.CUSTOM], taker, filter_stream=fresh)
        connection = await nats.connect(on_nats.admin_url)
        shard = ids.shard(ids.encode(fresh))
        subject = f"rb.ext.{shard}.{fresh}._.{fresh}"

        def line(n: int, **more: object) -> bytes:
            return json.dumps({"id": str(uuid.uuid4()), "type": "custom", "stream_id": fresh, "execution_id": fresh, "data": {"n": n}, "timestamp": "2026-01-01T00:00:00Z", **more}).encode()

        with caplog.at_level(logging.WARNING, "runbus.bus"):
            good = line(1)
            await connection.request(subject, good, headers={frames.HEADER: frames.header(good)}, timeout=10)
            await connection.request(subject, line(2), headers={frames.HEADER: "v=1, count=1, crc32=00000000"}, timeout=10)
            await connection.request(subject, b"no json\n" + line(3), timeout=10)
            await connection.request(subject, line(4, stream_id="another"), timeout=10)
            two = line(5) + b"\n" + line(6)
            await connection.request(f"rb.ev.{shard}.{fresh}._.{fresh}", two, headers={frames.HEADER: frames.header(two, 2) + ", epoch=1, index=0, journal=0"}, timeout=10)
            await taker.until(4)
        assert taker.numbers == [1, 3, 5, 6]
        assert caplog.text.count("is no event") == 3
        await connection.close()


async def test_losses_of_the_live_feed_are_found(on_nats: World, fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from runbus.bus.nats.transport import NatsTransport

    hear, count = NatsTransport._hear, [0]

    async def lossy(self: NatsTransport, message) -> None:
        count[0] += 1
        if count[0] % 3 == 0:
            await hear(self, message)

    monkeypatch.setattr(NatsTransport, "_hear", lossy)
    async with EventBus(url=on_nats.bus_url) as one, EventBus(url=on_nats.bus_url) as two:
        taker = Taker()
        two.subscribe([EventType.CUSTOM], taker, filter_stream=fresh)
        for n in range(50):
            await one.publish(custom(fresh, n, execution_id=fresh))
        await taker.until(50)
        assert taker.numbers == list(range(50))


async def test_own_events_that_come_back_are_not_decoded_again(on_nats: World, fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from runbus.bus.nats import limits

    decoded: list[bytes] = []
    read = frames.read

    def counted(payload: bytes, *more):
        if fresh.encode() in payload:
            decoded.append(payload)
        return read(payload, *more)

    # Looks into the log deliver some events before the live feed does.
    monkeypatch.setattr(limits, "PROBES_S", (0.02,))
    async with EventBus(url=on_nats.bus_url) as one, EventBus(url=on_nats.bus_url) as two:
        mine, theirs = Taker(), Taker()
        one.subscribe([EventType.CUSTOM], mine, filter_stream=fresh)
        two.subscribe([EventType.CUSTOM], theirs, filter_stream=fresh)
        monkeypatch.setattr(frames, "read", counted)
        await asyncio.gather(*(one.publish(custom(fresh, n, execution_id=f"{fresh}-{n % 4}")) for n in range(200)))
        await theirs.until(200)
        # One more arrives behind all others of its shard, so that these have come back.
        await two.publish(custom(fresh, 200, execution_id=f"{fresh}-0"))
        await mine.until(201)
        assert sorted(mine.numbers) == sorted(theirs.numbers) == list(range(201))
    # Each bus decodes the events of the other one.
    assert len(decoded) == 201


async def test_only_the_very_message_that_was_sent_is_taken_for_an_own_one() -> None:
    from runbus.bus.nats.transport import NatsTransport, _Sent

    sent = _Sent({"id": "1"}, "rb.ext.0.s._.e", "v=1, count=1, crc32=00000000", b"{}")
    headers = {"Nats-Msg-Id": "m", "Nats-Subject": sent.subject, frames.HEADER: sent.frame}
    others = [({**headers, name: "another"}, sent.payload) for name in headers] + [({}, sent.payload), (headers, b"{ }")]
    for expected in (True, False):
        transport = NatsTransport(["nats://127.0.0.1:1"])
        transport._returned = lambda event, expected=expected: expected and event is sent.event
        transport._sent_now("m", sent)
        for other in others:
            assert not transport._comes_back(*other)
        assert transport._comes_back(headers, sent.payload) is expected
        assert not transport._comes_back(headers, sent.payload), "once"
        assert (transport._sent, transport._sent_bytes) == ({}, 0)


async def test_own_events_that_do_not_come_back_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from runbus.bus.nats import limits
    from runbus.bus.nats.transport import NatsTransport, _Sent

    transport = NatsTransport(["nats://127.0.0.1:1"])
    monkeypatch.setattr(limits, "SENT_BYTES", 10_000)
    for n in range(100):
        transport._sent_now(str(n), _Sent({}, "s", "f", b"x" * 1000))
        transport._sent_now(str(n), _Sent({}, "s", "f", b"y" * 1000))
    assert list(transport._sent) == ["96", "97", "98", "99"] and transport._sent_bytes == sum(one.size for one in transport._sent.values()) <= 10_000


async def test_headers_are_read_as_nats_py_reads_them() -> None:
    from nats.aio.client import Client

    from runbus.bus.nats.link import _Client

    for block in (
        b"NATS/1.0\r\nNats-Subject: rb.ext.1.s._.e\r\nRb-Frame: v=1, count=1, crc32=0\r\n\r\n",
        b"NATS/1.0\r\nA:1\r\nB: \t2 \r\nC :3\r\nA: 4:5\r\nEmpty:\r\n\r\n",
        "NATS/1.0\r\nName: Zoë\r\n\r\n".encode(),
        b"NATS/1.0\r\nno colon\r\nA: 1\r\n\r\n",
        b"NATS/1.0\r\n\r\n",
        b"NATS/1.0\r\nNats-Sequence: 9\r\nRb-Frame: \x1fv=1\x1f\r\nNats-Sequence: 1\r\n\r\n",
        b"NATS/1.0\r\nA: 1\r\n\r\nB: 2\r\n\r\n",
        b"NATS/1.0\r\nA: 1\nB: 2\r\n\r\n",
        b"NATS/1.0\r\nA: 1234",
        b"NATS/1.0 503\r\n\r\n",
        b"NATS/1.0 404 Message Not Found\r\nA: 1\r\n\r\n",
        b"NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\nNats-Last-Sequence: 7\r\n\r\n",
        b"",
        None,
    ):
        assert await _Client()._process_headers(block) == await Client()._process_headers(block), block


@pytest.mark.parametrize(
    ("answer", "is_plain"),
    [
        (b'{"stream":"RB_EV_1", "seq":12}', True),
        (b'{"stream":"RB_EV_1","domain":"hub", "seq":1}', True),
        (b'{"stream":"RB_EV_1", "seq":12,"duplicate": true}', False),
        (b'{"error":{"code":503},"stream":"RB_EV_1", "seq":0}', False),
        (b'{"stream":"RB_EV_1", "seq":0}', False),
        (b'{"stream":"a\\"", "seq":12}', False),
        (b"", False),
    ],
)
def test_only_plain_acknowledgements_are_taken_without_decoding(answer: bytes, is_plain: bool) -> None:
    from runbus.bus.nats.transport import _STORED

    assert bool(_STORED.fullmatch(answer)) is is_plain


async def test_publish_keeps_its_bound_when_the_broker_stops_answering(on_nats: World, fresh: str) -> None:
    """Also when more is to be written than the connection keeps."""
    assert on_nats.nats is not None
    async with EventBus(url=on_nats.bus_url, publish_timeout=0.5) as bus, EventBus(url=on_nats.bus_url) as other:
        taker = Taker()
        other.subscribe([EventType.CUSTOM], taker, filter_stream=fresh)
        large = [AgentEvent(EventType.CUSTOM, fresh, data={"n": n, "text": "x" * 200_000}, id=str(uuid.uuid4())) for n in range(64)]
        on_nats.nats.pause()
        try:
            begun = asyncio.get_running_loop().time()
            ended = await within(asyncio.gather(*(bus.publish(event) for event in large), return_exceptions=True))
            assert asyncio.get_running_loop().time() - begun < 5
        finally:
            on_nats.nats.resume()
        assert {type(error) for error in ended} == {PublishTimeout} and {error.event_id for error in ended} == {event.id for event in large}
        # The outcome was unknown: a repeat with the same id is stored once.
        while True:
            again = await within(asyncio.gather(*(bus.publish(event) for event in large), return_exceptions=True))
            if not any(again):
                break
        await taker.until(64)
        assert sorted(taker.numbers) == list(range(64))


async def test_no_consumer_is_made(on_nats: World, fresh: str) -> None:
    async with EventBus(url=on_nats.bus_url) as bus:
        for _ in range(20):
            bus.subscribe([EventType.CUSTOM], Taker(), filter_stream=fresh)
        await bus.publish(custom(fresh))
        connection = await nats.connect(on_nats.admin_url)
        for shard in range(4):
            assert (await connection.jetstream().stream_info(f"RB_EV_{shard}")).state.consumer_count == 0
        await connection.close()


async def test_what_nats_does_not_allow_is_a_typed_error(on_nats: World, fresh: str) -> None:
    user = on_nats.bus_url.replace("bus:", "tap:")
    async with EventBus(url=on_nats.bus_url) as bus:
        with pytest.raises(Forbidden):
            await within(EventBus(url=user).publish(custom(fresh)), 50)
        await bus.publish(custom(fresh))
    wrong = EventBus(url=on_nats.bus_url.replace("password", "wrong"))
    with pytest.raises(runbus.Unauthenticated):
        await within(wrong.publish(custom(fresh)), 50)


async def test_a_proxy_that_cuts_every_message_costs_the_bus_nothing(on_nats: World, fresh: str) -> None:
    def fault(connection: int, message: int) -> str:
        return "cut" if message == 3 + connection else "pass"

    async with Proxy(on_nats.urls[0], fault) as proxy, EventBus(url=proxy.url) as one, EventBus(url=on_nats.bus_url) as two:
        taker = Taker()
        one.subscribe([EventType.CUSTOM], taker, filter_stream=fresh)
        for n in range(30):
            await two.publish(custom(fresh, n, execution_id=fresh))
        await taker.until(30)
        assert taker.numbers == list(range(30)) and proxy.cuts > 0
