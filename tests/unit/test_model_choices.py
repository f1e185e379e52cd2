from __future__ import annotations

from tests.support.compared import (
    DB,
    DB_VDA,
    END,
    HDA,
    NIC,
    VDA,
    VDB,
    VF,
    WEB,
    WEB_HDA,
    disk,
    guest,
    ref,
    store_of,
)
from tuivm.model.choices import baseline_of, candidates, first_choice, follow, presets
from tuivm.model.comparing import compare
from tuivm.model.comparison import DeviceRef
from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.guests import Guest, GuestKey, GuestState
from tuivm.model.hosts import HostState
from tuivm.model.samples import DiskCounters, GuestSample, NicCounters
from tuivm.model.snapshot import HostSnapshot
from tuivm.model.store import Store

CDROM = disk("sdz", DeviceClass.EMULATED, "ide-cd", removable=True)
BALLOON = Device(DeviceKind.BALLOON, DeviceClass.PARAVIRTUAL, "virtio-balloon", "balloon0")
FAR = GuestKey("rack7", "uuid-far")


def measured(ios: dict[DeviceRef, int], *guests: Guest) -> Store:
    """A store that has sampled twice; ios: requests or packets a second."""
    store = store_of(*guests)
    for tick in (1, 2):
        for host in store.host_names:
            mine = [one for one in guests if one.key.host == host]
            store.apply(
                HostSnapshot(
                    host,
                    END + tick,
                    HostState.UP,
                    1,
                    guests={one.key.uuid: one for one in mine},
                    samples={
                        one.key.uuid: sample(one.key, ios, tick) for one in mine if one.state.active
                    },
                )
            )
    return store


def sample(key: GuestKey, ios: dict[DeviceRef, int], tick: int) -> GuestSample:
    mine = {of: rate * tick for of, rate in ios.items() if of.guest == key}
    return GuestSample(
        END + tick,
        disks=tuple(
            DiskCounters(of.target, rd_reqs=n, wr_reqs=0)
            for of, n in mine.items()
            if of.kind is DeviceKind.DISK
        ),
        nics=tuple(
            NicCounters(of.target, rx_pkts=n, tx_pkts=0)
            for of, n in mine.items()
            if of.kind is DeviceKind.NIC
        ),
    )


def busy() -> Store:
    return measured(
        {WEB_HDA: 100, DB_VDA: 200, ref(DB, VDB): 300, ref(WEB, NIC): 50, ref(WEB, CDROM): 0},
        guest(WEB, "web", [HDA, CDROM, NIC, VF, BALLOON]),
        guest(DB, "db", [VDA, VDB]),
        guest(FAR, "far", [disk("sda", DeviceClass.EMULATED)], state=GuestState.OFF),
    )


def test_candidates_are_disks_nics_and_what_is_passed_through() -> None:
    found = candidates(busy())
    assert [(one.guest, one.ref.target) for one in found] == [
        ("db", "vda"),
        ("db", "vdb"),
        ("web", "hda"),
        ("web", "sdz"),
        ("web", "vnet0"),
        ("web", "hostdev0"),
        ("far", "sda"),
    ]
    by_target = {one.ref.target: one for one in found}
    assert (by_target["vdb"].ios, by_target["vdb"].busy) == (300.0, True)
    assert (by_target["sdz"].ios, by_target["sdz"].busy) == (0.0, False)
    assert by_target["hostdev0"].ios is None
    assert by_target["sda"].running is False


def test_candidates_by_text() -> None:
    store = busy()

    def targets(text: str) -> list[str]:
        return [one.ref.target for one in candidates(store, text)]

    assert targets("EMULATED local") == ["hda", "sdz"]
    assert targets("virtio web") == ["vnet0"]
    assert targets("partitioned") == ["hostdev0"]
    assert targets("nic") == ["vnet0", "hostdev0"]
    assert targets("web nothing") == []


def test_presets_name_at_least_two_devices() -> None:
    found = {one.title: one for one in presets(busy(), WEB, ["local"])}
    assert set(found) == {
        "all NICs of web",
        "all disks of local, by class",
        "all NICs of local, by class",
        "every busy disk",
    }
    host = found["all disks of local, by class"]
    assert [one.target for one in host.refs] == ["vda", "vdb", "hda"]
    assert host.baseline == WEB_HDA
    assert [one.target for one in found["all NICs of web"].refs] == ["vnet0", "hostdev0"]
    assert {one.target for one in found["every busy disk"].refs} == {"hda", "vda", "vdb"}
    assert [one.title for one in presets(busy())] == ["every busy disk"]
    assert presets(Store(), WEB, ["local"]) == []


def test_first_choice_is_the_busiest_of_each_class() -> None:
    disks = [disk(f"vd{letter}", DeviceClass.PARAVIRTUAL) for letter in "abcdefgh"]
    ios = {ref(DB, one): 1000 - place for place, one in enumerate(disks)} | {WEB_HDA: 5}
    store = measured(ios, guest(WEB, "web", [HDA]), guest(DB, "db", disks))
    chosen, baseline = first_choice(store)
    assert [one.target for one in chosen] == ["vda", "vdb", "vdc", "vdd", "vde", "hda"]
    assert baseline == WEB_HDA


def test_first_choice_when_little_happens() -> None:
    assert first_choice(Store()) == ((), None)
    nothing = store_of(guest(DB, "db", [VDA, CDROM, NIC]))
    assert first_choice(nothing) == ((DB_VDA,), DB_VDA)
    packets = measured({ref(DB, NIC): 100, DB_VDA: 0}, guest(DB, "db", [VDA, NIC]))
    assert first_choice(packets)[0] == (ref(DB, NIC),)
    off = store_of(guest(DB, "db", [VDA], state=GuestState.OFF))
    assert first_choice(off) == ((), None)


def test_the_baseline_is_the_busiest_emulated_device() -> None:
    store = busy()
    assert baseline_of(store, [DB_VDA, ref(WEB, CDROM), WEB_HDA]) == WEB_HDA
    assert baseline_of(store, [DB_VDA, ref(DB, VDB)]) == DB_VDA
    gone = DeviceRef(GuestKey("gone", "x"), DeviceKind.DISK, "vda")
    assert baseline_of(store, [gone]) == gone
    assert baseline_of(store, []) is None


def test_a_nic_is_found_again_under_its_new_name() -> None:
    other = NIC._replace(target="vnet1", mac="52:54:00:00:00:02")
    before = store_of(guest(WEB, "web", [NIC, other, HDA]))
    refs = [ref(WEB, NIC), ref(WEB, other), WEB_HDA]
    rows = compare(before, refs, None, END, 60.0).rows
    started = [NIC._replace(target="vnet1"), other._replace(target="vnet2"), HDA]
    after = store_of(guest(WEB, "web", started))
    assert [one.target for one in follow(after, rows)] == ["vnet1", "vnet2", "hda"]
    assert follow(store_of(guest(WEB, "web", [HDA])), rows) == tuple(refs)
    assert follow(Store(), rows) == tuple(refs)
