"""The test appliance with the distribution's qemu-guest-agent in it: an agent that answers."""

from __future__ import annotations

import fcntl
import hashlib
import tempfile
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from tests.support.appliance import Appliance, appliance
from tuivm.lab import cpio, packages, userland
from tuivm.lab.ports import LabError

AGENT_MEMORY_MIB = 192
"""What it needs, with the agent's libraries."""
OS = "debian 12"
OS_RELEASE = 'NAME="Test appliance"\nID=debian\nVERSION_ID="12"\nPRETTY_NAME="Test appliance 12"\n'
CHANNEL = (
    "<channel type='unix'><source mode='bind'/>"
    "<target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
)


@cache
def agent_appliance() -> Appliance:
    """The appliance for load=agent, built if need be. Raises LabError where it cannot be."""
    plain = appliance()
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    built = plain.initrd.with_name(f"initrd-agent-{digest}")
    home = user_cache_path("tuivm") / "tests"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            with tempfile.TemporaryDirectory(dir=home) as work:
                made = Path(work) / "initrd"
                # The kernel unpacks one archive after the other.
                made.write_bytes(plain.initrd.read_bytes() + _archive(Path(work)))
                made.rename(built)
    return Appliance(plain.kernel, built)


def _archive(work: Path) -> bytes:
    tree = work / "tree"
    packages.fetch(["qemu-guest-agent"], tree)
    agent = next((path for path in tree.rglob("sbin/qemu-ga") if path.is_file()), None)
    if agent is None:
        raise LabError("There is no qemu-ga in the package qemu-guest-agent.")
    program = userland.program(agent)
    files = [
        cpio.file("etc/os-release", OS_RELEASE.encode()),
        cpio.file("bin/qemu-ga", agent.read_bytes(), executable=True),
    ]
    # Each where it lies here: the loader looks there.
    here = (program.loader, *program.libraries.values())
    files += [_library(path) for path in here if path is not None]
    return cpio.archive(cpio.with_parents(files))


def _library(path: Path) -> cpio.Entry:
    return cpio.file(str(path).lstrip("/"), path.read_bytes(), executable=True)
