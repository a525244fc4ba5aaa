"""The program for a package: its platform, without symbols. binutils (readelf, strip) read and change it."""

import os
import pathlib
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass

# The machine as readelf names it: its name in Python, in Node, in Rust.
MACHINES = {
    "Advanced Micro Devices X86-64": ("x86_64", "x64", "x86_64-unknown-linux-gnu"),
    "AArch64": ("aarch64", "arm64", "aarch64-unknown-linux-gnu"),
}
# A manylinux wheel may expect these of each system with glibc, and no other library.
LIBRARIES = re.compile(r"lib(c|m|dl|rt|pthread)\.so\.\d|libgcc_s\.so\.1|ld-linux-(x86-64|aarch64)\.so\.\d")


class Refused(Exception):
    """A package cannot be built: the message says why, and the next step."""


@dataclass(frozen=True)
class Platform:
    """The systems that a program runs on."""

    python: str
    node: str
    rust: str
    glibc: tuple[int, int]

    @property
    def tag(self) -> str:
        return f"manylinux_{self.glibc[0]}_{self.glibc[1]}_{self.python}"

    @property
    def is_native(self) -> bool:
        return platform.system() == "Linux" and platform.machine() == self.python


def read(path: pathlib.Path, *options: str) -> str:
    """The answer of readelf."""
    if not (readelf := shutil.which("readelf")):
        raise Refused("readelf is not found: install binutils (Debian: apt-get install binutils)")
    done = subprocess.run([readelf, "--wide", *options, path], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if done.returncode or "Error:" in done.stderr:
        raise Refused(f"{path} is no ELF program: {done.stderr.strip()}. Packages hold programs for Linux: build one with cargo build --release --package runbus-cli")
    return done.stdout


def platform_of(path: pathlib.Path) -> Platform:
    """The systems that a program runs on, from its machine and from the versions of glibc's symbols."""
    machine = re.search(r"Machine:\s+(.*)", read(path, "--file-header"))
    names = MACHINES.get(machine[1].strip()) if machine else None
    if names is None:
        raise Refused(f"{path} is for the machine {machine and machine[1]}, packages are for {', '.join(MACHINES)}: build the program for one of them")
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", read(path, "--dynamic"))
    if others := [name for name in needed if not LIBRARIES.fullmatch(name)]:
        raise Refused(f"{path} needs {', '.join(others)}, which not every system has: link it statically")
    # A weak reference holds nobody up: the program works without the symbol.
    versions = re.findall(r"Name: GLIBC_(\d+)\.(\d+)\S*\s+Flags: (?!WEAK)", read(path, "--version-info"))
    if not versions:
        raise Refused(f"{path} names no version of glibc, so the systems that it runs on are unknown: build it for a target of glibc ({names[2]})")
    return Platform(*names, max((int(major), int(minor)) for major, minor in versions))


def strip(path: pathlib.Path, stripped: pathlib.Path) -> None:
    """Writes the program without symbols and debug information, executable for all."""
    has_symbols = r"\s\.(symtab|debug_info|debug_line|debug_str)\s"
    command = os.environ.get("STRIP", "strip")
    if re.search(has_symbols, read(path, "--section-headers")):
        done = subprocess.run([command, "-o", stripped, path], capture_output=True, text=True) if shutil.which(command) else None
        if done is None or done.returncode:
            raise Refused(f"{command} cannot strip {path}: {done.stderr.strip() if done else 'it is not found'}. Set STRIP to a strip for this machine")
        if re.search(has_symbols, read(stripped, "--section-headers")):
            raise Refused(f"{stripped} still has symbols after {command}: set STRIP to a strip for this machine")
    else:
        shutil.copyfile(path, stripped)
    stripped.chmod(0o755)


def version_of(path: pathlib.Path) -> str:
    """The version that a program for this machine says."""
    done = subprocess.run([path.absolute(), "--version"], capture_output=True, text=True, timeout=60)
    words = done.stdout.split()
    if done.returncode or len(words) != 2 or words[0] != "runbus":
        raise Refused(f"{path} --version says {done.stdout!r} {done.stderr!r}: it is not the program runbus")
    return words[1]
