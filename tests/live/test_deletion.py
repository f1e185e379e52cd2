"""Deleting guests with their data on a real libvirt; what stays is looked for on the disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import libvirt
import pytest

from tests.support.guests import GuestFactory, disk_xml, guest_xml, sparse_file
from tuivm.hypervisor.actions import perform
from tuivm.hypervisor.deletion import look_up
from tuivm.model.deletion import DeletionFacts, DeletionOrder, DeletionPlan, VolumeFacts
from tuivm.model.requests import Delete, Outcome

FORCE = DeletionOrder(force_off=True)


def qcow2(path: Path, backing: Path | str = "") -> Path:
    command = ["qemu-img", "create", "-q", "-f", "qcow2"]
    command += ["-F", "qcow2", "-b", str(backing)] if backing else []
    subprocess.run([*command, path, "1M"], check=True, cwd=path.parent)
    return path


@pytest.fixture
def images(guest_factory: GuestFactory, tmp_path: Path) -> Path:
    """The directory of a running pool."""
    directory = tmp_path / "images"
    directory.mkdir()
    guest_factory.pool("images", directory)
    return directory


def looked_up(factory: GuestFactory, uuid: str) -> tuple[DeletionFacts, DeletionPlan]:
    lookup = look_up(factory.conn, uuid)
    assert lookup.problem is None
    assert lookup.facts is not None
    assert lookup.plan is not None
    return lookup.facts, lookup.plan


def volume(factory: GuestFactory, uuid: str, path: Path) -> VolumeFacts:
    facts, _ = looked_up(factory, uuid)
    return next(volume for volume in facts.volumes if volume.path == str(path))


def refusal(factory: GuestFactory, uuid: str, path: Path) -> str:
    _, plan = looked_up(factory, uuid)
    return next(choice.refused for choice in plan.choices if choice.facts.path == str(path))


def delete(factory: GuestFactory, uuid: str, *volumes: Path, force: bool = False) -> Outcome:
    order = DeletionOrder(volumes=tuple(map(str, volumes)), force_off=force)
    return perform(factory.conn, uuid, Delete(order))


def done(outcome: Outcome) -> list[str]:
    return [step.what for step in outcome.steps if step.done]


def not_done(outcome: Outcome) -> list[str]:
    return [step.what for step in outcome.steps if not step.done]


def test_nothing_but_the_definition_goes_unless_it_is_ticked(
    guest_factory: GuestFactory, images: Path
) -> None:
    disk = sparse_file(images / "disk.raw")
    uuid = guest_factory.define(guest_xml("plain", devices=disk_xml(disk)))
    facts, plan = looked_up(guest_factory, uuid)
    (found,) = facts.volumes
    assert (found.pool, found.volume, found.targets) == ("images", "disk.raw", ("vda",))
    assert (found.capacity, found.exists, found.format) == (1024 * 1024, True, "raw")
    assert plan.choices[0].refused == ""
    outcome = delete(guest_factory, uuid)
    assert outcome.problem is None
    assert done(outcome) == ["undefined plain"]
    assert not guest_factory.exists(uuid)
    assert disk.exists()


def test_ticked_volumes_go_and_the_others_stay(guest_factory: GuestFactory, images: Path) -> None:
    goes, stays = sparse_file(images / "goes.raw"), sparse_file(images / "stays.raw")
    devices = disk_xml(goes, "vda") + disk_xml(stays, "vdb")
    uuid = guest_factory.define(guest_xml("two-disks", devices=devices))
    outcome = delete(guest_factory, uuid, goes)
    assert outcome.problem is None
    assert done(outcome) == ["undefined two-disks", f"deleted {goes}"]
    assert not goes.exists()
    assert stays.exists()


def test_a_running_guest_needs_to_be_forced_off(guest_factory: GuestFactory, images: Path) -> None:
    disk = sparse_file(images / "disk.raw")
    uuid = guest_factory.start(guest_xml("running", devices=disk_xml(disk)))
    refused = delete(guest_factory, uuid, disk)
    assert refused.problem is not None
    assert refused.steps == ()
    assert guest_factory.domain(uuid).isActive()
    assert disk.exists()
    outcome = delete(guest_factory, uuid, disk, force=True)
    assert outcome.problem is None
    assert done(outcome) == ["forced off running", "undefined running", f"deleted {disk}"]
    assert not disk.exists()


def test_a_transient_guest(guest_factory: GuestFactory, images: Path) -> None:
    disk = sparse_file(images / "disk.raw")
    xml = guest_xml("transient", devices=disk_xml(disk))
    uuid = guest_factory.start(xml, transient=True)
    outcome = delete(guest_factory, uuid, disk, force=True)
    assert outcome.problem is None
    assert not guest_factory.exists(uuid)
    assert not disk.exists()


@pytest.mark.parametrize("active", [False, True])
def test_a_disk_that_another_guest_uses_is_refused(
    guest_factory: GuestFactory, images: Path, active: bool
) -> None:
    disk = sparse_file(images / "shared.raw")
    uuid = guest_factory.define(guest_xml("mine", devices=disk_xml(disk)))
    other = guest_xml("theirs", devices=disk_xml(disk, more="<shareable/>"))
    guest_factory.start(other) if active else guest_factory.define(other)
    assert volume(guest_factory, uuid, disk).owners == ("theirs",)
    assert "theirs" in refusal(guest_factory, uuid, disk)
    outcome = delete(guest_factory, uuid, disk)
    assert outcome.problem is not None
    assert guest_factory.exists(uuid)
    assert disk.exists()


def test_a_disk_only_in_the_next_definition_of_a_running_guest_is_seen(
    guest_factory: GuestFactory, images: Path
) -> None:
    disk = sparse_file(images / "next.raw")
    uuid = guest_factory.define(guest_xml("mine", devices=disk_xml(disk)))
    other = guest_factory.start(guest_xml("theirs"))
    guest_factory.conn.defineXML(guest_xml("theirs", uuid=other, devices=disk_xml(disk)))
    assert volume(guest_factory, uuid, disk).owners == ("theirs",)


@pytest.mark.parametrize("how", ["symlink", "dots", "hardlink"])
def test_another_path_to_the_same_file_is_the_same_file(
    guest_factory: GuestFactory, images: Path, tmp_path: Path, how: str
) -> None:
    disk = sparse_file(images / "disk.raw")
    alias = tmp_path / "alias.raw"
    if how == "symlink":
        alias.symlink_to(disk)
    elif how == "hardlink":
        alias.hardlink_to(disk)
    else:
        alias = images / ".." / "images" / "disk.raw"
    uuid = guest_factory.define(guest_xml("mine", devices=disk_xml(disk)))
    guest_factory.define(guest_xml("theirs", devices=disk_xml(alias)))
    assert volume(guest_factory, uuid, disk).owners == ("theirs",)


def test_a_base_image_is_refused_while_an_overlay_needs_it(
    guest_factory: GuestFactory, images: Path
) -> None:
    base = qcow2(images / "base.qcow2")
    mine = qcow2(images / "mine.qcow2", base)
    theirs = qcow2(images / "theirs.qcow2", "base.qcow2")
    uuid = guest_factory.define(guest_xml("mine", devices=disk_xml(mine, fmt="qcow2")))
    guest_factory.define(guest_xml("theirs", devices=disk_xml(theirs, fmt="qcow2")))
    facts, _ = looked_up(guest_factory, uuid)
    assert [found.path for found in facts.volumes] == [str(mine), str(base)]
    assert facts.volumes[0].backing == str(base)
    assert facts.volumes[1].owners == ("theirs",)
    assert facts.volumes[1].children == (str(mine), str(theirs))
    assert refusal(guest_factory, uuid, mine) == ""
    assert delete(guest_factory, uuid, mine, base).problem is not None
    assert mine.exists()
    assert delete(guest_factory, uuid, mine).problem is None
    assert not mine.exists()
    assert base.exists()


def test_an_overlay_outside_every_pool_counts_too(
    guest_factory: GuestFactory, images: Path, tmp_path: Path
) -> None:
    base = qcow2(images / "base.qcow2")
    hidden = qcow2(tmp_path / "hidden.qcow2", base)
    uuid = guest_factory.define(guest_xml("mine", devices=disk_xml(base, fmt="qcow2")))
    guest_factory.define(guest_xml("theirs", devices=disk_xml(hidden, fmt="qcow2")))
    assert volume(guest_factory, uuid, base).owners == ("theirs",)


def test_a_running_guests_chain_is_read_from_its_live_definition(
    guest_factory: GuestFactory, images: Path
) -> None:
    base = qcow2(images / "base.qcow2")
    top = qcow2(images / "top.qcow2", base)
    other = guest_factory.start(guest_xml("theirs", devices=disk_xml(top, fmt="qcow2")))
    uuid = guest_factory.define(guest_xml("mine", devices=disk_xml(base, fmt="qcow2")))
    assert volume(guest_factory, uuid, base).owners == ("theirs",)
    facts, _ = looked_up(guest_factory, other)
    assert [found.path for found in facts.volumes] == [str(top), str(base)]


def test_an_unreadable_chain_of_another_guest_forbids_ticking(
    guest_factory: GuestFactory, images: Path, tmp_path: Path
) -> None:
    disk = sparse_file(images / "disk.raw")
    uuid = guest_factory.define(guest_xml("mine", devices=disk_xml(disk)))
    lost = disk_xml(tmp_path / "lost.qcow2", fmt="qcow2")
    guest_factory.define(guest_xml("theirs", devices=lost))
    facts, _ = looked_up(guest_factory, uuid)
    assert any("theirs" in reason for reason in facts.incomplete)
    assert refusal(guest_factory, uuid, disk)
    assert delete(guest_factory, uuid).problem is None


def test_a_pool_that_does_not_run_forbids_ticking(
    guest_factory: GuestFactory, images: Path, tmp_path: Path
) -> None:
    disk = sparse_file(images / "disk.raw")
    uuid = guest_factory.define(guest_xml("mine", devices=disk_xml(disk)))
    (tmp_path / "more").mkdir()
    pool = guest_factory.pool("more", tmp_path / "more")
    pool.destroy()
    assert "pool more" in refusal(guest_factory, uuid, disk)
    pool.create()
    assert refusal(guest_factory, uuid, disk) == ""


def test_a_disk_named_by_pool_and_volume(guest_factory: GuestFactory, images: Path) -> None:
    disk = sparse_file(images / "named.raw")
    by_name = (
        "<disk type='volume' device='disk'><driver name='qemu' type='raw'/>"
        "<source pool='images' volume='named.raw'/><target dev='vda' bus='virtio'/></disk>"
    )
    guest_factory.conn.storagePoolLookupByName("images").refresh()
    uuid = guest_factory.define(guest_xml("by-name", devices=by_name))
    guest_factory.define(guest_xml("by-path", devices=disk_xml(disk)))
    assert volume(guest_factory, uuid, disk).owners == ("by-path",)
    assert volume(guest_factory, uuid, disk).pool == "images"


def test_media_and_files_in_no_pool_cannot_be_ticked(
    guest_factory: GuestFactory, images: Path, tmp_path: Path
) -> None:
    iso, stray = sparse_file(images / "os.iso"), sparse_file(tmp_path / "stray.raw")
    cdrom = disk_xml(iso, "hdc", bus="ide").replace("device='disk'", "device='cdrom'")
    empty = "<disk type='file' device='cdrom'><target dev='hdd' bus='ide'/></disk>"
    missing = disk_xml(images / "missing.raw", "vdb")
    devices = cdrom + empty + missing + disk_xml(stray)
    uuid = guest_factory.define(guest_xml("media", devices=devices))
    assert "read-only" in refusal(guest_factory, uuid, iso)
    assert "pool" in refusal(guest_factory, uuid, stray)
    assert "not exist" in refusal(guest_factory, uuid, images / "missing.raw")
    facts, _ = looked_up(guest_factory, uuid)
    assert len(facts.volumes) == 3
    for path in (iso, stray):
        assert delete(guest_factory, uuid, path).problem is not None
    assert delete(guest_factory, uuid, sparse_file(images / "not-its-own.raw")).problem is not None
    assert guest_factory.exists(uuid)
    assert iso.exists()
    assert stray.exists()


def test_snapshots_checkpoints_saved_memory_and_nvram_go(
    guest_factory: GuestFactory, images: Path, tmp_path: Path
) -> None:
    disk = qcow2(images / "disk.qcow2")
    code, nvram = sparse_file(tmp_path / "code.fd"), sparse_file(tmp_path / "vars.fd")
    os = f"<loader readonly='yes' type='pflash'>{code}</loader><nvram>{nvram}</nvram>"
    xml = guest_xml("rich", machine="q35", os=os, devices=disk_xml(disk, fmt="qcow2"))
    uuid = guest_factory.define(xml)
    domain = guest_factory.domain(uuid)
    redefine = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE
    for name in ("first", "second"):
        snapshot = (
            f"<domainsnapshot><name>{name}</name><state>shutoff</state>"
            f"<creationTime>1700000000</creationTime>{domain.XMLDesc()}</domainsnapshot>"
        )
        domain.snapshotCreateXML(snapshot, redefine)
    facts, plan = looked_up(guest_factory, uuid)
    assert facts.snapshots == ("first", "second")
    assert facts.nvram == str(nvram)
    assert plan.goes
    outcome = delete(guest_factory, uuid)
    assert outcome.problem is None
    assert done(outcome) == [
        "removed the record of snapshot first",
        "removed the record of snapshot second",
        f"undefined rich and its UEFI variables {nvram}",
    ]
    assert not nvram.exists()
    assert code.exists()
    assert disk.exists()


def test_a_checkpoint_goes(guest_factory: GuestFactory, images: Path) -> None:
    disk = qcow2(images / "disk.qcow2")
    uuid = guest_factory.start(guest_xml("checked", devices=disk_xml(disk, fmt="qcow2")))
    guest_factory.domain(uuid).checkpointCreateXML(
        "<domaincheckpoint><name>monday</name></domaincheckpoint>"
    )
    facts, _ = looked_up(guest_factory, uuid)
    assert facts.checkpoints == ("monday",)
    outcome = perform(guest_factory.conn, uuid, Delete(FORCE))
    assert outcome.problem is None
    assert "removed the record of checkpoint monday" in done(outcome)
    assert not guest_factory.exists(uuid)


def test_saved_memory_goes(guest_factory: GuestFactory) -> None:
    uuid = guest_factory.start(guest_xml("saved"))
    guest_factory.domain(uuid).managedSave()
    saved = guest_factory.rig.state / "lib/qemu/save/saved.save"
    assert saved.exists()
    facts, _ = looked_up(guest_factory, uuid)
    assert facts.managed_save
    outcome = delete(guest_factory, uuid)
    assert done(outcome) == ["removed the managed save", "undefined saved"]
    assert not saved.exists()


def test_the_old_disk_of_another_guests_snapshot_is_refused(
    guest_factory: GuestFactory, images: Path
) -> None:
    """Reverting to an external snapshot needs the image that was the disk when it was taken."""
    disk = qcow2(images / "disk.qcow2")
    other = guest_factory.start(guest_xml("theirs", devices=disk_xml(disk, fmt="qcow2")))
    domain = guest_factory.domain(other)
    overlay = images / "overlay.qcow2"
    domain.snapshotCreateXML(
        "<domainsnapshot><name>before</name><disks>"
        f"<disk name='vda'><source file='{overlay}'/></disk></disks></domainsnapshot>",
        libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY,
    )
    guest_factory.conn.defineXML(guest_xml("theirs", uuid=other))
    domain.destroy()
    uuid = guest_factory.define(guest_xml("mine", devices=disk_xml(disk, fmt="qcow2")))
    overlay.unlink()
    found = volume(guest_factory, uuid, disk)
    assert found.children == ()
    assert found.owners == ("theirs",)


def test_what_changed_since_the_dialog_is_seen(guest_factory: GuestFactory, images: Path) -> None:
    disk = sparse_file(images / "disk.raw")
    uuid = guest_factory.define(guest_xml("mine", devices=disk_xml(disk)))
    assert refusal(guest_factory, uuid, disk) == ""
    guest_factory.define(guest_xml("late", devices=disk_xml(disk)))
    outcome = delete(guest_factory, uuid, disk)
    assert outcome.problem is not None
    assert "late" in outcome.problem.reason
    assert outcome.steps == ()
    assert guest_factory.exists(uuid)
    assert disk.exists()


def test_a_failure_half_way_says_what_was_and_was_not_removed(
    guest_factory: GuestFactory, images: Path, tmp_path: Path
) -> None:
    """UEFI variables that are a directory cannot be unlinked: undefining fails late."""
    disk = sparse_file(images / "disk.raw")
    code, nvram = sparse_file(tmp_path / "code.fd"), tmp_path / "vars.fd"
    nvram.mkdir()
    os = f"<loader readonly='yes' type='pflash'>{code}</loader><nvram>{nvram}</nvram>"
    xml = guest_xml("stuck", machine="q35", os=os, devices=disk_xml(disk))
    uuid = guest_factory.define(xml)
    domain = guest_factory.domain(uuid)
    domain.snapshotCreateXML(
        "<domainsnapshot><name>old</name><state>shutoff</state>"
        f"<creationTime>1700000000</creationTime>{domain.XMLDesc()}</domainsnapshot>",
        libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE,
    )
    outcome = delete(guest_factory, uuid, disk)
    assert outcome.problem is not None
    assert outcome.problem.what == "stuck was deleted only in part"
    assert str(nvram) in outcome.problem.reason
    assert done(outcome) == ["removed the record of snapshot old"]
    assert not_done(outcome) == [
        f"undefine stuck and its UEFI variables {nvram}",
        f"delete {disk}",
    ]
    assert guest_factory.exists(uuid)
    assert disk.exists()
    nvram.rmdir()


def test_the_test_drivers_volumes(tmp_path: Path) -> None:
    """Paths that the test driver speaks of are nowhere: nothing is claimed about them."""
    config = tmp_path / "node.xml"
    config.write_text(
        "<node><domain type='test'><name>one</name><memory>1024</memory><os><type>hvm</type></os>"
        "<devices><disk type='file'><source file='/pool/one.raw'/><target dev='vda'/></disk>"
        "</devices></domain>"
        "<pool type='dir'><name>pool</name><target><path>/pool</path></target>"
        "<volume type='file'><name>one.raw</name><capacity>1000</capacity>"
        "<target><path>/pool/one.raw</path></target></volume></pool></node>"
    )
    conn = libvirt.open(f"test://{config}")
    domain = conn.lookupByName("one")
    uuid = domain.UUIDString()
    lookup = look_up(conn, uuid)
    assert lookup.facts is not None
    (found,) = lookup.facts.volumes
    assert (found.pool, found.volume, found.capacity) == ("pool", "one.raw", 1000)
    order = DeletionOrder(volumes=("/pool/one.raw",), force_off=True)
    outcome = perform(conn, uuid, Delete(order))
    assert outcome.problem is None
    assert done(outcome)[-1] == "deleted /pool/one.raw"
    assert conn.storagePoolLookupByName("pool").listAllVolumes() == []
