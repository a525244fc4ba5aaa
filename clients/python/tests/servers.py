"""Servers of the tests: gateways and workers from the debug binary, NATS and Redis. All listen on loopback and end with the tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
HERE = pathlib.Path(__file__).resolve().parent
BINARY = pathlib.Path(os.environ.get("RUNBUS_BINARY") or pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "debug" / "runbus")
PATIENCE_S = 60
"""How long something that must come may take, in seconds."""

PREFIX = "rb"
PASSWORD = "password-of-the-tests"
SECRET = "a-secret-of-the-tests-with-32-bytes-or-more"


def needed(variable: str) -> str:
    found = os.environ.get(variable)
    assert found, f"{variable} is not set: run through ops/tools.sh (make test-python)"
    return found


def free_port() -> int:
    """A port that no connection takes, also while its server is down."""
    return int(subprocess.run([sys.executable, ROOT / "ops" / "free_ports.py", "1"], check=True, capture_output=True, text=True).stdout)


class Process:
    """A server process."""

    def __init__(self, command: list[str], folder: pathlib.Path, environment: dict[str, str] | None = None) -> None:
        self.command, self.folder = [str(part) for part in command], folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("RUNBUS_", "OPENAI_"))}
        self.environment = {**clean, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.log = (self.folder / f"{pathlib.Path(self.command[0]).name}-{time.monotonic_ns()}.log").open("wb")
        self.process = subprocess.Popen(self.command, cwd=self.folder, env=self.environment, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)

    def output(self) -> str:
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def until(self, is_ready, what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not is_ready():
            assert self.process is not None and self.process.poll() is None, f"{what} ended: {self.output()[-3000:]}"
            assert time.monotonic() < end, f"{what} is not ready: {self.output()[-3000:]}"
            time.sleep(0.02)

    def stop(self, kind: int = signal.SIGTERM) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(kind)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        self.log.close()

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def pause(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


def answers(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


class Gateway(Process):
    """A gateway, or a whole `runbus dev`."""

    def __init__(self, command: str, folder: pathlib.Path, settings: dict[str, str], environment: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        more = {"gateway.listen": f"127.0.0.1:{self.port}", "model.script": _script(folder), "worker.definitions": str(HERE / "definitions" / "clerk.yaml"), "telemetry.filter": "warn"}
        parts = [str(BINARY), *command.split()]
        for name, value in {**more, **settings}.items():
            parts += ["--set", f"{name}={value}"]
        super().__init__(parts, folder, environment)

    def start(self) -> None:
        super().start()
        self.until(lambda: is_ready(self.url), f"the gateway on {self.port}")


def _script(folder: pathlib.Path) -> str:
    """The built-in council's answers, and those of the tests' own definitions."""
    path = folder / "script.yaml"
    own = (HERE / "definitions" / "script.yaml").read_text().partition("answers:\n")[2]
    path.write_text((ROOT / "examples" / "council-script.yaml").read_text() + "\n" + own)
    return str(path)


class World:
    """Gateways on one backend."""

    def __init__(self, backend: str) -> None:
        if not BINARY.exists():
            pytest.exit(f"{BINARY} is missing: build it (cargo build --package runbus-cli), or set RUNBUS_BINARY", returncode=2)
        self.backend = backend
        self._folder = tempfile.TemporaryDirectory(prefix="runbus-python-")
        self.folder = pathlib.Path(self._folder.name)
        self.processes: list[Process] = []
        self.gateways: list[Gateway] = []
        self.nats: Process | None = None
        try:
            if backend == "nats":
                self._nats()
            else:
                self.gateways.append(Gateway("dev --idle", self.folder, {"embedded.synchronous": "normal", "model.scripted_pace_ms": "2"}))
            for gateway in self.gateways:
                gateway.start()
        except BaseException:
            self.close()
            raise

    def _nats(self) -> None:
        port, redis = free_port(), free_port()
        accounts = (ROOT / "ops" / "nats" / "accounts.conf").read_text()
        # The least that a bus needs: docs/python.md.
        streams = [f"{PREFIX.upper()}_EV_{shard}" for shard in range(4)]
        allowed = [f"{PREFIX}.ext.*.*.*.*", *(f"$JS.API.{verb}.{stream}" for stream in streams for verb in ("STREAM.INFO", "DIRECT.GET"))]
        bus = f'users: [\n{{ user: "bus", password: "{PASSWORD}", permissions {{ publish: {{ allow: {json.dumps(allowed)} }}, subscribe: {{ allow: ["_INBOX.>", "{PREFIX}.live.*.*.*.*.*"] }} }} }}\n'
        config = f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{self.folder}/nats" }}\n' + accounts.replace("users: [", bus, 1)
        (self.folder / "nats.conf").write_text(config)
        passwords = {f"NATS_{user}_PASSWORD": PASSWORD for user in ("ADMIN", "GATEWAY", "WORKER", "PUBLISHER", "TAP")}
        self.nats = self._run([needed("RUNBUS_NATS_SERVER"), "-c", "nats.conf"], port, passwords)
        self._run([needed("RUNBUS_REDIS_SERVER"), "--port", str(redis), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)], redis)
        self.nats_port = port
        self.bus_url = f"nats://bus:{PASSWORD}@127.0.0.1:{port}"
        self.admin_url = f"nats://admin:{PASSWORD}@127.0.0.1:{port}"
        common = {"log.backend": "nats", "store.backend": "redis", "nats.servers": f"nats://127.0.0.1:{port}", "redis.url": f"redis://127.0.0.1:{redis}"}

        def of(user: str) -> tuple[dict[str, str], dict[str, str]]:
            return {**common, "nats.user": user, "nats.inbox_prefix": f"{PREFIX}.inbox.{user}"}, {"RUNBUS_NATS__PASSWORD": PASSWORD}

        self.gateways = [Gateway("gateway", self.folder, *of("gateway")) for _ in range(2)]
        settings, environment = of("worker")
        worker = Gateway("worker", self.folder, {**settings, "model.scripted_pace_ms": "2"}, environment)
        self.processes.append(worker)
        Process.start(worker)

    def _run(self, command: list[str], port: int, environment: dict[str, str] | None = None) -> Process:
        process = Process(command, self.folder, environment)
        process.start()
        self.processes.append(process)
        process.until(lambda: answers(port), pathlib.Path(command[0]).name)
        return process

    @property
    def urls(self) -> list[str]:
        return [gateway.url for gateway in self.gateways]

    def close(self) -> None:
        for process in (*self.gateways, *reversed(self.processes)):
            process.stop(signal.SIGKILL)
        self._folder.cleanup()


async def within(work, seconds: float = PATIENCE_S):
    """The result of something that must come."""
    return await asyncio.wait_for(work, seconds)


class Grows(list):
    """A list that wakes those that wait for its length."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    def append(self, one) -> None:
        super().append(one)
        self._changed.set()

    async def until(self, count: int) -> None:
        while len(self) < count:
            self._changed.clear()
            await within(self._changed.wait())
