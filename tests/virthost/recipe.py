"""The disk of the virtual host: Debian with libvirt, QEMU and an SSH server.

Built once for each recipe (this file and customize.sh) and kept in the user's cache directory with
the key that opens it. As root, or as a user that has subordinate user ids (/etc/subuid).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from platformdirs import user_cache_path

SUITE = "bookworm"
PACKAGES = (
    *("systemd-sysv", "udev", "dbus", "kmod", "linux-image-amd64"),
    *("libvirt-daemon-system", "libvirt-daemon-driver-qemu", "libvirt-clients"),
    *("qemu-system-x86", "qemu-utils", "ovmf", "dnsmasq-base", "iptables"),
    *("openssh-server", "iproute2", "pciutils"),
)
DISK_SIZE = "6G"

_HOOK = Path(__file__).with_name("customize.sh")
_SOURCES = (Path(__file__), _HOOK)
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
_NEEDS = {
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "ssh": "openssh-client",
    "setpriv": "util-linux",
}
"""Programs, here and in host.py, and the Debian packages that bring them."""
_BUILD_SECONDS = 1800


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


def environ() -> dict[str, str]:
    """That of this process, with the sbin directories that a user's PATH on Debian lacks."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_SBIN}", "LC_ALL": "C"}


def missing_packages() -> list[str]:
    """Debian's names of the packages that this machine lacks for a virtual host."""
    path = environ()["PATH"]
    return [package for program, package in _NEEDS.items() if not shutil.which(program, path=path)]


def image() -> Image:
    """The image, built if need be (minutes). Raises VirtHostError where it cannot be."""
    missing = missing_packages()
    if missing:
        raise VirtHostError(f"install first: {' '.join(missing)} (make virthost does)")
    home = user_cache_path("tuivm") / "tests"
    home.mkdir(parents=True, exist_ok=True)
    built = home / f"virthost-{_key()}"
    with _locked(home / "virthost.lock"):
        if not built.exists():
            print(f"tuivm: building the virtual host's disk, once, in {built}", flush=True)
            with _scratch(home) as work:
                _build(work)
                (work / "made").rename(built)
    return Image(built)


def _build(work: Path) -> None:
    made, tree, log = work / "made", work / "tree", work / "log"
    made.mkdir(mode=0o700)
    with log.open("wb") as said:
        key = made / "id_ed25519"
        _do(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tuivm", "-f", str(key)], said)
        public = key.with_suffix(".pub").read_text().strip()
        archive = work / "tree.tar"
        with archive.open("wb") as output:
            _do(_bootstrap(), said, output, TUIVM_KEY=public)
        _do([*_as_root(), "mkdir", str(tree)], said)
        _do([*_as_root(), "tar", "--numeric-owner", "-xpf", str(archive), "-C", str(tree)], said)
        archive.unlink()
        for pattern, name in (
            ("boot/vmlinuz-*", "vmlinuz"),
            ("boot/initrd.img-*", "initrd"),
            ("etc/ssh/ssh_host_ed25519_key.pub", "host_key.pub"),
        ):
            shutil.copyfile(_only(tree, pattern), made / name)
        disk = made / "host.img"
        _do(["truncate", "-s", DISK_SIZE, str(disk)], said)
        # The kernel makes what lazy_itable_init leaves out when it first mounts the disk for
        # writing, and under emulation that would go on beside every boot.
        options = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"]
        _do([*_as_root(), "mkfs.ext4", *options, "-d", str(tree), str(disk)], said)


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
    command: Sequence[str], said: IO[bytes], output: IO[bytes] | None = None, **more: str
) -> None:
    """Run a command, its words into a log. Raises VirtHostError with the last of them."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said if output is None else output,
            stderr=said,
            env={**environ(), **more},
            timeout=_BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise VirtHostError(f"{command[0]} did not end within {_BUILD_SECONDS} s") from error
    if done.returncode:
        words = Path(said.name).read_text(errors="replace")[-2000:]
        raise VirtHostError(f"{command[0]} failed ({done.returncode}):\n{words}")


def _only(tree: Path, pattern: str) -> Path:
    found = list(tree.glob(pattern))
    if len(found) != 1:
        raise VirtHostError(f"the new system has {len(found)} of {pattern}, not one")
    return found[0]


def _key() -> str:
    digest = hashlib.sha256()
    for source in _SOURCES:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _scratch(home: Path) -> Iterator[Path]:
    """A directory that goes with all that is in it, also what belongs to subordinate users."""
    work = Path(tempfile.mkdtemp(prefix="virthost-building-", dir=home))
    try:
        yield work
    finally:
        subprocess.run([*_as_root(), "rm", "-rf", str(work)], check=False)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process builds, the others wait for it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
