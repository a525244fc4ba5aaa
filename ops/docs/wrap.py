"""Wraps the prose of documentation pages near 120 columns. Tables, code and headings stay as they are.

  python3 ops/docs/wrap.py PAGE..

Only a paragraph or list item with a longer line is wrapped again. Code and addresses of links are not broken, and no line begins with a
word that would begin a list, a heading or a quotation.
"""

import pathlib
import re
import sys

COLUMNS = 120
# One word: code spans and links' addresses hold no break.
WORD = re.compile(r"(?:``[^`]*``|`[^`]*`|\]\([^)]*\)|[^\s`])+|`")
BEGINS_A_BLOCK = re.compile(r"([-+*>|#]|\d+[.)]|=+|-+)$|[#>|]|<!--|```")
ITEM = re.compile(r"(\s*)([-*+]|\d+\.)(\s+)")


def fill(text, first, rest):
    """The text as lines: `first` stands before the first one, `rest` before the others."""
    words = WORD.findall(text)
    lines, line = [], first + words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) > COLUMNS and not BEGINS_A_BLOCK.match(word):
            lines.append(line)
            line = rest + word
        else:
            line += f" {word}"
    return [*lines, line]


def wrapped(block):
    """A paragraph or list item, wrapped again when a line of it is too long."""
    if max(map(len, block)) <= COLUMNS or any(line.endswith(("  ", "\\")) for line in block):
        return block
    item = ITEM.match(block[0])
    first = item[0] if item else re.match(r"\s*", block[0])[0]
    rest = " " * len(first)
    if "  " in block[0][len(first) :].strip() and "`" not in block[0]:
        return block
    return fill(" ".join([block[0][len(first) :], *(line.strip() for line in block[1:])]), first, rest)


def wrap(text):
    """A page with its long prose wrapped."""
    out, block, fence, is_comment = [], [], None, False

    def flush():
        if block:
            out.extend(wrapped(block))
            block.clear()

    for line in text.split("\n"):
        mark = re.match(r"\s*(```+)", line)
        if fence or mark or is_comment:
            flush()
            out.append(line)
            if fence is None and mark:
                fence = mark[1]
            elif fence and line.strip() == fence:
                fence = None
            is_comment = is_comment and "-->" not in line
        elif not line.strip() or re.match(r"\s*[|#<>]|\s*!\[|\[[^\]]+\]: |(===|---)", line):
            flush()
            out.append(line)
            is_comment = "<!--" in line and "-->" not in line
        elif ITEM.match(line):
            flush()
            block.append(line)
        else:
            block.append(line)
    flush()
    return "\n".join(out)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        page = pathlib.Path(name)
        old = page.read_text()
        new = wrap(old)
        assert new.split() == old.split(), f"{name}: words were changed"
        assert wrap(new) == new, f"{name}: wrapping again changes it"
        page.write_text(new)
