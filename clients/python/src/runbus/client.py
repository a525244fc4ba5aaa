"""The client: commands and reads over REST, subscriptions over WebSockets.

Commands get their ids here, so that a command whose answer is lost is repeated without a second effect.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, cast
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from typing_extensions import Self

from . import drafts, ids, limits
from .credentials import Credentials, TokenSource
from .errors import Closed, InvalidArgument, ProtocolError, TooLarge
from .execution import ExecutionView
from .feed import Feed
from .gateways import Gateways
from .http import Http
from .items import Event, Gap, Undecodable, decode_events
from .monitor import MonitorWatch
from .subscription import Filter, Handler, Listener, Options, Since, Subscription, check_handler
from .types import rest
from .types.snapshot import Snapshot

Model = TypeVar("Model", bound=BaseModel)
Multitask = Literal["enqueue", "reject", "interrupt", "rollback"]
DEFAULT_URL = "http://127.0.0.1:8700"


@dataclass(frozen=True)
class Page:
    """A page of history. `next` continues behind it; None: nothing is left in this direction."""

    events: list[Event | Undecodable]
    next: str | None
    gaps: list[Gap]


class Client:
    """A client of one or several equivalent gateways. Nothing is sent before the first call."""

    def __init__(
        self,
        url: str | Sequence[str] = DEFAULT_URL,
        *,
        token: str | None = None,
        get_token: TokenSource | None = None,
        timeout: float | None = None,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._gateways, self._credentials = Gateways(url), Credentials(token, get_token)
        self._trust_env, self._ssl, self._timeout = trust_env, ssl_context, timeout
        self._http = Http(self._gateways, self._credentials, trust_env=trust_env, verify=ssl_context or True)
        self._feeds: set[Feed] = set()
        self._listeners: set[Listener] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends all subscriptions and calls. Later calls raise `Closed`."""
        self._http.is_closed = True
        await asyncio.gather(*(listener.aclose() for listener in tuple(self._listeners)), *(feed.aclose() for feed in tuple(self._feeds)))
        await self._http.close()

    # Requests

    async def _call(self, kind: type[Model], method: str, path: str, *, body: Mapping[str, Any] | None = None, params: Mapping[str, Any] | None = None, timeout: float | None = None) -> Model:
        found = None if body is None else {name: value for name, value in body.items() if value is not None}
        answer = await self._http.call(method, path, body=found, params=params, timeout=self._timeout if timeout is None else timeout)
        return _typed(kind, answer)

    # Executions

    async def start(
        self,
        definition: str,
        input: Any = None,
        *,
        execution_id: str | None = None,
        stream_id: str | None = None,
        session_id: str | None = None,
        correlation_id: str | None = None,
        multitask: Multitask | None = None,
        budget: rest.Budget | None = None,
        scheduling: rest.Scheduling | None = None,
        labels: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> rest.Started:
        """Starts an execution. Returns when the start is durable."""
        ids.check("definition", definition)
        body = _start(execution_id, stream_id, correlation_id, multitask, budget, scheduling, session_id=session_id)
        return await self._call(rest.Started, "POST", "/v1/executions", body={"definition": definition, "input": input, "labels": labels, **body}, timeout=timeout)

    async def get_execution(self, execution_id: str, *, timeout: float | None = None) -> rest.Execution:
        """Status and figures of an execution."""
        return await self._call(rest.Execution, "GET", _path("executions", execution_id=execution_id), timeout=timeout)

    async def get_snapshot(self, execution_id: str, *, at: str | None = None, timeout: float | None = None) -> Snapshot:
        """The state of an execution now, or as of a cursor."""
        return await self._call(Snapshot, "GET", _path("executions", "snapshot", execution_id=execution_id), params={"at": at}, timeout=timeout)

    def execution(self, execution_id: str, *, stream_id: str | None = None, coalesce: bool | None = None) -> ExecutionView:
        """The live state of an execution. Name the stream where you know it: reading is cheaper then."""
        subscription = self.subscribe(execution_id=execution_id, stream_id=stream_id, since="snapshot", coalesce=coalesce)
        return ExecutionView(subscription)

    async def cancel(self, execution_id: str, *, reason: str | None = None, session_id: str | None = None, timeout: float | None = None) -> rest.Acknowledged:
        """Stops an execution."""
        ids.check_all(session_id=session_id)
        return await self._call(rest.Acknowledged, "POST", _path("executions", "cancel", execution_id=execution_id), body={"reason": reason, "session_id": session_id}, timeout=timeout)

    async def pause(self, execution_id: str, *, reason: str | None = None, timeout: float | None = None) -> rest.Acknowledged:
        """Lets an execution begin no further step."""
        return await self._call(rest.Acknowledged, "POST", _path("executions", "pause", execution_id=execution_id), body={"reason": reason}, timeout=timeout)

    async def unpause(self, execution_id: str, *, timeout: float | None = None) -> rest.Acknowledged:
        """Continues a paused execution."""
        return await self._call(rest.Acknowledged, "POST", _path("executions", "resume", execution_id=execution_id), body={}, timeout=timeout)

    async def presence(self, execution_id: str, *, timeout: float | None = None) -> rest.Presence:
        """The watchers of an execution."""
        return await self._call(rest.Presence, "GET", _path("executions", "presence", execution_id=execution_id), timeout=timeout)

    # Approvals and questions

    async def approvals(self, execution_id: str, *, timeout: float | None = None) -> list[rest.PendingApproval]:
        """Calls of an execution that wait for a decision."""
        return (await self._call(rest.Approvals, "GET", _path("executions", "approvals", execution_id=execution_id), timeout=timeout)).approvals

    async def approval(self, approval_id: str, *, timeout: float | None = None) -> rest.PendingApproval:
        """One approval, decided or not."""
        return await self._call(rest.PendingApproval, "GET", f"/v1/approvals/{quote(approval_id, safe='')}", timeout=timeout)

    async def decide(
        self,
        approval_id: str,
        approved: bool,
        *,
        arguments: Any = None,
        note: str | None = None,
        arguments_digest: str | None = None,
        decision_id: str | None = None,
        timeout: float | None = None,
    ) -> rest.Decided:
        """Decides a call. The first decision counts; later ones raise `Conflict`."""
        body = {"approved": approved, "arguments": arguments, "note": note, "arguments_digest": arguments_digest, "decision_id": decision_id or str(uuid.uuid4())}
        return await self._call(rest.Decided, "POST", f"/v1/approvals/{quote(_not_empty('approval_id', approval_id), safe='')}/decision", body=body, timeout=timeout)

    async def questions(self, execution_id: str, *, timeout: float | None = None) -> list[rest.PendingQuestion]:
        """Questions of an execution that wait for an answer."""
        return (await self._call(rest.Questions, "GET", _path("executions", "questions", execution_id=execution_id), timeout=timeout)).questions

    async def answer(self, request_id: str, input: Any, *, answer_id: str | None = None, timeout: float | None = None) -> rest.Decided:
        """Answers a question. The first answer counts; later ones raise `Conflict`."""
        path = f"/v1/questions/{quote(_not_empty('request_id', request_id), safe='')}/answer"
        # `null` is an answer too.
        answer = await self._http.call("POST", path, body={"input": input, "answer_id": answer_id or str(uuid.uuid4())}, timeout=self._timeout if timeout is None else timeout)
        return _typed(rest.Decided, answer)

    # Sessions

    async def send(
        self,
        session_id: str | None,
        input: Any,
        *,
        definition: str | None = None,
        execution_id: str | None = None,
        stream_id: str | None = None,
        correlation_id: str | None = None,
        multitask: Multitask | None = None,
        budget: rest.Budget | None = None,
        scheduling: rest.Scheduling | None = None,
        timeout: float | None = None,
    ) -> rest.Started:
        """Sends input to a session; None begins a new one, which needs a definition."""
        body = {"input": input, "definition": definition, **_start(execution_id, stream_id, correlation_id, multitask, budget, scheduling)}
        path = "/v1/sessions" if session_id is None else _path("sessions", "messages", session_id=session_id)
        return await self._call(rest.Started, "POST", path, body=body, timeout=timeout)

    async def session(self, session_id: str, *, timeout: float | None = None) -> rest.Session:
        """The state of a session."""
        return await self._call(rest.Session, "GET", _path("sessions", session_id=session_id), timeout=timeout)

    async def messages(self, session_id: str, *, first: int | None = None, include_compacted: bool = False, timeout: float | None = None) -> rest.Messages:
        """The messages of a session, oldest first. `next` of the answer is `first` of the next call."""
        return await self._call(rest.Messages, "GET", _path("sessions", "messages", session_id=session_id), params={"from": first, "include_compacted": include_compacted or None}, timeout=timeout)

    async def pending(self, session_id: str, *, timeout: float | None = None) -> list[rest.PendingCall]:
        """Calls of a session without an answer."""
        return (await self._call(rest.PendingCalls, "GET", _path("sessions", "pending", session_id=session_id), timeout=timeout)).pending

    async def resume(self, session_id: str, *, timeout: float | None = None) -> rest.Started:
        """Finishes the unresolved calls of a session and continues it."""
        return await self._call(rest.Started, "POST", _path("sessions", "resume", session_id=session_id), body={}, timeout=timeout)

    async def abort_pending(self, session_id: str, *, reason: str | None = None, timeout: float | None = None) -> rest.AbortedCalls:
        """Answers the unresolved calls of a session with an abort and continues it."""
        return await self._call(rest.AbortedCalls, "POST", _path("sessions", "abort_pending", session_id=session_id), body={"reason": reason}, timeout=timeout)

    async def close_session(self, session_id: str, *, cascade: bool = False, reason: str | None = None, timeout: float | None = None) -> rest.Session:
        """Ends a session; with `cascade` also its children."""
        return await self._call(rest.Session, "POST", _path("sessions", "close", session_id=session_id), body={"cascade": cascade, "reason": reason}, timeout=timeout)

    # Dead letters, workers, statistics, tokens

    async def dead_letters(self, *, limit: int | None = None, timeout: float | None = None) -> list[rest.DeadLetter]:
        """Executions that no worker could finish, newest first."""
        return (await self._call(rest.DeadLetters, "GET", "/v1/dead-letters", params={"limit": limit}, timeout=timeout)).dead_letters

    async def dead_letter(self, execution_id: str, *, timeout: float | None = None) -> rest.DeadLetter:
        """One dead letter."""
        return await self._call(rest.DeadLetter, "GET", _path("dead-letters", execution_id=execution_id), timeout=timeout)

    async def retry_dead_letter(self, execution_id: str, *, timeout: float | None = None) -> rest.Started:
        """Tries a dead letter again."""
        return await self._call(rest.Started, "POST", _path("dead-letters", "retry", execution_id=execution_id), body={}, timeout=timeout)

    async def workers(self, *, timeout: float | None = None) -> list[rest.WorkerReport]:
        """The workers that report."""
        return (await self._call(rest.Workers, "GET", "/v1/workers", timeout=timeout)).workers

    async def stats(self, *, timeout: float | None = None) -> rest.Statistics:
        """The content of the log."""
        return await self._call(rest.Statistics, "GET", "/v1/stats", timeout=timeout)

    async def mint_token(self, *, scopes: Sequence[str] | None = None, ttl_s: int | None = None, timeout: float | None = None) -> rest.Minted:
        """A stream token with some of the caller's scopes."""
        return await self._call(rest.Minted, "POST", "/v1/auth/tokens", body={"scopes": None if scopes is None else list(scopes), "ttl_s": ttl_s}, timeout=timeout)

    # Events

    async def publish(self, events: Mapping[str, Any] | BaseModel | Iterable[Mapping[str, Any] | BaseModel], *, timeout: float | None = None) -> list[rest.StoredEvent]:
        """Publishes events; returns when all are durable. Each gets an id here, so a repeat stores nothing twice."""
        found: list[Mapping[str, Any] | BaseModel] = [events] if isinstance(events, BaseModel) else [cast("Mapping[str, Any]", events)] if isinstance(events, Mapping) else list(events)
        if not 1 <= len(found) <= limits.PUBLISH_EVENTS:
            raise InvalidArgument(f"has {len(found)} events; 1 to {limits.PUBLISH_EVENTS} are allowed", path="events")
        envelopes = [drafts.envelope(event, f"events[{at}]") for at, event in enumerate(found)]
        size = sum(len(drafts.line(event, f"events[{at}]")) + 1 for at, event in enumerate(envelopes))
        if size > limits.PUBLISH_BYTES - 64:
            raise TooLarge(f"has {size} bytes; {limits.PUBLISH_BYTES} are allowed in one call", path="events")
        return (await self._call(rest.Published, "POST", "/v1/events", body={"events": envelopes}, timeout=timeout)).events

    async def history(
        self,
        *,
        stream_id: str | None = None,
        node_id: str | None = None,
        execution_id: str | None = None,
        types: Sequence[str] = (),
        after: datetime | None = None,
        before: datetime | None = None,
        order: Literal["newest", "oldest"] = "newest",
        limit: int = 100,
        cursor: str | None = None,
        wait_ms: int | None = None,
        timeout: float | None = None,
    ) -> Page:
        """A page of stored events. With `wait_ms` the call waits for the next ones, oldest first."""
        filter = Filter(stream_id, node_id, execution_id, tuple(types), after, before).fields()
        if "types" in filter:
            filter["types"] = ",".join(filter["types"])
        params = {**filter, "limit": limit, "cursor": cursor, "wait_ms": wait_ms, "order": None if wait_ms is not None else order}
        answer = await self._http.call("GET", "/v1/events", params=params, timeout=self._timeout if timeout is None else timeout, wait_s=(wait_ms or 0) / 1000)
        return Page(decode_events(answer["events"]), answer.get("next"), [Gap.model_validate({"type": "gap", **gap}) for gap in answer.get("gaps", [])])

    async def iter_history(self, *, order: Literal["newest", "oldest"] = "oldest", limit: int = 1000, **filter: Any) -> AsyncIterator[Event | Undecodable | Gap]:
        """All stored events, a page at a time."""
        cursor: str | None = None
        while True:
            page = await self.history(order=order, limit=limit, cursor=cursor, **filter)
            for item in (*page.gaps, *page.events):
                yield item
            cursor = page.next
            if cursor is None:
                return

    def subscribe(
        self,
        filter: Filter | None = None,
        *,
        since: Since = "new",
        stream_id: str | None = None,
        node_id: str | None = None,
        execution_id: str | None = None,
        types: Sequence[str] = (),
        coalesce: bool | None = None,
        batch: int | None = None,
        presence: bool = False,
        label: str | None = None,
    ) -> Subscription:
        """Events from `since` on, as an async iterator. It connects when the iteration begins."""
        self._check_open()
        if filter is not None and (stream_id or node_id or execution_id or types):
            raise InvalidArgument("give a filter or its fields, not both", path="filter")
        found = filter or Filter(stream_id, node_id, execution_id, tuple(types))
        subscription = Subscription(found, since, Options(coalesce, batch, presence, label), **self._feed())
        self._feeds.add(subscription)
        return subscription

    def listen(self, handler: Handler, filter: Filter | None = None, *, since: Since = "new", **options: Any) -> Listener:
        """Calls an async handler with each item, one after the other, in a task. An error of the handler ends it: see `Listener.wait`."""
        check_handler(handler)
        listener = Listener(self.subscribe(filter, since=since, **options), handler)
        self._listeners.add(listener)
        listener.when_done(self._listeners.discard)
        return listener

    def monitor(self, stream_id: str | None = None) -> MonitorWatch:
        """The monitor of a stream, or of all, as an async iterator of documents."""
        self._check_open()
        watch = MonitorWatch(stream_id, **self._feed())
        self._feeds.add(watch)
        return watch

    async def get_monitor(self, stream_id: str | None = None, *, timeout: float | None = None) -> rest.Monitor:
        """The monitor of a stream, or of all, now."""
        ids.check_all(stream_id=stream_id)
        return (await self._call(rest.MonitorAnswer, "GET", "/v1/monitor", params={"stream_id": stream_id}, timeout=timeout)).monitor

    def _check_open(self) -> None:
        if self._http.is_closed:
            raise Closed("the client was closed")

    def _feed(self) -> dict[str, Any]:
        return {"gateways": self._gateways, "credentials": self._credentials, "trust_env": self._trust_env, "ssl": self._ssl, "on_close": self._feeds.discard}


def _typed(kind: type[Model], answer: Any) -> Model:
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        raise ProtocolError(f"the answer is no {kind.__name__}: is this a gateway, and of this version? {error}") from None


def _path(resource: str, verb: str | None = None, **identifier: str) -> str:
    ((name, value),) = identifier.items()
    path = f"/v1/{resource}/{quote(ids.check(name, value), safe='')}"
    return path if verb is None else f"{path}/{verb}"


def _not_empty(name: str, value: str) -> str:
    if not value:
        raise InvalidArgument("is empty", path=name)
    return value


def _start(execution_id: str | None, stream_id: str | None, correlation_id: str | None, multitask: str | None, budget: rest.Budget | None, scheduling: rest.Scheduling | None, **more: str | None) -> dict[str, Any]:
    ids.check_all(execution_id=execution_id, stream_id=stream_id, correlation_id=correlation_id, **more)
    found = {"execution_id": execution_id or str(uuid.uuid4()), "stream_id": stream_id, "correlation_id": correlation_id, "multitask": multitask, **more}
    for name, model in (("budget", budget), ("scheduling", scheduling)):
        if model is not None:
            found[name] = json.loads(model.model_dump_json(exclude_none=True))
    return found


def connect(
    url: str | Sequence[str] = DEFAULT_URL,
    *,
    token: str | None = None,
    get_token: TokenSource | None = None,
    timeout: float | None = None,
    trust_env: bool = False,
    ssl_context: ssl.SSLContext | None = None,
) -> Client:
    """A client. `url` is one gateway or a list; `token` a key or token, or `get_token` a function that returns fresh ones.

    `timeout` bounds each command in seconds; without it commands are repeated until they are answered or cancelled.
    """
    return Client(url, token=token, get_token=get_token, timeout=timeout, trust_env=trust_env, ssl_context=ssl_context)
