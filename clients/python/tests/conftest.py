"""Worlds: gateways on the embedded backend, and on NATS with Redis. Each lives as long as the tests."""

from __future__ import annotations

import asyncio
import functools
import inspect
import uuid

import pytest

from servers import PATIENCE_S, World

_worlds: dict[str, World] = {}


def world_of(backend: str) -> World:
    if backend not in _worlds:
        _worlds[backend] = World(backend)
    return _worlds[backend]


@pytest.fixture(params=["embedded", "nats"])
def world(request: pytest.FixtureRequest) -> World:
    return world_of(request.param)


@pytest.fixture
def on_nats() -> World:
    return world_of("nats")


@pytest.fixture
def fresh() -> str:
    """A name that no other test uses."""
    return uuid.uuid4().hex[:12]


def pytest_sessionfinish() -> None:
    for world in _worlds.values():
        world.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs async tests, each in a loop of its own, with a bound."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    work = functools.partial(pyfuncitem.obj, **arguments)

    async def bounded() -> None:
        await asyncio.wait_for(work(), 2 * PATIENCE_S)

    asyncio.run(bounded())
    return True
