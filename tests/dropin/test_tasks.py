"""/ws/tasks/{task_id}, as a client of that server sees it."""

import asyncio
import contextlib
import datetime
import json
from urllib.parse import quote

from client import ONE, TWO, WORLD, client, fresh, keys, rest, same
from websockets.exceptions import InvalidStatus

STREAM = {"input": "stream"}  # says a word and then nothing, for ever
SECURED, KEYS = WORLD["secured"], WORLD["keys"]


def path(task, **query):
    return f"/ws/tasks/{quote(task, safe='')}" + ("?" + "&".join(f"{k}={quote(v, safe='')}" for k, v in query.items()) if query else "")


def ended(frame):
    return frame["type"] in ("result", "error")


def spoke(frame):
    return frame["type"] == "step" and frame["data"]["event_type"] == "client_output_delta"


def check_step(frame):
    keys(frame, "type", "data")
    same(frame["type"], "step")
    keys(frame["data"], "event_type", "step", "data", "timestamp")
    assert isinstance(frame["data"]["event_type"], str) and isinstance(frame["data"]["data"], dict), frame
    assert isinstance(frame["data"]["step"], int) and frame["data"]["step"] >= 0, frame
    datetime.datetime.fromisoformat(frame["data"]["timestamp"].replace("Z", "+00:00"))


async def test_connected_then_steps_then_the_result():
    task = fresh("task")
    async with client(path(task, input="hello")) as one:
        same(await one.frame(), {"type": "connected", "task_id": task})
        frames = await one.until(ended)
    for frame in frames[:-1]:
        check_step(frame)
    numbers = [frame["data"]["step"] for frame in frames[:-1]]
    same(max(numbers), 1)
    text = "".join(f["data"]["data"]["content"] for f in frames[:-1] if f["data"]["event_type"] == "client_output_delta")
    same(text, "heard: hello")
    same(frames[-1], {"type": "result", "data": {"output": "heard: hello", "total_steps": 1, "total_tokens": 100}})


async def test_everyone_sees_the_same_task_at_every_gateway():
    task = fresh("task")

    async def watch(at):
        async with client(path(task, input="hello"), at) as one:
            return await one.until(ended)

    seen = await asyncio.gather(*(watch(at) for at in [ONE, TWO] * 4))
    for frames in seen[1:]:
        same(frames, seen[0])
    # And who comes when it is over.
    same(await watch(TWO), seen[0])
    started = [f for f in seen[0] if f["type"] == "step" and f["data"]["event_type"] == "execution_started"]
    same(len(started), 1)


async def test_a_task_that_was_started_elsewhere_is_followed():
    task = fresh("task")
    started = {"execution_id": task, "definition": "assistant", "input": "by REST"}
    status, _ = await rest("POST", "/v1/executions", started)
    same(status, 201)
    async with client(path(task)) as one:
        frames = await one.until(ended)
    same(frames[-1]["data"]["output"], "heard: by REST")


async def test_the_connection_may_break_and_come_back_at_another_gateway():
    task = fresh("task")
    async with client(path(task, **STREAM)) as one:
        await one.until(spoke)
        one.socket.transport.abort()
    async with client(path(task, **STREAM), TWO) as one:
        await one.until(spoke)
        # A disconnect alone cancels nothing.
        status, run = await rest("GET", f"/v1/executions/{task}")
        same((status, run["status"]), (200, "running"))
        await one.say({"type": "cancel"})
        await one.until(ended)


async def test_cancel_is_answered_to_every_client():
    task = fresh("task")
    cancelled = {"type": "result", "data": {"status": "cancelled", "task_id": task}}
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client(path(task, **STREAM), at)) for at in (ONE, TWO, ONE)]
        for one in clients:
            await one.until(spoke)
        await clients[1].say({"type": "cancel"})
        for one in clients:
            same((await one.until(ended))[-1], cancelled)
        # It is over: the answer stays the same, the connection stays, too.
        await clients[0].say({"type": "cancel"})
        same(await clients[0].frame(), cancelled)
        await clients[0].say({"type": "ping"})
        same(await clients[0].frame(), {"type": "pong"})
    async with client(path(task), TWO) as late:
        same((await late.until(ended))[-1], cancelled)


async def test_cancel_of_a_task_that_is_done_gets_its_result():
    task = fresh("task")
    async with client(path(task, input="hello")) as one:
        result = (await one.until(ended))[-1]
        await one.say({"type": "cancel"})
        same(await one.frame(), result)


async def test_ping_is_answered_and_what_is_not_json_is_ignored():
    task = fresh("task")
    async with client(path(task, **STREAM)) as one:
        await one.until(spoke)
        for junk in ["junk", "", "{", "[1]", "17", '"cancel"', '{"type":"nonsense"}', '{"type":7}', b"\x00\xff", b'{"type":"ping"}']:
            await one.socket.send(junk)
        await one.say({"type": "ping"})
        same(await one.frame(), {"type": "pong"})
        await one.say({"type": "ping", "more": [1]})
        same(await one.frame(), {"type": "pong"})
        await one.say({"type": "cancel"})
        await one.until(ended)


async def test_a_failed_task_ends_in_an_error():
    async with client(path(fresh("task"), input="refuse")) as one:
        last = (await one.until(ended))[-1]
    keys(last, "type", "data")
    keys(last["data"], "message")
    same((last["type"], "does not want" in last["data"]["message"]), ("error", True))


async def test_silence_is_closed_and_pings_are_no_silence():
    task = fresh("task")
    pause = WORLD["heartbeat_ms"] / 1000
    async with client(path(task, **STREAM), WORLD["impatient"], ping_interval=pause / 4) as silent:
        async with client(path(task, **STREAM), WORLD["impatient"]) as alive:
            async def beat():
                while True:
                    await alive.say({"type": "ping"})
                    await asyncio.sleep(pause / 8)

            beating = asyncio.create_task(beat())
            frames, code, reason = await silent.closed()
            same((code, reason), (1000, "Heartbeat timeout"))
            assert all(frame["type"] in ("connected", "step") for frame in frames), frames
            await alive.say({"type": "cancel"})
            await alive.until(ended)
            beating.cancel()


async def test_no_agent():
    for at, query in [(WORLD["idle"], {}), (ONE, {"agent": "nobody-knows-it"})]:
        task = fresh("task")
        async with client(path(task, **query), at) as one:
            frames, code, _ = await one.closed()
        message = {"type": "error", "data": {"message": f"No agent available for task {task}"}}
        same((frames, code), ([{"type": "connected", "task_id": task}, message], 1000))
        status, _ = await rest("GET", f"/v1/executions/{task}")
        same(status, 404)


async def test_a_wrong_key_is_accepted_told_and_closed():
    wrong = {"type": "error", "data": {"message": "Invalid or missing api_key"}}
    for query in [{}, {"api_key": "wrong"}, {"api_key": ""}, {"api_key": KEYS["root"] + "x"}]:
        async with client(path(fresh("task"), **query), SECURED) as one:
            frames, code, _ = await one.closed()
        same((frames, code), ([wrong], 4001))


async def test_the_key_stands_in_the_address_there_and_nowhere_else():
    task = fresh("task")
    async with client(path(task, api_key=KEYS["root"], input="hello"), SECURED) as one:
        same((await one.until(ended))[-1]["data"]["output"], "heard: hello")
    async with client(path(task), SECURED, additional_headers={"x-api-key": KEYS["root"]}) as one:
        same((await one.until(ended))[-1]["data"]["output"], "heard: hello")
    status, _ = await rest("GET", f"/v1/executions/{task}?api_key={KEYS['root']}", at=SECURED)
    same(status, 401)
    status, _ = await rest("GET", f"/api/councils/run/{task}?api_key={KEYS['root']}", at=SECURED)
    same(status, 401)


async def test_who_may_only_read_watches_but_does_not_start_or_cancel():
    task = fresh("task")
    async with client(path(task, api_key=KEYS["reader"]), SECURED) as one:
        frames, code, _ = await one.closed()
        same((frames[0]["type"], frames[1]["type"], code), ("connected", "error", 4403))
    async with client(path(task, api_key=KEYS["root"], **STREAM), SECURED) as root:
        await root.until(spoke)
        async with client(path(task, api_key=KEYS["reader"]), SECURED) as reader:
            await reader.until(spoke)
            await reader.say({"type": "cancel"})
            same((await reader.frame())["type"], "error")
            await root.say({"type": "cancel"})
            same((await reader.until(ended))[-1]["data"]["status"], "cancelled")


async def test_ids_of_any_kind_and_none():
    task = fresh('a "task" mit ü/slash')
    async with client(path(task, input="hello")) as one:
        same(await one.frame(), {"type": "connected", "task_id": task})
        await one.until(ended)
    try:
        async with client("/ws/tasks/" + "x" * 300) as one:
            raise AssertionError("an id that is too long was taken")
    except InvalidStatus as refused:
        same(refused.response.status_code, 400)
        assert json.loads(refused.response.body)["error"]["code"] == "invalid_argument"
