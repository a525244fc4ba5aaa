"""The fold of an execution's events, as gateways compute it: the same events give the same snapshot.

`State.load(snapshot)` continues a gateway's snapshot; `State.apply(event)` takes the next event.
"""

from .state import State

__all__ = ["State"]
