"""Reads osinfo-db: the files that libosinfo reads, from the same folders, in the same order.

The format is that of osinfo-db's own schema (schema/osinfo.rng there). Reading all of it takes a
tenth of a second, so nothing of it is kept on disk, and libosinfo, which reads the same files into
the same answers (a test compares them all), is not needed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import platformdirs
from lxml import etree

_log = logging.getLogger(__name__)


class Resources(NamedTuple):
    """Of one architecture ("all": any). Memory and storage in bytes; 0: not said."""

    arch: str
    vcpus: int = 0
    memory: int = 0
    storage: int = 0


class Iso(NamedTuple):
    """Regular expressions on the fields of an installer image's volume descriptor, "" for any.
    size: bytes, 0 for any."""

    arch: str
    volume: str = ""
    system: str = ""
    publisher: str = ""
    application: str = ""
    size: int = 0


class Firmware(NamedTuple):
    arch: str
    kind: str
    """"efi" or "bios"."""
    supported: bool


class Entry:
    """An OS as its files tell it, without what it inherits."""

    def __init__(self, ident: str) -> None:
        self.id = ident
        self.short_ids: list[str] = []
        self.name = self.family = self.distro = self.version = self.codename = ""
        self.released = self.eol = self.status = ""
        """Dates as "2021-08-14"; status as "prerelease", "rolling"."""
        self.parents: list[str] = []
        """Ids of what it derives from and what it is a clone of."""
        self.devices: dict[str, bool] = {}
        """Ids; False: not supported, though an ancestor has it."""
        self.minimum: list[Resources] = []
        self.recommended: list[Resources] = []
        self.firmware: list[Firmware] = []
        self.isos: list[Iso] = []
        self.files: set[str] = set()
        """Names of its images, in lower case, as the URLs of its media end."""
        self.cloud_init = False


class Database(NamedTuple):
    """Entries by id, and names of devices by theirs."""

    entries: dict[str, Entry]
    devices: dict[str, str]


def folders(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """libosinfo's three; what is in a later one goes before the same file in an earlier one."""
    user = platformdirs.user_config_path("osinfo")
    return (
        Path(environment.get("OSINFO_SYSTEM_DIR") or "/usr/share/osinfo"),
        # Where a libosinfo that was built and installed by hand has it.
        *(() if "OSINFO_SYSTEM_DIR" in environment else (Path("/usr/local/share/osinfo"),)),
        Path(environment.get("OSINFO_LOCAL_DIR") or "/etc/osinfo"),
        Path(environment.get("OSINFO_USER_DIR") or user),
    )


def read(where: Iterable[Path]) -> Database:
    """A folder that is not there is passed over, and so is a file that cannot be read."""
    database = Database({}, {})
    files: dict[str, Path] = {}
    for folder in where:
        files |= {str(path.relative_to(folder)): path for path in _files(folder)}
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    # In an order of their own, so that additions (NAME.d/more.xml) come after what they add to.
    for name in sorted(files, key=lambda name: (name.count(".d/"), name)):
        try:
            root = etree.parse(files[name], parser).getroot()
        except (OSError, etree.XMLSyntaxError) as error:
            _log.warning("%s: %s", files[name], error)
            continue
        for element in root:
            _take(element, database)
    return database


def _files(folder: Path) -> Iterator[Path]:
    for part in ("device", "os"):
        for base, _, names in os.walk(folder / part):
            yield from (Path(base, name) for name in names if name.endswith(".xml"))


def _take(element: etree._Element, database: Database) -> None:
    ident = element.get("id", "")
    if element.tag == "device":
        if name := element.findtext("name"):
            database.devices[ident] = name
    elif element.tag == "os" and ident:
        entry = database.entries.setdefault(ident, Entry(ident))
        for child in element:
            _take_part(child, entry)


_TEXTS = {
    "name": "name",
    "family": "family",
    "distro": "distro",
    "version": "version",
    "codename": "codename",
    "release-date": "released",
    "eol-date": "eol",
    "release-status": "status",
}
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def _take_part(child: etree._Element, entry: Entry) -> None:
    text = (child.text or "").strip()
    match child.tag:
        case "short-id":
            entry.short_ids.append(text)
        case tag if tag in _TEXTS:
            if child.get(_LANG) is None:
                setattr(entry, _TEXTS[tag], text)
        case "derives-from" | "clones":
            entry.parents.append(child.get("id", ""))
        case "devices":
            for device in child.findall("device"):
                entry.devices[device.get("id", "")] = device.get("supported") != "false"
        case "resources":
            _take_resources(child, entry)
        case "firmware":
            supported = child.get("supported") != "false"
            entry.firmware.append(Firmware(_arch(child), child.get("type", ""), supported))
        case "media" | "image":
            _take_media(child, entry)


def _take_resources(element: etree._Element, entry: Entry) -> None:
    for kind, found in (("minimum", entry.minimum), ("recommended", entry.recommended)):
        if (part := element.find(kind)) is not None:
            numbers = (_number(part.findtext(tag)) for tag in ("n-cpus", "ram", "storage"))
            found.append(Resources(_arch(element), *numbers))


def _take_media(element: etree._Element, entry: Entry) -> None:
    if name := (element.findtext("url") or "").strip().rpartition("/")[2]:
        entry.files.add(name.lower())
    if element.get("cloud-init") == "true":
        entry.cloud_init = True
    if (iso := element.find("iso")) is not None:
        found = Iso(
            _arch(element),
            iso.findtext("volume-id") or "",
            iso.findtext("system-id") or "",
            iso.findtext("publisher-id") or "",
            iso.findtext("application-id") or "",
            _number(iso.findtext("volume-size")),
        )
        if any(found[1:5]):
            entry.isos.append(found)


def _arch(element: etree._Element) -> str:
    return element.get("arch", "all")


def _number(text: str | None) -> int:
    return int(text) if text and text.strip().isdecimal() else 0
