"""Records the events of `clients/vectors/snapshots.json` from the real binary.

    python scripts/vectors.py --binary target/debug/runbus

`make docs` then writes merged deltas and snapshots, and the other vectors (tests/system/vectors.rs).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import sys
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
VECTORS = ROOT / "clients" / "vectors"
sys.path[:0] = [str(HERE.parent / "src"), str(HERE.parent / "tests")]


async def record(binary: pathlib.Path) -> list[dict[str, Any]]:
    """Executions of the real binary: what a reader got, and what the gateway's snapshots were."""
    import runbus
    import servers

    servers.BINARY = binary
    world = servers.World("embedded")
    found: list[dict[str, Any]] = []
    try:
        async with runbus.connect(world.urls) as client:
            await client.start("council", "Why a log?", execution_id="council")
            found.append(await follow(client, "council"))
            await client.start("clerk", "go", execution_id="clerk")
            view = client.execution("clerk")
            async for now in view:
                if now.approvals:
                    await client.decide(now.approvals[0].approval_id, True, arguments_digest=now.approvals[0].arguments_digest)
                    break
            async for now in view:
                if now.questions:
                    await client.answer(now.questions[0].request_id, "yes")
                    break
            found.append(await follow(client, "clerk"))
            await client.publish(told("told"))
            found.append(await follow(client, "told"))
    finally:
        world.close()
    return found


async def follow(client: Any, execution: str) -> dict[str, Any]:
    events: list[dict[str, Any]] = []
    merged: list[dict[str, Any]] = []
    for coalesce, into in ((False, events), (True, merged)):
        async with client.subscribe(execution_id=execution, since="all", coalesce=coalesce) as subscription:
            while not into or into[-1]["type"] not in ("execution_completed", "execution_failed"):
                item = await subscription.next_raw()
                if isinstance(item, dict):
                    into.append(item)
    last = len(events) - 1
    # Short executions at every place, long ones at some; behind the long text of `told` only the end, because it is large.
    places = [*range(min(18, last)), last] if last < 60 else [1, last // 3, last // 2, last]
    snapshots = []
    for place in places:
        snapshot = await client._http.call("GET", f"/v1/executions/{execution}/snapshot", params={"at": events[place]["cursor"]})
        snapshots.append({"behind": events[place]["cursor"], "snapshot": snapshot})
    return {"execution_id": execution, "events": events, "merged": merged, "snapshots": snapshots}


def told(execution: str) -> list[dict[str, Any]]:
    """An execution that others tell, with what the built-in ones do not do: voids, long values, payloads that are not as their type says."""
    said: list[tuple[str, str | None, int | None, dict[str, Any]]] = [
        ("execution_started", None, 1, {"input": "x", "definition": "d" * 300}),
        ("node_loop_started", "a", 1, {"iteration": 1}),
        ("node_loop_started", "b", 1, {}),
        ("llm_text_delta", "a", 1, {"content": "void "}),
        ("llm_text_delta", "b", 1, {"content": "kept"}),
        ("llm_retry", "a", 1, {"error": {"code": "stalled"}, "next_try": 2, "delay_ms": 1}),
        ("llm_text_delta", "a", 1, {"content": "öne ", "snapshot": "so far: öne "}),
        ("llm_reasoning_delta", "a", 1, {"content": "hm"}),
        ("node_loop_iteration", "b", 1, {"iteration": 1, "message_id": "m1"}),
        ("tool_call_delta", "b", 1, {"index": 0, "tool_use_id": "t", "tool_name": "pay", "arguments": "{"}),
        ("llm_turn_completed", "b", 1, {"content": "kept whole", "finish_reason": "stop", "tool_calls": [{"tool_use_id": "t", "tool_name": "pay", "arguments": "{}"}]}),
        ("attempt_superseded", None, 2, {"superseded_attempt": 1, "attempt": 2, "void_from": 0, "reason": "died"}),
        ("llm_text_delta", "a", 2, {"content": "again"}),
        ("tool_approval_requested", "b", 2, {"approval_id": "ap", "tool_use_id": "t", "tool_name": "pay", "tool_input": {"a": [1e15, 1e16, 1.5e300, 1e-4, 1e-5, 1.25e-5, 9.5e-6, 1e-7, 1e-10, 0.1, -2.5e17, 123456789012345678, 100.0, 5e-324, "\u007f\u0001\n"], "b": "é" * 5000}, "expires_at": "2027-01-01T01:00:00+01:00"}),
        ("client_input_requested", "a", 2, {"prompt": "p" * 5000, "choices": ["yes", "no"]}),
        ("execution_paused", None, 2, {"reason": "wait"}),
        ("tool_approval_decided", "b", 2, {"approval_id": "ap", "tool_use_id": "t", "approved": True, "arguments": {"b": 2}}),
        ("execution_resumed", None, 2, {}),
        ("tool_call_started", "b", 2, {"tool_use_id": "t", "tool_name": "pay", "tool_input": {"b": 2}}),
        ("tool_call_completed", "b", 2, {"tool_use_id": "t", "tool_name": "pay", "result": ["r" * 6000], "is_error": True}),
        ("client_output_delta", "c", 2, {"content": "ü" * 33_000}),
        ("order_paid", "c", 2, {"cents": 1}),
        ("goal_progress", None, None, {"progress": 1, "criteria_status": {}}),
        ("usage_updated", "a", 2, {"usage": {"total_tokens": 3, "colour": 1}, "rounds": 2}),
        ("node_internal_output", "a", 2, {"content": "x", "output": {"z": 1, "y": "w" * 5000}}),
        ("node_stalled", "b", 2, {"reason": "no progress"}),
        ("node_loop_completed", "a", 2, {"iterations": 1}),
        ("execution_completed", None, 2, {"output": {"output": "o" * 66_000}}),
    ]  # fmt: skip
    return [{"type": kind, "stream_id": "told", "execution_id": execution, "data": data, **({"node_id": node} if node else {}), **({"attempt": attempt} if attempt else {})} for kind, node, attempt, data in said]


def write(name: str, value: Any) -> None:
    text = "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in value) + "\n]\n"
    (VECTORS / name).write_text(text)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", type=pathlib.Path, required=True, help="the binary that is recorded")
    write("snapshots.json", asyncio.run(record(arguments.parse_args().binary.resolve())))


if __name__ == "__main__":
    main()
