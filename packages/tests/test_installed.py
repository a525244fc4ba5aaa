"""The packages in clean environments, installed by the commands of docs/guides/install.md without a network."""

import json
import os
import pathlib
import signal
import subprocess
import threading

from conftest import PATIENCE_S, Installed, version

WAYS = {"pip": ".venv/bin/runbus", "npm": "node_modules/.bin/runbus"}


def test_the_demo_runs_from_the_wheel(pip: Installed) -> None:
    assert pip.said.returncode == 0, pip.said.stderr + pip.said.stdout
    assert "execution_completed" in pip.said.stdout


def test_the_demo_runs_from_the_npm_package(npm: Installed) -> None:
    assert npm.said.returncode == 0, npm.said.stderr + npm.said.stdout
    assert "execution_completed" in npm.said.stdout


def test_the_program_and_its_packages_say_one_version(installations: dict[str, Installed]) -> None:
    for way, program in WAYS.items():
        done = installations[way].run(program, "--version")
        assert done.stdout == f"runbus {version()}\n", f"{way}: {done.stderr}"
    pip, npm = installations["pip"], installations["npm"]
    code = "import importlib.metadata as m, runbus, sys; print(m.version('runbus'), m.version('runbus-server'))"
    assert pip.run(".venv/bin/python", "-c", code).stdout.split() == [version()] * 2
    for name in ["runbus", "@runbus/cli-linux-x64", "@runbus/cli-linux-arm64"]:
        manifest = npm.folder / "node_modules" / name / "package.json"
        assert not manifest.exists() or json.loads(manifest.read_text())["version"] == version(), name


def test_npx_passes_arguments_and_the_exit_code_on(npm: Installed) -> None:
    assert npm.run("npx", "runbus", "no-such-command", "two words").returncode == 64
    assert npm.run("npx", "runbus", "--version").stdout == f"runbus {version()}\n"


def test_the_launcher_becomes_the_program_so_that_a_signal_reaches_it_once(npm: Installed) -> None:
    launcher = npm.folder / WAYS["npm"]
    environment = {**npm.environment, "RUNBUS_GATEWAY__LISTEN": "127.0.0.1:0", "RUNBUS_TELEMETRY__FILTER": "info"}
    errors = npm.folder / "dev.stderr"
    with errors.open("w") as stderr:
        started = subprocess.Popen([launcher, "dev", "--idle"], cwd=npm.folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True)
        # Ends the program, and so the wait for its line.
        too_long = threading.Timer(PATIENCE_S, os.killpg, (started.pid, signal.SIGKILL))
        too_long.start()
        try:
            assert started.stdout
            # It says where it listens when it is up; a program that ends first ends the line too.
            line = started.stdout.readline()
            assert line, f"no line within {PATIENCE_S} s: {errors.read_text()}"
            assert pathlib.Path(os.readlink(f"/proc/{started.pid}/exe")).parts[-3:-1][0].startswith("cli-linux-")
            os.killpg(started.pid, signal.SIGINT)
            rest, _ = started.communicate(timeout=PATIENCE_S)
        finally:
            too_long.cancel()
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()
    said = line + rest + errors.read_text()
    assert started.returncode == 0, said
    assert "cutting off" not in said, said


def stand_in(folder: pathlib.Path, name: str, script: str) -> None:
    """A program of the system that answers something else."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def fails(npm: Installed, folder: pathlib.Path) -> str:
    """The error of the launcher, with the programs of a folder in front of the system's."""
    environment = {**npm.environment, "PATH": f"{folder}:{npm.environment['PATH']}"}
    done = subprocess.run([npm.folder / WAYS["npm"], "--version"], env=environment, text=True, capture_output=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout) == (69, ""), done.stderr
    return done.stderr


def test_the_launcher_says_how_to_build_on_a_platform_without_a_program(npm: Installed, tmp_path: pathlib.Path) -> None:
    stand_in(tmp_path, "uname", '[ "$1" = -s ] && echo Darwin || echo arm64')
    said = fails(npm, tmp_path)
    assert "no program for this platform, Darwin on arm64" in said
    assert "cargo build --locked --release --package runbus-cli" in said


def test_the_launcher_says_that_glibc_is_too_old_and_how_to_build(npm: Installed, tmp_path: pathlib.Path) -> None:
    stand_in(tmp_path, "getconf", "echo glibc 2.9")
    said = fails(npm, tmp_path)
    assert "needs glibc 2." in said and "this system has glibc 2.9" in said
    assert "cargo build" in said


def test_the_launcher_says_that_another_c_library_is_there_and_how_to_build(npm: Installed, tmp_path: pathlib.Path) -> None:
    stand_in(tmp_path, "getconf", "exit 1")
    said = fails(npm, tmp_path)
    assert "another C library" in said and "cargo build" in said


def test_the_launcher_says_how_to_install_the_package_of_the_platform(built: pathlib.Path, npm: Installed, tmp_path: pathlib.Path) -> None:
    done = run_npm(npm, tmp_path, built / f"runbus-{version()}.tgz", "--omit=optional")
    assert done.returncode == 0, done.stderr
    done = subprocess.run([tmp_path / "node_modules/.bin/runbus", "demo"], env=npm.environment, text=True, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 69
    assert "@runbus/cli-linux-" in done.stderr and "--include=optional" in done.stderr


def run_npm(npm: Installed, folder: pathlib.Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = ["npm", "install", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=npm.environment, text=True, capture_output=True, timeout=PATIENCE_S)
