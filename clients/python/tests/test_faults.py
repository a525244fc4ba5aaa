"""Connections that break at every message, gateways that die, consumers that are slow, credentials that end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import time

import pytest
from websockets.asyncio.server import ServerConnection, serve

import runbus
from proxy import Proxy
from runbus import limits
from runbus.errors import Forbidden, ProtocolError, Unauthenticated, Unavailable
from servers import SECRET, Gateway, Grows, World, within
from test_client import snapshot, stored, until_terminal


async def test_cuts_at_every_message_lose_and_double_nothing(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as direct:
        await direct.start("council", "Why?", execution_id=fresh)
        async with direct.subscribe(execution_id=fresh, since="all") as subscription:
            await until_terminal(subscription)
    wanted = [event["id"] for event in stored(world, fresh)]
    kinds = ("cut", "tear", "half")

    async def read(kind: str, first: int) -> None:
        # Each connection breaks one message later than the one before.
        def fault(connection: int, message: int) -> str:
            return kind if message == first + connection else "delay" if message % 5 == 0 else "pass"

        async with Proxy(world.urls[-1], fault) as proxy, runbus.connect(proxy.url) as client:
            async with client.subscribe(execution_id=fresh, since="all", batch=24) as subscription:
                events = await until_terminal(subscription)
            assert [event["id"] for event in events] == wanted, (kind, first)
            assert proxy.cuts > 0 and subscription.connections > 1

    await asyncio.gather(*(read(kind, first) for kind in kinds for first in range(3)))


async def test_an_execution_survives_cuts_while_it_runs(world: World, fresh: str) -> None:
    def fault(connection: int, message: int) -> str:
        return ("cut", "tear", "half")[connection % 3] if message == 2 + connection * 2 else "pass"

    async with Proxy(world.urls[0], fault) as proxy, runbus.connect(proxy.url) as client:
        await client.start("council", "Why?", execution_id=fresh)
        view = client.execution(fresh, coalesce=False)
        checked = 0
        async for now in view:
            if now.raw()["execution"]["events"] % 50 == 0:
                checked += 1
                assert now.raw() == await asyncio.to_thread(snapshot, world, fresh, now.cursor)
        assert view.status == "completed" and checked > 0 and proxy.cuts > 2
        assert view.raw() == await asyncio.to_thread(snapshot, world, fresh, view.cursor)


async def test_a_gateway_may_die_in_mid_stream(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client:
        events = [{"type": "custom", "stream_id": fresh, "execution_id": fresh, "data": {"n": n}} for n in range(60)]
        found = Grows()

        async def read() -> None:
            async with client.subscribe(execution_id=fresh, since="all", batch=2) as subscription:
                while len(found) < len(events) + 60:
                    item = await subscription.next_raw()
                    if isinstance(item, dict):
                        found.append(item)

        reader = asyncio.ensure_future(read())
        try:
            await client.publish(events)
            await found.until(30)
            for gateway in world.gateways:
                gateway.kill()
                publishing = asyncio.ensure_future(client.publish([{**event, "data": {"n": -1}} for event in events[: 60 // len(world.gateways)]]))
                await asyncio.to_thread(gateway.start)
                await within(publishing)
            await within(reader)
        finally:
            reader.cancel()
            for gateway in world.gateways:
                if gateway.process is None:
                    gateway.start()
    assert [event["id"] for event in found] == [event["id"] for event in stored(world, fresh)]


async def test_commands_keep_their_ids_over_lost_answers(world: World, fresh: str) -> None:
    lost = [0]

    async def serve_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes a request on and loses its answer, twice."""
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", world.gateways[0].port)
        head = await reader.readuntil(b"\r\n\r\n")
        size = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        up_writer.write(head + await reader.readexactly(size))
        answer = await up_reader.readuntil(b"\r\n\r\n")
        lost[0] += 1
        if lost[0] > 2:
            size = next(int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length"))
            writer.write(answer + await up_reader.readexactly(size))
            await writer.drain()
        writer.transport.abort() if lost[0] <= 2 else writer.close()
        up_writer.close()

    server = await asyncio.start_server(serve_once, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, runbus.connect(url) as client:
        started = await within(client.start("clerk", "go", stream_id=fresh))
        # The two tries before it started the execution: the id is the same.
        assert lost[0] == 3 and not started.created
        lost[0] = 0
        await within(client.publish({"type": "custom", "stream_id": f"{fresh}-p", "data": {}}))
    async with runbus.connect(world.urls) as client:
        assert len((await client.history(stream_id=fresh, types=["execution_queued"])).events) == 1
        assert len((await client.history(stream_id=f"{fresh}-p")).events) == 1
        await client.cancel(started.execution_id)


async def test_a_slow_consumer_slows_the_socket_and_loses_nothing(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client:
        text = "x" * 20_000
        for _ in range(20):
            await client.publish([{"type": "custom", "stream_id": fresh, "execution_id": fresh, "data": {"text": text}} for _ in range(20)])
        async with client.subscribe(execution_id=fresh, since="all") as slow:
            assert isinstance(await slow.next_raw(), dict)
            # All of 8 MB is there to be sent. It stays at the gateway, whatever time passes: commands have their own connection.
            held = 0
            for _ in range(50):
                await client.stats()
                assert slow._socket is not None
                held = max(held, len(slow._socket.recv_messages.frames))
            # The rest of one read of the socket may come on top.
            assert held <= limits.SOCKET_MESSAGES + 32, held
            found = 1
            while found < 400:
                found += isinstance(await within(slow.next_raw()), dict)


def jwt(seconds: float, **claims: object) -> str:
    now = int(time.time())
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": "ann", "iat": now, "exp": int(now + seconds), "scope": "read publish start", **claims}]
    body = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    signature = base64.urlsafe_b64encode(hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    return f"{body}.{signature}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    """A gateway that asks everybody."""
    folder = tmp_path_factory.mktemp("guarded")
    settings = {"auth.mode": "required", "auth.jwt.algorithms": "HS256", "auth.jwt.hs256_secret": SECRET, "auth.jwt.leeway_s": "0", "embedded.synchronous": "normal"}
    gateway = Gateway("dev --idle", folder, settings)
    gateway.start()
    yield gateway
    gateway.stop()


async def test_wrong_credentials_are_an_error_without_retry(guarded: Gateway) -> None:
    for token in (None, "nonsense", jwt(-10)):
        async with runbus.connect(guarded.url, token=token) as client:
            with pytest.raises(Unauthenticated):
                await within(client.history(), 50)
            # A gateway may accept the upgrade and close with 4401, or refuse it with 401.
            with pytest.raises(Unauthenticated):
                await within(client.subscribe(since="new").__anext__(), 50)
    async with runbus.connect(guarded.url, token=jwt(60, scope="read:mine")) as client:
        with pytest.raises(Forbidden):
            await within(client.history(stream_id="theirs"), 50)
        with pytest.raises(Forbidden):
            await within(client.subscribe(stream_id="theirs").__anext__(), 50)
        assert (await within(client.subscribe(stream_id="mine").__anext__(), 50)).type == "caught_up"


async def test_one_fresh_token_is_tried(guarded: Gateway) -> None:
    given: list[str] = []

    async def get_token() -> str:
        given.append(jwt(60) if len(given) % 2 else jwt(-10))
        return given[-1]

    async with runbus.connect(guarded.url, get_token=get_token) as client:
        await within(client.history(), 50)
        assert len(given) == 2
    given.clear()
    async with runbus.connect(guarded.url, get_token=get_token) as client:
        assert (await within(client.subscribe(since="new").__anext__(), 50)).type == "caught_up"
        assert len(given) == 2
    never = []

    def worthless() -> str:
        never.append(1)
        return f"nonsense-{len(never)}"

    async with runbus.connect(guarded.url, get_token=worthless) as client:
        with pytest.raises(Unauthenticated):
            await within(client.subscribe(since="new").__anext__(), 50)
        assert len(never) == 2


async def test_tokens_are_refreshed_in_band(guarded: Gateway, fresh: str) -> None:
    given = Grows()

    async def get_token() -> str:
        given.append(jwt(15))
        return given[-1]

    async with runbus.connect(guarded.url, get_token=get_token) as client:
        async with client.subscribe(stream_id=fresh, since="new") as subscription:
            assert (await within(subscription.__anext__())).type == "caught_up"
            waiting = asyncio.ensure_future(subscription.next_raw())
            await given.until(3)
            assert not waiting.done()
            await client.publish({"type": "custom", "stream_id": fresh, "data": {}})
            assert (await within(waiting))["type"] == "custom"
            assert subscription.connections == 1


class Fake:
    """A gateway that says what a test tells it."""

    def __init__(self, *scripts: list[object]) -> None:
        self.scripts, self.asked = list(scripts), []

    async def __aenter__(self) -> Fake:
        self._server = await serve(self._talk, "127.0.0.1", 0, subprotocols=["runbus.v1"])
        self.url = "http://127.0.0.1:{}".format(next(iter(self._server.sockets)).getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, socket: ServerConnection) -> None:
        script = self.scripts.pop(0) if self.scripts else []
        await socket.send(json.dumps({"type": "hello", "protocol": "runbus.v1", "server": "fake", "auth": "none", "limits": {}}))
        self.asked.append(json.loads(await socket.recv()))
        for word in script:
            if isinstance(word, int):
                await socket.close(word, "told to")
                return
            await socket.send(word if isinstance(word, str | bytes) else json.dumps(word))
        with contextlib.suppress(Exception):
            await socket.wait_closed()


def event(n: int, **more: object) -> dict:
    return {"id": f"019aa3c0-0000-7000-8000-{n:012}", "type": "custom", "stream_id": "s", "data": {"n": n}, "timestamp": "2026-01-01T00:00:00.000000Z", "seq": n, "cursor": f"c{n}", **more}


def events(*found: dict) -> dict:
    return {"type": "events", "sub": "s", "events": list(found)}


async def numbers(client: runbus.Client, count: int) -> list:
    found: list = []
    async with client.subscribe(since="all") as subscription:
        async for item in subscription:
            found.append(item.seq if item.type in ("custom", "undecodable") else item.type)
            if len(found) == count:
                return found
    raise AssertionError("the subscription ended")


async def test_what_is_no_message_is_skipped() -> None:
    script = ["no json", "[1]", b"\x00\xff", {"type": "of_the_future", "sub": "s", "x": 1}, {"no": "type"}, {"type": 7, "sub": "s"}, {"type": "events", "sub": "another", "events": [event(9)]},
              {"type": "events", "sub": "s"}, {"type": "events", "sub": "s", "events": [1]}, {"type": "gap", "sub": "s"}, {"type": "snapshot", "sub": "s"}, "[" * 100_000, events(event(1))]  # fmt: skip
    async with Fake(script) as fake, runbus.connect(fake.url) as client:
        assert await within(numbers(client, 1), 50) == [1]
        assert len(fake.asked) == 1, "the connection stays open"


async def test_damaged_lines_and_gaps_stand_among_the_events() -> None:
    damaged = {"type": "undecodable", "sub": "s", "line": "x", "reason": "no JSON", "seq": 2, "cursor": "c2"}
    gap = {"type": "gap", "sub": "s", "requested": "c2", "first_available": "c3", "reason": "expired"}
    again = {"type": "gap", "sub": "s", "requested": "c4", "first_available": "c0", "reason": "recreated"}
    script = [events(event(1)), damaged, gap, 4000]
    async with Fake(script, [gap, events(event(4)), again, events(event(0))]) as fake, runbus.connect(fake.url) as client:
        assert await within(numbers(client, 6), 50) == [1, 2, "gap", 4, "gap", 0]
        assert fake.asked[1]["since"] == {"cursor": "c2"}


async def test_what_comes_again_after_a_reconnect_is_dropped() -> None:
    async with Fake([events(event(1), event(2)), 4000], [events(event(1), event(2), event(3))]) as fake, runbus.connect(fake.url) as client:
        assert await within(numbers(client, 3), 50) == [1, 2, 3]


@pytest.mark.parametrize("code", [4000, 4001, 4002, 4003, 4408, 4429, 4499, 1000, 1011, 1012])
async def test_other_closes_are_retried(code: int) -> None:
    async with Fake([events(event(1)), code], [events(event(2))]) as fake, runbus.connect(fake.url) as client:
        assert await within(numbers(client, 2), 50) == [1, 2]
        assert fake.asked[1]["since"] == {"cursor": "c1"}


@pytest.mark.parametrize(("code", "kind"), [(4401, Unauthenticated), (4403, Forbidden), (4500, ProtocolError), (4999, ProtocolError)])
async def test_final_closes_are_typed_errors(code: int, kind: type[Exception]) -> None:
    async with Fake([events(event(1)), code]) as fake, runbus.connect(fake.url) as client:
        with pytest.raises(kind):
            await within(numbers(client, 2), 50)
        assert len(fake.asked) == 1


async def test_errors_of_a_subscription_are_typed() -> None:
    def said(code: str) -> dict:
        return {"type": "error", "id": "s", "code": code, "message": "no", "path": "filter"}

    for code, kind in (("invalid_argument", runbus.InvalidArgument), ("forbidden", Forbidden)):
        async with Fake([said(code)]) as fake, runbus.connect(fake.url) as client:
            with pytest.raises(kind) as error:
                await within(numbers(client, 1), 50)
            assert error.value.path == "filter"
    for code in ("unavailable", "limit_exceeded", "rate_limited"):
        async with Fake([said(code)], [events(event(1))]) as fake, runbus.connect(fake.url) as client:
            assert await within(numbers(client, 1), 50) == [1]


async def test_answers_of_servers_that_fail_are_retried_until_the_bound() -> None:
    asked = Grows()

    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError:
            writer.close()
            return
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(busy, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, runbus.connect(url) as client:
        for endless in (client.stats(), client.subscribe(since="new").__anext__()):
            asked.clear()
            trying = asyncio.ensure_future(endless)
            await asked.until(4)
            assert not trying.done()
            trying.cancel()
            await asyncio.gather(trying, return_exceptions=True)
        with pytest.raises(Unavailable):
            await within(client.stats(timeout=0.5), 50)
    async with runbus.connect("http://127.0.0.1:1", timeout=0.3) as client:
        with pytest.raises(Unavailable):
            await within(client.start("a"), 50)


async def test_answers_that_are_no_gateways_are_typed_errors() -> None:
    bodies = [b"no json", b'{"strange": true}', b"x" * (limits.ANSWER_BYTES + 1)]

    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = bodies[0]
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(odd, "127.0.0.1", 0)
    async with server, runbus.connect(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client:
        while bodies:
            with pytest.raises(ProtocolError):
                await within(client.stats(), 50)
            bodies.pop(0)
        with pytest.raises(ProtocolError):
            bodies.append(b"{}")
            await within(client.subscribe(since="new").__anext__(), 50)


async def test_the_next_gateway_is_taken_when_one_is_gone(world: World, fresh: str) -> None:
    async with runbus.connect(["http://127.0.0.1:1", world.urls[0]]) as client:
        await within(client.publish({"type": "custom", "stream_id": fresh, "data": {}}))
        async with client.subscribe(stream_id=fresh, since="all") as subscription:
            assert (await within(subscription.next_raw()))["type"] == "custom"
