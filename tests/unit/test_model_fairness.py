from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.compared import BACKING, DB_VDA, WEB_HDA
from tuivm.model.comparison import DeviceRef, Figure, Row
from tuivm.model.devices import Backing, DeviceClass, DeviceKind
from tuivm.model.fairness import unfair

ONE = Row(
    WEB_HDA,
    "web",
    "local",
    "ide-hd",
    DeviceClass.EMULATED,
    backing=BACKING,
    figures={"throughput": Figure(409_600.0), "iops": Figure(100.0)},
    seconds=60.0,
    reading=0.5,
    virt_type="kvm",
    vcpus=2,
)
TWO = replace(ONE, ref=DB_VDA, guest="db", model="virtio-blk", cls=DeviceClass.PARAVIRTUAL)
NIC = DeviceRef(DB_VDA.guest, DeviceKind.NIC, "vnet0")
NIC_ONE = replace(ONE, ref=NIC, backing=Backing(kind="bridge", vhost="on"))
NIC_TWO = replace(NIC_ONE, ref=NIC._replace(target="vnet1"))


def reasons(*rows: Row) -> str:
    return "\n".join(found.reason for found in unfair(rows))


def test_alike_but_for_the_class_is_fair() -> None:
    assert unfair((ONE, TWO)) == ()
    assert unfair((NIC_ONE, NIC_TWO)) == ()
    assert unfair((replace(ONE, virt_type="qemu"),)) == unfair(()) == ()


@pytest.mark.parametrize(
    ("backing", "reason"),
    [
        (BACKING._replace(cache="writeback"), "cache mode differs: none (web hda); writeback (db"),
        (BACKING._replace(cache=""), "cache mode differs: none (web hda); not set (db vda)"),
        (BACKING._replace(io="threads"), "aio (io=) differs: native (web hda); threads (db vda)"),
        (BACKING._replace(format="raw"), "image format differs: qcow2 (web hda); raw (db vda)"),
        (BACKING._replace(discard="unmap"), "discard differs: not set (web hda); unmap (db vda)"),
        (BACKING._replace(iothread="1"), "I/O thread differs: not set (web hda); 1 (db vda)"),
        (BACKING._replace(kind="block"), "what is behind the disk differs: file (web hda); block"),
        (BACKING._replace(throttled=True), "throttled: a limit is set on db vda"),
    ],
)
def test_disks_that_are_backed_differently(backing: Backing, reason: str) -> None:
    found = unfair((ONE, replace(TWO, backing=backing)))
    assert len(found) == 1
    assert found[0].reason.startswith(reason)
    assert DB_VDA in found[0].refs


def test_which_of_several_io_threads_serves_a_disk_does_not_matter() -> None:
    rows = [
        replace(one, backing=BACKING._replace(iothread=name))
        for one, name in ((ONE, "1"), (TWO, "2"))
    ]
    assert unfair(rows) == ()


def test_nics_that_are_backed_differently() -> None:
    user = replace(NIC_TWO, backing=Backing(kind="user", vhost="off"))
    found = reasons(NIC_ONE, user)
    assert "network backend differs: bridge (web vnet0); user (web vnet1)" in found
    assert "vhost differs: on (web vnet0); off (web vnet1)" in found


def test_a_passed_through_device_has_no_backing_to_differ() -> None:
    assert unfair((NIC_ONE, replace(NIC_TWO, backing=None, figures={}, reading=None))) == ()


def test_disks_against_nics() -> None:
    assert "disks against NICs" in reasons(ONE, NIC_ONE)


def test_one_is_idle() -> None:
    idle = replace(TWO, figures={"throughput": Figure(0.0), "iops": Figure(0.4)}, reading=None)
    found = unfair((ONE, idle))
    assert [one.refs for one in found] == [(DB_VDA,)]
    assert found[0].reason == "idle: db vda made less than one I/O a second"
    assert unfair((replace(ONE, figures=idle.figures, reading=None), idle)) == ()


def test_different_hosts_and_hypervisors() -> None:
    assert "different hosts: local (web hda); rack7 (db vda)" in reasons(
        ONE, replace(TWO, host="rack7")
    )
    mixed = reasons(ONE, replace(TWO, virt_type="qemu"))
    assert "TCG against a hypervisor: KVM (web hda); TCG (db vda)" in mixed
    assert "a trap costs no more" in mixed
    alike = reasons(replace(ONE, virt_type="qemu"), replace(TWO, virt_type="qemu"))
    assert "a trap costs no more" in alike
    assert "against" not in alike
    assert "different hypervisors: kvm (web hda); xen (db vda)" in reasons(
        ONE, replace(TWO, virt_type="xen")
    )
    assert unfair((ONE, replace(TWO, virt_type=""))) == ()


def test_vcpus_matter_less() -> None:
    assert "vCPUs (matters less): 2 (web hda); 8 (db vda)" in reasons(ONE, replace(TWO, vcpus=8))


def test_different_work() -> None:
    large = {"throughput": Figure(6_553_600.0), "iops": Figure(100.0)}
    assert "differs more than twofold" in reasons(ONE, replace(TWO, figures=large))
    twice = {"throughput": Figure(819_200.0), "iops": Figure(100.0)}
    assert unfair((ONE, replace(TWO, figures=twice))) == ()
    writing = reasons(ONE, replace(TWO, reading=0.0))
    assert "the share of reads differs: 50% (web hda); 0% (db vda)" in writing


def test_measured_over_less_time() -> None:
    assert "measured over less time than 1m 0s: 20s (db vda)" in reasons(
        ONE, replace(TWO, seconds=20.0)
    )
    assert unfair((ONE, replace(TWO, seconds=57.0))) == ()


def test_many_are_counted_and_names_are_made_visible() -> None:
    many = [replace(TWO, guest="a\x1b[0m", vcpus=4)] * 6
    found = unfair((ONE, *many))[0].reason
    assert found.endswith("4 (a␛[0m vda, a␛[0m vda, a␛[0m vda, a␛[0m vda and 2 more)")
