"""A simulated host behind the same Protocol as the real one: seeded counters, a clock that moves
only when the test moves it, and faults on demand (hung, lost, failing actions)."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from uuid import UUID

from tests.support.simcreate import SimCreate, kvm_offer
from tests.support.simdevices import SimDevices
from tests.support.simguest import SimGuest
from tuivm.domainxml.read import read_details
from tuivm.model.consoles import ConsoleAnswer, ConsoleSinks
from tuivm.model.conversion import Definition
from tuivm.model.deletion import DeletionFacts, VolumeFacts
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestStack, GuestState
from tuivm.model.hosts import HostFacts, HostLoad, HostSpec, HostState, Problem
from tuivm.model.inside import Inside
from tuivm.model.ports import (
    CredentialPrompt,
    CredentialRequest,
    DefinitionAnswer,
    DeletionLookup,
    Groups,
    Sinks,
    Text,
    Trial,
    View,
)
from tuivm.model.requests import (
    Delete,
    DiscardSave,
    ForceOff,
    Outcome,
    Reboot,
    Redefine,
    Rename,
    Request,
    Reset,
    Resume,
    Save,
    SetAutostart,
    Shutdown,
    Start,
    Step,
    Suspend,
)
from tuivm.model.snapshot import HostSnapshot, Revisions
from tuivm.model.uris import is_local
from tuivm.preflight.deletion import plan_deletion

VIRTIO = (
    Device(DeviceKind.DISK, DeviceClass.PARAVIRTUAL, "virtio-blk", "vda", "virtio", counted=True),
    Device(DeviceKind.NIC, DeviceClass.PARAVIRTUAL, "virtio-net", "vnet0", counted=True),
    Device(DeviceKind.BALLOON, DeviceClass.PARAVIRTUAL, "virtio-balloon", "balloon0"),
)
LEGACY = (
    Device(DeviceKind.DISK, DeviceClass.EMULATED, "ide-hd", "hda", "ide", counted=True),
    Device(DeviceKind.NIC, DeviceClass.EMULATED, "e1000", "vnet1", counted=True),
    Device(DeviceKind.VIDEO, DeviceClass.EMULATED, "VGA", "video0"),
)


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self, now: float = 10_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class SimHost:
    """Set `hung` and it neither ticks nor answers; `hold` and it ticks, but orders wait for
    `answer()`. `lose()`, `fail()` and `find()` end and mend it. `refuse` is what every order fails
    with, `refuse_for` what those for one guest do."""

    def __init__(self, spec: HostSpec, sinks: Sinks, clock: Clock, seed: int = 1) -> None:
        self._spec = spec
        self._sinks = sinks
        self._clock = clock
        self._random = random.Random(seed)
        self._last = clock()
        self.guests: dict[str, SimGuest] = {}
        self.create = SimCreate(kvm_offer(spec.name))
        self.device_port = SimDevices(kvm_offer(spec.name))
        self.revisions = Revisions()
        self.view = View()
        self.state = HostState.UP
        self.problem: Problem | None = None
        self.generation = 1
        self.hung = False
        self.hold = False
        self.retries = 0
        self.closed = False
        self.started = False
        self.requests: list[tuple[str, Request]] = []
        self.refuse: Problem | None = None
        self.refuse_for: dict[str, Problem] = {}
        self.waiting: list[tuple[Future[Outcome], str, Request]] = []
        self.definitions: dict[str, Definition] = {}
        self.xml: dict[str, str] = {}
        """Live XML of guests, by UUID, where a test needs more of it than a name."""
        self.inside: defaultdict[str, Future[Inside]] = defaultdict(Future)
        self.consoles: dict[str, list[ConsoleAnswer]] = {}
        self.opened_consoles: list[tuple[str, str, bool]] = []
        self.volumes: tuple[VolumeFacts, ...] = ()
        self.facts = HostFacts(
            hostname=spec.name,
            driver="QEMU",
            hypervisor_version="7.2.22",
            libvirt_version="9.0.0",
            arch="x86_64",
            cpu_model="Simulated CPU",
            cpus=8,
            memory_kib=16 << 20,
            virt_types=("kvm", "qemu"),
            local=is_local(spec.uri),
        )

    @property
    def spec(self) -> HostSpec:
        return self._spec

    @property
    def busy(self) -> bool:
        return self.hung

    def add_guest(
        self,
        name: str,
        state: GuestState = GuestState.RUNNING,
        devices: tuple[Device, ...] = VIRTIO,
        **details: object,
    ) -> GuestKey:
        uuid = str(UUID(int=self._random.getrandbits(128), version=4))
        return self.add_guest_as(uuid, name, state, devices, **details)

    def add_guest_as(
        self,
        uuid: str,
        name: str,
        state: GuestState = GuestState.RUNNING,
        devices: tuple[Device, ...] = VIRTIO,
        **details: object,
    ) -> GuestKey:
        key = GuestKey(self._spec.name, uuid)
        guest = Guest(
            key,
            name,
            state,
            domain_id=len(self.guests) + 1 if state.active else None,
            autostart=False,
            managed_save=False,
            details=GuestDetails(
                vcpus=2,
                vcpus_max=2,
                memory_kib=1 << 20,
                memory_max_kib=1 << 20,
                stack=GuestStack("kvm", "x86_64", "pc-q35-7.2", "BIOS", cpu="host-passthrough"),
                devices=devices,
            )._replace(
                **details,
            ),
        )
        self.guests[uuid] = SimGuest(guest, random.Random(self._random.random()))
        return key

    def remove_guest(self, uuid: str) -> None:
        del self.guests[uuid]

    def change(self, uuid: str, **changes: object) -> None:
        sim = self.guests[uuid]
        sim.guest = sim.guest._replace(**changes)

    def tick(self) -> None:
        """One sampling round at the clock's present time."""
        if self.hung or self.closed or not self.started:
            return
        now = self._clock()
        seconds, self._last = now - self._last, now
        up = self.state is HostState.UP
        samples = {}
        for uuid, sim in self.guests.items():
            if up and sim.guest.state is GuestState.RUNNING:
                sim.step(seconds)
                samples[uuid] = sim.sample(
                    now,
                    vcpus=Groups.VCPU in self.view.groups,
                    cost=Groups.COST in self.view.groups
                    and uuid in self.view.guests
                    and self.facts.local,
                )
        self._sinks.snapshot(
            HostSnapshot(
                host=self._spec.name,
                at=now,
                state=self.state,
                generation=self.generation,
                problem=self.problem,
                retry_at=None if up else now + 5,
                facts=self.facts,
                load=HostLoad(25.0, 4 << 20, 16 << 20) if up else None,
                guests={uuid: sim.guest for uuid, sim in self.guests.items()},
                samples=samples,
                interval=self._spec.interval,
                readonly=self._spec.readonly,
                revisions=self.revisions,
            )
        )

    def lose(self, reason: str = "connection reset by peer") -> None:
        self.state = HostState.LOST
        self.problem = Problem(f"lost {self._spec.name}", reason, "the daemon is not running")

    def fail(self, problem: Problem) -> None:
        self.state = HostState.FAILED
        self.problem = problem

    def ask(self, *prompts: CredentialPrompt) -> list[tuple[str, ...] | None]:
        """libvirt asks while it connects. The list fills with what was answered."""
        answers: list[tuple[str, ...] | None] = []
        request = CredentialRequest(self._spec.name, prompts, answers.append)
        self._sinks.credentials(request)
        return answers

    def find(self) -> None:
        self.state = HostState.UP
        self.problem = None
        self.generation += 1

    def start(self) -> None:
        self.started = True

    def watch(self, view: View) -> None:
        self.view = view

    def retry(self) -> None:
        self.retries += 1

    def close(self) -> None:
        self.closed = True

    def act(self, uuid: str, request: Request) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        self.requests.append((uuid, request))
        if self.hung or self.hold:
            self.waiting.append((future, uuid, request))
        else:
            future.set_result(self._carry_out(uuid, request))
        return future

    def answer(self, count: int | None = None) -> None:
        """Carry out the orders that wait, or the first `count` of them."""
        waiting, self.waiting = self.waiting[:count], self.waiting[len(self.waiting[:count]) :]
        for future, uuid, request in waiting:
            future.set_result(self._carry_out(uuid, request))

    def domain_xml(self, uuid: str, *, inactive: bool = False) -> Future[Text]:
        future: Future[Text] = Future()
        sim = self.guests.get(uuid)
        if sim is None:
            future.set_result(Text(problem=Problem("cannot read the XML", "Domain not found")))
        else:
            if own := self.xml.get(uuid):
                future.set_result(Text(own))
                return future
            name = sim.guest.name.replace("&", "&amp;").replace("<", "&lt;")
            xml = f"<domain type='kvm'>\n  <name>{name}</name>\n  <uuid>{uuid}</uuid>\n</domain>\n"
            future.set_result(Text(xml))
        return future

    def definition(self, uuid: str) -> Future[DefinitionAnswer]:
        future: Future[DefinitionAnswer] = Future()
        if uuid in self.guests:
            known = self.definitions.get(uuid) or Definition(self.domain_xml(uuid).result().text)
            future.set_result(DefinitionAnswer(known))
        else:
            problem = Problem("cannot read the definition", "Domain not found")
            future.set_result(DefinitionAnswer(problem=problem))
        return future

    def nested_inside(self, uuid: str) -> Future[Inside]:
        return self.inside[uuid]

    def console(
        self, uuid: str, device: str, sinks: ConsoleSinks, *, force: bool = False
    ) -> Future[ConsoleAnswer]:
        """An echo, unless `consoles` has another answer for the guest."""
        future: Future[ConsoleAnswer] = Future()
        self.opened_consoles.append((uuid, device, force))
        answers = self.consoles.get(uuid, [])
        future.set_result(answers.pop(0) if answers else ConsoleAnswer(SimConsole(sinks)))
        return future

    def creating(self) -> SimCreate:
        return self.create

    def devices(self) -> SimDevices:
        return self.device_port

    def deletion_facts(self, uuid: str) -> Future[DeletionLookup]:
        future: Future[DeletionLookup] = Future()
        sim = self.guests.get(uuid)
        if sim is None:
            problem = Problem("cannot look up the guest", "Domain not found")
            future.set_result(DeletionLookup(problem=problem))
            return future
        facts = DeletionFacts(
            name=sim.guest.name,
            uuid=uuid,
            active=sim.guest.state.active,
            persistent=True,
            volumes=self.volumes,
        )
        future.set_result(DeletionLookup(facts, plan_deletion(facts)))
        return future

    def _show_definition(self, uuid: str, xml: str) -> None:
        """As a host does: at once of a guest that is off, of one that runs at its next start."""
        guest = self.guests[uuid].guest
        if not guest.state.active:
            self.change(uuid, details=read_details(xml))

    def _carry_out(self, uuid: str, request: Request) -> Outcome:
        if problem := self.refuse or self.refuse_for.get(uuid):
            return Outcome(problem)
        if uuid not in self.guests:
            return Outcome(Problem("cannot do that", "Domain not found", "the guest is gone"))
        match request:
            case Start(paused=paused):
                self.change(uuid, state=GuestState.PAUSED if paused else GuestState.RUNNING)
            case Resume() | Reset() | Reboot():
                self.change(uuid, state=GuestState.RUNNING)
            case Suspend():
                self.change(uuid, state=GuestState.PAUSED)
            case Shutdown():
                pass
            case ForceOff():
                self.change(uuid, state=GuestState.OFF)
            case Save():
                self.change(uuid, state=GuestState.OFF, managed_save=True)
            case DiscardSave():
                self.change(uuid, managed_save=False)
            case SetAutostart(on=on):
                self.change(uuid, autostart=on)
            case Rename(name=name):
                self.change(uuid, name=name)
            case Redefine(xml=xml):
                known = self.definitions.get(uuid, Definition())
                self.definitions[uuid] = known._replace(xml=xml)
                self._show_definition(uuid, xml)
            case Delete():
                self.remove_guest(uuid)
        return Outcome(steps=(Step(type(request).__name__),))


class SimConsole:
    """A console that says what is typed, in capitals."""

    def __init__(self, sinks: ConsoleSinks) -> None:
        self._sinks = sinks
        self.closed = False

    def send(self, data: bytes) -> bool:
        self._sinks.got(data.upper())
        return not self.closed

    def close(self) -> None:
        self.closed = True


class SimMaker:
    """Makes simulated hosts; `prepare` fills each with guests before it starts."""

    def __init__(
        self, clock: Clock, prepare: Callable[[SimHost], None] = lambda host: None
    ) -> None:
        self._clock = clock
        self._prepare = prepare
        self.hosts: dict[str, SimHost] = {}
        self.trial = Trial(facts=HostFacts(hostname="tried", driver="QEMU"), guests=3)
        self.tried: list[tuple[str, bool]] = []

    def make(self, spec: HostSpec, sinks: Sinks) -> SimHost:
        host = SimHost(spec, sinks, self._clock, seed=len(self.hosts) + 1)
        self._prepare(host)
        self.hosts[spec.name] = host
        return host

    def try_out(self, uri: str, *, readonly: bool, sinks: Sinks) -> Future[Trial]:
        del sinks
        self.tried.append((uri, readonly))
        future: Future[Trial] = Future()
        future.set_result(self.trial)
        return future

    def tick(self, seconds: float = 1.0) -> None:
        """Move the clock and let every host sample."""
        self._clock.now += seconds
        for host in self.hosts.values():
            host.tick()
