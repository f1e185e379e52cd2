"""A Linux guest for the tests: boots in a few seconds under TCG and does as it is told.

The kernel is the distribution's (apt-get download, or the machine's own), the user space is
busybox; what it can do is in appliance_init.sh. Built once for each kernel and kept in the
user's cache directory.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from platform import release

from platformdirs import user_cache_path

from tests.support import cpio, kernel
from tests.support.kernel import ApplianceError, Module, Modules

_INIT = Path(__file__).with_name("appliance_init.sh")
_SOURCES = (Path(__file__), _INIT, Path(kernel.__file__), Path(cpio.__file__))
_ELF_INTERPRETER = 3

MODULES = (
    *("virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net", "virtio_balloon", "virtio_rng"),
    "virtio_console",
    *("ata_piix", "ahci", "nvme", "sym53c8xx", "megaraid_sas", "vmw_pvscsi", "sd_mod", "sr_mod"),
    *("e1000", "e1000e", "8139cp", "pcnet32", "vmxnet3", "igb"),
    *("xhci_pci", "ehci_pci", "uhci_hcd", "usb_storage", "uas", "button", "evdev"),
)


@dataclass(frozen=True, slots=True)
class Appliance:
    kernel: Path
    initrd: Path

    def os_xml(self, load: str = "none", more: str = "") -> str:
        """What goes into `<os>`. load: words of appliance_init.sh, separated by commas."""
        return (
            f"<kernel>{self.kernel}</kernel><initrd>{self.initrd}</initrd>"
            f"<cmdline>console=ttyS0 quiet load={load} {more}</cmdline>"
        )


MEMORY_MIB = 128
"""What the appliance needs; with 96 the kernel finds no room to unpack its initramfs."""
READY = "tuivm-appliance: ready"
"""What it writes on its first serial port when drivers are loaded and the load has begun."""


@cache
def appliance() -> Appliance:
    """The appliance, built if need be. Raises ApplianceError where it cannot be."""
    home = user_cache_path("tuivm") / "tests"
    home.mkdir(parents=True, exist_ok=True)
    packages = kernel.kernel_packages()
    with _locked(home / "lock"):
        built = home / f"appliance-{_key(packages)}"
        if not built.exists():
            with tempfile.TemporaryDirectory(dir=home) as work:
                _build(packages, Path(work))
                (Path(work) / "made").rename(built)
    return Appliance(built / "kernel", built / "initrd")


def _build(packages: tuple[str, ...], work: Path) -> None:
    tree = work / "tree"
    tree.mkdir()
    if packages:
        kernel.unpack(kernel.download(packages, work), tree)
    image, modules = _find(tree if packages else Path("/"))
    made = work / "made"
    made.mkdir()
    (made / "kernel").write_bytes(kernel.quick_kernel(image.read_bytes()))
    chosen = Modules(modules).with_dependencies(MODULES)
    (made / "initrd").write_bytes(_initramfs(_busybox(work), chosen))


def _find(root: Path) -> tuple[Path, Path]:
    """The kernel image and the directory of its modules, in an unpacked tree or this system."""
    versions = sorted((root / "lib/modules").glob("*"), reverse=True)
    versions.sort(key=lambda path: path.name != release())
    for modules in versions or sorted((root / "usr/lib/modules").glob("*"), reverse=True):
        for image in (root / f"boot/vmlinuz-{modules.name}", modules / "vmlinuz"):
            if image.is_file():
                return image, modules
    raise ApplianceError("no kernel: neither in a package that apt knows nor in /boot")


def _initramfs(busybox: Path, modules: list[Module]) -> bytes:
    entries = [cpio.directory(name) for name in ("bin", "dev", "modules", "proc", "sys")]
    entries += [
        cpio.file("bin/busybox", busybox.read_bytes(), executable=True),
        cpio.link("bin/sh", "busybox"),
        cpio.file("init", _INIT.read_bytes(), executable=True),
        cpio.file("drivers.sh", _drivers(modules).encode()),
    ]
    entries += [cpio.file(f"modules/{module.name}.ko", module.data) for module in modules]
    return cpio.archive(entries)


def _drivers(modules: list[Module]) -> str:
    """Shell functions in place of modprobe's tables: their patterns are the shell's own."""
    by_name = {module.name: module for module in modules}
    drivers = [
        f"{pattern}) driver={module.name} ;;"
        for module in modules
        if module.name in MODULES
        for pattern in module.aliases
        if ":" in pattern
    ]
    chains = [
        f"{name}) chain='{' '.join(_chain(name, by_name))}' ;;"
        for name in by_name
        if name in MODULES
    ]
    lines = ["driver_of() { driver=; case $1 in", *drivers, "esac; }"]
    lines += ["chain_of() { chain=; case $1 in", *chains, "esac; }"]
    return "\n".join(lines) + "\n"


def _chain(name: str, modules: dict[str, Module]) -> list[str]:
    chain: dict[str, None] = {}
    for needed in modules[name].depends:
        if needed in modules:
            chain.update(dict.fromkeys(_chain(needed, modules)))
    chain[name] = None
    return list(chain)


def _busybox(work: Path) -> Path:
    """A busybox without shared libraries: the machine's own, or its package's."""
    installed = shutil.which("busybox")
    if installed and _is_static(Path(installed)):
        return Path(installed)
    if shutil.which("apt-get") is None:
        raise ApplianceError("no static busybox: install busybox-static")
    tree = work / "busybox"
    kernel.unpack(kernel.download(["busybox-static"], work), tree)
    return next(path for path in tree.rglob("bin/busybox") if path.is_file())


def _is_static(path: Path) -> bool:
    """No program header of a 64-bit little-endian ELF file asks for an interpreter."""
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        return False
    (offset,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    kinds = (struct.unpack_from("<I", data, offset + size * i)[0] for i in range(count))
    return _ELF_INTERPRETER not in kinds


def _key(packages: tuple[str, ...]) -> str:
    digest = hashlib.sha256(" ".join(packages or (release(),)).encode())
    for source in _SOURCES:
        digest.update(source.read_bytes())
    busybox = shutil.which("busybox")
    digest.update(Path(busybox).read_bytes() if busybox else b"")
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process builds, the others wait for it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    print(appliance())
