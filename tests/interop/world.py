"""Processes of the tests: each listens on a free port of loopback and is stopped by its process id."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINARY = pathlib.Path(
    os.environ.get("RUNBUS_BINARY") or pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "debug" / "runbus"
)
PATIENCE_S = int(os.environ.get("RUNBUS_INTEROP_PATIENCE_S", "120"))
"""The longest wait, in seconds, for something that must come. Nothing waits for its end when all goes well."""


def tool(variable: str) -> str:
    """A path that ops/tools.sh gives; the test is skipped, with the reason, where the machine lacks a compiler or an interpreter."""
    if variable not in os.environ:
        pytest.exit(f"{variable} is not set: run `make test-interop`", returncode=2)
    if not os.environ[variable]:
        pytest.skip(f"{variable} is empty: ops/tools.sh says what this machine lacks")
    return os.environ[variable]


def free_port() -> int:
    found = subprocess.run([sys.executable, ROOT / "ops" / "free_ports.py", "1"], capture_output=True, text=True, check=True)
    return int(found.stdout)


def clean_environment() -> dict[str, str]:
    """This environment without what would configure the programs of a test."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("RUNBUS_", "OPENAI_", "OTEL_"))}


class Program:
    """A process whose lines are kept, so that a test can wait for one of them."""

    def __init__(self, command: list, folder: pathlib.Path, environment: dict[str, str] | None = None) -> None:
        self.command = [str(part) for part in command]
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            self.command,
            cwd=folder,
            env={**clean_environment(), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def wait_for(self, pattern: str, count: int = 1) -> list[re.Match]:
        """The first lines that fit, once there are so many."""
        fits = re.compile(pattern)
        end = time.monotonic() + PATIENCE_S
        with self._news:
            while True:
                found = [match for line in self.lines if (match := fits.search(line))]
                if len(found) >= count:
                    return found
                if self._ended or not self._news.wait(max(0, end - time.monotonic())):
                    why = "ended" if self._ended else "goes on"
                    raise AssertionError(f"{self.command[0]} {why} without {pattern!r}:\n" + "\n".join(self.lines[-60:]))

    def wait(self) -> str:
        """Everything that it printed, once it has ended well."""
        code = self.process.wait(PATIENCE_S)
        with self._news:
            self._news.wait_for(lambda: self._ended, PATIENCE_S)
        said = "\n".join(self.lines)
        assert code == 0, f"{self.command} ended with {code}:\n{said[-6000:]}"
        return said

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdin.close()


class World:
    """The processes of one test, stopped in the opposite order of their start."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.programs: list[Program] = []
        self.closers: list = []

    def program(self, command: list, environment: dict[str, str] | None = None) -> Program:
        made = Program(command, self.folder, environment)
        self.programs.append(made)
        return made

    def run(self, command: list, environment: dict[str, str] | None = None) -> str:
        return self.program(command, environment).wait()

    def file(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def close(self) -> None:
        for program in reversed(self.programs):
            program.stop()
        for closer in reversed(self.closers):
            closer()


class Broker:
    """NATS and Redis."""

    def __init__(self, world: World) -> None:
        mapping = '{ "rb.pub.*.*.*": "rb.ext.{{partition(4,3)}}.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}" }'
        config = world.file(
            "nats.conf",
            f'host: 127.0.0.1\nport: -1\njetstream {{ store_dir: "{world.folder}/nats" }}\nmappings {mapping}\n',
        )
        nats = world.program([tool("RUNBUS_NATS_SERVER"), "-c", config])
        self.nats = "nats://" + nats.wait_for(r"Listening for client connections on (\S+)")[0][1]
        nats.wait_for("Server is ready")
        port = free_port()
        redis = world.program(
            [tool("RUNBUS_REDIS_SERVER"), "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", world.folder]
        )
        redis.wait_for("Ready to accept connections")
        self.redis = f"redis://127.0.0.1:{port}"


QUICK = {
    "gateway.listen": "127.0.0.1:0",
    "gateway.shutdown_delay_ms": 0,
    "gateway.drain_window_ms": 100,
    "worker.drain_ms": 0,
    "model.scripted_pace_ms": 0,
}
"""Settings of every test: a free port, no pauses at the end of a test."""


class Runbus:
    """Gateway and worker in one process (`runbus dev`), on the embedded backend or on NATS with Redis."""

    def __init__(self, world: World, backend: str, settings: dict[str, object], tables: str = "", command: str = "dev --idle") -> None:
        if not BINARY.is_file():
            pytest.exit(f"{BINARY} is missing: `make test-interop` builds it", returncode=2)
        self.world = world
        values: dict[str, object] = {**QUICK, **settings}
        self.broker = None
        if backend == "nats":
            self.broker = Broker(world)
            values |= {"log.backend": "nats", "store.backend": "redis"}
            values |= {"nats.servers": [self.broker.nats], "redis.url": self.broker.redis}
        else:
            values |= {"embedded.data_dir": str(world.folder / "data"), "embedded.synchronous": "normal"}
        # JSON's texts, numbers, flags and lists are TOML's.
        dotted = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
        self.config = world.file("runbus.toml", dotted + tables)
        self.program = world.program([BINARY, *command.split(), "--config", self.config])
        self.url = "http://" + self.program.wait_for(r"gateway listens address=(\S+)")[0][1]
        self.program.wait_for("worker is ready")
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE_S)
        world.closers.append(self.http.close)

    def publish(self, stream: str, *contents: object) -> list[dict]:
        events = [{"type": "custom", "stream_id": stream, "data": {"n": content}} for content in contents]
        answer = self.http.post("/v1/events", json={"events": events})
        assert answer.status_code == 200, answer.text
        return answer.json()["events"]

    def start(self, definition: str, execution: str, given: object = "go") -> None:
        answer = self.http.post(
            "/v1/executions", json={"definition": definition, "input": given, "execution_id": execution}
        )
        assert answer.status_code == 201, answer.text

    def events(self, execution: str) -> list[dict]:
        """All events of an execution, once it has ended."""
        found = []
        path = f"/v1/executions/{execution}/events/stream?since=all&until=terminal"
        with self.http.stream("GET", path, headers={"accept": "text/event-stream"}) as answer:
            assert answer.status_code == 200
            end = time.monotonic() + PATIENCE_S
            for line in answer.iter_lines():
                assert time.monotonic() < end, f"{execution} does not end:\n" + "\n".join(self.program.lines[-20:] + [str(found[-3:])])
                if line.startswith("data: "):
                    found.append(json.loads(line.removeprefix("data: ")))
        return [event for event in found if "id" in event]

    def outcome(self, execution: str) -> dict:
        """The state of an execution, once it has ended."""
        self.events(execution)
        return self.http.get(f"/v1/executions/{execution}").json()


def node_folder(world: World) -> pathlib.Path:
    """A folder where Node finds the packages and the scripts of this suite."""
    folder = world.folder / "node"
    folder.mkdir()
    (folder / "node_modules").symlink_to(tool("RUNBUS_INTEROP_NODE"))
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    for script in (HERE / "node").iterdir():
        (folder / script.name).write_text(script.read_text())
    return folder
