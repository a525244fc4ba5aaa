"""The same event id over two entrances, in both orders: REST, WebSocket, the command line, plain NATS. It is stored once."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable

from deployment import Deployment, Gateway, nats_publish, nats_request, nats_server, plain_redis
from websocket import WebSocket
from world import BINARY, PATIENCE_S, ROOT, World, clean_environment, free_ports, tool

Entrance = Callable[[list[dict]], None]


def event(execution: str) -> dict:
    """An event of an execution of its own, with an id."""
    body = {"id": str(uuid.uuid4()), "type": "custom", "stream_id": "ci", "execution_id": execution}
    return {**body, "data": {"step": "lint", "ok": True}, "timestamp": "2026-01-01T12:00:00Z"}


def rest(gateway: Gateway) -> Entrance:
    return lambda events: same(events, gateway.post("/v1/events", {"events": events}))


def websocket(gateway: Gateway) -> Entrance:
    def publish(events: list[dict]) -> None:
        with WebSocket(gateway.host, gateway.port) as link:
            answer = link.ask({"type": "publish", "id": "p", "events": events})
        assert answer["type"] == "ok", answer
        same(events, answer)

    return publish


def same(events: list[dict], answer: dict) -> None:
    assert [found["id"] for found in answer["events"]] == [sent["id"] for sent in events], answer


def command(site: Deployment, *words: object) -> Entrance:
    """`runbus publish --stdin`: to the configured log, or to a gateway."""

    def publish(events: list[dict]) -> None:
        lines = "".join(json.dumps(sent) + "\n" for sent in events)
        done = subprocess.run(
            [str(word) for word in (BINARY, "publish", "--stdin", "--json", "--config", site.config({}), *words)],
            cwd=site.world.folder,
            env=clean_environment(),
            input=lines,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, done
        assert json.loads(done.stdout) == {"published": len(events), "refused": 0}, done

    return publish


def plain(port: int) -> Entrance:
    """The documented publish with plain NATS: `rb.pub`, with the header."""

    def publish(events: list[dict]) -> None:
        for sent in events:
            nats_publish(port, f"rb.pub.ci._.{sent['execution_id']}", sent, {"Nats-Msg-Id": sent["id"]})

    return publish


def repeat(entrances: dict[str, Entrance]) -> dict[str, dict]:
    """Publishes an event over each ordered pair of entrances: the events, by their executions."""
    pairs = {(first, second): event(f"{first}-{second}") for first in entrances for second in entrances}
    for place in (0, 1):
        for name, publish in entrances.items():
            publish([sent for pair, sent in pairs.items() if pair[place] == name])
    return {sent["execution_id"]: sent for sent in pairs.values()}


def are_stored_once(gateway: Gateway, events: dict[str, dict]) -> None:
    found = {execution: [stored["id"] for stored in gateway.stored(execution)] for execution in events}
    assert found == {execution: [sent["id"]] for execution, sent in events.items()}, found


def messages(port: int) -> int:
    """Stored messages of the event streams of all shards."""
    return sum(nats_request(port, f"$JS.API.STREAM.INFO.RB_EV_{shard}", {})["state"]["messages"] for shard in range(4))


def test_an_event_id_is_stored_once_over_each_pair_of_entrances_on_nats(world: World) -> None:
    (port,) = free_ports(1)
    # The shipped configuration has the mapping of `rb.pub`; its number of shards is the default.
    program = world.program(tool("RUNBUS_NATS_SERVER"), "-c", ROOT / "ops/nats/single.conf", "-p", port)
    program.wait_for("Server is ready")
    site = Deployment(world, plain_redis(world), {"nats.servers": [f"nats://127.0.0.1:{port}"], "nats.shards": None})
    gateway = site.gateway()
    entrances = {
        "rest": rest(gateway),
        "websocket": websocket(gateway),
        "command": command(site),
        "remote": command(site, "--gateway", f"http://{gateway.host}:{gateway.port}"),
        "plain": plain(port),
    }
    before = messages(port)
    events = repeat(entrances)
    are_stored_once(gateway, events)
    assert messages(port) - before == len(events), "the broker has each event once"
    # Without the header the broker does not recognise the event: docs/subjects.md.
    sent = events["rest-plain"]
    nats_publish(port, f"rb.pub.ci._.{sent['execution_id']}", sent, {})
    assert messages(port) - before == len(events) + 1, "a publish without the header is stored again"


def test_an_event_id_is_stored_once_over_each_pair_of_entrances_on_the_embedded_backend(world: World) -> None:
    site = Deployment(world, {"log.backend": "embedded", "store.backend": "embedded", "nats.shards": None, "embedded.synchronous": "normal"})
    gateway = site.gateway()
    entrances = {
        "rest": rest(gateway),
        "websocket": websocket(gateway),
        "command": command(site),
        "remote": command(site, "--gateway", f"http://{gateway.host}:{gateway.port}"),
    }
    are_stored_once(gateway, repeat(entrances))
