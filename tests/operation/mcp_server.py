"""An MCP server on standard input and output, for the tests: `python3 mcp_server.py FOLDER`.

| tool | effect |
|---|---|
| `wait` | writes FOLDER/waits, and answers once FOLDER/go exists |
| `orphan` | starts a process whose parent ends; that process writes its id and its new parent to FOLDER/orphan, and ends once FOLDER/go exists |

Every process that it starts ends by itself after LONGEST_S.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import time

LONGEST_S = 300
PEER = "text that only the peer's own description has"
"""In the answer to `initialize`: lines that have it are dumps of the peer."""

FOLDER = pathlib.Path(sys.argv[1]) if __name__ == "__main__" else None


def until_file(name: str) -> None:
    end = time.monotonic() + LONGEST_S
    while not (FOLDER / name).exists() and time.monotonic() < end:
        time.sleep(0.02)


def write(name: str, text: str) -> None:
    """At once: no reader finds half of it."""
    part = FOLDER / f"{name}.part"
    part.write_text(text)
    part.rename(FOLDER / name)


def wait() -> str:
    write("waits", "")
    until_file("go")
    return "waited"


def orphan() -> str:
    parent = os.fork()
    if parent == 0:
        middle = os.getpid()
        if os.fork() == 0:
            # Its standard output is the server's: it must not speak.
            end = time.monotonic() + LONGEST_S
            while os.getppid() == middle and time.monotonic() < end:
                time.sleep(0.02)
            write("orphan", f"{os.getpid()} {os.getppid()}")
            until_file("go")
        os._exit(0)
    os.waitpid(parent, 0)
    return "started"


TOOLS = {"wait": wait, "orphan": orphan}


def answer(request: dict) -> dict:
    method, parameters = request["method"], request.get("params") or {}
    if method == "initialize":
        server = {"name": "helper", "version": "1"}
        version = parameters["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server, "instructions": PEER}
    if method == "tools/list":
        return {"tools": [{"name": name, "description": name, "inputSchema": {"type": "object"}} for name in TOOLS]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": TOOLS[parameters["name"]]()}]}
    return {}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "id" in request and "method" in request:
            print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer(request)}), flush=True)


if __name__ == "__main__":
    main()
