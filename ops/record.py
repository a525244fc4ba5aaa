#!/usr/bin/env python3
"""Records a command in a terminal and writes it as an animated SVG.

    ops/record.py OUT.svg COMMAND..        for example: ops/record.py docs/demo.svg target/debug/runbus demo

The command runs for real, in a terminal of 120 columns. The picture shows its lines at the times at which they came, then stays
at the last screen. Readers who ask for reduced motion see the last screen at once.
"""
import os, pty, re, select, struct, sys, tempfile, time
import fcntl, termios
from html import escape

COLUMNS, ROWS = 120, 34
LINE, CHAR, PAD = 18, 8.45, 14
TOKEN = re.compile(r"\x1b\[([0-9;]*)m")
OTHER = re.compile(r"\x1b\[[0-9;?]*[A-Za-ln-z]|\r")


def record(command):
    """The lines that the command prints: (seconds, text), each when it is complete or last touched."""
    program = os.path.abspath(command[0])
    folder = tempfile.mkdtemp()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(program, [program, *command[1:]])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    began, lines, rest = time.monotonic(), [], ""
    while True:
        readable, _, _ = select.select([terminal], [], [], 120)
        try:
            data = os.read(terminal, 65536) if readable else b""
        except OSError:
            data = b""
        if not data:
            break
        *complete, rest = (rest + data.decode("utf-8", "replace")).split("\n")
        at = time.monotonic() - began
        lines += [(at, OTHER.sub("", line)) for line in complete]
    _, status = os.waitpid(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return lines


def wrap(text):
    """A line as rows of the picture: cut between words, styles carried over."""
    rows, row, width, style = [], "", 0, ""
    for part in re.findall(r"\x1b\[[0-9;]*m|[^ \x1b]+ ?| +", text):
        if TOKEN.fullmatch(part):
            row, style = row + part, part
            continue
        if width + len(part.rstrip()) > COLUMNS and width:
            rows.append(row)
            row, width = style + "    ", 4
        row, width = row + part, width + len(part)
    return rows + [row]


def spans(row):
    """A row as SVG: dim and bold as in a terminal."""
    out, style = [], ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", row):
        token = TOKEN.fullmatch(part)
        if token:
            style = {"1": "b", "2": "d"}.get(token.group(1), "")
        elif part:
            text = escape(part).replace(" ", "\u00a0")
            out.append(f'<tspan class="{style}">{text}</tspan>' if style else text)
    return "".join(out)


def draw(title, lines):
    rows = [(at, row) for at, line in lines for row in wrap(line)]
    end = rows[-1][0]
    width, height = COLUMNS * CHAR + 2 * PAD, ROWS * LINE + 2 * PAD + 24
    # The screen scrolls: a step for each time at which lines come.
    steps = sorted({at for at, _ in rows})
    shown = [sum(1 for at, _ in rows if at <= step) for step in steps]
    frames = []
    for step, count in zip(steps, shown):
        offset = max(0, count - ROWS) * LINE
        frames.append(f"{100 * step / end:.2f}%{{transform:translateY(-{offset}px)}}")
    last = max(0, len(rows) - ROWS) * LINE
    body = []
    for index, (at, row) in enumerate(rows):
        y = (index + 1) * LINE - 4
        body.append(f'<text x="0" y="{y}" style="animation-delay:{at:.2f}s">{spans(row)}</text>')
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">
<title>{escape(title)}</title>
<style>
text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d6deeb;opacity:0;animation:show .01s forwards}}
.b{{font-weight:700;fill:#7fdbca}} .d{{fill:#7c8da6}}
#screen{{animation:scroll {end:.2f}s step-end forwards}}
@keyframes show{{to{{opacity:1}}}}
@keyframes scroll{{{"".join(frames)}100%{{transform:translateY(-{last}px)}}}}
@media (prefers-reduced-motion:reduce){{text{{animation:none;opacity:1}} #screen{{animation:none;transform:translateY(-{last}px)}}}}
</style>
<rect width="100%" height="100%" rx="8" fill="#0b1622"/>
<circle cx="20" cy="16" r="5" fill="#ff5f56"/><circle cx="38" cy="16" r="5" fill="#ffbd2e"/><circle cx="56" cy="16" r="5" fill="#27c93f"/>
<svg x="{PAD}" y="30" width="{COLUMNS * CHAR:.0f}" height="{ROWS * LINE + 6}" overflow="hidden"><g id="screen">
{chr(10).join(body)}
</g></svg>
</svg>
"""


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    out, command = sys.argv[1], sys.argv[2:]
    shown = ["runbus", *command[1:]]
    lines = [(0.0, "\x1b[2m$\x1b[0m \x1b[1m" + " ".join(shown) + "\x1b[0m"), *record(command)]
    with open(out, "w", encoding="utf-8") as file:
        file.write(draw("A terminal: " + " ".join(shown), lines))


if __name__ == "__main__":
    main()
