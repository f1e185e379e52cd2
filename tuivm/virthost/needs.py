"""What a virtual host needs of this machine: programs, memory, room on disks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

MIB = 1 << 20
BUILD_MIB = 4096
"""Of disk while its image is built: the packages are there up to three times, 0.9 GB each."""
RUN_MIB = 1024
"""Of disk for what a running one writes over its image."""

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MEMINFO = Path("/proc/meminfo")
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


class Need(NamedTuple):
    """A program, or what it is for, and the packages that bring it: Debian's and Fedora's."""

    what: str
    debian: str
    fedora: str


_PROGRAMS = (
    Need("mmdebstrap", "mmdebstrap", "mmdebstrap"),
    Need("mkfs.ext4", "e2fsprogs", "e2fsprogs"),
    Need("qemu-system-x86_64", "qemu-system-x86", "qemu-system-x86-core"),
    Need("qemu-img", "qemu-utils", "qemu-img"),
    Need("ssh", "openssh-client", "openssh-clients"),
    Need("setpriv", "util-linux", "util-linux"),
)
_FOR_USERS = Need("newuidmap", "uidmap", "shadow-utils")
"""A system's files have many owners: one who is not root needs subordinate users for that."""
_FOR_CHECKING = Need("Debian's keys", "debian-archive-keyring", "debian-keyring")
"""What the packages are checked with, on machines that are no Debian themselves."""


def environ() -> dict[str, str]:
    """That of this process, with the sbin directories that a user's PATH on Debian lacks."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_SBIN}", "LC_ALL": "C"}


def missing() -> tuple[Need, ...]:
    """What this machine lacks."""
    path = environ()["PATH"]
    programs = _PROGRAMS if os.geteuid() == 0 else (*_PROGRAMS, _FOR_USERS)
    lacking = [need for need in programs if not shutil.which(need.what, path=path)]
    return (*lacking, *([] if _KEYRING.exists() else [_FOR_CHECKING]))


def missing_packages() -> list[str]:
    """Debian's names of what this machine lacks."""
    return [need.debian for need in missing()]


def words(lacking: Sequence[Need]) -> list[str]:
    """What is missing, and the command that installs it, a line each."""
    lines = [f"missing for a virtual host: {', '.join(need.what for need in lacking)}"]
    sudo = "" if os.geteuid() == 0 else "sudo "
    path = environ()["PATH"]
    if shutil.which("apt-get", path=path):
        command = f"{sudo}apt-get install {' '.join(need.debian for need in lacking)}"
    elif shutil.which("dnf", path=path):
        command = f"{sudo}dnf install {' '.join(need.fedora for need in lacking)}"
    else:
        names = " ".join(need.debian for need in lacking)
        return [*lines, f"install what Debian calls {names}"]
    return [*lines, f"install it: {command}"]


def shortages(memory_mib: int, disks: Mapping[Path, int]) -> list[str]:
    """What there is too little of, in words. memory_mib: that is to be free; disks: MiB that are
    to be free where these directories are, or will be made."""
    short = []
    free = _free_memory_mib()
    if free is not None and free < memory_mib:
        short.append(f"it needs {memory_mib} MiB of memory, and {free} MiB are free")
    # Directories on one file system share what is free there.
    wanted: dict[int, tuple[Path, int]] = {}
    for path, mib in disks.items():
        there = next(one for one in (path, *path.parents) if one.exists())
        device = there.stat().st_dev
        _, before = wanted.get(device, (there, 0))
        wanted[device] = (there, before + mib)
    for there, mib in wanted.values():
        left = shutil.disk_usage(there).free // MIB
        if left < mib:
            short.append(f"it needs {mib} MiB in {there}, and {left} MiB are free")
    return short


def _free_memory_mib() -> int | None:
    """None where the system does not tell."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    text = values.get("MemAvailable", "").split()
    return int(text[0]) // 1024 if text and text[0].isdecimal() else None
