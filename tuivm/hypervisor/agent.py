"""What the agent in a guest tells: what the guest runs, and what its passed-through NICs carry.

An agent that hangs holds a call for seconds, so all of this runs on a lane of its own. What it
answers comes from inside the guest and is believed to be anything.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

import libvirt

from tuivm.hypervisor.connect import Link
from tuivm.hypervisor.events import Inbox
from tuivm.hypervisor.lanes import Lanes
from tuivm.hypervisor.listing import Roster
from tuivm.hypervisor.spares import Spares
from tuivm.model.devices import DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestState
from tuivm.model.samples import AgentFigures, NicCounters

T = TypeVar("T")
Run = tuple[str, int | None]
"""A guest's UUID and libvirt's number of this run of it."""

_log = logging.getLogger(__name__)

FIGURES_EVERY = 5.0
FIGURES_LAST = 15.0
"""Seconds after which figures are not handed on any more: the agent has fallen silent."""
AGAIN_AFTER = 60.0
"""Seconds before an agent that did not answer is asked again."""
ANSWER_WITHIN = 5
"""Seconds that an agent has for its answer; libvirt gives it as many to say that it is there."""
DEADLINE = 20.0
_LONGEST_OS = 80
_INTERFACES = '{"execute": "guest-network-get-interfaces"}'
_COUNTERS = {
    "rx_bytes": "rx-bytes",
    "rx_pkts": "rx-packets",
    "rx_errs": "rx-errs",
    "rx_drop": "rx-dropped",
    "tx_bytes": "tx-bytes",
    "tx_pkts": "tx-packets",
    "tx_errs": "tx-errs",
    "tx_drop": "tx-dropped",
}
"""Fields of NicCounters in the terms of the agent's GuestNetworkInterfaceStat (QEMU 2.11)."""
_MOST = 2**64
_NEVER = float("inf")


def os_words(info: Mapping[str, object]) -> str:
    """Id and version ("debian 12"), from virDomainGetGuestInfo; "" when it says neither."""
    said = [info.get("os.id") or info.get("os.name"), info.get("os.version-id")]
    words = [word for one in said if isinstance(one, str) for word in one.split()]
    return " ".join(words)[:_LONGEST_OS]


def passed_through_nics(guest: Guest) -> dict[str, str]:
    """Targets of the NICs handed to a guest, by MAC address in small letters.

    A MAC that several of its NICs have (a VF teamed with a virtio NIC) tells nothing of one.
    """
    devices = guest.details.devices if guest.details else ()
    nics = [device for device in devices if device.kind is DeviceKind.NIC and device.mac]
    times = Counter(device.mac.lower() for device in nics)
    return {
        device.mac.lower(): device.target
        for device in nics
        if device.cls is DeviceClass.PHYSICAL
        and not device.counted
        and times[device.mac.lower()] == 1
    }


def nic_counters(answer: str, targets: Mapping[str, str]) -> tuple[NicCounters, ...]:
    """The NICs with these MAC addresses in an answer to guest-network-get-interfaces.

    targets: by MAC. A MAC that several interfaces have (the parts of a bond, a bridge) tells
    nothing of one, and is left out; VLANs are counted by the interface that they are on.
    """
    found: dict[str, list[tuple[str, NicCounters]]] = {}
    for interface in _interfaces(answer):
        target = targets.get(_text(interface.get("hardware-address")).lower())
        counts = interface.get("statistics")
        if target is not None and isinstance(counts, dict):
            values = {field: _count(counts.get(name)) for field, name in _COUNTERS.items()}
            entry = _text(interface.get("name")), NicCounters(target, **values)
            found.setdefault(target, []).append(entry)
    sure = (_without_vlans(entries) for entries in found.values())
    return tuple(entries[0] for entries in sure if len(entries) == 1)


def _interfaces(answer: str) -> Iterator[dict[str, Any]]:
    # Loaded here, as libvirt_qemu is below, by the first who needs it: few guests have such a
    # device.
    import json  # noqa: PLC0415

    try:
        returned = json.loads(answer)
    except (ValueError, RecursionError) as error:
        _log.info("an agent's answer cannot be read: %s", error)
        return
    interfaces = returned.get("return") if isinstance(returned, dict) else None
    for interface in interfaces if isinstance(interfaces, list) else ():
        if isinstance(interface, dict):
            yield interface


def _without_vlans(entries: list[tuple[str, NicCounters]]) -> list[NicCounters]:
    parents = tuple(f"{name}." for name, _ in entries)
    return [counters for name, counters in entries if not name.startswith(parents)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    """A counter; None where there is none, or a value that none can have."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST:
        return value
    return None


def read_os(domain: libvirt.virDomain) -> str:
    """What it runs, see `os_words`. Raises libvirtError.

    libvirt waits 5 s for a sign of life, and then for ever. It could be told to wait less
    (virDomainAgentSetResponseTimeout), but for everybody: a backup that freezes file systems too.
    """
    return os_words(domain.guestInfo(libvirt.VIR_DOMAIN_GUEST_INFO_OS, 0))


def read_figures(domain: libvirt.virDomain, targets: Mapping[str, str]) -> AgentFigures:
    """Counters of the NICs with these MAC addresses. Raises libvirtError.

    libvirt's own call for interfaces (virDomainGetGuestInfo) hands on their names and addresses,
    and not their counters; a command sent past it is noted in the guest's log.
    """
    import libvirt_qemu  # noqa: PLC0415

    answer = libvirt_qemu.qemuAgentCommand(domain, _INTERFACES, ANSWER_WITHIN, 0)
    return AgentFigures(time.monotonic(), nic_counters(answer, targets))


class Agents:
    """Belongs to one session and its thread. Answers go to its roster and to `figures`."""

    def __init__(
        self, link: Link, *, lane: Lanes, spares: Spares, inbox: Inbox, roster: Roster
    ) -> None:
        self._link = link
        self._lane = lane
        self._spares = spares
        self._inbox = inbox
        self._roster = roster
        self._os_due: dict[Run, float] = {}
        self._figures_due: dict[Run, float] = {}
        self._under_way: set[str] = set()
        self._figures: dict[Run, AgentFigures] = {}
        self._ended = False

    def end(self) -> None:
        """The session is over: begin nothing more."""
        self._ended = True

    def tick(self, in_view: frozenset[str], *, figures: bool) -> None:
        """Begin what is due: the OS, once for each time that an agent comes up; figures, where
        they are asked for, of those in view alone."""
        now = time.monotonic()
        connected = {_run_of(guest): guest for guest in self._connected()}
        for known in (self._os_due, self._figures_due, self._figures):
            for run in known.keys() - connected.keys():
                del known[run]
        for run, guest in connected.items():
            uuid = guest.key.uuid
            if uuid in self._under_way:
                continue
            wanted = figures and uuid in in_view and self._figures_due.get(run, now) <= now
            if wanted and (nics := passed_through_nics(guest)):
                self._figures_due[run] = now + FIGURES_EVERY
                self._start(run, partial(read_figures, targets=nics), self._take_figures)
            elif self._os_due.get(run, now) <= now:
                self._os_due[run] = _NEVER
                self._start(run, read_os, self._take_os)

    def figures(self, uuids: Iterable[str]) -> dict[str, AgentFigures]:
        """The newest answers about these guests, by UUID; not those that are too old."""
        oldest, wanted = time.monotonic() - FIGURES_LAST, frozenset(uuids)
        return {
            uuid: figures
            for (uuid, _), figures in self._figures.items()
            if uuid in wanted and figures.at >= oldest
        }

    def _connected(self) -> Iterator[Guest]:
        """Guests whose agent is there and can answer."""
        for uuid in self._roster.active():
            guest = self._roster.guests.get(uuid)
            if guest is None or guest.details is None or not guest.details.agent_connected:
                continue
            if guest.state in (GuestState.RUNNING, GuestState.BLOCKED):
                yield guest

    def _take_os(self, run: Run, words: str | None) -> None:
        if words is None:
            self._os_due[run] = time.monotonic() + AGAIN_AFTER
        else:
            self._roster.saw_agent_os(*run, words)

    def _take_figures(self, run: Run, figures: AgentFigures | None) -> None:
        if figures is None:
            self._figures_due[run] = time.monotonic() + AGAIN_AFTER
        else:
            self._figures[run] = figures

    def _start(
        self, run: Run, ask: Callable[[libvirt.virDomain], T], take: Callable[[Run, T | None], None]
    ) -> None:
        """Ask on the lane; `take` is called by the session, with None if there was no answer."""
        uuid = run[0]
        self._under_way.add(uuid)

        def job() -> T | None:
            if self._ended:
                return None
            try:
                with self._spares.borrow(self._link) as conn:
                    return ask(conn.lookupByUUIDString(uuid))
            except libvirt.libvirtError as error:
                _log.info("no answer from the agent of %s: %s", uuid, error)
                return None

        def done(future: Future[T | None]) -> None:
            answer = None if future.exception() else future.result()
            self._inbox.post(partial(self._done, run, take, answer))

        def late(_words: str) -> T | None:
            return None

        self._lane.submit(job, deadline=DEADLINE, late=late).add_done_callback(done)

    def _done(self, run: Run, take: Callable[[Run, T | None], None], answer: T | None) -> None:
        self._under_way.discard(run[0])
        take(run, answer)


def _run_of(guest: Guest) -> Run:
    return guest.key.uuid, guest.domain_id
