"""The shared parts of the tests: the gateways' addresses, a client, REST, and a look at frames."""

import asyncio
import contextlib
import json
import os
import urllib.error
import urllib.request
import uuid

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

# How long something that must come may take, in seconds.
PATIENCE = 40

# {"gateways": [two], "impatient", "idle", "secured", "keys": {...}, "heartbeat_ms"}: see tests/system/dropin.rs.
WORLD = json.loads(os.environ["RUNBUS_DROPIN"])
ONE, TWO = WORLD["gateways"]


def fresh(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


@contextlib.asynccontextmanager
async def client(path, at=ONE, **options):
    """A connection to ws://{at}{path}, through the library's own handshake."""
    # A client that leaves with much unread does not read on to the server's close frame.
    async with connect(f"ws://{at}{path}", proxy=None, close_timeout=1, **options) as socket:
        yield Client(socket)


class Client:
    def __init__(self, socket):
        self.socket = socket

    async def frame(self):
        """The next frame, as JSON."""
        text = await asyncio.wait_for(self.socket.recv(), PATIENCE)
        assert isinstance(text, str), text
        return json.loads(text)

    async def until(self, wanted):
        """The frames up to the first one that `wanted` is true of, with it."""
        frames = []
        while True:
            frames.append(await self.frame())
            if wanted(frames[-1]):
                return frames

    async def say(self, message):
        await self.socket.send(json.dumps(message))

    async def closed(self):
        """The remaining messages, and then the close code and reason."""
        frames = []
        with contextlib.suppress(ConnectionClosed):
            while True:
                frames.append(await self.frame())
        return frames, self.socket.close_code, self.socket.close_reason


def _rest(method, url, body, headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **headers}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def rest(method, path, body=None, at=ONE, **headers):
    """Status and JSON of a request."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return await asyncio.to_thread(_rest, method, f"http://{at}{path}", body, headers)


def keys(frame, *names):
    """Asserts that an object has exactly these fields."""
    assert set(frame) == set(names), f"{sorted(frame)} are not {sorted(names)}: {frame}"


def same(one, other):
    assert one == other, f"{one!r}\nis not\n{other!r}"
