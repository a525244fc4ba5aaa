"""Commands to Redis and Sentinel, over a socket."""

from __future__ import annotations

import socket
import ssl

from world import PATIENCE_S


def ask(port: int, *words: object, login: tuple[str, str] | None = None, context: ssl.SSLContext | None = None) -> object:
    """The answer to one command. An error is raised."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain:
        link = context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain
        lines = link.makefile("rb")
        if login:
            _send(link, "AUTH", *login)
            _read(lines)
        _send(link, *words)
        return _read(lines)


def _send(link: socket.socket, *words: object) -> None:
    parts = [str(word).encode() for word in words]
    link.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))


def _read(lines) -> object:
    head = lines.readline().decode().rstrip("\r\n")
    kind, rest = head[:1], head[1:]
    if kind == "+":
        return rest
    if kind == ":":
        return int(rest)
    if kind == "$":
        return lines.read(int(rest) + 2)[:-2].decode() if int(rest) >= 0 else None
    if kind == "*":
        return [_read(lines) for _ in range(int(rest))]
    raise AssertionError(head)
