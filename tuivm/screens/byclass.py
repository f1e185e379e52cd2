"""The whole fleet by device class, and which guests could leave their emulated devices. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content

from tuivm.model.classes import class_totals
from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestKey
from tuivm.model.store import GuestView
from tuivm.model.table import Column
from tuivm.model.units import byte_count, visible
from tuivm.model.upgrades import Drivers, GuestOs, Upgrade, guest_os, upgrades
from tuivm.widgets.rowset import Row

_HEAD = f"{'':2}{'CLASS':<13}{'DEVICES':>8}{'GUESTS':>8}{'DISK r/w':>14}{'NET rx/tx':>14}"
_NOTE = "Bytes per second. Physical devices bypass the VMM: nothing counts them."


class Candidate(NamedTuple):
    """A device that could be virtio, and whose it is."""

    view: GuestView
    upgrade: Upgrade

    @property
    def key(self) -> tuple[GuestKey, str]:
        return self.view.key, self.upgrade.device.target


class Fleet(NamedTuple):
    """candidates: by host and guest. unknown: guests with emulated disks or NICs whose OS nobody
    has told. without: those whose OS has no virtio drivers."""

    candidates: tuple[Candidate, ...]
    unknown: tuple[GuestView, ...]
    without: int


def survey(views: Iterable[GuestView]) -> Fleet:
    """Which guests still use emulated disks and NICs, and what is known of their OS."""
    found: list[Candidate] = []
    unknown: list[GuestView] = []
    without = 0
    for view in sorted(views, key=lambda one: (one.key.host, one.guest.name.casefold())):
        mine = upgrades(view.guest)
        found += [Candidate(view, one) for one in mine]
        if mine or not _emulated(view.guest):
            continue
        if guest_os(view.guest).drivers is Drivers.UNKNOWN:
            unknown.append(view)
        else:
            without += 1
    return Fleet(tuple(found), tuple(unknown), without)


def class_table(views: Iterable[GuestView], *, ascii_only: bool) -> Content:
    """How many devices and guests of each class, and the I/O that each carries now."""
    parts: list[tuple[str, str]] = [(_HEAD + "\n", "bold")]
    for total in class_totals(views):
        glyph = total.cls.letter if ascii_only else total.cls.glyph
        disk = f"{byte_count(total.disk_read)}/{byte_count(total.disk_write)}"
        net = f"{byte_count(total.net_rx)}/{byte_count(total.net_tx)}"
        line = f"{total.cls.value:<13}{total.devices:>8}{total.guests:>8}{disk:>14}{net:>14}\n"
        parts += [(f"{glyph} ", f"$class-{total.cls.value}"), (line, "")]
    parts.append((f"\n{_NOTE}", "$quiet"))
    return Content.assemble(*parts)


def columns(candidates: Sequence[Candidate], *, several_hosts: bool) -> tuple[Column, ...]:
    """Those of the table of candidates."""
    guests = max((cell_len(visible(one.view.guest.name)) for one in candidates), default=0)
    systems = max((cell_len(_os(one.upgrade.os)) for one in candidates), default=0)
    found = [
        Column("state", "", 1, priority=99, sortable=False),
        Column("guest", "guest", 8, preferred=min(guests, 24), priority=98, comfort=80),
    ]
    if several_hosts:
        found.append(Column("host", "host", 5, preferred=10, priority=93, comfort=50))
    return (
        *found,
        Column("device", "device", 6, preferred=8, priority=97, comfort=70, sortable=False),
        Column("from", "now", 10, preferred=12, priority=96, comfort=60, sortable=False),
        Column("to", "could be", 13, priority=95, sortable=False),
        Column("os", "OS", 8, preferred=min(systems, 20), priority=94, comfort=75, sortable=False),
        Column("source", "told by", 9, priority=60, sortable=False),
        # Before the names get more room: Windows without them does not boot.
        Column("drivers", "drivers", 12, priority=90, sortable=False),
    )


def rows(
    candidates: Iterable[Candidate], columns_: Sequence[Column], *, ascii_only: bool
) -> list[Row]:
    """A row a device that could be virtio."""
    made = []
    for one in candidates:
        guest, upgrade = one.view.guest, one.upgrade
        emulated, virtio = (
            cls.letter if ascii_only else cls.glyph
            for cls in (DeviceClass.EMULATED, DeviceClass.PARAVIRTUAL)
        )
        to_install = upgrade.os.drivers is Drivers.TO_INSTALL
        warning = ("! " if ascii_only else "⚠ ") if to_install else ""
        cells = {
            "state": ((guest.state_glyph(ascii=ascii_only), ""),),
            "guest": ((visible(guest.name), ""),),
            "host": ((visible(one.view.key.host), "dim"),),
            "device": ((visible(upgrade.device.target), ""),),
            "from": ((emulated, "emulated"), (f" {visible(upgrade.device.model)}", "")),
            "to": ((virtio, "paravirtual"), (f" {upgrade.to}", "")),
            "os": ((_os(upgrade.os), ""),),
            "source": ((upgrade.os.source.split()[0], "dim"),),
            "drivers": ((f"{warning}to install", "bad") if to_install else ("in the OS", "dim"),),
        }
        made.append(Row(one.key, tuple(cells[column.id] for column in columns_)))
    return made


def empty_words(fleet: Fleet) -> str:
    """Instead of a table without rows."""
    if fleet.unknown or fleet.without:
        return "No guest is known to run on emulated devices that could be virtio."
    return "No guest has an emulated disk or NIC."


def unknown_notes(fleet: Fleet, key: str) -> list[str]:
    """Of guests that the table has nothing to say of, and how to change that.

    key: what tells how.
    """
    parts = []
    if number := len(fleet.unknown):
        guests = "guest" if number == 1 else "guests"
        parts.append(
            f"{number} {guests} with emulated disks or NICs: OS not known; "
            f"{key}: how to tell libvirt"
        )
    if fleet.without:
        has = "guest has" if fleet.without == 1 else "guests have"
        parts.append(f"{fleet.without} {has} an OS without virtio drivers")
    return parts


def _emulated(guest: Guest) -> bool:
    """It has a disk or NIC that virtio could replace."""
    return guest.details is not None and any(
        device.cls is DeviceClass.EMULATED
        and device.kind in (DeviceKind.DISK, DeviceKind.NIC)
        and not device.removable
        for device in guest.details.devices
    )


def _os(os: GuestOs) -> str:
    return visible(os.name)
