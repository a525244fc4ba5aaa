"""A collector of OpenTelemetry that takes the spans of `runbus dev`."""

from __future__ import annotations

import http.server
import pathlib
import queue
import threading

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from world import PATIENCE_S, Runbus, World, free_port, tool

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-01"
SPANS = ["POST /v1/executions", "publish", "session", "invoke_agent assistant", "chat scripted"]


def start(runbus: Runbus) -> None:
    body = {"definition": "assistant", "input": "a secret of the user", "execution_id": "run-1"}
    answer = runbus.http.post("/v1/executions", json=body, headers={"traceparent": CALLER, "tracestate": "other=1"})
    assert answer.status_code == 201
    runbus.events("run-1")


def test_the_collector_gets_the_trace_of_the_caller_with_every_span_and_no_content(world: World, backend: str) -> None:
    port = free_port()
    config = world.file(
        "collector.yaml",
        f"receivers: {{ otlp: {{ protocols: {{ http: {{ endpoint: 127.0.0.1:{port} }} }} }} }}\n"
        "exporters: { debug: { verbosity: detailed } }\n"
        "service: { telemetry: { metrics: { level: none } }, pipelines: { traces: { receivers: [otlp], exporters: [debug] } } }\n",
    )
    collector = world.program([pathlib.Path(tool("RUNBUS_INTEROP_GO")) / "collector", "--config", config])
    collector.wait_for("Everything is ready")
    runbus = Runbus(world, backend, {"model.provider": "scripted", "telemetry.otlp_endpoint": f"http://127.0.0.1:{port}"})
    start(runbus)
    # The end of the process waits for its last export.
    runbus.program.stop()
    for name in SPANS:
        collector.wait_for(rf"Name +: {name}$")
    collector.wait_for(rf"Trace ID +: {TRACE}", len(SPANS))
    collector.wait_for("service.name: Str.runbus.")
    assert not any("a secret of the user" in line for line in collector.lines)


class Receiver:
    """Takes OTLP over HTTP with the messages of the package `opentelemetry-proto`."""

    def __init__(self, world: World) -> None:
        self.spans: queue.Queue = queue.Queue()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
                for resource in sent.resource_spans:
                    for scope in resource.scope_spans:
                        for span in scope.spans:
                            outer.spans.put((self.path, self.headers["content-type"], resource.resource, span))
                body = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        world.closers.append(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def test_the_messages_of_opentelemetry_proto_read_the_spans_and_their_parents(world: World) -> None:
    receiver = Receiver(world)
    runbus = Runbus(world, "embedded", {"model.provider": "scripted", "telemetry.otlp_endpoint": receiver.url})
    start(runbus)
    runbus.program.stop()
    found: dict[str, object] = {}
    while not set(SPANS) <= set(found):
        path, kind, resource, span = receiver.spans.get(timeout=PATIENCE_S)
        assert (path, kind) == ("/v1/traces", "application/x-protobuf")
        assert {item.key: item.value.string_value for item in resource.attributes}["service.name"] == "runbus"
        if span.trace_id.hex() == TRACE:
            found.setdefault(span.name, span)
    parents = {"publish": "POST /v1/executions", "invoke_agent assistant": "publish", "chat scripted": "invoke_agent assistant"}
    for child, parent in parents.items():
        assert found[child].parent_span_id == found[parent].span_id, child
    assert found["POST /v1/executions"].parent_span_id.hex() == "00f067aa0ba902b7"
    for span in found.values():
        assert span.end_time_unix_nano >= span.start_time_unix_nano > 0


@pytest.mark.parametrize("state", ["gone", "silent"])
def test_a_collector_that_is_gone_or_silent_delays_no_execution(world: World, state: str) -> None:
    import socket

    silent = socket.create_server(("127.0.0.1", 0))
    world.closers.append(silent.close)
    port = silent.getsockname()[1] if state == "silent" else free_port()
    settings = {"model.provider": "scripted", "telemetry.otlp_endpoint": f"http://127.0.0.1:{port}", "telemetry.otlp_timeout_ms": 500}
    runbus = Runbus(world, "embedded", settings)
    start(runbus)
    assert runbus.outcome("run-1")["status"] == "completed"
