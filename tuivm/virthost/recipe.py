"""The disk of the virtual host: Debian with libvirt, QEMU and an SSH server.

Built once for each recipe (the packages and customize.sh) and kept in the user's cache directory
with the key that opens it. As root, or as a user that has subordinate user ids (/etc/subuid).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from platformdirs import user_cache_path

from tuivm.virthost import needs
from tuivm.virthost.needs import environ

SUITE = "bookworm"
PACKAGES = (
    *("systemd-sysv", "udev", "dbus", "kmod", "linux-image-amd64"),
    *("libvirt-daemon-system", "libvirt-daemon-driver-qemu", "libvirt-clients"),
    *("qemu-system-x86", "qemu-utils", "ovmf", "dnsmasq-base", "iptables"),
    *("openssh-server", "iproute2", "pciutils"),
)
DISK_SIZE = "6G"

_HOOK = Path(__file__).with_name("customize.sh")
# The kernel makes what lazy_itable_init leaves out when it first mounts the disk for writing, and
# under emulation that would go on beside every boot.
_MKFS = ("-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0")
_COPIED = (
    ("boot/vmlinuz-*", "vmlinuz"),
    ("boot/initrd.img-*", "initrd"),
    ("etc/ssh/ssh_host_ed25519_key.pub", "host_key.pub"),
)
"""Files of the new system that are kept beside its disk, and their names there."""
_BUILD_SECONDS = 1800
_SAY_SECONDS = 20
"""Between two lines on what takes long."""
_END_SECONDS = 30
"""Until a program that was told to end has removed what it made."""

Say = Callable[[str], None]
"""Told in a line what goes on."""


class VirtHostError(RuntimeError):
    """The virtual host cannot be built or booted here, or did not do as it was told."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a virtual host boots from. Never written to: hosts start from overlays."""

    directory: Path

    @property
    def disk(self) -> Path:
        """Raw, sparse, an ext4 file system without partitions."""
        return self.directory / "host.img"

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.directory / "initrd"

    @property
    def key(self) -> Path:
        """The private key with which root logs in."""
        return self.directory / "id_ed25519"

    @property
    def host_key(self) -> str:
        """The public key that the host's SSH server has: algorithm and key, in one line."""
        algorithm, key, *_ = (self.directory / "host_key.pub").read_text().split()
        return f"{algorithm} {key}"


def say(text: str) -> None:
    """On standard error; a terminal that was closed is no reason to end."""
    with suppress(OSError):
        sys.stderr.write(f"tuivm: {text}\n")
        sys.stderr.flush()


def home() -> Path:
    """Where images are kept."""
    return user_cache_path("tuivm") / "virthost"


def built() -> bool:
    """There is an image of this recipe already."""
    return (home() / _key()).exists()


def image(say: Say = say) -> Image:
    """The image, built if need be (minutes). Raises VirtHostError where it cannot be."""
    if missing := needs.missing():
        raise VirtHostError("\n".join(needs.words(missing)))
    shelf = home()
    shelf.mkdir(parents=True, exist_ok=True)
    made = shelf / _key()
    with _locked(shelf / "lock", say):
        if not made.exists():
            say(f"building the virtual host's disk, once, in {made} (one to four minutes)")
            with _scratch(shelf) as work:
                _build(work, say)
                (work / "made").rename(made)
    return Image(made)


def _build(work: Path, say: Say) -> None:
    made, tree, log = work / "made", work / "tree", work / "log"
    made.mkdir(mode=0o700)
    with log.open("wb") as said:
        key = made / "id_ed25519"
        _do(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tuivm", "-f", str(key)], said)
        public = key.with_suffix(".pub").read_text().strip()
        archive = work / "tree.tar"
        say("  1 of 3: fetching and installing Debian's packages, 0.9 GB when unpacked")
        with archive.open("wb") as output:
            _do(_bootstrap(), said, output, say, TUIVM_KEY=public)
        say("  2 of 3: unpacking")
        _do([*_as_root(), "mkdir", str(tree)], said)
        _do([*_as_root(), "tar", "--numeric-owner", "-xpf", str(archive), "-C", str(tree)], said)
        archive.unlink()
        for pattern, name in _COPIED:
            shutil.copyfile(_only(tree, pattern), made / name)
        say("  3 of 3: writing the disk")
        disk = made / "host.img"
        _do(["truncate", "-s", DISK_SIZE, str(disk)], said)
        _do([*_as_root(), "mkfs.ext4", *_MKFS, "-d", str(tree), str(disk)], said)


def _bootstrap() -> list[str]:
    return [
        "mmdebstrap",
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=Acquire::Retries "3"',
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")),
        f"--customize-hook={_HOOK.read_text()}",
        SUITE,
        "-",
    ]


def _as_root() -> list[str]:
    """What makes owners of files count: nothing for root, a user namespace for others."""
    if os.geteuid() == 0:
        return []
    return ["unshare", "--map-root-user", "--map-auto", "--"]


def _do(
    command: Sequence[str],
    said: IO[bytes],
    output: IO[bytes] | None = None,
    say: Say = lambda _: None,
    **more: str,
) -> None:
    """Run a command, its words into a log, where it stands told now and then. more: environment.
    Raises VirtHostError with the last of its words."""
    running = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=said if output is None else output,
        stderr=said,
        env={**environ(), **more},
        # Ctrl+C on a terminal is for who builds: it is told to end then, with all that it started.
        start_new_session=True,
    )
    try:
        status = _wait(running, lambda waited: say(f"    {waited:.0f} s  {_stage(said.name)}"))
    except BaseException:
        _end(running)
        raise
    if status is None:
        _end(running)
        raise VirtHostError(f"{command[0]} did not end within {_BUILD_SECONDS} s")
    if status:
        words = Path(said.name).read_text(errors="replace")[-2000:]
        raise VirtHostError(f"{command[0]} failed ({status}):\n{words}")


def _wait(running: subprocess.Popen[bytes], tell: Callable[[float], None]) -> int | None:
    """Its exit status; None when it takes too long."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < _BUILD_SECONDS:
        if waited >= _SAY_SECONDS:
            tell(waited)
        with suppress(subprocess.TimeoutExpired):
            return running.wait(_SAY_SECONDS)
    return None


def _stage(log: str) -> str:
    """What mmdebstrap is at."""
    lines = Path(log).read_text(errors="replace").splitlines()
    told = [line.removeprefix("I: ") for line in lines if line.startswith("I: ")]
    # Of a hook it shows the script.
    return told[-1].partition(" in shell")[0] if told else ""


def _end(running: subprocess.Popen[bytes]) -> None:
    """In good order first: mmdebstrap removes its directory, and lets go of what it mounted."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(running.pid, number)
        with suppress(subprocess.TimeoutExpired):
            running.wait(_END_SECONDS)
            return


def _only(tree: Path, pattern: str) -> Path:
    found = list(tree.glob(pattern))
    if len(found) != 1:
        raise VirtHostError(f"the new system has {len(found)} of {pattern}, not one")
    return found[0]


def _key() -> str:
    """Of all that decides what is in an image, and nothing else: it costs minutes to build."""
    recipe = (_bootstrap(), DISK_SIZE, _MKFS, _COPIED)
    return hashlib.sha256(repr(recipe).encode()).hexdigest()[:16]


@contextmanager
def _scratch(shelf: Path) -> Iterator[Path]:
    """A directory that goes with all that is in it, also what belongs to subordinate users."""
    for left in shelf.glob("building-*"):
        _remove(left)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=shelf))
    try:
        yield work
    finally:
        _remove(work)


def _remove(work: Path) -> None:
    subprocess.run([*_as_root(), "rm", "-rf", str(work)], start_new_session=True, check=False)


@contextmanager
def _locked(path: Path, say: Say) -> Iterator[None]:
    """One process builds, the others wait for it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process builds the virtual host's disk: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
