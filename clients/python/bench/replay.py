"""A server that sends recorded messages as fast as a client takes them: `replay.py FILE`; prints its port."""

from __future__ import annotations

import asyncio
import pathlib
import sys

from websockets.asyncio.server import ServerConnection, serve

HELLO = '{"type":"hello","protocol":"runbus.v1","server":"replay","auth":"none","limits":{}}'


async def main(messages: list[str]) -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.send(HELLO)
        await socket.recv()
        for message in messages:
            await socket.send(message)
        await socket.wait_closed()

    async with serve(talk, "127.0.0.1", 0, subprotocols=["runbus.v1"], compression=None, ping_interval=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main(pathlib.Path(sys.argv[1]).read_text().splitlines()))
