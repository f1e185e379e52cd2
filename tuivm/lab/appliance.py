"""The Lab's guest as two files, built on the spot and kept: a kernel, and an initramfs.

Nothing of it needs root, and nothing is installed. What has been built is kept under a name made
of all that went in; a file beside it remembers the state of the files that it was made from, so
that a second call has only to look whether one of them has changed.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, TypedDict

from platformdirs import user_cache_path

from tuivm.lab import cpio, userland
from tuivm.lab import kernel as kernels
from tuivm.lab.modules import ALWAYS, STORAGE_AND_NICS, Module, Modules, shell_tables
from tuivm.lab.ports import LabError

_ARCH = "x86_64"
_HERE = Path(__file__).parent
_GUEST = _HERE / "guest"
_KEEP = 2
"""Builds kept: one with fio and one without, of 170 and 90 MB."""
_RECORD = "made.json"
_PACKED = "packed"
_CMDLINE = (
    # On the serial line only what goes wrong; after a panic the guest ends at once.
    *("console=ttyS0", "quiet", "panic=-1"),
    # Unpacked into a ramfs: a tmpfs takes no more than half of the memory.
    "rootfstype=ramfs",
    # Under TCG on a busy host the check of the timer fails now and then, which is a panic.
    "no_timer_check",
    # Loading a module waits for all CPUs otherwise, which adds up to a second.
    *("rcupdate.rcu_expedited=1", "random.trust_cpu=on", "cryptomgr.notests"),
    # Sends frames of its own, which would be counted.
    "ipv6.disable=1",
    # Probing for what a lab guest does not have.
    *("8250.nr_uarts=1", "i8042.noaux", "edd=off"),
)


class Appliance(NamedTuple):
    """kernel: ELF with a PVH entry where it has one, else bzImage. release: of the kernel.
    generator: as Method.generator. memory_mib: what a guest of it needs. remarks: sentences.
    packed: the kernel as it came, a ninth of the size, which unpacks itself (seconds under TCG);
    None where `kernel` is that already."""

    kernel: Path
    initrd: Path
    release: str
    generator: str
    memory_mib: int
    remarks: tuple[str, ...] = ()
    packed: Path | None = None

    @property
    def cmdline(self) -> str:
        """The kernel's command line."""
        return " ".join(_CMDLINE)


def build(
    *,
    kernel: Path | None = None,
    modules: Path | None = None,
    arch: str = _ARCH,
    cache: Path | None = None,
    with_fio: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Appliance:
    """The appliance for this machine, built if need be (seconds to a minute), else as it was kept
    (ms). kernel, modules: a kernel image and a directory as /lib/modules/RELEASE, in place of those
    found here. arch: of the host that it is to run on. with_fio: fio goes in where this machine has
    it; with its libraries it is most of the guest. say: gets a sentence when something takes long.
    Raises LabError, and leaves nothing half done.
    """
    if arch != _ARCH or platform.machine() != _ARCH:
        raise LabError(
            f"The Lab's guest cannot be built on {platform.machine()} for a host with {arch}.",
            "",
            "Both have to be x86_64 machines.",
        )
    home = cache or user_cache_path("tuivm") / "lab"
    fio = shutil.which("fio") if with_fio else None
    request = _Request(kernel and kernel.absolute(), modules and modules.absolute(), home, fio, say)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _locked(home / "lock", say):
            return _kept(request) or _build(request)
    except OSError as error:
        raise _explained(error, home) from error
    except subprocess.TimeoutExpired as error:
        raise LabError("The Lab's guest cannot be built.", str(error)) from error


class _Made(TypedDict):
    """What is kept beside a build. asked: of `_Request`. inputs: of `_states`. sizes: bytes of
    kernel and initrd. memory: MiB."""

    asked: dict[str, str | None]
    inputs: dict[str, list[int] | None]
    sizes: list[int | None]
    release: str
    generator: str
    memory: int
    remarks: list[str]


class _Request(NamedTuple):
    kernel: Path | None
    modules: Path | None
    home: Path
    fio: str | None
    say: Callable[[str], None]

    def asked(self) -> dict[str, str | None]:
        """All but the state of the files that decides what is built."""
        return {
            "kernel": str(self.kernel or ""),
            "modules": str(self.modules or ""),
            "running": platform.release(),
            "fio": self.fio,
            "busybox": str(userland.installed_busybox() or ""),
            "strip": shutil.which("strip"),
            "python": sys.base_prefix,
        }


def _kept(request: _Request) -> Appliance | None:
    """What was built for the same request of files that have not changed since."""
    asked = request.asked()
    for record in request.home.glob(f"appliance-*/{_RECORD}"):
        try:
            made: _Made = json.loads(record.read_text())
            unchanged = made["asked"] == asked and made["inputs"] == _states(made["inputs"])
            if unchanged and _sizes(record.parent) == made["sizes"]:
                found = _appliance(record.parent, made)
                record.touch()
                return found
        except (OSError, ValueError, LookupError, TypeError):
            # Cut short, or of another version of tuivm.
            continue
    return None


def _build(request: _Request) -> Appliance:
    home, say = request.home, request.say
    # Nobody else builds, so these are of a builder that was killed.
    for left in home.glob("work-*"):
        shutil.rmtree(left, ignore_errors=True)
    found = kernels.find(request.kernel, request.modules, home, say)
    say(f"Building the Lab's guest with Linux {found.release}")
    with tempfile.TemporaryDirectory(dir=home, prefix="work-") as name:
        work = Path(name)
        land = userland.build(_GUEST, work, request.fio)
        chosen = Modules(found.modules).with_dependencies(kernels.WANTED)
        packed = found.image.read_bytes()
        image = kernels.bootable(packed)
        initrd = _initramfs(land.entries, chosen)
        built = home / f"appliance-{sha256(image + initrd).hexdigest()[:16]}"
        target = work / "made"
        target.mkdir()
        (target / "kernel").write_bytes(image)
        if packed != image:
            (target / _PACKED).write_bytes(packed)
        (target / "initrd").write_bytes(initrd)
        inputs = [found.image, *_watched(found.modules), *land.inputs, *_sources()]
        made: _Made = {
            "asked": request.asked(),
            "inputs": _states([str(path) for path in inputs if work not in path.parents]),
            "sizes": [len(image), len(initrd)],
            "release": found.release,
            "generator": land.generator,
            "memory": _memory(image, initrd),
            "remarks": [*_missing(found), *land.remarks],
        }
        (target / _RECORD).write_text(json.dumps(made, indent=1))
        # The same again, of files with another date: a guest may be starting from the old one.
        if built.is_dir() and _sizes(built) == made["sizes"]:
            (target / _RECORD).replace(built / _RECORD)
        else:
            shutil.rmtree(built, ignore_errors=True)
            target.rename(built)
    _prune(home, built)
    return _appliance(built, made)


def _initramfs(entries: list[cpio.Entry], chosen: list[Module]) -> bytes:
    always = " ".join(name for name in ALWAYS if any(m.name == name for m in chosen))
    tables = f"always='{always}'\n" + shell_tables(chosen, kernels.WANTED)
    mine = [
        *map(cpio.directory, ("dev", "proc", "sys", "tmp")),
        cpio.file("init", (_GUEST / "init.sh").read_bytes(), executable=True),
        cpio.file("drivers.sh", tables.encode()),
        *(cpio.file(f"modules/{module.name}.ko", module.data) for module in chosen),
    ]
    return cpio.archive(cpio.with_parents([*mine, *entries]))


def _memory(image: bytes, initrd: bytes) -> int:
    """MiB of the guest: the kernel and its tables, the initramfs twice while it is unpacked,
    and what the agent needs."""
    files = (len(image) + 2 * len(initrd)) >> 20
    return -(-(files + 64) // 32) * 32


def _missing(found: kernels.Kernel) -> list[str]:
    if not found.lacking:
        return []
    devices = ", ".join(STORAGE_AND_NICS[name] for name in found.lacking)
    return [f"{found.source.capitalize()} ({found.release}) has no drivers for: {devices}."]


def _watched(tree: Path) -> list[Path]:
    return [tree, *(path for path in [tree / "modules.dep"] if path.is_file())]


def _sources() -> list[Path]:
    return [*sorted(_HERE.glob("*.py")), *sorted(_GUEST.glob("*.py")), _GUEST / "init.sh", _GUEST]


def _states(paths: Iterable[str]) -> dict[str, list[int] | None]:
    """Size and time of change (ns) of each path, None where it is not there."""
    return {path: _state(path) for path in paths}


def _state(path: str) -> list[int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _sizes(built: Path) -> list[int | None]:
    return [_size(built / "kernel"), _size(built / "initrd")]


def _appliance(built: Path, made: _Made) -> Appliance:
    return Appliance(
        kernel=built / "kernel",
        initrd=built / "initrd",
        release=made["release"],
        generator=made["generator"],
        memory_mib=made["memory"],
        remarks=tuple(made["remarks"]),
        packed=built / _PACKED if (built / _PACKED).is_file() else None,
    )


def _prune(home: Path, newest: Path) -> None:
    """Remove all but the builds used last. QEMU has read both files once a guest has started."""
    builds = [path for path in home.glob("appliance-*") if path != newest]
    used = _states([str(path / _RECORD) for path in builds])
    # One without its record is of no use to anybody.
    builds.sort(key=lambda path: (used[str(path / _RECORD)] or [0, 0])[1], reverse=True)
    for old in builds[_KEEP - 1 :]:
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _locked(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """One process builds, the others wait for it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another tuivm that is building the Lab's guest")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _explained(error: OSError, home: Path) -> LabError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LabError(
            "The disk is full: the Lab's guest cannot be kept.",
            f"{home}: {os.strerror(error.errno)}",
            "Free 500 MB, or set XDG_CACHE_HOME to a directory on another disk",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return LabError(
            "The directory for the Lab's guest cannot be written.",
            str(error),
            "Set XDG_CACHE_HOME to a directory of your own",
        )
    return LabError("The Lab's guest cannot be built.", str(error))
