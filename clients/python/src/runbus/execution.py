"""An execution as it happens: a snapshot, then the state behind each event."""

from __future__ import annotations

from typing import Any

from typing_extensions import Self

from .errors import Closed
from .fold import State
from .items import Gap, SnapshotItem
from .subscription import Subscription
from .types.snapshot import Approval, Call, Execution, Question, Snapshot

_OVER = frozenset({"completed", "failed"})


class ExecutionView:
    """The live state of an execution. Iterate to follow it; the iteration ends with the execution.

    The state equals the gateway's snapshot at `cursor`. Text that turned out void (`llm_retry`, `attempt_superseded`) is not in it.
    """

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._state: State | None = None
        self._typed: Snapshot | None = None
        self._has_ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Self:
        if self._has_ended:
            raise StopAsyncIteration
        while True:
            item = await self._subscription.next_raw()
            if isinstance(item, SnapshotItem):
                self._state = State.load(item.snapshot)
            elif isinstance(item, Gap):
                # The missing events may be in a snapshot; the fold cannot know them.
                await self._subscription.start_over()
                continue
            elif isinstance(item, dict) and item.get("type") != "undecodable" and self._state is not None:
                self._state.apply(item)
            else:
                continue
            self._typed = None
            self._has_ended = self._is_terminal()
            return self

    def _is_terminal(self) -> bool:
        run = self._state.execution if self._state else None
        return run is not None and run["status"] in ("completed", "failed", "cancelled")

    async def finished(self) -> Snapshot:
        """Follows the execution to its end; the state there."""
        async for _ in self:
            pass
        return self.state

    def raw(self) -> dict[str, Any]:
        """The snapshot as JSON."""
        if self._state is None:
            raise Closed("no snapshot yet: iterate first")
        return self._state.dump()

    @property
    def state(self) -> Snapshot:
        """The snapshot."""
        if self._typed is None:
            self._typed = Snapshot.model_validate(self.raw())
        return self._typed

    @property
    def cursor(self) -> str:
        """The position of the state."""
        return self._state.cursor if self._state else ""

    @property
    def execution(self) -> Execution | None:
        """Status, figures, output and error; None while the execution is unknown."""
        return self.state.execution

    @property
    def status(self) -> str | None:
        """The status; None while the execution is unknown."""
        run = self._state.execution if self._state else None
        return run["status"] if run else None

    def text(self, node_id: str | None = None) -> str:
        """The text so far: of the last turn, or of the last turn of one node."""
        kept = self._state.turns.kept if self._state else []
        for turn in reversed(kept):
            if node_id is None or turn.node_id == node_id:
                return turn.output.content or turn.text.content
        return ""

    @property
    def open_calls(self) -> list[Call]:
        """Calls of tools that have no result yet."""
        return [call for call in self.state.calls or [] if call.state not in _OVER]

    @property
    def approvals(self) -> list[Approval]:
        """Calls that wait for a decision."""
        return list(self.state.approvals or [])

    @property
    def questions(self) -> list[Question]:
        """Questions that wait for an answer."""
        return list(self.state.questions or [])

    async def aclose(self) -> None:
        """Ends the subscription."""
        await self._subscription.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
