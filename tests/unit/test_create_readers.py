"""What is read of libvirt's documents for those who create guests. Each is of a host of its kind:
those named "tcg" were captured, the others are made after libvirt's documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuivm.domainxml.domcaps import read_domain_caps
from tuivm.domainxml.hostcaps import read_capabilities
from tuivm.domainxml.networkxml import PluggedNic, plugged_nics, read_interface, read_network
from tuivm.domainxml.nodedevs import named_devices, read_node_device
from tuivm.domainxml.parse import parse_domain
from tuivm.domainxml.storagexml import read_pool
from tuivm.model.offers import (
    Capabilities,
    CpuMode,
    CpuModel,
    DomainCaps,
    HostInterface,
    MachineType,
    Network,
    NumaNode,
    Pool,
)

DATA = Path(__file__).parent / "data/create"


def capabilities(name: str) -> Capabilities:
    return read_capabilities((DATA / f"capabilities-{name}.xml").read_text())


def domain_caps(name: str) -> DomainCaps:
    return read_domain_caps((DATA / f"domcaps-{name}.xml").read_text())


def mode(caps: DomainCaps, name: str) -> CpuMode:
    return next(mode for mode in caps.cpu_modes if mode.name == name)


def test_a_host_with_kvm() -> None:
    host = capabilities("intel-kvm")
    assert (host.arch, host.cpu_model, host.cpu_vendor) == (
        "x86_64",
        "Skylake-Server-IBRS",
        "Intel",
    )
    assert "vmx" in host.cpu_features
    assert host.security == ("apparmor", "dac")
    assert host.qemu_user == "+64055:+64055"
    own, foreign = host.guests
    assert (own.arch, own.os_type, own.virt_types) == ("x86_64", "hvm", ("qemu", "kvm"))
    assert own.emulator == "/usr/bin/qemu-system-x86_64"
    assert MachineType("q35", "pc-q35-9.2", 4096) in own.machines
    assert MachineType("pc-i440fx-2.4", "", 255, deprecated=True) in own.machines
    assert (foreign.arch, foreign.virt_types) == ("aarch64", ("qemu",))


def test_numa_nodes_and_their_hugepages() -> None:
    first, second = capabilities("intel-kvm").numa
    assert first == NumaNode(0, 65658384, (0, 2), ((2048, 512), (1048576, 4)))
    assert second.pages == ((2048, 0), (1048576, 0)), "sizes that there could be are told too"
    (only,) = capabilities("ppc64le-kvm").numa
    assert only.pages == (), "there 64 KiB is an ordinary page"
    (old,) = capabilities("old-kvm").numa
    assert old == NumaNode(0, 8388608, (0, 1), ((2048, 16),)), "no sizes told of the CPU"


def test_a_host_without_kvm() -> None:
    host = capabilities("x86-tcg")
    assert {guest.virt_types for guest in host.guests} == {("qemu",)}
    assert host.security == ("dac",), '"none" is no confinement'


def test_machines_of_one_virtualization_type_are_told_beside_those_of_all() -> None:
    (guest,) = capabilities("old-kvm").guests
    assert [machine.name for machine in guest.machines] == ["pc-1.0", "pc", "pc-0.14"]
    assert guest.emulator == "/usr/bin/qemu-system-x86_64"


def test_xen_runs_two_kinds_of_guests() -> None:
    host = capabilities("xen")
    kinds = [(guest.os_type, guest.virt_types, guest.machines[0].name) for guest in host.guests]
    assert kinds == [("xen", ("xen",), "xenpv"), ("hvm", ("xen",), "xenfv")]
    assert (host.cpu_model, host.security, host.qemu_user) == ("", (), "")


@pytest.mark.parametrize(
    ("name", "arch", "machine"),
    [
        ("aarch64-kvm", "aarch64", "virt"),
        ("ppc64le-kvm", "ppc64le", "pseries"),
        ("s390x-kvm", "s390x", "s390-ccw-virtio"),
        ("riscv64-kvm", "riscv64", "virt"),
    ],
)
def test_other_architectures(name: str, arch: str, machine: str) -> None:
    host = capabilities(name)
    (guest,) = host.guests
    assert (host.arch, guest.arch, "kvm" in guest.virt_types) == (arch, arch, True)
    assert machine in [one.name for one in guest.machines]


def test_next_to_nothing_is_a_document_too() -> None:
    assert read_capabilities("<capabilities/>") == Capabilities()
    assert read_domain_caps("<domainCapabilities/>") == DomainCaps()
    assert read_pool("<pool/>", active=False) == Pool("", "", active=False)
    assert read_network("<network/>", active=False) == Network("", active=False)
    assert read_node_device("<device/>").device is None


@pytest.mark.parametrize(
    "read", [read_capabilities, read_domain_caps, read_interface, read_node_device]
)
@pytest.mark.parametrize("xml", ["", "not XML", "<other/>", "<!DOCTYPE capabilities><other/>"])
def test_another_document_is_refused_with_the_reason(read, xml: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"\w"):
        read(xml)


def test_what_kvm_on_intel_offers() -> None:
    caps = domain_caps("x86-q35-intel-kvm")
    assert (caps.virt_type, caps.arch, caps.machine) == ("kvm", "x86_64", "pc-q35-9.2")
    assert (caps.emulator, caps.max_vcpus, caps.iothreads) == (
        "/usr/bin/qemu-system-x86_64",
        4096,
        True,
    )
    assert caps.firmware == ("bios", "efi")
    assert "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd" in caps.loaders
    assert caps.secure_boot
    assert mode(caps, "host-passthrough").supported
    assert mode(caps, "host-model") == CpuMode(
        "host-model",
        supported=True,
        model="Skylake-Server-IBRS",
        features=(("ss", "require"), ("vmx", "require"), ("hle", "disable")),
    )
    assert CpuModel("Icelake-Server-v1", usable=False, vendor="Intel", deprecated=True) in (
        caps.cpu_models
    )
    assert CpuModel("qemu64", usable=True) in caps.cpu_models, '"unknown" is no vendor'
    assert "nvme" in caps.disk_buses
    assert "cdrom" in caps.disk_devices
    assert caps.hostdev_types == ("usb", "pci", "scsi")
    assert (caps.tpm_models, caps.tpm_backends) == (
        ("tpm-tis", "tpm-crb"),
        ("passthrough", "emulator", "external"),
    )
    assert (caps.graphics[0], "virtio" in caps.videos) == ("vnc", True)
    assert "virtio" in caps.rng_models
    assert "unix" in caps.channels
    assert "virtiofs" in caps.filesystems
    assert "memfd" in caps.memory_backings
    assert ("hyperv" in caps.features, "sev" in caps.features) == (True, False)
    assert "passt" in caps.net_backends


def test_nested_of_amd_is_in_its_host_model() -> None:
    caps = domain_caps("x86-q35-amd-kvm")
    assert ("svm", "require") in mode(caps, "host-model").features
    assert "sev" in caps.features


def test_without_kvm_the_cpu_cannot_be_passed_on() -> None:
    caps = domain_caps("x86-q35-tcg")
    assert not mode(caps, "host-passthrough").supported
    assert mode(caps, "maximum").supported
    assert (caps.firmware, caps.secure_boot) == ((), False), "no firmware files on that host"
    assert caps.hostdev_types == ("usb", "scsi"), "no VFIO, so no PCI"
    assert ("ide" in caps.disk_buses, "ide" in domain_caps("x86-pc-tcg").disk_buses) == (
        False,
        True,
    )


def test_what_a_host_does_not_say_of_its_cpu_models_is_not_known() -> None:
    models = domain_caps("ppc64-pseries-tcg").cpu_models
    assert CpuModel("POWER9", usable=None, vendor="IBM") in models


@pytest.mark.parametrize(
    ("name", "arch", "videos"),
    [
        ("aarch64-virt-tcg", "aarch64", "ramfb"),
        ("riscv64-virt-tcg", "riscv64", "bochs"),
        ("s390x-tcg", "s390x", "none"),
    ],
)
def test_domain_capabilities_of_other_architectures(name: str, arch: str, videos: str) -> None:
    caps = domain_caps(name)
    assert (caps.arch, caps.virt_type) == (arch, "qemu")
    assert caps.machine
    assert "virtio" in caps.disk_buses
    assert videos in caps.videos


def test_a_host_too_old_to_say_has_empty_tuples() -> None:
    caps = domain_caps("x86-old")
    assert caps.disk_buses
    assert caps.hostdev_types == ("usb", "pci", "scsi")
    assert caps.loaders == ("/usr/share/OVMF/OVMF_CODE.fd",)
    assert (caps.firmware, caps.secure_boot) == ((), False)
    assert (caps.cpu_modes, caps.graphics, caps.rng_models, caps.channels) == ((), (), (), ())


def test_xen() -> None:
    caps = domain_caps("xen-hvm")
    assert (caps.virt_type, caps.disk_buses) == ("xen", ("ide", "scsi", "xen"))
    assert not any(mode.supported for mode in caps.cpu_modes)


def test_secure_boot_as_newer_libvirts_tell_it() -> None:
    xml = """<domainCapabilities><os supported='yes'><firmwareFeatures supported='yes'>
      <enum name='secureBoot'><value>yes</value><value>no</value></enum>
    </firmwareFeatures></os></domainCapabilities>"""
    assert read_domain_caps(xml).secure_boot


POOL = """<pool type='dir'><name>default</name><uuid>1</uuid>
  <capacity unit='bytes'>1000</capacity><allocation unit='bytes'>300</allocation>
  <available unit='bytes'>700</available><source/>
  <target><path>/var/lib/libvirt/images</path>
    <permissions><mode>0711</mode><owner>0</owner><group>7</group></permissions>
  </target></pool>"""


def test_a_pool() -> None:
    assert read_pool(POOL, active=True) == Pool(
        "default", "dir", active=True, path="/var/lib/libvirt/images", capacity=1000, available=700
    )
    off = read_pool(POOL, active=False)
    assert (off.capacity, off.available) == (0, 0), "what it last was is not what is free"


NETWORK = """<network><name>default</name>{forward}<bridge name='virbr0' stp='on'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>{inside}</ip></network>"""


def network(forward: str = "", inside: str = "") -> Network:
    return read_network(NETWORK.format(forward=forward, inside=inside), active=True)


def test_networks() -> None:
    nat = network("<forward mode='nat'/>", "<dhcp><range start='1' end='2'/></dhcp>")
    assert nat == Network(
        "default",
        active=True,
        forward="nat",
        bridge="virbr0",
        dhcp=True,
        addresses=("192.168.122.1/24",),
    )
    assert network("<forward/>").forward == "nat", "as libvirt takes it"
    assert network().forward == "", "isolated"
    assert network("<forward mode='hostdev'><pf dev='eth1'/></forward>").forward == "hostdev"
    assert not network().dhcp


def test_addresses_of_a_network() -> None:
    found = read_network(
        "<network><name>n</name><ip address='10.1.0.1' prefix='16'/>"
        "<ip family='ipv6' address='fd00::1' prefix='64'/><ip address='10.2.0.1'/></network>",
        active=False,
    )
    assert found.addresses == ("10.1.0.1/16", "fd00::1/64", "10.2.0.1")


def test_what_a_network_goes_through() -> None:
    assert network("<forward mode='route' dev='eth1'/>").devices == ("eth1",)
    pool = (
        "<forward mode='hostdev' managed='yes'><pf dev='eth1'/>"
        "<address type='pci' domain='0' bus='3' slot='0x10' function='0'/>"
        "<address type='pci' domain='0' bus='3' slot='0x10' function='2'/></forward>"
    )
    assert network(pool).devices == ("eth1", "0000:03:10.0", "0000:03:10.2")
    several = "<forward mode='bridge'><interface dev='a'/><interface dev='b'/></forward>"
    assert network(several).devices == ("a", "b")


def test_nics_that_are_plugged_in_somewhere() -> None:
    nics = plugged_nics(
        parse_domain(
            """<domain><devices>
  <interface type='network'><mac address='52:54:00:00:00:01'/>
    <source network='default' bridge='virbr0'/></interface>
  <interface type='bridge'><source bridge='virbr0'/></interface>
  <interface type='user'><mac address='52:54:00:00:00:03'/></interface>
</devices></domain>"""
        ),
        running=True,
    )
    assert nics == (
        PluggedNic("52:54:00:00:00:01", "default", "virbr0", running=True),
        PluggedNic("", "", "virbr0", running=True),
    )
    default, other = Network("default", active=True, bridge="virbr0"), Network("x", active=True)
    assert [nic.on(default) for nic in nics] == [True, True]
    assert [nic.on(other) for nic in nics] == [False, False]


def test_a_network_that_serves_files_to_boot_from() -> None:
    assert network(inside="<tftp root='/srv/tftp'/><dhcp><bootp file='pxelinux.0'/></dhcp>").tftp
    assert network(inside="<dhcp><bootp file='x' server='10.0.0.1'/></dhcp>").tftp
    assert not network(inside="<dhcp/>").tftp


def test_interfaces_of_the_host() -> None:
    bridge = "<interface type='bridge' name='br0'><link state='up'/><bridge/></interface>"
    assert read_interface(bridge) == HostInterface("br0", "bridge", up=True)
    assert read_interface("<interface type='vlan' name='v'/>").up is None
    down = read_interface("<interface type='ethernet' name='e'><link state='down'/></interface>")
    assert down.up is False
    with pytest.raises(ValueError, match="no name"):
        read_interface("<interface type='bridge'/>")


PF = """<device><name>pci_0000_03_00_0</name>
  <path>/sys/devices/pci0000:00/0000:00:1c.0/0000:03:00.0</path><parent>pci_0000_00_1c_0</parent>
  <driver><name>igb</name></driver>
  <capability type='pci'><class>0x020000</class><domain>0</domain><bus>3</bus><slot>0</slot>
    <function>0</function><product id='0x1521'>I350</product><vendor id='0x8086'>Intel</vendor>
    <capability type='virt_functions' maxCount='7'>
      <address domain='0x0000' bus='0x03' slot='0x10' function='0x0'/>
      <address domain='0x0000' bus='0x03' slot='0x10' function='0x4'/></capability>
    <iommuGroup number='15'>
      <address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
      <address domain='0x0000' bus='0x03' slot='0x00' function='0x1'/></iommuGroup>
  </capability></device>"""


def test_a_pci_device() -> None:
    node = read_node_device(PF)
    assert (node.name, node.parent) == ("pci_0000_03_00_0", "pci_0000_00_1c_0")
    device = node.device
    assert device is not None
    assert (device.kind, device.address, device.ids) == ("pci", "0000:03:00.0", "8086:1521")
    assert (device.vendor, device.product, device.class_) == ("Intel", "I350", "020000")
    assert (device.driver, device.iommu_group) == ("igb", 15)
    assert device.group_members == ("0000:03:00.0", "0000:03:00.1")
    assert device.virtual_functions == ("0000:03:10.0", "0000:03:10.4")
    assert device.physical_function == ""


def test_a_vf_names_its_pf() -> None:
    xml = PF.replace("type='virt_functions' maxCount='7'", "type='phys_function'")
    device = read_node_device(xml).device
    assert device is not None
    assert device.physical_function == "0000:03:10.0"
    assert device.virtual_functions == ()


def test_a_pci_device_without_iommu_or_class() -> None:
    device = read_node_device(
        "<device><name>pci_0001_02_1f_7</name><capability type='pci'><domain>1</domain><bus>2</bus>"
        "<slot>31</slot><function>7</function><product id='0x1'/></capability></device>"
    ).device
    assert device is not None
    assert (device.address, device.iommu_group, device.class_) == ("0001:02:1f.7", None, "")
    assert (device.ids, device.driver, device.group_members) == ("", "", ())


USB = """<device><name>usb_1_1_4</name>{path}<parent>usb_1_1</parent>
  <driver><name>usb</name></driver>
  <capability type='usb_device'><bus>1</bus><device>6</device>
  <product id='0xc52b'>Receiver</product><vendor id='0x046d'>Logitech</vendor>
  </capability></device>"""


@pytest.mark.parametrize("path", ["", "<path>/sys/devices/pci0/usb1/1-1/1-1.4</path>"])
def test_a_usb_device_is_known_by_its_port(path: str) -> None:
    device = read_node_device(USB.format(path=path)).device
    assert device is not None
    assert (device.kind, device.address, device.ids) == ("usb", "1-1.4", "046d:c52b")
    assert (device.bus, device.device) == (1, 6)


def test_a_root_hub_is_not_to_be_passed() -> None:
    hub = USB.replace("usb_1_1_4", "usb_usb1")
    assert read_node_device(hub.format(path="<path>/sys/devices/x/usb1</path>")).device is None
    assert read_node_device(hub.format(path="")).device is None


def test_functions_of_usb_devices() -> None:
    xml = (
        "<device><name>usb_1_1_4_1_0</name><parent>usb_1_1_4</parent><capability type='usb'>"
        "<number>0</number><class>3</class><subclass>1</subclass><protocol>{}</protocol>"
        "</capability></device>"
    )
    keyboard, mouse = (read_node_device(xml.format(protocol)).usb for protocol in (1, 2))
    assert keyboard is not None
    assert mouse is not None
    assert (keyboard.keyboard, mouse.keyboard, keyboard.hub) == (True, False, False)


@pytest.mark.parametrize("uuid", ["", "<uuid>4b20d080-1b54-4048-85b3-a6a62d165c01</uuid>"])
def test_a_mediated_device(uuid: str) -> None:
    device = read_node_device(
        "<device><name>mdev_4b20d080_1b54_4048_85b3_a6a62d165c01</name>"
        f"<capability type='mdev'><type id='i915-GVTg_V5_4'/>{uuid}<iommuGroup number='12'/>"
        "</capability></device>"
    ).device
    assert device is not None
    assert (device.kind, device.address) == ("mdev", "4b20d080-1b54-4048-85b3-a6a62d165c01")
    assert (device.product, device.iommu_group) == ("i915-GVTg_V5_4", 12)


def test_what_hangs_on_a_device() -> None:
    nic = read_node_device(
        "<device><name>net_eth0</name><parent>pci_0000_03_00_0</parent><capability type='net'>"
        "<interface>eth0</interface><link speed='1000' state='up'/><capability type='80203'/>"
        "</capability></device>"
    )
    assert nic.interface == HostInterface("eth0", "ethernet", up=True)
    assert nic.parent == "pci_0000_03_00_0"
    bridge = read_node_device(
        "<device><name>net_br0</name><path>/sys/devices/virtual/net/br0</path>"
        "<capability type='net'><interface>br0</interface></capability></device>"
    )
    assert bridge.interface == HostInterface("br0", "virtual", up=None)
    disk = read_node_device(
        "<device><name>block_sda</name><capability type='storage'><block>/dev/sda</block>"
        "</capability></device>"
    )
    assert disk.block == "/dev/sda"


GUEST = """<domain><devices>
  <hostdev mode='subsystem' type='pci'><source>
    <address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></source></hostdev>
  <hostdev mode='subsystem' type='usb'><source>
    <vendor id='0x046D'/><product id='0xc52b'/></source></hostdev>
  <hostdev mode='subsystem' type='usb'><source><vendor id='0x046d'/><product id='0xc52b'/>
    <address bus='1' device='9'/></source></hostdev>
  <hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>
    <address uuid='4B20D080-1b54-4048-85b3-a6a62d165c01'/></source></hostdev>
  <interface type='hostdev'><source>
    <address type='pci' domain='0x0000' bus='0x03' slot='0x10' function='0x4'/></source>
    <address type='pci' domain='0' bus='9' slot='9' function='0'/></interface>
  <disk type='file'><source file='/x'/></disk>
</devices></domain>"""


def test_devices_that_a_guest_names() -> None:
    pci, by_ids, by_number, mdev, vf = named_devices(parse_domain(GUEST))
    assert (pci.pci, vf.pci) == ("0000:03:00.0", "0000:03:10.4")
    usb = read_node_device(USB.format(path="")).device
    card = read_node_device(PF).device
    assert usb is not None
    assert card is not None
    assert pci.means(card)
    assert not vf.means(card)
    assert by_ids.means(usb)
    assert not by_number.means(usb), "its number says that it is the other one that is alike"
    assert mdev.mdev.lower() == "4b20d080-1b54-4048-85b3-a6a62d165c01"
    assert not mdev.means(card)
