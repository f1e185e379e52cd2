"""What runs in the appliance besides the kernel: busybox, Python for the agent, and fio."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tuivm.lab import cpio, elf, packages
from tuivm.lab.ports import LabError

LIBRARIES = "libs"
"""Directory of the appliance with all shared libraries; LD_LIBRARY_PATH is set to it."""
FIO_LIMIT = 112 * 2**20
"""Bytes of fio with its libraries, above which a guest would need too much memory for it.
Debian's, with every storage client that it links to, has 82 MiB; most need a tenth of that."""
_COLLECT = Path(__file__).with_name("collect.py")
_FOUND = re.compile(r"^\s*(?:(\S+) => )?(/\S+) \(0x", re.MULTILINE)
_DEADLINE = 120
_OLDEST_PYTHON = (3, 11)
_BUSYBOX = ("busybox", "busybox-static", "busybox.static")
"""What distributions call it: openSUSE's and Alpine's have the other names."""
_SYSTEM_PYTHON = Path("/usr/bin/python3")
FALLBACK = "tuivm (libaio)"
"""Name of the load generator that the agent has itself."""


class Program(NamedTuple):
    """path: the file itself. loader: path of what loads it, None where it is static. libraries:
    by the name that it is looked for under, e.g. "libm.so.6"."""

    path: Path
    loader: Path | None
    libraries: dict[str, Path]

    def bytes(self) -> int:
        paths = {self.path, *self.libraries.values()}
        return sum(path.stat().st_size for path in paths)


class _Collected(NamedTuple):
    python: Path
    extensions: list[Path]


class Userland(NamedTuple):
    """entries: for the archive, without the directories. generator: as Method.generator. inputs:
    the files of this machine that went in, but for the libraries."""

    entries: list[cpio.Entry]
    generator: str
    inputs: tuple[Path, ...]
    remarks: tuple[str, ...] = ()


def build(agent: Path, work: Path, fio_path: str | None) -> Userland:
    """agent: directory of its Python files. work: an empty directory. fio_path: of fio on this
    machine, None to leave it out. Raises LabError, OSError."""
    shell = busybox(work)
    python, entries = _python(agent, work)
    fio, generator, remarks = _fio(fio_path)
    try:
        libraries = _merged([python, *([fio] if fio else [])])
    except LabError as error:
        if fio is None:
            raise
        fio, generator, remarks = None, FALLBACK, (f"fio is left out. {error}",)
        libraries = _merged([python])
    stripped = work / "stripped"
    entries += [
        cpio.file("bin/busybox", shell.read_bytes(), executable=True),
        cpio.link("bin/sh", "busybox"),
        cpio.file("usr/bin/python3", _stripped(python.path, stripped), executable=True),
    ]
    if fio:
        entries.append(cpio.file("bin/fio", _stripped(fio.path, stripped), executable=True))
    entries += [
        cpio.file(f"{LIBRARIES}/{name}", _stripped(path, stripped), executable=True)
        for name, path in sorted(libraries.items())
    ]
    entries += [
        cpio.file(str(loader).lstrip("/"), loader.read_bytes(), executable=True)
        for loader in sorted({p.loader for p in (python, fio) if p and p.loader})
    ]
    inputs = (shell, python.path, *([fio.path] if fio else []))
    return Userland(entries, generator, inputs, remarks)


def busybox(work: Path) -> Path:
    """A busybox without shared libraries: the machine's own, or its package's, unpacked in work."""
    installed = installed_busybox()
    if installed is not None:
        return installed
    what = "There is no static busybox to make the Lab's guest of."
    if not packages.can_download():
        raise LabError(what, "", packages.remedy("busybox"))
    tree = work / "busybox"
    try:
        packages.fetch([packages.name("busybox")], tree)
    except LabError as error:
        raise LabError(what, str(error), packages.remedy("busybox")) from error
    for path in sorted(tree.rglob("busybox*")):
        if path.parent.name in ("bin", "sbin") and path.is_file() and is_static(path):
            path.chmod(0o755)
            return path
    raise LabError(what, "Its package has none.", packages.remedy("busybox"))


def installed_busybox() -> Path | None:
    """This machine's own, where it has one without shared libraries."""
    # Fedora has it in sbin, which is not in everybody's PATH.
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    found = (shutil.which(name, path=places) for name in _BUSYBOX)
    return next((Path(path) for path in found if path and is_static(Path(path))), None)


def is_static(path: Path) -> bool:
    """An x86-64 program that asks for no loader."""
    try:
        return elf.interpreter(path.read_bytes()) is None
    except (OSError, ValueError):
        return False


def program(path: Path, more: Sequence[Path] = ()) -> Program:
    """A program with the shared libraries that its loader finds for it, and for `more`, which are
    libraries that it opens when it runs. Raises LabError where one is missing, OSError."""
    path = path.resolve()
    try:
        loader = elf.interpreter(path.read_bytes())
    except ValueError as error:
        raise LabError(f"{path} is of no use in the Lab's guest.", str(error)) from error
    if loader is None:
        return Program(path, None, {})
    libraries: dict[str, Path] = {}
    for file in (path, *more):
        libraries.update(_needed(loader, file))
    libraries.pop(Path(loader).name, None)
    if "libc.so.6" in libraries:
        # glibc opens it when a thread ends.
        unwinder = libraries["libc.so.6"].with_name("libgcc_s.so.1")
        if unwinder.is_file():
            libraries.setdefault(unwinder.name, unwinder)
    return Program(path, Path(loader), libraries)


def _needed(loader: str, file: Path) -> dict[str, Path]:
    """Asked of the loader itself: ldd is a shell script around the same."""
    done = subprocess.run(
        [loader, "--list", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=_DEADLINE,
        env={"LC_ALL": "C", "PATH": os.defpath},
    )
    missing = re.findall(r"(\S+) => not found", done.stdout)
    if missing:
        raise LabError(f"{file} lacks {', '.join(missing)}.")
    if done.returncode:
        raise LabError(f"The shared libraries of {file} are not known.", done.stderr.strip())
    found = _FOUND.findall(done.stdout)
    return {name.rpartition("/")[2] or Path(path).name: Path(path) for name, path in found}


def _merged(programs: Iterable[Program]) -> dict[str, Path]:
    """All their libraries, which have to be the same ones. Raises LabError."""
    merged: dict[str, Path] = {}
    for one in programs:
        for name, path in one.libraries.items():
            if merged.setdefault(name, path).resolve() != path.resolve():
                raise LabError(f"{merged[name]} and {path} cannot both be in the Lab's guest.")
    return merged


def _python(agent: Path, work: Path) -> tuple[Program, list[cpio.Entry]]:
    """The interpreter, and the agent with what it imports. The system's where it will do: it has
    few libraries and no debugging data."""
    # Of a virtual environment this is the Python that the environment was made with.
    own = Path(getattr(sys, "_base_executable", "") or sys.executable)
    problems = []
    for number, candidate in enumerate((_SYSTEM_PYTHON, own)):
        tree = work / f"python-{number}"
        tree.mkdir()
        try:
            told = _collected(candidate, agent, tree)
            python = program(told.python, told.extensions)
        except LabError as error:
            problems.append(str(error))
            continue
        files = (path for path in sorted(tree.rglob("*")) if path.is_file())
        return python, [cpio.file(str(f.relative_to(tree)), f.read_bytes()) for f in files]
    raise LabError(
        "There is no Python to run the Lab's guest with.",
        " ".join(problems),
        packages.remedy("python"),
    )


def _collected(python: Path, agent: Path, into: Path) -> _Collected:
    """What collect.py says, run by that Python. Raises LabError where it cannot."""
    try:
        done = subprocess.run(
            [str(python), "-I", "-S", str(_COLLECT), str(agent), str(into)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_DEADLINE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{python} does not start.", str(error)) from error
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise LabError(f"{python} will not do.", words[-1] if words else "")
    told = json.loads(done.stdout)
    if tuple(told["version"]) < _OLDEST_PYTHON:
        raise LabError(f"{python} is too old.")
    return _Collected(Path(told["python"]), [Path(path) for path in told["extensions"]])


def _fio(path: str | None) -> tuple[Program | None, str, tuple[str, ...]]:
    """The program, the name of the load generator, and remarks."""
    if path is None:
        return None, FALLBACK, ()
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=True, timeout=_DEADLINE
        )
        fio = program(Path(path))
        size = fio.bytes()
    except (LabError, OSError, subprocess.SubprocessError) as error:
        return None, FALLBACK, (f"fio is left out. {error}",)
    if size > FIO_LIMIT:
        return None, FALLBACK, (f"fio is left out: it needs {size >> 20} MiB of libraries.",)
    return fio, done.stdout.strip().replace("fio-", "fio ", 1), ()


def _stripped(path: Path, work: Path) -> bytes:
    """The file without what only a debugger reads, where `strip` is there to take it out."""
    work.mkdir(exist_ok=True)
    if shutil.which("strip"):
        out = work / path.name
        arguments = ["strip", "--strip-unneeded", "-o", str(out), str(path.resolve())]
        done = subprocess.run(arguments, capture_output=True, check=False, timeout=_DEADLINE)
        if done.returncode == 0:
            return out.read_bytes()
    return path.read_bytes()
