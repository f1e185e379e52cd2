"""Which class each device is of: the table that the classification has to agree with."""

import pytest

from tuivm.domainxml.classify import devices_of
from tuivm.domainxml.parse import parse_domain
from tuivm.model.devices import Device, DeviceClass, DeviceKind

V, E, P = DeviceClass.PARAVIRTUAL, DeviceClass.EMULATED, DeviceClass.PHYSICAL


def devices(xml: str, *, virt: str = "kvm", os: str = "hvm", arch: str = "x86_64", machine="q35"):
    return devices_of(
        parse_domain(
            f"<domain type='{virt}'><name>t</name>"
            f"<os><type arch='{arch}' machine='{machine}'>{os}</type></os>"
            f"<devices>{xml}</devices></domain>"
        )
    )


def only(xml: str, **platform: str) -> Device:
    found = devices(xml, **platform)
    assert len(found) == 1, found
    return found[0]


def disk(bus: str, device: str = "disk", extra: str = "", attrs: str = "") -> str:
    return (
        f"<disk type='file' device='{device}' {attrs}><source file='/i'/>"
        f"<target dev='x' bus='{bus}'/>{extra}</disk>"
    )


def nic(model: str, kind: str = "bridge") -> str:
    return f"<interface type='{kind}'><source bridge='b'/><model type='{model}'/></interface>"


def hostdev(kind: str, source: str, attrs: str = "") -> str:
    return f"<hostdev mode='subsystem' type='{kind}' {attrs}><source>{source}</source></hostdev>"


PCI = "<address domain='0x0000' bus='0x01' slot='0x00' function='0x1'/>"

CASES = [
    # disks
    (disk("virtio"), V, "virtio-blk", ""),
    (disk("virtio", attrs="model='virtio-transitional'"), V, "virtio-blk", "transitional"),
    (disk("virtio", attrs="model='virtio-non-transitional'"), V, "virtio-blk", "non-transitional"),
    (disk("ide"), E, "ide-hd", ""),
    (disk("ide", "cdrom"), E, "ide-cd", ""),
    (disk("sata"), E, "sata", ""),
    (disk("sata", "cdrom"), E, "sata-cd", ""),
    (disk("usb"), E, "usb-storage", ""),
    (disk("usb", attrs="model='usb-bot'"), E, "usb-bot", ""),
    (disk("fdc", "floppy"), E, "floppy", ""),
    (disk("sd"), E, "sd-card", ""),
    (disk("nvme"), E, "nvme", ""),
    (disk("xen"), V, "xen-blkfront", ""),
    (disk("virtio", "lun"), P, "virtio-blk", "SCSI LUN behind virtio-blk"),
    # network
    (nic("virtio"), V, "virtio-net", ""),
    (nic("virtio-transitional"), V, "virtio-net", "transitional"),
    (nic("vmxnet3"), V, "vmxnet3", ""),
    (nic("spapr-vlan"), V, "spapr-vlan", ""),
    (nic("netfront"), V, "xen-netfront", ""),
    (nic("e1000"), E, "e1000", ""),
    (nic("e1000e"), E, "e1000e", ""),
    (nic("igb"), E, "igb", ""),
    (nic("rtl8139"), E, "rtl8139", ""),
    (nic("pcnet"), E, "pcnet", ""),
    (nic("ne2k_pci"), E, "ne2k_pci", ""),
    (nic("usb-net"), E, "usb-net", ""),
    (nic("virtio", "vdpa"), V, "virtio-net", "vDPA"),
    (nic("virtio", "vhostuser"), V, "virtio-net", "vhost-user, bypasses the VMM"),
    (f"<interface type='hostdev'><source>{PCI}</source></interface>", P, "vfio-pci",
     "VF, partitioned"),
    (f"<interface type='network'><source network='vfs'/><model type='virtio'/>"
     f"<actual type='hostdev'><source>{PCI}</source></actual></interface>", P, "vfio-pci",
     "VF, partitioned"),
    # assigned
    (hostdev("pci", PCI), P, "vfio-pci", ""),
    ("<hostdev mode='subsystem' type='pci'><driver name='vfio' model='mlx5_vfio_pci'/>"
     f"<source>{PCI}</source></hostdev>", P, "mlx5_vfio_pci", ""),
    (hostdev("usb", "<vendor id='0x046d'/><product id='0xc52b'/>"), P, "usb-host", ""),
    (hostdev("scsi", "<adapter name='scsi_host0'/><address bus='0' target='0' unit='1'/>"), P,
     "scsi-generic", ""),
    (hostdev("mdev", "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/>",
             "model='vfio-pci'"), P, "vfio-pci", "mdev, partitioned"),
    (hostdev("mdev", "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/>",
             "model='vfio-ap'"), P, "vfio-ap", "mdev, partitioned"),
    ("<hostdev mode='subsystem' type='scsi_host' model='virtio-transitional'>"
     "<source protocol='vhost' wwpn='naa.5123456789abcde0'/></hostdev>", V, "vhost-scsi",
     "transitional"),
    ("<hostdev mode='capabilities' type='storage'><source><block>/dev/sdf1</block></source>"
     "</hostdev>", P, "block device", ""),
    # controllers
    ("<controller type='pci' index='0' model='pcie-root'/>", E, "pcie-root", ""),
    ("<controller type='pci' index='1' model='pcie-root-port'><model name='ioh3420'/>"
     "</controller>", E, "ioh3420", ""),
    ("<controller type='usb' index='0' model='qemu-xhci'/>", E, "qemu-xhci", ""),
    ("<controller type='usb' index='0' model='qusb2'/>", V, "qusb2", ""),
    ("<controller type='sata' index='0'/>", E, "ahci", ""),
    ("<controller type='ide' index='0'/>", E, "ide", ""),
    ("<controller type='fdc' index='0'/>", E, "fdc", ""),
    ("<controller type='ccid' index='0'/>", E, "usb-ccid", ""),
    ("<controller type='virtio-serial' index='0'/>", V, "virtio-serial", ""),
    ("<controller type='scsi' index='0' model='virtio-scsi'/>", V, "virtio-scsi", ""),
    ("<controller type='scsi' index='0' model='virtio-transitional'/>", V, "virtio-scsi",
     "transitional"),
    ("<controller type='scsi' index='0' model='lsisas1078'/>", E, "lsisas1078", ""),
    ("<controller type='scsi' index='0'/>", E, "lsilogic", ""),
    ("<controller type='scsi' index='0' model='auto'/>", E, "lsilogic", ""),
    ("<controller type='xenbus' index='0'/>", V, "xenbus", ""),
    # display, sound, input
    ("<video><model type='virtio' heads='1'/></video>", V, "virtio-gpu", ""),
    ("<video><model type='qxl'/></video>", V, "qxl", ""),
    ("<video><model type='vga'/></video>", E, "vga", ""),
    ("<video><model type='cirrus'/></video>", E, "cirrus", ""),
    ("<video><model type='bochs'/></video>", E, "bochs", ""),
    ("<sound model='ich9'/>", E, "ich9", ""),
    ("<sound model='ac97'/>", E, "ac97", ""),
    ("<sound model='virtio'/>", V, "virtio-sound", ""),
    ("<input type='mouse' bus='ps2'/>", E, "ps2-mouse", ""),
    ("<input type='tablet' bus='usb'/>", E, "usb-tablet", ""),
    ("<input type='keyboard' bus='virtio'/>", V, "virtio-keyboard", ""),
    ("<input type='mouse' bus='xen'/>", V, "xen-mouse", ""),
    ("<input type='passthrough' bus='virtio'><source evdev='/dev/input/event1'/></input>", V,
     "virtio-input-host", "events of a host device, forwarded"),
    # ports
    ("<serial type='pty'><target type='isa-serial' port='0'/></serial>", E, "isa-serial", ""),
    ("<serial type='pty'><target type='pci-serial' port='0'/></serial>", E, "pci-serial", ""),
    ("<serial type='pty'><target type='spapr-vio-serial' port='0'>"
     "<model name='spapr-vty'/></target></serial>", V, "spapr-vty", ""),
    ("<console type='pty'><target type='virtio' port='0'/></console>", V, "virtconsole", ""),
    ("<console type='pty'><target type='serial' port='0'/></console>", E, "isa-serial", ""),
    ("<console type='pty'><target type='xen' port='0'/></console>", V, "xen-console", ""),
    ("<console type='pty'><target type='sclp' port='0'/></console>", E, "sclpconsole", ""),
    ("<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>", V,
     "virtserialport", ""),
    ("<parallel type='pty'><target port='0'/></parallel>", E, "isa-parallel", ""),
    # the rest
    ("<memballoon model='virtio'/>", V, "virtio-balloon", ""),
    ("<memballoon model='xen'/>", V, "xen-balloon", ""),
    ("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>", V,
     "virtio-rng", ""),
    ("<vsock model='virtio'><cid auto='yes'/></vsock>", V, "virtio-vsock", ""),
    ("<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>", V,
     "virtio-crypto", ""),
    ("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>", E, "tpm-crb", ""),
    ("<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend>"
     "</tpm>", P, "tpm-tis", "the host's own TPM"),
    ("<tpm model='tpm-spapr'><backend type='emulator'/></tpm>", V, "tpm-spapr", ""),
    ("<watchdog model='i6300esb' action='reset'/>", E, "i6300esb", ""),
    ("<watchdog model='itco' action='reset'/>", E, "itco", ""),
    ("<watchdog model='diag288' action='reset'/>", V, "diag288", ""),
    ("<filesystem type='mount'><driver type='virtiofs'/><source dir='/s'/><target dir='t'/>"
     "</filesystem>", V, "virtiofs", ""),
    ("<filesystem type='mount'><source dir='/s'/><target dir='t'/></filesystem>", V,
     "virtio-9p", ""),
    ("<filesystem type='mount'><driver type='mtp'/><source dir='/s'/><target dir='t'/>"
     "</filesystem>", E, "usb-mtp", ""),
    ("<memory model='dimm'><target><size>1</size></target></memory>", E, "pc-dimm", ""),
    ("<memory model='virtio-mem'><target><size>1</size></target></memory>", V, "virtio-mem", ""),
    ("<panic model='isa'/>", V, "pvpanic", ""),
    ("<panic model='hyperv'/>", V, "hyperv", ""),
    ("<shmem name='s'><model type='ivshmem-plain'/></shmem>", V, "ivshmem-plain", ""),
    ("<smartcard mode='passthrough' type='spicevmc'/>", E, "ccid-card-passthru", ""),
    ("<redirdev bus='usb' type='spicevmc'/>", E, "usb-redir",
     "an empty slot until the viewer redirects a device of its own"),
    ("<hub type='usb'/>", E, "usb-hub", ""),
    ("<iommu model='intel'/>", E, "intel-iommu", ""),
    ("<iommu model='smmuv3'/>", E, "smmuv3", ""),
    ("<iommu model='virtio'/>", V, "virtio-iommu", ""),
    ("<pstore backend='acpi-erst'><path>/tmp/x</path></pstore>", E, "acpi-erst", ""),
    ("<teleporter model='virtio-non-transitional'/>", V, "virtio-teleporter", "non-transitional"),
]  # fmt: skip


@pytest.mark.parametrize(("xml", "cls", "model", "note"), CASES)
def test_class_and_model(xml: str, cls: DeviceClass, model: str, note: str) -> None:
    device = only(xml)
    assert (device.cls, device.model, device.note) == (cls, model, note)


@pytest.mark.parametrize(
    "xml",
    [
        "<controller type='usb' index='0' model='none'/>",
        "<video><model type='none'/></video>",
        "<memballoon model='none'/>",
        "<input type='evdev'><source dev='/dev/input/event1'/></input>",
        "<channel type='pty'><target type='guestfwd' address='10.0.2.1' port='4600'/></channel>",
        "<graphics type='vnc' port='-1'/>",
        "<audio id='1' type='none'/>",
        "<teleporter model='acme-3000'><address type='pci' bus='0x00' slot='0x09' function='0x0'/>"
        "</teleporter>",
        "<!-- a comment --><?pi x?>",
    ],
)
def test_not_a_device(xml: str) -> None:
    assert devices(xml) == ()


@pytest.mark.parametrize(
    ("controller", "arch", "machine", "cls", "model"),
    [
        ("model='virtio-scsi'", "x86_64", "q35", V, "virtio-scsi"),
        ("model='virtio-transitional'", "x86_64", "q35", V, "virtio-scsi"),
        ("model='vmpvscsi'", "x86_64", "pc", V, "vmpvscsi"),
        ("model='lsilogic'", "x86_64", "pc", E, "lsilogic"),
        ("model='lsisas1068'", "x86_64", "pc", E, "lsisas1068"),
        ("model='am53c974'", "x86_64", "pc", E, "am53c974"),
        ("", "x86_64", "pc", E, "lsilogic"),
        ("", "s390x", "s390-ccw-virtio-7.2", V, "virtio-scsi"),
        ("", "ppc64le", "pseries-7.2", V, "spapr-vscsi"),
    ],
)
def test_disk_on_scsi_is_what_its_controller_is(controller, arch, machine, cls, model) -> None:
    # Controller 0 is of the other sort: the disk's address, not the first controller, decides.
    other = "lsilogic" if cls is V else "virtio-scsi"
    found = devices(
        f"<controller type='scsi' index='0' model='{other}'/>"
        f"<controller type='scsi' index='1' {controller}/>"
        + disk("scsi", extra="<address type='drive' controller='1' bus='0' target='0' unit='0'/>"),
        arch=arch,
        machine=machine,
    )
    assert (found[2].cls, found[2].model) == (cls, model)
    assert (found[1].cls, found[1].model) == (cls, model)


def test_scsi_disk_without_any_controller_gets_libvirts_default() -> None:
    assert only(disk("scsi")).model == "lsilogic"
    assert only(disk("scsi"), arch="s390x", machine="s390-ccw-virtio").cls is V


def test_lun_on_virtio_scsi_is_physical() -> None:
    found = devices(
        "<controller type='scsi' index='0' model='virtio-scsi'/>"
        "<disk type='block' device='lun'><source dev='/dev/sdb'/><target dev='sda' bus='scsi'/>"
        "</disk>"
    )[1]
    assert (found.cls, found.model) == (P, "scsi-block")
    assert "virtio-scsi" in found.note
    assert found.source == "/dev/sdb"
    assert found.counted


@pytest.mark.parametrize(
    ("kind", "extra", "counted"),
    [
        ("bridge", "", True),
        ("network", "", True),
        ("direct", "", True),
        ("ethernet", "", True),
        ("user", "", False),
        ("udp", "", False),
        ("hostdev", "", False),
        ("vdpa", "", False),
        ("vhostuser", "", False),
        ("vhostuser", "<target dev='vhost-user1'/>", True),
        ("network", "<actual type='bridge'/>", True),
        ("network", "<actual type='hostdev'/>", False),
    ],
)
def test_nic_is_counted_when_the_host_has_an_end_of_it(kind, extra, counted) -> None:
    found = only(f"<interface type='{kind}'><model type='virtio'/>{extra}</interface>")
    assert found.counted is counted


def test_disk_is_counted_unless_vhost_user_takes_it_past_the_vmm() -> None:
    assert only(disk("virtio")).counted
    found = only(
        "<disk type='vhostuser' device='disk'><source type='unix' path='/s.sock'/>"
        "<target dev='vda' bus='virtio'/></disk>"
    )
    assert not found.counted
    assert found.cls is V
    assert found.source == "/s.sock"
    assert "bypasses" in found.note


def test_targets_are_those_of_the_statistics() -> None:
    found = devices(
        "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><alias name='sata0-0-0'/>"
        "</disk>"
        "<interface type='network'><source network='default'/><target dev='vnet3'/>"
        "<model type='virtio'/><alias name='net0'/></interface>"
        "<interface type='user'><model type='virtio'/><alias name='net1'/></interface>"
        "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='e1000'/></interface>"
    )
    assert [device.target for device in found] == ["sda", "vnet3", "net1", "52:54:00:00:00:01"]
    assert found[0].removable
    assert found[0].source == ""
    assert found[1].source == "default"


def test_targets_are_unique_within_a_kind() -> None:
    found = devices("<redirdev bus='usb' type='spicevmc'/>" * 3 + "<rng model='virtio'/>" * 2)
    assert len({(device.kind, device.target) for device in found}) == 5
    assert all(device.target for device in found)


@pytest.mark.parametrize(
    ("xml", "source"),
    [
        (
            "<disk type='network'><source protocol='rbd' name='pool/img'><host name='mon1'/>"
            "</source><target dev='vda' bus='virtio'/></disk>",
            "rbd://mon1/pool/img",
        ),
        (
            "<disk type='volume'><source pool='p' volume='v'/><target dev='vda' bus='virtio'/>"
            "</disk>",
            "p/v",
        ),
        (
            "<disk type='nvme'><source type='pci' namespace='1'><address domain='0x0000' "
            "bus='0x01' slot='0x00' function='0x0'/></source><target dev='vda' bus='virtio'/>"
            "</disk>",
            "NVMe 0000:01:00.0 namespace 1",
        ),
        (hostdev("pci", PCI), "0000:01:00.1"),
        (hostdev("usb", "<vendor id='0x046d'/><product id='0xc52b'/>"), "046d:c52b"),
        (hostdev("usb", "<address bus='1' device='4'/>"), "1.4"),
        (
            hostdev("scsi", "<adapter name='scsi_host0'/><address bus='0' target='2' unit='1'/>"),
            "scsi_host0 0:2:1",
        ),
        ("<interface type='direct'><source dev='eno1' mode='bridge'/></interface>", "eno1"),
        (f"<interface type='hostdev'><source>{PCI}</source></interface>", "0000:01:00.1"),
        (
            "<interface type='udp'><source address='127.0.0.1' port='5555'/></interface>",
            "127.0.0.1:5555",
        ),
    ],
)
def test_what_is_behind_a_device(xml: str, source: str) -> None:
    assert only(xml).source == source


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'", "0000:04:00.0"),
        ("type='drive' controller='0' bus='1' target='0' unit='2'", "drive 0:1:0:2"),
        ("type='usb' bus='0' port='1.2'", "usb 0:1.2"),
        ("type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'", "ccw fe.0.0001"),
        ("type='virtio-mmio'", "virtio-mmio"),
        ("type='spapr-vio' reg='0x30000000'", "spapr-vio 0x30000000"),
        ("type='pci'", ""),
    ],
)
def test_addresses(address: str, shown: str) -> None:
    assert only(disk("virtio", extra=f"<address {address}/>")).address == shown


def test_the_console_that_repeats_the_serial_port_is_not_a_second_device() -> None:
    serial = "<serial type='pty'><target type='isa-serial' port='0'/></serial>"
    console = "<console type='pty'><target type='serial' port='0'/></console>"
    virtio = "<console type='pty'><target type='virtio' port='1'/></console>"
    found = devices(serial + console + virtio)
    assert [device.model for device in found] == ["isa-serial", "virtconsole"]


@pytest.mark.parametrize(
    ("os", "model", "cls"),
    [("hvm", "rtl8139", E), ("xen", "xen-netfront", V), ("xenpvh", "xen-netfront", V)],
)
def test_xen_nic_without_model(os: str, model: str, cls: DeviceClass) -> None:
    found = only("<interface type='bridge'/>", virt="xen", os=os, machine="xenfv")
    assert (found.model, found.cls) == (model, cls)


def test_xen_pci_passthrough() -> None:
    assert only(hostdev("pci", PCI), virt="xen", os="xen").model == "xen-pciback"


@pytest.mark.parametrize(
    ("arch", "machine", "model"),
    [
        ("s390x", "s390-ccw-virtio", "virtio-net"),
        ("aarch64", "virt-7.2", "virtio-net"),
        ("armv7l", "versatilepb", "smc91c111"),
        ("armv7l", "vexpress-a9", "lan9118"),
        ("x86_64", "pc", "rtl8139"),
    ],
)
def test_nic_without_model_is_the_drivers_default(arch, machine, model) -> None:
    assert only("<interface type='user'/>", arch=arch, machine=machine).model == model


def test_containers_have_no_device_models() -> None:
    found = devices(
        "<interface type='bridge'><source bridge='b'/><target dev='vnet0'/></interface>"
        "<filesystem type='mount'><source dir='/srv'/><target dir='/'/></filesystem>"
        "<console type='pty'><target type='lxc' port='0'/></console>",
        virt="lxc",
        os="exe",
    )
    assert {device.cls for device in found} == {V}
    assert all("no device model" in device.note for device in found)
    assert [device.kind for device in found] == [
        DeviceKind.NIC,
        DeviceKind.FILESYSTEM,
        DeviceKind.CONSOLE,
    ]
    assert found[0].counted


def test_a_disk_without_a_bus_is_placed_by_its_name() -> None:
    models = {
        name: only(f"<disk type='file'><target dev='{name}'/></disk>").model
        for name in ("vda", "hda", "sda", "xvda", "fda")
    }
    assert models == {
        "vda": "virtio-blk",
        "hda": "ide-hd",
        "sda": "lsilogic",
        "xvda": "xen-blkfront",
        "fda": "floppy",
    }
