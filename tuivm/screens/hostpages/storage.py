"""The storage of a host: pools, their volumes, and who uses which."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, cast

from textual.content import Content

from tuivm.model.deviceports import HostItem
from tuivm.model.offers import HostOffer, Pool, Volume
from tuivm.screens.explaining import Explanation
from tuivm.screens.hostpages.asking import Question
from tuivm.screens.hostpages.partexplain import explain_pool, explain_volume
from tuivm.screens.hostpages.partrows import Detail, Row, counted
from tuivm.screens.hostpages.partspage import PartsPage
from tuivm.screens.hostpages.storagerows import (
    PoolKey,
    Storage,
    VolumeKey,
    pool_details,
    remark_rows,
    storage_rows,
    volume_details,
)


class StoragePage(PartsPage):
    page = "storage"
    title = "storage"
    question = Question.STORAGE
    keys: ClassVar[tuple[str, ...]] = (
        "part.start",
        "part.stop",
        "screen.next_page",
        "part.autostart",
        "pool.refresh",
        "screen.unfold",
        "screen.filter_rows",
        "program.explain",
    )

    def __init__(self) -> None:
        super().__init__()
        self._storage = Storage.of(HostOffer(""))

    def read(self, offer: HostOffer) -> None:
        self._storage = Storage.of(offer)

    def rows(self, folds: dict[str, bool], filter_text: str, *, ascii_only: bool) -> list[Row]:
        return [
            *storage_rows(self._storage, folds, filter_text, ascii_only=ascii_only),
            *remark_rows(self._storage.offer.remarks, ascii_only=ascii_only),
        ]

    def nothing(self) -> str:
        return "no storage pool is defined on this host"

    def top(self, item: Hashable) -> str:
        return cast(PoolKey | VolumeKey, item)[1]

    @property
    def _part(self) -> Pool | Volume | None:
        return self._storage.parts.get(cast(PoolKey | VolumeKey, self.item))

    def details(self, item: Hashable) -> tuple[str, list[Detail]]:
        part = self._storage.parts.get(cast(PoolKey | VolumeKey, item))
        if isinstance(part, Pool):
            return part.name, pool_details(self._storage, part)
        if isinstance(part, Volume):
            pool = self.top(item)
            return f"{part.name} in {pool}", volume_details(self._storage, pool, part)
        return "", []

    def summary(self) -> Content:
        if self._offer is None:
            return Content()
        pools = self._offer.pools
        volumes = [volume for pool in pools for volume in pool.volumes]
        orphans = sum(map(self._storage.orphan, volumes))
        parts = [
            f"{counted(len(pools), 'pool')}, {sum(pool.active for pool in pools)} active",
            counted(len(volumes), "volume") + (f", {orphans} used by nothing" if orphans else ""),
        ]
        return Content("  ".join(parts))

    def target_item(self) -> HostItem | None:
        part = self._part
        return HostItem(part, self._storage.offer) if part is not None else None

    def explain(self) -> Explanation | None:
        part = self._part
        if isinstance(part, Pool):
            return explain_pool(part, self._storage.offer)
        if isinstance(part, Volume):
            storage = self._storage
            chain, above = storage.chain(part), storage.on.get(part.path, ())
            return explain_volume(part, self.top(self.item), chain, above, storage.offer)
        return None
