"""What deletion looks up without asking libvirt: XML, image headers, and who uses what."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tuivm.domainxml.parse import parse_domain
from tuivm.domainxml.storage import (
    DiskUse,
    Layer,
    VolumeDescription,
    disk_uses,
    has_emulated_tpm,
    nvram_path,
    read_volume,
    snapshot_uses,
)
from tuivm.hypervisor.images import UnreadableImageError, backing_of, exists, identity
from tuivm.hypervisor.inventory import Inventory, PoolVolume


def uses(disk: str) -> tuple[DiskUse, ...]:
    return disk_uses(parse_domain(f"<domain><devices>{disk}</devices></domain>"))


def qcow2(version: int, backing: bytes, fmt: bytes = b"", unknown: bytes = b"") -> bytes:
    """A header as docs/interop/qcow2.txt has it: fields, extensions, name of the backing file."""
    length = 104 if version == 3 else 72
    extensions = b""
    for kind, data in ((0x6803F857, unknown), (0xE2792ACA, fmt)):
        if data:
            extensions += struct.pack(">II", kind, len(data)) + data + b"\0" * (-len(data) % 8)
    extensions += struct.pack(">II", 0, 0)
    offset = length + len(extensions) if backing else 0
    head = b"QFI\xfb" + struct.pack(">IQI", version, offset, len(backing))
    head = head.ljust(72, b"\0")
    if version == 3:
        head += b"\0" * 28 + struct.pack(">I", length)
    return head + extensions + backing


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("unknown", [b"", b"features"])
def test_the_backing_of_a_qcow2_image(tmp_path: Path, version: int, unknown: bytes) -> None:
    image = tmp_path / "top.qcow2"
    image.write_bytes(qcow2(version, b"base.qcow2", b"qcow2", unknown))
    assert backing_of(str(image)) == (f"{tmp_path}/base.qcow2", "qcow2")
    image.write_bytes(qcow2(version, b"/else/where.raw", b"raw", unknown))
    assert backing_of(str(image)) == ("/else/where.raw", "raw")
    image.write_bytes(qcow2(version, b"file:/else/where.raw"))
    assert backing_of(str(image)) == ("/else/where.raw", "")
    image.write_bytes(qcow2(version, b"", unknown=unknown))
    assert backing_of(str(image)) == ("", "")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(qcow2(3, b"base.qcow2")[:-4], id="cut short in the name"),
        pytest.param(qcow2(3, b"base.qcow2")[:80], id="cut short in the header"),
        pytest.param(qcow2(3, b"base.qcow2")[:20], id="cut short at once"),
        pytest.param(qcow2(3, b'json:{"driver":"nbd"}'), id="a description"),
        pytest.param(qcow2(3, b"nbd://host/export"), id="a network"),
    ],
)
def test_a_backing_that_cannot_be_told_is_said(tmp_path: Path, content: bytes) -> None:
    image = tmp_path / "image.qcow2"
    image.write_bytes(content)
    with pytest.raises(UnreadableImageError):
        backing_of(str(image))


def test_an_image_that_is_not_qcow2_has_no_backing(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"\0" * 512)
    assert backing_of(str(tmp_path / "raw")) == ("", "")
    with pytest.raises(UnreadableImageError):
        backing_of(str(tmp_path / "missing"))


def test_identity(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.touch()
    (tmp_path / "x").mkdir()
    (tmp_path / "link").symlink_to(disk)
    ours = identity(str(disk), local=True)
    assert identity(str(tmp_path / "link"), local=True) == ours
    assert identity(f"{tmp_path}/x/../disk", local=True) == ours
    assert identity(str(tmp_path / "other"), local=True) != ours
    assert identity("/a/b/../c", local=False) == identity("/a/c", local=False)
    assert identity(str(tmp_path / "link"), local=False) != identity(str(disk), local=False)


def test_existence_is_not_known_where_nobody_may_look(tmp_path: Path) -> None:
    assert exists(str(tmp_path)) is True
    assert exists(str(tmp_path / "no")) is False
    assert exists("a\0b") is None
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert exists(str(loop)) is None


def test_a_live_disk_with_its_chain_and_a_copy_under_way() -> None:
    (use,) = uses(
        "<disk type='file' device='disk'><driver type='qcow2'/><source file='/top'/>"
        "<backingStore type='file'><format type='qcow2'/><source file='/middle'/>"
        "<backingStore type='block'><format type='raw'/><source dev='/dev/base'/>"
        "<backingStore/></backingStore></backingStore>"
        "<mirror type='file' job='copy'><format type='raw'/><source file='/copy'/></mirror>"
        "<target dev='vda'/><shareable/></disk>"
    )
    assert [(layer.path, layer.format) for layer in use.chain] == [
        ("/top", "qcow2"),
        ("/middle", "qcow2"),
        ("/dev/base", "raw"),
    ]
    assert use.whole
    assert [layer.path for layer in use.beside] == ["/copy"]
    assert use.shareable
    assert not use.read_only


def test_a_disk_that_is_off_does_not_say_where_its_chain_ends() -> None:
    (use,) = uses("<disk type='file'><driver type='qcow2'/><source file='/top'/></disk>")
    assert not use.whole


def test_sources_without_a_path() -> None:
    network, volume, _nvme = uses(
        "<disk type='network'><source protocol='rbd' name='pool/image'/></disk>"
        "<disk type='volume'><source pool='p' volume='v'/></disk>"
        "<disk type='nvme'><source type='pci' namespace='1'/></disk>"
        "<disk type='file' device='cdrom'><target dev='sda'/></disk>"
    )
    assert network.chain[0] == Layer(other="rbd:pool/image")
    assert volume.chain[0] == Layer(pool="p", volume="v")


def test_a_snapshot_needs_the_old_disks_and_the_overlays() -> None:
    found = snapshot_uses(
        "<domainsnapshot><name>s</name><disks><disk name='vda' snapshot='external' type='file'>"
        "<driver type='qcow2'/><source file='/overlay'/></disk><disk name='vdb' snapshot='no'/>"
        "</disks><domain><devices><disk type='file'><source file='/old'/></disk></devices></domain>"
        "</domainsnapshot>"
    )
    assert [use.chain[0].path for use in found] == ["/old", "/overlay"]


def test_nvram_and_tpm() -> None:
    old = parse_domain("<domain><os><nvram template='/t'>/vars.fd</nvram></os></domain>")
    new = parse_domain(
        "<domain><os><nvram type='file'><source file='/vars.fd'/></nvram></os>"
        "<devices><tpm><backend type='emulator'/></tpm></devices></domain>"
    )
    assert nvram_path(old) == nvram_path(new) == "/vars.fd"
    assert has_emulated_tpm(new)
    passed = "<devices><tpm><backend type='passthrough'/></tpm></devices>"
    assert not has_emulated_tpm(parse_domain(f"<domain>{passed}</domain>"))


def test_a_volume_says_what_backs_it() -> None:
    assert read_volume(
        "<volume><name>v</name><capacity unit='bytes'>1024</capacity>"
        "<target><path>/p/v</path><format type='qcow2'/></target>"
        "<backingStore><path>/p/base</path><format type='raw'/></backingStore></volume>"
    ) == VolumeDescription("/p/v", "qcow2", 1024, None, "/p/base", "raw")


def remote() -> Inventory:
    """A host elsewhere, with a base image and an overlay in a pool."""
    inventory = Inventory(local=False, names={"u1": "one", "u2": "two"})
    inventory.note_volume(PoolVolume("p", "base", VolumeDescription("/p/base", "qcow2")))
    overlay = VolumeDescription("/p/overlay", "qcow2", backing="/p/base", backing_format="qcow2")
    inventory.note_volume(PoolVolume("p", "overlay", overlay))
    return inventory


def test_a_chain_on_another_host_is_followed_through_its_pools() -> None:
    inventory = remote()
    inventory.note_uses("u1", [DiskUse("vda", (Layer("/p/overlay", format="qcow2"),))])
    assert inventory.others("/p/base", "u2") == ("one",)
    assert inventory.others("/p/x/../base", "") == ("one",)
    assert inventory.children_of("/p/base") == ("/p/overlay",)
    assert inventory.incomplete == []


def test_an_image_of_another_host_in_no_pool_leaves_its_backing_unknown() -> None:
    inventory = remote()
    inventory.note_uses("u1", [DiskUse("vda", (Layer("/elsewhere", format="qcow2"),))])
    assert inventory.others("/elsewhere", "") == ("one",)
    assert "one" in inventory.incomplete[0]
    assert "/elsewhere" in inventory.incomplete[0]


def test_raw_images_have_no_backing_wherever_they_are() -> None:
    inventory = remote()
    raw = [DiskUse("vda", (Layer("/elsewhere", format=fmt),)) for fmt in ("", "raw", "luks")]
    inventory.note_uses("u1", raw)
    assert inventory.incomplete == []


def test_a_chain_that_bites_its_tail_ends_the_search() -> None:
    inventory = Inventory(local=False, names={"u1": "one"})
    for name, backing in (("a", "b"), ("b", "a")):
        said = VolumeDescription(f"/{name}", "qcow2", backing=f"/{backing}", backing_format="qcow2")
        inventory.note_volume(PoolVolume("p", name, said))
    inventory.note_uses("u1", [DiskUse("vda", (Layer("/a", format="qcow2"),))])
    assert inventory.others("/b", "") == ("one",)
    assert "does not end" in inventory.incomplete[0]


def test_a_volume_named_by_a_pool_that_is_not_seen_is_unknown() -> None:
    inventory = remote()
    inventory.note_uses("u1", [DiskUse("vda", (Layer(pool="q", volume="v", format="qcow2"),))])
    assert "volume v" in inventory.incomplete[0]
