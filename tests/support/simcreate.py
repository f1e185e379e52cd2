"""A simulated way of creating guests: two offers from captured documents, delays and failures."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from tuivm.domainxml.domcaps import read_domain_caps
from tuivm.domainxml.hostcaps import read_capabilities
from tuivm.domainxml.parse import parse_domain
from tuivm.hypervisor.heads import read_local_head
from tuivm.model.createports import CapsAnswer, Head, Offered
from tuivm.model.creation import Created, CreationPlan, CreationProgress
from tuivm.model.findings import Finding, Severity
from tuivm.model.hosts import Problem
from tuivm.model.offers import (
    DomainCaps,
    HostDevice,
    HostInterface,
    HostOffer,
    NestingFacts,
    Network,
    Pool,
    Volume,
)
from tuivm.model.requests import Step
from tuivm.model.spec import FileRef

T = TypeVar("T")
GIB = 1 << 30
_DATA = Path(__file__).parents[1] / "unit" / "data" / "create"
LOST = Problem(
    "cannot ask local",
    "End of file while reading data: Input/output error",
    "libvirtd is not running",
    "start it: systemctl start libvirtd",
)
_IMAGES = "/var/lib/libvirt/images"
VOLUMES = (
    Volume("debian-12.iso", f"{_IMAGES}/debian-12.iso", 4 * GIB, 4 * GIB, "iso"),
    Volume("base.qcow2", f"{_IMAGES}/base.qcow2", 10 * GIB, GIB, "qcow2"),
    Volume("db.qcow2", f"{_IMAGES}/db.qcow2", 40 * GIB, 9 * GIB, "qcow2", used_by=("db-1",)),
)

DEVICES = (
    HostDevice(
        "pci",
        "pci_0000_03_00_0",
        "0000:03:00.0",
        "Intel Corporation",
        "82599ES 10-Gigabit SFI/SFP+ Network Connection",
        "8086:10fb",
        "020000",
        "vfio-pci",
        7,
        ("0000:03:00.0",),
    ),
    HostDevice("usb", "usb_1_4", "1-4", "Logitech", "Receiver", "046d:c52b", bus=1, device=5),
)


def document(name: str) -> str:
    return (_DATA / name).read_text(encoding="utf-8")


def kvm_offer(host: str = "local") -> HostOffer:
    """A system daemon with KVM, a pool and a network."""
    return HostOffer(
        host,
        "qemu:///system",
        "QEMU",
        local=True,
        libvirt_version=9_000_000,
        qemu_version=7_002_000,
        cpus=8,
        memory_kib=32 << 20,
        memory_free_kib=20 << 20,
        capabilities=read_capabilities(document("capabilities-intel-kvm.xml")),
        pools=(Pool("default", "dir", True, _IMAGES, 500 * GIB, 104 * GIB, VOLUMES),),
        networks=(Network("default", True, "nat", "virbr0", dhcp=True),),
        interfaces=(HostInterface("virbr0", "bridge", True),),
        guests=(("db-1", "9d8c2a52-6e10-4e31-b0a6-0a4b8f6b4f01", True),),
        devices=DEVICES,
        nesting=NestingFacts("Intel", True, "kvm_intel", True, 0, "6.1"),
        passt=True,
    )


def tcg_offer(host: str = "rack7") -> HostOffer:
    """A session without KVM, without a network, with a pool."""
    return kvm_offer(host)._replace(
        uri="qemu:///session",
        session=True,
        capabilities=read_capabilities(document("capabilities-x86-tcg.xml")),
        networks=(),
        devices=(),
        interfaces=(),
        guests=(),
        nesting=NestingFacts(),
        passt=False,
    )


class SimCreation:
    """A creation that goes on when the test says so."""

    def __init__(self, plan: CreationPlan, told: Callable[[CreationProgress], None]) -> None:
        self.plan = plan
        self.told = told
        self.cancelled = False
        self._result: Future[Created] = Future()
        self._result.set_running_or_notify_cancel()
        self.steps: tuple[Step, ...] = ()

    @property
    def result(self) -> Future[Created]:
        return self._result

    def cancel(self) -> None:
        self.cancelled = True

    def tell(self, now: str, done: int | None = None, total: int | None = None) -> None:
        self.told(CreationProgress(now, done, total, self.steps))

    def step(self, what: str) -> None:
        self.steps += (Step(what),)
        self.tell(what)

    def succeed(self) -> None:
        spec = self.plan.spec
        self._result.set_result(Created(spec.uuid, spec.name, started=spec.start, steps=self.steps))

    def fail(self, problem: Problem, *removed: str, left: tuple[str, ...] = ()) -> None:
        steps = (*self.steps, *(Step(f"removed {one}") for one in removed))
        self._result.set_result(Created(problem=problem, steps=steps, left=left))


class SimCreate:
    """Set `hold` and it does not answer until `answer()`; set `lost` and all it answers is that;
    set `offered` to what it shall offer from now on."""

    def __init__(self, offered: HostOffer | None = None) -> None:
        self.offered = offered or kvm_offer()
        self.lost: Problem | None = None
        self.hold = False
        self.waiting: list[Callable[[], None]] = []
        self.asked = 0
        self.runs: list[SimCreation] = []
        self.heads: dict[FileRef, Head] = {}
        self.definitions: dict[str, str] = {}
        self.schema: tuple[Finding, ...] = ()

    def offer(self) -> Future[Offered]:
        self.asked += 1
        return self._answer(
            lambda: Offered(problem=self.lost) if self.lost else Offered(self.offered)
        )

    def domain_caps(self, virt_type: str, arch: str, machine: str) -> Future[CapsAnswer]:
        return self._answer(lambda: self._caps(virt_type, arch, machine))

    def head(self, file: FileRef, size: int) -> Future[Head]:
        def look() -> Head:
            if file.local:
                return read_local_head(file.local, size, f"cannot read {file.local}")
            known = self.heads.get(file, Head())
            return known._replace(data=known.data[:size])

        return self._answer(lambda: Head(problem=self.lost) if self.lost else look())

    def domain_xml(self, guest: str) -> Future[Head]:
        def find() -> Head:
            if guest not in self.definitions:
                return Head(problem=Problem(f"cannot read {guest}", "Domain not found"))
            return Head(self.definitions[guest].encode())

        return self._answer(lambda: Head(problem=self.lost) if self.lost else find())

    def validate(self, xml: str) -> Future[tuple[Finding, ...]]:
        def judge() -> tuple[Finding, ...]:
            try:
                parse_domain(xml)
            except ValueError as error:
                return (Finding("schema", Severity.ERROR, str(error), field="xml"),)
            return self.schema

        return self._answer(judge)

    def create(self, plan: CreationPlan, told: Callable[[CreationProgress], None]) -> SimCreation:
        run = SimCreation(plan, told)
        self.runs.append(run)
        if self.lost:
            run.fail(self.lost)
        return run

    def answer(self) -> None:
        """Answer all that waits, and from now on at once."""
        self.hold = False
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            one()

    def _caps(self, virt_type: str, arch: str, machine: str) -> CapsAnswer:
        if self.lost:
            return CapsAnswer(problem=self.lost)
        name = "domcaps-x86-q35-intel-kvm.xml"
        if virt_type == "qemu":
            name = "domcaps-x86-pc-tcg.xml" if "pc" in machine else "domcaps-x86-q35-tcg.xml"
        caps: DomainCaps = read_domain_caps(document(name))
        return CapsAnswer(caps._replace(arch=arch or caps.arch))

    def _answer(self, make: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        # As a host's own: nobody who stops waiting cancels what is under way.
        future.set_running_or_notify_cancel()
        if self.hold:
            self.waiting.append(lambda: future.set_result(make()))
        else:
            future.set_result(make())
        return future
