"""A spec's disks as rows: the default ones, those of the source, and those that were said."""

from __future__ import annotations

import pytest

from tests.ui.create_support import CAPS, DEBIAN, OFFER
from tuivm.model.spec import Disk, DiskKind, FileRef, NewVolume, Preset, Source, SourceKind, Spec
from tuivm.preflight.defaults import complete
from tuivm.screens.create.disklist import follow_source, items, last_said, with_disk, without_disk

BASE = FileRef(pool="default", volume="base.qcow2")
ISO = Source(SourceKind.ISO, FileRef(pool="default", volume="virtio-win.iso"))
NEW = Disk(new=NewVolume())
USB = Disk(new=NewVolume(size=1 << 30), bus="usb")


def full(spec: Spec) -> Spec:
    return complete(spec, OFFER, CAPS, DEBIAN)


def source(kind: SourceKind) -> Source:
    return ISO if kind is SourceKind.ISO else Source(kind, BASE)


KINDS = pytest.mark.parametrize(
    "kind", [SourceKind.ISO, SourceKind.IMPORT, SourceKind.OVERLAY, SourceKind.CLOUD]
)


@KINDS
def test_the_sources_disk_is_a_row_that_nobody_said(kind: SourceKind) -> None:
    spec = Spec(name="web", source=source(kind))
    rows = items(spec, full(spec))
    assert sum(row.implied for row in rows) == 1
    assert len(rows) == (2 if kind is SourceKind.ISO else 1)


@KINDS
def test_adding_and_removing_ends_where_it_began(kind: SourceKind) -> None:
    spec = Spec(name="web", source=source(kind))
    before = full(spec).disks
    more = with_disk(spec, full(spec), None, USB)
    rows = items(more, full(more))
    assert sum(row.implied for row in rows) == 1
    added = last_said(more, full(more))
    assert added is not None
    assert added.bus == "usb"
    at = next(index for index, row in enumerate(rows) if row.said == USB)
    less = without_disk(more, full(more), at)
    assert full(less).disks == before


@KINDS
def test_editing_the_sources_disk_does_not_double_it(kind: SourceKind) -> None:
    spec = Spec(name="web", source=source(kind))
    rows = items(spec, full(spec))
    at = next(index for index, row in enumerate(rows) if row.implied)
    edited = with_disk(spec, full(spec), at, rows[at].said._replace(bus="usb"))
    after = items(edited, full(edited))
    assert len(after) == len(rows)
    assert after[at].full.bus == "usb"
    assert after[at].full.file == full(spec).source.file
    assert after[at].full.kind is rows[at].full.kind
    assert after[at].full.overlay == rows[at].full.overlay
    assert not any(row.implied for row in after)


def test_one_of_each_stays_so_when_a_third_is_added() -> None:
    spec = Spec(name="web", preset=Preset.ONE_OF_EACH)
    more = with_disk(spec, full(spec), None, NEW)
    assert [row.full.bus for row in items(more, full(more))] == ["virtio", "sata", "virtio"]


def edited_drive() -> Spec:
    spec = Spec(name="web", source=ISO)
    return with_disk(spec, full(spec), 1, Disk(DiskKind.CDROM, ISO.file, bus="usb", readonly=True))


def test_another_file_of_the_same_kind_takes_the_edited_drive_over() -> None:
    before = edited_drive()
    other = FileRef(pool="default", volume="debian.iso")
    after = follow_source(before, before._replace(source=ISO._replace(file=other)))
    assert [disk.file for disk in full(after).disks or ()] == [FileRef(), other]
    assert (full(after).disks or ())[1].bus == "usb"


@pytest.mark.parametrize(
    "changed", [Source(SourceKind.ISO), Source(SourceKind.IMPORT, ISO.file), Source()]
)
def test_the_edited_drive_goes_with_its_source(changed: Source) -> None:
    before = edited_drive()
    after = follow_source(before, before._replace(source=changed))
    assert after.disks == (NEW,)


def test_nothing_follows_where_nothing_changed() -> None:
    spec = edited_drive()
    assert follow_source(spec, spec._replace(vcpus=4)).disks == spec.disks
    plain = Spec(name="web", source=ISO)
    assert follow_source(plain, plain._replace(source=Source())).disks is None
