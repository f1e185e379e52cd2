"""Bulk statistics records, as libvirt 9.0 gives them, to samples."""

from __future__ import annotations

import libvirt

from tuivm.hypervisor.bulkstats import Record, sample_of, stats_flags
from tuivm.model.ports import Groups
from tuivm.model.samples import BalloonFigures, DiskCounters, NicCounters

RECORD: Record = {
    "state.state": 1,
    "state.reason": 1,
    "cpu.time": 5_000,
    "cpu.user": 3_000,
    "cpu.system": 2_000,
    "balloon.current": 16384,
    "balloon.maximum": 32768,
    "balloon.rss": 40000,
    "block.count": 2,
    "block.0.name": "vda",
    "block.0.path": "/x/a.qcow2",
    "block.0.backingIndex": 1,
    "block.0.rd.reqs": 7,
    "block.0.rd.bytes": 7168,
    "block.0.rd.times": 900,
    "block.0.wr.reqs": 0,
    "block.0.allocation": 196_616,
    "block.1.name": "sda",
    "net.count": 1,
    "net.0.name": "vnet3",
    "net.0.rx.bytes": 1,
    "net.0.rx.pkts": 2,
    "net.0.tx.drop": 3,
    "vcpu.current": 2,
    "vcpu.maximum": 4,
    "vcpu.0.state": 1,
    "vcpu.0.time": 111,
    "vcpu.0.halted": False,
    "vcpu.0.exits.sum": 12,
    "vcpu.0.io_exits.sum": 5,
    "vcpu.0.io_exits.cur": 4,
    "vcpu.3.state": 1,
    "vcpu.3.halted": True,
}


def test_a_whole_record() -> None:
    sample = sample_of(RECORD, 9.5)
    assert sample is not None
    assert sample.at == 9.5
    assert (sample.cpu_ns, sample.cpu_user_ns, sample.cpu_system_ns) == (5_000, 3_000, 2_000)
    assert sample.balloon == BalloonFigures(current=16384, maximum=32768, rss=40000)
    assert sample.disks == (
        DiskCounters("vda", rd_bytes=7168, rd_reqs=7, rd_ns=900, wr_reqs=0, allocation=196_616),
        DiskCounters("sda"),
    )
    assert sample.nics == (NicCounters("vnet3", rx_bytes=1, rx_pkts=2, tx_drop=3),)


def test_vcpus_keep_their_numbers_and_count_exits_by_name() -> None:
    sample = sample_of(RECORD, 0.0)
    assert sample is not None
    assert sample.vcpus is not None
    first, last = sample.vcpus
    assert (first.number, first.time_ns, first.halted) == (0, 111, False)
    assert dict(first.exits) == {"exits": 12, "io_exits": 5}
    assert (last.number, last.time_ns, last.halted, dict(last.exits)) == (3, None, True, {})


KVM_VCPU: Record = {
    "vcpu.current": 1,
    "vcpu.maximum": 1,
    "vcpu.0.state": 1,
    "vcpu.0.time": 115_940_000_000,
    "vcpu.0.wait": 0,
    "vcpu.0.delay": 34_399_069_382,
    "vcpu.0.exits.sum": 5_468_522,
    "vcpu.0.io_exits.sum": 2_425_489,
    "vcpu.0.mmio_exits.sum": 151_641,
    "vcpu.0.signal_exits.sum": 1,
    "vcpu.0.halt_exits.sum": 132_437,
    "vcpu.0.irq_exits.sum": 123_134,
    "vcpu.0.irq_window_exits.sum": 44_868,
    "vcpu.0.request_irq_exits.sum": 0,
    "vcpu.0.notify_window_exits.sum": 0,
    "vcpu.0.irq_injections.sum": 230_535,
    "vcpu.0.insn_emulation.sum": 691_263,
    "vcpu.0.nested_run.sum": 0,
    "vcpu.0.halt_wait_ns.sum": 7_021_710_117_997,
    "vcpu.0.halt_poll_success_ns.sum": 626_050_059,
    "vcpu.0.blocking.cur": True,
    "vcpu.0.guest_mode.cur": False,
    "vcpu.0.some_depth.max": 9,
}
"""What libvirt 8.9 and later hand on of a vCPU under KVM: it names what QEMU's query-stats names,
each with .sum for a counter, .cur for a momentary value and .max for a peak."""


def test_every_counter_of_kvm_is_taken_whatever_its_name() -> None:
    sample = sample_of({**KVM_VCPU, "vcpu.0.not_thought_of_yet.sum": 3}, 0.0)
    assert sample is not None
    assert sample.vcpus is not None
    (vcpu,) = sample.vcpus
    assert (vcpu.time_ns, vcpu.wait_ns, vcpu.delay_ns) == (115_940_000_000, 0, 34_399_069_382)
    counters = {
        key.removeprefix("vcpu.0.").removesuffix(".sum"): value
        for key, value in KVM_VCPU.items()
        if key.endswith(".sum")
    }
    assert vcpu.exits == {**counters, "not_thought_of_yet": 3}
    assert {"exits", "io_exits", "mmio_exits", "halt_exits", "irq_injections"} <= set(vcpu.exits)


def test_a_vcpu_without_kvm_reports_no_exits_and_they_are_not_zero() -> None:
    bare = {key: value for key, value in KVM_VCPU.items() if key.count(".") < 3}
    sample = sample_of(bare, 0.0)
    assert sample is not None
    assert sample.vcpus is not None
    assert [(vcpu.time_ns, dict(vcpu.exits)) for vcpu in sample.vcpus] == [(115_940_000_000, {})]


def test_what_is_missing_is_not_zero() -> None:
    sample = sample_of({"state.state": 1, "cpu.time": 1}, 0.0)
    assert sample is not None
    assert sample.balloon is None
    assert sample.disks is None
    assert sample.nics is None
    assert sample.vcpus is None


def test_none_at_all_is_not_the_same_as_not_told() -> None:
    sample = sample_of({"cpu.time": 1, "block.count": 0, "net.count": 0}, 0.0)
    assert sample is not None
    assert sample.disks == ()
    assert sample.nics == ()


def test_a_record_without_counters_is_no_sample() -> None:
    assert sample_of({"state.state": 5, "state.reason": 1}, 0.0) is None


def test_a_backing_chain_is_not_more_disks() -> None:
    record: Record = {
        "block.count": 3,
        "block.0.name": "vda",
        "block.0.rd.bytes": 10,
        "block.1.name": "vda",
        "block.1.backingIndex": 1,
        "block.1.rd.bytes": 99,
        "block.2.name": "vdb",
    }
    sample = sample_of(record, 0.0)
    assert sample is not None
    assert sample.disks == (DiskCounters("vda", rd_bytes=10), DiskCounters("vdb"))


def test_each_group_has_its_flag() -> None:
    assert stats_flags(Groups.CPU | Groups.NET) == (
        libvirt.VIR_DOMAIN_STATS_CPU_TOTAL | libvirt.VIR_DOMAIN_STATS_INTERFACE
    )
    assert stats_flags(Groups(0)) == 0
