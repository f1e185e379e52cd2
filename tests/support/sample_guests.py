"""Two guests that do something, to look at: python -m tests.support.sample_guests start|stop.

"sample-paravirtual" has virtio devices, "sample-emulated" has IDE, SATA and old NICs. Both run
under TCG and load their disks and NICs. `stop` removes the guests, their network and their files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import uuid
from pathlib import Path

import libvirt

from tests.support.appliance import MEMORY_MIB, Appliance, appliance
from tests.support.guests import disk_xml, guest_xml, sparse_file
from tuivm.lab.ports import LabError

PARAVIRTUAL, EMULATED, NETWORK = "sample-paravirtual", "sample-emulated", "tuivm-sample"
DISK_MIB = 16
_LINUX = (
    "<metadata><libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
    "<libosinfo:os id='http://libosinfo.org/linux/2022'/></libosinfo:libosinfo></metadata>"
)
"""As virt-install notes it, so that it can be told which devices could be virtio."""
_PORTS = {PARAVIRTUAL: (17701, 17702), EMULATED: (17702, 17701)}
"""This machine's UDP ports (to, from) of the guests where libvirt can make no network."""


def uuid_of(name: str) -> str:
    """Always the same: what is found by it is ours, whatever else has the name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://tuivm.invalid/{name}"))


def home() -> Path:
    """Their files: where QEMU may read them, whoever libvirt runs it as."""
    return Path(f"/var/tmp/tuivm-samples-{os.getuid()}")


def start(conn: libvirt.virConnect, directory: Path) -> None:
    """Define and start both, with their files in a directory; one that runs is left as it is."""
    made = _files(directory)
    # Without a network with a bridge there are taps, without taps (no root) there is UDP, which
    # carries packets that libvirt does not count.
    kinds = ["network"] if _make_network(conn) else ["ethernet", "udp"]
    for name in (PARAVIRTUAL, EMULATED):
        domain = _find(conn, name)
        if domain is not None and domain.isActive():
            continue
        for kind in kinds:
            domain = conn.defineXML(_xml(name, made, directory, kind))
            try:
                domain.create()
            except libvirt.libvirtError:
                if kind == kinds[-1]:
                    raise
            else:
                break
        print(f"started {name}")


def stop(conn: libvirt.virConnect, directory: Path) -> None:
    """Remove both, their network, and the directory with all that is in it."""
    for name in (PARAVIRTUAL, EMULATED):
        domain = _find(conn, name)
        if domain is None:
            continue
        if domain.isActive():
            domain.destroy()
        domain.undefine()
        print(f"removed {name}")
    try:
        network = conn.networkLookupByUUIDString(uuid_of(NETWORK))
    except libvirt.libvirtError:
        pass
    else:
        network.destroy()
    shutil.rmtree(directory, ignore_errors=True)


def _find(conn: libvirt.virConnect, name: str) -> libvirt.virDomain | None:
    try:
        return conn.lookupByUUIDString(uuid_of(name))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def _files(directory: Path) -> Appliance:
    """A copy of the appliance and the disks, in a directory that every user may enter."""
    directory.mkdir(mode=0o755, exist_ok=True)
    if directory.stat().st_uid != os.getuid() or directory.is_symlink():
        raise LabError(f"{directory} belongs to somebody else")
    directory.chmod(0o755)
    built = appliance()
    copies = []
    for source in (built.kernel, built.initrd):
        # The name says which build it is: a kernel that a running guest was booted from stays.
        copy = directory / f"{source.name}-{source.parent.name}"
        if not copy.exists():
            partial = copy.with_suffix(".partial")
            shutil.copyfile(source, partial)
            partial.chmod(0o644)
            partial.rename(copy)
        copies.append(copy)
    for name in (PARAVIRTUAL, EMULATED):
        for disk in _disks(directory, name):
            if not disk.exists():
                sparse_file(disk, DISK_MIB)
    return Appliance(*copies)


def _disks(directory: Path, name: str) -> tuple[Path, Path]:
    return directory / f"{name}-1.raw", directory / f"{name}-2.raw"


def _make_network(conn: libvirt.virConnect) -> bool:
    """A network of a bridge alone: no address, no DHCP, no way out."""
    try:
        conn.networkLookupByUUIDString(uuid_of(NETWORK))
    except libvirt.libvirtError:
        pass
    else:
        return True
    try:
        conn.networkCreateXML(
            f"<network><name>{NETWORK}</name><uuid>{uuid_of(NETWORK)}</uuid></network>"
        )
    except libvirt.libvirtError:
        return False
    return True


def _nic(name: str, model: str, kind: str) -> str:
    source = f"<source network='{NETWORK}'/>" if kind == "network" else ""
    if kind == "udp":
        to, own = _PORTS[name]
        source = (
            f"<source address='127.0.0.1' port='{to}'>"
            f"<local address='127.0.0.1' port='{own}'/></source>"
        )
    return f"<interface type='{kind}'>{source}<model type='{model}'/></interface>"


def _xml(name: str, made: Appliance, directory: Path, nic: str) -> str:
    first, second = _disks(directory, name)
    if name == PARAVIRTUAL:
        machine, model = "q35", "virtio"
        devices = disk_xml(first, "vda") + disk_xml(second, "sda", bus="scsi")
        devices += "<controller type='scsi' model='virtio-scsi'/><memballoon model='virtio'/>"
        devices += "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
    else:
        machine, model = "pc", "e1000"
        devices = disk_xml(first, "hda", bus="ide") + disk_xml(second, "sda", bus="sata")
        devices += "<memballoon model='none'/>"
    devices += _nic(name, model, nic) + "<serial type='pty'/><video><model type='vga'/></video>"
    return guest_xml(
        name,
        uuid=uuid_of(name),
        machine=machine,
        memory_mib=MEMORY_MIB,
        os=made.os_xml("disk,net", "pause=150000"),
        devices=devices,
        more=_LINUX,
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="sample_guests", description=__doc__)
    parser.add_argument("what", choices=("start", "stop"))
    parser.add_argument("--uri", help="the host; libvirt's own choice if not given")
    options = parser.parse_args(arguments)
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    try:
        conn = libvirt.open(options.uri)
        start(conn, home()) if options.what == "start" else stop(conn, home())
    except (libvirt.libvirtError, LabError) as error:
        print(f"sample_guests: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
