"""Where the files of a new guest go, in which order they are made, and what its two starts see."""

from __future__ import annotations

from lxml import etree

from tests.support.offers import (
    ARM,
    CLOUD_IMAGE,
    DEBIAN12,
    DEFAULT_POOL,
    DESKTOP,
    GIB,
    HOSTS,
    LVM_POOL,
    SESSION,
    WEB_DISK,
    aarch64_caps,
    x86_caps,
)
from tuivm.model.creation import CreationPlan, Placed, PoolOrder, VolumeOrder
from tuivm.model.findings import Severity
from tuivm.model.spec import (
    CloudInit,
    Disk,
    DiskKind,
    FileRef,
    NewVolume,
    Source,
    SourceKind,
    Spec,
)
from tuivm.preflight.images import FileFacts, read_head, wanted
from tuivm.preflight.planning import TreeFiles, plan

IMAGES = "/var/lib/libvirt/images"
ISO = Source(SourceKind.ISO, FileRef(pool="default", volume="debian-12.iso"))
BASE = FileRef(pool="default", volume=CLOUD_IMAGE.name)
BASE_PLACE = Placed(CLOUD_IMAGE.path, "qcow2", False, "default", CLOUD_IMAGE.name)
CLOUD = Source(SourceKind.CLOUD, BASE, cloud=CloudInit(user="ann", password="secret"))


def errors(made: CreationPlan) -> list[str]:
    return [found.id for found in made.findings if found.severity is Severity.ERROR]


def sources(xml: str) -> list[str]:
    domain = etree.fromstring(xml)
    return [
        source.get("file") or source.get("dev") or f"{source.get('pool')}/{source.get('volume')}"
        for source in domain.iterfind("devices/disk/source")
    ]


def test_an_installer_needs_a_new_volume_and_one_definition() -> None:
    made = plan(Spec(name="new", source=ISO), DESKTOP, x86_caps(), DEBIAN12)

    placed = Placed(f"{IMAGES}/new.qcow2", "qcow2", False, "default", "new.qcow2")
    assert made.volumes == (VolumeOrder(placed, 20 * GIB),)
    assert sources(made.xml) == [placed.path, f"{IMAGES}/debian-12.iso"]
    assert (made.first_xml, made.temporary, made.pools) == ("", (), ())
    assert errors(made) == []
    # libvirt calls the volume's format "iso", QEMU has none of that name.
    drivers = etree.fromstring(made.xml).iterfind("devices/disk/driver")
    assert [driver.get("type") for driver in drivers] == ["qcow2", "raw"]


def test_both_variants_are_the_same_guest() -> None:
    made = plan(Spec(name="new", source=CLOUD), DESKTOP, x86_caps(), DEBIAN12)
    assert made.spec.uuid
    for path in ("uuid", "devices/interface/mac"):
        first, later = (etree.fromstring(xml).find(path) for xml in (made.first_xml, made.xml))
        assert first is not None
        assert later is not None
        assert (first.text, first.attrib) == (later.text, later.attrib)
    again = plan(made.spec, DESKTOP, x86_caps(), DEBIAN12)
    assert again.xml == made.xml


def test_a_cloud_image_is_overlaid_and_its_seed_is_there_once() -> None:
    made = plan(Spec(name="new", source=CLOUD), DESKTOP, x86_caps(), DEBIAN12)

    disk = Placed(f"{IMAGES}/new.qcow2", "qcow2", False, "default", "new.qcow2")
    seed = Placed(f"{IMAGES}/new-seed.iso", "raw", False, "default", "new-seed.iso")
    assert made.volumes == (
        VolumeOrder(disk, 20 * GIB, backing=BASE_PLACE),
        VolumeOrder(seed, seed=CLOUD.cloud),
    )
    assert sources(made.xml) == [disk.path]
    assert sources(made.first_xml) == [disk.path, seed.path]
    assert made.temporary == (seed,)


def test_a_local_image_is_uploaded_before_what_lies_over_it() -> None:
    local = FileRef(local="/home/ann/cloud.qcow2")
    facts = {local: FileFacts(300, "qcow2", 3 * GIB)}
    spec = Spec(name="new", source=Source(SourceKind.OVERLAY, local))
    made = plan(spec, DESKTOP, x86_caps(), files=facts)

    base = Placed(f"{IMAGES}/cloud.qcow2", "qcow2", False, "default", "cloud.qcow2")
    over = Placed(f"{IMAGES}/new.qcow2", "qcow2", False, "default", "new.qcow2")
    assert made.volumes == (
        VolumeOrder(base, 300, upload=local.local),
        VolumeOrder(over, 3 * GIB, backing=base),
    )
    assert wanted(spec, DESKTOP) == (local,)


def test_an_image_outside_of_pools_has_the_format_of_its_head() -> None:
    file = FileRef(path="/srv/odd.bin")
    spec = Spec(name="new", source=Source(SourceKind.IMPORT, file))
    assert wanted(spec, DESKTOP) == (file,)
    made = plan(spec, DESKTOP, x86_caps(), files={file: FileFacts(9, "qcow2", GIB)})
    driver = etree.fromstring(made.xml).find("devices/disk/driver")
    assert driver is not None
    assert driver.get("type") == "qcow2"
    assert made.volumes == ()


def test_a_host_without_a_pool_gets_libvirts_own() -> None:
    made = plan(Spec(name="new"), SESSION, HOSTS["session"][1], DEBIAN12)
    assert made.pools == (PoolOrder("default", SESSION.images_path),)
    assert made.volumes[0].placed.path == f"{SESSION.images_path}/new.qcow2"
    assert errors(made) == []


def test_logical_volumes_are_block_devices() -> None:
    made = plan(Spec(name="new"), ARM, aarch64_caps(), DEBIAN12)
    placed = Placed("/dev/vg0/new", "raw", True, "vg0", "new")
    assert made.volumes == (VolumeOrder(placed, 20 * GIB, "full"),)


def test_an_install_tree_is_started_once_from_files() -> None:
    source = Source(SourceKind.TREE, url="http://mirror/debian")
    tree = TreeFiles("http://mirror/linux", "http://mirror/initrd.gz", "inst.repo=http://mirror")
    made = plan(Spec(name="new", source=source), DESKTOP, x86_caps(), DEBIAN12, tree=tree)

    kernel = Placed(f"{IMAGES}/new-kernel", "raw", False, "default", "new-kernel")
    initrd = Placed(f"{IMAGES}/new-initrd", "raw", False, "default", "new-initrd")
    assert made.volumes[1:] == (
        VolumeOrder(kernel, fetch=tree.kernel),
        VolumeOrder(initrd, fetch=tree.initrd),
    )
    assert made.temporary == (kernel, initrd)
    first, later = etree.fromstring(made.first_xml), etree.fromstring(made.xml)
    assert first.findtext("os/kernel") == kernel.path
    assert first.findtext("os/cmdline") == "inst.repo=http://mirror console=ttyS0"
    assert later.find("os/kernel") is None


def test_a_kernel_is_never_put_into_a_logical_volume() -> None:
    files = DEFAULT_POOL._replace(name="files", path="/srv/files")
    offer = DESKTOP._replace(pools=(LVM_POOL._replace(name="default"), files))
    source = Source(SourceKind.TREE, url="http://mirror/debian")
    made = plan(Spec(name="new", source=source), offer, x86_caps())
    assert [order.placed.path for order in made.volumes] == [
        "/dev/vg0/new",
        "/srv/files/new-kernel",
        "/srv/files/new-initrd",
    ]


def test_names_of_new_volumes_are_free() -> None:
    disks = (Disk(), Disk(), Disk(new=NewVolume(name="web.qcow2")), Disk(DiskKind.CDROM))
    made = plan(Spec(name="web", disks=disks), DESKTOP, x86_caps())
    assert [order.placed.volume for order in made.volumes] == [
        "web-2.qcow2",
        "web-3.qcow2",
        "web.qcow2",
    ]


WEB = """<domain type='kvm'><name>web</name><uuid>11111111-1111-4111-8111-111111111111</uuid>
<memory unit='KiB'>1048576</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
<source file='/var/lib/libvirt/images/web.qcow2'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='cdrom'><source file='/var/lib/libvirt/images/debian-12.iso'/>
<target dev='sda' bus='sata'/><readonly/></disk></devices></domain>"""


def test_a_copy_clones_what_is_written_and_shares_what_is_read() -> None:
    offer = DESKTOP._replace(guests=(("web", "11111111-1111-4111-8111-111111111111", False),))
    spec = Spec(source=Source(SourceKind.COPY, guest="web"))
    made = plan(spec, offer, x86_caps(), source_xml=WEB)

    clone = Placed(f"{IMAGES}/web-copy.qcow2", "qcow2", False, "default", "web-copy.qcow2")
    original = Placed(f"{IMAGES}/web.qcow2", "qcow2", False, "default", "web.qcow2")
    assert made.volumes == (VolumeOrder(clone, 20 * GIB, clone=original),)
    assert sources(made.xml) == [clone.path, f"{IMAGES}/debian-12.iso"]
    assert etree.fromstring(made.xml).findtext("uuid") == made.spec.uuid
    assert errors(made) == []


def test_a_copy_that_would_be_torn_or_not_be_one() -> None:
    spec = Spec(source=Source(SourceKind.COPY, guest="web"))
    assert errors(plan(spec, DESKTOP, x86_caps(), source_xml=WEB)) == ["copy-active"]
    assert errors(plan(spec, DESKTOP, x86_caps())) == ["copy-unread"]
    elsewhere = WEB.replace("/images/web.qcow2", "/elsewhere.qcow2")
    offer = DESKTOP._replace(guests=())
    assert errors(plan(spec, offer, x86_caps(), source_xml=elsewhere)) == ["copy-disk"]
    nothing = Spec(source=Source(SourceKind.COPY))
    assert errors(plan(nothing, offer, x86_caps())) == ["copy-nothing"]


def test_all_disks_of_a_copy_have_to_fit_together() -> None:
    web, data = (
        WEB_DISK._replace(name=name, path=f"{IMAGES}/{name}", allocation=GIB)
        for name in ("web", "data")
    )
    second = f"""<disk type='file' device='disk'><source file='{data.path}'/>
<target dev='vdb' bus='virtio'/></disk></devices>"""
    xml = WEB.replace("/web.qcow2", "/web").replace("</devices>", second)
    spec = Spec(source=Source(SourceKind.COPY, guest="web"))
    for available, found in ((2 * GIB, []), (2 * GIB - 1, ["copy-room"])):
        pool = DEFAULT_POOL._replace(volumes=(web, data), available=available)
        offer = DESKTOP._replace(guests=(), pools=(pool,))
        assert errors(plan(spec, offer, x86_caps(), source_xml=xml)) == found


def test_heads_of_files() -> None:
    qcow2 = b"QFI\xfb" + (3).to_bytes(4) + bytes(16) + (5 * GIB).to_bytes(8) + bytes(40)
    over = qcow2[:8] + (512).to_bytes(8) + qcow2[16:]
    assert read_head(qcow2, 196608) == FileFacts(196608, "qcow2", 5 * GIB)
    assert read_head(over).backing
    assert read_head(bytes(4096), 8192) == FileFacts(8192, "raw", 8192)
    assert read_head(b"\xfd7zXZ\x00 and so on").packed == "xz"
    assert read_head(bytes(0x40) + b"\x7f\x10\xda\xbe").format == "vdi"
    assert read_head(b"") == FileFacts()
    assert read_head(b"QFI\xfb").format == "qcow2"
