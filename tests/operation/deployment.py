"""Runbus in a test: a gateway and a worker as processes, with the scripted model."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator

from world import BINARY, HERE, PATIENCE_S, Program, World, free_ports, tool, until

QUICK = {
    "log.backend": "nats",
    "store.backend": "redis",
    "nats.shards": 1,
    "model.provider": "scripted",
    "model.scripted_pace_ms": 0,
    "gateway.shutdown_delay_ms": 0,
    "gateway.drain_window_ms": 100,
    "worker.drain_ms": 0,
}
"""Settings of every test: no pauses."""

CLERK = "kind: agent\nname: clerk\nsystem: Compute.\ntools: [calculator]\napprove: [calculator]\n"
"""An agent whose one call waits for a person."""

CLERK_SCRIPT = """answers:
  - node: clerk
    round: 1
    tool_calls: [{ name: calculator, arguments: { expression: "3 * 14.50" } }]
  - node: clerk
    text: They cost 43.50.
"""


def nats_server(world: World, name: str, text: str) -> Program:
    """A nats-server with a configuration, once it is ready."""
    program = world.program(tool("RUNBUS_NATS_SERVER"), "-c", world.file(f"{name}.conf", text))
    program.wait_for("Server is ready")
    return program


def nats_request(port: int, subject: str, body: object) -> dict:
    """The JSON answer to a request, over the protocol's text."""
    payload = json.dumps(body).encode()
    return _answer(port, f"PUB {subject} answer {len(payload)}\r\n".encode() + payload)


def nats_publish(port: int, subject: str, event: dict, headers: dict[str, str]) -> dict:
    """Publishes an event as a plain client; JetStream's acknowledgement."""
    payload = json.dumps(event).encode()
    if not headers:
        return _answer(port, f"PUB {subject} answer {len(payload)}\r\n".encode() + payload)
    head = "".join(f"{line}\r\n" for line in ("NATS/1.0", *(f"{name}: {value}" for name, value in headers.items()), "")).encode()
    return _answer(port, f"HPUB {subject} answer {len(head)} {len(head) + len(payload)}\r\n".encode() + head + payload)


def _answer(port: int, message: bytes) -> dict:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as link:
        lines = link.makefile("rb")
        link.sendall(b'CONNECT {"verbose":false,"headers":true}\r\nSUB answer 1\r\n')
        link.sendall(message + b"\r\n")
        for line in lines:
            if line.startswith((b"MSG ", b"HMSG ")):
                answer = json.loads(lines.read(int(line.split()[-1])))
                assert "error" not in answer, answer
                return answer
            if line.startswith(b"PING"):
                link.sendall(b"PONG\r\n")
            assert not line.startswith(b"-ERR"), line
    raise AssertionError(f"no answer to {message[:80]!r}")


def plain_nats(world: World) -> dict:
    """A nats-server as it is, for cases about something else; its settings."""
    (port,) = free_ports(1)
    text = f'host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: "{world.folder}/nats" }}\n'
    nats_server(world, "nats", text)
    return {"nats.servers": [f"nats://127.0.0.1:{port}"]}


def redis_server(world: World, *arguments: object, port: int | None = None) -> int:
    """A redis-server with further arguments; its port."""
    if port is None:
        (port,) = free_ports(1)
    folder = world.folder / f"redis-{port}"
    folder.mkdir(exist_ok=True)
    base = [tool("RUNBUS_REDIS_SERVER"), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    if "--tls-port" not in arguments:
        base += ["--port", port]
    world.program(*base, *arguments).wait_for("Ready to accept connections")
    return port


def plain_redis(world: World) -> dict:
    """A redis-server as it is, for cases about something else; its settings."""
    return {"redis.url": f"redis://127.0.0.1:{redis_server(world)}"}


def helper(world: World) -> dict:
    """Settings of a worker with the MCP server of these tests."""
    words = [str(HERE / "mcp_server.py"), str(world.folder)]
    return {"mcp.servers.helper.command": sys.executable, "mcp.servers.helper.args": words}


class Gateway:
    """A client of a gateway, over HTTP alone."""

    def __init__(self, address: str, context: ssl.SSLContext | None = None, source: str | None = None) -> None:
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self._context = context
        self._source = (source, 0) if source else None
        self.headers: dict[str, str] = {}
        self.program: Program
        self.metrics: Gateway

    def connect(self) -> http.client.HTTPConnection:
        kind, more = (http.client.HTTPSConnection, {"context": self._context}) if self._context else (http.client.HTTPConnection, {})
        return kind(self.host, self.port, timeout=PATIENCE_S, source_address=self._source, **more)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict]:
        """The status and the JSON of an answer."""
        connection = self.connect()
        try:
            headers = self.headers | ({} if body is None else {"content-type": "application/json"})
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def get(self, path: str) -> dict:
        status, body = self.ask("GET", path)
        assert status == 200, f"GET {path}: {status} {body}"
        return body

    def post(self, path: str, body: object) -> dict:
        status, answer = self.ask("POST", path, body)
        assert status in (200, 201, 202), f"POST {path}: {status} {answer}"
        return answer

    def readiness(self) -> tuple[int, dict] | None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/readyz")
        return None

    def wait_until(self, code: int, status: str) -> dict:
        """Waits until readiness is this; its checks."""
        last = None

        def look() -> dict | None:
            nonlocal last
            last = self.readiness()
            return last[1] if last and last[0] == code and last[1]["status"] == status else None

        try:
            return until(f"readiness {code} {status}", look)["checks"]
        except AssertionError as error:
            raise AssertionError(f"{error}; the last one is {last}") from None

    @contextlib.contextmanager
    def stream(self, path: str) -> Iterator[Iterator[dict]]:
        """The messages of an event stream, as they come."""
        connection = self.connect()
        try:
            connection.request("GET", path, headers={**self.headers, "accept": "text/event-stream"})
            answer = connection.getresponse()
            assert answer.status == 200, f"{path}: {answer.status} {answer.read()!r}"
            yield (json.loads(line[6:]) for line in answer if line.startswith(b"data: "))
        finally:
            connection.close()

    def follow(self, messages: Iterator[dict], execution: str) -> list[dict]:
        """All events of an execution from a live stream, up to its end."""
        found = []
        for message in messages:
            assert message.get("type") not in ("gap", "closed", "error"), message
            if message.get("execution_id") == execution:
                found.append(message)
                if message["type"] in ("execution_completed", "execution_failed", "execution_cancelled"):
                    return found
        raise AssertionError(f"the stream ends before {execution}: {found[-3:]}")

    def stored(self, execution: str) -> list[dict]:
        """All stored events of an execution."""
        found, cursor = [], ""
        while True:
            page = self.get(f"/v1/executions/{execution}/events?order=oldest&limit=500{cursor}")
            assert page["gaps"] == [], page["gaps"]
            found += page["events"]
            if not page.get("next") or not page["events"]:
                return found
            cursor = f"&cursor={page['next']}"


class Deployment:
    """The settings of a site, and its processes."""

    def __init__(self, world: World, *settings: dict) -> None:
        self.world = world
        self.settings: dict[str, object] = {**QUICK, "embedded.data_dir": str(world.folder / "data")}
        for more in settings:
            self.settings |= more
        self._count = 0
        world.file("clerk.yaml", CLERK)

    def config(self, own: dict) -> pathlib.Path:
        """A configuration file. JSON's texts, numbers, flags and lists are TOML's."""
        self._count += 1
        values = {**self.settings, **own}
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items() if value is not None]
        return self.world.file(f"runbus-{self._count}.toml", "".join(lines))

    def start(self, command: str, own: dict | None = None, environment: dict[str, str] | None = None) -> Program:
        """A process of Runbus; nothing is waited for."""
        return self.world.program(BINARY, command, "--config", self.config(own or {}), environment=environment)

    def gateway(self, own: dict | None = None, environment: dict[str, str] | None = None) -> Gateway:
        """A gateway, once it is ready."""
        ports = {"gateway.listen": "127.0.0.1:0", "telemetry.metrics_listen": "127.0.0.1:0"}
        program = self.start("gateway", {**ports, **(own or {})}, environment)
        made = Gateway(program.wait_for(r"gateway listens address=(\S+)")[1])
        made.program = program
        made.metrics = Gateway(program.wait_for(r"metrics are served address=(\S+)")[1])
        made.wait_until(200, "ready")
        return made

    def worker(self, own: dict | None = None) -> Gateway:
        """A worker, once it is ready; the endpoint of its health."""
        program = self.start("worker", {"telemetry.metrics_listen": "127.0.0.1:0", **(own or {})})
        made = Gateway(program.wait_for(r"metrics are served address=(\S+)")[1])
        made.program = program
        made.metrics = made
        made.wait_until(200, "ready")
        return made

    def both(self, gateway: dict | None = None, worker: dict | None = None) -> tuple[Gateway, Gateway]:
        """A gateway and a worker, both ready."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            one, other = pool.submit(self.gateway, gateway), pool.submit(self.worker, worker)
            return one.result(), other.result()

    def command(self, *words: object, own: dict | None = None) -> subprocess.CompletedProcess:
        """A command of the CLI, to its end."""
        return self.world.run(BINARY, *words, "--config", self.config(own or {}))

    def doctor(self, own: dict | None = None) -> list[dict]:
        """The checks of `runbus doctor`."""
        done = self.command("doctor", "--json", own=own)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)["checks"]

    def is_well(self) -> None:
        """`runbus doctor` finds no fault of a server. Plain servers have no mapping, which is a fault of its own."""
        faults = [check for check in self.doctor() if not check["ok"] and check["check"] != "mapping"]
        assert not faults, faults

    def refuses(self, cases: list[tuple[dict, str, list[str]]]) -> None:
        """Each wrong setting gives one line of error that has these words: from `runbus doctor` (the named check), and, for the broker
        and for unusable files, from a command, alone on stderr."""

        def one(case: tuple[dict, str, list[str]]) -> None:
            own, check, words = case
            faults = [found for found in self.doctor(own) if not found["ok"] and found["check"] != "mapping"]
            assert [fault["check"] for fault in faults] == [check], (own, faults)
            texts = [faults[0]["found"]]
            if check != "store":
                done = self.command("stats", own=own)
                assert done.returncode in (64, 69, 70), (own, done)
                assert len(done.stderr.splitlines()) == 1, (own, done.stderr)
                texts.append(done.stderr)
            for text in texts:
                missing = [word for word in words if word not in text]
                assert not missing, f"{own}: {missing} are not in {text!r}"

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(one, cases))

    def completes(self, gateway: Gateway, execution: str = "first") -> None:
        """An execution, started by the CLI, completes; its events arrive over SSE as they happen, without a gap, and are the stored ones."""
        with gateway.stream(f"/v1/events/stream?stream_id={execution}") as messages:
            first = next(messages)
            assert first["type"] == "subscribed", first
            words = ["--execution", execution, "--stream", execution]
            done = self.command("start", "council", "Explain a log.", *words, "--gateway", f"http://{gateway.host}:{gateway.port}")
            assert done.returncode == 0, done
            events = gateway.follow(messages, execution)
        assert events[-1]["type"] == "execution_completed", events[-1]
        stored = gateway.stored(execution)
        assert [event["id"] for event in events] == [event["id"] for event in stored], (len(events), len(stored))
        shown = self.command("ls", "--json", "--gateway", f"http://{gateway.host}:{gateway.port}")
        assert execution in shown.stdout, shown
        assert gateway.get(f"/v1/executions/{execution}")["status"] == "completed"

    @staticmethod
    def is_quiet(*processes: Gateway) -> None:
        """No process has logged a warning or an error."""
        lines = [line for process in processes for line in process.program.lines if " WARN " in line or "ERROR" in line]
        assert not lines, lines

    @property
    def clerk(self) -> dict:
        """Settings of a worker that runs the agent whose call waits for a person."""
        script = self.world.file("clerk-script.yaml", CLERK_SCRIPT)
        return {"worker.definitions": [str(self.world.folder / "clerk.yaml")], "model.script": str(script)}


def asks(gateway: Gateway, execution: str) -> str:
    """Starts the clerk and waits until its call waits for a person; the id of the approval."""
    gateway.post("/v1/executions", {"definition": "clerk", "execution_id": execution, "session_id": f"{execution}-talk", "input": "Sum."})
    pending = f"/v1/executions/{execution}/approvals"

    def look() -> str | None:
        status, answer = gateway.ask("GET", pending)
        waiting = answer["approvals"] if status == 200 else []
        return waiting[0]["approval_id"] if waiting else None

    return until(f"an approval of {execution}", look)


def approves(gateway: Gateway, execution: str, approval: str) -> None:
    """Approves the call; the execution completes with its answer."""
    gateway.post(f"/v1/approvals/{approval}/decision", {"approved": True})
    with gateway.stream(f"/v1/executions/{execution}/events/stream?since=all&until=terminal") as messages:
        events = gateway.follow(messages, execution)
    assert events[-1]["type"] == "execution_completed", events[-1]
    assert any("43.5" in json.dumps(event) for event in events if event["type"] == "tool_call_completed"), events
