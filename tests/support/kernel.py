"""A kernel with modules for the test appliance, from the distribution's own packages."""

from __future__ import annotations

import gzip
import lzma
import re
import shutil
import subprocess
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_METAPACKAGES = ("linux-image-amd64", "linux-image-generic")
"""Debian's and Ubuntu's: the newest kernel with all drivers as modules."""
_PART = re.compile(r"linux-(image|modules)(-extra)?-\d")
_MODINFO = re.compile(rb"\0(alias|depends)=([^\0]*)")
_ELF = b"\x7fELF"


class ApplianceError(RuntimeError):
    """There is no kernel or no user space to make an appliance of."""


def kernel_packages() -> tuple[str, ...]:
    """ "name=version" of the packages that hold the kernel; () where apt knows none."""
    if shutil.which("apt-get") is None:
        return ()
    for meta in _METAPACKAGES:
        names = _parts(meta, set())
        if names:
            return tuple(f"{name}={_candidate(name)}" for name in sorted(names))
    return ()


def download(packages: Iterable[str], into: Path) -> list[Path]:
    """The .deb files of packages. Raises ApplianceError with apt's words."""
    before = set(into.glob("*.deb"))
    done = subprocess.run(
        ["apt-get", "-q", "download", *packages],
        cwd=into,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ApplianceError(f"apt-get download: {done.stderr.strip()} (apt-get update first?)")
    return sorted(set(into.glob("*.deb")) - before)


def unpack(debs: Iterable[Path], into: Path) -> None:
    for deb in debs:
        subprocess.run(["dpkg-deb", "--extract", deb, into], check=True)


def quick_kernel(image: bytes) -> bytes:
    """The ELF kernel inside a bzImage, which boots (PVH) without unpacking itself.

    Unpacking takes 4 s under TCG. The image itself where its compression is not known here.
    """
    for magic, unpack_payload in ((b"\xfd7zXZ\0", _xz), (b"\x1f\x8b\x08", _gzip), (_ZSTD, _zstd)):
        start = image.find(magic)
        while start >= 0:
            payload = unpack_payload(image[start:])
            if payload.startswith(_ELF):
                return payload
            start = image.find(magic, start + 1)
    return image


_ZSTD = b"\x28\xb5\x2f\xfd"


def _xz(data: bytes) -> bytes:
    try:
        return lzma.LZMADecompressor().decompress(data)
    except lzma.LZMAError:
        return b""


def _gzip(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data)
    except zlib.error:
        return b""


def _zstd(data: bytes) -> bytes:
    if shutil.which("zstd") is None:
        return b""
    # What follows the frame makes zstd fail after it has written the frame.
    done = subprocess.run(["zstd", "-dqc"], input=data, capture_output=True, check=False)
    return done.stdout


@dataclass(frozen=True, slots=True)
class Module:
    name: str
    data: bytes = field(repr=False)
    depends: tuple[str, ...]
    aliases: tuple[str, ...]


class Modules:
    """The modules under a directory, by name; "-" and "_" are the same, as for modprobe."""

    def __init__(self, tree: Path) -> None:
        self._paths = {_plain(path.name.split(".ko")[0]): path for path in tree.rglob("*.ko*")}

    def with_dependencies(self, wanted: Iterable[str]) -> list[Module]:
        """Each module after what it depends on. What is built into the kernel is left out."""
        found: dict[str, Module] = {}
        for name in wanted:
            self._add(_plain(name), found)
        return list(found.values())

    def _add(self, name: str, found: dict[str, Module]) -> None:
        if name in found or name not in self._paths:
            return
        module = _read(name, self._paths[name])
        for needed in module.depends:
            self._add(needed, found)
        found[name] = module


def _read(name: str, path: Path) -> Module:
    data = path.read_bytes()
    if path.suffix == ".xz":
        data = lzma.decompress(data)
    elif path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".zst":
        data = _zstd(data)
    said = [(kind, value.decode()) for kind, value in _MODINFO.findall(data)]
    depends = [part for kind, value in said if kind == b"depends" for part in value.split(",")]
    aliases = tuple(value for kind, value in said if kind == b"alias")
    return Module(name, data, tuple(_plain(part) for part in depends if part), aliases)


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _parts(package: str, seen: set[str]) -> set[str]:
    """The packages with files of the kernel that a package depends on."""
    for name in _depends(package):
        if _PART.match(name) and name not in seen:
            seen.add(name)
            _parts(name, seen)
    return seen


def _depends(package: str) -> Iterator[str]:
    done = subprocess.run(
        ["apt-cache", "depends", "--important", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return iter(re.findall(r"Depends: (\S+)", done.stdout))


def _candidate(package: str) -> str:
    done = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", package],
        capture_output=True,
        text=True,
        check=True,
    )
    version = re.search(r"^Version: (\S+)", done.stdout, re.MULTILINE)
    assert version is not None, f"apt-cache shows no version of {package}"
    return version.group(1)
