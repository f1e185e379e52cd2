"""Plans carried out on a real libvirt: guests that run in the end, or nothing left of them."""

from __future__ import annotations

import os
import subprocess
import threading
import uuid as uuids
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import libvirt
import pytest

from tests.support.bootable import boot_sector, qcow2_disk, raw_disk
from tests.support.guests import GuestFactory, disk_xml, guest_xml, serial_xml
from tests.support.rig import Rig, wait_until
from tuivm.hypervisor import connect, creating_undo, creating_volumes
from tuivm.hypervisor.creating import run
from tuivm.model.creation import (
    Created,
    CreationPlan,
    CreationProgress,
    Placed,
    PoolOrder,
    VolumeOrder,
)
from tuivm.model.spec import Spec

MIB = 1 << 20
Opener = Callable[[], AbstractContextManager[libvirt.virConnect]]


def opener_of(rig: Rig) -> Opener:
    @contextmanager
    def opened() -> Iterator[libvirt.virConnect]:
        yield libvirt.open(rig.uri)

    return opened


class Place:
    """A rig with a running pool called images."""

    def __init__(self, rig: Rig, factory: GuestFactory, directory: Path) -> None:
        self.rig = rig
        self.factory = factory
        self.directory = directory
        self.told: list[CreationProgress] = []

    def create(
        self,
        plan: CreationPlan,
        *,
        opener: Opener | None = None,
        told: Callable[[CreationProgress], None] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        patience: float = 30.0,
    ) -> Created:
        def hear(progress: CreationProgress) -> None:
            self.told.append(progress)
            if told is not None:
                told(progress)

        opener = opener or opener_of(self.rig)
        return run(
            opener,
            plan,
            hear,
            cancelled,
            host="rig",
            uri=self.rig.uri,
            local=True,
            patience=patience,
        )

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.directory.iterdir()}

    def placed(self, name: str, form: str = "qcow2") -> Placed:
        return Placed(str(self.directory / name), form, pool="images", volume=name)


@pytest.fixture
def place(rig: Rig, guest_factory: GuestFactory, tmp_path: Path) -> Place:
    directory = tmp_path / "images"
    directory.mkdir()
    guest_factory.pool("images", directory)
    return Place(rig, guest_factory, directory)


@pytest.fixture
def own_place(fresh_rig: Rig, tmp_path: Path) -> Iterator[Place]:
    """On a libvirtd that the test may kill."""
    directory = tmp_path / "images"
    directory.mkdir()
    factory = GuestFactory(fresh_rig)
    factory.pool("images", directory)
    yield Place(fresh_rig, factory, directory)
    factory.clean()


def plan_of(
    place: Place,
    *orders: VolumeOrder,
    name: str = "new",
    start: bool = False,
    more: str = "",
    form: str = "qcow2",
) -> CreationPlan:
    devices = "".join(
        disk_xml(order.placed.path, f"vd{letter}", fmt=form)
        for letter, order in zip("abcdef", orders, strict=False)
    )
    return CreationPlan(
        Spec(name=name, start=start),
        volumes=orders,
        xml=guest_xml(name, devices=devices + more),
    )


def nothing_left(place: Place, *files: str) -> None:
    assert place.files == set(files)
    assert place.factory.conn.listAllDomains() == []
    listed = place.factory.conn.storagePoolLookupByName("images").listAllVolumes()
    assert {volume.name() for volume in listed} == set(files)


def image_info(path: Path) -> str:
    command = ["qemu-img", "info", "-U", str(path)]
    return subprocess.check_output(command, text=True)


def test_empty_disks_of_each_format_and_preallocation(place: Place) -> None:
    orders = [
        VolumeOrder(place.placed("a.qcow2"), 8 * MIB),
        VolumeOrder(place.placed("b.qcow2"), 8 * MIB, preallocation="metadata"),
        VolumeOrder(place.placed("c.qcow2"), 8 * MIB, preallocation="full"),
        VolumeOrder(place.placed("d.raw", "raw"), 8 * MIB),
        VolumeOrder(place.placed("e.raw", "raw"), 8 * MIB, preallocation="full"),
    ]
    created = place.create(plan_of(place, *orders))
    assert created.problem is None
    assert created.uuid == place.factory.conn.lookupByName("new").UUIDString()
    assert not created.started
    used = {path.name: path.stat().st_blocks * 512 for path in place.directory.iterdir()}
    assert used["a.qcow2"] < MIB
    assert used["a.qcow2"] < used["b.qcow2"] + 1 < 8 * MIB
    assert used["c.qcow2"] >= 8 * MIB
    assert used["d.raw"] == 0
    assert used["e.raw"] == 8 * MIB
    assert "compat: 1.1" in image_info(place.directory / "a.qcow2")
    assert [step.what for step in created.steps][-1] == "defined new"


def test_an_image_is_sent_made_larger_and_boots(place: Place, tmp_path: Path) -> None:
    image = qcow2_disk(tmp_path / "sent.qcow2", "up and away", 4)
    log = tmp_path / "serial.log"
    order = VolumeOrder(place.placed("disk.qcow2"), 16 * MIB, upload=str(image))
    created = place.create(plan_of(place, order, start=True, more=serial_xml(log)))
    assert created.problem is None
    assert created.started
    wait_until(lambda: log.exists() and "up and away" in log.read_text(), 60, "the boot sector")
    assert "virtual size: 16 MiB" in image_info(place.directory / "disk.qcow2")
    transfers = [one for one in place.told if one.total]
    assert transfers[-1].done == transfers[-1].total == image.stat().st_size


@pytest.mark.parametrize("there", [True, False], ids=["directory is there", "directory is new"])
@pytest.mark.parametrize("fails", [True, False])
def test_a_pool_that_the_host_has_not_got(
    place: Place, tmp_path: Path, *, there: bool, fails: bool
) -> None:
    directory = tmp_path / "deep/default"
    if there:
        directory.mkdir(parents=True)
    placed = Placed(str(directory / "disk.qcow2"), "qcow2", pool="default", volume="disk.qcow2")
    missing = disk_xml(tmp_path / "missing", "vdx") if fails else ""
    plan = plan_of(place, VolumeOrder(placed, MIB), start=True, more=missing)
    plan = plan._replace(pools=(PoolOrder("default", str(directory)),))
    created = place.create(plan)
    pools = {pool.name(): pool for pool in place.factory.conn.listAllStoragePools()}
    assert created.left == ()
    if fails:
        assert created.problem is not None
        assert pools.keys() == {"images"}
        assert directory.exists() == there
    else:
        assert created.problem is None
        assert pools["default"].isActive()
        assert pools["default"].autostart()
        assert (directory / "disk.qcow2").exists()


def test_a_pool_whose_directory_cannot_be_made(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    plan = plan_of(place)._replace(pools=(PoolOrder("default", str(tmp_path / "file/default")),))
    created = place.create(plan)
    assert created.problem is not None
    assert "make the pool default" in created.problem.what
    assert created.left == ()
    pools = place.factory.conn.listAllStoragePools()
    assert [pool.name() for pool in pools] == ["images"]


def test_holes_are_not_sent(place: Place, tmp_path: Path) -> None:
    image = raw_disk(tmp_path / "sparse.raw", "x", 64)
    with image.open("r+b") as file:
        file.seek(40 * MIB + 5)
        file.write(os.urandom(MIB))
    order = VolumeOrder(place.placed("sparse.raw", "raw"), upload=str(image))
    assert place.create(plan_of(place, order, form="raw")).problem is None
    sent = place.directory / "sparse.raw"
    assert sent.read_bytes() == image.read_bytes()
    assert sent.stat().st_blocks * 512 < 4 * MIB


def test_an_overlay_leaves_its_base_as_it_is(place: Place, tmp_path: Path) -> None:
    base = raw_disk(place.directory / "base.raw", "from below")
    before = base.read_bytes(), base.stat().st_mtime_ns
    log = tmp_path / "serial.log"
    order = VolumeOrder(place.placed("top.qcow2"), 8 * MIB, backing=Placed(str(base), "raw"))
    created = place.create(plan_of(place, order, start=True, more=serial_xml(log)))
    assert created.problem is None
    wait_until(lambda: log.exists() and "from below" in log.read_text(), 60, "the boot sector")
    assert (base.read_bytes(), base.stat().st_mtime_ns) == before
    info = image_info(place.directory / "top.qcow2")
    assert f"backing file: {base}" in info
    assert "backing file format: raw" in info
    assert "virtual size: 8 MiB" in info


@pytest.mark.parametrize(("source", "copy"), [("raw", "raw"), ("qcow2", "qcow2"), ("raw", "qcow2")])
def test_a_volume_is_copied(place: Place, source: str, copy: str) -> None:
    make = qcow2_disk if source == "qcow2" else raw_disk
    make(place.directory / f"old.{source}", "again", 4)
    place.factory.conn.storagePoolLookupByName("images").refresh()
    order = VolumeOrder(place.placed(f"copy.{copy}", copy), clone=place.placed(f"old.{source}"))
    created = place.create(plan_of(place, order, form=copy))
    assert created.problem is None
    command = ["qemu-img", "convert", "-O", "raw", str(place.directory / f"copy.{copy}")]
    flat = place.directory / "flat"
    subprocess.run([*command, str(flat)], check=True)
    assert flat.read_bytes() == boot_sector("again").ljust(4 * MIB, b"\0")


def test_how_far_a_copy_is(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating_volumes, "_LOOK_EVERY", 0.02)
    big = place.directory / "old.raw"
    with big.open("wb") as file:
        for _ in range(256):
            file.write(os.urandom(MIB))
    place.factory.conn.storagePoolLookupByName("images").refresh()
    order = VolumeOrder(place.placed("copy.qcow2"), clone=place.placed("old.raw", "raw"))
    created = place.create(plan_of(place, order))
    assert created.problem is None
    told = [one for one in place.told if one.now.startswith("Copying")]
    assert [one for one in told if one.done and one.total and 0 < one.done < one.total]
    assert place.told[-1].now == "Defining new"


def test_the_first_boot_has_another_definition(place: Place, tmp_path: Path) -> None:
    (place.directory / "seed").write_bytes(b"seed")
    drive = (
        f"<disk type='file' device='cdrom'><source file='{place.directory}/seed'/>"
        "<target dev='hdc' bus='ide'/><readonly/></disk>"
    )
    uuid = str(uuids.uuid4())
    log = tmp_path / "serial.log"
    plan = CreationPlan(
        Spec(name="new", autostart=True),
        xml=guest_xml("new", uuid=uuid, devices=serial_xml(log)),
        # The name and UUID of the other definition count.
        first_xml=guest_xml("first", devices=drive + serial_xml(log)),
    )
    created = place.create(plan)
    assert created.problem is None
    domain = place.factory.domain(uuid)
    assert (created.uuid, domain.name()) == (uuid, "new")
    assert domain.isActive()
    assert domain.isPersistent()
    assert domain.autostart()
    assert "cdrom" in domain.XMLDesc()
    assert "cdrom" not in domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)


def test_a_name_that_is_taken_meanwhile(place: Place) -> None:
    other = ""

    def taking(progress: CreationProgress) -> None:
        nonlocal other
        if progress.now == "Making images/disk.qcow2":
            other = place.factory.define(guest_xml("new"))

    order = VolumeOrder(place.placed("disk.qcow2"), MIB)
    created = place.create(plan_of(place, order), told=taking)
    assert created.problem is not None
    assert "is there already" in created.problem.reason
    assert created.left == ()
    assert place.factory.conn.lookupByName("new").UUIDString() == other
    assert place.files == set()


def test_a_guest_with_that_uuid_is_not_redefined(place: Place) -> None:
    uuid = place.factory.define(guest_xml("old"))
    before = place.factory.domain(uuid).XMLDesc()
    for name in ("old", "other"):
        plan = CreationPlan(Spec(name=name), xml=guest_xml(name, uuid=uuid, memory_mib=32))
        created = place.create(plan)
        assert created.problem is not None
        assert place.factory.domain(uuid).XMLDesc() == before


@pytest.mark.parametrize("known", [True, False], ids=["in the pool's list", "not in it yet"])
def test_a_volume_of_that_name_is_neither_overwritten_nor_removed(
    place: Place, *, known: bool
) -> None:
    (place.directory / "b.qcow2").write_bytes(b"precious")
    if known:
        place.factory.conn.storagePoolLookupByName("images").refresh()
    orders = [VolumeOrder(place.placed(f"{letter}.qcow2"), MIB) for letter in "abc"]
    created = place.create(plan_of(place, *orders))
    assert created.problem is not None
    assert "name" in created.problem.remedy
    assert created.left == ()
    assert place.files == {"b.qcow2"}
    assert (place.directory / "b.qcow2").read_bytes() == b"precious"


def test_cancelled_while_it_sends(place: Place, tmp_path: Path) -> None:
    image = tmp_path / "large"
    image.write_bytes(os.urandom(16 * MIB))
    orders = [
        VolumeOrder(place.placed("first.qcow2"), MIB),
        VolumeOrder(place.placed("large.raw", "raw"), upload=str(image)),
    ]
    cancelled = threading.Event()

    def told(progress: CreationProgress) -> None:
        if progress.done:
            cancelled.set()

    created = place.create(plan_of(place, *orders), told=told, cancelled=cancelled.is_set)
    assert created.problem is not None
    assert created.problem.reason == "it was cancelled"
    assert created.left == ()
    nothing_left(place)


def test_no_room_for_a_volume(place: Place, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    image = tmp_path / "large"
    image.write_bytes(os.urandom(6 * MIB))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
    try:
        with Rig() as rig:
            factory = GuestFactory(rig)
            factory.pool("images", small)
            full = Place(rig, factory, small)
            for order in (
                VolumeOrder(full.placed("large.raw", "raw"), upload=str(image)),
                VolumeOrder(full.placed("full.raw", "raw"), 8 * MIB, preallocation="full"),
            ):
                created = full.create(plan_of(full, order, form="raw"))
                assert created.problem is not None
                assert "No space left" in created.problem.reason
                assert created.left == ()
                nothing_left(full)
            factory.clean()
    finally:
        subprocess.run(["umount", small], check=True)


def test_the_pool_is_stopped_in_the_middle(place: Place) -> None:
    orders = [VolumeOrder(place.placed(f"{letter}.qcow2"), MIB) for letter in "ab"]
    pool = place.factory.conn.storagePoolLookupByName("images")
    (place.directory / "foreign").write_bytes(b"x")

    def told(progress: CreationProgress) -> None:
        if progress.now == "Making images/b.qcow2":
            pool.destroy()

    created = place.create(plan_of(place, *orders), told=told)
    assert created.problem is not None
    assert "not active" in created.problem.reason
    assert created.left == ()
    assert place.files == {"foreign"}
    assert not pool.isActive()


def test_what_cannot_be_started_is_gone(place: Place) -> None:
    order = VolumeOrder(place.placed("disk.qcow2"), MIB)
    more = disk_xml(place.directory / "missing.raw", "vdb")
    created = place.create(plan_of(place, order, start=True, more=more))
    assert created.problem is not None
    assert "missing.raw" in created.problem.reason
    assert created.left == ()
    assert "removed new" in [step.what for step in created.steps]
    nothing_left(place)


def test_the_daemon_dies_at_the_last_step(own_place: Place) -> None:
    place = own_place

    def told(progress: CreationProgress) -> None:
        if progress.now == "Starting new":
            place.rig.kill()
            place.rig.start()

    order = VolumeOrder(place.placed("disk.qcow2"), MIB)
    created = place.create(plan_of(place, order, start=True), told=told)
    assert created.problem is not None
    assert created.left == ()
    nothing_left(place)


def test_the_daemon_dies_while_it_is_sent_a_file(own_place: Place, tmp_path: Path) -> None:
    place = own_place
    image = tmp_path / "large"
    image.write_bytes(os.urandom(16 * MIB))
    died = False

    def told(progress: CreationProgress) -> None:
        nonlocal died
        if progress.done and not died:
            died = True
            place.rig.kill()
            place.rig.start()

    orders = [
        VolumeOrder(place.placed("first.qcow2"), MIB),
        VolumeOrder(place.placed("large.raw", "raw"), upload=str(image)),
    ]
    created = place.create(plan_of(place, *orders), told=told)
    assert created.problem is not None
    assert created.left == ()
    nothing_left(place)


def test_the_daemon_hangs_at_the_last_step(
    own_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is as good as gone: nobody waits for ever to have removed what was made."""
    monkeypatch.setattr(creating_undo, "_SILENT", 1.0)
    monkeypatch.setattr(connect, "KEEPALIVE_INTERVAL", 1)
    monkeypatch.setattr(connect, "KEEPALIVE_COUNT", 1)
    place = own_place

    @contextmanager
    def opener() -> Iterator[libvirt.virConnect]:
        asker = connect.Asker("rig", lambda request: request.answer(None))
        link = connect.open_link(place.rig.uri, readonly=False, asker=asker)
        try:
            yield link.conn
        finally:
            link.discard()

    def told(progress: CreationProgress) -> None:
        if progress.now == "Starting new":
            place.rig.pause()

    order = VolumeOrder(place.placed("disk.qcow2"), MIB)
    plan = plan_of(place, order, start=True)
    created = place.create(plan, told=told, opener=opener, patience=1.0)
    place.rig.resume()
    assert created.problem is not None
    assert next(words.partition(",")[0] for words in created.left) == "new"
    assert [words for words in created.left if "disk.qcow2" in words]
    assert place.files == {"disk.qcow2"}


def test_what_stays_on_a_host_that_stays_away_is_named(own_place: Place) -> None:
    place = own_place

    def told(progress: CreationProgress) -> None:
        if progress.now == "Defining new":
            place.rig.kill()

    order = VolumeOrder(place.placed("disk.qcow2"), MIB)
    created = place.create(plan_of(place, order), told=told, patience=1.0)
    assert created.problem is not None
    assert [words for words in created.left if "disk.qcow2" in words]
    assert [words for words in created.left if words.startswith("new")]
    place.rig.start()
