"""Prints that many free loopback ports: free_ports.py COUNT.

They are taken from below the range that the system hands out for outgoing connections. A port from inside it may be gone a
moment later, most of all while a killed server that should get it back is down.
"""

import pathlib
import random
import socket
import sys

RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 15000

first = int(RANGE.read_text().split()[0]) if RANGE.exists() else 32768
candidates = list(range(LOWEST, max(first, LOWEST + 1000)))
random.shuffle(candidates)
held = []
for port in candidates:
    if len(held) == int(sys.argv[1]):
        break
    attempt = socket.socket()
    # As servers do: a port whose old connections linger is free.
    attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        attempt.bind(("127.0.0.1", port))
    except OSError:
        continue
    held.append(attempt)
if len(held) < int(sys.argv[1]):
    sys.exit(f"only {len(held)} ports are free")
print(*(attempt.getsockname()[1] for attempt in held))
