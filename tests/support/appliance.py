"""A Linux guest for the tests: boots in a few seconds under TCG and does as it is told.

Made as the Lab's guest is (tuivm.lab), with an init of its own: what it can do is in
appliance_init.sh. Built once for each kernel and kept in the user's cache directory.
"""

from __future__ import annotations

import fcntl
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from tuivm.lab import cpio, userland
from tuivm.lab import kernel as kernels
from tuivm.lab import modules as lab_modules
from tuivm.lab.modules import Module, Modules

_INIT = Path(__file__).with_name("appliance_init.sh")
_LAB = Path(cpio.__file__).parent
_SOURCES = (
    Path(__file__),
    _INIT,
    *(_LAB / f"{name}.py" for name in ("cpio", "kernel", "modules", "unpacking", "userland")),
)

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
    """The appliance, built if need be. Raises LabError where it cannot be."""
    home = user_cache_path("tuivm") / "tests"
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / "lock"):
        kernel = kernels.find(None, None, home, print, wanted=MODULES)
        built = home / f"appliance-{_key(kernel)}"
        if not built.exists():
            with tempfile.TemporaryDirectory(dir=home) as work:
                _build(kernel, Path(work))
                (Path(work) / "made").rename(built)
    return Appliance(built / "kernel", built / "initrd")


def _build(kernel: kernels.Kernel, work: Path) -> None:
    made = work / "made"
    made.mkdir()
    (made / "kernel").write_bytes(kernels.bootable(kernel.image.read_bytes()))
    chosen = Modules(kernel.modules).with_dependencies(MODULES)
    (made / "initrd").write_bytes(_initramfs(userland.busybox(work), chosen))


def _initramfs(busybox: Path, modules: list[Module]) -> bytes:
    entries = [cpio.directory(name) for name in ("bin", "dev", "modules", "proc", "sys")]
    entries += [
        cpio.file("bin/busybox", busybox.read_bytes(), executable=True),
        cpio.link("bin/sh", "busybox"),
        cpio.file("init", _INIT.read_bytes(), executable=True),
        cpio.file("drivers.sh", lab_modules.shell_tables(modules, MODULES).encode()),
    ]
    entries += [cpio.file(f"modules/{module.name}.ko", module.data) for module in modules]
    return cpio.archive(entries)


def _key(kernel: kernels.Kernel) -> str:
    digest = hashlib.sha256(kernel.image.read_bytes())
    for source in _SOURCES:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process builds, the others wait for it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    print(appliance())
