"""One connection: requests with one or several answers on one inbox."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from ... import tasks
from ...errors import Forbidden, Unauthenticated
from . import limits
from .address import Address

log = logging.getLogger("runbus.bus")

Headers = dict[str, str]
_SPACE = " \t\r\n\x0b\x0c"
_PLAIN_HEADERS = b"NATS/1.0\r\n"
_COMMAND_BYTES = 4096
"""More than a command has beside its payload."""
_DENIED = re.compile(r"permissions violation for publish to \"?([^\"\s]+)\"?", re.IGNORECASE)


class _Client(Client):
    """nats-py looks at each character of a header's name, which is a third of what it costs to receive an event.

    This one keeps headers with white space in their names, which nothing asks for.
    """

    async def _process_headers(self, headers: bytes | None) -> Headers | None:
        if headers is not None and headers.startswith(_PLAIN_HEADERS) and headers.endswith(b"\r\n\r\n"):
            try:
                pairs = [line.split(":", 1) for line in headers[len(_PLAIN_HEADERS) : -4].decode("ascii").split("\r\n")]
                return {name.strip(_SPACE): value.strip(_SPACE) for name, value in pairs}
            except ValueError:
                # nats-py reads unusual headers.
                pass
        return await super()._process_headers(headers)  # pyright: ignore[reportUnknownMemberType]


class Link:
    """A connection that is kept up. Answers are matched by a number in their subject; nothing is left behind by lost ones."""

    def __init__(self, address: Address, suspect: Callable[[], None]) -> None:
        self._address, self._suspect = address, suspect
        self.client: Client = _Client()
        self._count = 0
        self._one: dict[str, tuple[str, asyncio.Future[Msg | None]]] = {}
        self._many: dict[str, asyncio.Queue[Msg]] = {}
        self._inbox = ""
        self._refusal: Exception | None = None

    async def open(self) -> None:
        """Connects; tries again while no server answers. Raises when the server refuses the user."""
        while True:
            self._refusal = None
            try:
                await self._connect()
                break
            except (OSError, asyncio.TimeoutError, nats.errors.Error) as error:
                refusal = self._refusal or error
                if "authorization" in str(refusal).lower():
                    raise Unauthenticated(f"NATS refuses the user: {refusal}") from None
                log.debug("NATS does not answer: %r", error)
                await asyncio.sleep(limits.RETRY_MAX_S)
        self._inbox = f"{self.client.new_inbox()}."
        await self.listen(f"{self._inbox}*", self._answered, 4)

    async def listen(self, subject: str, hear: Callable[[Msg], Awaitable[None]], parts: int = 1) -> None:
        """A core subscription whose waiting messages are bounded."""
        client: Any = self.client
        await client.subscribe(subject, cb=hear, pending_msgs_limit=parts * limits.LIVE_MESSAGES, pending_bytes_limit=parts * limits.LIVE_BYTES)

    async def _connect(self) -> None:
        options: dict[str, Any] = {"reconnect_time_wait": limits.RECONNECT_S}
        if self._address.credentials:
            options["user_credentials"] = self._address.credentials
        self.client = _Client()
        await self.client.connect(
            servers=self._address.servers, name="runbus-python-bus", error_cb=self._failed, disconnected_cb=self._lost, reconnected_cb=self._back,
            allow_reconnect=True, max_reconnect_attempts=-1 if self._inbox else 2, connect_timeout=2, ping_interval=3, max_outstanding_pings=2,
            inbox_prefix=self._address.inbox_prefix.encode(), pending_size=limits.WRITE_BYTES, **options,
        )  # fmt: skip
        # The first connection is tried by `open`, which can give up; a lost one is made again for ever.
        self.client.options["max_reconnect_attempts"] = -1

    async def _failed(self, error: Exception) -> None:
        self._refusal = error
        denied = _DENIED.search(str(error))
        if denied:
            subject = denied[1].rstrip(",.")
            for token, (asked, future) in tuple(self._one.items()):
                if asked.lower() == subject.lower() and not future.done():
                    del self._one[token]
                    future.set_exception(Forbidden(f"NATS does not allow to publish to {asked}"))
        elif isinstance(error, nats.errors.SlowConsumerError):
            self._suspect()
        else:
            log.debug("NATS: %r", error)

    async def _lost(self) -> None:
        self._suspect()
        for _, future in tuple(self._one.values()):
            if not future.done():
                future.set_exception(nats.errors.ConnectionClosedError())

    async def _back(self) -> None:
        self._suspect()

    async def _answered(self, message: Msg) -> None:
        token = message.subject[len(self._inbox) :]
        if token in self._many:
            self._many[token].put_nowait(message)
            return
        _, future = self._one.get(token, ("", None))
        if future is not None and not future.done():
            future.set_result(message)

    def _next(self) -> str:
        self._count += 1
        return str(self._count)

    async def request(
        self, subject: str, payload: bytes, headers: Headers | None = None, seen: asyncio.Future[None] | None = None, seconds: float = limits.REQUEST_S
    ) -> Msg | None:
        """One answer; None when `seen` is done first. Raises `TimeoutError`, `NoRespondersError`, or what the connection says."""
        token = self._next()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Msg | None] = loop.create_future()
        self._one[token] = (subject, future)

        def wake(_: object) -> None:
            if not future.done():
                future.set_result(None)

        def give_up() -> None:
            if not future.done():
                future.set_exception(TimeoutError())

        # The bound ends the future and not the task: no cancellation is made, so that none is mistaken for the caller's, and no task.
        timer = loop.call_later(seconds, give_up)
        if seen is not None:
            seen.add_done_callback(wake)
        try:
            await self._write(subject, payload, self._inbox + token, headers, seconds)
            answer = await future
        finally:
            timer.cancel()
            self._one.pop(token, None)
            if seen is not None:
                seen.remove_done_callback(wake)
            if future.done() and not future.cancelled():
                future.exception()
        if answer is not None and status(answer) == "503":
            raise nats.errors.NoRespondersError
        return answer

    async def _write(self, subject: str, payload: bytes, reply: str, headers: Headers | None, seconds: float) -> None:
        """Hands a message to the connection. nats-py waits for the socket when much is to be written, and loses cancellations meanwhile."""
        work = self.client.publish(subject, payload, reply, headers)
        if self.client.pending_data_size + len(payload) + _COMMAND_BYTES < limits.WRITE_BYTES:
            await work
        else:
            await tasks.within(seconds, work)

    async def request_many(self, subject: str, payload: bytes) -> list[Msg]:
        """Answers up to and with the one that has a status."""
        token = self._next()
        queue = self._many[token] = asyncio.Queue()
        answers: list[Msg] = []
        try:
            await self._write(subject, payload, self._inbox + token, None, limits.REQUEST_S)
            while True:
                answer = await tasks.within(limits.REQUEST_S, queue.get())
                answers.append(answer)
                if status(answer) is not None:
                    return answers
        finally:
            del self._many[token]

    async def close(self) -> None:
        """Ends the connection."""
        if not self.client.is_closed:
            await self.client.close()


def status(message: Msg) -> str | None:
    """The status of an answer."""
    return (message.headers or {}).get("Status")
