"""Fixtures: a world for each test, and both backends where it matters."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from world import World


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[World]:
    made = World(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(params=["embedded", "nats"])
def backend(request: pytest.FixtureRequest) -> str:
    return request.param
