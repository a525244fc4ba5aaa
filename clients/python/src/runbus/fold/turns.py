"""Turns: calls of a model, and what they said so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import limits
from .bounded import Text, name

_TEXTS = ("text", "output", "reasoning")


class Turn:
    """One call of a model, or one message of a producer that has no turns."""

    __slots__ = ("attempt", "done", "drafts", "finish_reason", "message_id", "model", "node_id", "number", "output", "provider", "reasoning", "seq", "text")

    def __init__(self, number: int, node_id: str | None, attempt: int | None, seq: int) -> None:
        self.number, self.node_id, self.attempt, self.seq, self.done = number, node_id, attempt, seq, False
        self.text, self.output, self.reasoning = Text(), Text(), Text()
        self.finish_reason: str | None = None
        self.model: str | None = None
        self.provider: str | None = None
        self.message_id: str | None = None
        # Calls that the model is writing: index, id, tool and arguments.
        self.drafts: list[tuple[int, str, str, Text]] = []

    @classmethod
    def load(cls, source: Mapping[str, Any]) -> Turn:
        """From JSON."""
        turn = cls(source["number"], source.get("node_id"), source.get("attempt"), source["seq"])
        turn.done = source["done"]
        for field in _TEXTS:
            setattr(turn, field, Text(source.get(field)))
        turn.finish_reason, turn.model, turn.provider = source.get("finish_reason"), source.get("model"), source.get("provider")
        turn.message_id = source.get("message_id")
        drafts = source.get("drafts", [])
        turn.drafts = [(one["index"], one["tool_use_id"], one["tool_name"], Text(one["arguments"])) for one in drafts]
        return turn

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        found: dict[str, Any] = {"number": self.number, "node_id": self.node_id, "attempt": self.attempt, "seq": self.seq, "done": self.done}
        for field in _TEXTS:
            text: Text = getattr(self, field)
            found[field] = None if text.is_empty else text.dump()
        found |= {"finish_reason": self.finish_reason, "model": self.model, "provider": self.provider, "message_id": self.message_id}
        drafts = [{"index": index, "tool_use_id": call, "tool_name": tool, "arguments": text.dump()} for index, call, tool, text in self.drafts]
        found["drafts"] = drafts or None
        return {name: value for name, value in found.items() if value is not None}

    @property
    def bytes(self) -> int:
        """Bytes of its texts."""
        return self.text.size + self.output.size + self.reasoning.size + sum(text.size for *_, text in self.drafts)

    def draft(self, delta: Mapping[str, Any]) -> None:
        """Takes a piece of a call."""
        found = next((text for _, call, _, text in reversed(self.drafts) if call == delta["tool_use_id"]), None)
        if found is None:
            del self.drafts[: max(0, len(self.drafts) - limits.DRAFTS + 1)]
            found = Text()
            self.drafts.append((delta["index"], delta["tool_use_id"], name(delta["tool_name"]) or "", found))
        found.push(delta["arguments"])

    def end(self) -> None:
        """It is over."""
        self.done = True
        self.drafts = []

    def settle(self, content: str) -> None:
        """The text as its provider has it in the end."""
        is_of_clients = self.text.is_empty and not self.output.is_empty
        (self.output if is_of_clients else self.text).set(content)


class Turns:
    """All turns of an execution that are kept, oldest first."""

    def __init__(self) -> None:
        self.kept: list[Turn] = []
        self.omitted = 0
        self.begun = 0

    def open(self, event: Mapping[str, Any], seq: int) -> Turn:
        """The node's open turn; begins one when there is none. No attempt continues the turn of another one."""
        node, attempt = event.get("node_id"), event.get("attempt")
        found = next((turn for turn in reversed(self.kept) if not turn.done and turn.node_id == node), None)
        if found is not None and found.attempt is not None and attempt is not None and found.attempt < attempt:
            found.end()
            found = None
        if found is None:
            self.begun += 1
            found = Turn(self.begun, node, attempt, seq)
            self.kept.append(found)
        found.seq = seq
        return found

    def trim(self) -> None:
        """Drops the oldest turns beyond the bounds; open ones last."""
        total = sum(turn.bytes for turn in self.kept)
        while len(self.kept) > limits.TURNS or (total > limits.TEXT_BYTES and len(self.kept) > 1):
            oldest = next((at for at, turn in enumerate(self.kept) if turn.done), 0)
            total -= self.kept.pop(oldest).bytes
            self.omitted += 1

    def retry(self, node: str | None) -> None:
        """The open text of a node is void."""
        self.kept = [turn for turn in self.kept if turn.done or turn.node_id != node]

    def supersede(self, void_from: int) -> None:
        """Open text whose last event stands at `void_from` or later is void, of every node."""
        self.kept = [turn for turn in self.kept if turn.done or turn.seq < void_from]

    def close(self, node: str | None) -> None:
        """A node ended: its text is final."""
        for turn in self.kept:
            if turn.node_id == node:
                turn.end()
