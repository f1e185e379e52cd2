"""Pools and their volumes: who uses which, what lies on what, and what is used by nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tuivm.model.offers import HostOffer, Network, Pool, Volume
from tuivm.model.units import byte_count
from tuivm.screens.hostpages.partrows import Col, Detail, Row, Words, mark

_KINDS = {
    "dir": "a directory",
    "fs": "a filesystem that it mounts",
    "netfs": "a network filesystem that it mounts",
    "logical": "an LVM volume group",
    "disk": "a disk's partitions",
    "iscsi": "an iSCSI target",
    "iscsi-direct": "an iSCSI target, opened by QEMU itself",
    "scsi": "a SCSI host adapter",
    "mpath": "multipath devices",
    "rbd": "a Ceph pool (RBD)",
    "gluster": "a Gluster volume",
    "zfs": "a ZFS pool",
    "vstorage": "a Virtuozzo storage cluster",
    "sheepdog": "a Sheepdog cluster",
}
_OPEN_MOST = 100
"""Volumes on a host up to which all pools are open at first."""
_DEEPEST = 200
_FULL = 0.9
"""Share of a pool that is taken from which it is coloured."""
_BAR = 10
NOTHING = "used by nothing"

PoolKey = tuple[str, str]
VolumeKey = tuple[str, str, str]


class Storage(NamedTuple):
    """What rows are made of. parts: what a row's item stands for. on: names of the volumes that
    lie directly on a path."""

    offer: HostOffer
    parts: Mapping[PoolKey | VolumeKey, Pool | Volume]
    by_path: Mapping[str, tuple[str, Volume]]
    on: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, offer: HostOffer) -> Storage:
        parts: dict[PoolKey | VolumeKey, Pool | Volume] = {}
        by_path: dict[str, tuple[str, Volume]] = {}
        on: dict[str, list[str]] = {}
        for pool in offer.pools:
            parts["pool", pool.name] = pool
            for volume in pool.volumes:
                parts["volume", pool.name, volume.name] = volume
                if volume.path not in by_path:
                    by_path[volume.path] = pool.name, volume
                    if volume.backing:
                        on.setdefault(volume.backing, []).append(volume.name)
        names = {path: tuple(sorted(volumes)) for path, volumes in on.items()}
        return cls(offer, parts, by_path, names)

    def chain(self, volume: Volume) -> tuple[str, ...]:
        """Paths of what it lies on, the nearest first; one that comes again ends it."""
        found: list[str] = []
        at: Volume | None = volume
        while at is not None and at.backing and len(found) < _DEEPEST:
            if at.backing in found or at.backing == volume.path:
                break
            found.append(at.backing)
            at = self.by_path[at.backing][1] if at.backing in self.by_path else None
        return tuple(found)

    def orphan(self, volume: Volume) -> bool:
        """No guest has it, and no volume lies on it."""
        return not volume.used_by and not self.on.get(volume.path)


def opened_at_first(offer: HostOffer) -> bool:
    return sum(len(pool.volumes) for pool in offer.pools) <= _OPEN_MOST


def storage_rows(
    storage: Storage, folds: Mapping[str, bool], filter_text: str = "", *, ascii_only: bool
) -> list[Row]:
    """folds: pools that were opened or closed by hand. A filter opens what has a match."""
    words = Words.of(filter_text)
    at_first = opened_at_first(storage.offer)
    rows: list[Row] = []
    for pool in sorted(storage.offer.pools, key=lambda pool: pool.name):
        whole = words.name(pool.name, pool.kind, pool.path, _state_word(pool))
        inside = [
            volume for volume in pool.volumes if whole or words.match(*_texts(storage, volume))
        ]
        if not whole and not inside:
            continue
        opened = folds.get(pool.name, at_first) or not whole
        rows.append(_pool_row(storage, pool, opened=opened, ascii_only=ascii_only))
        if opened:
            inside.sort(key=lambda volume: volume.name)
            rows += [_volume_row(storage, pool, one, ascii_only=ascii_only) for one in inside]
    return rows


def _texts(storage: Storage, volume: Volume) -> tuple[str, ...]:
    texts = (volume.name, volume.path, volume.format, volume.backing, *volume.used_by)
    return (*texts, NOTHING) if storage.orphan(volume) else texts


def _state(pool: Pool) -> str:
    # Of one that is off, the problem is that it is off.
    return "off" if not pool.active else "bad" if pool.problem else "on"


def _state_word(pool: Pool) -> str:
    return "active" if pool.active else "off"


def _pool_row(storage: Storage, pool: Pool, *, opened: bool, ascii_only: bool) -> Row:
    word, style = mark(_state(pool), _state_word(pool), ascii_only=ascii_only)
    full = taken(pool)
    space = (
        "" if full is None else f"{byte_count(pool.available)} free of {byte_count(pool.capacity)}"
    )
    high = full is not None and full >= _FULL
    orphans = sum(storage.orphan(volume) for volume in pool.volumes)
    counted = f"{len(pool.volumes)} vol" if pool.active else ""
    problem = pool.problem if pool.active else ""
    return Row(
        "pool",
        pool.name,
        ("pool", pool.name),
        (
            Col(word, style),
            Col(pool.kind, rank=1),
            Col("" if full is None else bar(full, ascii_only=ascii_only), "$quiet", rank=5),
            Col("" if full is None else f"{full:.0%}", "$state-bad" if high else "", 4, right=True),
            Col(space, rank=2, right=True),
            Col("autostart" if pool.autostart else "", "$quiet", rank=6),
            Col(counted, "$quiet", rank=3, right=True),
            Col(f"{orphans} unused" if orphans else "", "$state-paused", rank=7),
            Col(problem or pool.path, "$state-bad" if problem else "$quiet", 8, flex=10),
        ),
        opened=opened if pool.volumes else None,
        style="bold",
    )


def _volume_row(storage: Storage, pool: Pool, volume: Volume, *, ascii_only: bool) -> Row:
    use, style = use_words(storage, volume)
    chain = storage.chain(volume)
    arrow = "->" if ascii_only else "→"
    names = "".join(f"{arrow} {_name(storage, path)} " for path in chain)
    return Row(
        "volume",
        volume.name,
        ("volume", pool.name, volume.name),
        (
            Col(volume.format or "-", rank=1),
            Col(byte_count(volume.capacity), rank=2, right=True),
            Col(byte_count(volume.allocation), "$quiet", rank=3, right=True),
            Col(use, style, flex=len(NOTHING)),
            Col(names, "$quiet", rank=4, flex=10),
        ),
        depth=1,
    )


def use_words(storage: Storage, volume: Volume) -> tuple[str, str]:
    """(who has it, style)."""
    if volume.used_by:
        return ", ".join(volume.used_by), ""
    if above := storage.on.get(volume.path, ()):
        return f"under {', '.join(above)}", "$quiet"
    return NOTHING, "$state-paused"


def taken(pool: Pool) -> float | None:
    """Share of its capacity that is not available; None where that is not known."""
    if not pool.active or pool.capacity <= 0:
        return None
    return min(1.0, max(0.0, 1 - pool.available / pool.capacity))


def bar(share: float, *, ascii_only: bool) -> str:
    full = round(share * _BAR)
    return ("#" * full + "." * (_BAR - full)) if ascii_only else ("█" * full + "░" * (_BAR - full))


def _name(storage: Storage, path: str) -> str:
    known = storage.by_path.get(path)
    return known[1].name if known else path


def pool_details(storage: Storage, pool: Pool) -> list[Detail]:
    orphans = [volume for volume in pool.volumes if storage.orphan(volume)]
    lost = sum(volume.allocation for volume in orphans)
    promised = sum(volume.capacity for volume in pool.volumes)
    full = taken(pool)
    details = [
        Detail("state", _state_word(pool) + kept_words(pool), state=_state(pool)),
        Detail("problem", pool.problem if pool.active else "", "$state-bad"),
        Detail("kind", f"{pool.kind}: {_KINDS[pool.kind]}" if pool.kind in _KINDS else pool.kind),
        Detail("target", pool.path),
    ]
    if not pool.active:
        return [*details, Detail("volumes", "cannot be seen while it is off (s starts it)")]
    if full is not None:
        free = f"{byte_count(pool.available)} free of {byte_count(pool.capacity)}, {full:.0%} taken"
        details.append(Detail("space", free, "$state-bad" if full >= _FULL else ""))
    details.append(Detail("volumes", str(len(pool.volumes))))
    if promised > pool.capacity > 0:
        ratio = promised / pool.capacity
        words = f"{byte_count(promised)}, {ratio:.1f} × its capacity: thin volumes can fill it"
        details.append(Detail("promised", words, "$state-paused"))
    elif pool.volumes:
        details.append(Detail("promised", f"{byte_count(promised)} to all volumes together"))
    if orphans:
        words = f"{len(orphans)} used by nothing, {byte_count(lost)} on disk"
        details.append(Detail("unused", words, "$state-paused"))
    if pool.closed:
        words = f"QEMU's user cannot enter {', '.join(pool.closed)}"
        details.append(Detail("access", words, "$state-bad"))
    return details


def kept_words(item: Pool | Network) -> str:
    """What comes after its state: is it started with the host, is it there after it was stopped."""
    if not item.persistent:
        return ", transient: gone once it is stopped"
    return {True: ", autostart on", False: ", autostart off", None: ""}[item.autostart]


def volume_details(storage: Storage, pool: str, volume: Volume) -> list[Detail]:
    running = {name for name, _, active in storage.offer.guests if active}
    states = {True: "running", False: "off"}
    users = [f"{name} ({states[name in running]})" for name in volume.used_by]
    chain = storage.chain(volume)
    lines = [volume.path, *(f"→ {path}{_where(storage, pool, path)}" for path in chain)]
    above = storage.on.get(volume.path, ())
    sizes = f"{byte_count(volume.capacity)}, {byte_count(volume.allocation)} on disk"
    details = [
        Detail("disk", f"{volume.format or 'format not told'}, {sizes}"),
        Detail("used by", ", ".join(users), "$state-paused" if len(users) > 1 else ""),
        Detail("backing" if chain else "path", "\n".join(lines)),
        Detail("under", ", ".join(above)),
    ]
    if len(users) > 1:
        shared = (
            "all say that they share it" if volume.shareable else "by way of overlays, or unsafe"
        )
        details.append(Detail("", shared))
    if storage.orphan(volume):
        words = f"{NOTHING}: no guest's definition has it, and no volume in a pool lies on it"
        details.append(Detail("used by", words, "$state-paused"))
    if volume.readable is False:
        details.append(Detail("access", "QEMU's user cannot read it as it is", "$state-bad"))
    return details


def _where(storage: Storage, pool: str, path: str) -> str:
    known = storage.by_path.get(path)
    if known is None:
        return " (in no active pool)"
    return "" if known[0] == pool else f" (pool {known[0]})"


def remark_rows(remarks: Sequence[str], *, ascii_only: bool) -> list[Row]:
    """What could not be asked: without it, "used by nothing" is not certain."""
    sign, style = mark("unknown", "", ascii_only=ascii_only)
    return [Row("remark", sign + remark, style=style) for remark in remarks]
