"""The snippets of README.md run as they stand."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

from servers import World

README = (pathlib.Path(__file__).resolve().parents[1] / "README.md").read_text()
SNIPPETS = re.findall(r"## ([^\n]+)\n(?:(?!\n## ).)*?```python\n(.*?)```", README, re.DOTALL)


def run(source: str, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "RUNBUS_URL"}
    done = subprocess.run([sys.executable, "-c", source], env={**clean, **environment}, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("title", "source"), SNIPPETS, ids=[title for title, _ in SNIPPETS])
def test_a_snippet_runs(title: str, source: str, on_nats: World) -> None:
    if "runbus.bus" in source:
        for url in ("", on_nats.urls[0], on_nats.bus_url):
            assert "billing 0.5" in run(source, RUNBUS_URL=url)
    else:
        run(source.replace("http://127.0.0.1:8700", on_nats.urls[0]))


def test_all_snippets_are_found() -> None:
    assert len(SNIPPETS) == README.count("```python") == 5
