"""Runbus on real servers, as its operator runs it: README.md. `make test-operation` starts this file through ops/tools.sh.

    python3 tests/operation [-k TEXT] [--jobs N]
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib
import pathlib
import sys
import tempfile
import time
import traceback

from world import BINARY, NotAllowed, World

MODULES = ["test_nats", "test_leaf", "test_redis", "test_proxies", "test_gauges", "test_processes", "test_ids", "test_containers"]


def cases(wanted: str) -> list:
    """(name, function) of every `test_*`."""
    found = []
    for module in MODULES:
        for name, function in vars(importlib.import_module(module)).items():
            if name.startswith("test_") and wanted in f"{module}.{name}":
                found.append((f"{module}.{name}", function))
    return found


def run(name: str, function) -> bool:
    """Runs one case in a folder of its own; a failure shows the last lines of its processes."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="runbus-operation-") as folder:
        world = World(pathlib.Path(folder))
        try:
            function(world)
        except NotAllowed as error:
            print(f"NOT RUN {name}: this machine refuses {error}", flush=True)
            return True
        except BaseException:
            print(f"FAILED  {name}\n{traceback.format_exc()}{world.lines()}", flush=True)
            return False
        finally:
            world.close()
    print(f"ok      {name} ({time.monotonic() - begun:.1f} s)", flush=True)
    return True


def main() -> int:
    reader = argparse.ArgumentParser(prog="tests/operation")
    reader.add_argument("-k", metavar="TEXT", default="", help="only cases whose name has this text")
    reader.add_argument("--jobs", type=int, default=4, help="cases at the same time")
    arguments = reader.parse_args()
    if not BINARY.is_file():
        sys.exit(f"{BINARY} is missing: build it, or set RUNBUS_BINARY")
    todo = cases(arguments.k)
    begun = time.monotonic()
    # Processes wait for each other most of the time.
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        done = list(pool.map(lambda case: run(*case), todo))
    print(f"operation: {sum(done)} of {len(done)} cases passed ({time.monotonic() - begun:.0f} s)", flush=True)
    return 0 if done and all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
