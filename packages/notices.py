"""The notices about others' code in the program: each crate with its licence and the texts that it comes with.

  python3 packages/notices.py TARGET       for instance x86_64-unknown-linux-gnu; prints the file
"""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The licences of the packages in the console, when the console is built.
CONSOLE = ROOT / "gateway/console-dist/licences.txt"
LICENCE = re.compile(r"(un)?licen[cs]e|copying|notice", re.IGNORECASE)
# Folders of a crate whose files are in no program.
SKIPPED = {".git", "benches", "examples", "target", "testdata", "tests"}
LINE = "-" * 80
MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


def run(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def crates(target):
    """The crates in the program for a target: what Cargo builds for it, without macros and build scripts."""
    tree = run(
        "cargo", "tree", "--locked", "--quiet", "--package", "runbus-cli", "--edges", "normal,no-proc-macro", "--target", target,
        "--prefix", "none", "--format", "{p}",
    )  # fmt: skip
    named = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    known = json.loads(run("cargo", "metadata", "--locked", "--quiet", "--format-version", "1", "--filter-platform", target))
    members = set(known["workspace_members"])
    packages = {(one["name"], f"v{one['version']}"): one for one in known["packages"]}
    return [packages[key] for key in sorted(named) if packages[key]["id"] not in members]


def texts(crate):
    """The texts of licences in a crate, with those of the C code that it carries."""
    found = []
    for folder, folders, names in os.walk(pathlib.Path(crate["manifest_path"]).parent):
        folders[:] = sorted(set(folders) - SKIPPED)
        for name in sorted(names):
            # `license.rs` is code.
            if LICENCE.match(name) and not re.search(r"\.(rs|c|h|py|json|toml|yml)$", name):
                found.append((pathlib.Path(folder) / name).read_text(errors="replace").replace("\r\n", "\n").strip())
    return [text for text in found if text] or [own_text(crate)]


def own_text(crate):
    """The text for a crate that comes without one."""
    authors = ", ".join(re.sub(r"\s*<.*?>", "", author) for author in crate["authors"]) or f"The authors of {crate['name']}"
    if "Apache-2.0" in crate["license"]:
        return "The Apache License, version 2.0: the file LICENSE beside this one."
    if crate["license"] == "MIT":
        return f"Copyright (c) {authors}\n\n{MIT}"
    raise SystemExit(f"notices: the crate {crate['name']} has the licence {crate['license']} and no text of it: add the text to packages/notices.py")


def notices(target):
    """The whole file."""
    by_text = {}
    used = crates(target)
    for crate in used:
        for text in dict.fromkeys(texts(crate)):
            by_text.setdefault(text, []).append(f"{crate['name']} {crate['version']}")
    compiler = run("rustc", "--version").split()[1]
    parts = [
        "Code of others in the program runbus\n\nThe program is licensed under the Apache License, version 2.0 (LICENSE). It contains the following:",
        "\n".join(f"{crate['name']} {crate['version']} ({crate['license']})" for crate in used)
        + f"\nthe standard library of Rust {compiler} (MIT OR Apache-2.0)",
        f"The standard library of Rust {compiler}\n\nCopyright (c) The Rust Project Contributors\n\n{MIT}",
        *(f"{', '.join(names)}\n\n{text}" for text, names in by_text.items()),
    ]
    if CONSOLE.is_file():
        parts.append(CONSOLE.read_text().strip())
    return f"\n\n{LINE}\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(notices(sys.argv[1]))
