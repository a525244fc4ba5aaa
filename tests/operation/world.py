"""Processes of the tests: each listens on a free port of loopback and is stopped by its process id."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import TypeVar

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINARY = pathlib.Path(
    os.environ.get("RUNBUS_BINARY") or pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "debug" / "runbus"
).resolve()
PATIENCE_S = int(os.environ.get("RUNBUS_OPERATION_PATIENCE_S", "120"))
"""The longest wait, in seconds, for something that must come. Nothing waits for its end when all goes well."""

Found = TypeVar("Found")


def tool(variable: str) -> str:
    """A path that ops/tools.sh gives."""
    if not os.environ.get(variable):
        sys.exit(f"{variable} is not set: run `make test-operation`")
    return os.environ[variable]


_given: set[int] = set()
_giving = threading.Lock()


def free_ports(count: int) -> list[int]:
    """Free ports that no other case of this run has."""
    with _giving:
        command = [sys.executable, ROOT / "ops" / "free_ports.py", str(count + len(_given))]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        ports = [int(port) for port in found if int(port) not in _given][:count]
        _given.update(ports)
        return ports


def until(what: str, look: Callable[[], Found | None]) -> Found:
    """Looks until there is something, with pauses: what `look` gives."""
    end = time.monotonic() + PATIENCE_S
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what}: nothing within {PATIENCE_S} s")
        time.sleep(0.05)


def clean_environment() -> dict[str, str]:
    """This environment without what would configure the programs of a test."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("RUNBUS_", "OPENAI_", "OTEL_", "SSL_CERT"))}


class NotAllowed(Exception):
    """The kernel refuses what a case needs."""


class Program:
    """A process whose lines are kept, so that a test can wait for one of them."""

    def __init__(self, command: list, folder: pathlib.Path, environment: dict[str, str]) -> None:
        self.command = [str(part) for part in command]
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            self.command,
            cwd=folder,
            env={**clean_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def wait_for(self, pattern: str, since: int = 0) -> re.Match:
        """The first line behind the first `since` ones that fits, once there is one."""
        fits = re.compile(pattern)
        end = time.monotonic() + PATIENCE_S
        with self._news:
            while True:
                for line in self.lines[since:]:
                    if match := fits.search(line):
                        return match
                if self._ended or not self._news.wait(max(0, end - time.monotonic())):
                    why = "ended" if self._ended else "goes on"
                    raise AssertionError(f"{self.command[0]} {why} without {pattern!r}:\n" + "\n".join(self.lines[-40:]))

    def kill(self) -> None:
        """As a machine that fails: nothing is said or stored any more."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


class World:
    """The folder and the processes of one case. They are stopped in the opposite order of their start."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.programs: list[Program] = []

    def program(self, *command: object, environment: dict[str, str] | None = None) -> Program:
        made = Program(list(command), self.folder, environment or {})
        self.programs.append(made)
        return made

    def run(self, *command: object) -> subprocess.CompletedProcess:
        """Runs a command to its end."""
        words = [str(part) for part in command]
        return subprocess.run(
            words, cwd=self.folder, env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S
        )

    def file(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def lines(self) -> str:
        """The last lines of every process."""
        parts = [f"--- {' '.join(one.command)[:200]}\n" + "\n".join(one.lines[-25:]) for one in self.programs]
        return "\n".join(parts)

    def close(self) -> None:
        for program in reversed(self.programs):
            program.stop()
