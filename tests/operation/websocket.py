"""A WebSocket client that is enough for tests: text messages, one at a time."""

from __future__ import annotations

import base64
import json
import os
import socket
from types import TracebackType

from world import PATIENCE_S

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class WebSocket:
    """A connection to a gateway's `/v1/ws`."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=PATIENCE_S)
        self._file = self._socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            "GET /v1/ws HTTP/1.1",
            f"Host: {host}:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        status = self._file.readline()
        assert b" 101 " in status, status
        while self._file.readline().strip():
            pass

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        self._socket.close()

    def _write(self, opcode: int, payload: bytes) -> None:
        mask = os.urandom(4)
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2, "big")
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self._socket.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def send(self, message: dict) -> None:
        self._write(TEXT, json.dumps(message).encode())

    def receive(self) -> dict:
        """The next message; pings are answered."""
        while True:
            first, second = self._file.read(2)
            size = second & 0x7F
            if size >= 126:
                size = int.from_bytes(self._file.read(2 if size == 126 else 8), "big")
            payload = self._file.read(size)
            opcode = first & 0x0F
            assert opcode != CLOSE, payload
            if opcode == PING:
                self._write(PONG, payload)
            elif opcode == TEXT:
                return json.loads(payload)

    def ask(self, message: dict) -> dict:
        """The answer to a command; other messages are skipped."""
        self.send(message)
        while True:
            answer = self.receive()
            if answer.get("id") == message["id"]:
                return answer
