"""What a guest costs its host, read from a /proc of the test's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tuivm.hypervisor.cost import CostReader, passed_through
from tuivm.hypervisor.interrupts import read_interrupts, vfio_interrupts
from tuivm.hypervisor.process import GuestProcess
from tuivm.hypervisor.threads import (
    kernel_vhosts,
    parse_stat,
    read_threads,
    role_in_cgroup,
    role_of,
    start_ticks,
)
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestState
from tuivm.model.samples import ThreadRole

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
QEMU = "qemu-system-x86"
ADDRESS, OTHER_ADDRESS = "0000:03:00.0", "0000:03:00.1"


def stat_line(
    pid: int, comm: str, *, state: str = "S", cpu: int = 7, start: int = 900, guest: int = 0
) -> str:
    """As /proc has it. cpu: clock ticks, of which two were in the kernel."""
    until_faults = f"1 {pid} {pid} 0 -1 138412416 5000 0 3 0"
    sizes = "5368709120 21000 18446744073709551615 1 1 0 0 0 0 268444224 4096 16963 0 0 0"
    return (
        f"{pid} ({comm}) {state} {until_faults} {cpu - 2} 2 0 0 20 0 6 0 {start} "
        f"{sizes} -1 1 0 0 0 {guest} 0 0 0 0 0 0 0 0 0\n"
    )


@dataclass
class FakeProc:
    """A directory with the files of /proc that are read."""

    path: Path

    def task(
        self,
        pid: int,
        tid: int,
        comm: str,
        *,
        run_ns: int | None = None,
        cpu: int = 7,
        guest: int = 0,
    ) -> None:
        """One thread; run_ns: None for a kernel that has no schedstat."""
        for directory in (self.path / f"{pid}/task/{tid}", *self._leader(pid, tid)):
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "stat").write_text(stat_line(tid, comm, cpu=cpu, guest=guest))
            (directory / "comm").write_text(comm + "\n")
            if run_ns is not None:
                (directory / "schedstat").write_text(f"{run_ns} 1234 56\n")

    def _leader(self, pid: int, tid: int) -> list[Path]:
        return [self.path / str(pid)] if pid == tid else []

    def cgroup(self, pid: int, tid: int, text: str) -> None:
        (self.path / f"{pid}/task/{tid}/cgroup").write_text(text)

    def end(self, pid: int, tid: int) -> None:
        """What is left of a thread's directory at the moment when it ends."""
        for path in (self.path / f"{pid}/task/{tid}").iterdir():
            path.unlink()


@pytest.fixture
def proc(tmp_path: Path) -> FakeProc:
    """One QEMU process, 100, with two vCPUs and what else libvirt gives it."""
    fake = FakeProc(tmp_path)
    fake.task(100, 100, QEMU, run_ns=5_000_000)
    fake.task(100, 101, QEMU, run_ns=1_000)
    fake.task(100, 102, "IO mon_iothread", run_ns=2_000)
    fake.task(100, 103, "CPU 0/KVM", run_ns=900_000_000, guest=50)
    fake.task(100, 104, "CPU 1/KVM", run_ns=800_000_000)
    fake.task(100, 105, "IO iothread1", run_ns=3_000)
    fake.task(100, 106, "vhost-100", run_ns=4_000)
    fake.task(100, 107, "worker", run_ns=6_000)
    return fake


def named(proc: FakeProc, *, kvm: bool = True) -> Mapping[tuple[ThreadRole, str], int | None]:
    threads = read_threads(100, 900, kvm=kvm, proc=str(proc.path))
    assert threads is not None
    return {(thread.role, thread.name): thread.cpu_ns for thread in threads}


@pytest.mark.parametrize(
    ("comm", "role", "name"),
    [
        ("CPU 0/KVM", ThreadRole.VCPU, "vCPU 0"),
        ("CPU 127/TCG", ThreadRole.VCPU, "vCPU 127"),
        ("ALL CPUs/TCG", ThreadRole.VCPU, "all vCPUs"),
        ("IO iothread1", ThreadRole.IOTHREAD, "iothread1"),
        ("IO iothread1234", ThreadRole.IOTHREAD, "iothread1234"),
        ("IO mon_iothread", ThreadRole.OTHER, "monitor"),
        ("vhost-4194304", ThreadRole.VHOST, "vhost-4194304"),
        ("worker", ThreadRole.WORKER, "worker"),
        ("iou-wrk-2345", ThreadRole.WORKER, "iou-wrk-2345"),
        ("SPICE Worker", ThreadRole.OTHER, "SPICE Worker"),
        ("vnc_worker", ThreadRole.OTHER, "vnc_worker"),
        ("call_rcu", ThreadRole.OTHER, "call_rcu"),
        ("CPU", ThreadRole.OTHER, "CPU"),
        ("IO ", ThreadRole.OTHER, "IO "),
        ("", ThreadRole.OTHER, ""),
    ],
)
def test_roles_by_name(comm: str, role: ThreadRole, name: str) -> None:
    assert role_of(comm) == (role, name)


@pytest.mark.parametrize(
    ("line", "role", "name"),
    [
        (
            r"0::/machine.slice/machine-qemu\x2d1\x2dvm.scope/libvirt/vcpu3",
            ThreadRole.VCPU,
            "vCPU 3",
        ),
        ("5:cpu,cpuacct:/machine/qemu-1-vm.libvirt-qemu/vcpu0", ThreadRole.VCPU, "vCPU 0"),
        (
            r"0::/machine.slice/machine-qemu\x2d1\x2dvm.scope/libvirt/iothread2",
            ThreadRole.IOTHREAD,
            "iothread2",
        ),
        (
            r"0::/machine.slice/machine-qemu\x2d1\x2dvm.scope/libvirt/emulator",
            ThreadRole.OTHER,
            "qemu",
        ),
        # A guest may have such a name.
        (r"0::/machine.slice/machine-qemu\x2d1\x2dvcpu3.scope", ThreadRole.OTHER, "qemu"),
        ("0::/", ThreadRole.OTHER, "qemu"),
        ("", ThreadRole.OTHER, "qemu"),
    ],
)
def test_roles_by_control_group(line: str, role: ThreadRole, name: str) -> None:
    other = "9:memory:/machine/x\n"
    assert role_in_cgroup(f"{other}{line}\n", "qemu") == (role, name)


def test_a_stat_line_with_brackets_and_blanks_in_the_name() -> None:
    stat = parse_stat(stat_line(7, "CPU 0) S (x", state="R", cpu=12, start=345, guest=6))
    assert stat == ("CPU 0) S (x", "R", 12, 345, 6)


@pytest.mark.parametrize("text", ["", "7", "7 (a", "7 (a) S 1 2", "7 (a) S" + " x" * 50])
def test_what_is_no_stat_line(text: str) -> None:
    assert parse_stat(text) is None


def test_a_whole_process(proc: FakeProc) -> None:
    assert named(proc) == {
        (ThreadRole.MAIN, "main loop"): 5_000_000,
        (ThreadRole.OTHER, QEMU): 1_000,
        (ThreadRole.OTHER, "monitor"): 2_000,
        (ThreadRole.VCPU, "vCPU 0"): 900_000_000,
        (ThreadRole.VCPU, "vCPU 1"): 800_000_000,
        (ThreadRole.IOTHREAD, "iothread1"): 3_000,
        (ThreadRole.VHOST, "vhost-100"): 4_000,
        (ThreadRole.WORKER, "worker"): 6_000,
    }


@pytest.mark.parametrize(("kvm", "guest_ns"), [(True, 50 * TICK_NS), (False, None)])
def test_guest_time_is_told_of_vcpus_under_kvm_alone(
    proc: FakeProc, kvm: bool, guest_ns: int | None
) -> None:
    threads = read_threads(100, 900, kvm=kvm, proc=str(proc.path))
    assert threads is not None
    by_tid = {thread.tid: thread.guest_ns for thread in threads}
    assert by_tid.pop(103) == guest_ns
    assert by_tid.pop(104) == (0 if kvm else None)
    assert set(by_tid.values()) == {None}


def test_a_process_that_names_itself_like_a_vcpu_is_still_the_main_loop(proc: FakeProc) -> None:
    proc.task(100, 100, "CPU 9/KVM", run_ns=5_000_000)
    assert named(proc)[ThreadRole.MAIN, "main loop"] == 5_000_000


def test_without_schedstat_in_clock_ticks(proc: FakeProc) -> None:
    proc.task(100, 108, "call_rcu", cpu=11)
    assert named(proc)[ThreadRole.OTHER, "call_rcu"] == 11 * TICK_NS


def test_a_schedstat_of_zeros_counts_nothing(proc: FakeProc) -> None:
    """As a kernel writes it that keeps no such statistics."""
    proc.task(100, 108, "call_rcu", run_ns=0, cpu=11)
    assert named(proc)[ThreadRole.OTHER, "call_rcu"] == 11 * TICK_NS


def test_threads_without_names_are_told_apart_by_their_control_groups(proc: FakeProc) -> None:
    for tid in (103, 104, 105):
        proc.task(100, tid, QEMU, run_ns=tid)
    proc.cgroup(100, 103, "0::/machine.slice/x.scope/libvirt/vcpu0\n")
    proc.cgroup(100, 105, "0::/machine.slice/x.scope/libvirt/iothread1\n")
    found = named(proc)
    assert found[ThreadRole.VCPU, "vCPU 0"] == 103
    assert found[ThreadRole.IOTHREAD, "iothread1"] == 105
    assert (ThreadRole.VCPU, "vCPU 1") not in found


def test_a_thread_that_ends_meanwhile_is_left_out(proc: FakeProc) -> None:
    proc.end(100, 107)
    assert (ThreadRole.WORKER, "worker") not in named(proc)
    assert (ThreadRole.VCPU, "vCPU 0") in named(proc)


def test_another_process_with_the_same_id_is_not_the_guest(proc: FakeProc) -> None:
    assert start_ticks(100, str(proc.path)) == 900
    assert read_threads(100, 899, kvm=True, proc=str(proc.path)) is None


def test_an_ended_process_costs_nothing_that_is_known(proc: FakeProc) -> None:
    (proc.path / "100/stat").write_text(stat_line(100, QEMU, state="Z"))
    assert start_ticks(100, str(proc.path)) is None
    assert read_threads(100, 900, kvm=True, proc=str(proc.path)) is None
    assert read_threads(55, 900, kvm=True, proc=str(proc.path)) is None


def test_vhost_as_kernel_threads(proc: FakeProc) -> None:
    proc.task(60, 60, "vhost-100", run_ns=70)
    proc.task(61, 61, "vhost-100", run_ns=71)
    proc.task(62, 62, "vhost-555", run_ns=72)
    proc.task(63, 63, "vhost-user", run_ns=73)
    proc.end(100, 106)
    vhosts = kernel_vhosts(str(proc.path))
    assert {owner: set(tids) for owner, tids in vhosts.items()} == {100: {60, 61}, 555: {62}}
    threads = read_threads(100, 900, kvm=True, vhosts=vhosts[100], proc=str(proc.path))
    assert threads is not None
    found = {thread.tid: thread.cpu_ns for thread in threads if thread.role is ThreadRole.VHOST}
    assert found == {60: 70, 61: 71}


def test_a_reused_id_is_no_vhost(proc: FakeProc) -> None:
    proc.task(60, 60, "bash", run_ns=70)
    threads = read_threads(100, 900, kvm=True, vhosts=(60, 61), proc=str(proc.path))
    assert threads is not None
    assert not {60, 61} & {thread.tid for thread in threads}


INTERRUPTS = """\
            CPU0       CPU1       CPU2       CPU3
   0:         31          0          0          0  IR-IO-APIC    2-edge      timer
  16:          5          0          7          0  IR-IO-APIC   16-fasteoi   vfio-intx(0000:03:00.1)
  17:          9          9          9          9  IR-IO-APIC   17-fasteoi   ehci_hcd:usb1, vfio-intx(0000:00:1d.0)
 130:          0         10        200       3000  IR-PCI-MSIX-0000:03:00.0    0-edge      vfio-msix[0](0000:03:00.0)
 131:          1          0          0          0  IR-PCI-MSIX-0000:03:00.0    1-edge      vfio-msix[1](0000:03:00.0)
 132:          0          4          0          0  PCI-MSI 2097152-edge      vfio-msi[0](0000:04:00.0)
 133:         77          0          0          0  IR-PCI-MSI 524288-edge      nvme0q0
 NMI:          1          2          3          4   Non-maskable interrupts
 PIN:          5          6          7          8   Posted-interrupt notification event
 ERR:          0
 MIS:          0
"""  # noqa: E501 - lines as the kernel writes them


@pytest.mark.parametrize(
    ("addresses", "counts"),
    [
        ({ADDRESS, OTHER_ADDRESS}, {ADDRESS: 3211, OTHER_ADDRESS: 12}),
        ({"0000:04:00.0"}, {"0000:04:00.0": 4}),
        # The line is another device's too.
        ({"0000:00:1d.0"}, {}),
        # Nothing is bound to it: that is not 0 interrupts.
        ({"0000:05:00.0"}, {}),
        (set(), {}),
    ],
)
def test_interrupts_by_device(addresses: set[str], counts: dict[str, int]) -> None:
    assert vfio_interrupts(INTERRUPTS, addresses) == counts


def test_interrupts_of_a_large_machine() -> None:
    cpus = 384
    header = " " * 11 + " ".join(f"CPU{number:<7}" for number in range(cpus))
    row = " ".join(f"{number:10}" for number in range(cpus))
    vector = f" 200: {row}  IR-PCI-MSIX-{ADDRESS}    0-edge      vfio-msix[0]({ADDRESS})"
    assert vfio_interrupts(f"{header}\n{vector}\n", {ADDRESS}) == {ADDRESS: sum(range(cpus))}


@pytest.mark.parametrize("text", ["", "no header", INTERRUPTS.replace("3000", "x")])
def test_interrupts_that_cannot_be_read(text: str) -> None:
    assert vfio_interrupts(text, {"0000:03:00.0"}).get("0000:03:00.0") in (None, 1)


def test_a_machine_without_the_file(tmp_path: Path) -> None:
    assert read_interrupts({ADDRESS}, str(tmp_path / "none")) == {}


def hostdev(
    source: str, *, kind: str = "hostdev", cls: str = "physical", bus: str = "pci"
) -> Device:
    return Device(DeviceKind(kind), DeviceClass(cls), "vfio-pci", source=source, bus=bus)


def guest(uuid: str = "u", *devices: Device, domain_id: int = 1) -> Guest:
    return Guest(
        GuestKey("here", uuid),
        uuid,
        GuestState.RUNNING,
        domain_id=domain_id,
        details=GuestDetails(devices=devices),
    )


def test_which_devices_may_have_interrupts() -> None:
    devices = (
        hostdev(ADDRESS),
        hostdev(OTHER_ADDRESS, kind="nic"),
        hostdev("1234:5678", bus="usb"),
        hostdev("", kind="nic"),
        hostdev("0000:09:00.0", kind="nic", cls="emulated"),
    )
    assert passed_through(guest("u", *devices)) == {ADDRESS, OTHER_ADDRESS}
    assert passed_through(Guest(GuestKey("here", "u"), "u")) == frozenset()


PROCESS = GuestProcess(pid=100, started_at=1.0, start_ticks=900, accelerator="kvm")


def test_the_cost_of_one_guest_is_not_anothers(proc: FakeProc) -> None:
    (proc.path / "interrupts").write_text(INTERRUPTS)
    costs = CostReader(str(proc.path))
    costs.found("u", 1, PROCESS)
    costs.found("v", 2, None)
    found = costs.read([guest("u", hostdev(ADDRESS)), guest("v", domain_id=2)])
    assert found["u"].threads is not None
    assert {thread.tid for thread in found["u"].threads} == set(range(100, 108))
    assert found["u"].interrupts == {ADDRESS: 3211}
    assert found["v"].threads is None
    assert found["v"].interrupts == {}


def test_a_guest_whose_process_was_not_looked_for_has_no_cost_yet(proc: FakeProc) -> None:
    costs = CostReader(str(proc.path))
    assert costs.read([guest()]) == {}
    costs.found("u", 1, PROCESS)
    assert set(costs.read([guest()])) == {"u"}
    assert costs.read([guest(domain_id=2)]) == {}, "it was started again"
    costs.keep(["other"])
    assert costs.read([guest()]) == {}


def test_a_process_that_is_gone_has_no_threads(proc: FakeProc) -> None:
    costs = CostReader(str(proc.path))
    costs.found("u", 1, PROCESS._replace(start_ticks=1))
    costs.found("v", 1, PROCESS._replace(start_ticks=None))
    found = costs.read([guest("u"), guest("v")])
    assert [cost.threads for cost in found.values()] == [None, None]


def test_kernel_threads_are_a_guests_own(proc: FakeProc) -> None:
    proc.task(60, 60, "vhost-100", run_ns=70)
    costs = CostReader(str(proc.path))
    costs.found("u", 1, PROCESS)
    threads = costs.read([guest()])["u"].threads
    assert threads is not None
    assert {thread.tid for thread in threads if thread.role is ThreadRole.VHOST} == {60, 106}
