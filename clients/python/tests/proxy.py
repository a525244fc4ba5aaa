"""A TCP proxy that knows where messages of a WebSocket end: it cuts, delays and half-closes there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from urllib.parse import urlsplit

Fault = Callable[[int, int], str]
"""The fault behind message `m` of connection `n` (both from 0): `pass`, `cut`, `tear` (in the middle of the message), `half`, `delay`."""


class Proxy:
    """Passes connections on to a gateway."""

    def __init__(self, target: str, fault: Fault) -> None:
        parts = urlsplit(target)
        self.target, self.fault = (parts.hostname, parts.port), fault
        self.connections = 0
        self.cuts = 0
        self.is_dark = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = "http://127.0.0.1:{}".format(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.is_dark:
            writer.transport.abort()
            return
        number, self.connections = self.connections, self.connections + 1
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        up = asyncio.ensure_future(_copy(reader, up_writer))
        try:
            await self._down(number, up_reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            up.cancel()
            up_writer.transport.abort()
            with contextlib.suppress(OSError):
                writer.close()

    async def _down(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        if b" 101 " not in head.split(b"\r\n", 1)[0] + b" ":
            await _copy(reader, writer)
            return
        message = 0
        while True:
            frame = await _frame(reader)
            if frame[0] & 0x0F > 2:
                writer.write(frame)
                continue
            what = self.fault(number, message)
            message += 1
            if what == "tear":
                self.cuts += 1
                writer.write(frame[: len(frame) // 2])
                await writer.drain()
                writer.transport.abort()
                return
            if what == "delay":
                await asyncio.sleep(0.01)
            writer.write(frame)
            await writer.drain()
            if what == "cut":
                self.cuts += 1
                writer.transport.abort()
                return
            if what == "half":
                # The gateway's side is over for the client; what the client sends is still read.
                self.cuts += 1
                writer.write_eof()
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(asyncio.Event().wait(), 0.05)
                return


async def _frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(2)
    size = head[1] & 0x7F
    more = b""
    if size > 125:
        more = await reader.readexactly(2 if size == 126 else 8)
        size = int.from_bytes(more, "big")
    return head + more + await reader.readexactly(size)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
