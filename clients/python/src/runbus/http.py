"""Requests to gateways: tried again with the same body until an answer comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import httpx

from . import limits, tasks
from .backoff import Backoff
from .credentials import Credentials
from .errors import Closed, Forbidden, ProtocolError, RunbusError, Unauthenticated, Unavailable, of_status
from .gateways import Gateways

log = logging.getLogger("runbus")


class Http:
    """Requests over one pool of connections."""

    def __init__(self, gateways: Gateways, credentials: Credentials, *, trust_env: bool, verify: Any) -> None:
        self._gateways, self._credentials = gateways, credentials
        self._trust_env, self._verify = trust_env, verify
        self._client: httpx.AsyncClient | None = None
        self._calls: set[asyncio.Task[Any]] = set()
        self.is_closed = False

    def _pool(self) -> httpx.AsyncClient:
        if self.is_closed:
            raise Closed("the client was closed")
        if self._client is None:
            timeout = httpx.Timeout(limits.REQUEST_S, connect=limits.HANDSHAKE_S)
            self._client = httpx.AsyncClient(timeout=timeout, trust_env=self._trust_env, verify=self._verify)
        return self._client

    async def close(self) -> None:
        """Closes all connections. Calls that wait end with `Closed`."""
        self.is_closed = True
        for call in tuple(self._calls):
            call.cancel()
        if self._client is not None:
            await self._client.aclose()

    async def call(self, method: str, path: str, *, body: Mapping[str, Any] | None = None, params: Mapping[str, Any] | None = None, timeout: float | None = None, wait_s: float = 0.0) -> Any:
        """The JSON of a successful answer. Tries again after lost connections, 408, 429 and 5xx, until `timeout` seconds are over."""
        if self.is_closed:
            raise Closed("the client was closed")
        last: list[RunbusError] = []
        call = asyncio.ensure_future(self._until_answered(method, path, body, params, wait_s, last))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        try:
            return await tasks.within(timeout, call)
        except TimeoutError:
            raise last[-1] if last else Unavailable(f"no answer within {timeout:g} s") from None
        except asyncio.CancelledError:
            if self.is_closed:
                raise Closed("the client was closed") from None
            raise

    async def _send(self, method: str, url: str, body: Mapping[str, Any] | None, query: dict[str, str], headers: dict[str, str], wait_s: float) -> httpx.Response:
        timeout = httpx.Timeout(limits.REQUEST_S + wait_s, connect=limits.HANDSHAKE_S)
        async with self._pool().stream(method, url, json=body, params=query, headers=headers, timeout=timeout) as answer:
            content = bytearray()
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > limits.ANSWER_BYTES:
                    raise ProtocolError(f"the answer has more than {limits.ANSWER_BYTES} bytes: is this a gateway?")
            return httpx.Response(answer.status_code, headers=_plain(answer.headers), content=bytes(content), request=answer.request)

    async def _until_answered(self, method: str, path: str, body: Mapping[str, Any] | None, params: Mapping[str, Any] | None, wait_s: float, last: list[RunbusError]) -> Any:
        backoff = Backoff()
        has_fresh_token = False
        query = {name: _query(value) for name, value in (params or {}).items() if value is not None}
        while True:
            gateway = self._gateways.current
            headers, token = await self._credentials.headers()
            at_least = 0.0
            try:
                answer = await self._send(method, gateway + path, body, query, headers, wait_s)
            except httpx.TransportError as lost:
                error: RunbusError = Unavailable(f"{gateway}: {lost or type(lost).__name__}")
                self._gateways.move_on(gateway)
            else:
                if answer.is_success:
                    return _answer(answer)
                error = of_status(answer.status_code, _json(answer))
                if isinstance(error, Unauthenticated | Forbidden) and self._credentials.can_refresh and not has_fresh_token:
                    has_fresh_token = True
                    await self._credentials.fresh(token)
                    continue
                if not (answer.status_code in (408, 429) or answer.status_code >= 500):
                    raise error
                at_least = _seconds(answer.headers.get("retry-after"))
                if answer.status_code >= 500:
                    self._gateways.move_on(gateway)
            last[:] = [error]
            log.debug("%s %s: %s; trying again", method, path, error)
            await asyncio.sleep(backoff.next(at_least))


def _plain(headers: httpx.Headers) -> list[tuple[str, str]]:
    """Headers of a body that was decoded."""
    return [(name, value) for name, value in headers.multi_items() if name not in ("content-encoding", "content-length", "transfer-encoding")]


def _answer(answer: httpx.Response) -> Any:
    try:
        return answer.json() if answer.content else None
    except ValueError as error:
        raise ProtocolError(f"the answer is no JSON: is this a gateway? {error}") from None


def _query(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _seconds(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0
