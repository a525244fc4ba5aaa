"""The packages, built once and installed once: by the commands of docs/guides/install.md, without a network."""

import os
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
BINARY = pathlib.Path(os.environ.get("RUNBUS_BINARY", TARGET / "debug/runbus")).absolute()
PAGE = ROOT / "docs/guides/install.md"
# Generous: the machine may be busy. Nothing waits that long when all is well.
PATIENCE_S = 300


def version() -> str:
    found = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert found
    return found[1]


def run(*command: object, cwd: pathlib.Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], cwd=cwd, env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S)


def build(out: pathlib.Path, *programs: pathlib.Path, umask: int = -1, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs packages/build.sh."""
    command = [str(ROOT / "packages/build.sh"), str(out), *map(str, programs)]
    return subprocess.run(
        command, cwd=out.parent, env={**os.environ, **environment}, umask=umask, text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S
    )


def clean_environment(home: pathlib.Path) -> dict[str, str]:
    """A user's environment that reaches no index and no registry."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("RUNBUS_", "OPENAI_", "PIP_", "NPM_", "PYTHON", "VIRTUAL_ENV"))}
    python = pathlib.Path(sys._base_executable).resolve().parent
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{python}:{os.environ['PATH']}",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": os.environ["RUNBUS_PACKAGES_WHEELS"],
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_INDEX": "1",
        "npm_config_audit": "false",
        "npm_config_cache": str(home / "cache"),
        "npm_config_fund": "false",
        "npm_config_ignore_scripts": "true",
        "npm_config_offline": "true",
        "npm_config_update_notifier": "false",
    }


@dataclass(frozen=True)
class Installed:
    """A folder in which a reader has run the commands of the page."""

    folder: pathlib.Path
    environment: dict[str, str]
    said: subprocess.CompletedProcess[str]

    def run(self, *command: object) -> subprocess.CompletedProcess[str]:
        return run(*command, cwd=self.folder, environment=self.environment)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder with the packages of the real program."""
    out = tmp_path_factory.mktemp("built") / "packages"
    done = build(out, BINARY)
    assert done.returncode == 0, done.stderr + done.stdout
    return out


@pytest.fixture(scope="session")
def installations(built: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Installed]:
    """The commands of the page for pip and for npm have run, at the same time."""

    def follow(way: str) -> Installed:
        block = re.search(rf"^## {way}$.*?^```sh no-run\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
        assert block, f"{PAGE} has no commands for {way}"
        folder = tmp_path_factory.mktemp(way)
        (folder / "target").mkdir()
        (folder / "target/packages").symlink_to(built)
        environment = clean_environment(folder / "home")
        return Installed(folder, environment, run("bash", "-euc", block[1], cwd=folder, environment=environment))

    with ThreadPoolExecutor() as pool:
        return dict(zip(["pip", "npm"], pool.map(follow, ["pip", "npm"]), strict=True))


@pytest.fixture(scope="session")
def pip(installations: dict[str, Installed]) -> Installed:
    return installations["pip"]


@pytest.fixture(scope="session")
def npm(installations: dict[str, Installed]) -> Installed:
    return installations["npm"]
