"""Monitors: one JSON document of a stream, or of all, as it changes."""

from __future__ import annotations

from typing import Any, cast

from typing_extensions import Self

from . import ids
from .errors import Closed
from .feed import SUB, Feed
from .types.rest import Monitor


class PatchError(ValueError):
    """A patch does not fit the document."""


def patch(document: Any, operations: list[dict[str, Any]]) -> Any:
    """Applies a JSON Patch (RFC 6902) in place; returns the document."""
    for operation in operations:
        document = _apply(document, operation)
    return document


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in str(operation["path"]).split("/")[1:]]
    kind = operation["op"]
    if kind in ("move", "copy"):
        source = [token.replace("~1", "/").replace("~0", "~") for token in str(operation["from"]).split("/")[1:]]
        value = _walk(document, source)
        if kind == "move":
            _change(document, source, "remove", None)
        return _change(document, tokens, "add", value)
    if kind == "test":
        if _walk(document, tokens) != operation.get("value"):
            raise PatchError(f"{operation['path']} differs")
        return document
    return _change(document, tokens, kind, operation.get("value"))


def _walk(document: Any, tokens: list[str]) -> Any:
    for token in tokens:
        key: Any = int(token) if isinstance(document, list) else token
        document = cast("Any", document)[key]
    return document


def _change(document: Any, tokens: list[str], kind: str, value: Any) -> Any:
    if not tokens:
        return value
    try:
        parent: Any = _walk(document, tokens[:-1])
        if isinstance(parent, list):
            items, last = cast("list[Any]", parent), tokens[-1]
            at = len(items) if last == "-" else int(last)
            if kind == "add":
                items.insert(at, value)
            elif kind == "replace":
                items[at] = value
            else:
                del items[at]
        elif kind == "remove":
            del parent[tokens[-1]]
        else:
            parent[tokens[-1]] = value
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise PatchError(f"/{'/'.join(tokens)}: {error}") from None
    return document


class MonitorWatch(Feed):
    """An async iterator of documents: the first at once, then one for each change."""

    def __init__(self, stream_id: str | None, **feed: Any) -> None:
        ids.check_all(stream_id=stream_id)
        super().__init__(**feed)
        self._stream_id = stream_id
        self.document: dict[str, Any] | None = None
        self.revision: int | None = None
        self._is_changed = False

    def _request(self) -> dict[str, Any]:
        # Revisions are of one connection.
        self.revision = None
        return {"type": "monitor", "id": SUB, **({} if self._stream_id is None else {"stream_id": self._stream_id})}

    def _take(self, message: dict[str, Any]) -> bool:
        if message["type"] == "monitor_snapshot":
            self.document, self.revision, self._is_changed = message["monitor"], message["revision"], True
        elif message["type"] == "monitor_patch":
            if self.revision is None or message["base"] != self.revision:
                self._forget()
                return True
            try:
                self.document = patch(self.document, message["patch"])
            except PatchError:
                self._forget()
                return True
            self.revision, self._is_changed = message["revision"], True
        else:
            return message["type"] == "subscribed"
        return True

    def _forget(self) -> None:
        """The document is not the one that a patch is for: another connection brings a whole one."""
        if self._socket is not None:
            self._socket.transport.abort()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Monitor:
        if self._is_closed:
            raise Closed("the monitor was closed")
        while not self._is_changed:
            try:
                await self._pull()
            except Closed:
                raise StopAsyncIteration from None
        self._is_changed = False
        return Monitor.model_validate(self.document)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
