"""The pure parts of the Lab's host: abilities, spare devices, counters, leftovers."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tuivm.domainxml.parse import parse_domain, parse_xml
from tuivm.hypervisor import lableftovers, labusage
from tuivm.hypervisor.lababilities import (
    cpu_name,
    probe_xml,
    read_machine,
    read_platform,
    type_names,
    version_parts,
    virtualized,
)
from tuivm.hypervisor.labguest import qemu_log
from tuivm.hypervisor.labplace import network_xml, pool_mark, pool_path, pool_xml, volume_xml
from tuivm.hypervisor.labspare import PciNode, given_away, read_node, spare_devices
from tuivm.lab.mark import Mark, directory_name, read_mark
from tuivm.lab.ports import LabError, MachineCaps, SpareDevice
from tuivm.model.samples import GuestSample, VcpuCounters

CAPABILITIES = """<capabilities><host><cpu><arch>x86_64</arch><model>Skylake</model>{feature}</cpu>
</host>
<guest><os_type>hvm</os_type><arch name='aarch64'><emulator>/usr/bin/qemu-system-aarch64</emulator>
<machine>virt</machine><domain type='qemu'/></arch></guest>
<guest><os_type>hvm</os_type><arch name='x86_64'><emulator>/usr/bin/qemu-system-x86_64</emulator>
<machine maxCpus='255'>pc-i440fx-7.2</machine>
<machine canonical='pc-i440fx-7.2' maxCpus='255'>pc</machine>
<domain type='qemu'/>{kvm}</arch></guest></capabilities>"""


def test_platform() -> None:
    found = read_platform(CAPABILITIES.format(feature="", kvm="<domain type='kvm'/>"))
    assert found.accelerators == ("kvm", "qemu")
    assert found.emulator == "/usr/bin/qemu-system-x86_64"
    assert found.machines == {"pc", "pc-i440fx-7.2"}
    assert (found.arch, found.cpu, found.hypervisor_flag) == ("x86_64", "Skylake", False)


def test_platform_without_kvm_in_a_guest() -> None:
    feature = "<feature name='hypervisor'/>"
    found = read_platform(CAPABILITIES.format(feature=feature, kvm=""))
    assert found.accelerators == ("qemu",)
    assert found.hypervisor_flag


@pytest.mark.parametrize("xml", ["", "<capabilities/>", "<domain/>"])
def test_no_platform(xml: str) -> None:
    with pytest.raises(ValueError):
        read_platform(xml)


DOMAIN_CAPS = """<domainCapabilities><devices>
<disk supported='yes'><enum name='bus'><value>ide</value><value>virtio</value></enum></disk>
<hostdev supported='yes'><enum name='subsysType'><value>usb</value><value>pci</value></enum>
{backend}</hostdev></devices></domainCapabilities>"""


@pytest.mark.parametrize(
    ("backend", "pci"),
    [
        ("", True),
        ("<enum name='pciBackend'/>", False),
        ("<enum name='pciBackend'><value>vfio</value></enum>", True),
    ],
)
def test_machine(backend: str, pci: bool) -> None:
    found = read_machine(DOMAIN_CAPS.format(backend=backend))
    assert found == MachineCaps(frozenset({"ide", "virtio"}), usb_hostdev=True, pci_hostdev=pci)


def test_no_machine() -> None:
    assert read_machine("") == MachineCaps()
    assert read_machine("<domainCapabilities/>") == MachineCaps()


@pytest.mark.parametrize(
    ("text", "is_guest"),
    [
        ("processor\t: 0\nflags\t\t: fpu hypervisor lm\n", True),
        ("processor\t: 0\nflags\t\t: fpu lm\nbugs\t: hypervisor\n", False),
        ("Features\t: fp asimd\n", None),
        ("", None),
    ],
)
def test_virtualized(text: str, is_guest: bool | None) -> None:
    assert virtualized(text) is is_guest


def test_small_readers() -> None:
    assert cpu_name("processor : 0\nmodel name\t: A  CPU @ 2 GHz\n") == "A CPU @ 2 GHz"
    assert cpu_name("") == ""
    assert version_parts(7002011) == (7, 2, 11)
    assert type_names([{"name": "nvme"}, {"no": 1}, 3, {"name": 4}]) == frozenset({"nvme"})
    assert type_names({"name": "nvme"}) is None


def test_the_probe_is_marked_and_bears_a_name_of_the_lab() -> None:
    xml = probe_xml("qemu", "x86_64", "pc", "/usr/bin/q&x")
    domain = parse_domain(xml)
    assert (domain.findtext("name") or "").startswith("tuivm-lab-")
    assert read_mark(xml) is not None
    assert domain.findtext("devices/emulator") == "/usr/bin/q&x"
    assert domain.get("type") == "qemu"


def node_xml(
    address: str, code: str, driver: str = "", group: int | None = 1, more: str = ""
) -> str:
    _, bus, rest = address.split(":")
    slot, function = rest.split(".")
    named = f"<driver><name>{driver}</name></driver>" if driver else ""
    grouped = "" if group is None else f"<iommuGroup number='{group}'/>"
    return (
        f"<device><name>pci</name>{named}<capability type='pci'><class>{code}</class>"
        f"<domain>0</domain><bus>{int(bus, 16)}</bus><slot>{int(slot, 16)}</slot>"
        f"<function>{function}</function><product id='0x1'>Disk &amp; Co</product>"
        f"<vendor id='0x2'>Acme</vendor>{more}{grouped}</capability></device>"
    )


def test_read_node() -> None:
    vf = "<capability type='phys_function'><address/></capability>"
    node = read_node(node_xml("0000:0a:1f.7", "0x010802", "nvme", 12, vf))
    assert node == PciNode("0000:0a:1f.7", 0x01, "nvme", 12, "Acme Disk & Co", vf=True)
    pf = "<capability type='virt_functions' maxCount='7'/>"
    node = read_node(node_xml("0000:0a:00.0", "0x020000", "", None, pf))
    assert node == PciNode("0000:0a:00.0", 0x02, "", None, "Acme Disk & Co", vf=False)


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<device><name>computer</name><capability type='system'/></device>",
        node_xml("0000:00:01.0", ""),
    ],
)
def test_what_is_no_pci_device(xml: str) -> None:
    assert read_node(xml) is None


def test_given_away() -> None:
    address = "domain='0x0000' bus='0x{}' slot='0x00' function='0x0'"
    xml = f"""<domain><devices>
    <hostdev type='pci'><source><address {address.format("01")}/></source>
      <address type='pci' {address.format("09")}/></hostdev>
    <hostdev type='usb'><source><address bus='3' device='4'/></source></hostdev>
    <interface type='hostdev'><source><address type='pci' {address.format("02")}/></source>
    </interface>
    <disk type='nvme'><source type='pci'><address {address.format("03")}/></source></disk>
    </devices></domain>"""
    assert given_away(xml) == {"0000:01:00.0", "0000:02:00.0", "0000:03:00.0"}
    assert given_away("nonsense") == frozenset()


NVME = PciNode("0000:01:00.0", 1, "vfio-pci", 5, "disk")
NIC = PciNode("0000:01:00.1", 2, "", 5, "nic", vf=True)


@pytest.mark.parametrize(
    ("others", "used", "spare"),
    [
        ((), (), ("0000:01:00.0", "0000:01:00.1")),
        ((PciNode("0000:00:01.0", 6, "pcieport", 5),), (), ("0000:01:00.0", "0000:01:00.1")),
        ((PciNode("0000:01:00.2", 3, "nouveau", 5),), (), ()),
        ((PciNode("0000:01:00.2", 3, "vfio-pci", 5),), (), ("0000:01:00.0", "0000:01:00.1")),
        ((PciNode("0000:01:00.2", 4, "snd", 6),), (), ("0000:01:00.0", "0000:01:00.1")),
        ((), ("0000:01:00.0",), ()),
        ((PciNode("0000:01:00.2", 3, "", 5),), ("0000:01:00.2",), ()),
        ((PciNode("0000:02:00.0", 1, "", None),), (), ("0000:01:00.0", "0000:01:00.1")),
    ],
)
def test_spare_devices(
    others: tuple[PciNode, ...], used: tuple[str, ...], spare: tuple[str, ...]
) -> None:
    found = spare_devices([NIC, NVME, *others], frozenset(used))
    assert tuple(one.address for one in found) == spare
    if found:
        assert found == (
            SpareDevice("0000:01:00.0", "disk", "disk"),
            SpareDevice("0000:01:00.1", "nic", "nic", vf=True),
        )


def test_no_spare_without_an_iommu_or_with_a_driver() -> None:
    nodes = [NVME._replace(group=None), NIC._replace(driver="igb")]
    assert spare_devices(nodes, frozenset()) == ()


STAT = "cpu  100 20 30 400 50 6 7 8 9 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n"


def test_proc_stat() -> None:
    ms = 10_000_000
    assert labusage.read_proc_stat(STAT, 100) == (621 * ms, 163 * ms, 8 * ms)


@pytest.mark.parametrize("text", ["", "cpu 1 2 3", "cpu a b c d e f g h", "intr 1 2 3 4 5 6 7 8"])
def test_no_proc_stat(text: str) -> None:
    assert labusage.read_proc_stat(text, 100) is None


def sample(cpu: int | None, *vcpus: int | None, exits: Mapping[str, int] = {}) -> GuestSample:
    counters = tuple(
        VcpuCounters(number, time_ns=time_ns, exits=exits) for number, time_ns in enumerate(vcpus)
    )
    return GuestSample(at=0.0, cpu_ns=cpu, vcpus=counters)


def test_usage_from_statistics() -> None:
    assert labusage.from_statistics(sample(100, 30, 20)) == {"vCPU": 50, "other": 50}
    assert labusage.from_statistics(sample(40, 50)) == {"vCPU": 50, "other": 0}
    assert labusage.from_statistics(sample(None, 50)) == {"vCPU": 50}
    # Without the time of one vCPU the rest cannot be told from it.
    assert labusage.from_statistics(sample(100, 50, None)) == {"other": 100}
    assert labusage.from_statistics(sample(None)) == {}
    assert labusage.from_statistics(None) == {}


def test_exits_are_summed() -> None:
    found = labusage.exits_of(sample(1, 1, 1, exits={"io_exits": 3, "exits": 7}))
    assert found == {"io_exits": 6, "exits": 14}
    assert labusage.exits_of(None) == {}


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("host", "age", "born", "lives"),
    [
        ("here", 9e9, NOW - 2e10, True),
        ("here", 10, None, False),
        # Another process that came to the same number.
        ("here", 100, NOW - 50, False),
        ("there", 10, None, True),
        ("there", 3601, NOW, False),
    ],
)
def test_a_run_goes_on(host: str, age: float, born: float | None, lives: bool) -> None:
    mark = Mark("r", 7, host, int(NOW - age))
    found: Callable[[int], float | None] = {7: born}.get
    assert lableftovers.goes_on(mark, here="here", now=NOW, born=found) is lives


def test_this_process_goes_on() -> None:
    here = platform.node()
    assert not lableftovers.is_left(Mark("r", os.getpid(), here, int(time.time())))
    assert lableftovers.is_left(Mark("r", 2**22 + 1, here, int(time.time())))
    assert not lableftovers.is_left(None)


DEAD = Mark("r1", 2**22 + 1, platform.node(), 1_000_000_000)


def test_left_directories_are_found_and_removed(tmp_path: Path) -> None:
    left, living, plain = (
        tmp_path / directory_name(DEAD),
        tmp_path / directory_name(DEAD._replace(pid=os.getpid(), started=int(time.time()))),
        tmp_path / "tuivm-lab-r1",
    )
    for directory in (left, living, plain):
        directory.mkdir()
        (directory / "file").write_text("data")
    link = tmp_path / directory_name(DEAD._replace(run="link"))
    link.symlink_to(plain)
    places = (tmp_path, tmp_path / "nowhere")
    assert list(lableftovers.left_directories(places)) == [left]
    for path in (left, living, plain, link, tmp_path / ".." / tmp_path.name / left.name):
        lableftovers.remove_directory(path, (tmp_path,))
    assert not left.exists()
    assert link.is_symlink()
    assert (living / "file").exists()
    assert (plain / "file").exists()


def test_a_directory_elsewhere_or_with_more_in_it_stays(tmp_path: Path) -> None:
    left = tmp_path / directory_name(DEAD)
    (left / "below").mkdir(parents=True)
    lableftovers.remove_directory(left, (tmp_path / "other",))
    assert left.exists()
    with pytest.raises(LabError, match="cannot remove"):
        lableftovers.remove_directory(left, (tmp_path,))
    assert (left / "below").exists()


def test_a_pool_is_known_by_name_and_path() -> None:
    path = f"/var/tmp/{directory_name(DEAD)}"
    assert pool_path(pool_xml("tuivm-lab-r1", path, "0711")) == path
    assert pool_mark("tuivm-lab-r1", path) == DEAD
    assert pool_mark("tuivm-lab-r1", path + "/") == DEAD
    assert pool_mark("tuivm-lab-r2", path) is None
    assert pool_mark("r1", path) is None
    assert pool_mark("tuivm-lab-r1", "/var/tmp/tuivm-lab-r1") is None
    assert pool_path("<network/>") == ""


def test_xml_of_volumes_and_networks() -> None:
    volume = parse_xml(volume_xml("a<b", 4096, "0666"), "volume")
    said: dict[str, Any] = {one: volume.findtext(one) for one in ("name", "capacity", "allocation")}
    assert said == {"name": "a<b", "capacity": "4096", "allocation": "4096"}
    assert volume.findtext("target/permissions/mode") == "0666"
    network = network_xml("tuivm-lab-r1-n", DEAD)
    assert read_mark(network, "network") == DEAD
    assert parse_xml(network, "network").find("forward") is None


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("qemu:///system", "/var/log/libvirt/qemu/tuivm-lab-a.log"),
        ("qemu:///session", "/home/me/cache/libvirt/qemu/log/tuivm-lab-a.log"),
        ("qemu+ssh://rack7/system", "/nonexistent/tuivm-lab-a.log"),
    ],
)
def test_where_a_guest_is_logged(uri: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/me/cache")
    assert str(qemu_log(uri, "tuivm-lab-a")) == path
