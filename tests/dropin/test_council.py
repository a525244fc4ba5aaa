"""/ws/council/{run_id} and /api/councils/run, as a client of that server sees them."""

import asyncio
from urllib.parse import quote

from client import ONE, TWO, WORLD, client, fresh, keys, rest, same

SECURED, KEYS = WORLD["secured"], WORLD["keys"]
TOPIC = {"input_topic": "Why do agents need a log?"}
PATH = [("master_agent", 1), ("critic_agent", 1), ("master_agent", 2), ("critic_agent", 2), ("writer_agent", 2)]


def path(run):
    return f"/ws/council/{quote(run, safe='')}"


async def start(at=ONE):
    status, answer = await rest("POST", "/api/councils/run", TOPIC, at)
    same(status, 202)
    keys(answer, "run_id", "status", "message")
    same((answer["status"], answer["run_id"] in answer["message"]), ("pending", True))
    return answer["run_id"]


def check_complete(frame, run):
    keys(frame, "event", "run_id", "final_draft", "critic_score", "iteration_count")
    same((frame["event"], frame["run_id"]), ("run_complete", run))
    assert frame["final_draft"].startswith("Write it down"), frame
    same((frame["critic_score"], frame["iteration_count"]), (9, 2))


async def whole(run, at=ONE):
    async with client(path(run), at) as one:
        return await one.closed()


async def test_a_run_from_start_to_end():
    run = await start()
    frames, code, _ = await whole(run)
    same(code, 1000)
    keys(frames[0], "event", "run_id", "status")
    same((frames[0]["event"], frames[0]["run_id"]), ("connected", run))
    assert frames[0]["status"] in ("pending", "running"), frames[0]
    active = [frame for frame in frames if frame["event"] == "node_active"]
    for frame in active:
        keys(frame, "event", "run_id", "node", "iteration")
        same(frame["run_id"], run)
    seen = [(frame["node"], frame["iteration"]) for frame in active]
    same(seen, PATH[-len(seen) :])
    for frame in frames:
        if frame["event"] == "node_complete":
            keys(frame, "event", "run_id", "node", "score")
    scores = [f["score"] for f in frames if f["event"] == "node_complete" and f["node"] == "critic_agent"]
    same(scores, [6, 9][-len(scores) :])
    check_complete(frames[-1], run)
    events = {frame["event"] for frame in frames}
    same(events, {"connected", "node_start", "node_active", "node_complete", "run_complete"})


async def test_who_comes_after_the_end_hears_the_end():
    run = await start()
    await whole(run)
    for at in (ONE, TWO):
        frames, code, _ = await whole(run, at)
        same((len(frames), code), (2, 1000))
        same(frames[0], {"event": "connected", "run_id": run, "status": "completed"})
        check_complete(frames[1], run)


async def test_many_watch_one_run_at_two_gateways():
    run = await start()
    watched = await asyncio.gather(*(whole(run, at) for at in [ONE, TWO] * 5))
    for frames, code, _ in watched:
        same((frames[0]["event"], frames[-1], code), ("connected", watched[0][0][-1], 1000))


async def test_a_broken_connection_goes_on_at_another_gateway():
    run = await start()
    async with client(path(run)) as one:
        await one.until(lambda frame: frame["event"] == "node_active" and frame["node"] == "critic_agent")
        one.socket.transport.abort()
    frames, _, _ = await whole(run, TWO)
    same((frames[0]["event"], frames[0]["status"]), ("connected", "running"))
    # Which node is at work, at once; nothing that was before.
    same(frames[1]["event"], "node_active")
    seen = [(frame["node"], frame["iteration"]) for frame in frames if frame["event"] == "node_active"]
    same(seen, PATH[-len(seen) :])
    check_complete(frames[-1], run)


async def test_an_unknown_run():
    frames, code, _ = await whole("no such run")
    same((frames, code), ([{"event": "error", "message": "Run 'no such run' not found."}], 1000))
    status, answer = await rest("GET", "/api/councils/run/no%20such%20run")
    same((status, answer), (404, {"detail": "Run 'no such run' not found."}))


async def test_a_pause_and_going_on_are_told():
    run = await start()
    async with client(path(run)) as one:
        await one.until(lambda frame: frame["event"] == "node_complete" and frame["score"] == 6)
        status, _ = await rest("POST", f"/v1/executions/{run}/pause", {})
        same(status, 202)
        paused = (await one.until(lambda frame: frame["event"] == "run_paused"))[-1]
        keys(paused, "event", "run_id", "next_nodes", "current_draft", "critic_score")
        same(paused["critic_score"], 6)
        assert paused["next_nodes"] and "write-ahead log" in paused["current_draft"], paused
        # A later client gets it too.
        async with client(path(run), TWO) as other:
            frames = await other.until(lambda frame: frame["event"] == "run_paused")
            same(frames[0]["status"], "paused")
            same(frames[-1], paused)
        status, _ = await rest("POST", f"/v1/executions/{run}/resume", {})
        same(status, 202)
        same((await one.until(lambda frame: frame["event"] == "run_resumed"))[-1], {"event": "run_resumed", "run_id": run})
        frames, _, _ = await one.closed()
        check_complete(frames[-1], run)


async def test_a_failed_and_a_cancelled_run():
    run = fresh("refused")
    await rest("POST", "/v1/executions", {"execution_id": run, "definition": "assistant", "input": "refuse"})
    frames, code, _ = await whole(run)
    keys(frames[-1], "event", "run_id", "error")
    same((frames[-1]["event"], "does not want" in frames[-1]["error"], code), ("run_failed", True, 1000))
    run = await start()
    await rest("POST", f"/v1/executions/{run}/cancel", {})
    frames, code, _ = await whole(run)
    same((frames[-1], code), ({"event": "run_failed", "run_id": run, "error": "cancelled"}, 1000))
    _, answer = await rest("GET", f"/api/councils/run/{run}")
    same((answer["status"], answer["error"]), ("failed", "cancelled"))


async def test_the_result_over_rest():
    run = await start(TWO)
    status, answer = await rest("GET", f"/api/councils/run/{run}")
    keys(answer, "run_id", "status", "final_draft", "critic_score", "iteration_count", "error")
    same((status, answer["run_id"], answer["final_draft"]), (200, run, None))
    await whole(run)
    status, answer = await rest("GET", f"/api/councils/run/{run}")
    same((status, answer["status"], answer["critic_score"], answer["iteration_count"]), (200, "completed", 9, 2))
    assert answer["final_draft"].startswith("Write it down"), answer


async def test_a_start_that_is_wrong_and_one_that_is_repeated():
    for body in [{}, {"input_topic": ""}, {"input_topic": "x" * 10_001}]:
        status, answer = await rest("POST", "/api/councils/run", body)
        same((status, "input_topic" in answer["detail"]), (422, True))
    status, _ = await rest("POST", "/api/councils/run", {"input_topic": 7})
    same(status, 400)
    run = fresh("run")
    for at in (ONE, TWO):
        status, answer = await rest("POST", "/api/councils/run", {**TOPIC, "run_id": run, "unknown": 1}, at)
        same((status, answer["run_id"]), (202, run))
    frames, _, _ = await whole(run)
    check_complete(frames[-1], run)


async def test_keys():
    wrong = {"event": "error", "message": "Invalid or missing api_key"}
    frames, code, _ = await whole("any", SECURED)
    same((frames, code), ([wrong], 4001))
    status, _ = await rest("POST", "/api/councils/run", TOPIC, SECURED)
    same(status, 401)
    status, _ = await rest("POST", "/api/councils/run", TOPIC, SECURED, x_api_key=KEYS["reader"])
    same(status, 403)
    status, answer = await rest("POST", "/api/councils/run", TOPIC, SECURED, x_api_key=KEYS["root"])
    same(status, 202)
    async with client(path(answer["run_id"]) + f"?api_key={KEYS['reader']}", SECURED) as one:
        frames, _, _ = await one.closed()
    check_complete(frames[-1], answer["run_id"])
