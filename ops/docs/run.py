"""Runs the commands of documentation pages, each page as its reader would: in a folder and with a port of its own.

  python3 ops/docs/run.py [PAGE..]      default: all tutorials and guides, and the pages of `PAGES`

A code block says by its first line what becomes of it:

  ```sh              runs in the page's first terminal; it must end well
  ```sh stays        runs in a terminal of its own, until the page ends; the same block again starts it again
  ```text            behind one of these: its output; `...` stands for any text, a line of `...` for any lines
  ```text continued  all output, by now, of the terminal that was opened last
  ```yaml NAME       a file NAME of the folder, in any language
  ```rust FOLDER/..  a part of a file of the project, word by word
  ```ts client       runs in the tests of the TypeScript client
  ```text no-run     is shown only

Every other block of such a page is a fault. A block may stand in a comment, which readers do not see. Called from the project's root, with the program and the examples built.
"""

import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path.cwd()
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")).absolute() / "debug"
PROGRAM = os.environ.get("RUNBUS_BINARY", str(TARGET / "runbus"))
# Ports that pages name: the gateway, and a page of the reader.
PORTS = ["8700", "8080"]
# Beside all of docs/tutorial and docs/guides.
PAGES = ["docs/library.md", "docs/scripted-model.md"]
# Generous: the machine may be busy. Nothing waits that long when all is well.
PATIENCE_S = 180


class Fault(Exception):
    """A page is not true."""


def blocks(text):
    """The code blocks of a page: line, words of the first line, content."""
    found = re.finditer(r"^```(\S[^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, one.start()) + 1, one[1].split(), one[2]) for one in found]


def follows(lines, at, group):
    """Whether a group of expected lines stands at a place of the output."""
    part = lines[at : at + len(group)]
    pattern = [".*".join(re.escape(text) for text in line.split("...")) for line in group]
    return len(part) == len(group) and all(re.fullmatch(want, have) for want, have in zip(pattern, part))


def matches(expected, lines, is_whole):
    """Whether output is as expected; with more behind it, when it is not whole yet."""
    groups = [group.strip("\n").splitlines() if group.strip("\n") else [] for group in re.split(r"^\.\.\.$\n?", expected, flags=re.MULTILINE)]
    at = len(groups[0])
    if not follows(lines, 0, groups[0]):
        return False
    for group in groups[1:]:
        at = next((n + len(group) for n in range(at, len(lines) + 1) if follows(lines, n, group)), None)
        if at is None:
            return False
    last = groups[-1]
    return not is_whole or (len(groups) > 1 and (not last or follows(lines, len(lines) - len(last), last))) or at == len(lines)


def stop(started):
    """Asks everything that was started in a session of its own to end, then ends it."""
    for kind in [signal.SIGTERM, signal.SIGKILL]:
        try:
            os.killpg(started.pid, kind)
            started.wait(20)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
    started.wait()


# Shells that may still run; each has a process group of its own.
SHELLS = []


def abandon(*_):
    """A signal ends the run: nothing that a page started outlives it."""
    for shell in SHELLS:
        try:
            os.killpg(shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(1)


class Terminal:
    """A shell that is fed block by block."""

    def __init__(self, folder, environment, name):
        self.errors = folder / f".{name}.stderr"
        self.lines, self.news = [], threading.Condition()
        with self.errors.open("w") as errors:
            self.shell = subprocess.Popen(
                ["bash", "-eo", "pipefail"], cwd=folder, env=environment, text=True, bufsize=1, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )
        SHELLS.append(self.shell)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.shell.stdout:
            with self.news:
                self.lines.append(line.rstrip("\n"))
                self.news.notify()
        with self.news:
            self.lines.append(None)
            self.news.notify()

    def feed(self, text):
        self.shell.stdin.write(text)
        self.shell.stdin.flush()

    def until(self, holds):
        """Waits until the output so far is as wanted: all of it."""
        with self.news:
            if not self.news.wait_for(lambda: holds(self.lines) or None in self.lines, PATIENCE_S) or not holds(self.lines):
                raise Fault(f"found:\n{self.said()}")
            return self.lines

    def until_says(self, expected):
        self.until(lambda lines: matches(expected, [line for line in lines if line is not None], False))

    def said(self):
        return "\n".join(line for line in self.lines if line is not None) + f"\nand on stderr:\n{self.errors.read_text()[-4000:]}"

    def run(self, text):
        """Runs a block to its end; its output."""
        mark = f"end-{time.monotonic_ns()}"
        self.lines.clear()
        # A command that reads stdin must not read the commands behind it.
        self.feed("{ " + text.rstrip() + "\n} </dev/null\n" + f"printf '\\n%s\\n' {mark}\n")
        lines = self.until(lambda lines: lines[-1:] == [mark])
        found = lines[: -2 if lines[-2:-1] == [""] else -1]
        self.lines.clear()
        return found

    def end(self):
        stop(self.shell)
        # Its number may be another process's from now on.
        SHELLS.remove(self.shell)


def free_ports(pages):
    """Ports for each page: no other page has them, and no connection takes one before the page's server does."""
    count = len(PORTS) * pages
    found = subprocess.run([sys.executable, "ops/free_ports.py", str(count)], check=True, capture_output=True, text=True).stdout.split()
    return [dict(zip(PORTS, found[at : at + len(PORTS)])) for at in range(0, count, len(PORTS))]


# `cargo run` of pages and of make, with what the workspace's build has made.
CARGO = """
case "$*" in
  "run --locked --package runbus-cli -- "*) exec {program} "${{@:6}}" ;;
  "run --example "*)
    example=$3
    shift 3
    [[ ${{1:-}} != -- ]] || shift
    exec {examples}/"$example" "$@" ;;
esac
echo "no page has used 'cargo $*' so far: see CARGO in ops/docs/run.py" >&2
exit 2"""


def surroundings(folder, port):
    """The environment of a reader: the program on the path, and commands for the project run in the project."""
    tools = folder / ".bin"
    tools.mkdir()
    for name in ["clients", "examples"]:
        (folder / name).symlink_to(ROOT / name)
    make = f'RUNBUS_EMBEDDED__DATA_DIR={folder}/.runbus PATH=$REAL_PATH exec "$REAL_MAKE" --no-print-directory -C {ROOT} CARGO={tools}/cargo "$@"'
    cargo = CARGO.format(program=PROGRAM, examples=TARGET / "examples")
    for name, command in [("runbus", f'exec {PROGRAM} "$@"'), ("cargo", cargo), ("make", make)]:
        (tools / name).write_text(f"#!/usr/bin/env bash\n{command}\n")
        (tools / name).chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RUNBUS_", "OPENAI_", "MAKE", "MFLAGS"))}
    which = lambda name: subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
    return {
        **clean, "PATH": f"{tools}:{os.environ['PATH']}", "RUNBUS_GATEWAY__LISTEN": f"127.0.0.1:{port}", "RUNBUS_TELEMETRY__FILTER": "warn",
        "REAL_MAKE": which("make"),
        "REAL_PATH": os.environ["PATH"],
    }


class Page:
    """A page at work."""

    def __init__(self, page, folder, ports):
        self.folder, self.ports = folder, ports
        self.environment = surroundings(folder, self.ports[PORTS[0]])
        source = re.sub("|".join(rf"\b{port}\b" for port in PORTS), lambda port: self.ports[port[0]], (ROOT / page).read_text())
        self.blocks = blocks(source)
        self.first = Terminal(folder, self.environment, "first")
        self.opened, self.last = {}, None

    def run(self, n):
        _, words, text = self.blocks[n]
        behind = self.blocks[n + 1] if n + 1 < len(self.blocks) else (0, [], "")
        expected = behind[2] if behind[1] == ["text"] else None
        match words:
            case [_, "no-run"] | ["text"] | ["ts", "client"]:
                pass
            case ["sh"]:
                lines = self.first.run(text)
                if expected is not None and not matches(expected, lines, True):
                    raise Fault(f"expected:\n{expected}\nfound:\n" + "\n".join(lines))
            case ["sh", "stays"]:
                again = text in self.opened
                if again:
                    self.opened[text].end()
                own = self.opened[text] = Terminal(self.folder, self.environment, f"terminal-{n}")
                self.last = self.last if again else own
                own.feed(f"exec {text}")
                if expected is not None:
                    own.until_says(expected)
            case ["text", "continued"]:
                self.last.until_says(text)
            case [_, name] if (ROOT / name).is_file():
                if text not in (ROOT / name).read_text():
                    raise Fault(f"{name} does not contain this")
            case [_, name]:
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name).write_text(text)
            case _:
                raise Fault("is neither a command nor a file, and has no mark `no-run`")

    def end(self):
        for one in [*self.opened.values(), self.first]:
            one.end()


def run_page(page, ports):
    """Runs a page; its first fault."""
    with tempfile.TemporaryDirectory(prefix="runbus-docs-") as folder:
        at_work = Page(page, pathlib.Path(folder).resolve(), ports)
        try:
            for n, (line, words, _) in enumerate(at_work.blocks):
                try:
                    at_work.run(n)
                except Fault as fault:
                    return f"{page}:{line}: ```{' '.join(words)}\n{fault}"
        finally:
            at_work.end()
    return None


def main(pages):
    pages = pages or [*PAGES, *sorted(str(path) for folder in ["docs/tutorial", "docs/guides"] for path in pathlib.Path(folder).glob("*.md"))]
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        faults = [fault for fault in pool.map(run_page, pages, free_ports(len(pages))) if fault]
    for fault in faults:
        print(f"docs: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"docs: the commands of {len(pages)} pages ran in {time.monotonic() - began:.0f} s")


assert matches("a\n...\nd ...\n", ["a", "b", "c", "d e"], True)
assert not matches("a\n", ["a", "b"], True) and matches("a\n", ["a", "b"], False)
assert not matches("a\n...\nb\n", ["a", "b", "c"], True) and matches("...\nb\n...\n", ["a", "b", "c"], True)

if __name__ == "__main__":
    for kind in [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]:
        signal.signal(kind, abandon)
    main(sys.argv[1:])
