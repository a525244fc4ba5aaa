"""Checks the documentation and builds it as a site.

  python3 ops/docs/book.py check        the index has every page, tables have headers
  python3 ops/docs/book.py build DIR    the same, then mdbook builds the site into DIR, and every link of it is followed

docs/README.md is the index: its headings are the parts of the site, the pages that it names are the chapters. A chapter
that is the README of a folder has the pages of its folder below it. Called from the project's root.
"""

import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

import wrap

INDEX = "docs/README.md"
README_LINES = 250
# Pages, by the beginnings of their paths, whose prose is wrapped near 120 columns. `""` is every page.
WRAPPED = ["docs/tutorial/", "docs/guides/", "docs/scripted-model.md", "docs/library.md", "docs/glossary.md", "docs/README.md"]


def sources(root):
    """Every page, by its path from the root."""
    found = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("clients/*/README.md")]
    return {path.relative_to(root).as_posix(): path.read_text() for path in sorted(found)}


def prose(text):
    """The lines of a page that stand in no code block, with their numbers."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(```+)", line)
        if mark and fence is None:
            fence = mark[1]
        elif mark and line.strip() == fence:
            fence = None
        elif fence is None:
            yield number, line


def links_of(path, text):
    """The files that a page links to, in their order, by their paths from the root."""
    links = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", "\n".join(line for _, line in prose(text)))
    here = os.path.dirname(path)
    return list(dict.fromkeys(os.path.normpath(os.path.join(here, link)) for link in links if "://" not in link))


def pages_of(path, text):
    """The pages among them."""
    return [link for link in links_of(path, text) if link.endswith(".md")]


def files_of(root, pages):
    """The other files that pages link to: the site has them too."""
    linked = {link for path, text in pages.items() for link in links_of(path, text)}
    return sorted(link for link in linked - pages.keys() if (root / link).is_file())


def chapters(pages):
    """Parts of the book: a heading, and for each page of it the pages below it."""
    parts = []
    for _, line in prose(pages[INDEX]):
        if line.startswith("## "):
            parts.append((line[3:], []))
        elif line.startswith("|") and parts:
            for page in pages_of(INDEX, line):
                folder = os.path.dirname(page)
                is_folder = os.path.basename(page) == "README.md" and folder.startswith("docs/")
                below = pages_of(page, pages.get(page, "")) if is_folder else []
                parts[-1][1].append((page, [one for one in below if one.startswith(f"{folder}/")]))
    return parts


def faults(pages):
    """The faults of the pages."""
    listed = [INDEX, *(one for _, part in chapters(pages) for page, below in part for one in [page, *below])]
    for page in pages.keys() - set(listed):
        yield f"{INDEX}: does not name {page}"
    for page in sorted(set(listed) - pages.keys()):
        yield f"{INDEX}: names {page}, which does not exist"
    for page in sorted({page for page in listed if listed.count(page) > 1}):
        yield f"{INDEX}: names {page} twice"
    for page, text in pages.items():
        titles = [line for _, line in prose(text) if line.startswith("# ")]
        if len(titles) != 1:
            yield f"{page}: has {len(titles)} titles (`# `), must have one"
        if page.startswith(tuple(WRAPPED)) and wrap.wrap(text) != text:
            yield f"{page}: has prose of more than {wrap.COLUMNS} columns: python3 ops/docs/wrap.py {page}"
        previous = ""
        for number, line in prose(text):
            if re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", line.strip()):
                cells = re.split(r"(?<!\\)\|", previous.strip().strip("|"))
                if not all(cell.strip() for cell in cells):
                    yield f"{page}:{number - 1}: a column of the table has no header"
            previous = line
    if (lines := pages["README.md"].count("\n")) > README_LINES:
        yield f"README.md: has {lines} lines, at most {README_LINES} are allowed"


def title(text):
    return next(line[2:] for _, line in prose(text) if line.startswith("# ")).replace("`", "")


def contents(pages):
    """The table of contents for mdbook."""
    lines = ["# Summary", "", f"[{title(pages['README.md'])}](README.md)", f"[Index]({INDEX})"]
    for heading, part in chapters(pages):
        lines += ["", f"# {heading}", ""]
        for page, below in part:
            if page == "README.md":
                continue
            lines.append(f"- [{title(pages[page])}]({page})")
            lines += [f"  - [{title(pages[one])}]({one})" for one in below]
    return "\n".join(lines) + "\n"


def with_index(text):
    """A page whose links go to index.md in place of README.md: mdbook names only those as they are linked."""
    return re.sub(r"(\]\([^)\s]*?)README\.md", r"\1index.md", text)


class Links(html.parser.HTMLParser):
    """The links of a page of the site, and the places that others can link to."""

    def __init__(self):
        super().__init__()
        self.targets, self.places, self.is_content = [], set(), False

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.places.add(attributes.get("id"))
        self.is_content |= tag == "main"
        for name in ["href", "src"]:
            if self.is_content and attributes.get(name):
                self.targets.append(attributes[name])

    def handle_endtag(self, tag):
        self.is_content &= tag != "main"


def broken(site):
    """Links of the site that lead nowhere."""
    parsed = {}
    for path in site.rglob("*.html"):
        parsed[path] = Links()
        parsed[path].feed(path.read_text())
    for path, page in sorted(parsed.items()):
        for target in page.targets:
            url = urllib.parse.urlsplit(target)
            if url.scheme or url.netloc:
                continue
            to = (path.parent / urllib.parse.unquote(url.path)).resolve() if url.path else path
            if not to.is_file():
                yield f"{path.relative_to(site)}: {target} leads nowhere"
            elif url.fragment and to in parsed and urllib.parse.unquote(url.fragment) not in parsed[to].places:
                yield f"{path.relative_to(site)}: {target}: the page has no such heading"


def build(root, pages, out):
    mdbook = os.environ.get("RUNBUS_MDBOOK") or sys.exit("docs: RUNBUS_MDBOOK is not set: run ops/tools.sh run ops/docs/book.py")
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work).resolve()
        for name in [*pages, *files_of(root, pages)]:
            (work / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, work / "src" / name)
        for name, text in [*pages.items(), ("SUMMARY.md", contents(pages))]:
            (work / "src" / name).unlink(missing_ok=True)
            (work / "src" / name.replace("README.md", "index.md")).write_text(with_index(text))
        shutil.copy(root / "docs/book.toml", work)
        done = subprocess.run([mdbook, "build", work], capture_output=True, text=True)
        if done.returncode or " WARN " in done.stderr or " ERROR " in done.stderr:
            sys.exit(f"docs: mdbook build failed\n{done.stderr}")
        dead = list(broken(work / "site"))
        if dead:
            sys.exit("\n".join(f"docs: {one}" for one in dead))
        shutil.rmtree(out, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(work / "site", out)


def check_the_check():
    """A check that lets everything pass looks like one that finds nothing."""
    index = "# I\n\n## A\n\n| page | subject |\n|---|---|\n| [a](a.md), [n](../NO.md), [r](../README.md) | x |\n"
    pages = {"README.md": "# R\n" + "\n" * README_LINES, INDEX: index, "docs/a.md": "# A\n\n| | b |\n|---|---|\n", "docs/b.md": "# B\n"}
    found = "\n".join(faults(pages))
    for wanted in ["does not name docs/b.md", "names NO.md", "docs/a.md:3: a column", "README.md: has"]:
        assert wanted in found, f"{wanted!r} is not in {found!r}"


def main(root, command, *arguments):
    check_the_check()
    pages = sources(root)
    wrong = list(faults(pages))
    if wrong:
        sys.exit("\n".join(f"docs: {one}" for one in wrong))
    if command == "build":
        out = pathlib.Path(*arguments).absolute()
        build(root, pages, out)
        print(f"docs: {out}/index.html")
    print(f"docs: {len(pages)} pages, checked")


if __name__ == "__main__":
    main(pathlib.Path("."), *sys.argv[1:])
