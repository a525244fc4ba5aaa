"""Runbus in a container and on a disk that fills up. `unshare` makes the namespaces; where the kernel refuses them, two cases cannot run."""

from __future__ import annotations

import os
import pathlib
import resource
import signal
import subprocess
import time
from collections.abc import Callable

from deployment import Deployment, Gateway, helper
from test_gauges import WAITER_SCRIPT, ended
from test_processes import EMBEDDED
from world import BINARY, PATIENCE_S, NotAllowed, Program, World, until

UNREADY_S = 5
"""A process that cannot store anything is unready within this time, in seconds."""

SPAWNER = "kind: agent\nname: spawner\nsystem: Start it.\ntools: [helper__orphan]\n"

DISK = "8m"
"""Size of the small disk."""

LITTLE_BYTES = 1024 * 1024
"""Space that takes single events, and less than a process needs to be ready."""


def unshare(*namespaces: str) -> list[str]:
    """The command that starts another one in namespaces of its own. Only root needs no user namespace for that."""
    return ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), *namespaces]


def allowed(namespaces: list[str], shell: str) -> None:
    """The kernel, or the container that the tests run in, may refuse namespaces or mounts: nothing that a machine can install."""
    tried = subprocess.run([*unshare(*namespaces), "sh", "-ec", f"{shell}true"], capture_output=True, text=True, timeout=PATIENCE_S)
    if tried.returncode != 0:
        raise NotAllowed(f"{' '.join(tried.args)}: {tried.stderr.strip()}")


def contained(site: Deployment, namespaces: list[str], shell: str, command: str, own: dict) -> Program:
    """A process of Runbus behind a line of shell, in namespaces of its own."""
    allowed(namespaces, shell)
    words = [*unshare(*namespaces), "sh", "-ec", f'{shell}exec "$@"', "sh", BINARY, command, "--config", site.config(own)]
    return site.world.program(*words)


def listening(program: Program) -> Gateway:
    """The gateway of a process, once it is ready."""
    made = Gateway(program.wait_for(r"gateway listens address=(\S+)")[1])
    made.program = program
    made.wait_until(200, "ready")
    return made


def publishes(gateway: Gateway) -> None:
    """The log takes an event."""
    gateway.post("/v1/events", {"events": [{"type": "custom", "stream_id": "s", "data": {}}]})


def follows_the_disk(process: Gateway, fill: Callable[[], None], words: str, free: Callable[[], None]) -> None:
    """A process is unready, with the reason, as long as the disk takes nothing, and ready behind that, by itself."""
    fill()
    begun = time.monotonic()
    checks = process.wait_until(503, "not_ready")
    took = time.monotonic() - begun
    assert took < UNREADY_S, f"unready after {took:.1f} s"
    assert words in checks["log"], checks
    # The process lives: load balancers take it out, nobody restarts it.
    assert process.ask("GET", "/healthz")[0] == 200
    free()
    process.wait_until(200, "ready")


def test_a_full_disk_makes_the_embedded_backend_unready_until_there_is_room(world: World) -> None:
    site = Deployment(world, EMBEDDED)
    (world.folder / "data").mkdir()
    mount = f"mount -t tmpfs -o size={DISK},mode=0700 tmpfs {world.folder}/data\n"
    gateway = listening(contained(site, ["--mount"], mount, "gateway", {"gateway.listen": "127.0.0.1:0"}))
    # The disk as the process sees it.
    ballast = pathlib.Path(f"/proc/{gateway.program.process.pid}/root{world.folder}/data/ballast")

    def fill() -> None:
        with open(ballast, "wb", buffering=0) as file:
            try:
                while file.write(bytes(65_536)):
                    pass
            except OSError:
                pass

    publishes(gateway)
    follows_the_disk(gateway, fill, "is full", free=ballast.unlink)
    publishes(gateway)

    def leave_little() -> None:
        fill()
        os.truncate(ballast, ballast.stat().st_size - LITTLE_BYTES)

    # Single events still fit.
    follows_the_disk(gateway, leave_little, "bytes are left", free=ballast.unlink)
    publishes(gateway)


def test_a_disk_that_refuses_writes_makes_the_embedded_backend_unready_until_it_takes_them(world: World) -> None:
    site = Deployment(world, EMBEDDED)
    gateway, worker = site.both()
    for process in (gateway, worker):
        pid = process.program.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)

        def limit(most: int) -> None:
            """How many bytes a file of the process may have."""
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, before[1]))

        follows_the_disk(process, lambda: limit(0), "disk", free=lambda: limit(before[0]))
    site.completes(gateway)


def children(parent: int) -> list[int]:
    """The processes that have this parent."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and status(int(entry.name)).get("PPid") == str(parent):
            found.append(int(entry.name))
    return found


def status(process: int) -> dict[str, str]:
    """The lines of /proc/PROCESS/status; none of a process that is gone."""
    try:
        text = pathlib.Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def test_a_worker_that_is_process_1_reaps_the_orphans_of_its_mcp_servers(world: World) -> None:
    site = Deployment(world, EMBEDDED)
    gateway = site.gateway()
    script = "answers:\n" + WAITER_SCRIPT.replace("waiter", "spawner").replace("helper__wait", "helper__orphan")
    own = {**helper(world), "worker.definitions": [str(world.file("spawner.yaml", SPAWNER))], "model.script": str(world.file("script.yaml", script))}
    outside = contained(site, ["--pid", "--fork", "--mount-proc", "--kill-child"], "", "worker", own)
    outside.wait_for("worker is ready")
    (first,) = children(outside.process.pid)
    assert status(first)["NSpid"].split()[-1] == "1", "Runbus is process 1"
    gateway.post("/v1/executions", {"definition": "spawner", "execution_id": "spawned", "input": "Start."})
    ended(gateway, "spawned")
    place = world.folder / "orphan"
    until("the orphan", lambda: place.exists() or None)
    inside, parent = place.read_text().split()
    assert parent == "1", f"the orphan's parent is {parent}"
    (orphan,) = [child for child in children(first) if status(child)["NSpid"].split()[-1] == inside]
    assert status(orphan)["State"].startswith(("S", "R", "D")), status(orphan)
    world.file("go", "")
    try:
        until("the end of the orphan", lambda: None if status(orphan) else True)
    except AssertionError as error:
        raise AssertionError(f"{error}; its state: {status(orphan).get('State')}") from None
    # Its end ends the worker and its container, with the worker's code.
    os.kill(first, signal.SIGTERM)
    assert outside.process.wait(PATIENCE_S) == 0, outside.lines
