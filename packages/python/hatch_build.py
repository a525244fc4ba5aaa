"""Gives the wheel the tag of the systems that its program runs on. packages/build.py calls it.

pip calls it, too, where no wheel fits the system: the source distribution has no program, and says how to get one.
"""

import os
import platform

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NONE = """runbus-server has no program for this system: {system}.
There are wheels for Linux with glibc, on x86_64 or aarch64; an old pip (before 20.3) or glibc does not take them.
Build the program in a checkout of Runbus, with the Rust that its Cargo.toml names and a C compiler:
    cargo build --locked --release --package runbus-cli
Then put target/release/runbus on the PATH. The client needs no program: pip install runbus"""


class Platform(BuildHookInterface):
    """The tag of the wheel."""

    def initialize(self, version, build_data):
        tag = os.environ.get("RUNBUS_WHEEL_TAG")
        if tag is None:
            system = " ".join([platform.system(), platform.machine(), *filter(None, platform.libc_ver())])
            raise SystemExit(NONE.format(system=system))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag}"
