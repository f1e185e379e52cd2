"""The dialogs of the wizard's steps at any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.ui.create_support import DEBIAN, OFFER, draft
from tests.ui.dialog_support import all_ascii, fits_small, stands_resizing
from tuivm.model.spec import Disk, NewVolume, Nic, NicKind, NumaCell, Spec
from tuivm.screens.create.edit_disk import EditDisk
from tuivm.screens.create.edit_nic import EditNic
from tuivm.screens.create.numa import EditCell
from tuivm.screens.dialogs.base import Dialog


def disk() -> EditDisk:
    now = draft(Spec(name="web"), os=DEBIAN)
    full = now.full.disks or ()
    return EditDisk(Disk(new=NewVolume()), 0, now, lambda _: full[0])


def nic() -> EditNic:
    now = draft(Spec(name="web", nics=(Nic(NicKind.USER),)), os=DEBIAN)
    full = now.full.nics or ()
    return EditNic(Nic(NicKind.USER), 0, now, lambda _: full[0])


def cell() -> EditCell:
    return EditCell(NumaCell("0-1", 1 << 20), OFFER.capabilities.numa)


MAKERS = pytest.mark.parametrize("make", [disk, nic, cell])


@MAKERS
async def test_every_field_can_be_reached_on_a_small_terminal(
    make: Callable[[], Dialog[Any]],
) -> None:
    await fits_small(make)


@MAKERS
async def test_any_size(make: Callable[[], Dialog[Any]]) -> None:
    await stands_resizing(make)


@MAKERS
async def test_ascii(make: Callable[[], Dialog[Any]]) -> None:
    await all_ascii(make)
