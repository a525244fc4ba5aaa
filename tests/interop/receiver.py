"""An HTTP server that keeps what it is sent, and lets a test wait for it."""

from __future__ import annotations

import http.server
import queue
import threading
from typing import NamedTuple

from world import PATIENCE_S, World


class Request(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers every POST with the status, and every GET with the page."""

    def __init__(self, world: World, status: int = 200, page: bytes = b"") -> None:
        self.requests: queue.Queue[Request] = queue.Queue()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def answer(self, code: int, body: bytes) -> None:
                self.send_response(code)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                found = self.path == "/page.html"
                self.answer(200 if found else 404, page if found else b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.requests.put(Request(self.path, headers, body))
                self.answer(status, b"")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        world.closers.append(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def next(self) -> Request:
        return self.requests.get(timeout=PATIENCE_S)
