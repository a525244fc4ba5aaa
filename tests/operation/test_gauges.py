"""Every gauge returns to zero after its cause ends: waits, expiries, cancels, a takeover, readers that come and go."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from deployment import Deployment, Gateway, approves, asks, plain_nats, plain_redis
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
}
"""Gauges that the causes below raise for long enough to be seen."""

QUICK_TAKEOVER = {"worker.lease_ttl_ms": 1000, "worker.takeover_grace_ms": 200, "nats.hold_ms": 1000, "embedded.hold_ms": 1000}
PATIENT = "kind: agent\nname: hasty\nsystem: Compute.\ntools: [calculator]\napprove: [calculator]\napproval_timeout_ms: 1000\n"


def gauges(process: Gateway) -> dict[str, float]:
    """The gauges of a process, by name and labels. They come over the address for metrics, whose sockets are not counted."""
    connection = process.metrics.connect()
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ") and line.endswith(" gauge")}
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
    site.settings |= QUICK_TAKEOVER
    own = {"worker.definitions": [str(world.folder / name) for name in ("clerk.yaml", "hasty.yaml")], "model.script": str(script)}
    gateway = site.gateway()
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
