"""The demo's two guests on a played host: how they are started, given up under KVM, and removed."""

from __future__ import annotations

import argparse
import errno
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.support.labplayed import ABILITIES, APPLIANCE, FakeGuest, FakeHost
from tuivm.demo import Interface, run_demo
from tuivm.lab.appliance import Appliance
from tuivm.lab.demo import KINDS, Demo
from tuivm.lab.mark import read_mark
from tuivm.lab.ports import LabError, Usage
from tuivm.lab.protocol import HELLO_DEADLINE
from tuivm.lab.stalling import STALLED, patience
from tuivm.model.guests import GuestKey
from tuivm.model.lab import Leftover
from tuivm.options import Options

BOTH = ABILITIES._replace(accelerators=("kvm", "qemu"))
VIRTIO, EMULATED = "tuivm-lab-paravirtual", "tuivm-lab-emulated"


def build(*, say: Callable[[str], None]) -> Appliance:
    say("Building")
    return APPLIANCE


class DemoGuest(FakeGuest):
    """Answers the order to load its devices too, and may refuse to end."""

    def send(self, message: Mapping[str, Any]) -> None:
        if message["do"] != "load":
            super().send(message)
            return
        self.played.before_load()
        self.host.orders.append(message)
        kind = {"type": "failed", "why": "no such disk"} if self.host.failing else {"type": "begun"}
        self._later(0.1, {**kind, "id": message["id"]})

    def receive(self, timeout: float) -> dict[str, object] | None:
        if self.xml.get("type") in self.played.ends:
            self.up = False
        return super().receive(timeout)

    def usage(self) -> Usage:
        # Both run at the same time, on CPUs of their own.
        own = [guest for guest in self.host.guests if guest.xml.get("type") == self.xml.get("type")]
        used = {role: sum(guest.threads[role] for guest in own) for role in self.threads}
        return super().usage()._replace(threads=used)

    def destroy(self) -> None:
        super().destroy()
        if self.name in self.played.stays:
            raise LabError(f"cannot end {self.name}", "it hangs")

    @property
    def played(self) -> DemoHost:
        assert isinstance(self.host, DemoHost)
        return self.host


class DemoHost(FakeHost):
    """taken: names of guests that are there. ends: types of guests that end while they boot. stays:
    names of guests that libvirt cannot end."""

    def __init__(self) -> None:
        super().__init__()
        self.known = ABILITIES
        self.taken: set[str] = set()
        self.ends: set[str] = set()
        self.stays: set[str] = set()
        self.xml: list[str] = []
        self.before_load: Callable[[], None] = lambda: None

    def start(self, xml: str, *, paused: bool = False) -> DemoGuest:
        for text, words in self.refuse.items():
            if text in xml:
                raise LabError("cannot start it", words)
        guest = DemoGuest(self, xml)
        if guest.name in self.taken:
            words = f"operation failed: domain '{guest.name}' already exists with uuid 1b28"
            raise LabError(f"cannot start {guest.name} on rack7", words)
        self.guests.append(guest)
        self.xml.append(xml)
        return guest


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, text: str) -> None:
        self.lines.append(text)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def host() -> DemoHost:
    return DemoHost()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def demo(host: DemoHost, told: Told) -> Demo:
    return Demo(host, build, say=told, clock=host.clock)


def running(host: DemoHost) -> list[str]:
    return [guest.name for guest in host.running]


def test_two_guests_that_differ_in_disk_and_nic_alone(host: DemoHost, demo: Demo) -> None:
    made = demo.start(ABILITIES)
    assert running(host) == [VIRTIO, EMULATED]
    assert demo.accelerator == "qemu"
    assert demo.remarks == []
    assert [one.uuid for one in made] == [guest.xml.findtext("uuid") for guest in host.guests]
    plain = []
    for kind, text in zip(KINDS, host.xml, strict=True):
        assert read_mark(text) is not None, "what a kill leaves can be told by its mark"
        tree = ElementTree.fromstring(text)
        disk, nic = tree.find("devices/disk"), tree.find("devices/interface")
        assert disk is not None
        assert nic is not None
        target, model = disk.find("target"), nic.find("model")
        assert target is not None
        assert model is not None
        assert target.attrib == {"dev": kind.target, "bus": kind.bus}
        assert model.get("type") == kind.nic
        plain.append(
            [
                (one.tag, sorted(one.attrib.items()))
                for one in tree.iter()
                if one.tag in ("memory", "vcpu", "type", "kernel", "initrd", "cmdline", "driver")
            ]
        )
    assert plain[0] == plain[1]


def test_both_get_the_same_work(host: DemoHost, demo: Demo) -> None:
    first, second = demo.start(ABILITIES)
    loads = [order for order in host.orders if order["do"] == "load"]
    assert [load["serials"] for load in loads] == [[first.serial], [second.serial]]
    # Each sends to the other.
    assert [load["macs"] for load in loads] == [
        [[first.mac, second.mac]],
        [[second.mac, first.mac]],
    ]
    work = [{key: load[key] for key in ("rate", "size", "writes")} for load in loads]
    assert work[0] == work[1]


def test_the_nics_share_a_network_where_there_may_be_one_else_sockets(
    host: DemoHost, demo: Demo, told: Told
) -> None:
    demo.start(ABILITIES)
    sources = [guest.xml.find("devices/interface/source") for guest in host.guests]
    ports = [(one.get("port"), one.find("local")) for one in sources if one is not None]
    assert len(ports) == 2
    (one_port, one_local), (other_port, other_local) = ports
    assert one_local is not None
    assert other_local is not None
    assert (one_port, other_port) == (other_local.get("port"), one_local.get("port"))
    assert one_port != other_port
    tapped = DemoHost()
    Demo(tapped, build, say=told, clock=tapped.clock).start(ABILITIES._replace(tap=True))
    networks = {
        one.get("network")
        for guest in tapped.guests
        if (one := guest.xml.find("devices/interface/source")) is not None
    }
    assert networks == {"net-nics"}


def test_close_removes_all_and_may_be_called_again(host: DemoHost, demo: Demo) -> None:
    demo.start(ABILITIES)
    demo.close()
    assert running(host) == []
    assert [place.removed for place in host.places] == [True]
    demo.close()


def test_a_guest_that_cannot_be_ended_keeps_nothing_else(host: DemoHost, demo: Demo) -> None:
    demo.start(ABILITIES)
    host.stays = {VIRTIO}
    with pytest.raises(LabError, match=f"cannot end {VIRTIO}"):
        demo.close()
    assert running(host) == []
    assert host.places[0].removed


def test_a_guest_that_was_ended_from_outside_is_no_trouble(host: DemoHost, demo: Demo) -> None:
    demo.start(ABILITIES)
    host.guests[0].up = False
    demo.close()
    assert host.places[0].removed


def test_kvm_is_taken_where_it_works(host: DemoHost, demo: Demo) -> None:
    host.exits = True
    demo.start(BOTH)
    assert demo.accelerator == "kvm"
    assert demo.remarks == []


def test_kvm_that_gets_nowhere_is_given_up_for_both_and_said_so(
    host: DemoHost, demo: Demo, told: Told
) -> None:
    # Ticks of the host's timer alone.
    host.stuck, host.exits, host.booting = {"kvm"}, True, {"exits": 250}
    began = host.clock()
    demo.start(BOTH)
    assert demo.accelerator == "qemu"
    assert [guest.xml.get("type") for guest in host.running] == ["qemu", "qemu"]
    assert len(host.guests) == 4
    (remark,) = demo.remarks
    assert "KVM made no progress" in remark
    assert "restarted under TCG" in remark
    assert remark in told.text
    assert host.clock() - began < HELLO_DEADLINE, "not waited for to the end"


def test_a_slow_kvm_is_not_given_up(host: DemoHost, demo: Demo) -> None:
    host.exits, host.boot_seconds, host.booting = True, 3 * STALLED, {"io_exits": 100}
    demo.start(BOTH)
    assert demo.accelerator == "kvm"


def test_guests_that_share_a_cpu_have_longer(host: DemoHost, demo: Demo) -> None:
    host.exits = True
    host.boot_seconds = 1.5 * HELLO_DEADLINE
    host.booting = {"io_exits": 100}
    record = ABILITIES.record._replace(cpus=1)
    demo.start(BOTH._replace(record=record))
    assert demo.accelerator == "kvm"


@pytest.mark.parametrize(
    ("guests", "cpus", "virtualized", "expected"),
    [(2, 4, False, 1.0), (2, 1, False, 2.0), (2, None, None, 2.0), (2, 4, True, 1.5)],
)
def test_patience(guests: int, cpus: int | None, virtualized: bool | None, expected: float) -> None:
    assert patience(guests, cpus, virtualized=virtualized) == expected


def test_kvm_that_is_refused_is_given_up(host: DemoHost, demo: Demo) -> None:
    host.refuse = {'type="kvm"': "Could not access KVM kernel module: Permission denied"}
    demo.start(BOTH)
    assert demo.accelerator == "qemu"
    assert "Permission denied: both guests were restarted under TCG." in demo.remarks[0]


def test_what_is_not_kvms_fault_is_not_tried_again(host: DemoHost, demo: Demo, told: Told) -> None:
    host.refuse = {"<domain": "cannot open the kernel: Permission denied"}
    with pytest.raises(LabError, match="cannot start it"):
        demo.start(BOTH)
    assert "TCG" not in told.text


def test_a_guest_that_ends_while_it_boots_under_kvm_is_started_without(
    host: DemoHost, demo: Demo
) -> None:
    host.ends = {"kvm"}
    demo.start(BOTH)
    assert demo.accelerator == "qemu"
    assert "ended while it booted" in demo.remarks[0]


def test_a_guest_that_ends_under_tcg_is_the_end(host: DemoHost, demo: Demo) -> None:
    host.ends = {"qemu"}
    with pytest.raises(LabError, match="is gone"):
        demo.start(ABILITIES)
    demo.close()
    assert host.places[0].removed


def test_guests_that_never_say_a_word(host: DemoHost, demo: Demo) -> None:
    host.stuck = {"qemu"}
    with pytest.raises(LabError, match="said nothing for"):
        demo.start(ABILITIES)
    demo.close()
    assert running(host) == []


def test_names_that_are_taken_are_left_alone_and_others_found(host: DemoHost, demo: Demo) -> None:
    host.taken = {EMULATED}
    made = demo.start(BOTH)
    assert demo.remarks == [], "no fault of KVM's"
    names = running(host)
    assert names == [one.name for one in made]
    assert names[0].startswith(f"{VIRTIO}-")
    assert names[1].startswith(f"{EMULATED}-")


def test_a_host_that_can_run_nothing(host: DemoHost, demo: Demo) -> None:
    with pytest.raises(LabError, match="neither KVM nor TCG"):
        demo.start(ABILITIES._replace(accelerators=()))
    assert host.places == []


def test_a_full_disk_leaves_nothing(host: DemoHost, demo: Demo) -> None:
    host.full = True
    with pytest.raises(LabError, match="No space left") as failure:
        demo.start(ABILITIES)
    assert failure.value.reason == "No space left on device"
    demo.close()
    assert host.guests == []
    assert host.places[0].removed


def test_work_that_cannot_be_done_is_said_in_the_appliances_words(
    host: DemoHost, demo: Demo
) -> None:
    host.failing = {"demo-paravirtual": 1}
    with pytest.raises(LabError, match="no such disk"):
        demo.start(ABILITIES)
    demo.close()
    assert running(host) == []


@pytest.fixture
def command(
    host: DemoHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Interface], int]]:
    """`tuivm demo` on that host, on a terminal of which no key ever comes."""
    monkeypatch.setattr("tuivm.hypervisor.labhost.open_lab_host", lambda _: host)
    monkeypatch.setattr("tuivm.lab.appliance.build", lambda **known: build(say=known["say"]))
    monkeypatch.setattr("tuivm.demo.on_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", StringIO())
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    parsed = argparse.Namespace(kernel=None, modules=None)
    options = Options(connections=("qemu:///session",))
    yield lambda interface: run_demo(parsed, options, interface)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_what_became_of_kvm_reaches_the_screen(
    host: DemoHost, command: Callable[[Interface], int]
) -> None:
    host.known, host.ends = BOTH, {"kvm"}
    shown: list[Options] = []

    def interface(options: Options, guests: Sequence[GuestKey]) -> int:
        shown.append(options)
        assert [key.uuid for key in guests] == [one.xml.findtext("uuid") for one in host.running]
        return 0

    assert command(interface) == 0
    (notice,) = shown[0].notices
    assert "restarted under TCG" in notice
    assert running(host) == []
    assert host.closed == 1


def test_a_terminal_that_goes_away_keeps_no_guest(
    host: DemoHost, command: Callable[[Interface], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    def interface(_options: Options, _guests: Sequence[GuestKey]) -> int:
        monkeypatch.setattr("sys.stderr", Gone())
        return 128 + signal.SIGHUP

    assert command(interface) == 128 + signal.SIGHUP
    assert running(host) == []
    assert host.places[0].removed


def test_a_signal_while_they_boot_keeps_no_guest(
    host: DemoHost, command: Callable[[Interface], int]
) -> None:
    def interface(_options: Options, _guests: Sequence[GuestKey]) -> int:
        raise AssertionError("not reached")

    host.before_load = lambda: signal.raise_signal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        command(interface)
    assert end.value.code == 128 + signal.SIGTERM
    assert running(host) == []
    assert host.places[0].removed
    assert host.closed == 1


def test_leftovers_stay_where_nobody_says_yes(
    host: DemoHost,
    command: Callable[[Interface], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    host.left = (Leftover("rack7", "pool", "tuivm-lab-demo-1b28", "of a run"),)
    assert command(lambda _options, _guests: 0) == 0
    assert "pool tuivm-lab-demo-1b28 (of a run)" in capsys.readouterr().err
    assert host.cleaned == []
