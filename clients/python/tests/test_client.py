"""The client against real gateways."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from urllib.parse import quote

import pytest

import runbus
from runbus import sync
from runbus.errors import Closed, Conflict, InvalidArgument, NotFound, TooLarge
from servers import World, within

TERMINAL = ("execution_completed", "execution_failed", "execution_cancelled")


def stored(world: World, execution: str) -> list[dict]:
    """The log's events of an execution, read without the client."""
    events, cursor = [], ""
    while True:
        with urllib.request.urlopen(f"{world.urls[0]}/v1/events?execution_id={quote(execution)}&order=oldest&limit=1000{cursor}", timeout=30) as answer:
            page = json.load(answer)
        events += page["events"]
        if page["next"] is None:
            return events
        cursor = f"&cursor={page['next']}"


def snapshot(world: World, execution: str, at: str) -> dict:
    """The gateway's snapshot as of a cursor."""
    with urllib.request.urlopen(f"{world.urls[0]}/v1/executions/{quote(execution)}/snapshot?at={at}", timeout=30) as answer:
        return json.load(answer)


async def until_terminal(subscription: runbus.Subscription) -> list[dict]:
    events = []
    while True:
        item = await within(subscription.next_raw())
        if isinstance(item, dict):
            events.append(item)
            if item["type"] in TERMINAL:
                return events


async def run_of_council(world: World, client: runbus.Client, execution: str) -> None:
    started = await client.start("council", "Why a log?", execution_id=execution)
    assert (started.execution_id, started.created) == (execution, True)


async def test_events_are_those_of_the_log(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client:
        await run_of_council(world, client, fresh)
        async with client.subscribe(execution_id=fresh, since="all", coalesce=False) as subscription:
            events = await until_terminal(subscription)
    assert [event["id"] for event in events] == [event["id"] for event in stored(world, fresh)]


async def test_events_are_a_union_that_narrows_by_class(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client:
        await client.publish([
            {"type": "llm_text_delta", "stream_id": fresh, "execution_id": fresh, "data": {"content": "hi"}},
            {"type": "order_paid", "stream_id": fresh, "execution_id": fresh, "data": {"cents": 1}},
        ])  # fmt: skip
        page = await client.history(stream_id=fresh, order="oldest")
    delta, other = page.events
    assert isinstance(delta, runbus.events.LlmTextDelta) and delta.data.content == "hi" and delta.external is True
    assert isinstance(other, runbus.UnknownEvent) and (other.type, other.data) == ("order_paid", {"cents": 1})


async def test_an_execution_is_what_the_gateway_says_at_every_place(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client:
        await run_of_council(world, client, fresh)
        seen = 0
        async with client.execution(fresh, stream_id="council", coalesce=False) as view:
            async for now in view:
                seen += 1
                if seen % 37 == 1 or now.status == "completed":
                    assert now.raw() == await asyncio.to_thread(snapshot, world, fresh, now.cursor)
        assert view.status == "completed" and view.execution is not None and view.execution.output
        assert view.text() and not view.open_calls


async def test_approvals_and_questions_are_settled(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client:
        await client.start("clerk", "go", execution_id=fresh)
        view = client.execution(fresh)
        async for now in view:
            if now.approvals:
                break
        (approval,) = now.approvals
        assert [call.state for call in now.open_calls] == ["awaiting_approval"]
        (pending,) = await client.approvals(fresh)
        assert pending.approval_id == approval.approval_id == (await client.approval(approval.approval_id)).approval_id
        decision = "019aa3c0-0000-7000-8000-000000000001"
        decided = await client.decide(approval.approval_id, True, arguments_digest=approval.arguments_digest, note="go ahead", decision_id=decision)
        assert decided.model_dump()
        # The same decision again is the same decision; another one comes too late.
        await client.decide(approval.approval_id, True, arguments_digest=approval.arguments_digest, note="go ahead", decision_id=decision)
        with pytest.raises(Conflict) as late:
            await client.decide(approval.approval_id, False)
        assert "standing" in late.value.details
        async for now in view:
            if now.questions:
                break
        (question,) = now.questions
        assert question.choices == ["yes", "no"]
        with pytest.raises(InvalidArgument):
            await client.answer(question.request_id, "perhaps")
        await client.answer(question.request_id, "yes")
        state = await within(view.finished())
        assert state.execution is not None and state.execution.status == "completed"
        assert "Two is what" in view.text("reply")
        session = await client.session(fresh)
        assert session.execution_id is None or session.session_id == fresh
        messages = await client.messages(fresh)
        assert messages.session_id == fresh
        assert await client.pending(fresh) == []


async def test_commands_have_typed_answers(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client:
        first = await client.start("clerk", "go", execution_id=fresh)
        again = await client.start("clerk", "go", execution_id=fresh)
        assert (first.created, again.created) == (True, False)
        assert (await client.get_execution(fresh)).execution_id == fresh
        assert (await client.presence(fresh)).count == 0
        acknowledged = await client.cancel(fresh, reason="enough")
        assert acknowledged.cancel in ("requested", "cancelled")
        state = await within(client.execution(fresh).finished())
        assert state.execution is not None and state.execution.status == "cancelled"
        with pytest.raises(NotFound):
            await client.get_execution(f"{fresh}-unknown")
        said = await client.send(fresh, "once more", definition="clerk")
        assert said.session_id == fresh
        assert (await client.close_session(fresh, cascade=True)).session_id == fresh
        assert (await client.stats()).events > 0
        assert await client.dead_letters(limit=1) in ([], await client.dead_letters(limit=1))
        assert any(worker.concurrency for worker in await client.workers())
        assert (await client.get_monitor("clerk")).stream_id == "clerk"


async def test_presence_is_told(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client:
        await client.start("clerk", "go", execution_id=fresh)
        async with client.subscribe(execution_id=fresh, presence=True, label="ann") as one:
            kinds = set()
            while not kinds & {"presence", "presence_changed"}:
                kinds.add((await within(one.__anext__())).type)
            while (await client.presence(fresh)).count == 0:
                await asyncio.sleep(0.05)
            (watcher,) = (await client.presence(fresh)).watchers
            assert watcher.label == "ann"
        await client.cancel(fresh)


async def test_a_monitor_follows_its_stream(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client, client.monitor(fresh) as watch:
        first = await within(watch.__anext__())
        assert first.stream_id == fresh and first.graph is None
        await client.publish({"type": "execution_started", "stream_id": fresh, "execution_id": fresh, "data": {"input": 1}})
        while True:
            document = await within(watch.__anext__())
            if document.graph is not None:
                break
        document = await client.get_monitor(fresh)
        assert document.graph is not None and watch.document is not None
        assert set(document.graph.executions) == set(watch.document["graph"]["executions"]) == {fresh}


async def test_a_listener_takes_items_in_order(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client:
        events = [{"type": "custom", "stream_id": fresh, "execution_id": fresh, "data": {"n": n}} for n in range(30)]
        await client.publish(events)
        taken, done = [], asyncio.Event()

        async def handler(item: runbus.Item) -> None:
            if item.type == "custom":
                taken.append(item.data.root["n"] if hasattr(item.data, "root") else dict(item.data)["n"])
                if len(taken) == 30:
                    done.set()

        async with client.listen(handler, stream_id=fresh, since="all"):
            await within(done.wait())
        assert sorted(taken) == list(range(30))
        with pytest.raises(TypeError):
            client.listen(lambda item: None)  # type: ignore[arg-type, return-value]

        async def faulty(_: runbus.Item) -> None:
            raise KeyError("of the handler")

        listener = client.listen(faulty, stream_id=fresh, since="all")
        with pytest.raises(KeyError):
            await within(listener.wait())


async def test_history_goes_on_page_by_page(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client:
        await client.publish([{"type": "custom", "stream_id": fresh, "data": {"n": n}} for n in range(25)])
        found = [item async for item in client.iter_history(stream_id=fresh, limit=10)]
        assert len(found) == 25 == len({item.id for item in found})
        page = await client.history(stream_id=fresh, wait_ms=0, limit=10)
        assert page.next is not None


async def test_the_same_ids_are_published_once(world: World, fresh: str) -> None:
    event = {"type": "custom", "stream_id": fresh, "id": "019aa3c0-0000-7000-8000-000000000001", "data": {}}
    async with runbus.connect(world.urls) as client:
        (one,), (two,) = await client.publish(event), await client.publish(event)
        assert one.seq == two.seq
        assert len((await client.history(stream_id=fresh)).events) == 1


async def test_wrong_input_is_refused_before_anything_is_sent() -> None:
    client = runbus.connect("http://127.0.0.1:1")  # nobody listens there
    for wrong, kind, path in (
        ({"type": "custom", "stream_id": "", "data": {}}, InvalidArgument, "events[0].stream_id"),
        ({"type": "custom", "stream_id": "x" * 129, "data": {}}, InvalidArgument, "events[0].stream_id"),
        ({"type": "custom", "stream_id": "a\nb", "data": {}}, InvalidArgument, "events[0].stream_id"),
        ({"type": "custom", "stream_id": "a", "execution_id": "ü" * 65, "data": {}}, InvalidArgument, "events[0].execution_id"),
        ({"type": "Custom", "stream_id": "a", "data": {}}, InvalidArgument, "events[0].type"),
        ({"type": "custom", "stream_id": "a", "data": []}, InvalidArgument, "events[0].data"),
        ({"type": "custom", "stream_id": "a", "data": {"x": float("nan")}}, InvalidArgument, "events[0].data"),
        ({"type": "custom", "stream_id": "a", "data": {"x": object()}}, InvalidArgument, "events[0].data"),
        ({"type": "custom", "stream_id": "a", "data": {"x": "\ud800"}}, InvalidArgument, "events[0].data"),
        ({"type": "custom", "stream_id": "a", "data": {}, "id": "1"}, InvalidArgument, "events[0].id"),
        ({"type": "custom", "stream_id": "a", "data": {}, "colour": 1}, InvalidArgument, "events[0].colour"),
        ({"type": "custom", "stream_id": "a", "data": {"x": "y" * 262144}}, TooLarge, "events[0]"),
    ):
        with pytest.raises(kind) as error:
            await client.publish(wrong)
        assert error.value.path == path, wrong
    deep: dict = {}
    for _ in range(130):
        deep = {"x": deep}
    with pytest.raises(InvalidArgument):
        await client.publish({"type": "custom", "stream_id": "a", "data": deep})
    with pytest.raises(InvalidArgument):
        await client.publish([])
    with pytest.raises(TooLarge):
        await client.publish([{"type": "custom", "stream_id": "a", "data": {"x": "y" * 200_000}}] * 3)
    for call in (client.start("", 1), client.start("a", execution_id="x" * 129), client.cancel(""), client.decide("", True)):
        with pytest.raises(InvalidArgument):
            await call
    with pytest.raises(InvalidArgument):
        client.subscribe(stream_id="")
    with pytest.raises(InvalidArgument):
        client.subscribe(since="snapshot")
    for url in ("", "ftp://a", [], "localhost:8700"):
        with pytest.raises(InvalidArgument):
            runbus.connect(url)
    await client.aclose()


async def test_a_closed_client_answers_at_once(world: World) -> None:
    client = runbus.connect(world.urls)
    subscription = client.subscribe(since="new")
    waiting = asyncio.ensure_future(subscription.__anext__())
    caught_up = await within(waiting)
    assert caught_up.type == "caught_up"
    waiting = asyncio.ensure_future(subscription.__anext__())
    call = asyncio.ensure_future(client.history(wait_ms=60_000, stream_id="nobody"))
    await asyncio.sleep(0)
    await client.aclose()
    with pytest.raises(StopAsyncIteration):
        await within(waiting, 50)
    with pytest.raises(Closed):
        await within(call, 50)
    for use in (client.stats(), client.start("a"), subscription.__anext__()):
        with pytest.raises(Closed):
            await within(use, 50)
    for use in (client.subscribe, client.monitor):
        with pytest.raises(Closed):
            use()
    await client.aclose()


async def test_a_cancelled_read_loses_nothing(world: World, fresh: str) -> None:
    async with runbus.connect(world.urls) as client:
        await client.publish([{"type": "custom", "stream_id": fresh, "execution_id": fresh, "data": {"n": n}} for n in range(200)])
        wanted = [event["id"] for event in stored(world, fresh)]
        found = []
        async with client.subscribe(execution_id=fresh, since="all", batch=3) as subscription:
            delay = 0.0
            while len(found) < len(wanted):
                try:
                    item = await asyncio.wait_for(subscription.next_raw(), delay)
                except asyncio.TimeoutError:
                    delay = delay + 0.0005 if delay < 0.02 else 0.0
                    continue
                if isinstance(item, dict):
                    found.append(item["id"])
        assert found == wanted


def test_the_blocking_client_says_the_same(world: World, fresh: str) -> None:
    with sync.connect(world.urls) as client:
        assert client.start("clerk", "go", execution_id=fresh).created
        with client.subscribe(execution_id=fresh, since="all") as subscription:
            assert next(item.type for item in subscription if item.type != "caught_up") == "execution_queued"
        with client.execution(fresh) as view:
            now = next(state for state in view if state.approvals)
            client.decide(now.approvals[0].approval_id, False)
        with client.monitor(fresh) as watch:
            assert next(watch).stream_id == fresh
    with pytest.raises(Closed):
        client.stats()
    client.close()
