"""Complete specs of guests, one for each thing that a definition can say, with their golden names.

The hosts are real ones' capability documents. Nothing here is filled in by the defaults' rules: a
golden file changes when the builder does, and not when a default does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.offers import DESKTOP, DEVICES, WINDOWS11
from tuivm.domainxml.build import build
from tuivm.domainxml.build_disks import PlacedDisk
from tuivm.domainxml.domcaps import read_domain_caps
from tuivm.domainxml.hostcaps import read_capabilities
from tuivm.model.creation import Placed
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.spec import (
    Disk,
    DiskKind,
    FileRef,
    Firmware,
    Forward,
    Graphics,
    Machine,
    NewVolume,
    Nic,
    NicKind,
    NumaCell,
    Passed,
    PassKind,
    Preset,
    Source,
    SourceKind,
    Spec,
    Topology,
)

DATA = Path(__file__).parents[1] / "unit/data/create"
UUID = "6f8b1d02-0a5b-4f6b-9d7e-1d9d3ac3a001"
GIB_KIB = 1024 * 1024
IMAGES = "/var/lib/libvirt/images"

DEBIAN = OsInfo(
    id="http://debian.org/debian/12",
    short_id="debian12",
    family="linux",
    devices=("virtio1.0-block", "virtio1.0-net", "virtio1.0-gpu", "qemu-xhci", "e1000e"),
)
WINDOWS7 = WINDOWS11._replace(
    id="http://microsoft.com/win/7", short_id="win7", devices=("e1000", "ich9-ehci1", "rtl8139")
)
RHEL5 = OsInfo(
    id="http://redhat.com/rhel/5.0", short_id="rhel5.0", family="linux", devices=("e1000",)
)


class Case(NamedTuple):
    """What `build` is given. caps: name of a captured document."""

    spec: Spec
    caps: str = "x86-q35-intel-kvm"
    host: str = "intel-kvm"
    os: OsInfo = DEBIAN
    disks: Sequence[PlacedDisk] = ()
    kernel: Placed | None = None
    initrd: Placed | None = None
    first: bool = False
    offer: Mapping[str, Any] = {}


def built(case: Case, *, emulator: str = "") -> str:
    """The definition. emulator: where it is, on another host than the case's."""
    caps, offer = facts(case)
    return build(
        case.spec,
        offer,
        caps._replace(emulator=emulator or caps.emulator),
        case.os,
        case.disks,
        case.kernel,
        case.initrd,
        first=case.first,
    )


def facts(case: Case) -> tuple[DomainCaps, HostOffer]:
    """What the host of a case offers."""
    caps = read_domain_caps((DATA / f"domcaps-{case.caps}.xml").read_text())
    capabilities = read_capabilities((DATA / f"capabilities-{case.host}.xml").read_text())
    offer = DESKTOP._replace(capabilities=capabilities, devices=DEVICES)
    return caps, offer._replace(**case.offer)


# A disk that an OS is installed on, one that lies over another, and what an installer comes on.
NEW = PlacedDisk(
    Disk(new=NewVolume("default", "web-1.qcow2", 20 << 30, "qcow2"), bus="virtio", discard="unmap"),
    Placed(f"{IMAGES}/web-1.qcow2", "qcow2", pool="default", volume="web-1.qcow2"),
)
IMPORTED = PlacedDisk(
    Disk(file=FileRef(f"{IMAGES}/old.img"), bus="virtio"), Placed(f"{IMAGES}/old.img", "raw")
)
OVERLAY = NEW._replace(disk=NEW.disk._replace(file=FileRef(f"{IMAGES}/base.qcow2"), overlay=True))
CDROM = PlacedDisk(
    Disk(DiskKind.CDROM, FileRef(f"{IMAGES}/debian.iso"), bus="sata", readonly=True),
    Placed(f"{IMAGES}/debian.iso", "raw"),
)
SEED = PlacedDisk(
    Disk(DiskKind.CDROM, bus="sata"), Placed(f"{IMAGES}/web-1-seed.iso", "raw"), seed=True
)
KERNEL = Placed("/var/lib/libvirt/boot/vmlinuz")
INITRD = Placed("/var/lib/libvirt/boot/initrd.img")
NETWORK = Nic(NicKind.NETWORK, "default", "virtio", "52:54:00:12:34:56")
Q35 = Machine("kvm", "x86_64", "q35", Firmware.BIOS, tpm=False, cpu="host-passthrough")


def _spec(kind: SourceKind, disks: Sequence[PlacedDisk] = (), **more: Any) -> Spec:
    said: dict[str, Any] = {
        "name": "web-1",
        "uuid": UUID,
        "vcpus": 2,
        "memory_kib": 2 * GIB_KIB,
        "memory_max_kib": 2 * GIB_KIB,
        "machine": Q35,
        "nics": (NETWORK,),
        "graphics": Graphics.NONE,
        "source": Source(kind),
        "disks": tuple(one.disk for one in disks if not one.seed),
    }
    return Spec(**(said | more))


def _case(
    kind: SourceKind, disks: Sequence[PlacedDisk], *, more: Mapping[str, Any] = {}, **about: Any
) -> Case:
    return Case(_spec(kind, disks, **more), disks=tuple(disks), **about)


def _bus(one: PlacedDisk, bus: str, **changes: Any) -> PlacedDisk:
    return one._replace(disk=one.disk._replace(bus=bus, **changes))


def _at(path: str, disk: Disk, **changes: Any) -> PlacedDisk:
    placed = Placed(f"{IMAGES}/{path}", "qcow2" if path.endswith("qcow2") else "raw")
    return PlacedDisk(disk, placed._replace(**changes))


def _sources() -> dict[str, Case]:
    vnc = {"graphics": Graphics.VNC}
    iso = Source(SourceKind.ISO, FileRef(f"{IMAGES}/debian.iso"))
    kernel = Source(SourceKind.KERNEL, cmdline='root=/dev/vda console=ttyS0 quiet <&> "it\'s"')
    tree = Source(SourceKind.TREE, url="http://deb.debian.org/…", cmdline="console=ttyS0")
    boot = {"kernel": KERNEL, "initrd": INITRD}
    installed = _case(SourceKind.ISO, (NEW, CDROM), more=vnc | {"source": iso})
    rescue = _case(SourceKind.ISO, (IMPORTED, CDROM), more=vnc | {"source": iso})
    cloud = _case(SourceKind.CLOUD, (OVERLAY, SEED))
    fetched = _case(SourceKind.TREE, (NEW,), more={"source": tree}, **boot)
    pxe = _case(SourceKind.PXE, (IMPORTED,), more=vnc)
    return {
        "iso": installed,
        "iso-over-data": rescue,
        "iso-over-data-first": rescue._replace(first=True),
        "import": _case(SourceKind.IMPORT, (IMPORTED,), more=vnc),
        "overlay": _case(SourceKind.OVERLAY, (OVERLAY,), more=vnc),
        "cloud": cloud,
        "cloud-first": cloud._replace(first=True),
        "tree": fetched,
        "tree-first": fetched._replace(first=True),
        "pxe": _case(SourceKind.PXE, (NEW,), more=vnc),
        "pxe-over-data-first": pxe._replace(first=True),
        "pxe-diskless": _case(SourceKind.PXE, (), more=vnc),
        "kernel": _case(SourceKind.KERNEL, (), more={"source": kernel, "nics": ()}, **boot),
        "empty": _case(SourceKind.EMPTY, (NEW, CDROM._replace(placed=None)), more=vnc),
    }


def _machines() -> dict[str, Case]:
    tcg = Q35._replace(virt_type="qemu", cpu="maximum")
    arm = Machine("qemu", "aarch64", "virt", Firmware.UEFI, tpm=False, cpu="maximum")
    cdrom = _bus(CDROM, "scsi")

    def iso(machine: Machine, disks: Sequence[PlacedDisk], **about: Any) -> Case:
        more = {"machine": machine, "graphics": Graphics.VNC} | about.pop("more", {})
        return _case(SourceKind.ISO, disks, more=more, **about)

    s390x = Machine("qemu", "s390x", "s390-ccw-virtio", cpu="maximum")
    return {
        "pc": iso(
            tcg._replace(machine="pc"),
            (NEW, _bus(CDROM, "ide")),
            caps="x86-pc-tcg",
            host="x86-tcg",
        ),
        "q35-tcg": iso(tcg, (NEW, CDROM), caps="x86-q35-tcg", host="x86-tcg"),
        "q35-uefi": iso(Q35._replace(firmware=Firmware.UEFI), (NEW, CDROM)),
        "q35-secure": iso(Q35._replace(firmware=Firmware.UEFI_SECURE, tpm=True), (NEW, CDROM)),
        "pc-uefi-old": iso(
            Q35._replace(machine="pc", firmware=Firmware.UEFI),
            (NEW, _bus(CDROM, "ide")),
            caps="x86-old",
            host="old-kvm",
            offer={"libvirt_version": 4_000_000},
        ),
        "q35-secure-old": iso(
            Q35._replace(firmware=Firmware.UEFI_SECURE),
            (NEW, CDROM),
            offer={"libvirt_version": 6_000_000},
        ),
        "aarch64": iso(arm, (NEW, cdrom), caps="aarch64-virt-tcg", host="aarch64-kvm"),
        "aarch64-many": iso(
            arm, (NEW,), caps="aarch64-virt-tcg", host="aarch64-kvm", more={"vcpus": 12}
        ),
        "ppc64le": iso(
            Machine("qemu", "ppc64le", "pseries", cpu="POWER9", tpm=True),
            (NEW, cdrom),
            caps="ppc64-pseries-tcg",
            host="ppc64le-kvm",
        ),
        "riscv64": iso(
            Machine("qemu", "riscv64", "virt"),
            (NEW, cdrom),
            caps="riscv64-virt-tcg",
            host="riscv64-kvm",
        ),
        "s390x": iso(
            s390x,
            (NEW, cdrom),
            caps="s390x-tcg",
            host="s390x-kvm",
            more={"graphics": Graphics.NONE},
        ),
        "s390x-first": iso(
            s390x,
            (NEW, cdrom),
            caps="s390x-tcg",
            host="s390x-kvm",
            more={"graphics": Graphics.NONE},
            first=True,
        ),
        "xen": iso(
            Machine("xen", "x86_64", "xenfv", Firmware.BIOS),
            (_bus(NEW, "xen"), _bus(CDROM, "ide")),
            caps="xen-hvm",
            host="xen",
            more={"nics": (NETWORK._replace(model=""),)},
        ),
        "windows": iso(
            Q35._replace(
                firmware=Firmware.UEFI_SECURE, tpm=True, topology=Topology(1, 4, 1), nested=False
            ),
            (_bus(NEW, "sata"), CDROM, CDROM),
            os=WINDOWS11,
            more={
                "graphics": Graphics.SPICE,
                "vcpus": 4,
                "nics": (NETWORK._replace(model="e1000e"),),
                "title": "Windows 11",
                "description": "Two drives:\nthe installer & the drivers",
            },
        ),
        "windows-old": iso(
            Q35._replace(machine="pc"),
            (_bus(NEW, "ide"), _bus(CDROM, "ide")),
            os=WINDOWS7,
            more={"nics": (NETWORK._replace(model="rtl8139"),)},
        ),
        "no-virtio": iso(
            tcg._replace(machine="pc"),
            (_bus(NEW, "ide"),),
            os=RHEL5,
            caps="x86-pc-tcg",
            host="x86-tcg",
            more={"nics": (NETWORK._replace(model="e1000"),)},
        ),
        "unknown-os": iso(tcg, (NEW,), os=GENERIC, caps="x86-q35-tcg", host="x86-tcg"),
    }


def _processors() -> dict[str, Case]:
    cells = (NumaCell("0-3", 4 * GIB_KIB, "0"), NumaCell("4-7", 4 * GIB_KIB, "1"))
    numa = Q35._replace(
        hugepages=True,
        page_kib=GIB_KIB,
        topology=Topology(2, 4, 1),
        numa=cells,
        pins=("0", "1", "2", "3", "8", "9", "10", ""),
        emulator_pin="4-5",
    )

    def on(machine: Machine, **more: Any) -> Case:
        return _case(SourceKind.IMPORT, (IMPORTED,), more={"machine": machine} | more)

    model = Q35._replace(cpu="Skylake-Client-IBRS")
    amd = on(Q35._replace(cpu="EPYC", nested=True))
    return {
        "numa": on(numa, vcpus=8, memory_kib=8 * GIB_KIB, memory_max_kib=8 * GIB_KIB),
        "hotplug": on(
            Q35._replace(cpu="host-model", topology=Topology(1, 4, 1), hugepages=True),
            vcpus=2,
            memory_max_kib=8 * GIB_KIB,
        ),
        "nested-model": on(model._replace(nested=True)),
        "nested-amd": amd._replace(caps="x86-q35-amd-kvm"),
        "viommu-intel": on(Q35._replace(viommu="intel", nested=True)),
        "viommu-virtio": on(Q35._replace(viommu="virtio")),
        "viommu-tcg": on(Q35._replace(viommu="intel", virt_type="qemu", cpu="maximum"))._replace(
            caps="x86-q35-tcg", host="x86-tcg"
        ),
    }


def _devices() -> dict[str, Case]:
    disks = (
        _at("a.qcow2", Disk(bus="scsi", cache="none", io="native", discard="unmap")),
        _at("b.qcow2", Disk(bus="scsi", iothread=True, serial="fast")),
        _at("c.img", Disk(bus="lsilogic", readonly=True)),
        _at("d.img", Disk(bus="lsisas1068")),
        _at("e.img", Disk(bus="lsisas1068")),
        _at("f.img", Disk(bus="virtio", iothread=True, cache="directsync")),
        PlacedDisk(
            Disk(bus="virtio", shareable=True), Placed("/dev/vg0/shared", "raw", block=True)
        ),
        PlacedDisk(
            Disk(bus="virtio"), Placed(format="raw", pool="ceph", volume="disk1", by_volume=True)
        ),
        _bus(CDROM, "scsi"),
    )
    tcg = Q35._replace(virt_type="qemu", cpu="maximum")
    user = Nic(NicKind.USER, model="virtio")
    passt = Nic(
        NicKind.PASST,
        model="virtio",
        forwards=(Forward(2222, 22, host_address="127.0.0.1"), Forward(5353, 53, "udp")),
    )
    passed = (
        Passed(PassKind.PCI, "0000:01:00.0"),
        Passed(PassKind.VF, "0000:03:10.0"),
        Passed(PassKind.USB, "1050:0407"),
        Passed(PassKind.USB_PORT, "1-5"),
        Passed(PassKind.MDEV, "4b20d080-1b54-4048-85b3-a6a62d165c01"),
    )
    many = tuple(_at(f"{number:02}.img", Disk(bus="virtio")) for number in range(28))
    return {
        "scsi": _case(SourceKind.IMPORT, disks),
        "many-disks": _case(SourceKind.IMPORT, many),
        "session": _case(
            SourceKind.IMPORT,
            (IMPORTED,),
            more={"machine": tcg, "nics": (user,), "graphics": Graphics.SPICE},
            caps="x86-q35-tcg",
            host="x86-tcg",
            offer={"session": True},
        ),
        "hidden": _case(
            SourceKind.IMPORT,
            (IMPORTED,),
            more={"machine": Q35._replace(hide_hypervisor=True, vendor_id="0123456789ab")},
        ),
        "passt": _case(SourceKind.IMPORT, (IMPORTED,), more={"nics": (passt,)}),
        "nics": _case(
            SourceKind.IMPORT,
            (IMPORTED,),
            more={
                "nics": (
                    Nic(NicKind.BRIDGE, "br0", "e1000e"),
                    Nic(NicKind.MACVTAP, "eth0", "virtio"),
                    Nic(NicKind.NETWORK, "vfs"),
                    Nic(NicKind.NONE),
                    Nic(NicKind.NETWORK, "default", "virtio", "52:54:00:aa:bb:cc"),
                )
            },
        ),
        "passthrough": _case(
            SourceKind.IMPORT,
            (IMPORTED,),
            more={"passed": passed, "preset": Preset.PASSTHROUGH},
        ),
        "emulated": _case(
            SourceKind.IMPORT,
            (_bus(IMPORTED, "sata"),),
            more={
                "machine": tcg,
                "preset": Preset.EMULATED,
                "graphics": Graphics.VNC,
                "nics": (NETWORK._replace(model="e1000e"),),
            },
            caps="x86-q35-tcg",
            host="x86-tcg",
        ),
        "one-of-each": _case(
            SourceKind.OVERLAY,
            (
                OVERLAY,
                _at("sata.qcow2", Disk(bus="sata", new=NewVolume())),
                _at("usb.img", Disk(bus="usb")),
            ),
            more={
                "machine": tcg,
                "preset": Preset.ONE_OF_EACH,
                "graphics": Graphics.VNC,
                "nics": (NETWORK, NETWORK._replace(model="e1000e", mac="")),
            },
            caps="x86-q35-tcg",
            host="x86-tcg",
        ),
    }


CASES: dict[str, Case] = _sources() | _machines() | _processors() | _devices()
