"""Checks what pages show that are read and not followed step by step: the README, references, explanations.

  python3 ops/docs/shown.py

README.md: its commands run in the order of the page, on one log, as `PLAN` says. Other pages: configuration is loaded, definitions
and scripts are read, JSON is parsed, Python is run, JavaScript is compiled. Called from the project's root.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import run

# How each block of the README runs, by its beginning.
PLAN = {
    "make demo    #": "elsewhere: docs/tutorial/first-agent.md",
    "OPENAI_API_KEY=": "elsewhere: a service is needed",
    "runbus start council": "runs",
    "runbus tail ": "goes on",
    "const ws": "follows",
    "runbus history": "runs",
    "runbus publish": "runs",
    "runbus start support-triage": "converses",
    "cat > pirate.yaml": "is written",
    "nats-server -c": "elsewhere: tests/system/operation.rs",
    "nats req": "elsewhere: tests/system/operation.rs",
    "nats sub": "elsewhere: the nats CLI is needed",
    "make scale-out": "elsewhere: tests/system/scale_out.rs",
    "[log]": "is configuration",
}
EVENT = {"type": "custom", "stream_id": "ci", "data": {"step": "lint"}}
# So long a command that does not end by itself must run without an error, in seconds.
GOES_ON_S = 3


def commands(text):
    """The commands of a block, without comments: a line, or several that end with a backslash."""
    return [one for one in text.replace("\\\n", " ").splitlines() if one.strip() and not one.startswith("#")]


def ends_well(page, command, timeout=run.PATIENCE_S, may_go_on=False):
    with subprocess.Popen(
        ["bash", "-eo", "pipefail", "-c", command], cwd=page.folder, env=page.environment, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as started:
        try:
            said, _ = started.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            run.stop(started)
            said, _ = started.communicate()
            if may_go_on and "error" not in said.lower():
                return said
            raise run.Fault(f"{command}: does not end; it said\n{said}") from None
        if started.returncode:
            raise run.Fault(f"{command}: exit code {started.returncode}; it said\n{said}")
        return said


def found(page, command, name):
    """The first value of a field in what a command prints as JSON; waits until it is there."""
    deadline = time.monotonic() + run.PATIENCE_S
    while not (match := re.search(rf'"{name}":"([^"]+)"', ends_well(page, command))):
        if time.monotonic() > deadline:
            raise run.Fault(f"{command}: prints no {name}")
        time.sleep(0.1)
    return match[1]


def converse(page, text):
    for command in commands(text):
        if "REQUEST_ID" in command:
            command = command.replace("REQUEST_ID", found(page, "runbus session show t-1 --json", "request_id"))
        # Something that has not ended: nobody answers its question.
        if "EXECUTION" in command:
            ends_well(page, "runbus start support-triage 'Again' --execution t-2")
        ends_well(page, command.replace("EXECUTION", "t-2"))


def readme():
    with tempfile.TemporaryDirectory(prefix="runbus-docs-") as folder:
        page = run.Page("README.md", pathlib.Path(folder).resolve(), *run.free_ports(1))
        (page.folder / "events.ndjson").write_text(json.dumps(EVENT))
        page.blocks.insert(0, (0, ["sh", "stays"], "runbus dev --idle\n"))
        page.blocks.insert(1, (0, ["text"], f"gateway  http://127.0.0.1:{page.ports[run.PORTS[0]]} ...\n"))
        try:
            page.run(0)
            for line, words, text in page.blocks[2:]:
                if words[0] not in {"sh", "js", "toml"}:
                    continue
                kind = next((kind for begins, kind in PLAN.items() if text.startswith(begins)), None)
                try:
                    match kind:
                        case "runs":
                            for command in commands(text):
                                ends_well(page, command)
                        case "goes on":
                            for command in commands(text):
                                ends_well(page, command, GOES_ON_S, may_go_on=True)
                        case "follows":
                            (page.folder / "follow.mjs").write_text(text)
                            said = ends_well(page, "node --experimental-websocket --no-warnings follow.mjs", GOES_ON_S, may_go_on=True)
                            if "execution_started" not in said:
                                raise run.Fault(f"it prints no event: {said}")
                        case "converses":
                            converse(page, text)
                        case "is written":
                            ends_well(page, text[: text.index("\nEND\n") + 5] + "runbus doctor --set worker.definitions=pirate.yaml")
                        case "is configuration":
                            load_configuration(page, text)
                        case None:
                            raise run.Fault("ops/docs/shown.py does not say how this runs")
                except run.Fault as fault:
                    return [f"README.md:{line}: {fault}"]
        finally:
            page.end()
    return []


def load_configuration(page, text):
    # A folder that the file names is there.
    (page.folder / "agents").mkdir(exist_ok=True)
    (page.folder / "shown.toml").write_text(text)
    ends_well(page, "runbus permissions nats --config shown.toml")


def is_json(text):
    text = text.replace("{...}", "{}").replace("[...]", "[]")
    try:
        json.loads(text)
    except ValueError:
        for line in text.splitlines():
            json.loads(line)


def check(page, words, text):
    match words:
        case ["toml"]:
            load_configuration(page, text)
        case ["yaml"]:
            (page.folder / "shown.yaml").write_text(text)
            key = "model.script" if text.startswith("answers:") else "worker.definitions"
            ends_well(page, f"runbus doctor --set model.provider=scripted --set {key}=shown.yaml")
        case ["json"]:
            try:
                is_json(text)
            except ValueError as error:
                raise run.Fault(f"is no JSON: {error}") from None
        case ["python"]:
            (page.folder / "shown.py").write_text(text)
            ends_well(page, f"{sys.executable} shown.py")
        case ["js"]:
            (page.folder / "shown.mjs").write_text(text)
            ends_well(page, "node --check shown.mjs")
        case ["sh"]:
            ends_well(page, f"bash -n <<'END-OF-BLOCK'\n{text}\nEND-OF-BLOCK")


def references():
    faults = []
    with tempfile.TemporaryDirectory(prefix="runbus-docs-") as folder:
        page = run.Page("README.md", pathlib.Path(folder).resolve(), *run.free_ports(1))
        try:
            for path in sorted([*run.ROOT.glob("docs/*.md"), *run.ROOT.glob("docs/security/*.md")]):
                for line, words, text in run.blocks(path.read_text()):
                    try:
                        check(page, words, text)
                    except run.Fault as fault:
                        faults.append(f"{path.relative_to(run.ROOT)}:{line}: {fault}")
        finally:
            page.end()
    return faults


if __name__ == "__main__":
    faults = [*references(), *readme()]
    if faults:
        sys.exit("\n".join(f"docs: {fault}" for fault in faults))
    print("docs: the README runs, and what other pages show is valid")
