"""Processes as operators see them: signals, certificates that expire and are replaced, variables, log lines, `runbus doctor`."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import shutil
import signal
import ssl
import threading
import time
from collections.abc import Iterator

from certificates import Authority
from deployment import Deployment, Gateway, helper, plain_nats, plain_redis
from mcp_server import PEER
from test_gauges import WAITER, WAITER_SCRIPT, ended, gauges
from world import ROOT, World, free_ports, tool, until

EMBEDDED = {"log.backend": "embedded", "store.backend": "embedded", "nats.shards": None, "embedded.synchronous": "normal"}


def test_hangup_reads_the_filter_again_and_ends_no_process(world: World) -> None:
    site = Deployment(world, EMBEDDED)
    gateway, worker = site.both()
    for process in (gateway, worker):
        config = world.folder / process.program.command[-1]
        good = config.read_text()
        for text, line in [
            (good + 'telemetry.filter = "debug"\n', r"SIGHUP: the log filter was read again.*filter=\W*debug|filter=\W*debug.*SIGHUP|SIGHUP.*debug"),
            (good + 'telemetry.filter = "a=b=c"\n', "SIGHUP: the configuration is refused; everything stays"),
            (good + "unknown = 1\n", "SIGHUP: the configuration is refused; everything stays"),
            (good, "SIGHUP: the log filter was read again"),
        ]:
            config.write_text(text)
            since = len(process.program.lines)
            process.program.process.send_signal(signal.SIGHUP)
            process.program.wait_for(line, since)
        process.wait_until(200, "ready")
    site.completes(gateway)


def test_an_expired_certificate_is_warned_of_and_replaced_without_a_restart(world: World) -> None:
    ours = Authority(world.folder / "ours")
    old, new = ours.certificate("old", expired=True), ours.certificate("new")
    shown = world.folder / "shown.pem", world.folder / "shown.key"
    for source, target in zip(old, shown):
        shutil.copy(source, target)
    own = {"gateway.listen": "127.0.0.1:0", "telemetry.metrics_listen": "127.0.0.1:0"}
    own |= {"gateway.tls_cert_file": str(shown[0]), "gateway.tls_key_file": str(shown[1])}
    program = Deployment(world, EMBEDDED).start("gateway", own)
    address = program.wait_for(r"gateway listens address=(\S+)")[1]
    metrics = Gateway(program.wait_for(r"metrics are served address=(\S+)")[1])
    metrics.metrics = metrics
    program.wait_for("WARN.*gateway.tls_cert_file has expired")
    until("the metric", lambda: 0 < gauges(metrics)["runbus_gateway_certificate_expires_seconds"] < time.time() or None)
    gateway = Gateway(address, ssl.create_default_context(cafile=str(ours.file)))
    assert gateway.readiness() is None, "the expired certificate is shown"
    # The key first: the gateway looks at the certificate's time.
    for source, target in reversed(list(zip(new, shown))):
        part = target.with_suffix(".part")
        shutil.copy(source, part)
        os.replace(part, target)
    gateway.wait_until(200, "ready")
    assert gauges(metrics)["runbus_gateway_certificate_expires_seconds"] > time.time()


def test_the_variables_of_a_kubernetes_service_stop_no_start(world: World) -> None:
    variables = {"RUNBUS_SERVICE_HOST": "10.0.0.1", "RUNBUS_SERVICE_PORT": "8700", "RUNBUS_PORT": "tcp://10.0.0.1:8700"}
    variables |= {"RUNBUS_PORT_8700_TCP": "tcp://10.0.0.1:8700", "RUNBUS_PORT_8700_TCP_PROTO": "tcp", "RUNBUS_SERVICE_PORT_HTTP": "8700"}
    Deployment(world, EMBEDDED).gateway(environment=variables)


def test_a_second_process_on_a_data_directory_says_so(world: World) -> None:
    site = Deployment(world, EMBEDDED)
    gateway, worker = site.both()
    third = site.gateway()
    line = third.program.wait_for("the data directory is also open in another process.*process=([0-9]+)")
    assert int(line[1]) in (gateway.program.process.pid, worker.program.process.pid), line[0]


def test_a_failed_execution_logs_one_line_with_its_ids_and_its_trace(world: World) -> None:
    site = Deployment(world, EMBEDDED)
    fails = "kind: graph\nname: fails\nentry: divide\nnodes:\n  divide: { type: tool, tool: calculator, arguments: { expression: 1/0 } }\n"
    gateway, worker = site.both(worker={"worker.definitions": [str(world.file("fails.yaml", fails))]})
    trace = "0af7651916cd43dd8448eb211c80319c"
    gateway.headers["traceparent"] = f"00-{trace}-b7ad6b7169203331-01"
    gateway.post("/v1/executions", {"definition": "fails", "execution_id": "doomed", "session_id": "its-session"})
    with gateway.stream("/v1/executions/doomed/events/stream?since=all&until=terminal") as messages:
        assert gateway.follow(messages, "doomed")[-1]["type"] == "execution_failed"
    worker.program.wait_for("WARN.*the execution fails")
    # Behind a later execution nothing more about the first one comes.
    gateway.headers.clear()
    gateway.post("/v1/executions", {"definition": "fails", "execution_id": "later"})
    ended(gateway, "later")
    worker.program.wait_for("the execution fails.*later")
    lines = [line for line in gateway.program.lines + worker.program.lines if "doomed" in line]
    assert len(lines) == 1, lines
    assert all(word in lines[0] for word in ("doomed", "its-session", trace)), lines[0]


def test_doctor_names_a_missing_mapping_and_a_model_that_does_not_answer(world: World) -> None:
    (port,) = free_ports(1)
    model = {"model.provider": "openai", "model.base_url": f"http://127.0.0.1:{port}", "model.api_key": "k", "model.name": "m"}
    site = Deployment(world, plain_nats(world), plain_redis(world))
    assert site.command("setup").returncode == 0
    faults = {check["check"]: check["found"] for check in site.doctor(model) if not check["ok"]}
    assert set(faults) == {"mapping", "model"}, faults
    assert "rb.pub.*.*.*" in faults["mapping"] and "runbus permissions nats" in faults["mapping"], faults
    assert "openai/m" in faults["model"] and "cannot connect to http://127.0.0.1:" in faults["model"], faults
    # Doctor changes nothing.
    before = site.command("stats", "--json").stdout
    site.doctor()
    assert site.command("stats", "--json").stdout == before


class Nothing(http.server.BaseHTTPRequestHandler):
    """A model service that has no page at the path that is asked for."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.paths.append(self.path)
        self.send_response(404)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *words: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def nothing() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    server.paths = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def test_a_base_url_without_v1_fails_with_the_url_that_was_asked(world: World) -> None:
    with nothing() as service:
        base = f"http://127.0.0.1:{service.server_port}"
        model = {"model.provider": "openai", "model.base_url": base, "model.api_key": "k", "model.name": "m"}
        agent = "kind: agent\nname: talker\nsystem: Talk.\nmodel_tries: 1\n"
        site = Deployment(world, EMBEDDED, model, {"worker.definitions": [str(world.file("talker.yaml", agent))]})
        gateway, worker = site.both()
        gateway.post("/v1/executions", {"definition": "talker", "execution_id": "asked", "input": "Hello."})
        with gateway.stream("/v1/executions/asked/events/stream?since=all&until=terminal") as messages:
            failed = gateway.follow(messages, "asked")[-1]
        assert failed["type"] == "execution_failed", failed
        shown = [json.dumps(failed), worker.program.wait_for("the execution fails.*")[0]]
        shown += [check["found"] for check in site.doctor() if check["check"] == "model" and not check["ok"]]
        listed = site.command("models")
        assert listed.returncode == 69, listed
        shown.append(listed.stdout + listed.stderr)
        assert len(shown) == 4, shown
        for text in shown:
            assert f"{base}/chat/completions" in text and "/v1" in text, text
        assert set(service.paths) == {"/chat/completions"}, service.paths


def test_an_mcp_server_is_not_dumped_into_the_log(world: World) -> None:
    site = Deployment(world, EMBEDDED)
    script = world.file("script.yaml", "answers:\n" + WAITER_SCRIPT)
    own = {**helper(world), "worker.definitions": [str(world.file("waiter.yaml", WAITER))], "model.script": str(script)}
    gateway, worker = site.both(worker=own)
    worker.program.wait_for("INFO.*MCP server is ready.*helper")
    world.file("go", "")
    gateway.post("/v1/executions", {"definition": "waiter", "execution_id": "first", "input": "Wait."})
    ended(gateway, "first")
    worker.program.stop()
    # Its own text, names of the types in a dump, and whatever the library itself says.
    dumps = [line for line in worker.program.lines if any(word in line for word in (PEER, "peer_info", "InitializeResult", " rmcp"))]
    assert not dumps, dumps


def test_the_shipped_configuration_for_one_server_starts_alone(world: World) -> None:
    (port,) = free_ports(1)
    program = world.program(tool("RUNBUS_NATS_SERVER"), "-c", ROOT / "ops/nats/single.conf", "-p", port)
    program.wait_for("Server is ready")
    site = Deployment(world, plain_redis(world), {"nats.servers": [f"nats://127.0.0.1:{port}"], "nats.shards": None})
    gateway, worker = site.both()
    site.completes(gateway)
    site.is_quiet(gateway, worker)
    checks = site.doctor()
    assert all(check["ok"] for check in checks), checks
    assert "mapping" in [check["check"] for check in checks], checks
