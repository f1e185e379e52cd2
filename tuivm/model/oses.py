"""Operating systems, as osinfo-db knows them."""

from __future__ import annotations

from typing import NamedTuple


class OsInfo(NamedTuple):
    """Memory in KiB, storage in bytes, 0: not said. devices: osinfo's names of those that it has
    drivers for, of all its ancestors too ("virtio-block", "virtio-net", "virtio-scsi", "e1000e",
    "usb-storage", "virtio1.0-block", …); () where nothing is known. ended: the support is over."""

    id: str = ""
    """"http://debian.org/debian/12"; "" for the generic one."""
    short_id: str = "generic"
    name: str = "Generic or unknown OS"
    family: str = ""
    """"linux", "winnt", …"""
    vcpus_min: int = 0
    vcpus: int = 0
    memory_min_kib: int = 0
    memory_kib: int = 0
    storage_min: int = 0
    storage: int = 0
    devices: tuple[str, ...] = ()
    uefi: bool | None = None
    bios: bool | None = None
    ended: bool = False
    cloud_init: bool = False
    """It has cloud images that cloud-init configures."""
    like: str = ""
    """Short id of the OS that this is taken from: one newer than this machine's osinfo-db, which
    others that read it (virt-install) do not know either."""

    @property
    def known(self) -> bool:
        return bool(self.id)


GENERIC = OsInfo()
