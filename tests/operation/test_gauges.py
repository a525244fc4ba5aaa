"""Every gauge is raised by its cause, and returns to zero after that: waits, expiries, cancels, a takeover, a slow reader, reads of
history, calls of tools, readers that come and go."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import threading
from collections.abc import Iterator

from deployment import Deployment, Gateway, approves, asks, helper, plain_nats, plain_redis
from world import PATIENCE_S, World, until

STANDING = (
    "process_",
    "runbus_worker_concurrency",
    "runbus_gateway_max_connections",
    "runbus_nats_connections",
    "runbus_log_followers",
)
"""Gauges that last as long as the process. Followers of the log are compared with those of a gateway without readers."""

RAISED = {
    "runbus_gateway_connections",
    "runbus_gateway_sockets",
    "runbus_gateway_subscriptions",
    "runbus_gateway_monitors",
    "runbus_gateway_hubs",
    "runbus_gateway_ring_bytes",
    "runbus_gateway_held_bytes",
    "runbus_worker_sessions",
    "runbus_worker_queued_jobs",
    "runbus_worker_model_calls_running",
    "runbus_worker_tool_calls_running",
    "runbus_gateway_slow_readers",
    "runbus_gateway_history_reads",
}
"""Gauges that the causes below raise for long enough to be seen."""

OTHERS = {"runbus_gateway_draining", "runbus_gateway_certificate_expires_seconds"}
"""Gauges that the end of a gateway raises, and one that `test_processes.py` has."""

SMALL = {"gateway.hub_buffer_bytes": 65_536, "gateway.client_buffer_bytes": 65_536, "gateway.socket_buffer_bytes": 4096}
"""Buffers of a gateway that a slow reader fills at once."""

LARGE, LARGE_BYTES = 400, 4096
"""Events for the slow reader, and the text in each: more than all buffers on the way hold."""

QUICK_TAKEOVER = {"worker.lease_ttl_ms": 1000, "worker.takeover_grace_ms": 200, "nats.hold_ms": 1000, "embedded.hold_ms": 1000}
WAITER = "kind: agent\nname: waiter\nsystem: Wait.\ntools: [helper__wait]\n"
WAITER_SCRIPT = """  - node: waiter
    round: 1
    tool_calls: [{ name: helper__wait, arguments: {} }]
  - node: waiter
    text: It is over.
"""
PATIENT = "kind: agent\nname: hasty\nsystem: Compute.\ntools: [calculator]\napprove: [calculator]\napproval_timeout_ms: 1000\n"


def names_of(text: str) -> set[str]:
    """The names of all gauges of a page."""
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ") and line.endswith(" gauge")}


def page(process: Gateway) -> str:
    connection = process.metrics.connect()
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def gauges(process: Gateway) -> dict[str, float]:
    """The gauges of a process, by name and labels. They come over the address for metrics, whose sockets are not counted."""
    text = page(process)
    names = names_of(text)
    samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in samples if name.split("{")[0] in names}


def held(process: Gateway) -> dict[str, float]:
    found = gauges(process).items()
    return {name: value for name, value in found if value and not name.startswith(STANDING)}


class Watch:
    """Keeps the names of all gauges that were raised while it looks."""

    def __init__(self, *processes: Gateway) -> None:
        self.raised: set[str] = set()
        self._end = threading.Event()
        self._processes = processes
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._end.wait(0.02):
            for process in self._processes:
                with contextlib.suppress(OSError):
                    self.raised |= {name.split("{")[0] for name in held(process)}

    def sees(self, name: str) -> None:
        """Waits until a gauge was raised."""
        until(f"{name} above zero", lambda: name in self.raised or None)

    def end(self) -> set[str]:
        self._end.set()
        self._thread.join(PATIENCE_S)
        return self.raised


def settle(site: Deployment) -> None:
    """Runs every cause on a site, and waits until nothing is held any more."""
    world = site.world
    world.file("hasty.yaml", PATIENT)
    script = world.file(
        "gauges-script.yaml",
        "answers:\n"
        + "".join(
            f'  - node: {node}\n    round: 1\n    tool_calls: [{{ name: calculator, arguments: {{ expression: "3 * 14.50" }} }}]\n'
            f"  - node: {node}\n    text: They cost 43.50 in all and that is a long enough answer to be interrupted in its middle.\n"
            for node in ("clerk", "hasty")
        ),
    )
    script.write_text(script.read_text() + WAITER_SCRIPT)
    world.file("waiter.yaml", WAITER)
    site.settings |= QUICK_TAKEOVER
    names = ("clerk.yaml", "hasty.yaml", "waiter.yaml")
    own = {**helper(world), "worker.definitions": [str(world.folder / name) for name in names], "model.script": str(script)}
    # It drains until it gets a second signal.
    gateway = site.gateway({**SMALL, "gateway.shutdown_delay_ms": 600_000})
    # Work that waits for the first worker.
    started = {"definition": "clerk", "execution_id": "early", "input": "Sum."}
    gateway.post("/v1/executions", started)
    until("a wake-up that waits", lambda: held(gateway).get('runbus_worker_queued_jobs{rank="normal"}'))
    slow = {**own, "model.scripted_pace_ms": 100}
    first = site.worker(slow)
    watch = Watch(gateway, first)
    with reading(gateway):
        until("the approval", lambda: gateway.get("/v1/executions/early/approvals")["approvals"] or None)
        waiting = {execution: asks(gateway, execution) for execution in ("approved", "cancelled", "taken")}
        # An approval that expires: its execution ends with the model's answer to that.
        gateway.post("/v1/executions", {"definition": "hasty", "execution_id": "expired", "input": "Sum."})
        ended(gateway, "expired")
        approves(gateway, "approved", waiting["approved"])
        for execution in ("cancelled", "early"):
            gateway.post(f"/v1/executions/{execution}/cancel", {})
            ended(gateway, execution)
        reads_slowly(gateway, watch)
        waits_for_a_tool(world, gateway, first, watch)
        # A worker dies in the middle of an answer; the next one takes over.
        gateway.post(f"/v1/approvals/{waiting['taken']}/decision", {"approved": True})
        until("the answer's beginning", lambda: held(first).get("runbus_worker_model_calls_running"))
        watch_first = watch.end()
        first.program.kill()
        second = site.worker(own)
        ended(gateway, "taken")
    for process in (gateway, second):
        left: dict[str, float] = {}

        def is_settled() -> bool | None:
            nonlocal left
            left = held(process)
            return True if not left else None

        try:
            until("gauges at zero", is_settled)
        except AssertionError as error:
            raise AssertionError(f"{error}; left: {left}") from None
    # The lists and the revocations follow the log as long as the gateway runs; readers that come and go leave nothing behind.
    standing = gauges(gateway)["runbus_log_followers"]
    for _ in range(3):
        with reading(gateway):
            pass
    until("readers of the log as before", lambda: gauges(gateway)["runbus_log_followers"] <= standing or None)
    missing = RAISED - watch_first
    assert not missing, f"these gauges were never raised: {missing}; those were: {watch_first}"
    unknown = {name for name in names_of(page(gateway)) | names_of(page(second)) if not name.startswith(STANDING)} - RAISED - OTHERS
    assert not unknown, f"no case raises these gauges: {unknown}"
    drains(gateway)


def reads_slowly(gateway: Gateway, watch: Watch) -> None:
    """A client that reads too little is counted, until it has caught up; so are the reads of history beside it."""
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.settimeout(PATIENCE_S)
    link.connect((gateway.host, gateway.port))
    connection = http.client.HTTPConnection(gateway.host, gateway.port)
    connection.sock = link
    try:
        connection.request("GET", "/v1/events/stream?stream_id=large", headers={"accept": "text/event-stream"})
        messages = (json.loads(line[6:]) for line in connection.getresponse() if line.startswith(b"data: "))
        # Behind this it reads recent events, no history.
        for message in messages:
            if message["type"] == "caught_up":
                break
        for first in range(0, LARGE, 50):
            texts = [f"{number}:".ljust(LARGE_BYTES, "x") for number in range(first, first + 50)]
            events = [{"type": "custom", "stream_id": "large", "data": {"text": text}} for text in texts]
            gateway.post("/v1/events", {"events": events})
        # The client takes a little, which ends a write: its next events are not among the recent ones any more.
        found = []
        while "runbus_gateway_slow_readers" not in held(gateway):
            assert len(found) < LARGE, "the slow reader is not counted"
            found.append(next(messages))
        with reading_history(gateway):
            watch.sees("runbus_gateway_history_reads")
        watch.sees("runbus_gateway_slow_readers")
        assert held(gateway)["runbus_gateway_slow_readers"] == 1, "it is slow as long as it takes nothing"
        while len(found) < LARGE:
            found.append(next(messages))
        numbers = [int(message["data"]["text"].split(":")[0]) for message in found]
        assert numbers == list(range(LARGE)), numbers
        until("no slow reader", lambda: "runbus_gateway_slow_readers" not in held(gateway) or None)
    finally:
        connection.close()


@contextlib.contextmanager
def reading_history(gateway: Gateway) -> Iterator[None]:
    """Clients that read large pages of history, one behind the other."""
    end = threading.Event()

    def read() -> None:
        while not end.is_set():
            gateway.get(f"/v1/events?stream_id=large&order=oldest&limit={LARGE}")

    threads = [threading.Thread(target=read, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join(PATIENCE_S)


def waits_for_a_tool(world: World, gateway: Gateway, worker: Gateway, watch: Watch) -> None:
    """A call of a tool is counted from its start to its answer."""
    gateway.post("/v1/executions", {"definition": "waiter", "execution_id": "waits", "input": "Wait."})
    until("the call of the tool", lambda: (world.folder / "waits").exists() or None)
    watch.sees("runbus_worker_tool_calls_running")
    world.file("go", "")
    ended(gateway, "waits")
    until("no call of a tool", lambda: "runbus_worker_tool_calls_running" not in held(worker) or None)


def drains(gateway: Gateway) -> None:
    """A gateway that ends drains as long as it has a client; the gauge ends with the process."""
    with gateway.stream("/v1/events/stream") as messages:
        next(messages)
        assert gauges(gateway)["runbus_gateway_draining"] == 0
        gateway.program.process.send_signal(signal.SIGTERM)
        until("a gateway that drains", lambda: gauges(gateway)["runbus_gateway_draining"] == 1 or None)
        assert gateway.wait_until(503, "not_ready")["gateway"] == "drains"
        gateway.program.process.send_signal(signal.SIGTERM)
        gateway.program.process.wait(PATIENCE_S)


@contextlib.contextmanager
def reading(gateway: Gateway) -> Iterator[None]:
    """Readers of each kind: events, a monitor, live lists."""
    with contextlib.ExitStack() as readers:
        for path in ("/v1/events/stream?since=all", "/v1/monitor/stream", "/v1/live/executions", "/v1/live/approvals"):
            messages = readers.enter_context(gateway.stream(path))
            next(messages)
        yield


def ended(gateway: Gateway, execution: str) -> None:
    with gateway.stream(f"/v1/executions/{execution}/events/stream?since=all&until=terminal") as messages:
        gateway.follow(messages, execution)


def test_every_gauge_returns_to_zero_on_nats_and_redis(world: World) -> None:
    settle(Deployment(world, plain_nats(world), plain_redis(world)))


def test_every_gauge_returns_to_zero_on_the_embedded_backend(world: World) -> None:
    settle(Deployment(world, {"log.backend": "embedded", "store.backend": "embedded", "nats.shards": None}))
