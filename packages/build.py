"""Builds the packages with the program: wheels for pip and tarballs for npm.

  packages/build.sh FOLDER PROGRAM..     PROGRAM: built for Linux with glibc, one for each machine

FOLDER gets these files; wheels and tarballs that were there go:

  runbus-VERSION-py3-none-any.whl                     the Python client; its extra `server` names the next one
  runbus_server-VERSION-py3-none-manylinux_*.whl      the program, one wheel for each PROGRAM
  runbus_server-VERSION.tar.gz                        tells pip on other systems how to build the program
  runbus-VERSION.tgz                                  for npm: finds the program in the next one
  runbus-cli-linux-*-VERSION.tgz                      the program, one tarball for each PROGRAM

The same sources and programs give the same bytes.
"""

import gzip
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib

import binary
import notices
from binary import Platform, Refused

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "packages"
CLIENT = ROOT / "clients/python"
# Seconds since 1970 of all files in a package.
WHEN = "1580601600"
# So large a release build should be at most, without symbols.
AIM_MB = 30


def versions() -> dict[str, str]:
    """The version in each file that has one."""
    client = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    return {
        "Cargo.toml": tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"],
        "clients/python/pyproject.toml": client["version"],
        "clients/python/pyproject.toml, extra server": client["optional-dependencies"]["server"][0].partition("==")[2],
        "packages/python/pyproject.toml": tomllib.loads((HERE / "python/pyproject.toml").read_text())["project"]["version"],
        "clients/typescript/package.json": json.loads((ROOT / "clients/typescript/package.json").read_text())["version"],
        "packages/npm/package.json": json.loads((HERE / "npm/package.json").read_text())["version"],
    }


def agreed(found: dict[str, str]) -> str:
    if len(set(found.values())) != 1:
        lines = "".join(f"\n  {version}  {place}" for place, version in found.items())
        raise Refused(f"the versions differ, a package and its program must have one:{lines}\nChange the files, or build the program again")
    return next(iter(found.values()))


def hatch(folder: pathlib.Path, target: str, out: pathlib.Path, **environment: str) -> subprocess.Popen[str]:
    """Begins to build a Python package."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", out]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HATCH_", "RUNBUS_"))}
    environment = {**clean, "SOURCE_DATE_EPOCH": WHEN, **environment}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def copy(files: dict[str, pathlib.Path], folder: pathlib.Path) -> pathlib.Path:
    """A folder with the files of a package. Their modes are 755 for programs, 644 for others."""
    for name, source in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
        place.chmod(0o755 if name.startswith("bin/") else 0o644)
    return folder


def pack(manifest: dict[str, object], files: dict[str, pathlib.Path], out: pathlib.Path) -> None:
    """Writes a tarball for npm as `npm pack` does, but with the same bytes for every version of npm."""
    contents = {"package.json": (json.dumps(manifest, indent=2) + "\n").encode(), **{name: path.read_bytes() for name, path in files.items()}}
    name = str(manifest["name"]).removeprefix("@").replace("/", "-")
    with (out / f"{name}-{manifest['version']}.tgz").open("wb") as file:
        # The level that wheels have: a higher one takes more time, for one percent.
        with gzip.GzipFile("", "wb", 6, file, int(WHEN)) as packed, tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for path, content in sorted(contents.items()):
                member = tarfile.TarInfo(f"package/{path}")
                member.size, member.mtime, member.mode = len(content), int(WHEN), 0o755 if path.startswith("bin/") else 0o644
                tar.addfile(member, io.BytesIO(content))


def cli(platform: Platform, version: str) -> dict[str, object]:
    """The manifest of the npm package with the program for a platform."""
    return {
        "name": f"@runbus/cli-linux-{platform.node}",
        "version": version,
        "description": f"The program runbus for Linux on {platform.node}: install the package runbus",
        "license": "Apache-2.0",
        "os": ["linux"],
        "cpu": [platform.node],
        "libc": ["glibc"],
        "preferUnplugged": True,
    }


def build(programs: list[pathlib.Path], out: pathlib.Path, work: pathlib.Path) -> None:
    licence = ROOT / "LICENSE"
    found = versions()
    platforms = {program: binary.platform_of(program) for program in programs}
    if len({platform.node for platform in platforms.values()}) != len(programs):
        raise Refused(f"two of the programs {', '.join(map(str, programs))} are for one machine: give one for each")
    found |= {f"{program} --version": binary.version_of(program) for program, platform in platforms.items() if platform.is_native}
    version = agreed(found)

    client = copy({"LICENSE": licence, "pyproject.toml": CLIENT / "pyproject.toml", "README.md": CLIENT / "README.md"}, work / "client")
    shutil.copytree(CLIENT / "src", client / "src", ignore=shutil.ignore_patterns("__pycache__"))
    server = {"LICENSE": licence, **{name: HERE / "python" / name for name in ["pyproject.toml", "hatch_build.py", "README.md"]}}
    started = [hatch(client, "wheel", out), hatch(copy(server, work / "sdist"), "sdist", out)]

    for n, (program, platform) in enumerate(platforms.items()):
        stripped, notice, glibc = work / f"{n}.program", work / f"{n}.notices", work / f"{n}.glibc"
        binary.strip(program, stripped)
        notice.write_text(notices.notices(platform.rust))
        glibc.write_text("{}.{}\n".format(*platform.glibc))
        files = {"LICENSE": licence, "THIRD-PARTY-NOTICES.txt": notice, "bin/runbus": stripped}
        started.append(hatch(copy({**server, **files}, work / f"{n}.wheel"), "wheel", out, RUNBUS_WHEEL_TAG=platform.tag))
        pack(cli(platform, version), {**files, "glibc": glibc}, out)
        size = stripped.stat().st_size / 1e6
        print(f"packages: {program}: {platform.tag}, stripped {size:.1f} MB{f', more than {AIM_MB} MB' if size > AIM_MB else ''}")

    manifest = json.loads((HERE / "npm/package.json").read_text())
    manifest["optionalDependencies"] = {str(cli(platform, version)["name"]): version for platform in platforms.values()}
    pack(manifest, {"LICENSE": licence, "README.md": HERE / "npm/README.md", "bin/runbus": HERE / "npm/bin/runbus"}, out)
    for one in started:
        said, _ = one.communicate()
        if one.returncode:
            raise Refused(f"{' '.join(map(str, one.args))} failed:\n{said}")


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1]).absolute()
    try:
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            new = work / "out"
            new.mkdir()
            build([pathlib.Path(name).absolute() for name in sys.argv[2:]], new, work)
            # Files of an earlier version must not be taken for those of this one.
            out.mkdir(parents=True, exist_ok=True)
            for old in [*out.glob("*.whl"), *out.glob("*gz")]:
                old.unlink()
            shutil.copytree(new, out, dirs_exist_ok=True)
    except Refused as refused:
        sys.exit(f"packages: {refused}")
    for path in sorted(out.iterdir()):
        print(f"packages: {path.stat().st_size / 1e6:6.2f} MB  {path}")


if __name__ == "__main__":
    main()
