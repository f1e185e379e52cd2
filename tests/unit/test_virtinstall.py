"""virt-install's command for each spec of the docs and for what is special; virt-install itself
reads it, on a host of the test driver's with the same pools, networks and devices."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from lxml import etree

from tests.support.offers import DEBIAN12, DESKTOP, WINDOWS11, x86_caps
from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Severity
from tuivm.model.offers import HostDevice, HostOffer, Pool, Volume
from tuivm.model.oses import OsInfo
from tuivm.model.spec import (
    Disk,
    DiskKind,
    FileRef,
    Firmware,
    Forward,
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
from tuivm.model.virtinstall import command, remarks
from tuivm.preflight.planning import plan
from tuivm.specfile import load

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/unit/data/create"
SPECS = {path.stem: load(path.read_text()) for path in (ROOT / "docs/specs").glob("*.toml")}
IMAGES = "/var/lib/libvirt/images"
GIB = 1 << 30

SPECIAL = {
    "plain": Spec(name="plain", source=Source(SourceKind.EMPTY)),
    "text": Spec(
        name="text",
        title='a, "b" \\ c',
        description="one\ntwo",
        source=Source(SourceKind.KERNEL, kernel=FileRef("/boot/vm,linuz"), cmdline='a="b,c" d'),
    ),
    "nothing": Spec(name="nothing", source=Source(SourceKind.PXE), disks=(), nics=()),
    "scsi": Spec(
        name="scsi",
        source=Source(SourceKind.EMPTY),
        disks=(
            Disk(new=NewVolume(size=GIB), bus="scsi", iothread=True),
            Disk(new=NewVolume(size=GIB), bus="lsilogic", serial="s1"),
            Disk(new=NewVolume(size=GIB), bus="lsilogic", cache="none", io="native"),
            Disk(file=FileRef(pool="default", volume="web.qcow2"), shareable=True, readonly=True),
            Disk(kind=DiskKind.CDROM),
        ),
    ),
    "secure": Spec(
        name="secure",
        source=Source(SourceKind.ISO, FileRef(pool="default", volume="debian-12.iso")),
        machine=Machine("kvm", machine="q35", firmware=Firmware.UEFI_SECURE, tpm=True),
    ),
    "nested": Spec(
        name="nested",
        source=Source(SourceKind.EMPTY),
        vcpus=2,
        machine=Machine(
            "kvm",
            machine="q35",
            cpu="Skylake-Client-IBRS",
            nested=True,
            viommu="intel",
            hugepages=True,
            page_kib=2048,
            topology=Topology(1, 4, 1),
            pins=("0-1", "2"),
            emulator_pin="3",
            numa=(NumaCell("0-3", 2 << 20, "0"),),
        ),
    ),
    "nets": Spec(
        name="nets",
        source=Source(SourceKind.EMPTY),
        nics=(
            Nic(NicKind.BRIDGE, "br0", "e1000e", "52:54:00:11:22:33"),
            Nic(NicKind.MACVTAP, "eth0"),
            Nic(NicKind.USER, forwards=(Forward(2222, 22),)),
            Nic(NicKind.PASST),
        ),
    ),
    "passed": Spec(
        name="passed",
        source=Source(SourceKind.EMPTY),
        passed=(
            Passed(PassKind.PCI, "0000:01:00.0"),
            Passed(PassKind.USB, "1050:0407"),
            Passed(PassKind.USB_PORT, "1-5"),
        ),
    ),
    "gpu": Spec(
        name="gpu",
        source=Source(SourceKind.EMPTY),
        machine=Machine(hide_hypervisor=True, vendor_id="0123456789ab"),
        passed=(
            Passed(PassKind.PCI, "0000:01:00.0", rom_file="/var/lib/gpu.rom"),
            Passed(PassKind.PCI, "0000:01:00.1", rom_bar=False),
        ),
    ),
    # Of a NIC the command makes a PCI device, and says so.
    "vf": Spec(
        name="vf",
        source=Source(SourceKind.EMPTY),
        passed=(Passed(PassKind.VF, "0000:03:10.0"),),
    ),
    "emulated": Spec(name="emulated", source=Source(SourceKind.EMPTY), preset=Preset.EMULATED),
}
ALL = {**{f"docs-{name}": spec for name, spec in SPECS.items()}, **SPECIAL}


def pool(name: str, path: str, *volumes: str) -> Pool:
    found = [Volume(each, f"{path}/{each}", GIB, GIB, "raw") for each in volumes]
    return Pool(name, "dir", True, path, 400 * GIB, 200 * GIB, tuple(found))


# A host with the files that the specs name.
OFFER = DESKTOP._replace(
    pools=(
        pool(
            *("default", IMAGES, "debian-12.iso", "web.qcow2", "legacy.qcow2", "golden.qcow2"),
            *("debian-12.9.0-amd64-netinst.iso", "debian-12-generic-amd64.qcow2"),
        ),
        pool("isos", "/srv/isos", "win11.iso", "virtio-win.iso"),
    ),
    devices=(
        *DESKTOP.devices,
        HostDevice("usb", "usb_1_7", "1-7", ids="046d:c52b", bus=1, device=10),
    ),
)


def planned(spec: Spec, os: OsInfo = DEBIAN12) -> tuple[CreationPlan, HostOffer]:
    return plan(spec, OFFER, x86_caps(spec.machine.virt_type or "kvm"), os), OFFER


def said(spec: Spec, os: OsInfo = DEBIAN12) -> dict[str, list[str]]:
    """The options with what each says, by name; "" for one that says nothing."""
    options: dict[str, list[str]] = {}
    words = [*command(*planned(spec, os))[1:], "--"]
    for word, after in itertools.pairwise(words):
        if word.startswith("--"):
            options.setdefault(word, []).append("" if after.startswith("--") else after)
    return options


def test_an_installer() -> None:
    made, offer = planned(SPECIAL["secure"], WINDOWS11)
    words = command(made, offer)
    assert words[:5] == ("virt-install", "--connect", "qemu:///system", "--name", "secure")
    options = said(SPECIAL["secure"], WINDOWS11)
    assert options["--cdrom"] == [f"{IMAGES}/debian-12.iso"]
    assert options["--osinfo"] == ["win11"]
    assert options["--tpm"] == ["model=tpm-crb,backend.type=emulator,backend.version=2.0"]
    # Its drive comes with --cdrom.
    (disk,) = options["--disk"]
    assert f"path={IMAGES}/secure.qcow2,size=64,format=qcow2" in disk


@pytest.mark.parametrize(
    ("name", "option", "expected"),
    [
        ("docs-import", "--import", ""),
        (
            "docs-cloud",
            "--cloud-init",
            "user-data=user-data,meta-data=meta-data,network-config=network-config",
        ),
        ("docs-nested", "--cloud-init", "user-data=user-data,meta-data=meta-data"),
        ("docs-tree", "--location", "https://repo.almalinux.org/almalinux/9/BaseOS/x86_64/os/"),
        ("docs-pxe", "--pxe", ""),
        ("docs-empty", "--install", "no_install=yes"),
        ("nothing", "--disk", "none"),
        ("nothing", "--network", "none"),
        ("docs-kernel", "--graphics", "none"),
    ],
)
def test_each_source(name: str, option: str, expected: str) -> None:
    assert expected in said(ALL[name])[option]


@pytest.mark.parametrize(
    "name", ["iso", "import", "overlay", "pxe", "empty", "nested", "one-of-each"]
)
def test_an_example_can_be_created_where_its_files_are(name: str) -> None:
    made, _ = planned(SPECS[name])
    assert [found for found in made.findings if found.severity is Severity.ERROR] == []
    assert made.xml


def test_a_copy_is_virt_clones() -> None:
    assert command(*planned(SPECS["copy"])) == (
        *("virt-clone", "--connect", "qemu:///system", "--original", "web-1"),
        *("--name", "web-2", "--auto-clone"),
    )


@pytest.mark.parametrize("bus", ["scsi", "virtio-scsi"])
def test_the_thread_of_a_virtio_scsi_disk_is_its_controllers(bus: str) -> None:
    disk = Disk(new=NewVolume(size=GIB), bus=bus, iothread=True)
    words = said(Spec(name="new", source=Source(SourceKind.EMPTY), disks=(disk,)))
    assert words["--iothreads"] == ["1"]
    assert words["--controller"] == ["type=scsi,index=0,model=virtio-scsi,driver.iothread=1"]


def test_nesting_is_what_the_definition_says_of_it() -> None:
    def cpu(machine: Machine) -> list[str]:
        words = said(Spec(name="new", source=Source(SourceKind.EMPTY), machine=machine))
        return words["--cpu"]

    assert cpu(Machine("kvm", cpu="host-model", nested=False)) == ["host-model,disable=vmx"]
    assert cpu(Machine("kvm", cpu="host-model", nested=True)) == ["host-model"]
    # No feature of its CPU's has to do with it.
    assert cpu(Machine("qemu", "aarch64", "virt", cpu="cortex-a57", nested=True)) == ["cortex-a57"]


def test_secrets_are_not_in_it() -> None:
    cloud = " ".join(command(*planned(SPECS["cloud"])))
    assert "$6$" not in cloud
    tree = Source(SourceKind.TREE, url="https://ada:hunter2@example.org/tree")
    shown = said(Spec(name="a", source=tree))["--location"]
    assert shown == ["https://ada:****@example.org/tree"]


def test_what_it_cannot_say_is_told() -> None:
    def told(spec: Spec, os: OsInfo = DEBIAN12) -> str:
        return " ".join(remarks(planned(spec, os)[0]))

    assert "debian-12-generic-amd64.qcow2 has to be on the host first" in told(SPECS["cloud"])
    assert "--print-xml" in told(SPECS["overlay"])
    assert "Port forwards" in told(SPECIAL["nets"])
    assert "0000:03:10.0" in told(SPECIAL["vf"])
    assert said(SPECIAL["vf"])["--hostdev"] == ["pci_0000_03_10_0"]
    assert "1-5" in told(SPECIAL["passed"])
    assert "debian11 stands for it" in told(SPECIAL["plain"], DEBIAN12._replace(like="debian11"))
    assert remarks(planned(SPECIAL["plain"])[0]) == ()


def test_an_os_that_it_does_not_know() -> None:
    assert said(SPECIAL["plain"], DEBIAN12._replace(like="debian11"))["--osinfo"] == ["debian11"]
    assert said(SPECIAL["plain"], OsInfo())["--osinfo"] == ["generic"]


def host_xml(offer: HostOffer) -> Iterator[str]:
    """A host of libvirt's test driver, which offers the same."""
    yield "<node>"
    for number, net in enumerate(offer.networks):
        yield f"<network><name>{net.name}</name><bridge name='b{number}'/>"
        yield f"<ip address='192.0.2.{number + 1}' netmask='255.255.255.0'/></network>"
    for pool in offer.pools:
        if pool.kind != "dir" or not pool.active:
            continue
        yield f"<pool type='dir'><name>{pool.name}</name><target><path>{pool.path}</path></target>"
        for volume in pool.volumes:
            yield f"<volume><name>{volume.name}</name><capacity>{volume.capacity}</capacity>"
            yield f"<target><path>{volume.path}</path><format type={quoteattr(volume.format)}/>"
            yield "</target></volume>"
        yield "</pool>"
    yield "<device><name>computer</name><capability type='system'><hardware>"
    yield "<uuid>33333333-3333-4333-8333-333333333333</uuid></hardware></capability></device>"
    for device in offer.devices:
        ids = re.fullmatch(r"(\w+):(\w+)", device.ids)
        if device.kind == "pci":
            numbers = zip(
                ("domain", "bus", "slot", "function"), re.split("[:.]", device.address), strict=True
            )
            address = "".join(f"<{key}>{int(text, 16)}</{key}>" for key, text in numbers)
        else:
            address = f"<bus>{device.bus}</bus><device>{device.device}</device>"
        if ids is None:
            continue
        yield f"<device><name>{device.nodedev}</name><parent>computer</parent>"
        yield f"<capability type='{'pci' if device.kind == 'pci' else 'usb_device'}'>{address}"
        yield f"<product id='0x{ids[2]}'>p</product><vendor id='0x{ids[1]}'>v</vendor>"
        yield "</capability></device>"
    yield "</node>"


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("virtinstall") / "host.xml"
    path.write_text("".join(host_xml(OFFER)))
    caps = DATA / "capabilities-intel-kvm.xml"
    domcaps = DATA / "domcaps-x86-q35-intel-kvm.xml"
    # virt-install's own tests stand on this: a test driver that says it is another host.
    return f"__virtinst_test__test://{path},fakeuri=qemu:///system,caps={caps},domcaps={domcaps}"


# Those that fetch something, look at files that this machine has not got, or are not the same.
NOT_HERE = {"vf", "docs-copy", "docs-tree"}


@pytest.mark.skipif(not shutil.which("virt-install"), reason="virt-install is not installed")
@pytest.mark.parametrize("name", sorted(ALL.keys() - NOT_HERE))
def test_virt_install_makes_the_same_of_it(name: str, uri: str, tmp_path: Path) -> None:
    made, offer = planned(ALL[name])
    words = command(made._replace(os=OsInfo()), offer._replace(uri=uri))
    for document in ("user-data", "meta-data", "network-config"):
        (tmp_path / document).touch()
    done = subprocess.run(
        [*words, "--print-xml", "1", "--dry-run", "--check", "all=off"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr + "\n" + " ".join(words)
    theirs = etree.fromstring(done.stdout)
    ours = etree.fromstring((made.first_xml or made.xml).encode())
    for path in (
        "@type",
        "name",
        "title",
        "description",
        "memory",
        "currentMemory",
        "vcpu",
        "vcpu/@current",
        "os/type/@arch",
        "cpu/@mode",
        "cpu/model",
        "cpu/topology/@cores",
        "cpu/feature[@name='vmx']/@policy",
        "cpu/numa/cell/@memory",
        "numatune/memnode/@nodeset",
        "cputune/vcpupin/@cpuset",
        "cputune/emulatorpin/@cpuset",
        "memoryBacking/hugepages/page/@size",
        "iothreads",
        "os/kernel",
        "os/initrd",
        "os/cmdline",
        "devices/disk/@device",
        "devices/disk/source/@file",
        "devices/disk/target/@bus",
        "devices/disk/driver/@cache",
        "devices/disk/driver/@io",
        "devices/disk/serial",
        "devices/interface/@type",
        "devices/interface/model/@type",
        "devices/interface/source/@bridge",
        "devices/interface/source/@network",
        "devices/hostdev/@type",
        "devices/iommu/@model",
        "devices/tpm/@model",
        "devices/controller[@type='scsi']/@model",
    ):
        assert found(theirs, path) == found(ours, path), path


def found(domain: etree._Element, path: str) -> list[str]:
    got = domain.xpath(path)
    assert isinstance(got, list)
    texts = [str(getattr(one, "text", one) or "") for one in got]
    return sorted(re.sub(r".*(-seed|-cloudinit)\.iso", "seed", text) for text in texts)
