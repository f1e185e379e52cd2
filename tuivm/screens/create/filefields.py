"""The fields that say which file: a volume of a pool, a path on the host, or a file to upload."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from tuivm.model.offers import HostOffer, Volume
from tuivm.model.spec import FileRef
from tuivm.model.units import byte_count
from tuivm.preflight.default_disks import default_pool
from tuivm.screens.create.choices import ChoiceField
from tuivm.screens.create.draft import NOTHING
from tuivm.screens.create.fields import Field, TextField
from tuivm.screens.create.localfiles import PathSuggester
from tuivm.screens.dialogs.choose import Choice

VOLUME, PATH, UPLOAD = "volume", "path", "local"


class FileFields(Vertical):
    """key: the file's in the spec ("source", "source.kernel"). Its fields tell of themselves by
    `Field.Changed` with keys under it; `file` is then what is said."""

    DEFAULT_CSS = "FileFields { height: auto; width: 100%; }"

    def __init__(self, key: str, label: str) -> None:
        super().__init__()
        self.key = key
        self._label = label
        self._file = FileRef()
        self._asked = ""
        self._offer: HostOffer | None = None

    @property
    def file(self) -> FileRef:
        return self._file

    def compose(self) -> ComposeResult:
        yield ChoiceField(
            f"{self.key}.from", f"{self._label}", "where the file is now", needed=True
        )
        yield ChoiceField(
            f"{self.key}.volume", "  volume", "a volume of one of the host's pools", needed=True
        )
        yield TextField(
            f"{self.key}.path",
            "  path",
            "full path on the host; the right arrow completes it where the host is this machine",
            check=path_fault,
            suggester=PathSuggester(),
        )
        yield TextField(
            f"{self.key}.local",
            "  file here",
            "full path on this machine; it is uploaded to the host, the right arrow completes it",
            check=path_fault,
            suggester=PathSuggester(),
        )
        yield ChoiceField(f"{self.key}.pool", "  upload to", "the pool that gets the file")

    def show(self, file: FileRef, offer: HostOffer | None, fits: Callable[[Volume], bool]) -> None:
        """fits: the volumes that come first."""
        if file != self._file and (place := _place(file)):
            self._asked = place
        self._file, self._offer = file, offer
        place = self.place
        fields = {field.key.rsplit(".", 1)[-1]: field for field in self.query(Field)}
        volume = f"{file.pool}/{file.volume}" if file.volume else ""
        for name, field in fields.items():
            field.display = name in ("from", place) or (name == "pool" and place == UPLOAD)
            match field:
                case TextField():
                    field.show(getattr(file, name))
                case ChoiceField() if name == "from":
                    field.show(place, _places(offer))
                case ChoiceField() if name == "volume":
                    field.show(volume, volumes(offer, fits))
                case ChoiceField():
                    field.show(file.pool, pools(offer), default_pool(offer or NOTHING))

    @property
    def place(self) -> str:
        if self._asked or (place := _place(self._file)):
            return self._asked or place
        pools_there = self._offer is None or any(pool.volumes for pool in self._offer.pools)
        return VOLUME if pools_there else PATH

    def edited(self, field: Field) -> FileRef:
        """The file after a person changed one of the fields."""
        name = field.key.rsplit(".", 1)[-1]
        value = str(field.value)
        match name:
            case "from":
                # Another place: what was said of the last one is kept in its field alone.
                self._asked = value
                self._file = self._typed(value)
            case "volume":
                pool, _, volume = value.partition("/")
                self._file = FileRef(pool=pool, volume=volume)
            case "path":
                self._file = FileRef(path=value)
            case "local":
                self._file = FileRef(local=value, pool=self._file.pool)
            case _:
                self._file = self._file._replace(pool=value)
        return self._file

    def _typed(self, place: str) -> FileRef:
        for field in self.query(Field):
            if field.key.endswith(f".{place}") and not field.fault and field.value:
                value = str(field.value)
                if place == VOLUME:
                    pool, _, volume = value.partition("/")
                    return FileRef(pool=pool, volume=volume)
                return FileRef(path=value) if place == PATH else FileRef(local=value)
        return FileRef()


def _place(file: FileRef) -> str:
    if file.local:
        return UPLOAD
    if file.volume:
        return VOLUME
    return PATH if file.path else ""


def _places(offer: HostOffer | None) -> list[Choice]:
    none = offer is not None and not any(pool.active for pool in offer.pools)
    no_pool = "the host has no storage pool that runs" if none else ""
    return [
        Choice(VOLUME, "volume", "of one of the host's pools", no_pool),
        Choice(PATH, "path on the host", "a file that the host has already"),
        Choice(UPLOAD, "upload", "a file of this machine, copied to the host", no_pool),
    ]


def pools(offer: HostOffer | None) -> list[Choice]:
    """Pools with their free space."""
    return [
        Choice(
            pool.name,
            pool.name,
            f"{byte_count(pool.available)} free of {byte_count(pool.capacity)}, {pool.kind}",
            pool.problem or ("" if pool.active else "it does not run"),
        )
        for pool in (offer.pools if offer is not None else ())
    ]


def volumes(offer: HostOffer | None, fits: Callable[[Volume], bool]) -> list[Choice]:
    """All volumes with pool, size, format and users; those that fit come first."""
    found: Sequence[tuple[str, Volume]] = [
        (pool.name, volume)
        for pool in (offer.pools if offer is not None else ())
        for volume in pool.volumes
    ]
    ordered = sorted(found, key=lambda one: (not fits(one[1]), one[0], one[1].name))
    return [
        Choice(f"{pool}/{volume.name}", volume.name, _about(pool, volume))
        for pool, volume in ordered
    ]


def _about(pool: str, volume: Volume) -> str:
    parts = [f"in {pool}", byte_count(volume.capacity), volume.format]
    if volume.backing:
        parts.append("(an overlay)")
    if volume.used_by:
        parts.append(f"used by {', '.join(volume.used_by)}")
    return " ".join(part for part in parts if part)


def path_fault(text: str) -> str:
    """Why a text cannot be the path of a file, as far as the text tells."""
    if "\0" in text:
        return "a path has no NUL in it"
    if not text.startswith("/"):
        return "a full path is needed, one that begins with /"
    if len(text.encode(errors="surrogateescape")) > 4095:
        return "a path has at most 4095 bytes"
    return "this is a directory: the file's name is missing" if text.endswith("/") else ""
