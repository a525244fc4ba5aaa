"""One subscription over one WebSocket that is made again when it breaks.

The consumer pulls. While it does not, `SOCKET_MESSAGES` messages wait at most and the socket is not read, so the gateway serves
this subscription from the log at the consumer's pace. Commands and other subscriptions have connections of their own, so a slow
consumer delays nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from . import limits, tasks
from .backoff import Backoff
from .credentials import Credentials
from .errors import Closed, Forbidden, ProtocolError, RunbusError, Unauthenticated, Unavailable, of_code, of_status
from .gateways import Gateways, websocket
from .items import parse

log = logging.getLogger("runbus")

SUB = "s"
"""The id of the one subscription of a connection."""


class Feed(ABC):
    """Connects, subscribes, reads one message at a time, and connects again."""

    def __init__(self, gateways: Gateways, credentials: Credentials, *, trust_env: bool, ssl: Any, on_close: Callable[[Feed], None]) -> None:
        self._gateways, self._credentials = gateways, credentials
        self._trust_env, self._ssl, self._on_close = trust_env, ssl, on_close
        self._socket: ClientConnection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._backoff = Backoff()
        self._has_fresh_token = False
        self._token: str | None = None
        self._expires: asyncio.Event = asyncio.Event()
        self._expires_at: float | None = None
        self._waits_since: float | None = None
        self._pause = 0.0
        self._is_closed = False
        self._closing = asyncio.Event()
        self.connections = 0
        """Connections that this subscription has had."""

    @abstractmethod
    def _request(self) -> dict[str, Any]:
        """The message that begins the subscription, or goes on with it."""

    @abstractmethod
    def _take(self, message: dict[str, Any]) -> bool:
        """Takes a message of the subscription; False: its type is not known."""

    async def _pull(self) -> None:
        """Reads the next message; connects first when there is no connection. A cancelled call loses nothing."""
        if self._is_closed:
            raise Closed("the subscription was closed")
        if self._socket is None:
            if self._pause:
                with contextlib.suppress(TimeoutError):
                    await tasks.within(self._pause, self._closing.wait())
                self._pause = 0.0
                return
            await self._open()
            return
        socket = self._socket
        self._waits_since = time.monotonic()
        try:
            text = bytes(await socket.recv(decode=False))
        except ConnectionClosed as closed:
            await self._drop()
            if not self._is_closed:
                await self._judge(closed)
            return
        finally:
            self._waits_since = None
        message = parse(text)
        if message is None:
            log.warning("a message of the gateway is no JSON object; skipped")
            return
        await self._hear(message)

    async def _open(self) -> None:
        gateway = self._gateways.current
        headers, self._token = await self._credentials.headers()
        socket: ClientConnection | None = None
        try:
            socket = await tasks.within(limits.HANDSHAKE_S, self._connect(gateway, headers), lambda late: late.transport.abort())
            if self._credentials.can_refresh:
                # The answer says when this credential ends.
                await socket.send(json.dumps({"type": "auth", "token": self._token}))
            await socket.send(json.dumps(self._request()))
        except InvalidStatus as refused:
            body = parse(bytes(refused.response.body or b""))
            await self._refused(gateway, of_status(refused.response.status_code, body), refused.response.status_code, refused.response.headers.get("Retry-After"))
        except ConnectionClosed as closed:
            await self._judge(closed)
        except (OSError, InvalidHandshake, InvalidMessage, EOFError) as lost:
            self._lost(gateway, f"{lost or type(lost).__name__}")
        except BaseException:
            if socket is not None:
                socket.transport.abort()
            raise
        else:
            if self._is_closed:
                socket.transport.abort()
                return
            self._socket = socket
            self.connections += 1
            self._expires_at = None
            self._expires.clear()
            self._keeper = asyncio.create_task(self._keep(socket))

    async def _connect(self, gateway: str, headers: dict[str, str]) -> ClientConnection:
        options: dict[str, Any] = {} if self._trust_env else {"proxy": None}
        if self._ssl is not None and gateway.startswith("https"):
            options["ssl"] = self._ssl
        return await connect(
            websocket(gateway), additional_headers=headers, subprotocols=[Subprotocol("runbus.v1")], compression=None, max_size=limits.MESSAGE_BYTES,
            max_queue=limits.SOCKET_MESSAGES, ping_interval=None, close_timeout=1, open_timeout=None, user_agent_header=None, **options,
        )  # fmt: skip

    async def _hear(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "error":
            await self._failed(message)
        elif kind == "auth_ok":
            self._expires_at = _seconds_until(message.get("expires_at"))
            self._expires.set()
        elif kind in ("hello", "pong", "unsubscribed"):
            pass
        elif isinstance(kind, str) and message.get("sub") == SUB and self._takes(kind, message):
            # The gateway serves the subscription: failures from here on are new ones.
            self._backoff.reset()
            self._has_fresh_token = False
        else:
            log.warning("a message of unknown type %r; skipped", kind)

    def _takes(self, kind: str, message: dict[str, Any]) -> bool:
        try:
            return self._take(message)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.warning("a message of type %r is malformed; skipped: %r", kind, error)
            return True

    async def _failed(self, message: dict[str, Any]) -> None:
        error = of_code(str(message.get("code")), str(message.get("message")), message.get("path"), message.get("details"))
        if isinstance(error, Unavailable) or error.code == "internal":
            gateway = self._gateways.current
            await self._drop()
            self._lost(gateway, str(error))
            return
        if isinstance(error, Unauthenticated | Forbidden):
            await self._drop()
            await self._unauthorised(error)
            return
        await self._end(error)

    async def _judge(self, closed: ConnectionClosed) -> None:
        code = closed.rcvd.code if closed.rcvd else None
        reason = closed.rcvd.reason if closed.rcvd else "the connection broke"
        if code in (4401, 4403):
            kind = Unauthenticated if code == 4401 else Forbidden
            await self._unauthorised(kind(reason or f"close {code}"))
        elif code is not None and 4500 <= code <= 4999:
            await self._end(ProtocolError(f"close {code}: {reason}"))
        else:
            self._lost(self._gateways.current, f"close {code}: {reason}")

    async def _refused(self, gateway: str, error: RunbusError, status: int, retry_after: str | None) -> None:
        if isinstance(error, Unauthenticated | Forbidden):
            await self._unauthorised(error)
        elif status in (408, 429) or status >= 500:
            self._lost(gateway, str(error), float(retry_after) if retry_after is not None and retry_after.isdigit() else 0.0)
        else:
            await self._end(error)

    async def _unauthorised(self, error: RunbusError) -> None:
        if not self._credentials.can_refresh or self._has_fresh_token:
            await self._end(error)
        self._has_fresh_token = True
        await self._credentials.fresh(self._token)

    def _lost(self, gateway: str, reason: str, at_least: float = 0.0) -> None:
        self._gateways.move_on(gateway)
        self._pause = self._backoff.next(at_least)
        log.debug("%s: %s; connecting again in %.3f s", gateway, reason, self._pause)

    async def _end(self, error: RunbusError) -> None:
        await self.aclose()
        raise error

    async def _keep(self, socket: ClientConnection) -> None:
        """Shows signs of life, notices a dead connection, refreshes the credential."""
        refresh = asyncio.create_task(self._refresh(socket))
        try:
            while True:
                await asyncio.sleep(limits.ALIVE_S)
                pong = await socket.ping()
                if self._waits_since is None or time.monotonic() - self._waits_since < limits.ALIVE_S:
                    continue
                begun = self._waits_since
                with contextlib.suppress(TimeoutError):
                    await tasks.within(limits.PONG_S, asyncio.shield(pong))
                    continue
                if self._waits_since == begun:
                    log.info("the gateway does not answer; connecting again")
                    socket.transport.abort()
                    return
        except ConnectionClosed:
            return
        finally:
            refresh.cancel()

    async def _refresh(self, socket: ClientConnection) -> None:
        while self._socket is socket:
            await self._expires.wait()
            self._expires.clear()
            if self._expires_at is None or not self._credentials.can_refresh:
                continue
            left = self._expires_at - time.time()
            with contextlib.suppress(TimeoutError):
                await tasks.within(max(limits.REFRESH_MIN_S, left * 0.8), self._expires.wait())
                continue
            try:
                self._token = await self._credentials.fresh(self._token)
                await socket.send(json.dumps({"type": "auth", "token": self._token}))
            except ConnectionClosed:
                return
            except Exception:
                log.warning("no fresh credential; the connection goes on until the old one ends", exc_info=True)
                self._expires.set()

    async def _drop(self) -> None:
        socket, keeper, self._socket, self._keeper = self._socket, self._keeper, None, None
        if keeper is not None:
            keeper.cancel()
        if socket is not None:
            # Messages under way are of no use any more; nothing waits for a closing handshake.
            socket.transport.abort()

    async def aclose(self) -> None:
        """Ends the subscription. A reader that waits for its next item gets the end of the iteration."""
        if self._is_closed:
            return
        self._is_closed = True
        self._closing.set()
        self._on_close(self)
        socket, keeper, self._socket, self._keeper = self._socket, self._keeper, None, None
        if keeper is not None:
            keeper.cancel()
        if socket is not None:
            # The closing handshake would wait behind messages that nobody reads.
            with contextlib.suppress(Exception):
                await tasks.within(1, socket.close())


def _seconds_until(text: Any) -> float | None:
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp()
    except ValueError:
        return None
