"""A host for the Lab, played: its guests' appliances answer from seeded figures, and time passes
only while somebody waits for them."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tuivm.lab.appliance import Appliance
from tuivm.lab.ports import (
    HostAbilities,
    HostUse,
    LabError,
    MachineCaps,
    Usage,
)
from tuivm.model.lab import LabHostRecord, Leftover

MODELS = frozenset(
    {
        *("virtio-blk-pci", "iothread", "scsi-hd", "virtio-scsi-pci", "nvme", "ide-hd"),
        *("ich9-ahci", "piix3-ide", "lsi53c895a", "usb-storage", "qemu-xhci"),
        *("virtio-net-pci", "e1000e", "e1000", "rtl8139", "pcnet"),
    }
)
BUSES = frozenset({"ide", "fdc", "scsi", "virtio", "usb", "sata"})
ABILITIES = HostAbilities(
    LabHostRecord("rack7", "qemu:///session", cpus=4, arch="x86_64", virtualized=False),
    local=True,
    session=True,
    accelerators=("qemu",),
    emulator="/usr/bin/qemu-system-x86_64",
    machines=frozenset({"pc", "q35"}),
    caps={
        (accelerator, machine): MachineCaps(BUSES)
        for accelerator in ("kvm", "qemu")
        for machine in ("pc", "q35")
    },
    models=MODELS,
    qemu_version=(7, 2, 0),
    libvirt_version=(9, 0, 0),
)
APPLIANCE = Appliance(Path("/cache/kernel"), Path("/cache/initrd"), "6.1.0", "fio 3.33", 256)
S = 1_000_000_000
PREPARES = 0.01
"""Seconds that a played appliance takes until all is ready for a trial."""
STANDS = 17
"""Requests at which a played trial stands still."""
KICKS = 3
"""Notifications a request that the played trace shows, for virtio and for everything else."""


def build(*, say: Callable[[str], None], with_fio: bool) -> Appliance:
    say("Building")
    return APPLIANCE


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeHost:
    """What a test sets: each (seconds a request of a serial number or MAC, unless told otherwise
    `base`), missing (devices that do not appear), refuse (QEMU's words when a guest has this
    device in its XML), stuck (accelerators on which nothing boots), failing (serial numbers whose
    trials fail, and how often), dying (those that end the guest), wedged (those that say nothing
    more), still (those that get no further, and how often), unstoppable (those of them that cannot
    be stopped), log_refused, exits (KVM's counters are told), fio_starts (seconds), boot_seconds,
    booting (exits a second while it boots, by name)."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.chance = random.Random(1)
        self.base = 1e-4
        self.each: dict[str, float] = {}
        self.missing: set[str] = set()
        self.refuse: dict[str, str] = {}
        self.stuck: set[str] = set()
        self.failing: dict[str, int] = {}
        self.dying: set[str] = set()
        self.wedged: set[str] = set()
        self.still: dict[str, int] = {}
        self.unstoppable: set[str] = set()
        self.log_refused = ""
        self.exits = False
        self.boot_seconds = 2.0
        self.booting: dict[str, int] = {}
        self.fio_starts = 0.01
        self.lost = 0.0
        self.guests: list[FakeGuest] = []
        self.places: list[FakePlace] = []
        self.orders: list[Mapping[str, Any]] = []
        self.left: tuple[Leftover, ...] = ()
        self.cleaned: list[Leftover] = []
        self.known = ABILITIES
        self.others: dict[str, float] = {}
        self.full = False
        self.closed = 0
        self.before_order: Callable[[Mapping[str, Any]], None] = lambda _: None

    @property
    def running(self) -> list[FakeGuest]:
        return [guest for guest in self.guests if guest.up]

    def abilities(self) -> HostAbilities:
        return self.known

    def workplace(self, run: str) -> FakePlace:
        self.places.append(FakePlace(self, run))
        return self.places[-1]

    def start(self, xml: str, *, paused: bool = False) -> FakeGuest:
        for text, words in self.refuse.items():
            if text in xml:
                raise LabError("cannot start it", words)
        guest = FakeGuest(self, xml)
        self.guests.append(guest)
        return guest

    def use(self, own: Iterable[str]) -> HostUse:
        assert set(own) >= {guest.uuid for guest in self.running}
        busy = sum(sum(guest.threads.values()) for guest in self.guests)
        others = {name: int(share * self.clock.now * S) for name, share in self.others.items()}
        total = int(self.clock.now * 4 * S)
        return HostUse(self.clock.now, total, busy + sum(others.values()), 0, others, "")

    def leftovers(self) -> tuple[Leftover, ...]:
        return self.left

    def clean(self, leftovers: Iterable[Leftover]) -> None:
        self.cleaned += leftovers

    def close(self) -> None:
        self.closed += 1
        for guest in self.guests:
            guest.up = False


class FakePlace:
    def __init__(self, host: FakeHost, run: str) -> None:
        self.host, self.run = host, run
        self.files: dict[str, bytes] = {}
        self.removed = False

    def upload(self, path: Path, name: str) -> str:
        return f"/place/{name}"

    def disk(self, name: str, size: int) -> str:
        if self.host.full:
            raise LabError(f"cannot make {name}", "No space left on device")
        return f"/place/{name}"

    def log_file(self, name: str) -> str:
        if self.host.log_refused:
            raise LabError("cannot make a log", self.host.log_refused)
        self.files[name] = b""
        return f'/place/with "quotes" \\ and/{name}'

    def read(self, name: str) -> bytes:
        return self.files[name]

    def network(self, name: str) -> str:
        return f"net-{name}"

    def remove(self) -> None:
        self.removed = True


class FakeGuest:
    """Boots in two seconds, and does one order after the other."""

    def __init__(self, host: FakeHost, xml: str) -> None:
        self.host = host
        self.xml = ElementTree.fromstring(xml)
        self.name = self.xml.findtext("name") or ""
        self.uuid = f"uuid-{len(host.guests)}"
        self.up = True
        self.threads = {"vCPU": 0, "main loop": 0}
        self.exits: dict[str, int] = {"exits": 0, "io_exits": 0} if host.exits else {}
        self.tracing: set[str] = set()
        self.log = ""
        self.line: deque[tuple[float, dict[str, object]]] = deque()
        self.held: deque[Mapping[str, Any]] = deque()
        self.mute = False
        self.booted = False
        if self.xml.get("type") not in host.stuck:
            hello = {"protocol": 1, "generator": "fio 3.33", "kernel": "6.1.0", "remarks": ["hi"]}
            self._later(host.boot_seconds, {"type": "hello", **hello})

    def send(self, message: Mapping[str, Any]) -> None:
        assert self.up
        self.host.orders.append(message)
        if self.mute:
            return
        kind, number = message["do"], message["id"]
        if kind == "go":
            self._work(self.held.popleft())
        elif kind == "stop":
            self.line.clear()
            self.held.clear()
            self._later(0.1, {"type": "stopped", "id": number})
        elif kind in ("wait", "devices"):
            self._devices(message)
        else:
            self.host.before_order(message)
            if message.get("held"):
                self.held.append(message)
                self._later(PREPARES, {"type": "ready", "id": number})
            else:
                self._work(message)

    def receive(self, timeout: float) -> dict[str, object] | None:
        if not self.up:
            raise LabError(f"{self.name} is gone")
        clock = self.host.clock
        until = clock.now + timeout
        if not self.line or self.line[0][0] > until:
            self._burn(timeout)
            clock.now = until
            return None
        at, message = self.line.popleft()
        if message.get("type") == "dies":
            self.up = False
            raise LabError(f"{self.name} is gone", "Kernel panic")
        self._burn(max(0.0, at - clock.now))
        clock.now = max(clock.now, at)
        self.booted = True
        return message

    def usage(self) -> Usage:
        return Usage(self.host.clock.now, dict(self.threads), dict(self.exits), precise=True)

    def monitor(self, command: str, arguments: Mapping[str, Any] | None = None) -> object:
        assert command == "trace-event-set-state"
        assert arguments is not None
        change = self.tracing.add if arguments["enable"] else self.tracing.discard
        change(arguments["name"])
        return {}

    def human_monitor(self, line: str) -> str:
        # What the human monitor makes of a quoted file name.
        self.log = line.removeprefix('logfile "').removesuffix('"')
        self.log = self.log.replace('\\"', '"').replace("\\\\", "\\")
        return ""

    def alive(self) -> bool:
        return self.up

    def destroy(self) -> None:
        self.up = False

    def _later(self, seconds: float, message: dict[str, object]) -> None:
        self.line.append((self.host.clock.now + seconds, message))

    def _burn(self, seconds: float) -> None:
        self.threads["vCPU"] += int(0.9 * seconds * S)
        self.threads["main loop"] += int(0.2 * seconds * S)
        if self.exits and not self.booted:
            for name, rate in self.host.booting.items():
                self.exits[name] = self.exits.get(name, 0) + int(rate * seconds)

    def _devices(self, message: Mapping[str, Any]) -> None:
        asked = {*message.get("serials", ()), *message.get("macs", ())}
        if message["do"] == "wait" and asked & self.host.missing:
            self._later(message["timeout"], {"type": "failed", "id": message["id"], "why": "not"})
            self._asked = asked
            return
        there = (asked or self._asked) - self.host.missing
        found = {
            "disks": [{"serial": name, "address": ""} for name in there if ":" not in name],
            "nics": [{"mac": name, "address": ""} for name in there if ":" in name],
        }
        self._later(0.5, {"type": "devices", "id": message["id"], **found})

    def _work(self, message: Mapping[str, Any]) -> None:
        number, requests = message["id"], message["requests"]
        name = str(message.get("serial") or message.get("mac") or message.get("kind"))
        if name in self.host.dying:
            self._later(0.2, {"type": "dies"})
            return
        if name in self.host.wedged:
            self.mute = True
            return
        if self.host.still.get(name, 0):
            self.host.still[name] -= 1
            for step in range(1, 400):
                told = {"done": min(STANDS, 5 * step), "seconds": step * 0.25}
                self._later(0.25 * step, {"type": "progress", "id": number, **told})
            self.mute = name in self.host.unstoppable
            return
        if self.host.failing.get(name, 0):
            self.host.failing[name] -= 1
            self._later(0.2, {"type": "failed", "id": number, "why": "Input/output error"})
            return
        each = self.host.each.get(name, self.host.base) * self.host.chance.uniform(0.98, 1.02)
        seconds = each * requests
        traced = message.get("traced")
        for step in range(1, int(seconds / 0.25) + 1 if not traced else 0):
            told = {"done": int(step * 0.25 / each), "seconds": step * 0.25}
            self._later(0.25 * step, {"type": "progress", "id": number, **told})
        if self.exits:
            self.exits = {key: one + 4 * requests for key, one in self.exits.items()}
        if traced and self.tracing:
            place = self.host.places[-1]
            file = self.log.rpartition("/")[2]
            place.files[file] += self._trace(requests)
        done = {
            "requests": requests,
            "bytes": requests * message.get("size", 0),
            "seconds": seconds,
            "p50": each * S,
            "p95": 1.2 * each * S,
            "p99": 2 * each * S,
            "interrupts": requests,
            "generator": "tuivm (libaio)" if message.get("generator") else "fio 3.33",
        }
        if message["do"] == "frames":
            done["arrived"] = int(requests * (1 - self.host.lost))
            done["generator"] = "tuivm (packet socket)"
        # To write a trace takes its time, and so may starting the generator.
        starting = 0.0 if message.get("generator") else self.host.fio_starts
        self._later(
            seconds + (1.0 if traced else 0.01 + starting), {"type": "done", "id": number, **done}
        )

    def _trace(self, requests: int) -> bytes:
        """As QEMU writes it: every device's registers, so that each subject finds its own."""
        regions = (
            *("ide", "ahci", "nvme-ctrl", "lsi-mmio", "doorbell"),
            *("e1000e-mmio", "e1000-mmio", "rtl8139", "pcnet", "apic-msi"),
        )
        one = "".join(
            f"57@1.5:memory_region_ops_write cpu 0 mr 0x56 addr 0xfee0 value 0x0 size 4 name "
            f"'{name}'\n"
            for name in regions
        )
        one += "52@1.6:virtio_queue_notify vdev 0x5626293b8930 n 1 vq 0x7f51a8875010\n"
        return (one * KICKS * requests).encode()
