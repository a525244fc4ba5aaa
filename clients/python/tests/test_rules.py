"""Rules that need no server: vectors, the fold, checks, patches, the sync wrapper's surface."""

from __future__ import annotations

import asyncio
import base64
import json
import pathlib
import random
from urllib.parse import quote

import pytest

import runbus
from runbus import backoff, frames, ids, limits, monitor, sync, tasks
from runbus.fold import State
from runbus.items import decode_event
from runbus.types.snapshot import Snapshot

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "vectors"


def vectors(name: str) -> list[dict]:
    return json.loads((VECTORS / name).read_text())


def test_tokens() -> None:
    for one in vectors("tokens.json"):
        if one["id"] is not None:
            assert ids.encode(one["id"]) == one["token"]
            assert ids.decode(one["token"]) == one["id"]
        else:
            assert ids.decode(one["token"]) == one["token"], "a token that no id makes is the id that it looks like"
    assert ids.encode(None) == "_" and ids.decode("_") is None


def test_shards() -> None:
    for one in vectors("shards.json"):
        assert ids.shard(one["token"], one["shards"]) == one["shard"]


def test_frames() -> None:
    for one in vectors("frames.json"):
        payload = base64.b64decode(one["payload_base64"])
        topic = frames.Topic.parse(one["subject"])
        assert topic is not None
        frame = frames.read(payload, topic.lane == "ext", one["header"])
        found = list(frames.events(frame, topic, one["sequence"], payload))
        assert len(found) == len(one["events"]), one["name"]
        for event, wanted in zip(found, one["events"], strict=True):
            assert {name: event.get(name) for name in wanted} == wanted, one["name"]
            assert event["type"] == "undecodable" or event == wanted, one["name"]


def test_a_cursor_is_the_same_text_in_an_address_and_in_json() -> None:
    for one in vectors("cursors.json"):
        cursor = one["cursor"]
        assert quote(cursor, safe="") == cursor and json.loads(json.dumps({"cursor": cursor})) == {"cursor": cursor}
        event = {"id": "1", "type": "custom", "stream_id": "s", "data": {}, "timestamp": "2026-01-01T00:00:00Z", "seq": 1, "cursor": cursor}
        assert decode_event(event).cursor == cursor


def test_messages_are_a_union_by_type() -> None:
    from runbus.types import protocol

    gap = {"type": "gap", "sub": "s", "requested": "a", "first_available": "b", "reason": "expired"}
    assert isinstance(protocol.ServerMessage.model_validate(gap).root, protocol.GapMessage)
    event = next(event for event in vectors("snapshots.json")[0]["events"] if event["type"] == "llm_text_delta")
    message = protocol.ServerMessage.model_validate({"type": "events", "sub": "s", "events": [event]}).root
    assert isinstance(message, protocol.EventsMessage) and "LlmTextDeltaEvent" in repr(message.events[0])
    ping = protocol.ClientMessage.model_validate({"type": "ping", "nonce": "n"}).root
    assert isinstance(ping, protocol.PingMessage) and ping.nonce == "n"
    for wrong in ({"type": "gap", "sub": 7, "requested": "a", "first_available": "b", "reason": "expired"}, {"type": "fly"}, {"sub": "s"}):
        with pytest.raises(ValueError):
            protocol.ServerMessage.model_validate(wrong)


def test_the_header_of_an_open_frame_is_read_back() -> None:
    payload = b'{"a":1}'
    assert frames.read(payload, True, frames.header(payload)).damage is None
    assert frames.read(payload + b" ", True, frames.header(payload)).damage is not None


@pytest.mark.parametrize("form", ["events", "merged"])
def test_events_fold_to_the_gateways_snapshots(form: str) -> None:
    checked = 0
    for one in vectors("snapshots.json"):
        wanted = {snapshot["behind"]: snapshot["snapshot"] for snapshot in one["snapshots"]}
        state = State()
        for event in one[form]:
            state.apply(event)
            if event["cursor"] in wanted:
                assert state.dump() == wanted[event["cursor"]], (one["execution_id"], event["type"])
                checked += 1
                Snapshot.model_validate(state.dump())
                state = State.load(json.loads(json.dumps(state.dump())))
    assert checked > 3


def test_a_fold_from_any_snapshot_goes_on() -> None:
    chance = random.Random(7)
    for one in vectors("snapshots.json"):
        last = one["snapshots"][-1]
        for snapshot in chance.sample(one["snapshots"], min(5, len(one["snapshots"]))):
            state = State.load(snapshot["snapshot"])
            at = next(n for n, event in enumerate(one["events"]) if event["cursor"] == snapshot["behind"])
            for event in one["events"][at + 1 :]:
                state.apply(event)
            assert state.dump() == last["snapshot"]


def test_events_that_are_not_as_their_type_says_pass() -> None:
    event = {"id": "1", "type": "llm_text_delta", "stream_id": "s", "data": {"content": 7}, "timestamp": "now"}
    found = decode_event(event)
    assert isinstance(found, runbus.UnknownEvent) and found.type == "llm_text_delta" and found.data == {"content": 7}


def test_patches_are_applied() -> None:
    document = {"a": [1, 2], "b/c": {"~": 1}}
    operations = [
        {"op": "add", "path": "/a/-", "value": 3},
        {"op": "remove", "path": "/a/0"},
        {"op": "replace", "path": "/b~1c/~0", "value": 2},
        {"op": "copy", "from": "/a/1", "path": "/d"},
        {"op": "move", "from": "/d", "path": "/e"},
        {"op": "test", "path": "/e", "value": 3},
    ]
    assert monitor.patch(document, operations) == {"a": [2, 3], "b/c": {"~": 2}, "e": 3}
    assert monitor.patch({}, [{"op": "add", "path": "", "value": 1}]) == 1
    for wrong in ({"op": "remove", "path": "/x"}, {"op": "test", "path": "/a", "value": 0}, {"op": "add", "path": "/a/x", "value": 0}):
        with pytest.raises((monitor.PatchError, KeyError)):
            monitor.patch({"a": [1]}, [wrong])


def test_pauses_grow_and_are_bounded() -> None:
    pauses = backoff.Backoff()
    assert pauses.next() == 0.0, "the first try again is at once"
    found = [pauses.next() for _ in range(30)]
    assert found[0] <= limits.BACKOFF_MIN_S and max(found) <= limits.BACKOFF_MAX_S and found[-1] >= limits.BACKOFF_MAX_S / 2
    assert pauses.next(5.0) >= 5.0
    pauses.reset()
    assert pauses.next() == 0.0


def test_ids_are_versioned_and_in_order_of_time() -> None:
    import uuid

    found = [uuid.UUID(ids.uuid7()) for _ in range(100)]
    assert {one.version for one in found} == {7} and {one.variant for one in found} == {uuid.RFC_4122}
    assert len(set(found)) == 100


def test_the_blocking_client_has_every_command() -> None:
    missing = {name for name in dir(runbus.Client) if not name.startswith("_")} - set(dir(sync.Client)) - {"aclose", "listen", "iter_history"}
    assert missing == set()


def test_a_task_that_loses_a_cancellation_is_ended() -> None:
    async def main() -> None:
        lost = []

        async def stubborn() -> None:
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    lost.append(1)
                    if len(lost) > 2:
                        raise

        async def failing() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                raise KeyError("too late to matter")

        found = [asyncio.ensure_future(stubborn()), asyncio.ensure_future(failing())]
        await asyncio.sleep(0)
        await tasks.end(*found)
        assert all(task.done() for task in found) and len(lost) == 3

    asyncio.run(main())
