"""Bounds of a snapshot, equal to those of a gateway."""

TURN_BYTES = 64 * 1024
"""Largest text of a turn, in bytes: its end."""

TEXT_BYTES = 256 * 1024
"""Texts of all turns, in bytes."""

TURNS = 256
NODES = 256
CALLS = 128
DRAFTS = 4
"""Calls that a model is writing, in one turn."""

WAITING = 128
"""Approvals, and questions."""

CHOICES = 32
"""Choices of a question."""

VALUE_BYTES = 4 * 1024
"""Arguments or result of a call, in bytes of JSON."""

OUTPUT_BYTES = 4 * 1024
"""Output of a node, in bytes of JSON."""

RESULT_BYTES = 64 * 1024
"""Output or error of the execution, in bytes of JSON."""

NAME_BYTES = 256
"""Names, digests and choices, in bytes."""
