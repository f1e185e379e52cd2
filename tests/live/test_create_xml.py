"""Definitions of new guests on a real libvirt: each that its QEMU can be is defined there.

KVM is hidden from the rig, so what is made for it is defined for TCG, without the CPU mode that
needs it. Guests of other architectures are tried where their QEMU is installed.
"""

from __future__ import annotations

from pathlib import Path

import libvirt
import pytest
from lxml import etree

from tests.support.createspecs import CASES, Case, built
from tests.support.guests import GuestFactory, sparse_file
from tuivm.domainxml.copying import copied, source_key
from tuivm.domainxml.domcaps import read_domain_caps
from tuivm.domainxml.hostcaps import read_capabilities
from tuivm.domainxml.parse import parse_domain
from tuivm.domainxml.storage import disk_uses
from tuivm.model.creation import Placed
from tuivm.model.spec import Firmware, Nic, NicKind, Spec

OTHER_UUID = "6f8b1d02-0a5b-4f6b-9d7e-1d9d3ac3a0ff"
PASST_SINCE = 9_001_000
FIRMWARE_IS_FOUND_AT_DEFINITION_SINCE = 9_002_000
STARTED = ("iso", "pc", "q35-tcg", "viommu-tcg", "one-of-each", "emulated", "scsi", "windows-old")


class Host:
    """What the rig's libvirt can be."""

    def __init__(self, connection: libvirt.virConnect) -> None:
        self.connection = connection
        guests = read_capabilities(connection.getCapabilities()).guests
        self.emulators = {one.arch: one.emulator for one in guests if "qemu" in one.virt_types}

    def xml(self, name: str) -> str:
        """The case for TCG, "" where this host cannot be it."""
        case = CASES[name]
        machine = case.spec.machine
        if machine.virt_type not in ("kvm", "qemu") or machine.arch not in self.emulators:
            return ""
        caps = read_domain_caps(
            self.connection.getDomainCapabilities(None, machine.arch, machine.machine, "qemu")
        )
        version = self.connection.getLibVersion()
        uefi = machine.firmware in (Firmware.UEFI, Firmware.UEFI_SECURE)
        if (
            (machine.tpm and "emulator" not in caps.tpm_backends)
            or (uefi and version >= FIRMWARE_IS_FOUND_AT_DEFINITION_SINCE and not caps.firmware)
            or (version < PASST_SINCE and any(nic.kind is NicKind.PASST for nic in _nics(case)))
        ):
            return ""
        cpu = "maximum" if machine.cpu == "host-passthrough" else machine.cpu
        machine = machine._replace(virt_type="qemu", cpu=cpu)
        case = case._replace(spec=case.spec._replace(machine=machine))
        return built(case, emulator=self.emulators[machine.arch])


def _nics(case: Case) -> tuple[Nic, ...]:
    return case.spec.nics or ()


def _startable(xml: str, directory: Path) -> str:
    """The definition with files and networks that exist: disks that are no files are left out."""
    domain = parse_domain(xml)
    for number, disk in enumerate(domain.findall("devices/disk")):
        source, driver = disk.find("source"), disk.find("driver")
        assert driver is not None
        if source is not None and "file" not in source.attrib:
            domain.find("devices").remove(disk)  # type: ignore[union-attr]
        elif source is not None:
            source.set("file", str(sparse_file(directory / f"{number}.img")))
            driver.set("type", "raw")
    for nic in domain.findall("devices/interface"):
        nic.set("type", "user")
        for source in nic.findall("source"):
            nic.remove(source)
    return etree.tostring(domain, encoding="unicode")


def test_each_is_defined_and_undefined_again(guest_factory: GuestFactory) -> None:
    """One test for all: which ones a host can be depends on what is installed."""
    host, defined, refused = Host(guest_factory.conn), [], {}
    for name in CASES:
        xml = host.xml(name)
        if not xml:
            continue
        try:
            guest = host.connection.defineXMLFlags(xml, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
        except libvirt.libvirtError as error:
            refused[name] = str(error)
            continue
        defined.append(name)
        guest.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
    assert not refused
    # All that needs neither another architecture's QEMU nor swtpm.
    assert len(defined) >= 35
    assert not host.connection.listAllDomains()


@pytest.mark.parametrize("name", STARTED)
def test_qemu_takes_it(name: str, guest_factory: GuestFactory, tmp_path: Path) -> None:
    xml = _startable(Host(guest_factory.conn).xml(name), tmp_path)
    guest = guest_factory.domain(guest_factory.start(xml))
    assert guest.isActive()


def test_a_copy_is_defined_and_started_beside_its_source(
    guest_factory: GuestFactory, tmp_path: Path
) -> None:
    source = _startable(Host(guest_factory.conn).xml("one-of-each"), tmp_path)
    first = guest_factory.domain(guest_factory.start(source))
    # What runs has all that is there at run time alone; a copy is made of the other one.
    for flags in (libvirt.VIR_DOMAIN_XML_INACTIVE, 0):
        xml = first.XMLDesc(flags | libvirt.VIR_DOMAIN_XML_SECURE)
        disks = {
            source_key(use.chain[0]): Placed(str(sparse_file(tmp_path / f"copy-{number}")), "raw")
            for number, use in enumerate(disk_uses(parse_domain(xml)))
        }
        copy = copied(xml, Spec(name="copy", uuid=OTHER_UUID), disks)
        second = guest_factory.domain(guest_factory.start(copy))
        assert second.isActive()
        macs = [
            {mac.get("address") for mac in parse_domain(guest.XMLDesc()).iter("mac")}
            for guest in (first, second)
        ]
        assert len(macs[0] | macs[1]) == 4
        second.destroy()
        second.undefine()
