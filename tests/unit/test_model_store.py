"""The store: what snapshots make of it, by host and UUID, and what they must not."""

import pytest

from tuivm.model.devices import Device, DeviceClass, DeviceKind, count_classes
from tuivm.model.guests import Guest, GuestDetails, GuestKey, GuestState
from tuivm.model.history import SeriesKey
from tuivm.model.hosts import HostFacts, HostLoad, HostSpec, HostState, Problem
from tuivm.model.samples import BalloonFigures, DiskCounters, GuestSample
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.store import GONE_FOR, GONE_MOST, STALE_AFTER, Store

UUID = "0b6c8e1e-4a77-4e2c-9b1c-2a2f6b8c9d10"
KEY = GuestKey("local", UUID)
CPU = SeriesKey(KEY, "cpu")
DETAILS = GuestDetails(vcpus=2)


def guest(uuid: str = UUID, host: str = "local", **changes) -> Guest:
    values = {"name": "web", "state": GuestState.RUNNING, "details": DETAILS, **changes}
    return Guest(GuestKey(host, uuid), **values)


GUEST = guest()


def sample(at: float, busy: float) -> GuestSample:
    """A guest that has used `busy` seconds of CPU and read as many bytes by then."""
    return GuestSample(
        at,
        cpu_ns=int(busy * 1e9),
        balloon=BalloonFigures(current=2048, rss=1024),
        disks=(DiskCounters("vda", rd_bytes=int(busy)),),
    )


def snapshot(at: float, *guests: Guest, host: str = "local", **changes) -> HostSnapshot:
    values = {"state": HostState.UP, "generation": 1, **changes}
    return HostSnapshot(host, at, guests={item.key.uuid: item for item in guests}, **values)


def tick(at: float, busy: float, **changes) -> HostSnapshot:
    return snapshot(at, GUEST, samples={UUID: sample(at, busy)}, **changes)


@pytest.fixture
def store() -> Store:
    made = Store()
    made.add_host(HostSpec("local", "qemu:///system"))
    made.add_host(HostSpec("rack7", "qemu+ssh://rack7/system"))
    return made


def seconds_with_values(store: Store, end: float, count: int, key: SeriesKey = CPU) -> list[bool]:
    return [bucket.mean == bucket.mean for bucket in store.history.buckets(key, end, 1.0, count)]


def test_two_samples_make_rates(store: Store) -> None:
    assert store.apply(tick(10.0, 5.0)).added == {KEY}
    view = store.guest(KEY)
    assert view is not None
    assert view.cpu_percent is None
    assert view.rates is not None
    assert view.rates.memory_kib == 1024
    facts = HostFacts(cpus=8)
    assert store.apply(tick(11.0, 6.0)._replace(facts=facts)).changed == {KEY}
    view = store.guest(KEY)
    assert view is not None
    assert (view.cpu_percent, view.host_cpu_percent) == (50.0, 12.5)
    assert store.history.latest(CPU, 11.0, 1.0) == pytest.approx(50.0, rel=1e-3)
    read = store.history.latest(SeriesKey(KEY, "disk.read", "vda"), 11.0, 1.0)
    assert read == pytest.approx(1.0, rel=1e-3)
    memory = store.history.latest(SeriesKey(KEY, "memory"), 11.0, 1.0)
    assert memory == pytest.approx(1024 * 1024, rel=1e-3)


def test_the_same_uuid_on_two_hosts_is_two_guests(store: Store) -> None:
    twin = guest(host="rack7", name="web-copy")
    store.apply(tick(10.0, 5.0))
    store.apply(snapshot(10.0, twin, host="rack7", samples={UUID: sample(10.0, 500.0)}))
    store.apply(tick(11.0, 6.0))
    store.apply(snapshot(11.0, twin, host="rack7", samples={UUID: sample(11.0, 500.0)}))
    assert len(store.guests) == 2
    assert store.guests[KEY].cpu_percent == 50.0
    assert store.guests[twin.key].cpu_percent == 0.0
    assert [view.guest.name for view in store.guests_of("rack7")] == ["web-copy"]
    gone = store.apply(snapshot(12.0, host="rack7"))
    assert gone.removed == {twin.key}
    assert store.guest(KEY) is not None
    assert store.history.latest(CPU, 11.0, 1.0) == pytest.approx(50.0, rel=1e-3)


def test_the_history_of_a_guest_that_vanishes_stays_for_an_hour(store: Store) -> None:
    store.apply(tick(10.0, 5.0))
    store.apply(tick(11.0, 6.0))
    assert store.apply(snapshot(12.0)).removed == {KEY}
    assert store.guest(KEY) is None
    store.apply(snapshot(12.0 + GONE_FOR))
    assert list(store.history.keys()) != []
    store.apply(snapshot(13.0 + GONE_FOR))
    assert list(store.history.keys()) == []


def test_a_guest_that_comes_back_goes_on_after_a_gap(store: Store) -> None:
    store.apply(tick(10.0, 5.0))
    store.apply(tick(11.0, 6.0))
    store.apply(snapshot(12.0))
    assert store.apply(tick(13.0, 700.0)).added == {KEY}
    assert store.guests[KEY].cpu_percent is None
    store.apply(tick(14.0, 700.5))
    assert seconds_with_values(store, 14.0, 4) == [True, False, False, True]
    store.apply(tick(14.0 + GONE_FOR, 800.0))
    assert list(store.history.keys()) != [], "it is not gone"


def test_a_host_that_makes_a_guest_for_each_job_does_not_fill_the_memory(store: Store) -> None:
    for number in range(GONE_MOST + 2):
        job = guest(uuid=f"job-{number}")
        at = 10.0 + 3 * number
        for later in (0.0, 1.0):
            samples = {job.key.uuid: sample(at + later, later)}
            store.apply(snapshot(at + later, job, samples=samples))
        store.apply(snapshot(at + 2))
    kept = {key.guest.uuid for key in list(store.history.keys())}
    assert kept == {f"job-{number}" for number in range(2, GONE_MOST + 2)}
    store.remove_host("local")
    assert list(store.history.keys()) == []


def test_a_new_connection_joins_no_counters_with_the_old_one(store: Store) -> None:
    store.apply(tick(10.0, 5.0))
    store.apply(tick(11.0, 6.0))
    store.apply(tick(12.0, 600.0, generation=2))
    assert store.guests[KEY].cpu_percent is None
    store.apply(tick(13.0, 600.5, generation=2))
    assert store.guests[KEY].cpu_percent == 25.0
    assert seconds_with_values(store, 13.0, 3) == [True, False, True]


def test_a_host_that_was_removed_is_not_brought_back_by_a_late_snapshot(store: Store) -> None:
    store.apply(tick(10.0, 5.0))
    assert store.remove_host("local").removed == {KEY}
    change = store.apply(tick(11.0, 6.0))
    assert (change.added, change.changed, change.removed) == (set(), set(), set())
    assert dict(store.guests) == {}
    assert store.host_names == ("rack7",)
    assert list(store.history.keys()) == []
    assert store.snapshot("local") is None


def test_removing_a_host_forgets_its_own_load_too(store: Store) -> None:
    store.apply(tick(10.0, 5.0)._replace(load=HostLoad(10.0, 1, 2)))
    assert list(store.history.keys()) != []
    store.remove_host("local")
    assert list(store.history.keys()) == []


def test_a_guest_not_sampled_in_this_tick_keeps_its_rates_and_its_identity(store: Store) -> None:
    store.apply(tick(10.0, 5.0))
    store.apply(tick(11.0, 6.0))
    before = store.guests[KEY]
    assert store.apply(snapshot(12.0, GUEST)).changed == set()
    assert store.guests[KEY] is before


def test_a_guest_sampled_in_turns_is_a_line_and_not_dots(store: Store) -> None:
    store.apply(tick(10.0, 5.0))
    for at in range(11, 20):
        store.apply(snapshot(float(at), GUEST))
    store.apply(tick(20.0, 10.0))
    assert store.guests[KEY].cpu_percent == 25.0
    assert seconds_with_values(store, 20.0, 11) == [False] + [True] * 10


def test_a_guest_that_is_off_has_no_rates_and_starts_afresh(store: Store) -> None:
    store.apply(tick(10.0, 5.0))
    store.apply(tick(11.0, 6.0))
    store.apply(snapshot(12.0, guest(state=GuestState.OFF)))
    assert store.guests[KEY].rates is None
    store.apply(tick(13.0, 90.0))
    assert store.guests[KEY].cpu_percent is None


def test_a_restart_between_two_ticks_is_a_gap_and_not_a_spike(store: Store) -> None:
    store.apply(tick(10.0, 5000.0))
    store.apply(tick(11.0, 1.0))
    assert store.guests[KEY].cpu_percent is None
    assert seconds_with_values(store, 11.0, 2) == [False, False]


@pytest.mark.parametrize("said_so", [True, False])
def test_a_host_that_hung_leaves_a_gap(store: Store, said_so: bool) -> None:
    for at in range(10, 13):
        store.apply(tick(float(at), at / 2))
    if said_so:
        for at in range(18, 60, 2):
            store.apply(snapshot(float(at), GUEST, state=HostState.STALE))
    store.apply(tick(60.0, 30.0))
    store.apply(tick(61.0, 31.0))
    filled = seconds_with_values(store, 61.0, 52)
    assert filled == [False, True, True] + [False] * 48 + [True]


def test_a_guest_whose_turn_comes_after_the_gap_does_not_fill_it(store: Store) -> None:
    store.apply(tick(10.0, 1.0))
    store.apply(snapshot(11.0, GUEST))
    store.apply(snapshot(60.0, GUEST))
    store.apply(tick(61.0, 9.0))
    assert not any(seconds_with_values(store, 61.0, 60))
    store.apply(tick(62.0, 9.5))
    assert seconds_with_values(store, 62.0, 2) == [False, True]


def test_the_same_sample_twice_is_one_sample(store: Store) -> None:
    store.apply(tick(10.0, 5.0))
    last = tick(11.0, 6.0)
    store.apply(last)
    store.apply(last._replace(at=12.0))
    assert store.guests[KEY].cpu_percent == 50.0


def test_details_that_arrive_later_change_the_guest(store: Store) -> None:
    store.apply(snapshot(10.0, guest(details=None)))
    assert store.apply(snapshot(11.0, GUEST)).changed == {KEY}
    assert store.guests[KEY].guest.details is DETAILS


def test_a_host_without_a_snapshot_is_connecting(store: Store) -> None:
    status = store.status("local", 5.0)
    assert status.state is HostState.CONNECTING
    assert "connecting" in status.refusal


def test_a_host_turns_stale_by_itself_and_recovers(store: Store) -> None:
    store.apply(tick(10.0, 5.0))
    assert store.status("local", 10.0 + STALE_AFTER).refusal == ""
    late = store.status("local", 17.0)
    assert (late.state, late.stale_for) == (HostState.STALE, 7.0)
    assert "stale 7 s" in late.refusal
    assert (late.guests, late.active) == (1, 1)
    store.apply(tick(18.0, 5.5))
    assert store.status("local", 18.5).state is HostState.UP


def test_a_slow_host_is_stale_later(store: Store) -> None:
    store.apply(tick(10.0, 5.0, interval=10.0))
    assert store.status("local", 20.0).state is HostState.UP


def test_a_lost_host_says_when_it_is_tried_again_and_keeps_its_guests(store: Store) -> None:
    store.apply(tick(10.0, 5.0))
    problem = Problem("lost", "reset")
    store.apply(snapshot(20.0, GUEST, state=HostState.LOST, problem=problem, retry_at=32.0))
    status = store.status("local", 22.0)
    assert (status.state, status.retry_in, status.problem) == (HostState.LOST, 10.0, problem)
    assert store.status("local", 99.0).retry_in == 0.0
    assert "lost" in status.refusal
    assert store.guest(KEY) is not None


def test_read_only_is_the_first_reason(store: Store) -> None:
    store.apply(tick(10.0, 5.0, readonly=True))
    assert "read-only" in store.status("local", 10.0).refusal
    assert [status.spec.name for status in store.statuses(10.0)] == ["local", "rack7"]


def test_classes_are_counted_in_their_order() -> None:
    devices = tuple(
        Device(DeviceKind.DISK, cls, "m", str(number))
        for number, cls in enumerate(
            [DeviceClass.EMULATED, DeviceClass.PARAVIRTUAL, DeviceClass.EMULATED]
        )
    )
    assert list(count_classes(devices).items()) == [
        (DeviceClass.PARAVIRTUAL, 1),
        (DeviceClass.EMULATED, 2),
        (DeviceClass.PHYSICAL, 0),
    ]


def test_every_state_and_class_has_a_glyph_of_its_own_and_one_ascii_letter() -> None:
    assert len({state.glyph for state in GuestState}) == len(GuestState)
    assert all(len(state.letter) == 1 and state.letter.isascii() for state in GuestState)
    assert len({cls.letter for cls in DeviceClass}) == len(DeviceClass)
    assert all(cls.meaning and len(cls.glyph) == 1 for cls in DeviceClass)
    active = {state for state in GuestState if state.active}
    assert active.isdisjoint({GuestState.OFF, GuestState.CRASHED, GuestState.UNKNOWN})


def test_a_label_shows_the_title() -> None:
    assert guest().label == "web"
    assert guest(details=GuestDetails(title="Front")).label == "web (Front)"
    assert guest(details=None).label == "web"


def disks_of(uuid: str, target: str, cls: DeviceClass) -> Guest:
    device = Device(DeviceKind.DISK, cls, "a model", target, counted=True)
    return guest(uuid, details=GuestDetails(vcpus=1, devices=(device,)))


def test_the_io_of_a_host_is_kept_by_class(store: Store) -> None:
    guests = (
        disks_of("a", "vda", DeviceClass.PARAVIRTUAL),
        disks_of("b", "vda", DeviceClass.PARAVIRTUAL),
        disks_of("c", "hda", DeviceClass.EMULATED),
    )
    for at in (100.0, 101.0):
        samples = {
            one.key.uuid: GuestSample(
                at,
                disks=(DiskCounters(one.details.devices[0].target, rd_bytes=int(at) * 1000),),
            )
            for one in guests
            if one.details
        }
        store.apply(snapshot(at, *guests, samples=samples))
    host = GuestKey("local", "")
    read = {
        cls: store.history.latest(SeriesKey(host, "disk.read", cls.value), 101.0, 1.0)
        for cls in DeviceClass
    }
    assert read[DeviceClass.PARAVIRTUAL] == pytest.approx(2000, rel=0.001)
    assert read[DeviceClass.EMULATED] == pytest.approx(1000, rel=0.001)
    assert read[DeviceClass.PHYSICAL] is None
