"""Implementations of server-sent events that `make test` does not try: Node, Python, Go and curl."""

from __future__ import annotations

import json
import pathlib

import pytest

from world import HERE, Program, Runbus, World, free_port, node_folder, tool

RECONNECTING = ["undici", "eventsource-client", "@microsoft/fetch-event-source", "launchdarkly-eventsource", "event-source-polyfill"]
READING = ["httpx-sse", "sseclient-py", "requests-sse"]


def node(world: World, implementation: str, url: str) -> Program:
    folder = world.folder / "node"
    return world.program(["node", (folder if folder.exists() else node_folder(world)) / "eventsources.mjs", implementation, url])


def heard(program: Program, count: int, kind: str = "custom") -> list[dict]:
    """The first events of a type, once there are so many."""
    return [json.loads(match.string) for match in program.wait_for(rf'"type": ?"{kind}"', count)]


def numbers(events: list[dict]) -> list[int]:
    return [event["data"]["data"]["n"] for event in events]


@pytest.mark.parametrize("implementation", RECONNECTING)
def test_an_event_source_gets_history_and_news_in_order_with_their_cursors(world: World, backend: str, implementation: str) -> None:
    runbus = Runbus(world, backend, {})
    runbus.publish("s", 1, 2)
    source = node(world, implementation, f"{runbus.url}/v1/events/stream?stream_id=s&since=all")
    heard(source, 2)
    runbus.publish("s", 3)
    events = heard(source, 3)
    assert numbers(events) == [1, 2, 3]
    assert [event["id"] for event in events] == [event["data"]["cursor"] for event in events]


@pytest.mark.parametrize("implementation", RECONNECTING)
def test_an_event_source_goes_on_behind_its_last_event_when_the_gateway_restarts(world: World, implementation: str) -> None:
    address = {"gateway.listen": f"127.0.0.1:{free_port()}"}
    runbus = Runbus(world, "embedded", address)
    source = node(world, implementation, f"{runbus.url}/v1/events/stream?stream_id=s")
    source.wait_for('"open"')
    runbus.publish("s", 1)
    heard(source, 1)
    runbus.program.stop()
    again = Runbus(world, "embedded", address)
    # It is published before most sources are back: they have to ask for it.
    again.publish("s", 2)
    assert numbers(heard(source, 2)) == [1, 2]
    again.publish("s", 3)
    assert numbers(heard(source, 3)) == [1, 2, 3]


@pytest.mark.parametrize("implementation", ["undici", "event-source-polyfill"])
def test_unnamed_messages_come_to_onmessage(world: World, implementation: str) -> None:
    runbus = Runbus(world, "embedded", {})
    runbus.publish("s", 1)
    source = node(world, implementation, f"{runbus.url}/v1/events/stream?stream_id=s&since=all&unnamed=true")
    events = [event for event in heard(source, 2, "message") if event["data"]["type"] == "custom"]
    assert numbers(events) == [1]


@pytest.mark.parametrize("library", READING)
def test_a_library_of_python_gets_history_and_news_in_order_with_their_cursors(world: World, backend: str, library: str) -> None:
    runbus = Runbus(world, backend, {})
    runbus.publish("s", 1, 2)
    url = f"{runbus.url}/v1/events/stream?stream_id=s&since=all"
    source = world.program([tool("RUNBUS_INTEROP_PYTHON"), HERE / "eventsources.py", library, url, 3])
    heard(source, 2)
    runbus.publish("s", 3)
    events = heard(source, 3)
    assert numbers(events) == [1, 2, 3]
    assert [event["id"] for event in events] == [event["data"]["cursor"] for event in events]
    source.wait()


@pytest.mark.parametrize("library", ["httpx-sse", "@microsoft/fetch-event-source"])
def test_no_message_without_data_comes_before_the_first_event(world: World, library: str) -> None:
    runbus = Runbus(world, "embedded", {})
    runbus.publish("s", 1)
    url = f"{runbus.url}/v1/events/stream?stream_id=s&since=all"
    if library == "httpx-sse":
        source = world.program([tool("RUNBUS_INTEROP_PYTHON"), HERE / "eventsources.py", library, url, 1])
    else:
        source = node(world, library, url)
    heard(source, 1)
    assert not [line for line in source.lines if '"empty"' in line]


def test_a_library_of_go_goes_on_behind_its_last_event_when_the_gateway_restarts(world: World) -> None:
    address = {"gateway.listen": f"127.0.0.1:{free_port()}"}
    runbus = Runbus(world, "embedded", address)
    source = world.program([pathlib.Path(tool("RUNBUS_INTEROP_GO")) / "eventsource", f"{runbus.url}/v1/events/stream?stream_id=s"])
    source.wait_for('"subscribed"')
    runbus.publish("s", 1)
    heard(source, 1)
    runbus.program.stop()
    again = Runbus(world, "embedded", address)
    again.publish("s", 2)
    events = [json.loads(match.string) for match in source.wait_for('"type":"custom"', 2)]
    assert [json.loads(event["data"])["data"]["n"] for event in events] == [1, 2]
    assert [event["id"] for event in events] == [json.loads(event["data"])["cursor"] for event in events]


def test_curl_reads_a_stream_and_goes_on_with_a_cursor_as_query_parameter(world: World) -> None:
    runbus = Runbus(world, "embedded", {})
    runbus.publish("s", 1, 2)
    url = f"{runbus.url}/v1/events/stream?stream_id=s&since=all"
    first = world.program(["curl", "--silent", "--no-buffer", "--include", url])
    first.wait_for("(?i)^cache-control: .*no-transform")
    cursor = json.loads(first.wait_for(r'^data: (\{"type":"custom".*|.*"type":"custom".*)')[0][1])["cursor"]
    second = world.program(["curl", "--silent", "--no-buffer", f"{url}&lastEventId={cursor}"])
    assert json.loads(second.wait_for('^data: (.*"type":"custom".*)')[0][1])["data"]["n"] == 2


def test_a_stream_of_an_ended_execution_ends_and_an_event_source_does_not_come_back(world: World) -> None:
    runbus = Runbus(world, "embedded", {"model.provider": "scripted"})
    runbus.start("assistant", "run-1")
    runbus.events("run-1")
    url = f"{runbus.url}/v1/executions/run-1/events/stream?since=all&until=terminal"
    said = world.run([tool("RUNBUS_INTEROP_PYTHON"), HERE / "eventsources.py", "httpx-sse", url, 1000])
    last = json.loads(said.splitlines()[-1])
    assert last["type"] == "execution_completed"
    with runbus.http.stream("GET", url, headers={"last-event-id": last["id"], "accept": "text/event-stream"}) as answer:
        assert answer.status_code == 204
