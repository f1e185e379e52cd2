"""The wizard's step "Disks": the new guest's disks and CD-ROM drives, each with its class."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tuivm.model.spec import Disk, DiskKind, NewVolume, SourceKind, Spec
from tuivm.model.units import visible
from tuivm.preflight.choices_disk import bus_class, bus_label
from tuivm.preflight.presets import disk_words
from tuivm.screens.create.choices import ListField, Row
from tuivm.screens.create.disklist import (
    Item,
    format_of,
    items,
    last_said,
    size_of,
    users_of,
    what_it_is,
    whole,
    with_disk,
    without_disk,
)
from tuivm.screens.create.draft import Draft, owner
from tuivm.screens.create.edit_disk import EditDisk
from tuivm.screens.create.picks import class_mark, completed, finding_mark
from tuivm.screens.create.step import Step
from tuivm.widgets.itemlist import ItemList

_FLAGS = {"iothread": "an I/O thread of its own", "readonly": "read only", "shareable": "shareable"}


class DisksStep(Step):
    """A row for each disk; what is under the cursor is explained below."""

    title = "Disks"
    about = (
        "Its disks and CD-ROM drives: where their data is, and on which bus the guest sees them."
    )
    keys: ClassVar[tuple[str, ...]] = ("disk",)

    DEFAULT_CSS = """
    DisksStep .hint, DisksStep .detail { height: auto; padding-left: 15; }
    DisksStep .hint { color: $text-muted; }
    DisksStep .detail { margin-top: 1; }
    """

    def compose(self) -> ComposeResult:
        yield ListField("disk", "Disks", empty="no disk at all")
        yield Static("Space edits   a adds   x removes", classes="hint", markup=False)
        yield Static(classes="detail")

    def fill(self, draft: Draft) -> None:
        self._now = completed(draft)
        copied = draft.spec.source.kind is SourceKind.COPY
        field = self.query_one(ListField)
        field.display = not copied
        self.query_one(".hint").display = not copied
        rows = [] if copied else self._items()
        width = max((len(bus_label(item.full.bus)) for item in rows), default=0)
        field.show([Row(self._row(index, item, width), index) for index, item in enumerate(rows)])
        self._explain()

    def _items(self) -> list[Item]:
        return items(self._now.spec, self._now.full)

    def _row(self, index: int, item: Item, width: int) -> Content:
        ascii_only = self.app.has_class("-ascii")
        disk, offer = item.full, self._now.offered
        kind = "CD-ROM: " if disk.kind is DiskKind.CDROM else ""
        bus = bus_label(disk.bus) or "bus by default"
        size = f"{size_of(disk, offer):>5} {format_of(disk, offer):<5}"
        return Content.assemble(
            finding_mark(self._now.findings, f"disk.{index}", ascii_only=ascii_only),
            class_mark(bus_class(disk.bus), ascii_only=ascii_only),
            visible(f" {bus:<{width}} {size} {kind}{what_it_is(disk)}"),
        )

    def on_item_list_moved(self, event: ItemList.Moved) -> None:
        event.stop()
        self._explain()

    def _explain(self) -> None:
        detail = self.query_one(".detail", Static)
        if self._now.spec.source.kind is SourceKind.COPY:
            guest = visible(self._now.spec.source.guest) or "the guest"
            detail.update(Content(f"Each disk of {guest} is copied into a volume of its own."))
            return
        at = self.query_one(ListField).value
        rows = self._items()
        if not isinstance(at, int) or at >= len(rows):
            detail.update(Content("A guest without disks: it lives in memory, or on the network."))
            return
        detail.update(Content("\n").join(self._about(at, rows[at])))

    def _about(self, index: int, item: Item) -> list[Content]:
        disk, offer = item.full, self._now.offered
        lines = []
        cls = bus_class(disk.bus)
        if cls is not None:
            mark, style = class_mark(cls, ascii_only=self.app.has_class("-ascii"))
            lines.append(
                Content.assemble(
                    (f"{mark} {cls.value}", style), f": {bus_label(disk.bus)}, {disk_words(disk)}"
                )
            )
        lines.append(Content(visible(whole(disk))))
        options = [
            f"{name} {value}"
            for name in ("cache", "io", "discard", "serial")
            if (value := getattr(disk, name))
        ]
        options += [
            words
            for name, words in _FLAGS.items()
            if getattr(disk, name) and not (name == "readonly" and disk.kind is DiskKind.CDROM)
        ]
        if options:
            lines.append(Content(visible(", ".join(options))))
        if users := users_of(disk, offer):
            what = "lain over; also used by" if disk.overlay else "also used by"
            lines.append(Content.styled(visible(f"{what} {', '.join(users)}"), "$warning"))
        if item.implied:
            lines.append(Content.styled("Comes with the source; Space changes its bus.", "$quiet"))
        key = f"disk.{index}"
        if any(owner(one.field, (key,)) for one in self._now.findings):
            lines.append(Content.styled("Something was found about it, see above.", "$quiet"))
        return lines

    def on_list_field_asked(self, event: ListField.Asked) -> None:
        event.stop()
        rows = self._items()
        at = event.item if isinstance(event.item, int) and event.item < len(rows) else None
        if event.what == "add":
            self._edit(None, Disk(new=NewVolume()))
        elif at is not None and event.what == "edit":
            self._edit(at, rows[at].said)
        elif at is not None and rows[at].implied:
            text = "It comes with the source: choose another source to be without it."
            self.query_one(".detail", Static).update(Content.styled(text, "$warning"))
        elif at is not None:
            self._put(without_disk(self._now.spec, self._now.full, at))

    def _edit(self, at: int | None, disk: Disk) -> None:
        rows = self._items()
        # The drive of an ISO stays last.
        iso = self._now.spec.source.kind is SourceKind.ISO and rows[-1].implied
        number = len(rows) - iso if at is None else at
        now = self._now

        def complete(said: Disk) -> Disk:
            after = completed(now._replace(spec=with_disk(now.spec, now.full, at, said)))
            if at is None:
                return last_said(after.spec, after.full) or said
            disks = after.full.disks or ()
            return disks[at] if at < len(disks) else said

        findings = [one for one in now.findings if owner(one.field, (f"disk.{number}",))]
        if at is None:
            findings = []
        self.ask(
            EditDisk(disk, number, now, complete, findings),
            lambda said: self._put(with_disk(now.spec, now.full, at, said), number),
        )

    def _put(self, spec: Spec, number: int | None = None) -> None:
        """number: of the row that the cursor is to be on."""
        self.change(spec)
        self.fill(self.draft)
        if number is not None:
            self.query_one(ListField).move_to(number)

    def said(self, draft: Draft) -> bool:
        return draft.spec.disks is not None
