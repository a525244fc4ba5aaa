"""Writes `clients/vectors`: from the documented rules, and recorded from the real binary.

    python scripts/vectors.py --binary target/debug/runbus

The rules are written here a second time, without the client's code, so that the vectors can find a fault of it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import pathlib
import re
import sys
import zlib
from typing import Any
from urllib.parse import quote

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
VECTORS = ROOT / "clients" / "vectors"
sys.path[:0] = [str(HERE.parent / "src"), str(HERE.parent / "tests")]

IDS = ["master_agent", "run.1", "chat 1", "*>", "é", "_", "__", "a.b c", "ü%", "%41", "a/b", "日本", "🙂", "-", "A-Z_9", "~", "x" * 128]
NO_TOKENS = ["a.b", "%", "%4", "%c3%bc", "%41", "a b", "%FF", "ü", "100%"]


def token(name: str) -> str:
    # `quote` keeps `~` and `.`, which subjects may not hold.
    return "%5F" if name == "_" else quote(name, safe="").replace("~", "%7E").replace(".", "%2E")


def shard(text: str, counts: list[int]) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return sum(counts[:-1]) + value % counts[-1]


def shards() -> list[dict[str, Any]]:
    found = [{"token": one, "shards": counts, "shard": shard(one, counts)} for one in ["_", *map(token, IDS), "run-1"] for counts in ([4], [1], [4, 8], [3, 5, 16])]
    table = (ROOT / "docs" / "subjects.md").read_text().partition("With the default of 4 shards:")[2].partition("```")[0]
    documented = re.findall(r"\| `([^`]+)` \| (\d+) \|", table)
    assert documented and all(shard(one, [4]) == int(number) for one, number in documented), documented
    return found


def event(n: int, **more: Any) -> dict[str, Any]:
    return {"id": f"019aa3c0-0000-7000-8000-{n:012}", "type": "custom", "stream_id": "s.1", "execution_id": "run 1", "data": {"n": n}, "timestamp": "2026-01-01T00:00:00.000000Z", **more}


def frames() -> list[dict[str, Any]]:
    lines = [json.dumps(event(n), separators=(",", ":")).encode() for n in range(3)]
    subject = "rb.{}.3.s%2E1._.run%201"
    cases: list[dict[str, Any]] = []

    def case(name: str, lane: str, payload: bytes, header: str | None, found: list[Any]) -> None:
        cases.append({"name": name, "subject": subject.format(lane), "sequence": 41, "header": header, "payload_base64": base64.b64encode(payload).decode(), "events": found})

    def head(payload: bytes, count: int = 1, more: str = "") -> str:
        return f"v=1, count={count}, crc32={zlib.crc32(payload):08x}{more}"

    all_lines = b"\n".join(lines)
    case("open, of Runbus", "ev", lines[0], head(lines[0]), [event(0, seq=41)])
    case("external, of the library", "ext", lines[0], head(lines[0]), [event(0, seq=41, external=True)])
    case("external, without headers", "ext", all_lines, None, [event(n, seq=41, external=True) for n in range(3)])
    case("of a plain publisher, of before there was rb.ext", "ev", lines[0], None, [event(0, seq=41, external=True)])
    owned = ", epoch=2, index=17, journal=4"
    case("owned", "ev", all_lines, head(all_lines, 3, owned), [event(n, seq=17 + n) for n in range(3)])
    case("external with an owner's header", "ext", lines[0], head(lines[0], 1, owned), [event(0, seq=41, external=True)])
    case("members of later versions", "ev", lines[0], head(lines[0]) + ", colour=7", [event(0, seq=41)])
    for name, header in {
        "another checksum": "v=1, count=3, crc32=00000000" + owned,
        "another count": head(all_lines, 2, owned),
        "another format": head(all_lines, 3, owned).replace("v=1", "v=2"),
        "no count": f"v=1, crc32={zlib.crc32(all_lines):08x}",
        "an epoch that is no number": head(all_lines, 3, ", epoch=x, index=1, journal=1"),
        "no index": head(all_lines, 3, ", epoch=1, journal=1"),
    }.items():
        place = 17 if "index=17" in header else 41
        case(name, "ev", all_lines, header, [{"type": "undecodable", "seq": place}])
    mixed = b"no json\n" + lines[1] + b"\n[]"
    case("lines that are no events", "ext", mixed, head(mixed, 3), [{"type": "undecodable", "seq": 41}, event(1, seq=41, external=True), {"type": "undecodable", "seq": 41}])
    other = json.dumps(event(0, stream_id="another")).encode()
    case("a body that names another stream than its subject", "ext", other, None, [{"type": "undecodable", "seq": 41}])
    mark = json.dumps(event(0, external=True)).encode()
    case("a mark that the publisher wrote", "ev", mark, head(mark), [event(0, seq=41)])
    return cases


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
    arguments.add_argument("--binary", type=pathlib.Path, help="the binary that snapshots are recorded from; without it they stay as they are")
    given = arguments.parse_args()
    tokens = [{"id": name, "token": token(name)} for name in IDS] + [{"id": None, "token": text} for text in NO_TOKENS]
    write("tokens.json", tokens)
    write("shards.json", shards())
    write("frames.json", frames())
    if given.binary:
        write("snapshots.json", asyncio.run(record(given.binary.resolve())))


if __name__ == "__main__":
    main()
