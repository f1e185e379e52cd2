"""Packages of the distribution: what they are called here, and fetching them without installing."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from tuivm.lab import cpio
from tuivm.lab.ports import LabError

_FAMILIES: Mapping[str, str] = {
    "debian": "apt-get",
    "ubuntu": "apt-get",
    "fedora": "dnf",
    "rhel": "dnf",
    "centos": "dnf",
    "suse": "zypper",
    "opensuse": "zypper",
    "arch": "pacman",
}
_INSTALL: Mapping[str, str] = {
    "apt-get": "apt-get install",
    "dnf": "dnf install",
    "zypper": "zypper install",
    "pacman": "pacman -S",
}
_PACKAGES: Mapping[str, Mapping[str, str]] = {
    "kernel": {
        "apt-get": "linux-image-amd64",
        "dnf": "kernel-core kernel-modules",
        "zypper": "kernel-default",
        "pacman": "linux",
    },
    "busybox": {
        "apt-get": "busybox-static",
        "dnf": "busybox",
        "zypper": "busybox-static",
        "pacman": "busybox",
    },
    "python": {
        "apt-get": "python3",
        "dnf": "python3",
        "zypper": "python3",
        "pacman": "python",
    },
    "download": {"dnf": "dnf-plugins-core"},
    "rpm2cpio": {"dnf": "rpm"},
}
_DEADLINE = 600
"""Seconds that a download may take; a kernel's package has about 100 MB."""
_KERNELS = ("linux-image-amd64", "linux-image-generic")
"""Debian's and Ubuntu's: the newest kernel with all drivers as modules."""
_PART = re.compile(r"linux-(image|modules)(-extra)?-\d")


@cache
def _os_release(path: Path = Path("/etc/os-release")) -> Mapping[str, str]:
    try:
        text = path.read_text()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines())
    return {key: value.strip("\"'") for key, equals, value in pairs if equals}


def manager() -> str:
    """ "apt-get", "dnf", "zypper" or "pacman"; "" on a distribution that is not known."""
    about = _os_release()
    names = [about.get("ID", ""), *about.get("ID_LIKE", "").split()]
    return next((_FAMILIES[name] for name in names if name in _FAMILIES), "")


def name(need: str) -> str:
    """The package that brings what is needed, on this distribution; "" where it is not known."""
    if need == "kernel" and _os_release().get("ID") == "ubuntu":
        return "linux-image-generic"
    return _PACKAGES[need].get(manager(), "")


def remedy(need: str) -> str:
    """How to install what is missing, on this distribution; need: a key of the table above."""
    package = name(need)
    if package:
        return f"Install it: {_INSTALL[manager()]} {package}"
    known = ", ".join(f"{package} ({tool})" for tool, package in _PACKAGES[need].items())
    return f"Install it with the package manager: {known}"


def can_download() -> bool:
    """Packages can be fetched here without installing them and without root."""
    return manager() in ("apt-get", "dnf") and shutil.which(manager()) is not None


def kernel_packages() -> tuple[str, ...]:
    """Packages that hold the newest kernel with all its modules; for apt "name=version". () where
    none is known."""
    if manager() == "dnf":
        return ("kernel-core", "kernel-modules-core", "kernel-modules")
    for meta in _KERNELS:
        names = _parts(meta, set())
        if names:
            return tuple(f"{name}={_candidate(name)}" for name in sorted(names))
    return ()


def fetch(packages: Sequence[str], into: Path) -> None:
    """The files of packages, downloaded and unpacked into an empty directory. Raises LabError."""
    work = into / "packages"
    work.mkdir(parents=True)
    if manager() == "dnf":
        _download_rpms(packages, work)
        for rpm in sorted(work.glob("*.rpm")):
            _unpack_rpm(rpm, into)
    else:
        for deb in download_debs(packages, work):
            unpack_deb(deb, into)
    shutil.rmtree(work)


def download_debs(packages: Sequence[str], into: Path) -> list[Path]:
    """The .deb files of packages. Raises LabError with apt's words."""
    before = set(into.glob("*.deb"))
    _run(
        ["apt-get", "-q", "download", *packages],
        into,
        f"apt-get cannot download {', '.join(packages)}.",
        "Run apt-get update first, or install the package.",
    )
    return sorted(set(into.glob("*.deb")) - before)


def unpack_deb(deb: Path, into: Path) -> None:
    what = f"{deb.name} cannot be unpacked."
    _run(["dpkg-deb", "--extract", str(deb), str(into)], into, what, "")


def _download_rpms(packages: Sequence[str], into: Path) -> None:
    arguments = ["dnf", "-q", "download", "--arch", "x86_64", "--destdir", str(into), *packages]
    _run(arguments, into, f"dnf cannot download {', '.join(packages)}.", remedy("download"))


def _unpack_rpm(rpm: Path, into: Path) -> None:
    if shutil.which("rpm2cpio") is None:
        raise LabError("rpm2cpio is missing.", "", remedy("rpm2cpio"))
    what = f"{rpm.name} cannot be unpacked."
    data = _run(["rpm2cpio", str(rpm)], into, what, "")
    try:
        entries = list(cpio.read(data))
    except ValueError as error:
        raise LabError(what, str(error)) from error
    for entry in entries:
        # Only files matter; links could lead out of the directory.
        if stat.S_ISREG(entry.mode) and ".." not in entry.name.split("/"):
            path = into / entry.name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(entry.data)


def _run(arguments: list[str], where: Path, what: str, remedy: str) -> bytes:
    """Standard output. what: the sentence for a failure."""
    try:
        done = subprocess.run(
            arguments,
            cwd=where,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_DEADLINE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(what, str(error), remedy) from error
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()
        if "No space left" in words:
            raise LabError("The disk is full.", words, "Free some space in the cache directory.")
        raise LabError(what, words, remedy)
    return done.stdout


def _parts(package: str, seen: set[str]) -> set[str]:
    """The packages with files of the kernel that a package depends on."""
    for name in _depends(package):
        if _PART.match(name) and name not in seen:
            seen.add(name)
            _parts(name, seen)
    return seen


def _depends(package: str) -> Iterable[str]:
    words = _asked(["apt-cache", "depends", "--important", package])
    return re.findall(r"Depends: (\S+)", words)


def _candidate(package: str) -> str:
    words = _asked(["apt-cache", "show", "--no-all-versions", package])
    version = re.search(r"^Version: (\S+)", words, re.MULTILINE)
    if version is None:
        raise LabError(f"apt knows no version of {package}.", "", "Run apt-get update first.")
    return version.group(1)


def _asked(arguments: list[str]) -> str:
    """What apt-cache answers; "" where it knows nothing."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout
