"""A Linux that looks for cloud-init's seed, by its label, and tells what it read."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from platformdirs import user_cache_path

from tests.support.appliance import Appliance, locked
from tuivm.lab import cpio, userland
from tuivm.lab import kernel as kernels
from tuivm.lab.modules import Modules

_NEEDED = ("virtio_pci", "ahci", "ata_piix", "sd_mod", "sr_mod", "isofs")
_INIT = """#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /order); do insmod "/modules/$module.ko"; done 2>/dev/null
# The label is in the volume descriptor; busybox's findfs does not look at optical drives.
label() { dd if="$1" bs=2048 skip=16 count=1 2>/dev/null | dd bs=1 skip=40 count=6 2>/dev/null; }
while :; do
  for device in /dev/sr*; do
    [ "$(label "$device")" = cidata ] && break 2
  done
  usleep 100000
done
mount -t iso9660 -o ro "$device" /mnt
echo "seed: $(ls /mnt | sort | xargs)" >/dev/console
cat /mnt/meta-data /mnt/user-data >/dev/console
echo "seed: end" >/dev/console
while :; do sleep 60; done
"""


@cache
def seed_reader() -> Appliance:
    """Built if need be. Raises LabError where it cannot be."""
    home = user_cache_path("tuivm") / "tests" / "seed-reader"
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / "lock"):
        kernel = kernels.find(None, None, home, print, wanted=_NEEDED)
        (home / "kernel").write_bytes(kernels.bootable(kernel.image.read_bytes()))
        (home / "initrd").write_bytes(_initramfs(kernel, home))
    return Appliance(home / "kernel", home / "initrd")


def _initramfs(kernel: kernels.Kernel, home: Path) -> bytes:
    chosen = Modules(kernel.modules).with_dependencies(_NEEDED)
    with TemporaryDirectory(dir=home) as work:
        busybox = userland.busybox(Path(work)).read_bytes()
    entries = [cpio.directory(name) for name in ("bin", "dev", "mnt", "modules", "proc", "sys")]
    entries += [
        cpio.file("bin/busybox", busybox, executable=True),
        cpio.link("bin/sh", "busybox"),
        cpio.file("init", _INIT.encode(), executable=True),
        cpio.file("order", " ".join(module.name for module in chosen).encode()),
    ]
    entries += [cpio.file(f"modules/{module.name}.ko", module.data) for module in chosen]
    return cpio.archive(entries)
