"""Names of operating systems: releases told from short ids, and guessed from names of files.

A short id is what osinfo-db calls a release: "debian12", "centos-stream9", "archlinux".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import NamedTuple

_SHORT_ID = re.compile(r"([a-z][a-z-]*?)-?(\d+(?:\.\d+)*)", re.ASCII)
_ENDINGS = re.compile(r"\.(qcow2?|img|iso|raw|vmdk|vdi|vhdx?|xz|gz|bz2|zst)$")
_ARCHITECTURES = re.compile(
    r"(?<![a-z])(x86[_-]?64|amd64|x64|x32|i[3-6]86|arm64|aarch64|armhf|armv7l|ppc64(le|el)?|s390x"
    r"|riscv64|(32|64)[_-]?bit)(?![a-z0-9])"
)
_LONGEST = 255
_MOST_NEWER = 10
"""So many main versions may a release be newer than what is known; more is another numbering."""

# Releases by the names that their cloud images have, which came after the osinfo-db of the stable
# distributions that tuivm runs on. Those in a database need no line here.
_CODENAMES = {
    "bookworm": "debian12",
    "trixie": "debian13",
    "lunar": "ubuntu23.04",
    "mantic": "ubuntu23.10",
    "noble": "ubuntu24.04",
    "oracular": "ubuntu24.10",
    "plucky": "ubuntu25.04",
    "questing": "ubuntu25.10",
}


class Release(NamedTuple):
    """family: "debian"; version: (12,); written: "12"."""

    family: str
    version: tuple[int, ...]
    written: str


def release_of(short_id: str) -> Release | None:
    """None for one without a version at its end, or with a version that is no number."""
    found = _SHORT_ID.fullmatch(short_id) if len(short_id) <= _LONGEST else None
    return None if found is None else _release(found[1], found[2])


def predecessor(asked: Release, known: Iterable[Release]) -> Release | None:
    """The newest known one of its family before it, if the asked one is newer by so little that it
    can be one of the same numbering."""
    before = [one for one in known if one.family == asked.family and one.version < asked.version]
    # Windows counts by names: 95 is older than 11.
    if not before or asked.family.startswith("win"):
        return None
    last = max(before, key=lambda one: one.version)
    return last if asked.version[0] - last.version[0] <= _MOST_NEWER else None


def guess(name: str, short_ids: Iterable[str]) -> str:
    """The short id that a file's name hints at: one of those given, or a later release of such a
    family; "" for none."""
    known = {short for short in short_ids if not short.endswith("unknown")}
    text = name.lower()[:_LONGEST]
    while (cut := _ENDINGS.sub("", text)) != text:
        text = cut
    text = _ARCHITECTURES.sub(" ", text).replace("windows", "win")
    text = re.sub(r"win[^a-z0-9]*server[^a-z0-9]*20(\d\d)", r"win2k\1", text)
    return _whole(text, known) or _by_version(text, known) or _by_codename(text, known)


def _whole(text: str, known: set[str]) -> str:
    """A short id that stands there, in one piece or in two ("arch-linux")."""
    tokens = re.findall(r"[a-z0-9.]+", text)
    pairs = list(itertools.pairwise(tokens))
    pieces = [*tokens, *map("".join, pairs), *map("-".join, pairs)]
    return max((piece for piece in pieces if piece in known), key=len, default="")


def _by_version(text: str, known: set[str]) -> str:
    words = set(re.findall(r"[a-z]+", text))
    words |= {f"{word}linux" for word in words}
    versions = [v for v in re.findall(r"\d+(?:\.\d+)*", text) if len(v.split(".")[0]) <= 4]
    releases = [release for short in known if (release := release_of(short))]
    families = {release.family for release in releases} - {"linux"}
    fit = [family for family in families if words.issuperset(family.split("-"))]
    if not fit:
        return ""
    family = max(fit, key=lambda one: (len(one), one))
    ours = {one.version: one for one in releases if one.family == family}
    for written in versions:
        parts = written.split(".")
        # 11.5.0 is a point release of 11, 22.04.1 one of 22.04.
        for count in range(len(parts), 0, -1):
            version = tuple(map(int, parts[:count]))
            if version in ours:
                return _short_id(ours[version].family, ours[version].written, known)
        later = _release(family, ".".join(parts[: len(max(ours))]))
        if predecessor(later, ours.values()):
            return _short_id(family, later.written, known)
    return ""


def _by_codename(text: str, known: set[str]) -> str:
    words: list[str] = re.findall(r"[a-z]{4,}", text)
    for word in words:
        for distro in ("ubuntu", "debian"):
            if distro + word in known:
                return distro + word
    for word in words:
        if word in _CODENAMES:
            return _CODENAMES[word]
    return ""


def _short_id(family: str, written: str, known: set[str]) -> str:
    """Some have a hyphen before their version ("nixos-22.05")."""
    hyphen = any(re.fullmatch(rf"{re.escape(family)}-\d.*", short) for short in known)
    return f"{family}-{written}" if hyphen else f"{family}{written}"


def _release(family: str, written: str) -> Release:
    return Release(family, tuple(map(int, written.split("."))), written)
