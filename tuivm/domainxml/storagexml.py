"""Reading `<pool>` and `<volume>`: what there is, how large, in which format.

The documents are described in libvirt's formatstorage page.
"""

from __future__ import annotations

from typing import NamedTuple

from tuivm.domainxml.parse import Element, attr, child_attr, number, parse_xml, text
from tuivm.model.offers import Pool, Volume

_NETWORKED = frozenset({"rbd", "sheepdog", "gluster", "iscsi-direct", "vstorage"})
"""Pools whose volumes have no path on the host."""


class Permissions(NamedTuple):
    """Of a file or directory, as libvirt saw it: the mode's last nine bits, and numbers of owner
    and group."""

    mode: int
    owner: int
    group: int


def read_pool(xml: str, *, active: bool) -> Pool:
    """Without its volumes. Raises ValueError, with the reason, for what is no `<pool>`.

    What a pool that is not active says of its space is of no use: it is 0 then.
    """
    pool = parse_xml(xml, "pool")
    return Pool(
        name=text(pool, "name"),
        kind=attr(pool, "type"),
        active=active,
        path=text(pool, "target/path"),
        capacity=_bytes(pool.find("capacity")) if active else 0,
        available=_bytes(pool.find("available")) if active else 0,
    )


def has_paths(kind: str) -> bool:
    """Volumes of such a pool are files or block devices on the host."""
    return kind not in _NETWORKED


def pool_permissions(xml: str) -> Permissions | None:
    """Of the pool's directory; None where it is not told."""
    return _permissions(parse_xml(xml, "pool"))


def read_volume(xml: str) -> Volume | None:
    """One image; None for what holds none, such as a directory in a pool.

    Raises ValueError, with the reason, for what is no `<volume>`.
    """
    volume = parse_xml(xml, "volume")
    if attr(volume, "type") in ("dir", "netdir") or _format(volume) == "dir":
        return None
    return Volume(
        name=text(volume, "name"),
        path=text(volume, "target/path"),
        capacity=_bytes(volume.find("capacity")),
        allocation=_bytes(volume.find("allocation")),
        format=_format(volume),
        backing=text(volume, "backingStore/path"),
    )


def volume_permissions(xml: str) -> Permissions | None:
    """Of the volume's file or device; None where it is not told."""
    return _permissions(parse_xml(xml, "volume"))


def _format(volume: Element) -> str:
    return child_attr(volume, "target/format", "type")


def _permissions(root: Element) -> Permissions | None:
    found = root.find("target/permissions")
    if found is None:
        return None
    try:
        mode = int(text(found, "mode"), 8)
    except ValueError:
        return None
    owner, group = number(text(found, "owner")), number(text(found, "group"))
    return None if owner is None or group is None else Permissions(mode & 0o777, owner, group)


def _bytes(size: Element | None) -> int:
    """libvirt writes bytes, whatever unit a definition had."""
    return 0 if size is None else number(text(size, ".")) or 0
