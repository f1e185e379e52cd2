"""Programs and libraries of the appliance, and what the distribution calls their packages."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.labfiles import INTERPRETER, elf, program
from tuivm.lab import collect, cpio, packages, userland
from tuivm.lab import elf as elf_files
from tuivm.lab.ports import LabError

AGENT = Path(userland.__file__).parent / "guest"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that programs are looked for in before all others."""
    directory = tmp_path / "tools"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
    return directory


def on(monkeypatch: pytest.MonkeyPatch, **about: str) -> None:
    monkeypatch.setattr(packages, "_os_release", lambda: about)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"ID": "debian"}, "apt-get install busybox-static"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "apt-get install busybox-static"),
        ({"ID": "fedora"}, "dnf install busybox"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "dnf install busybox"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "zypper install busybox-static"),
        ({"ID": "arch"}, "pacman -S busybox"),
        ({"ID": "nixos"}, "package manager: busybox-static (apt-get)"),
        ({}, "package manager"),
    ],
)
def test_the_remedy_names_the_package_of_this_distribution(
    monkeypatch: pytest.MonkeyPatch, about: dict[str, str], words: str
) -> None:
    on(monkeypatch, **about)
    assert words in packages.remedy("busybox")


def test_ubuntu_calls_its_kernel_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, ID="ubuntu", ID_LIKE="debian")
    assert packages.remedy("kernel").endswith("apt-get install linux-image-generic")


def test_debs_are_downloaded_and_unpacked(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, ID="debian")
    program(tools / "apt-get", 'echo "$@" > one.deb')
    program(tools / "dpkg-deb", 'mkdir -p "$3/boot"; cp "$2" "$3/boot"')
    packages.fetch(["one=1.2"], tmp_path / "into")
    assert (tmp_path / "into/boot/one.deb").read_text() == "-q download one=1.2\n"
    assert [path.name for path in (tmp_path / "into").iterdir()] == ["boot"]


def test_rpms_are_downloaded_and_unpacked_within_their_directory(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, ID="fedora")
    archive = cpio.archive(
        [
            cpio.directory("./lib"),
            cpio.file("./lib/modules/6.9/vmlinuz", b"image"),
            cpio.file("../outside", b"x"),
            cpio.link("./link", "/etc/passwd"),
        ]
    )
    (tmp_path / "archive").write_bytes(archive)
    program(tools / "dnf", 'while [ "$1" != --destdir ]; do shift; done; : > "$2/kernel.rpm"')
    program(tools / "rpm2cpio", f"cat {tmp_path}/archive")
    packages.fetch(["kernel-core"], tmp_path / "into")
    files = [path for path in (tmp_path / "into").rglob("*") if not path.is_dir()]
    assert files == [tmp_path / "into/lib/modules/6.9/vmlinuz"]
    assert files[0].read_bytes() == b"image"
    assert not (tmp_path / "outside").exists()


def test_a_damaged_rpm_is_told(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, ID="fedora")
    archive = cpio.archive([cpio.file("lib/vmlinuz", b"image")])
    (tmp_path / "archive").write_bytes(archive[:-60])
    program(tools / "dnf", 'while [ "$1" != --destdir ]; do shift; done; : > "$2/kernel.rpm"')
    program(tools / "rpm2cpio", f"cat {tmp_path}/archive")
    with pytest.raises(LabError, match=r"kernel\.rpm cannot be unpacked"):
        packages.fetch(["kernel-core"], tmp_path / "into")


def test_what_apt_says_is_told(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, ID="debian")
    program(tools / "apt-get", "echo 'E: 404 Not Found' >&2; exit 100")
    with pytest.raises(LabError, match="cannot download one") as raised:
        packages.fetch(["one"], tmp_path / "into")
    assert raised.value.reason == "E: 404 Not Found"
    assert "apt-get update" in raised.value.remedy


def test_a_full_disk_is_told_as_such(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, ID="debian")
    program(tools / "apt-get", ": > one.deb")
    program(tools / "dpkg-deb", "echo 'tar: write: No space left on device' >&2; exit 2")
    with pytest.raises(LabError, match="disk is full"):
        packages.fetch(["one"], tmp_path / "into")


def test_static_programs_are_told_from_others(tmp_path: Path) -> None:
    static, dynamic, script = (tmp_path / name for name in ("static", "dynamic", "script"))
    static.write_bytes(elf())
    dynamic.write_bytes(elf((INTERPRETER, b"/lib64/ld.so\0")))
    script.write_text("#!/bin/sh\n")
    kinds = [userland.is_static(path) for path in (static, dynamic, script, tmp_path / "none")]
    assert kinds == [True, False, False, False]
    assert elf_files.interpreter(dynamic.read_bytes()) == "/lib64/ld.so"


def test_a_busybox_with_libraries_is_not_taken(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, ID="arch")
    (tools / "busybox").write_bytes(elf((INTERPRETER, b"/lib64/ld.so\0")))
    (tools / "busybox").chmod(0o755)
    with pytest.raises(LabError, match="no static busybox") as raised:
        userland.busybox(tmp_path)
    assert raised.value.remedy == "Install it: pacman -S busybox"


@pytest.mark.parametrize("called", ["busybox-static", "busybox.static"])
def test_a_busybox_by_another_name_is_taken(
    tmp_path: Path, tools: Path, called: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """openSUSE's package busybox-static has a program of that name."""
    on(monkeypatch, ID="opensuse-leap", ID_LIKE="suse opensuse")
    (tools / "busybox").write_bytes(elf((INTERPRETER, b"/lib64/ld.so\0")))
    (tools / called).write_bytes(elf())
    for name in ("busybox", called):
        (tools / name).chmod(0o755)
    assert userland.busybox(tmp_path) == tools / called


def test_a_busybox_of_the_package_is_taken(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, ID="debian")
    (tools / "busybox").write_text("#!/bin/sh\n")
    (tools / "busybox").chmod(0o755)
    (tmp_path / "static").write_bytes(elf())
    program(tools / "apt-get", ": > busybox.deb")
    program(tools / "dpkg-deb", f'mkdir -p "$3/usr/bin"; cp {tmp_path}/static "$3/usr/bin/busybox"')
    found = userland.busybox(tmp_path)
    assert found.read_bytes() == elf()
    assert found.parts[-3:] == ("usr", "bin", "busybox")


def test_the_libraries_of_a_program_are_found() -> None:
    found = userland.program(Path("/bin/sh"))
    assert found.loader is not None
    assert "libc.so.6" in found.libraries
    assert found.loader.name not in found.libraries
    assert all(path.is_file() for path in found.libraries.values())


def test_a_missing_library_is_told(tmp_path: Path) -> None:
    loader = program(tmp_path / "loader", r"printf '\tlibgone.so.1 => not found\n'")
    (tmp_path / "tool").write_bytes(elf((INTERPRETER, f"{loader}\0".encode())))
    with pytest.raises(LabError, match=r"lacks libgone\.so\.1"):
        userland.program(tmp_path / "tool")


def test_only_imports_from_outside_the_agent_are_collected() -> None:
    source = (
        "import os.path\nfrom . import fio\nfrom .line import x\ndef f():\n from json import y\n"
    )
    assert collect.absolute_imports(source) == {"os.path", "json"}


def names(land: userland.Userland) -> set[str]:
    return {entry.name for entry in land.entries}


def test_the_user_space_is_what_the_agent_needs(tmp_path: Path) -> None:
    land = userland.build(AGENT, tmp_path, None)
    here = names(land)
    assert land.generator == "tuivm (libaio)"
    assert land.remarks == ()
    assert {"bin/busybox", "bin/sh", "usr/bin/python3", "agent/main.py", "libs/libc.so.6"} <= here
    assert any(name.endswith("/encodings/utf_8.pyc") for name in here)
    assert any("/lib-dynload/_ctypes" in name for name in here)
    assert not any("unittest" in name or "asyncio" in name for name in here)
    assert sum(len(entry.data) for entry in land.entries) < 40 << 20


def test_the_same_files_make_the_same_user_space(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = userland.build(AGENT, tmp_path / "a", None)
    assert first.entries == userland.build(AGENT, tmp_path / "b", None).entries


def test_no_python_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, ID="fedora")
    monkeypatch.setattr(userland, "_SYSTEM_PYTHON", tmp_path / "absent")
    own = program(tmp_path / "py", "echo no modulefinder >&2; exit 1")
    monkeypatch.setattr(sys, "_base_executable", str(own))
    with pytest.raises(LabError, match="no Python") as raised:
        userland.build(AGENT, tmp_path, None)
    assert "absent does not start" in raised.value.reason
    assert "no modulefinder" in raised.value.reason
    assert raised.value.remedy == "Install it: dnf install python3"


def fio(path: Path, version: str = "fio-3.99") -> Path:
    """A program that starts, though it is not one that the loader knows."""
    return program(path, f"echo {version}")


def fio_links_to(monkeypatch: pytest.MonkeyPatch, library: Path) -> None:
    library.write_bytes(b"library")
    real = userland.program

    def found(path: Path, more: Sequence[Path] = ()) -> userland.Program:
        if path.name == "fio":
            return userland.Program(path, None, {library.name: library})
        return real(path, more)

    monkeypatch.setattr(userland, "program", found)


def test_fio_goes_in_with_its_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fio_links_to(monkeypatch, tmp_path / "libfio.so.1")
    land = userland.build(AGENT, tmp_path, str(fio(tmp_path / "fio")))
    assert land.generator == "fio 3.99"
    assert {"bin/fio", "libs/libfio.so.1"} <= names(land)


@pytest.mark.parametrize("script", ["exit 1", "echo fio-3.99"])
def test_a_fio_that_is_of_no_use_is_left_out_with_a_remark(tmp_path: Path, script: str) -> None:
    land = userland.build(AGENT, tmp_path, str(program(tmp_path / "fio", script)))
    assert land.generator == "tuivm (libaio)"
    assert "fio is left out" in land.remarks[0]
    assert "bin/fio" not in names(land)


def test_a_fio_that_is_too_large_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fio_links_to(monkeypatch, tmp_path / "libfio.so.1")
    monkeypatch.setattr(userland, "FIO_LIMIT", 4)
    land = userland.build(AGENT, tmp_path, str(fio(tmp_path / "fio")))
    assert land.generator == "tuivm (libaio)"
    assert "MiB" in land.remarks[0]


def test_two_versions_of_one_library_leave_fio_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fio_links_to(monkeypatch, tmp_path / "libc.so.6")
    land = userland.build(AGENT, tmp_path, str(fio(tmp_path / "fio")))
    assert "cannot both be" in land.remarks[0]
    assert "bin/fio" not in names(land)


def test_strip_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.which

    def which(name: str, path: str | None = None) -> str | None:
        return None if name == "strip" else real(name, path=path)

    monkeypatch.setattr(shutil, "which", which)
    assert "usr/bin/python3" in names(userland.build(AGENT, tmp_path, None))
