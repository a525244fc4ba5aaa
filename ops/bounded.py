#!/usr/bin/env python3
"""Runs a program of tests and ends it when one test does not end: bounded.py PROGRAM [ARGUMENT...].

cargo starts every program of tests through it (`make test`). libtest has no limit of its own: a test that waits for an
event that never comes would hold the run until the machine's limit, and nobody would see its name. libtest says which test
is running for over 60 seconds; from then on the test has the rest of its limit.

RUNBUS_TEST_LIMIT  seconds that one test may take (default 1200)
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time

LIMIT = float(os.environ.get("RUNBUS_TEST_LIMIT", "1200"))
# libtest's own: it cannot be changed.
TOLD_AFTER = 60
GRACE = 5

LONG = re.compile(rb"test (\S+) has been running for over \d+ seconds")
ENDED = re.compile(rb"test (\S+)(?: - should panic)? \.\.\. ")


def stacks(process: int) -> list[str]:
    """Each thread and the kernel function that it waits in."""
    lines = []
    try:
        threads = sorted(os.listdir(f"/proc/{process}/task"), key=int)
    except OSError:
        return lines
    for thread in threads:
        values = []
        for name in ("comm", "wchan"):
            try:
                with open(f"/proc/{process}/task/{thread}/{name}") as file:
                    values.append(file.read().strip())
            except OSError:
                values.append("?")
        lines.append(f"  thread {values[0]}: {values[1]}")
    return lines


def read(child: subprocess.Popen[bytes], deadlines: dict[str, float]) -> None:
    output = sys.stdout.buffer
    for line in child.stdout:
        output.write(line)
        output.flush()
        if told := LONG.search(line):
            deadlines[told[1].decode()] = time.monotonic() + LIMIT - TOLD_AFTER
        elif ended := ENDED.search(line):
            deadlines.pop(ended[1].decode(), None)


def main() -> int:
    child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: child.send_signal(number))
    deadlines: dict[str, float] = {}
    reader = threading.Thread(target=read, args=(child, deadlines), daemon=True)
    reader.start()
    while True:
        try:
            status = child.wait(1)
            break
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        if late := sorted(name for name, deadline in list(deadlines.items()) if deadline < now):
            for name in late:
                print(f"error: the test {name} did not end within {LIMIT:g} s (RUNBUS_TEST_LIMIT)", file=sys.stderr)
            print(*stacks(child.pid), sep="\n", file=sys.stderr, flush=True)
            child.kill()
            child.wait()
            return 1
    # A server that outlives its test may hold the pipe: what the tests said is in it by now.
    reader.join(GRACE)
    return status if status >= 0 else 128 - status


sys.exit(main())
