#!/usr/bin/env python3
"""Plain words: no statement of a comment, an error text or a page begins with What, Who or Whoever; questions may.

    python3 ops/prose.py            fails on such a statement, except in the files of ops/prose.todo
    python3 ops/prose.py --todo     rewrites ops/prose.todo: the files with such statements

docs/glossary.md has the terms, CONTRIBUTING.md the rules.
"""

import pathlib
import re
import subprocess
import sys

TODO = pathlib.Path("ops/prose.todo")

SUBJECT = r"(?:What|Who|Whoever|Whatever|Whose)"
# A statement: it ends without a question mark.
STATEMENT = re.compile(rf"(?:^|[.!?:|][\"”)`*]*\s+|\*\*){SUBJECT}\b[^.?!]*(?=[.!]|$)")
PHRASES = re.compile(r"\bit is told\b|\bstands against (?:it|them|the)\b|\bhas a word\b|\bas many \w+ as (?:it|they) may\b")
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
LOWER = re.compile(r"^(?:what|who|whoever|What|Who|Whoever) [a-z' ]+[^?]*$")
COMMENTS = {
    ".rs": r"\s*//[/!]?\s?(.*)",
    ".ts": r"\s*(?://|/\*\*?|\*)\s?(.*)",
    ".mjs": r"\s*(?://|/\*\*?|\*)\s?(.*)",
    ".svelte": r"\s*(?://|/\*\*?|\*|<!--)\s?(.*)",
    ".py": r'\s*(?:#|""")\s?(.*)',
    ".sh": r"\s*#\s?(.*)",
    ".toml": r"\s*#\s?(.*)",
    ".yaml": r"\s*#\s?(.*)",
    ".yml": r"\s*#\s?(.*)",
    ".conf": r"\s*#\s?(.*)",
}
# Words of a model, and a person's question to it.
EXEMPT = re.compile(r"^(?:vendor/|examples/.*-script\.yaml|workers/recordings/|clients/vectors/|ops/prose\.py)")


def paragraphs(path, lines):
    """The prose of a file: (number of the first line, text) for each paragraph."""
    suffix = path[path.rfind(".") :]
    begin, words, fenced = 0, [], False
    for number, line in enumerate([*lines, ""], 1):
        text = None
        if suffix == ".md":
            if line.lstrip().startswith("```"):
                fenced = not fenced
            text = None if fenced else line
        else:
            found = re.match(COMMENTS[suffix], line)
            text = found.group(1) if found else None
        plain = (text or "").strip()
        if words and (not plain or re.match(r"[-*|#>]|\d{1,2}\. ", plain)):
            yield begin, " ".join(words)
            words = []
        if plain:
            begin = begin if words else number
            words.append(re.sub(r"^(?:[-*#>]+|\d{1,2}\.) +", "", plain))


def faults(path, text):
    lines = text.split("\n")
    for number, prose in paragraphs(path, lines):
        for found in [*STATEMENT.finditer(prose), *PHRASES.finditer(prose)]:
            yield number, found.group(0).strip()
    if path.endswith(".rs"):
        for number, line in enumerate(lines, 1):
            if line.lstrip().startswith("//"):
                continue
            for found in TEXT.finditer(line):
                if LOWER.match(found.group(1)) or PHRASES.search(found.group(1)):
                    yield number, found.group(0)


def main():
    names = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split("\n")
    found = {}
    for path in names:
        suffix = path[path.rfind(".") :] if "." in path else ""
        if (suffix == ".md" or suffix in COMMENTS) and not EXEMPT.match(path):
            found[path] = list(faults(path, pathlib.Path(path).read_text(errors="replace")))
    faulty = {path for path, sentences in found.items() if sentences}
    if "--todo" in sys.argv:
        TODO.write_text("".join(f"{path}\n" for path in sorted(faulty)))
        return
    todo = set(TODO.read_text().split())
    for path in sorted(faulty - todo):
        for number, sentence in found[path]:
            print(f"{path}:{number}: {sentence[:100]}", file=sys.stderr)
    if faulty - todo:
        sys.exit("prose: sentences with What, Who or Whoever as their subject: name the thing (docs/glossary.md)")
    if todo - faulty:
        print(f"prose: these files are clean, remove them from {TODO}: {', '.join(sorted(todo - faulty))}")
    print("prose: checked")


main()
