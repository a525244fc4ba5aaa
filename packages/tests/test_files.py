"""The files of the packages: names, contents, modes, bytes."""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import tarfile
import zipfile

import pytest
from conftest import BINARY, PATIENCE_S, ROOT, build, clean_environment, version


def contents(path: pathlib.Path) -> dict[str, tuple[int, bytes]]:
    """Each file of a package, with its mode."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return {one.filename: (stat.S_IMODE(one.external_attr >> 16), wheel.read(one)) for one in wheel.infolist()}
    with tarfile.open(path) as tar:
        return {one.name: (one.mode, tar.extractfile(one).read()) for one in tar.getmembers()}  # type: ignore[union-attr]


def only(folder: pathlib.Path, pattern: str) -> pathlib.Path:
    (found,) = folder.glob(pattern)
    return found


def with_the_program(folder: pathlib.Path) -> list[pathlib.Path]:
    return [only(folder, "runbus_server-*.whl"), only(folder, "runbus-cli-*.tgz")]


def test_each_package_is_built_in_the_version_of_the_workspace(built: pathlib.Path) -> None:
    names = {re.sub(r"manylinux_2_\d+_(x86_64|aarch64)|linux-(x64|arm64)", "PLATFORM", path.name) for path in built.iterdir()}
    assert names == {
        f"runbus-{version()}-py3-none-any.whl",
        f"runbus_server-{version()}-py3-none-PLATFORM.whl",
        f"runbus_server-{version()}.tar.gz",
        f"runbus-{version()}.tgz",
        f"runbus-cli-PLATFORM-{version()}.tgz",
    }


def test_each_package_has_the_licence_and_those_with_the_program_have_the_notices(built: pathlib.Path) -> None:
    licence = (ROOT / "LICENSE").read_bytes()
    for path in built.iterdir():
        assert licence in [content for name, (_, content) in contents(path).items() if name.endswith("/LICENSE")], path.name
    for path in with_the_program(built):
        (notices,) = (content.decode() for name, (_, content) in contents(path).items() if name.endswith("/THIRD-PARTY-NOTICES.txt"))
        for crate in ["tokio", "ring", "rusqlite", "libmimalloc-sys", "async-nats", "opentelemetry"]:
            assert re.search(rf"^{crate} \d\S* \(.*\)$", notices, re.MULTILINE), crate
        assert "the standard library of Rust" in notices
        assert "Microsoft Corporation, Daan Leijen" in notices, "the licence of the C code in libmimalloc-sys"
        # Crates of the workspace and what only tests or build scripts use are not others' code in the program.
        assert not re.search(r"^(runbus\S*|proptest|cc|tempfile) \d", notices, re.MULTILINE)


def test_only_the_program_and_its_launcher_are_executable(built: pathlib.Path) -> None:
    for path in built.iterdir():
        modes = {name: mode for name, (mode, _) in contents(path).items()}
        programs = [name for name in modes if name.endswith(("/bin/runbus", "/scripts/runbus"))]
        assert len(programs) == (1 if path.suffix == ".tgz" or "manylinux" in path.name else 0), path.name
        assert modes == {name: 0o755 if name in programs else 0o644 for name in modes}, path.name


def test_the_program_in_the_packages_is_stripped_and_the_same(built: pathlib.Path, tmp_path: pathlib.Path) -> None:
    programs = [content for path in with_the_program(built) for name, (_, content) in contents(path).items() if name.endswith(("bin/runbus", "scripts/runbus"))]
    assert len(programs) == 2 and programs[0] == programs[1]
    (tmp_path / "program").write_bytes(programs[0])
    sections = subprocess.run(["readelf", "--wide", "--section-headers", tmp_path / "program"], text=True, capture_output=True, check=True).stdout
    assert not re.search(r"\s\.(symtab|debug_info|debug_line)\s", sections)


def compiled(folder: pathlib.Path, says: str) -> pathlib.Path:
    """A small program that says a version, with symbols."""
    program = folder / "runbus"
    source = f'#include <stdio.h>\nint main(void) {{ puts("{says}"); return 0; }}\n'
    subprocess.run(["cc", "-g", "-x", "c", "-", "-o", program], input=source, text=True, check=True, timeout=PATIENCE_S)
    return program


def test_two_builds_give_the_same_bytes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "other folder").mkdir()
    program = compiled(tmp_path, f"runbus {version()}")
    again = tmp_path / "other folder/program"
    shutil.copyfile(program, again)
    again.chmod(0o700)
    os.utime(again, (0, 0))
    first, second = tmp_path / "first", tmp_path / "other folder/second"
    for done in [build(first, program), build(second, again, umask=0o077, TZ="Asia/Tokyo", SOURCE_DATE_EPOCH="1")]:
        assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_a_build_replaces_the_packages_of_an_earlier_version(tmp_path: pathlib.Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "runbus-0.0.1.tgz").write_bytes(b"")
    (out / "notes.txt").write_bytes(b"")
    assert build(out, compiled(tmp_path, f"runbus {version()}")).returncode == 0
    assert not (out / "runbus-0.0.1.tgz").exists() and (out / "notes.txt").exists()


@pytest.mark.parametrize(
    ("says", "error"),
    [
        ("runbus 9.9.9", "9.9.9"),
        ("other 0.1.0", "it is not the program runbus"),
    ],
)
def test_a_program_of_another_version_is_refused(tmp_path: pathlib.Path, says: str, error: str) -> None:
    done = build(tmp_path / "out", compiled(tmp_path, says))
    assert done.returncode == 1 and error in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_program_for_linux_is_refused(tmp_path: pathlib.Path) -> None:
    done = build(tmp_path / "out", ROOT / "LICENSE")
    assert done.returncode == 1 and "is no ELF program" in done.stderr and "cargo build" in done.stderr


def test_two_programs_for_one_machine_are_refused(tmp_path: pathlib.Path) -> None:
    program = compiled(tmp_path, f"runbus {version()}")
    done = build(tmp_path / "out", program, program)
    assert done.returncode == 1 and "give one for each" in done.stderr


def test_pip_says_how_to_build_where_no_wheel_fits(built: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The source distribution is the one file that pip takes on each system."""
    tools = subprocess.run([ROOT / "clients/python/test.sh", "--python", "tools"], text=True, capture_output=True, check=True).stdout.strip()
    source = only(built, "runbus_server-*.tar.gz")
    command = [tools, "-m", "pip", "install", "--no-build-isolation", "--no-deps", "--target", tmp_path / "target", source]
    done = subprocess.run(command, cwd=tmp_path, env=clean_environment(tmp_path / "home"), text=True, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "runbus-server has no program for this system" in said and "cargo build --locked --release --package runbus-cli" in said


def test_the_wheel_of_the_client_has_no_program_and_its_extra_names_the_same_version(built: pathlib.Path) -> None:
    files = contents(built / f"runbus-{version()}-py3-none-any.whl")
    metadata = files[f"runbus-{version()}.dist-info/METADATA"][1].decode()
    assert f"Requires-Dist: runbus-server=={version()}; extra == 'server'" in metadata
    # `runbus` in the environment's folder of programs is the program, never a script of the client.
    assert not any(name.endswith("entry_points.txt") for name in files)


assert BINARY.is_file(), f"{BINARY} does not exist: cargo build --workspace, or set RUNBUS_BINARY"
