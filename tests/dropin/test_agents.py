"""/ws/agents/{agent_id} and /ws/agents, as a client of that server sees them."""

import asyncio
import contextlib
import datetime

from client import ONE, TWO, WORLD, client, fresh, keys, rest, same

SECURED, KEYS = WORLD["secured"], WORLD["keys"]
SNAPSHOT = (
    "agentId", "approvals", "pendingApprovalCount", "contextSnapshot", "costUsage", "mcpStatus", "codemodeStatus",
    "fullContext", "graphTelemetry",
)  # fmt: skip


def check(message):
    """The envelope, whose `event` and `data` repeat `type` and `payload`."""
    keys(message, "version", "type", "agentId", "timestamp", "payload", "event", "data")
    same((message["version"], message["event"], message["data"]), ("1.0", message["type"], message["payload"]))
    datetime.datetime.fromisoformat(message["timestamp"].replace("Z", "+00:00"))
    if message["type"] == "agent.snapshot":
        keys(message["payload"], *SNAPSHOT)
        same(message["payload"]["agentId"], message["agentId"])
        assert message["payload"]["pendingApprovalCount"] >= len(message["payload"]["approvals"]) >= 0
    return message


async def until(one, wanted):
    return [check(message) for message in await one.until(wanted)]


def of(kind, **payload):
    def wanted(message):
        return message["type"] == kind and all(message["payload"].get(name) == value for name, value in payload.items())

    return wanted


def waiting(count):
    return lambda message: message["type"] == "agent.snapshot" and message["payload"]["pendingApprovalCount"] == count


async def pay(agent, calls=1):
    """Starts an execution of `cashier` in a stream of its own, whose calls of `pay` need a decision."""
    run = fresh("run")
    start = {"execution_id": run, "stream_id": agent, "definition": "cashier", "input": [["pay", {"n": n}] for n in range(calls)]}
    status, _ = await rest("POST", "/v1/executions", start)
    same(status, 201)
    return run


async def test_first_the_snapshot_then_events_each_followed_by_one():
    agent = fresh("agent")
    async with client(f"/ws/agents/{agent}") as one:
        first = check(await one.frame())
        same((first["type"], first["agentId"]), ("agent.snapshot", agent))
        same((first["payload"]["approvals"], first["payload"]["pendingApprovalCount"]), ([], 0))
        await rest("POST", "/v1/executions", {"stream_id": agent, "definition": "assistant", "input": "hello"})
        seen = await until(one, of("execution_completed"))
        same([message["agentId"] for message in seen], [agent] * len(seen))
        # A snapshot that knows of the end.
        last = (await until(one, lambda m: m["type"] == "agent.snapshot" and m["payload"]["costUsage"] is not None))[-1]
        same(last["payload"]["costUsage"]["totalTokensUsed"], 100)
        texts = [message["content"] for message in last["payload"]["fullContext"]["messages"]]
        assert "hello" in texts and "heard: hello" in texts, texts


async def test_any_event_is_followed_by_a_snapshot():
    agent = fresh("agent")
    async with client(f"/ws/agents/{agent}") as one:
        check(await one.frame())
        # One that is in no snapshot.
        run = await pay(agent)
        await until(one, waiting(1))
        await rest("POST", f"/v1/executions/{run}/pause", {})
        await until(one, of("execution_paused"))
        await until(one, of("agent.snapshot"))
        await rest("POST", f"/v1/executions/{run}/cancel", {})
        await until(one, of("execution_cancelled"))
        await until(one, of("agent.snapshot"))


async def test_an_approval_is_created_approved_and_seen_by_all():
    agent = fresh("agent")
    async with contextlib.AsyncExitStack() as stack:
        paths = [(f"/ws/agents/{agent}", ONE), (f"/ws/agents/{agent}", TWO), ("/ws/agents", ONE)]
        clients = [await stack.enter_async_context(client(path, at)) for path, at in paths]
        for one in clients:
            same(check(await one.frame())["type"], "agent.snapshot")
        await pay(agent)
        created = []
        for one in clients:
            message = (await until(one, of("tool_approval_created", agent_id=agent)))[-1]
            record = message["payload"]
            keys(record, "id", "agent_id", "pod_name", "tool_name", "tool_args", "tool_call_id", "status", "note", "created_at", "updated_at")
            same((record["tool_name"], record["tool_args"], record["status"]), ("pay", {"n": 0}, "pending"))
            same((message["agentId"], record["agent_id"]), (agent, agent))
            created.append(record)
        same(created, [created[0]] * 3)
        snapshot = (await until(clients[1], waiting(1)))[-1]
        same([approval["id"] for approval in snapshot["payload"]["approvals"]], [created[0]["id"]])
        decision = {"type": "tool_approval_decision", "approvalId": created[0]["id"], "approved": True, "note": "go on"}
        await clients[1].say({**decision, "toolCallId": created[0]["tool_call_id"]})
        for one in clients:
            approved = (await until(one, of("tool_approval_approved", id=created[0]["id"])))[-1]["payload"]
            same((approved["status"], approved["note"], approved["tool_name"]), ("approved", "go on", "pay"))
            same(approved["created_at"], created[0]["created_at"])
        for one in clients[:2]:
            await until(one, waiting(0))


async def test_who_comes_later_sees_what_waits_and_rejects_it_by_its_call():
    agent = fresh("agent")
    async with client(f"/ws/agents/{agent}") as early:
        await pay(agent)
        await until(early, waiting(1))
    async with client(f"/ws/agents/{agent}", TWO) as late:
        first = check(await late.frame())
        same(first["payload"]["pendingApprovalCount"], 1)
        [approval] = first["payload"]["approvals"]
        same((approval["tool_name"], approval["status"], approval["agent_id"]), ("pay", "pending", agent))
        await late.say({"type": "tool_approval_decision", "toolCallId": approval["tool_call_id"], "approved": False, "note": "no"})
        rejected = (await until(late, of("tool_approval_rejected")))[-1]["payload"]
        same((rejected["id"], rejected["status"], rejected["note"]), (approval["id"], "rejected", "no"))
        same(rejected["tool_args"], {"n": 0})


async def test_the_first_decision_wins_and_the_second_gets_it():
    agent = fresh("agent")
    async with client(f"/ws/agents/{agent}") as one, client(f"/ws/agents/{agent}", TWO) as two:
        await pay(agent)
        for watcher in (one, two):
            created = (await until(watcher, of("tool_approval_created")))[-1]["payload"]
        decide = {"type": "tool_approval_decision", "approvalId": created["id"]}
        await asyncio.gather(one.say({**decide, "approved": True}), two.say({**decide, "approved": False}))
        decided = lambda m: m["type"] in ("tool_approval_approved", "tool_approval_rejected")
        outcome = [(await until(watcher, decided))[-1]["type"] for watcher in (one, two)]
        same(outcome[0], outcome[1])
        # Later words change nothing, and whoever says them gets what stands.
        await two.say({**decide, "approved": outcome[0] == "tool_approval_rejected"})
        standing = (await until(two, decided))[-1]
        if standing["payload"]["updated_at"] is None:
            raise AssertionError(standing)
        same((standing["type"], standing["payload"]["id"]), (outcome[0], created["id"]))


async def test_parallel_calls_are_decided_each_for_itself():
    agent = fresh("agent")
    async with client(f"/ws/agents/{agent}") as one:
        run = await pay(agent, 3)
        approvals = (await until(one, waiting(3)))[-1]["payload"]["approvals"]
        for approval in approvals:
            approved = approval["tool_args"]["n"] != 1
            await one.say({"type": "tool_approval_decision", "approvalId": approval["id"], "approved": approved})
        done = (await until(one, of("execution_completed")))[-1]["payload"]["output"]["output"]
        assert 'pay {"n":0}' in done and 'pay {"n":2}' in done and 'pay {"n":1}' not in done, done
        status, _ = await rest("GET", f"/v1/executions/{run}")
        same(status, 200)


async def test_a_snapshot_is_sent_when_it_is_asked_for_and_junk_is_ignored():
    agent = fresh("agent")
    async with client(f"/ws/agents/{agent}") as one:
        first = check(await one.frame())
        for junk in ["junk", "[]", '{"type":"skill_enable","skillId":"x"}', '{"type":"tool_approval_decision","approved":1}', b"\x00"]:
            await one.socket.send(junk)
        await one.say({"type": "request_snapshot"})
        again = (await until(one, of("agent.snapshot")))[-1]
        same(again["payload"]["agentId"], first["payload"]["agentId"])


async def test_all_agents():
    async with client("/ws/agents") as one:
        first = check(await one.frame())
        same((first["type"], first["agentId"]), ("agent.snapshot", None))
        agent = fresh("agent")
        await rest("POST", "/v1/executions", {"stream_id": agent, "definition": "assistant", "input": "hello"})
        await until(one, lambda m: m["type"] == "execution_completed" and m["agentId"] == agent)


async def test_an_unknown_approval():
    async with client("/ws/agents/nobody") as one:
        check(await one.frame())
        for said in ({"approvalId": "none"}, {"toolCallId": "none"}, {}):
            await one.say({"type": "tool_approval_decision", "approved": True, **said})
            same((await until(one, of("error")))[-1]["payload"]["code"], "not_found")


async def test_keys():
    for query in ("", "?api_key=wrong"):
        async with client(f"/ws/agents/a{query}", SECURED) as one:
            frames, code, _ = await one.closed()
        same((len(frames), frames[0]["payload"]["message"], code), (1, "Invalid or missing api_key", 4001))
    agent = fresh("agent")
    run = await pay(agent)
    async with client(f"/ws/agents/{agent}?token={KEYS['reader']}", SECURED) as reader:
        approval = (await until(reader, waiting(1)))[-1]["payload"]["approvals"][0]
        await reader.say({"type": "tool_approval_decision", "approvalId": approval["id"], "approved": True})
        same((await until(reader, of("error")))[-1]["payload"]["code"], "forbidden")
        async with client(f"/ws/agents/{agent}?api_key={KEYS['root']}", SECURED) as root:
            check(await root.frame())
            await root.say({"type": "tool_approval_decision", "approvalId": approval["id"], "approved": True})
            await until(root, of("tool_approval_approved", id=approval["id"]))
    status, decided = await rest("GET", f"/v1/approvals/{approval['id']}")
    same((status, decided["decided_by"], decided["execution_id"]), (200, "key/root", run))
