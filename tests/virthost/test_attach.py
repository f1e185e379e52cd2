"""Devices of the virtual host given to its guests and taken back: seen in the guest, and by the
host's drivers."""

from __future__ import annotations

import libvirt
import pytest

from tests.support.rig import wait_until
from tests.virthost.site import (
    AHCI,
    CALL,
    E1000E,
    ISA,
    NIC,
    ROOT_DISK,
    SMBUS,
    USB_DISK,
    USB_DISK_IDS,
    WAY_IN,
    Seer,
    Site,
    passed,
    removed,
)
from tuivm.model.hosts import Problem
from tuivm.model.requests import Outcome, Save, When
from tuivm.model.spec import Passed, PassKind
from tuivm.preflight.passing import VerdictKind
from tuivm.preflight.remedies import explain

# The first test builds the disk and boots, which has deadlines of its own.
pytestmark = pytest.mark.timeout(3600)

THE_NIC = Passed(PassKind.PCI, NIC)
THE_USB_DISK = Passed(PassKind.USB_PORT, USB_DISK)
VIRSH_HOSTDEV = (
    "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
    "<address domain='0' bus='1' slot='0' function='0'/></source></hostdev>"
)
"""The NIC, as another client gives it away."""


def done(outcome: Outcome) -> None:
    assert outcome.problem is None, outcome


def refused(outcome: Outcome) -> Problem:
    assert outcome.problem is not None, outcome
    return outcome.problem


def words(problem: Problem) -> str:
    return " ".join((problem.what, problem.reason, problem.cause, problem.remedy))


def test_a_nic_goes_to_a_guest_and_comes_back(site: Site, seer: Seer) -> None:
    done(site.attach(seer.guest, THE_NIC))
    seer.wait_sees(E1000E)
    wait_until(lambda: "eth0" in seer.run("ls /sys/class/net"), CALL, "the guest's driver")
    assert site.driver(NIC) == "vfio-pci"
    verdict = site.verdict(NIC)
    assert verdict.kind is VerdictKind.IN_USE
    assert f"guest {seer.name}" in verdict.words
    assert not verdict.override
    done(site.detach(seer.guest, THE_NIC))
    # It was waited for: no more patience is needed here.
    assert passed(seer.guest) == ()
    assert E1000E not in seer.pci()
    site.wait_driver(NIC, "e1000e")


def test_a_usb_disk_goes_by_its_port(site: Site, seer: Seer) -> None:
    """Whether it is mounted there cannot be seen from here: who has looked types its port."""
    problem = refused(site.attach(seer.guest, THE_USB_DISK))
    assert "lsblk /dev/sda" in words(problem), problem
    assert passed(seer.guest) == ()
    done(site.attach(seer.guest, THE_USB_DISK, typed=True))
    seer.wait_sees(USB_DISK_IDS, seer.usb)
    verdict = site.verdict(USB_DISK)
    assert verdict.kind is VerdictKind.IN_USE
    assert f"guest {seer.name}" in verdict.words
    done(site.detach(seer.guest, THE_USB_DISK))
    seer.wait_misses(USB_DISK_IDS, seer.usb)
    wait_until(
        lambda: site.usb_driver(USB_DISK) == "usb-storage", CALL, "usb-storage to have its disk"
    )


def test_what_the_host_needs_is_refused(site: Site) -> None:
    """The NIC that the connection comes in by and the disk with /: from here it cannot be known
    what hangs on them, which is no leave to take them. A group goes whole or not at all: of these
    three one is a bridge that the host cannot be without."""
    drivers = site.drivers()
    guest = site.guest("greedy")
    with removed(guest):
        for address, named in (
            (WAY_IN, site.way_in()),
            (ROOT_DISK, "/dev/vda"),
            (AHCI, ISA),
            (SMBUS, ISA),
            (ISA, "bridge"),
        ):
            problem = refused(site.attach(guest, Passed(PassKind.PCI, address)))
            assert named in words(problem), problem
            assert passed(guest) == ()
    assert site.drivers() == drivers


def test_what_another_client_took_meanwhile_is_told(site: Site, seer: Seer) -> None:
    order = site.order(seer.guest, THE_NIC)
    other = site.guest("other")
    with removed(other):
        other.attachDeviceFlags(VIRSH_HOSTDEV, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        problem = refused(site.act(seer.guest, order))
        assert "other" in words(problem), problem
        assert passed(seer.guest) == ()
        assert [one.device for one in passed(other)] == [NIC]
    site.wait_driver(NIC, "e1000e")


def test_two_devices_go_together_or_neither_does(site: Site, seer: Seer) -> None:
    """The second of them is another guest's by the time it is asked for."""
    order = site.order(seer.guest, THE_USB_DISK, THE_NIC, typed=True)
    other = site.guest("other")
    with removed(other):
        other.attachDeviceFlags(VIRSH_HOSTDEV, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        refused(site.act(seer.guest, order))
        assert passed(seer.guest) == ()
        assert USB_DISK_IDS not in seer.usb()
    site.wait_driver(NIC, "e1000e")


def test_a_device_waits_for_the_next_boot(site: Site) -> None:
    guest = site.guest("later", start=False)
    with removed(guest):
        done(site.attach(guest, THE_NIC, when=When.NEXT_BOOT))
        assert [one.device for one in passed(guest)] == [NIC]
        assert site.driver(NIC) == "e1000e"
        assert any("later" in one for one in site.device(NIC).used_by)
        done(site.detach(guest, THE_NIC, when=When.NEXT_BOOT))
        assert passed(guest) == ()


def test_a_guest_that_does_not_let_go_is_told_of(site: Site) -> None:
    """One that is paused cannot: the device stays its own."""
    guest = site.guest("still")
    with removed(guest):
        done(site.attach(guest, THE_NIC))
        problem = refused(site.detach(guest, THE_NIC))
        assert "still" in words(problem)
        assert site.driver(NIC) == "vfio-pci"
    site.wait_driver(NIC, "e1000e")


def test_a_guest_with_a_device_is_not_saved_or_moved(site: Site, seer: Seer) -> None:
    done(site.attach(seer.guest, THE_NIC))
    try:
        problem = refused(site.act(seer.guest, Save()))
        assert "VFIO" in problem.reason
        assert problem.cause
        assert "detach" in problem.remedy
        assert seer.alive
        # Away or to itself: the source looks at its devices first.
        moved = site.virthost.run(
            ["virsh", "migrate", "--live", seer.name, "qemu+unix:///system"], check=False
        )
        assert moved.returncode
        cause, remedy = explain(moved.stderr, uri=site.virthost.uri)
        assert cause, moved.stderr
        assert "detach" in remedy
    finally:
        done(site.detach(seer.guest, THE_NIC))
    site.wait_driver(NIC, "e1000e")
