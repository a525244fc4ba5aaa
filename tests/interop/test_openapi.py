"""Generators that make clients of the gateway's OpenAPI document, beside those of `make test`."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import shutil
import sys

import pytest

from world import Runbus, World, node_folder, tool


@pytest.fixture
def runbus(world: World) -> Runbus:
    made = Runbus(world, "embedded", {"model.provider": "scripted"})
    world.file("openapi.json", made.http.get("/v1/openapi.json").text)
    return made


def program(name: str) -> pathlib.Path:
    return pathlib.Path(tool("RUNBUS_INTEROP_PYTHON")).parent / name


def openapi_generator(world: World, generator: str, *more: str) -> pathlib.Path:
    if not shutil.which("java"):
        pytest.skip("no java (Debian: apt-get install default-jre-headless)")
    out = world.folder / generator
    world.run([program("openapi-generator-cli"), "generate", "-i", "openapi.json", "-g", generator, "-o", out, *more])
    return out


def compile_strictly(world: World, entry: pathlib.Path) -> None:
    options = {"strict": True, "noEmit": True, "target": "es2022", "module": "esnext", "moduleResolution": "bundler"}
    options |= {"lib": ["es2022", "dom", "dom.iterable"], "types": []}
    project = entry.parent / "tsconfig.json"
    project.write_text(json.dumps({"compilerOptions": options, "files": [entry.name]}))
    world.run(["node", f"{tool('RUNBUS_INTEROP_NODE')}/typescript/bin/tsc", "-p", project])


def test_openapi_generator_makes_a_python_client_that_starts_and_reads(world: World, runbus: Runbus) -> None:
    made = openapi_generator(world, "python", "--additional-properties=packageName=made_client")
    # Its client needs nothing beyond what is pinned here.
    world.run([tool("RUNBUS_INTEROP_PYTHON"), pathlib.Path(__file__).parent / "made_client.py", made, runbus.url])
    assert runbus.outcome("made")["status"] == "completed"


@pytest.mark.parametrize("generator", ["typescript-fetch", "go", "java"])
def test_openapi_generator_takes_the_document_for(world: World, runbus: Runbus, generator: str) -> None:
    made = openapi_generator(world, generator)
    assert any("start" in path.read_text(errors="replace").lower() for path in made.rglob("*") if path.is_file())
    if generator == "typescript-fetch":
        compile_strictly(world, made / "index.ts")


def test_openapi_generator_finds_the_document_valid(world: World, runbus: Runbus) -> None:
    if not shutil.which("java"):
        pytest.skip("no java (Debian: apt-get install default-jre-headless)")
    said = world.run([program("openapi-generator-cli"), "validate", "-i", "openapi.json"])
    assert "Errors:" not in said, said


def test_swagger_typescript_api_makes_a_client_that_compiles_strictly(world: World, runbus: Runbus) -> None:
    folder = node_folder(world)
    modules = folder / "node_modules"
    world.run(["node", modules / "swagger-typescript-api/dist/cli.mjs", "generate", "-p", "openapi.json", "-o", folder, "-n", "api.ts"])
    compile_strictly(world, folder / "api.ts")


def test_models_of_datamodel_code_generator_take_the_gateways_answers(world: World, runbus: Runbus) -> None:
    out = world.folder / "made_models.py"
    world.run(
        [program("datamodel-codegen"), "--input", "openapi.json", "--input-file-type", "openapi", "--output", out]
        + ["--output-model-type", "pydantic_v2.BaseModel", "--target-python-version", "3.11"]
    )
    spec = importlib.util.spec_from_file_location("made_models", out)
    models = importlib.util.module_from_spec(spec)
    sys.modules["made_models"] = models
    spec.loader.exec_module(models)
    document = json.loads((world.folder / "openapi.json").read_text())
    runbus.start("assistant", "run-1")
    runbus.outcome("run-1")
    for path, example in {
        "/v1/executions/{execution_id}": "/v1/executions/run-1",
        "/v1/executions/{execution_id}/events": "/v1/executions/run-1/events",
        "/v1/events": "/v1/events",
        "/v1/stats": "/v1/stats",
        "/readyz": "/readyz",
    }.items():
        content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        name = content.get("$ref", "").rpartition("/")[2]
        if name:
            getattr(models, name).model_validate(runbus.http.get(example).json())
