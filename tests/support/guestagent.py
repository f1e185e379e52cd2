"""The test appliance with the distribution's qemu-guest-agent in it: an agent that answers."""

from __future__ import annotations

import fcntl
import hashlib
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from tests.support import cpio, kernel
from tests.support.appliance import Appliance, appliance
from tests.support.kernel import ApplianceError

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
    """The appliance for load=agent, built if need be. Raises ApplianceError where it cannot be."""
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
    kernel.unpack(kernel.download(["qemu-guest-agent"], work), tree)
    agent = next((path for path in tree.rglob("sbin/qemu-ga") if path.is_file()), None)
    if agent is None:
        raise ApplianceError("no qemu-ga in the package qemu-guest-agent")
    directories: dict[str, None] = {}
    files = [
        cpio.file("etc/os-release", OS_RELEASE.encode()),
        cpio.file("bin/qemu-ga", agent.read_bytes(), executable=True),
    ]
    files += [
        cpio.file(path.lstrip("/"), Path(path).read_bytes(), executable=True)
        for path in _libraries(agent)
    ]
    for file in files:
        parents = [str(parent) for parent in Path(file.name).parents if parent.name]
        directories.update(dict.fromkeys(reversed(parents)))
    return cpio.archive([*map(cpio.directory, directories), *files])


def _libraries(program: Path) -> list[str]:
    """Paths of the shared libraries that a program is loaded with, the loader's among them."""
    done = subprocess.run(
        ["ldd", program], capture_output=True, text=True, env={"LC_ALL": "C"}, check=False
    )
    missing = re.findall(r"(\S+) => not found", done.stdout)
    if done.returncode or missing:
        raise ApplianceError(f"qemu-ga lacks {missing or done.stderr.strip()}")
    return re.findall(r"(/\S+) \(0x", done.stdout)
