"""Starts a run's guests until all of them take orders, or says which cannot, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from tuivm.lab.book import Book
from tuivm.lab.domain import GuestSpec, Where
from tuivm.lab.orders import TICK, Line, OrderFailedError
from tuivm.lab.ports import LabError, LabGuest, LabHost
from tuivm.lab.protocol import HELLO_DEADLINE, VERSION
from tuivm.lab.stalling import Watch, patience
from tuivm.model.lab import Experiment, Phase, Plan, Subject

DEVICES = 30.0
"""Seconds that a guest's drivers have to find all of its devices; as long as it took to boot where
that was longer."""
TWICE = 4.0
"""How many times as long as others a TCG guest may take on a host that is a guest itself: where
that runs under TCG too, the guest's code is translated twice."""


class Booted(NamedTuple):
    """A guest that takes orders. places: where its subjects are, once their devices are found."""

    spec: GuestSpec
    guest: LabGuest
    line: Line
    places: Mapping[str, Where]


class _AgainError(Exception):
    """The plan has changed: all guests are to be started anew."""


class Boot:
    """make: the guests of a plan. Whatever was started is in `guests`, whatever happens."""

    def __init__(
        self,
        host: LabHost,
        book: Book,
        make: Callable[[Plan], tuple[GuestSpec, ...]],
        *,
        cpus: int | None,
        virtualized: bool | None,
    ) -> None:
        self.guests: list[LabGuest] = []
        self._host = host
        self._book = book
        self._make = make
        # What others have measured holds for what they run as: no more changes of plan.
        self._once = False
        self._cpus = cpus
        self._virtualized = virtualized
        self._devices = DEVICES

    def boot(self) -> list[Booted]:
        """All guests of what is left of the plan. Raises LabError when nothing is left."""
        while True:
            if not self._book.subjects():
                why = "; ".join(f"{one.subject}: {one.why}" for one in self._book.plan.omitted)
                raise LabError("Nothing is left to measure.", why)
            try:
                started = self._start(self._make(self._book.plan))
                self._greet(started)
            except _AgainError:
                self.destroy()
                continue
            found = [one._replace(places=self._places(one)) for one in started]
            booted = [one for one in found if one.places]
            if booted:
                self._book.accelerators = frozenset(one.spec.accelerator for one in booted)
                return booted
            self.destroy()

    def again(self, lost: Booted) -> Booted:
        """A guest that is gone, started anew with what is still measured of it. Raises LabError."""
        self._once = True
        plan = self._book.plan._replace(subjects=self._book.subjects())
        started = self._start(one for one in self._make(plan) if one.name == lost.spec.name)
        self._greet(started)
        found = [one._replace(places=self._places(one)) for one in started]
        if not found or not found[0].places:
            raise LabError("None of its devices appeared when it was started again.")
        return found[0]

    def destroy(self) -> None:
        """End all that was started. Raises the first LabError, after it has tried them all."""
        problems = []
        for guest in self.guests:
            try:
                guest.destroy()
            except LabError as error:
                problems.append(error)
        self.guests.clear()
        if problems:
            raise problems[0]

    def _start(self, specs: Iterable[GuestSpec]) -> list[Booted]:
        started = []
        for spec in specs:
            self._book.enter(Phase.BOOTING, f"Starting {spec.name} ({_word(spec.accelerator)})")
            try:
                guest = self._host.start(spec.xml)
            except LabError as error:
                self._refused(spec, error)
                raise
            self.guests.append(guest)
            started.append(
                Booted(spec, guest, Line(guest, self._book.control, self._book.clock), {})
            )
        return started

    def _refused(self, spec: GuestSpec, error: LabError) -> None:
        """Raises _AgainError where the guest may start without something."""
        words = str(error)
        if self._once:
            return
        named = [
            one for one in self._of(spec) if one.model and _names(error.reason or words, one.model)
        ]
        for one in named:
            self._book.omit(one.id, f"QEMU refuses {one.model}: {error.reason or words}")
        if named:
            raise _AgainError from error
        if spec.accelerator == "kvm" and "kvm" in words.lower():
            self._without_kvm(spec, f"KVM cannot be used: {error.reason or words}")

    def _greet(self, started: list[Booted]) -> None:
        """Wait until all have said hello."""
        allowed = patience(len(started), self._cpus, virtualized=self._virtualized)
        began = self._book.clock()
        silent = {one.spec.name: (one, Watch(one.guest, began, allowed)) for one in started}
        while silent:
            for one, watch in list(silent.values()):
                message = one.guest.receive(TICK)
                self._book.control.check()
                now = self._book.clock()
                kvm = one.spec.accelerator == "kvm"
                deadline = HELLO_DEADLINE * allowed
                if not kvm and self._virtualized:
                    deadline *= TWICE
                self._book.tell(f"{one.spec.name} boots ({_word(one.spec.accelerator)})")
                if message is not None and message.get("type") == "hello":
                    self._hello(message)
                    self._devices = max(self._devices, now - began)
                    del silent[one.spec.name]
                elif kvm and (why := watch.verdict(now)):
                    self._without_kvm(one.spec, f"KVM made no progress: {why}")
                elif now - began > deadline:
                    what = f"The appliance in {one.spec.name} said nothing for {now - began:.0f} s."
                    if kvm:
                        self._without_kvm(one.spec, what)
                    raise LabError(what, remedy="See docs/lab.md: what the appliance needs.")

    def _without_kvm(self, spec: GuestSpec, why: str) -> None:
        """All guests get TCG, so that what is compared stays comparable; the lesson about KVM
        itself goes on without it."""
        if self._once:
            raise LabError(why)
        if spec.experiment is Experiment.NESTED:
            for one in self._of(spec):
                self._book.omit(one.id, f"{why.removesuffix('.')}.")
        if set(self._book.plan.experiments) != {Experiment.NESTED}:
            told = why.removesuffix(".")
            self._book.remark(f"{told}: all guests were restarted under TCG.")
            self._book.plan = self._book.plan._replace(accelerator="qemu")
        raise _AgainError

    def _hello(self, message: Mapping[str, object]) -> None:
        if message.get("protocol") != VERSION:
            told = f"It speaks protocol {message.get('protocol')!r}, this tuivm {VERSION}."
            raise LabError("The appliance is of another tuivm.", told)
        remarks = message.get("remarks")
        for text in remarks if isinstance(remarks, list) else ():
            self._book.remark(str(text))
        self._book.method = self._book.method._replace(
            generator=str(message.get("generator") or ""), kernel=str(message.get("kernel") or "")
        )

    def _places(self, one: Booted) -> dict[str, Where]:
        """Where the devices of all subjects are; those whose do not come are left out."""
        self._book.enter(Phase.BOOTING, f"{one.spec.name} finds its devices")
        wheres = one.spec.subjects
        order = {
            "do": "wait",
            "serials": [where.serial for where in wheres.values() if where.serial],
            "macs": [mac for where in wheres.values() for mac in (where.mac, where.peer) if mac],
            "timeout": self._devices,
        }
        try:
            found = self._ask(one, order)
        except OrderFailedError:
            found = self._ask(one, {"do": "devices"})
        until = self._book.clock() + self._devices
        addresses = {where.address for where in wheres.values() if where.address}
        while not addresses <= found_addresses(found) and self._book.clock() < until:
            # A passed-through device has neither name nor number before its driver gave it one.
            one.guest.receive(TICK)
            found = self._ask(one, {"do": "devices"})
        places = found_places(wheres, found)
        for subject in self._of(one.spec):
            if subject.id in places:
                continue
            kernel = self._book.method.kernel
            self._book.omit(subject.id, why_no_place(wheres[subject.id], found, kernel))
        return places

    def _ask(self, one: Booted, order: Mapping[str, object]) -> Mapping[str, object]:
        return one.line.ask(order, silence=2 * self._devices, tell=lambda _: self._book.tell())

    def _of(self, spec: GuestSpec) -> list[Subject]:
        """The subjects of a guest that are still measured."""
        return [one for one in self._book.subjects() if one.id in spec.subjects]


def _names(words: str, model: str) -> bool:
    """ "'nvme' is not a valid device model name" names nvme, and not nvme-ns."""
    return re.search(rf"(?<![\w-]){re.escape(model)}(?![\w-])", words) is not None


def found_places(wheres: Mapping[str, Where], found: Mapping[str, object]) -> dict[str, Where]:
    """Of those subjects whose devices the appliance has found, by its answer "devices"."""
    serials = {str(one.get("serial")) for one in _listed(found, "disks")}
    macs = {str(one.get("mac")) for one in _listed(found, "nics")}
    passed = {where.address for where in wheres.values() if where.address}
    disks_at = {one.get("address"): str(one.get("serial")) for one in _listed(found, "disks")}
    nics_at = {one.get("address"): str(one.get("mac")) for one in _listed(found, "nics")}
    passed_macs = [mac for address, mac in nics_at.items() if address in passed]
    places = {}
    for subject, where in wheres.items():
        if where.address:
            serial, mac = disks_at.get(where.address, ""), nics_at.get(where.address, "")
            # Two passed-through NICs may be on one wire; who else answers on it is not known.
            peer = next((other for other in passed_macs if other != mac), "")
            if serial or (mac and peer):
                places[subject] = where._replace(serial=serial, mac=mac, peer=peer)
        elif {where.serial} - {""} <= serials and {where.mac, where.peer} - {""} <= macs:
            places[subject] = where
    return places


def why_no_place(where: Where, found: Mapping[str, object], kernel: str) -> str:
    """Why a subject is not among the `found_places`."""
    if where.address and where.address in found_addresses(found):
        return (
            "It is there, but has no NIC to talk to: two that share a wire can be measured when "
            "both are passed through (--passthrough, once for each)."
        )
    return (
        f"The device did not appear in the guest: the appliance's kernel ({kernel}) may have no "
        "driver for it."
    )


def found_addresses(found: Mapping[str, object]) -> set[str]:
    """PCI addresses of all devices in the appliance's answer."""
    return {str(one.get("address")) for kind in ("disks", "nics") for one in _listed(found, kind)}


def _listed(found: Mapping[str, object], kind: str) -> list[Mapping[str, object]]:
    listed = found.get(kind)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _word(accelerator: str) -> str:
    return "KVM" if accelerator == "kvm" else "TCG"
