"""Counts from QEMU's trace log.

The logs in labtraces/ were written by QEMU 7.2 under TCG while the Lab's appliance (Linux 6.1) made
three 4 KiB reads at depth 1, or sent three frames; of LSI's script RAM only every ninth line is
kept.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tuivm.lab import models, trace
from tuivm.lab.ports import LabError, SpareDevice
from tuivm.model.lab import Tally

LOGS = Path(__file__).with_name("labtraces")
READS = 3


def _log(name: str) -> bytes:
    return (LOGS / f"{name}.txt").read_bytes()


def _tally(name: str, subject: str = "") -> Tally:
    return trace.tally(_log(name), models.BY_ID[subject or name].subject, READS, None)


@pytest.mark.parametrize(
    ("name", "each", "registers"),
    [
        ("ide", 26, {"ide": 48, "piix-bmdma": 27, "bmdma": 3}),
        ("usb", 24, {"runtime": 36, "operational": 18, "doorbell": 18}),
        ("ahci", 7, {"ahci": 21}),
        ("lsi", 4, {"lsi-mmio": 12}),
        ("nvme", 2, {"nvme": 6}),
        ("pcnet", 16, {"pcnet-io": 48}),
        ("e1000", 6, {"e1000-mmio": 18}),
        ("rtl8139", 4, {"rtl8139": 12}),
        ("e1000e", 2, {"e1000e-mmio": 6}),
    ],
)
def test_registers_of_an_emulated_device(name: str, each: int, registers: dict[str, int]) -> None:
    tally = _tally(name)
    assert tally.traps == each
    assert dict(tally.registers) == registers
    assert tally.notifications is None
    assert tally.subject == name
    assert tally.source == "trace"


@pytest.mark.parametrize("name", ["virtio-scsi", "virtio-net"])
def test_one_kick_a_request_and_no_register(name: str) -> None:
    tally = _tally(name)
    assert (tally.notifications, dict(tally.registers)) == (READS, {})
    assert tally.traps == 1


@pytest.mark.parametrize("name", ["virtio-blk", "virtio-blk-iothread"])
def test_the_appliance_asks_a_virtio_disk_for_its_serial_number_once(name: str) -> None:
    assert _tally(name).notifications == READS + 1


def test_what_any_guest_does_is_apart() -> None:
    apart = _tally("virtio-blk").apart
    # 34 writes to the APIC are the guest's own; those by "cpu -1" are
    # QEMU's messages for a device. One kick of the port, and one of the other virtio disk.
    assert apart == {"interrupt controller": 34, "timer": 3, "serial line": 1, "other": 1}


def test_script_ram_is_apart_and_without_the_fetches_of_the_device_itself() -> None:
    lines = [line for line in _log("lsi").splitlines() if b"'lsi-ram'" in line]
    by_cpu = [line for line in lines if b"cpu 0 " in line]
    assert 0 < len(by_cpu) < len(lines)
    assert _tally("lsi").apart["script RAM"] == len(by_cpu)


@pytest.mark.parametrize(
    ("subject", "log", "each"),
    [
        ("q35-emulated", "ahci", 7),
        ("i440fx-emulated", "ahci", 7),
        ("q35", "virtio-scsi", 1),
        ("iothread-on", "virtio-scsi", 1),
    ],
)
def test_the_lessons_have_devices_too(subject: str, log: str, each: int) -> None:
    assert _tally(log, subject).traps == each


def test_without_an_ioeventfd_a_kick_counts_once() -> None:
    log = (
        "1@1.1:memory_region_ops_write cpu 0 mr 0x1 addr 0xfe003000 value 0x0 size 2 "
        "name 'virtio-pci-notify-virtio-blk'\n"
        "1@1.2:virtio_queue_notify vdev 0x2 n 0 vq 0x3\n"
        "1@1.3:memory_region_ops_read cpu 0 mr 0x1 addr 0xfe001000 value 0x1 size 1 "
        "name 'virtio-pci-isr-virtio-blk'\n"
    )
    tally = trace.tally(log, models.BY_ID["virtio-blk"].subject, 1, 1)
    assert tally.notifications == 1
    assert tally.registers == {"virtio-pci-isr-virtio-blk": 1}
    assert tally.traps == 2
    assert tally.interrupts == 1


def test_receive_queues_and_the_peer_do_not_count() -> None:
    lines = ["1@1.1:virtio_queue_notify vdev 0xa n 1 vq 0x1"] * 3
    lines += ["1@1.1:virtio_queue_notify vdev 0xa n 0 vq 0x1"] * 5
    lines += ["1@1.1:virtio_queue_notify vdev 0xb n 0 vq 0x1"] * 7
    lines += ["1@1.1:virtio_queue_notify vdev 0xc n 5 vq 0x1"] * 9
    tally = trace.tally("\n".join(lines), models.BY_ID["virtio-net"].subject, 3, None)
    assert tally.notifications == 3
    assert tally.apart == {"other": 12, "serial line": 9}


@pytest.mark.parametrize("subject", ["nvme", "virtio-net"])
def test_a_device_that_was_not_touched_is_not_counted_as_none(subject: str) -> None:
    with pytest.raises(LabError, match="shows no access"):
        trace.tally(_log("ide"), models.BY_ID[subject].subject, 3, 3)


def test_what_qemu_does_not_see_is_not_counted_as_none() -> None:
    with pytest.raises(LabError, match="kernel takes the kicks"):
        _tally("virtio-net", "virtio-net-vhost")
    spare = models.passthrough(SpareDevice("0000:01:00.0", "disk", "NVMe SSD"))
    with pytest.raises(LabError, match="silicon"):
        trace.tally(_log("nvme"), spare, 3, 3)
