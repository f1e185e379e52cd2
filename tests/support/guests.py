"""Small guests for the tests: always type='qemu' (TCG), defined and cleaned up."""

from __future__ import annotations

import uuid as uuids
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import libvirt

from tests.support.rig import Rig


def guest_xml(
    name: str,
    *,
    uuid: str = "",
    machine: str = "pc",
    memory_mib: int = 16,
    vcpus: int = 1,
    devices: str = "",
    os: str = "",
    features: str = "<acpi/>",
    more: str = "",
) -> str:
    """Domain XML of a guest. devices, os, features and more are XML put in as it stands."""
    return (
        f"<domain type='qemu'><name>{escape(name)}</name>"
        f"<uuid>{uuid or uuids.uuid4()}</uuid>"
        f"<memory unit='MiB'>{memory_mib}</memory><vcpu>{vcpus}</vcpu>"
        f"<os><type arch='x86_64' machine='{machine}'>hvm</type>{os}</os>"
        f"<features>{features}</features>{more}"
        f"<devices>{devices}</devices></domain>"
    )


def disk_xml(
    path: Path | str, target: str = "vda", *, bus: str = "virtio", fmt: str = "raw", more: str = ""
) -> str:
    """A file disk. more is XML inside `<disk>` ("<readonly/>")."""
    return (
        f"<disk type='file' device='disk'><driver name='qemu' type='{fmt}'/>"
        f"<source file={quoteattr(str(path))}/><target dev='{target}' bus='{bus}'/>{more}</disk>"
    )


def serial_xml(log: Path) -> str:
    """A serial port that is written to a file."""
    return f"<serial type='file'><source path={quoteattr(str(log))}/></serial>"


def sparse_file(path: Path, mib: int = 1) -> Path:
    """A raw disk full of nothing."""
    with path.open("wb") as file:
        file.truncate(mib * 1024 * 1024)
    return path


@dataclass
class GuestFactory:
    """Defines and starts guests on a rig; `clean` removes every guest and pool the rig has."""

    rig: Rig
    _conn: libvirt.virConnect | None = field(default=None, repr=False)

    @property
    def conn(self) -> libvirt.virConnect:
        """A connection of the tests' own, opened again when libvirtd was restarted."""
        if self._conn is None or not _answers(self._conn):
            self._conn = libvirt.open(self.rig.uri)
        return self._conn

    def define(self, xml: str) -> str:
        """The UUID of a guest that is off."""
        return str(self.conn.defineXML(xml).UUIDString())

    def start(self, xml: str, *, paused: bool = True, transient: bool = False) -> str:
        """The UUID of a guest that runs, paused unless told otherwise."""
        flags = libvirt.VIR_DOMAIN_START_PAUSED if paused else 0
        if transient:
            return str(self.conn.createXML(xml, flags).UUIDString())
        domain = self.conn.defineXML(xml)
        domain.createWithFlags(flags)
        return str(domain.UUIDString())

    def domain(self, uuid: str) -> libvirt.virDomain:
        return self.conn.lookupByUUIDString(uuid)

    def exists(self, uuid: str) -> bool:
        return any(domain.UUIDString() == uuid for domain in self.conn.listAllDomains())

    def pool(self, name: str, directory: Path) -> libvirt.virStoragePool:
        """A running directory pool; nothing of it outlives the rig but what is in it."""
        pool = self.conn.storagePoolDefineXML(
            f"<pool type='dir'><name>{escape(name)}</name>"
            f"<target><path>{escape(str(directory))}</path></target></pool>"
        )
        pool.create()
        return pool

    def clean(self) -> None:
        """Remove every guest and pool of the rig, whoever made it."""
        for domain in self.conn.listAllDomains():
            uuid = domain.UUIDString()
            if domain.isActive():
                domain.destroy()
            if self.exists(uuid):
                domain.undefineFlags(
                    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
                    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
                    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
                    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
                )
        for pool in self.conn.listAllStoragePools():
            if pool.isActive():
                pool.destroy()
            pool.undefine()
        self.conn.close()
        self._conn = None


def _answers(conn: libvirt.virConnect) -> bool:
    try:
        conn.getLibVersion()
    except libvirt.libvirtError:
        return False
    return True
