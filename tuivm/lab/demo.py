"""Two small guests with the same work, one on paravirtual devices, one on emulated ones."""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from lxml import etree

from tuivm.lab.appliance import Appliance
from tuivm.lab.parts import element
from tuivm.lab.ports import (
    PREFIX,
    HostAbilities,
    LabError,
    LabGuest,
    LabHost,
    Workplace,
)
from tuivm.lab.protocol import HELLO_DEADLINE
from tuivm.lab.skeleton import System, domain_of, udp_source
from tuivm.lab.stalling import Watch, patience

MIB = 1024 * 1024
DISK_SIZE = 64 * MIB
RATE = 100
"""Requests and frames a second of each device: to be seen on a chart, and light on any host."""
REQUEST = 4096
ANSWER = 60.0
TICK = 0.25


class Kind(NamedTuple):
    """A guest of the demo. bus, target, nic: as domain XML has them."""

    name: str
    title: str
    bus: str
    target: str
    nic: str


KINDS = (
    Kind("paravirtual", "virtio disk and NIC", "virtio", "vda", "virtio"),
    Kind("emulated", "IDE disk and e1000 NIC", "ide", "hda", "e1000"),
)


class DemoGuest(NamedTuple):
    name: str
    uuid: str
    kind: Kind
    serial: str
    mac: str
    xml: str


class Build(Protocol):
    def __call__(self, *, say: Callable[[str], None]) -> Appliance: ...


class _TakenError(Exception):
    """The host has a guest of that name."""


class Demo:
    """say: told in a line what goes on.

    `close` removes all that `start` made, however far that came.
    """

    def __init__(
        self,
        host: LabHost,
        build: Build,
        *,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = host
        self._build = build
        self._say = say
        self._clock = clock
        self._number = secrets.token_hex(3)
        self._run = f"demo-{self._number}"
        self._workplace: Workplace | None = None
        self._guests: list[LabGuest] = []
        self._orders = 0
        self.accelerator = ""
        """What the guests run as, "kvm" or "qemu", once they do."""
        self.remarks: list[str] = []
        """What the person should know of how they run, a sentence each."""

    def start(self, abilities: HostAbilities, accelerator: str = "") -> tuple[DemoGuest, ...]:
        """Boot both and set them to work. accelerator: "" for the fastest that works. Raises
        LabError."""
        ways = (accelerator,) if accelerator else abilities.accelerators
        if not ways:
            raise LabError(f"{abilities.record.name} can run no guest: neither KVM nor TCG.")
        appliance = self._build(say=self._say)
        place = self._workplace = self._host.workplace(self._run)
        files = _Files(
            place.upload(appliance.kernel, "kernel"),
            place.upload(appliance.initrd, "initrd"),
            tuple(place.disk(f"{kind.name}.raw", DISK_SIZE) for kind in KINDS),
            place.network("nics") if abilities.tap else "",
        )
        for way in ways:
            made, problem = self._boot(appliance, files, abilities, way, last=way == ways[-1])
            if not problem:
                self.accelerator = way
                self._work(made)
                return made
            remark = f"{problem}: both guests were restarted under TCG."
            self._say(remark)
            self.remarks.append(remark)
        raise AssertionError("the last way either boots or raises")

    def close(self) -> None:
        """Remove guests, disks and network; fine to call twice. Raises the first LabError, after
        it has tried them all."""
        steps = [guest.destroy for guest in self._guests]
        self._guests.clear()
        if self._workplace is not None:
            steps.append(self._workplace.remove)
            self._workplace = None
        if steps:
            self._say("removing the guests of the demo")
        problems = []
        for step in steps:
            try:
                step()
            except LabError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def _boot(
        self,
        appliance: Appliance,
        files: _Files,
        abilities: HostAbilities,
        way: str,
        *,
        last: bool,
    ) -> tuple[tuple[DemoGuest, ...], str]:
        """The guests, and why this way does not do, "" when both take orders."""
        made = guests(appliance, files, self._run, abilities, way)
        try:
            try:
                self._begin(made, way)
            except _TakenError:
                # By another demo's, which may go on.
                self._end_guests()
                made = guests(
                    appliance, files, self._run, abilities, way, suffix=f"-{self._number}"
                )
                self._begin(made, way)
        except LabError as error:
            self._end_guests()
            if last or "kvm" not in str(error).lower():
                raise
            return made, f"KVM cannot be used: {(error.reason or error.what).removesuffix('.')}"
        record = abilities.record
        wait = patience(len(made), record.cpus, virtualized=record.virtualized)
        problem = self._greet(wait, last=last)
        if problem:
            self._end_guests()
        return made, problem

    def _begin(self, made: tuple[DemoGuest, ...], way: str) -> None:
        for one in made:
            self._say(f"booting {one.name} ({'KVM' if way == 'kvm' else 'TCG'})")
            try:
                self._guests.append(self._host.start(one.xml))
            except LabError as error:
                if re.search(f"'{re.escape(one.name)}'.* already", str(error)):
                    raise _TakenError from error
                raise

    def _greet(self, wait: float, *, last: bool) -> str:
        """Wait until both have said hello. Why they will not, "" when they have. wait: how many
        times as long as elsewhere they may take. Raises LabError if this way was the last."""
        began = self._clock()
        silent = [(guest, Watch(guest, began, wait)) for guest in self._guests]
        while silent:
            for one in tuple(silent):
                guest, watch = one
                try:
                    message = guest.receive(TICK)
                except LabError as error:
                    if last:
                        raise
                    why = error.reason or error.what
                    return f"Under KVM {guest.name} ended while it booted: {why}"
                now = self._clock()
                if message is not None and message.get("type") == "hello":
                    silent.remove(one)
                elif not last and (why := watch.verdict(now)):
                    return f"KVM made no progress: {why}"
                elif now - began > HELLO_DEADLINE * wait:
                    if last:
                        raise LabError(f"{guest.name} said nothing for {now - began:.0f} s.")
                    return f"Under KVM {guest.name} said nothing for {now - began:.0f} s"
        return ""

    def _work(self, made: tuple[DemoGuest, ...]) -> None:
        for guest, one, other in zip(self._guests, made, reversed(made), strict=True):
            known = {"serials": [one.serial], "macs": [one.mac]}
            self._ask(guest, {"do": "wait", "timeout": ANSWER / 2, **known})
            macs = [[one.mac, other.mac]]
            load = {"do": "load", "rate": RATE, "size": REQUEST, "writes": True}
            self._ask(guest, {**load, "serials": [one.serial], "macs": macs})

    def _ask(self, guest: LabGuest, order: Mapping[str, object]) -> None:
        self._orders += 1
        guest.send({**order, "id": self._orders})
        until = self._clock() + ANSWER
        while self._clock() < until:
            message = guest.receive(TICK)
            if message is None or message.get("id") != self._orders:
                continue
            if message.get("type") == "failed":
                why = str(message.get("why") or "")
                raise LabError(f"{guest.name} cannot do its work.", why)
            return
        raise LabError(f"{guest.name} did not answer for {ANSWER:.0f} s.")

    def _end_guests(self) -> None:
        for guest in self._guests:
            guest.destroy()
        self._guests.clear()


class _Files(NamedTuple):
    """Paths on the host. network: "" where NICs are joined by sockets."""

    kernel: str
    initrd: str
    disks: tuple[str, ...]
    network: str


def guests(
    appliance: Appliance,
    files: _Files,
    run: str,
    abilities: HostAbilities,
    accelerator: str,
    *,
    suffix: str = "",
) -> tuple[DemoGuest, ...]:
    """Their definitions: the same but for the models of disk and NIC. suffix: of their names."""
    first = _port()
    ports = (first, first + 1)
    made = []
    for number, kind in enumerate(KINDS):
        name, identity = f"{PREFIX}{kind.name}{suffix}", str(uuid.uuid4())
        serial, mac = f"demo-{kind.name}"[:20], f"52:54:00:de:30:{number:02x}"
        how, source = "network", element("source", network=files.network)
        if not files.network:
            how, source = "udp", udp_source(ports[number], ports[1 - number])
        devices = (
            element(
                "disk",
                element("driver", name="qemu", type="raw", cache="none", io="native"),
                element("source", file=files.disks[number]),
                element("target", dev=kind.target, bus=kind.bus),
                element("serial", serial),
                type="file",
                device="disk",
            ),
            element(
                "interface",
                element("mac", address=mac),
                source,
                element("model", type=kind.nic),
                type=how,
            ),
        )
        title = f"tuivm demo: {kind.title}"
        system = System(
            name, title, accelerator, "pc", files.kernel, files.initrd, metadata=(_linux(),)
        )
        domain = domain_of(system, devices, run=run, appliance=appliance, abilities=abilities)
        domain.insert(1, element("uuid", identity))
        xml = etree.tostring(domain, encoding="unicode", pretty_print=True)
        made.append(DemoGuest(name, identity, kind, serial, mac, xml))
    return tuple(made)


def _linux() -> etree._Element:
    """What virt-install writes too: by it tuivm knows that the guest could use virtio."""
    space = "http://libosinfo.org/xmlns/libvirt/domain/1.0"
    root = etree.Element(f"{{{space}}}libosinfo", nsmap={"libosinfo": space})
    etree.SubElement(root, f"{{{space}}}os", id="http://libosinfo.org/linux/2022")
    return root


def _port() -> int:
    """One of IANA's dynamic ports, and so is the next."""
    return 49152 + secrets.randbelow(16383)
