"""Makes `src/runbus/types` from the contracts in `docs`, with datamodel-code-generator.

    python scripts/generate_types.py            rewrites the files
    python scripts/generate_types.py --check    fails when one of them differs

The generator is pinned in requirements/tools.txt.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE.parent
CONTRACTS = PACKAGE.parent.parent / "docs"
TYPES = PACKAGE / "src" / "runbus" / "types"

OPTIONS = [
    "--output-model-type", "pydantic_v2.BaseModel",
    "--target-python-version", "3.10",
    "--disable-timestamp",
    "--use-annotated",
    "--use-standard-collections",
    "--use-union-operator",
    "--use-schema-description",
    "--use-field-description",
    "--use-double-quotes",
    "--enum-field-as-literal", "all",
    "--use-one-literal-as-default",
    "--collapse-root-models",
    "--allow-extra-fields",
    "--formatters", "black", "isort",
]  # fmt: skip


def inline(schema: Any, definitions: dict[str, Any]) -> Any:
    """The same schema; references to plain texts and numbers (ids, times) become these, so that fields are `str` and not a class."""
    if isinstance(schema, list):
        return [inline(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    target = definitions.get(str(schema.get("$ref", "")).rpartition("/")[2])
    if target is not None and is_plain(target):
        # Gateways check the bounds of ids; a reader takes what is there.
        plain = {key: target[key] for key in ("type", "format") if key in target and target[key] != "uuid"}
        return {**plain, **{key: value for key, value in schema.items() if key != "$ref"}}
    # A default of a type with a name, or an object, would be no instance of its class. Ids are texts: they are compared and sent back, and
    # a UUID object for each event costs more than the rest of its envelope.
    refers = "$ref" in schema
    return {
        key: inline(value, definitions)
        for key, value in schema.items()
        if not (key == "default" and (refers or isinstance(value, dict))) and (key, value) != ("format", "uuid")
    }


def is_plain(schema: dict[str, Any]) -> bool:
    """Whether it is a text or a number without a name of its own in Python."""
    return schema.get("type") in ("string", "integer", "number") and "enum" not in schema and "const" not in schema


def events() -> dict[str, Any]:
    """The union by `type`. The class of an event has the name of its type: `CustomEvent` of the contract is `Custom`."""
    contract = json.loads((CONTRACTS / "events.schema.json").read_text())
    names = {name: name.removesuffix("Event") for name in map(referred, contract["oneOf"])}
    # Readers have a class of their own for types that are not in the catalogue.
    defs = {names.get(name, name): rename(schema, names) for name, schema in contract["$defs"].items() if name != "OtherEvent"}
    return {**contract, "oneOf": rename(contract["oneOf"], names), "$defs": defs}


def referred(schema: dict[str, Any]) -> str:
    """The name of the schema that a reference is of."""
    return str(schema["$ref"]).rpartition("/")[2]


def rename(schema: Any, names: dict[str, str]) -> Any:
    if isinstance(schema, list):
        return [rename(item, names) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: rename(value, names) for key, value in schema.items()}
    if isinstance(reference := out.get("$ref"), str):
        head, _, name = reference.rpartition("/")
        out["$ref"] = f"{head}/{names.get(name, name)}"
    return out


def rest() -> dict[str, Any]:
    """The schemas of requests and answers. Events in them have a module of their own."""
    contract = json.loads((CONTRACTS / "openapi.json").read_text())
    schemas: dict[str, Any] = contract["components"]["schemas"]
    event = schemas.pop("Event")
    others = set[str]().union(*(named(schema) for schema in schemas.values()))
    payloads = named(event)
    while more := set[str]().union(*(named(schemas[name]) for name in payloads if name in schemas)) - payloads:
        payloads |= more
    for name in payloads - others:
        schemas.pop(name, None)
    # Payloads may name each other.
    for name in [name for name in payloads & others if name.startswith("Event") and not any(name in named(schema) for of, schema in schemas.items() if of not in payloads)]:
        schemas.pop(name, None)
    schemas["Event"] = {}
    return {"openapi": contract["openapi"], "info": contract["info"], "paths": {}, "components": {"schemas": schemas}}


def named(schema: Any) -> set[str]:
    """The names of the schemas that a schema refers to."""
    if isinstance(schema, list):
        return set[str]().union(*(named(item) for item in schema))
    if not isinstance(schema, dict):
        return set()
    own = {str(schema["$ref"]).rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set[str]()
    return own.union(*(named(value) for value in schema.values()))


def snapshot() -> dict[str, Any]:
    return {**json.loads((CONTRACTS / "snapshot.schema.json").read_text()), "title": "Snapshot"}


def protocol() -> dict[str, Any]:
    return json.loads((CONTRACTS / "protocol.schema.json").read_text())


SOURCES = {
    "protocol": (protocol, "jsonschema", "Messages of the WebSocket in both directions, for programs that use it without the client."),
    "events": (events, "jsonschema", "Events, by their `type`."),
    "rest": (rest, "openapi", "Requests and answers of a gateway."),
    "snapshot": (snapshot, "jsonschema", "An execution as of one position."),
}


def generate(name: str, folder: pathlib.Path) -> str:
    make, kind, says = SOURCES[name]
    source, target = folder / f"{name}.json", folder / f"{name}.py"
    schema = make()
    definitions = schema.get("$defs") or schema["components"]["schemas"]
    schema = inline(schema, definitions)
    kept = schema.get("$defs") or schema["components"]["schemas"]
    for known in [known for known, value in kept.items() if is_plain(value)]:
        del kept[known]
    source.write_text(json.dumps(schema))
    command = [sys.executable, "-W", "ignore", "-m", "datamodel_code_generator", "--input", str(source), "--input-file-type", kind, "--output", str(target), *OPTIONS]
    if name == "events":
        command += ["--class-name", "KnownEvent"]
    if name == "protocol":
        # Its unions have names.
        command.remove("--collapse-root-models")
    subprocess.run(command, check=True)
    body = target.read_text()
    body = body.partition("from __future__ import annotations")[2]
    if name == "events":
        head, _, _ = body.partition("class KnownEvent(")
        body = head + unions()
    if name == "events":
        body = body.replace("from typing import Annotated, Any, Literal", "from typing import Annotated, Any, Literal, TypeAlias")
        if "RootModel[" not in body:
            body = body.replace(", RootModel", "")
    return f'"""{says}\n\nGenerated by scripts/generate_types.py; do not edit.\n"""\n\n# ruff: noqa\n\nfrom __future__ import annotations{body}'


def unions() -> str:
    """The union as a plain type, which narrows by `type`, and the classes by `type`."""
    contract = events()
    names = [(contract["$defs"][name]["properties"]["type"]["const"], name) for name in map(referred, contract["oneOf"])]
    union = "\n    | ".join(name for _, name in names)
    table = "\n".join(f'    "{kind}": {name},' for kind, name in names)
    return f"""KnownEvent: TypeAlias = (
    {union}
)
\"\"\"An event whose type is in the catalogue.\"\"\"

BY_TYPE: dict[str, type[BaseModel]] = {{
{table}
}}
\"\"\"The classes of events by `type`.\"\"\"
"""


def main() -> int:
    is_check = "--check" in sys.argv[1:]
    stale: list[str] = []
    with tempfile.TemporaryDirectory() as work:
        for name in SOURCES:
            text = generate(name, pathlib.Path(work))
            path = TYPES / f"{name}.py"
            if not is_check:
                path.write_text(text)
            elif not path.exists() or path.read_text() != text:
                stale.append(path.name)
    if stale:
        print(f"not as the contracts say: {', '.join(stale)}; run scripts/generate_types.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
