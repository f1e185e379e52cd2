"""One disk or CD-ROM drive of the new guest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from textual.app import ComposeResult

from tuivm.model.findings import Finding
from tuivm.model.offers import HostOffer
from tuivm.model.spec import Disk, DiskKind, FileRef, NewVolume
from tuivm.model.units import byte_count
from tuivm.preflight.choices_disk import (
    CACHES,
    DISCARDS,
    disk_buses,
    formats,
    ios,
    iothread_refusal,
    new_volume_refusal,
    pools,
    preallocations,
    volume_note,
)
from tuivm.preflight.choices_machine import Pick
from tuivm.preflight.default_disks import find_pool
from tuivm.screens.create.choices import ChoiceField
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.editing import EditDialog
from tuivm.screens.create.fields import Field, SizeField, SwitchField, TextField
from tuivm.screens.create.picks import choices

NEW, EXISTING, OVERLAY, PATH, LOCAL, EMPTY = "new", "volume", "overlay", "path", "local", "empty"
_KINDS = (
    Pick(DiskKind.DISK, "disk"),
    Pick(DiskKind.CDROM, "CD-ROM drive", "its medium can be changed while the guest runs"),
)
_MADE_DISK = (
    Pick(NEW, "a new volume"),
    Pick(EXISTING, "an existing volume", "as it is"),
    Pick(OVERLAY, "a new overlay", "over an existing volume, which stays as it is"),
    Pick(PATH, "a file or block device", "of the host's, by its path"),
    Pick(LOCAL, "an image of this machine", "uploaded into a pool"),
)
_MADE_CDROM = (
    Pick(EMPTY, "nothing", "an empty drive"),
    Pick(EXISTING, "an existing volume"),
    Pick(PATH, "a file of the host's", "by its path"),
    Pick(LOCAL, "an ISO of this machine", "uploaded into a pool"),
)
_SERIAL = re.compile(r"[A-Za-z0-9_.+ -]{1,36}")


class EditDisk(EditDialog[Disk]):
    """Answers the disk as it was said. complete: the same disk with its defaults filled in."""

    DEFAULT_CSS = """
    EditDisk #dialog { width: 110; }
    """
    _SHOWN: ClassVar[dict[str, tuple[str, ...]]] = {
        NEW: ("new.pool", "new.name", "new.size", "new.format", "new.preallocation"),
        EXISTING: ("volume",),
        OVERLAY: ("volume", "new.pool", "new.name", "new.size"),
        PATH: ("path",),
        LOCAL: ("local", "pool"),
        EMPTY: (),
    }

    def __init__(
        self,
        disk: Disk,
        number: int,
        draft: Draft,
        complete: Callable[[Disk], Disk],
        findings: Sequence[Finding] = (),
    ) -> None:
        super().__init__(disk, findings)
        self._number = number
        self._draft = draft
        self._complete = complete
        self._made = made_of(disk)
        self._volumes = tuple(_volumes(draft.offered))

    @property
    def title_text(self) -> str:
        what = "CD-ROM drive" if self._value.kind is DiskKind.CDROM else "Disk"
        return f"{what} {self._number + 1}"

    def body(self) -> ComposeResult:
        yield ChoiceField(self._key("kind"), "What", needed=True, id="kind")
        # What is found about the disk as a whole is said here.
        yield ChoiceField(f"disk.{self._number}", "Made of", needed=True, id="made")
        yield ChoiceField(self._key("volume"), "Volume", needed=True, id="volume")
        yield TextField(self._key("path"), "Path", check=path_fault, id="path")
        yield TextField(self._key("local"), "File", check=name_fault, id="local")
        yield ChoiceField(self._key("pool"), "Into pool", id="pool")
        yield ChoiceField(self._key("new.pool"), "Pool", id="new-pool")
        yield TextField(self._key("new.name"), "Volume's name", check=volume_fault, id="new-name")
        yield SizeField(self._key("new.size"), "Size", id="new-size")
        yield ChoiceField(self._key("new.format"), "Format", id="new-format")
        yield ChoiceField(self._key("new.preallocation"), "Preallocation", id="new-preallocation")
        yield ChoiceField(self._key("bus"), "Bus", id="bus")
        yield ChoiceField(self._key("cache"), "Cache", id="cache")
        yield ChoiceField(self._key("io"), "I/O", id="io")
        yield ChoiceField(self._key("discard"), "Discard", id="discard")
        yield SwitchField(self._key("iothread"), "I/O thread", id="iothread")
        yield SwitchField(self._key("readonly"), "Read only", id="readonly")
        yield SwitchField(self._key("shareable"), "Shareable", id="shareable")
        yield TextField(self._key("serial"), "Serial", check=serial_fault, id="serial")

    def _key(self, name: str) -> str:
        return f"disk.{self._number}.{name}"

    def fill(self, value: Disk) -> None:
        draft, offer = self._draft, self._draft.offered
        full = self._complete(value)
        new, said = full.new or NewVolume(), value.new or NewVolume()
        cdrom = value.kind is DiskKind.CDROM
        pool = find_pool(offer, new.pool)
        target = [
            pick._replace(refusal=new_volume_refusal(one))
            for pick in pools(offer)
            if (one := find_pool(offer, pick.value)) is not None
        ]
        rows: tuple[tuple[str, str, Sequence[Pick], str], ...] = (
            ("kind", value.kind, _KINDS, ""),
            ("made", self._made, _MADE_CDROM if cdrom else _MADE_DISK, ""),
            ("volume", _volume_id(value.file), self._volumes, ""),
            ("pool", value.file.pool, target, full.file.pool),
            ("new-pool", said.pool, target, new.pool),
            ("new-format", said.format, formats(pool), new.format),
            (
                "new-preallocation",
                said.preallocation,
                preallocations(new.format, pool),
                new.preallocation,
            ),
            (
                "bus",
                value.bus,
                disk_buses(draft.full.machine, draft.caps, draft.os, value.kind),
                full.bus,
            ),
            ("cache", value.cache, CACHES[1:], ""),
            ("io", value.io, ios(full.cache, offer)[1:], ""),
            ("discard", value.discard, DISCARDS[1:], full.discard),
        )
        for name, chosen, picks, default in rows:
            field = self.query_one(f"#{name}", ChoiceField)
            field.show(str(chosen), choices(picks), default or _LEFT.get(name, ""))
        self._text("path").show(value.file.path)
        self._text("local").show(value.file.local)
        self._text("new-name").show(said.name, new.name)
        self._text("serial").show(value.serial)
        self.query_one("#new-size", SizeField).show_number(said.size, new.size)
        self._fill_switches(value, full)
        self._show_those_that_matter(cdrom)

    def _fill_switches(self, value: Disk, full: Disk) -> None:
        why = iothread_refusal(self._draft.caps, full.bus)
        note = f"off: {why}" if why else "a thread of its own serves it, beside QEMU's main loop"
        notes = {
            "iothread": (value.iothread, note),
            "readonly": (value.readonly, "the guest cannot write to it"),
            "shareable": (value.shareable, "other guests may use it at the same time"),
        }
        for name, (on_now, about) in notes.items():
            self.query_one(f"#{name}", SwitchField).show(on_now or None, note=about)

    def _show_those_that_matter(self, cdrom: bool) -> None:
        wanted = set(self._SHOWN[self._made])
        always = {"kind", "bus", "cache", "serial"}
        if not cdrom:
            always |= {"io", "discard", "iothread", "readonly", "shareable"}
        for field in self.query(Field):
            name = field.key.removeprefix(f"disk.{self._number}").removeprefix(".")
            field.display = not name or name in wanted or name in always

    def _text(self, name: str) -> TextField:
        return self.query_one(f"#{name}", TextField)

    def edited(self, field: Field, value: Disk) -> Disk:
        text = str(field.value or "")
        name = field.id or ""
        if name in ("kind", "made"):
            disk = value
            if name == "kind":
                disk = Disk(DiskKind(text))
                text = NEW if disk.kind is DiskKind.DISK else EMPTY
            self._made = text
            return remade(disk, text)
        if name == "volume":
            pool, _, volume = text.partition("/")
            return value._replace(file=FileRef(pool=pool, volume=volume))
        if name in ("path", "local", "pool"):
            return value._replace(file=value.file._replace(**{name: text}))
        if name.startswith("new-"):
            return value._replace(new=self._new(name, text, value.new or NewVolume()))
        held = bool(field.value) if isinstance(field, SwitchField) else text
        return value._replace(**{name: held})  # type: ignore[arg-type]

    def _new(self, name: str, text: str, new: NewVolume) -> NewVolume:
        if name == "new-size":
            return new._replace(size=self.query_one("#new-size", SizeField).number)
        return new._replace(**{name.removeprefix("new-"): text})  # type: ignore[arg-type]

    def missing(self, value: Disk) -> str:
        if self._made in (EXISTING, OVERLAY) and not value.file.volume:
            return "Which volume?"
        if self._made == PATH and not value.file.path:
            return "Which file or block device of the host's?"
        if self._made == LOCAL and not value.file.local:
            return "Which file of this machine's?"
        return ""

    def remark(self, value: Disk) -> str:
        full = self._complete(value)
        new = full.new
        pool = find_pool(self._draft.offered, new.pool) if new else None
        if new is None or pool is None or new.size <= pool.available:
            return ""
        free = f"{byte_count(pool.available)} free in {pool.name}"
        return f"{byte_count(new.size)} is more than the {free}."


_LEFT = {"cache": "writeback", "io": "threads", "discard": "ignore"}
"""What QEMU does where nothing is said."""


def made_of(disk: Disk) -> str:
    """Which of the ways to get a disk this one goes."""
    if disk.overlay:
        return OVERLAY
    file = disk.file
    if file.local:
        return LOCAL
    if file.volume:
        return EXISTING
    if file.path:
        return PATH
    return EMPTY if disk.kind is DiskKind.CDROM else NEW


def remade(disk: Disk, made: str) -> Disk:
    """The same, got in another way; a volume that is used as it is, or lain over, stays chosen."""
    keep = disk.file if made in (EXISTING, OVERLAY) and disk.file.volume else FileRef()
    new = (disk.new or NewVolume()) if made in (NEW, OVERLAY) else None
    return disk._replace(file=keep, new=new, overlay=made == OVERLAY)


def _volume_id(file: FileRef) -> str:
    return f"{file.pool}/{file.volume}" if file.volume else ""


def _volumes(offer: HostOffer) -> Iterator[Pick]:
    """Of all pools; those that nobody uses first."""
    for pool in offer.pools:
        for volume in sorted(pool.volumes, key=lambda one: (bool(one.used_by), one.name)):
            note = f"in {pool.name}  {volume_note(volume)}"
            yield Pick(f"{pool.name}/{volume.name}", volume.name, note)


def path_fault(text: str) -> str:
    if not text.startswith("/"):
        return "a path on the host begins with /"
    return name_fault(text)


def name_fault(text: str) -> str:
    if not text.isprintable():
        return "it holds characters that cannot be seen"
    return "longer than any path can be" if len(text.encode()) > 4095 else ""


def volume_fault(text: str) -> str:
    if "/" in text or text in (".", ".."):
        return "a volume's name has no / in it"
    if len(text.encode(errors="replace")) > 255:
        return "at most 255 bytes"
    return name_fault(text)


def serial_fault(text: str) -> str:
    return "" if _SERIAL.fullmatch(text) else "at most 36 letters, digits, blanks, _ . + -"
