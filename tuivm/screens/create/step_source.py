"""The wizard's step "Source": where the guest's software comes from, and on which host it runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar
from urllib.parse import urlsplit

from textual.app import ComposeResult
from textual.message import Message

from tuivm.model.offers import Volume
from tuivm.model.spec import FileRef, Source, SourceKind, Spec
from tuivm.screens.create.choices import ChoiceField, ListField
from tuivm.screens.create.cloud import CloudForm
from tuivm.screens.create.disklist import follow_source
from tuivm.screens.create.draft import Draft
from tuivm.screens.create.fields import Field, TextField
from tuivm.screens.create.filefields import PATH, UPLOAD, VOLUME, FileFields
from tuivm.screens.create.step import Step
from tuivm.screens.dialogs.choose import Choice

_F = TypeVar("_F", bound=Field)
KINDS = (
    Choice(SourceKind.ISO, "installer ISO", "boots an installation medium in a CD-ROM drive"),
    Choice(SourceKind.CLOUD, "cloud image", "a ready system over it, configured by cloud-init"),
    Choice(SourceKind.IMPORT, "existing disk", "uses a disk image as it is; writes go into it"),
    Choice(SourceKind.OVERLAY, "overlay", "copy-on-write over a disk image, which stays as it is"),
    Choice(SourceKind.TREE, "network install", "fetches the installer of a distribution's tree"),
    Choice(SourceKind.PXE, "PXE", "boots from the network it is on"),
    Choice(SourceKind.KERNEL, "kernel", "starts a kernel directly, each time"),
    Choice(SourceKind.COPY, "copy of a guest", "another guest with a new identity, disks copied"),
    Choice(SourceKind.EMPTY, "empty", "empty disks, nothing to boot yet"),
)


_WITH_FILE = (SourceKind.ISO, SourceKind.IMPORT, SourceKind.OVERLAY, SourceKind.CLOUD)
_COMPLETE = (SourceKind.PXE, SourceKind.EMPTY)
"""Kinds that need nothing more."""


class SourceStep(Step):
    """What has no default: the file, or whatever else the kind of source needs."""

    title = "Source"
    about = "Where its software comes from."
    keys: ClassVar[tuple[str, ...]] = ("source", "host")

    class HostChosen(Message):
        """A person wants the guest on another host."""

        def __init__(self, host: str) -> None:
            super().__init__()
            self.host = host

    def compose(self) -> ComposeResult:
        yield ChoiceField("host", "Host", "the host that the guest is made on", needed=True)
        yield ChoiceField("source.kind", "Source", needed=True)
        yield FileFields("source", "Image")
        yield TextField(
            "source.url",
            "Install tree",
            "https://deb.debian.org/debian/dists/stable/main/installer-amd64/",
            check=url_fault,
        )
        yield FileFields("source.kernel", "Kernel")
        yield FileFields("source.initrd", "Initrd")
        yield TextField(
            "source.cmdline", "Command line", "what the kernel is told: console=ttyS0 quiet"
        )
        yield ChoiceField("source.guest", "Guest", "the guest to be copied", needed=True)
        yield CloudForm()

    def fill(self, draft: Draft) -> None:
        source, offer = draft.spec.source, draft.offer
        kind = source.kind
        wanted = {"source.kind"}
        if len(draft.hosts) > 1:
            wanted.add("host")
        if kind is SourceKind.TREE:
            wanted.add("source.url")
        if kind is SourceKind.COPY:
            wanted.add("source.guest")
        if kind in (SourceKind.KERNEL, SourceKind.TREE):
            wanted.add("source.cmdline")
        for field in self.query(Field):
            if field.parent is self:
                field.display = field.key in wanted
        for group in self.query(FileFields):
            direct = kind is SourceKind.KERNEL
            group.display = direct if group.key != "source" else kind in _WITH_FILE
        self._field("host", ChoiceField).show(draft.host, [Choice(one, one) for one in draft.hosts])
        self._field("source.kind", ChoiceField).show(kind, KINDS)
        self._field("source.url", TextField).show(source.url)
        self._field("source.cmdline", TextField).show(source.cmdline)
        guests = [
            Choice(name, name, "it runs: shut it down first" if active else "off")
            for name, _, active in (offer.guests if offer is not None else ())
        ]
        self._field("source.guest", ChoiceField).show(source.guest, guests)
        for group in self.query(FileFields):
            file = {
                "source": source.file,
                "source.kernel": source.kernel,
                "source.initrd": source.initrd,
            }[group.key]
            group.show(file, offer, lambda one: suits(kind, one))
        cloud = self.query_one(CloudForm)
        cloud.display = kind is SourceKind.CLOUD
        cloud.show(source.cloud, draft.full.name)

    def _field(self, key: str, kind: type[_F]) -> _F:
        return next(field for field in self.query(kind) if field.key == key)

    def key_for(self, key: str, shown: Iterable[str]) -> str:
        """A file is said where it is now asked for, wherever the preflight means it to be."""
        shown = tuple(shown)
        table, _, name = key.rpartition(".")
        for place in (VOLUME, PATH, UPLOAD):
            if name in (VOLUME, PATH, UPLOAD) and key not in shown and f"{table}.{place}" in shown:
                return f"{table}.{place}"
        return super().key_for(key, shown)

    def edited(self, field: Field, draft: Draft) -> Spec:
        spec, source = draft.spec, draft.spec.source
        group = next((one for one in field.ancestors if isinstance(one, FileFields)), None)
        if group is not None:
            source = _with_file(source, group.key, group.edited(field))
            return follow_source(spec, spec._replace(source=source))
        if field.key.startswith("source.cloud."):
            cloud = self.query_one(CloudForm).edited(field, source.cloud)
            return spec._replace(source=source._replace(cloud=cloud))
        value = str(field.value)
        match field.key:
            case "host":
                self.post_message(self.HostChosen(value))
            case "source.kind":
                # What the kinds before needed is kept, should a person come back to them.
                source = source._replace(kind=SourceKind(value))
            case "source.url":
                source = source._replace(url=value)
            case "source.cmdline":
                source = source._replace(cmdline=value)
            case _:
                source = source._replace(guest=value)
        return follow_source(spec, spec._replace(source=source))

    def on_list_field_asked(self, event: ListField.Asked) -> None:
        event.stop()
        spec = self.draft.spec

        def put(keys: tuple[str, ...]) -> None:
            cloud = spec.source.cloud._replace(ssh_keys=keys)
            self.change(
                self.draft.spec._replace(source=self.draft.spec.source._replace(cloud=cloud))
            )

        self.query_one(CloudForm).asked(event, spec.source.cloud, put)

    def said(self, draft: Draft) -> bool:
        source = draft.spec.source
        return source != Source(kind=source.kind) or source.kind in _COMPLETE


def _with_file(source: Source, key: str, file: FileRef) -> Source:
    if key == "source.kernel":
        return source._replace(kernel=file)
    return source._replace(initrd=file) if key == "source.initrd" else source._replace(file=file)


def suits(kind: SourceKind, volume: Volume) -> bool:
    """Whether a volume looks like what a kind of source needs."""
    iso = volume.format == "iso" or volume.name.lower().endswith(".iso")
    return iso == (kind is SourceKind.ISO)


def url_fault(text: str) -> str:
    """Why a text cannot be the URL of an install tree, as far as the text tells."""
    try:
        parts = urlsplit(text)
        port_fault = "" if parts.port is None or parts.port else "a port from 1 to 65535 is needed"
    except ValueError as error:
        return f"this is no URL: {error}"
    if parts.scheme not in ("http", "https", "ftp"):
        return "a URL is needed, one that begins with http://, https:// or ftp://"
    if not parts.hostname:
        return "the URL names no server"
    if any(char.isspace() or not char.isprintable() for char in text):
        return "a URL has no blanks in it"
    return port_fault
