"""Tools and clients of NATS beside Runbus, on the same server."""

from __future__ import annotations

import json
import pathlib

import pytest

from world import HERE, Runbus, World, node_folder, tool

EVENT = {"type": "custom", "stream_id": "s", "timestamp": "2026-01-02T03:04:05.000006Z"}


def event(number: int, text: str = "") -> str:
    """An event as a plain publisher writes it: one line, its numbers and key order kept."""
    identity = f"00000000-0000-4000-8000-{number:012d}"
    data = f'{{"z": 0.10, "a": 12345678901234567890123, "n": {number}, "text": "{text}"}}'
    return json.dumps({"id": identity, **EVENT})[:-1] + f', "data": {data}}}'


CLIS = pytest.mark.parametrize("cli", ["RUNBUS_INTEROP_GO", "RUNBUS_INTEROP_GO_OLD"], ids=["0.5", "0.4"])


def nats(runbus: Runbus, cli: str, *args: object) -> list:
    return [pathlib.Path(tool(cli)) / "nats", "--server", runbus.broker.nats, *args]


def stored(runbus: Runbus, count: int) -> list[dict]:
    """The events of the stream, once there are so many."""
    answer = runbus.http.get("/v1/events", params={"stream_id": "s", "order": "oldest", "wait_ms": 0}).json()["events"]
    position = answer[-1]["cursor"] if answer else "all"
    while len(answer) < count:
        page = runbus.http.get("/v1/events", params={"stream_id": "s", "since": position, "wait_ms": 30_000}).json()
        answer += page["events"]
        position = page["next"]
    return answer


@CLIS
def test_nats_cli_publishes_an_event_that_readers_get_unchanged(world: World, cli: str) -> None:
    runbus = Runbus(world, "nats", {})
    world.run(nats(runbus, cli, "pub", "rb.pub.s._._", event(1, "é")))
    (found,) = stored(runbus, 1)
    assert found["external"] is True
    text = runbus.http.get("/v1/events", params={"stream_id": "s"}).text
    assert '"z":0.10,"a":12345678901234567890123,"n":1' in text.replace(" ", ""), text


@CLIS
def test_nats_cli_gets_what_workers_write_by_a_subject_that_one_can_type(world: World, cli: str) -> None:
    runbus = Runbus(world, "nats", {"model.provider": "scripted"})
    tap = world.program(nats(runbus, cli, "sub", "rb.live.ev.*.assistant.*.run-1"))
    tap.wait_for("Subscribing on")
    runbus.start("assistant", "run-1")
    runbus.events("run-1")
    tap.wait_for('"type":"execution_completed"')


@CLIS
def test_nats_cli_shows_the_streams_and_reads_a_stored_message(world: World, cli: str) -> None:
    runbus = Runbus(world, "nats", {})
    runbus.publish("s", 1)
    names = world.run(nats(runbus, cli, "stream", "ls", "--names")).split()
    assert {"RB_EV_0", "RB_SE_0", "RB_IN_0", "RB_JOB", "RB_LAYOUT"} <= set(names), names
    message = world.run(nats(runbus, cli, "stream", "get", "RB_EV_2", "1"))
    assert '"n":1' in message and "rb.ext.2.s._._" in message, message
    world.run(nats(runbus, cli, "stream", "report"))


@CLIS
def test_a_stream_that_nats_cli_removes_is_made_again_and_open_readers_hear_of_a_gap(world: World, cli: str) -> None:
    runbus = Runbus(world, "nats", {})
    runbus.publish("s", 1)
    url = f"{runbus.url}/v1/events/stream?stream_id=s&since=all"
    reader = world.program([tool("RUNBUS_INTEROP_PYTHON"), HERE / "eventsources.py", "httpx-sse", url, 3])
    reader.wait_for('"n": 1')
    world.run(nats(runbus, cli, "stream", "rm", "RB_EV_2", "--force"))
    gap = json.loads(reader.wait_for('"type": "gap"')[0].string)
    assert gap["data"]["reason"] == "recreated", gap
    # The process that runs makes the stream again: a publish succeeds at the latest when it is ready.
    event_of = {"type": "custom", "stream_id": "s", "data": {"n": 2}}
    while runbus.http.post("/v1/events", json={"events": [event_of]}).status_code == 503:
        pass
    reader.wait_for('"n": 2')
    assert runbus.http.get("/readyz").status_code == 200


def test_nats_py_publishes_and_hears_as_the_documentation_says(world: World) -> None:
    runbus = Runbus(world, "nats", {})
    script = HERE / "nats_client.py"
    client = world.program([tool("RUNBUS_INTEROP_PYTHON"), script, runbus.broker.nats, event(7)])
    client.wait_for('"n": 7')
    client.wait()
    (found,) = stored(runbus, 1)
    assert found["data"]["n"] == 7 and found["external"] is True


def test_nats_js_publishes_and_hears_as_the_documentation_says(world: World) -> None:
    runbus = Runbus(world, "nats", {})
    script = node_folder(world) / "nats.mjs"
    client = world.program(["node", script, runbus.broker.nats, event(8)])
    client.wait_for('"n": 8')
    client.wait()
    (found,) = stored(runbus, 1)
    assert found["data"]["n"] == 8 and found["external"] is True


def test_a_repeated_publish_of_nats_js_is_stored_once(world: World) -> None:
    runbus = Runbus(world, "nats", {})
    script = node_folder(world) / "nats.mjs"
    world.run(["node", script, runbus.broker.nats, event(9)])
    said = world.run(["node", script, runbus.broker.nats, event(9), "repeat"])
    assert '"duplicate":true' in said, said
    assert len(stored(runbus, 1)) == 1
