"""Operating systems that osinfo-db knows: looked up, searched, and guessed from an image."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from tuivm.model.oses import OsInfo
from tuivm.osinfodb import Database, Entry, Iso, Resources, folders, read
from tuivm.osnames import Release, guess, predecessor, release_of

_SECTOR = 2048
HEAD_SIZE = 17 * _SECTOR
"""How much of an installer's image `by_head` looks at: up to its volume descriptor."""


class Catalog:
    """All of a machine's osinfo-db. It is read at the first question, which takes a tenth of a
    second: ask off the UI thread. Any thread may ask.

    where: folders of osinfo-db's kind, None for this machine's. arch: of the guest that resources
    and firmware are for. today: what is past is no longer supported.
    """

    def __init__(
        self,
        where: Sequence[Path] | None = None,
        *,
        arch: str = "x86_64",
        today: date | None = None,
    ) -> None:
        self._where = where
        self._arch = arch
        self._today = (today or datetime.now(UTC).date()).isoformat()
        self._lock = threading.Lock()
        self._read: Database | None = None
        self._known: dict[str, OsInfo] = {}

    @property
    def _database(self) -> Database:
        with self._lock:
            if self._read is None:
                self._read = read(folders() if self._where is None else self._where)
            return self._read

    def all(self) -> tuple[OsInfo, ...]:
        """By name, as people count ("Debian 9" before "Debian 10"). Empty without an osinfo-db."""
        found = [self._info(entry) for entry in self._database.entries.values()]
        return tuple(sorted(found, key=lambda os: (_natural(os.name), os.id)))

    def by_id(self, ident: str) -> OsInfo | None:
        """Of an id ("http://debian.org/debian/12") or any of its short ids ("debian12").

        A release that is newer than this osinfo-db is answered with what the last one before it
        can do, which `like` then names.
        """
        ident = ident.strip().lower()
        for entry in self._database.entries.values():
            if ident == entry.id or ident in entry.short_ids:
                return self._info(entry)
        return self._later(ident)

    def search(self, text: str) -> tuple[OsInfo, ...]:
        """Those with every word in their name, short id or id; supported ones first."""
        words = text.lower().split()
        found = [
            os
            for os in self.all()
            if all(word in f"{os.name} {os.short_id} {os.id}".lower() for word in words)
        ]
        return tuple(sorted(found, key=lambda os: os.ended))

    def by_image(self, name: str) -> OsInfo | None:
        """Guessed from a file's name (or path or URL)."""
        name = re.split(r"[/\\]", name.strip())[-1].lower()
        entries = self._database.entries.values()
        for entry in entries:
            if name in entry.files:
                return self._info(entry)
        return self.by_id(guess(name, [short for entry in entries for short in entry.short_ids]))

    def by_head(self, head: bytes) -> OsInfo | None:
        """Guessed from the first `HEAD_SIZE` bytes of an installer's image (ISO 9660). None: it is
        no such image, or one that nobody knows."""
        volume = head[16 * _SECTOR : HEAD_SIZE]
        # ECMA-119 8.4: type 1 is the primary volume descriptor.
        if len(volume) < _SECTOR or volume[:6] != b"\x01CD001":
            return None
        asked = Iso(
            "",
            volume=_field(volume, 40, 32),
            system=_field(volume, 8, 32),
            publisher=_field(volume, 318, 128),
            application=_field(volume, 574, 128),
            size=int.from_bytes(volume[80:84], "little") * _SECTOR,
        )
        fits = [
            (_weight(iso), entry.released, entry.id)
            for entry in self._database.entries.values()
            for iso in entry.isos
            if _fits(iso, asked)
        ]
        if fits:
            return self._info(self._database.entries[max(fits)[2]])
        return self.by_image(asked.volume) if asked.volume else None

    def _later(self, ident: str) -> OsInfo | None:
        """A release that is not known, from the last one before it."""
        # The id ends as the short id does: in the version.
        by_id = "/" in ident
        base, _, end = ident.rpartition("/")
        asked = release_of(f"x{end}") if by_id else release_of(ident)
        if asked is None:
            return None
        known: dict[Release, Entry] = {}
        for entry in self._database.entries.values():
            if by_id and entry.id.rpartition("/")[0] != base:
                continue
            for short in [f"x{entry.id.rpartition('/')[2]}"] if by_id else entry.short_ids:
                if release := release_of(short):
                    known[release] = entry
        last = predecessor(asked, known)
        if last is None or not known[last].id.endswith(f"/{last.written}"):
            return None
        return _renamed(self._info(known[last]), last, asked)

    def _info(self, entry: Entry) -> OsInfo:
        if (found := self._known.get(entry.id)) is None:
            found = self._known[entry.id] = self._told(entry)
        return found

    def _told(self, entry: Entry) -> OsInfo:
        line = list(self._line(entry))
        least = _pick(self._resources(line, "minimum"), self._arch)
        good = _pick(self._resources(line, "recommended"), self._arch)
        devices: dict[str, bool] = {}
        for ancestor in reversed(line):
            devices |= ancestor.devices
        names = self._database.devices
        return OsInfo(
            id=entry.id,
            short_id=entry.short_ids[0] if entry.short_ids else "",
            name=entry.name or entry.id,
            family=next((one.family for one in line if one.family), ""),
            vcpus_min=least.vcpus,
            vcpus=max(good.vcpus, least.vcpus) if good.vcpus else 0,
            memory_min_kib=least.memory // 1024,
            memory_kib=max(good.memory, least.memory) // 1024 if good.memory else 0,
            storage_min=least.storage,
            storage=max(good.storage, least.storage) if good.storage else 0,
            devices=tuple(
                sorted(names[one] for one, has in devices.items() if has and one in names)
            ),
            uefi=self._boots(line, "efi"),
            bios=self._boots(line, "bios"),
            ended=bool(entry.eol) and entry.eol < self._today,
            cloud_init=any(one.cloud_init for one in line if one.distro == entry.distro),
        )

    def _line(self, entry: Entry) -> Iterator[Entry]:
        """Itself and all that it inherits from, the nearest first."""
        seen = {entry.id}
        row = [entry]
        while row:
            yield from row
            parents = [ident for one in row for ident in one.parents]
            row = [
                self._database.entries[ident]
                for ident in dict.fromkeys(parents)
                if ident in self._database.entries and ident not in seen
            ]
            seen |= set(parents)

    def _resources(self, line: list[Entry], kind: str) -> list[Resources]:
        """Of the nearest that tells any: a minimum of its own and an ancestor's recommendation
        would not belong together."""
        for entry in line:
            if entry.minimum or entry.recommended:
                return entry.minimum if kind == "minimum" else entry.recommended
        return []

    def _boots(self, line: list[Entry], kind: str) -> bool | None:
        for entry in line:
            for firmware in entry.firmware:
                if firmware.kind == kind and firmware.arch in (self._arch, "all"):
                    return firmware.supported
        return None


def _pick(found: list[Resources], arch: str) -> Resources:
    """What is told for the architecture, and where it tells nothing, for any."""
    said = {one.arch: one for one in found}
    own, common = said.get(arch, Resources(arch)), said.get("all", Resources("all"))
    return Resources(
        arch,
        own.vcpus or common.vcpus,
        own.memory or common.memory,
        own.storage or common.storage,
    )


def _renamed(os: OsInfo, last: Release, asked: Release) -> OsInfo:
    def new(text: str) -> str:
        head, _, tail = text.rpartition(last.written)
        return f"{head}{asked.written}{tail}"

    return os._replace(
        id=new(os.id),
        short_id=new(os.short_id),
        name=new(os.name),
        ended=False,
        like=os.short_id,
    )


def _field(volume: bytes, start: int, size: int) -> str:
    return volume[start : start + size].decode("ascii", "replace").strip(" \0")


def _fits(iso: Iso, asked: Iso) -> bool:
    if iso.size and iso.size != asked.size:
        return False
    return all(
        not pattern or _matches(pattern, text)
        for pattern, text in zip(iso[1:5], asked[1:5], strict=True)
    )


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        # A pattern that only libosinfo's kind of regular expressions has.
        return False


def _weight(iso: Iso) -> tuple[bool, int]:
    """The one that says more about the image is the better one."""
    return bool(iso.size), sum(len(pattern) for pattern in iso[1:5])


def _natural(name: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdecimal() else (-1, part.lower())
        for part in re.split(r"(\d+)", name)
    ]
