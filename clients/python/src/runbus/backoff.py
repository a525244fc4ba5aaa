"""Pauses between tries."""

from __future__ import annotations

import random

from . import limits


class Backoff:
    """Doubles the bound of each pause and takes a random part of it, so that clients do not return together."""

    def __init__(self, shortest: float = limits.BACKOFF_MIN_S, longest: float = limits.BACKOFF_MAX_S) -> None:
        self._shortest, self._longest, self._bound = shortest, longest, 0.0

    def reset(self) -> None:
        """The next failure is the first one again."""
        self._bound = 0.0

    def next(self, at_least: float = 0.0) -> float:
        """Seconds until the next try. The first try after a success has no pause unless `at_least` asks for one."""
        bound = self._bound
        self._bound = min(self._longest, max(self._shortest, bound * 2))
        return min(at_least, limits.RETRY_AFTER_MAX_S) + random.uniform(bound / 2, bound)
