"""libvirt's bulk statistics (virDomainListGetStats) to samples. Pure, but for libvirt's numbers.

Field names are those of libvirt's virConnectGetAllDomainStats documentation. With NOWAIT a record
is partial while the guest is busy: what is missing is None.
"""

from __future__ import annotations

from collections.abc import Mapping

import libvirt

from tuivm.model.ports import Groups
from tuivm.model.samples import (
    BalloonFigures,
    DiskCounters,
    GuestSample,
    NicCounters,
    VcpuCounters,
)

StatValue = int | float | bool | str
Record = Mapping[str, StatValue]

GROUP_FLAGS = {
    Groups.CPU: libvirt.VIR_DOMAIN_STATS_CPU_TOTAL,
    Groups.BALLOON: libvirt.VIR_DOMAIN_STATS_BALLOON,
    Groups.BLOCK: libvirt.VIR_DOMAIN_STATS_BLOCK,
    Groups.NET: libvirt.VIR_DOMAIN_STATS_INTERFACE,
    Groups.VCPU: libvirt.VIR_DOMAIN_STATS_VCPU,
}
_SUM = ".sum"


def stats_flags(groups: Groups) -> int:
    """The VIR_DOMAIN_STATS_* of the groups; those that libvirt does not have count for none."""
    flags = 0
    for group in groups:
        flags |= GROUP_FLAGS.get(group, 0)
    return flags


def sample_of(record: Record, at: float) -> GuestSample | None:
    """One guest's record as a sample, or None when there is no counter in it at all.

    at: monotonic seconds when the answer arrived.
    """
    sample = GuestSample(
        at=at,
        cpu_ns=_number(record, "cpu.time"),
        cpu_user_ns=_number(record, "cpu.user"),
        cpu_system_ns=_number(record, "cpu.system"),
        balloon=_balloon(record),
        vcpus=_vcpus(record),
        disks=_disks(record),
        nics=_nics(record),
    )
    return None if sample == GuestSample(at) else sample


def _number(record: Record, key: str) -> int | None:
    value = record.get(key)
    return value if isinstance(value, int) else None


def _balloon(record: Record) -> BalloonFigures | None:
    figures = BalloonFigures(
        current=_number(record, "balloon.current"),
        maximum=_number(record, "balloon.maximum"),
        available=_number(record, "balloon.available"),
        unused=_number(record, "balloon.unused"),
        usable=_number(record, "balloon.usable"),
        rss=_number(record, "balloon.rss"),
        swap_in=_number(record, "balloon.swap_in"),
        swap_out=_number(record, "balloon.swap_out"),
        major_faults=_number(record, "balloon.major_fault"),
        minor_faults=_number(record, "balloon.minor_fault"),
    )
    return None if figures == BalloonFigures() else figures


def _disks(record: Record) -> tuple[DiskCounters, ...] | None:
    count = _number(record, "block.count")
    if count is None:
        return None
    # Entries of a backing chain follow their disk under the same name: the first is the disk.
    disks: dict[str, DiskCounters] = {}
    for index in range(count):
        prefix = f"block.{index}."
        name = record.get(prefix + "name")
        if isinstance(name, str) and name not in disks:
            disks[name] = DiskCounters(
                name=name,
                rd_bytes=_number(record, prefix + "rd.bytes"),
                rd_reqs=_number(record, prefix + "rd.reqs"),
                rd_ns=_number(record, prefix + "rd.times"),
                wr_bytes=_number(record, prefix + "wr.bytes"),
                wr_reqs=_number(record, prefix + "wr.reqs"),
                wr_ns=_number(record, prefix + "wr.times"),
                fl_reqs=_number(record, prefix + "fl.reqs"),
                fl_ns=_number(record, prefix + "fl.times"),
                errors=_number(record, prefix + "errors"),
                allocation=_number(record, prefix + "allocation"),
                capacity=_number(record, prefix + "capacity"),
                physical=_number(record, prefix + "physical"),
            )
    return tuple(disks.values())


def _nics(record: Record) -> tuple[NicCounters, ...] | None:
    count = _number(record, "net.count")
    if count is None:
        return None
    nics = []
    for index in range(count):
        prefix = f"net.{index}."
        name = record.get(prefix + "name")
        if isinstance(name, str):
            nics.append(
                NicCounters(
                    name=name,
                    rx_bytes=_number(record, prefix + "rx.bytes"),
                    rx_pkts=_number(record, prefix + "rx.pkts"),
                    rx_errs=_number(record, prefix + "rx.errs"),
                    rx_drop=_number(record, prefix + "rx.drop"),
                    tx_bytes=_number(record, prefix + "tx.bytes"),
                    tx_pkts=_number(record, prefix + "tx.pkts"),
                    tx_errs=_number(record, prefix + "tx.errs"),
                    tx_drop=_number(record, prefix + "tx.drop"),
                )
            )
    return tuple(nics)


def _vcpus(record: Record) -> tuple[VcpuCounters, ...] | None:
    """vCPUs may be numbered with holes (hotplug), so the numbers come from the keys."""
    if "vcpu.current" not in record:
        return None
    exits: dict[int, dict[str, int]] = {}
    for key, value in record.items():
        group, _, rest = key.partition(".")
        number, _, name = rest.partition(".")
        if group == "vcpu" and number.isdigit():
            counters = exits.setdefault(int(number), {})
            if name.endswith(_SUM) and isinstance(value, int):
                counters[name.removesuffix(_SUM)] = value
    return tuple(_vcpu(record, number, exits[number]) for number in sorted(exits))


def _vcpu(record: Record, number: int, exits: Mapping[str, int]) -> VcpuCounters:
    prefix = f"vcpu.{number}."
    halted = record.get(prefix + "halted")
    return VcpuCounters(
        number=number,
        state=_number(record, prefix + "state"),
        time_ns=_number(record, prefix + "time"),
        wait_ns=_number(record, prefix + "wait"),
        delay_ns=_number(record, prefix + "delay"),
        # libvirt-python hands booleans over as such, older versions as 0 and 1.
        halted=None if halted is None else bool(halted),
        exits=exits,
    )
