"""MCP servers of others, driven by a model through an agent of `runbus dev`."""

from __future__ import annotations

import json
import pathlib
import subprocess

import pytest

from model import Model
from receiver import Receiver
from world import BINARY, HERE, Runbus, World, free_port, tool

AGENT = 'kind: agent\nname: tester\ntools: ["s__*"]\nmax_rounds: 32\n'


class Bench:
    """One server `s`; the model makes the given calls, one in a round, and then says how many answers it has read."""

    def __init__(self, world: World, backend: str, table: dict[str, object]) -> None:
        self.calls: list[tuple[str, dict]] = []
        self.model = Model(world, self.answer)
        agent = world.file("tester.yaml", AGENT)
        settings = {"model.base_url": self.model.url, "model.name": "scripted", "worker.definitions": [str(agent)]}
        lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items() if name != "env")
        lines += "".join(f"env.{name} = {json.dumps(value)}\n" for name, value in table.get("env", {}).items())
        self.runbus = Runbus(world, backend, settings, f"\n[mcp.servers.s]\nstart_timeout_ms = 60000\n{lines}")
        self.number = 0

    @classmethod
    def node(cls, world: World, backend: str, package: str, **more: object) -> Bench:
        main = f"{tool('RUNBUS_INTEROP_NODE')}/@modelcontextprotocol/{package}/dist/index.js"
        return cls(world, backend, {"command": "node", "args": [main], **more})

    @classmethod
    def python(cls, world: World, backend: str, script: str, *args: str, sdk: str = "RUNBUS_INTEROP_MCP") -> Bench:
        command = pathlib.Path(tool(sdk)).parent / script
        return cls(world, backend, {"command": str(command), "args": list(args)})

    def answer(self, asked: dict) -> str | list[tuple[str, dict]]:
        done = sum(message["role"] == "tool" for message in asked["messages"])
        return [self.calls[done]] if done < len(self.calls) else f"{done} answers"

    def run(self, *calls: tuple[str, dict]) -> list[dict]:
        """Makes these calls in one execution; the outcome of each."""
        self.calls = [(f"s__{name}", arguments) for name, arguments in calls]
        self.number += 1
        execution = f"mcp-{self.number}"
        self.runbus.start("tester", execution)
        events = self.runbus.events(execution)
        assert not self.model.faults, self.model.faults
        assert events[-1]["type"] == "execution_completed", events[-1]
        return [event["data"] for event in events if event["type"] == "tool_call_completed"]


def ok(outcome: dict) -> str:
    assert not outcome.get("is_error"), outcome
    return outcome["result"]


def test_server_memory_keeps_a_graph_and_the_model_reads_each_answer_once(world: World, backend: str) -> None:
    bench = Bench.node(world, backend, "server-memory", env={"MEMORY_FILE_PATH": str(world.folder / "memory.json")})
    entity = {"name": "Ada", "entityType": "person", "observations": ["wrote the first program"]}
    made, found, gone = bench.run(
        ("create_entities", {"entities": [entity]}),
        ("search_nodes", {"query": "Ada"}),
        ("delete_entities", {"entityNames": ["Ada"]}),
    )
    assert ok(made).count("wrote the first program") == 1
    # Its text repeats its structured content.
    assert ok(found).count("wrote the first program") == 1
    ok(gone)


def test_server_sequential_thinking_counts_the_thoughts_of_one_session(world: World) -> None:
    bench = Bench.node(world, "embedded", "server-sequential-thinking")
    thought = {"thought": "one step", "nextThoughtNeeded": True, "totalThoughts": 2}
    first, second = bench.run(
        ("sequentialthinking", {**thought, "thoughtNumber": 1}), ("sequentialthinking", {**thought, "thoughtNumber": 2})
    )
    assert json.loads(ok(first))["thoughtHistoryLength"] == 1
    assert json.loads(ok(second))["thoughtHistoryLength"] == 2


def test_server_git_reads_a_repository_and_its_refusal_reaches_the_model(world: World) -> None:
    folder = world.folder / "repository"
    folder.mkdir()
    git = ["git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    (folder / "a.txt").write_text("one\n")
    subprocess.run([*git, "add", "a.txt"], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "first commit of the test"], check=True)
    bench = Bench.python(world, "embedded", "mcp-server-git", "--repository", str(folder))
    status, log, outside = bench.run(
        ("git_status", {"repo_path": str(folder)}),
        ("git_log", {"repo_path": str(folder)}),
        ("git_status", {"repo_path": str(world.folder)}),
    )
    assert "nothing to commit" in ok(status)
    assert ok(log).count("first commit of the test") == 1
    assert outside["is_error"], outside
    assert str(world.folder) in outside["result"]


def test_server_sqlite_writes_and_reads_rows(world: World) -> None:
    bench = Bench.python(world, "embedded", "mcp-server-sqlite", "--db-path", str(world.folder / "test.db"), sdk="RUNBUS_INTEROP_MCP_1")
    table, row, rows, wrong = bench.run(
        ("create_table", {"query": "CREATE TABLE t (n INTEGER, name TEXT)"}),
        ("write_query", {"query": "INSERT INTO t VALUES (12345678901, 'é')"}),
        ("read_query", {"query": "SELECT n, name FROM t"}),
        ("read_query", {"query": "SELECT missing FROM t"}),
    )
    ok(table)
    ok(row)
    assert "12345678901" in ok(rows) and "é" in ok(rows)
    assert "no such column" in wrong["result"]


def test_server_fetch_reads_a_page_and_a_missing_page_is_an_error(world: World) -> None:
    site = Receiver(world, page=b"<html><body><h1>Title</h1><p>The text of the page.</p></body></html>")
    bench = Bench.python(world, "embedded", "mcp-server-fetch", "--ignore-robots-txt", "--allow-private-ips")
    page, missing = bench.run(
        ("fetch", {"url": f"{site.url}/page.html", "raw": True}), ("fetch", {"url": f"{site.url}/missing.html"})
    )
    assert "The text of the page." in ok(page)
    assert missing["is_error"] and "404" in missing["result"], missing


SDKS = pytest.mark.parametrize("sdk", ["RUNBUS_INTEROP_MCP", "RUNBUS_INTEROP_MCP_1"], ids=["sdk-2", "sdk-1"])


@SDKS
def test_a_restarted_http_server_of_the_python_sdk_gets_a_new_session(world: World, backend: str, sdk: str) -> None:
    port = free_port()
    server = [tool(sdk), HERE / "mcp_http.py", port]
    first = world.program(server)
    first.wait_for("Uvicorn running")
    bench = Bench(world, backend, {"transport": "http", "url": f"http://127.0.0.1:{port}/mcp", "safe_to_repeat": ["*"]})
    (before,) = bench.run(("add", {"a": 2, "b": 3}))
    assert ok(before) == "5"
    first.stop()
    world.program(server).wait_for("Uvicorn running")
    (after,) = bench.run(("add", {"a": 20, "b": 30}))
    assert ok(after) == "50"


@SDKS
def test_progress_text_and_images_of_the_python_sdk_reach_readers_and_the_model(world: World, sdk: str) -> None:
    port = free_port()
    world.program([tool(sdk), HERE / "mcp_http.py", port]).wait_for("Uvicorn running")
    bench = Bench(world, "embedded", {"transport": "http", "url": f"http://127.0.0.1:{port}/mcp"})
    image, steps, failed = bench.run(("dot", {}), ("steps", {"count": 3}), ("fail", {}))
    assert "[image image/png, " in ok(image) and len(image["result"]) < 200
    assert ok(steps) == "3 steps"
    assert failed["is_error"] and "a reason of the server" in failed["result"]
    progress = [event["data"] for event in bench.runbus.events("mcp-1") if event["type"] == "tool_call_progress"]
    assert progress, "readers see how far a call has come"
    # The image is a part of a message, and no text of base64.
    parts = [part for asked in bench.model.requests for message in asked["messages"] if isinstance(message.get("content"), list) for part in message["content"]]
    assert any(part["type"] == "image_url" for part in parts)


@pytest.mark.parametrize("package", ["server-memory", "server-sequential-thinking"])
def test_doctor_starts_each_server_and_finds_nothing_wrong(world: World, package: str) -> None:
    main = f"{tool('RUNBUS_INTEROP_NODE')}/@modelcontextprotocol/{package}/dist/index.js"
    table = f'embedded.data_dir = "{world.folder}/data"\n[mcp.servers.s]\ncommand = "node"\nargs = ["{main}"]\n'
    said = world.run([BINARY, "doctor", "--config", world.file("runbus.toml", table)])
    assert "NOT OK" not in said, said
    assert "s" in said
