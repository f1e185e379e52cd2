"""What may be passed through: free, with its group, in use, harmful, impossible, or not known."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.offers import (
    DESKTOP,
    DEVICES,
    GPU,
    GPU_AUDIO,
    LEFT_ALONE,
    MDEV,
    NIC,
    NVME,
    ROOT_PORT,
    SATA,
    SESSION,
    USB_HUB,
    USB_KEY,
    USB_STICK_A,
    VF,
)
from tuivm.model.findings import Severity
from tuivm.model.offers import HostDevice
from tuivm.model.spec import Passed, PassKind, Spec
from tuivm.preflight.passing import VerdictKind, find_devices, verdict

ISA = HostDevice(
    kind="pci",
    nodedev="pci_0000_00_17_2",
    address="0000:00:17.2",
    class_="060100",
    driver="lpc_ich",
    iommu_group=9,
    group_members=SATA.group_members,
)


def with_devices(*devices: HostDevice) -> tuple[HostDevice, ...]:
    """The desktop's, some of them replaced or added."""
    changed = {device.address: device for device in devices}
    kept = [device for device in DEVICES if device.address not in changed]
    return (*kept, *devices)


@pytest.mark.parametrize(
    ("device", "kind", "words"),
    [
        (VF, VerdictKind.FREE, "free"),
        (LEFT_ALONE, VerdictKind.FREE, "free"),
        (USB_KEY, VerdictKind.FREE, "free"),
        (MDEV, VerdictKind.FREE, "free"),
        (GPU, VerdictKind.WITH_GROUP, "free with its group: 0000:01:00.1 GP104 audio"),
        (NVME, VerdictKind.HURTS, "would hurt the host: it has / on it"),
        (NIC, VerdictKind.HURTS, "would hurt the host: it carries this connection (eth0)"),
        (VF._replace(used_by=("guest web",)), VerdictKind.IN_USE, "in use by guest web"),
        (ROOT_PORT, VerdictKind.IMPOSSIBLE, "not possible: it is a bridge of the host's"),
        (USB_HUB, VerdictKind.IMPOSSIBLE, "not possible: it is a root hub"),
        (VF._replace(iommu_group=None), VerdictKind.IMPOSSIBLE, "not possible: it is in no IOMMU"),
        (
            LEFT_ALONE._replace(unknown=("what is mounted: findmnt",)),
            VerdictKind.UNKNOWN,
            "not known whether it is free: what is mounted: findmnt",
        ),
        # A member of the group that nobody knows anything of.
        (SATA, VerdictKind.UNKNOWN, "not known whether it is free: what 0000:00:17.2"),
        (LEFT_ALONE._replace(group_members=()), VerdictKind.UNKNOWN, "not known whether it is"),
    ],
)
def test_verdicts(device: HostDevice, kind: VerdictKind, words: str) -> None:
    offer = DESKTOP._replace(devices=with_devices(device))
    found = verdict(device, offer)
    assert found.kind is kind
    assert found.words.startswith(words)


def test_what_a_member_of_the_group_is_to_the_host_counts_too() -> None:
    for changed, kind in (
        (GPU_AUDIO._replace(critical=("a speaker of life",)), VerdictKind.HURTS),
        (GPU_AUDIO._replace(used_by=("guest web",)), VerdictKind.IN_USE),
        (GPU_AUDIO._replace(unknown=("something",)), VerdictKind.UNKNOWN),
        (GPU_AUDIO._replace(class_=""), VerdictKind.UNKNOWN),
        # What no driver of the host's has is no loss.
        (GPU_AUDIO._replace(driver=""), VerdictKind.FREE),
    ):
        offer = DESKTOP._replace(devices=with_devices(changed))
        assert verdict(GPU, offer).kind is kind


def test_the_rest_of_the_group_may_go_to_the_same_guest() -> None:
    spec = Spec(passed=(Passed(PassKind.PCI, GPU.address), Passed(PassKind.PCI, GPU_AUDIO.address)))
    assert verdict(GPU, DESKTOP, spec).kind is VerdictKind.FREE


def test_a_bridge_other_than_a_port_keeps_its_group() -> None:
    offer = DESKTOP._replace(devices=with_devices(SATA, ISA))
    assert verdict(SATA, offer).words.startswith("would hurt the host: a bridge of the host's")


def test_a_member_that_the_device_itself_does_not_list() -> None:
    alone = GPU._replace(group_members=(GPU.address,))
    offer = DESKTOP._replace(devices=with_devices(alone))
    assert verdict(alone, offer).kind is VerdictKind.WITH_GROUP


def test_a_physical_function_goes_with_its_virtual_ones() -> None:
    free = NIC._replace(critical=())
    offer = DESKTOP._replace(devices=with_devices(free))
    found = verdict(free, offer)
    assert found.kind is VerdictKind.FREE
    assert "pass-functions" in {one.id for one in found.findings}
    used = DESKTOP._replace(devices=with_devices(free, VF._replace(used_by=("guest web",))))
    assert verdict(free, used).kind is VerdictKind.IN_USE


def test_a_guest_that_is_off_warns_and_one_that_runs_stops() -> None:
    for user, severity in (
        ("guest debian12 (off)", Severity.WARNING),
        ("guest web", Severity.ERROR),
        ("mounted on /srv", Severity.ERROR),
    ):
        device = VF._replace(used_by=(user,))
        found = {one.id: one.severity for one in verdict(device, DESKTOP).findings}
        assert found["pass-used"] is severity


def test_an_ordinary_user_gets_no_pci_devices() -> None:
    assert verdict(VF, SESSION).kind is VerdictKind.IMPOSSIBLE
    assert verdict(USB_KEY, SESSION).kind is VerdictKind.FREE


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        (Passed(PassKind.PCI, "0000:01:00.0"), [GPU]),
        (Passed(PassKind.VF, "x", VF.nodedev), [VF]),
        (Passed(PassKind.USB, "1050:0407"), [USB_KEY]),
        (Passed(PassKind.USB_PORT, "1-5"), [USB_STICK_A]),
        (Passed(PassKind.MDEV, MDEV.address.upper()), [MDEV]),
        (Passed(PassKind.PCI, "1-5"), []),
    ],
)
def test_devices_by_what_names_them(passed: Passed, expected: list[HostDevice]) -> None:
    assert list(find_devices(passed, DESKTOP)) == expected


def test_two_that_are_alike_are_both_found() -> None:
    assert len(find_devices(Passed(PassKind.USB, "0781:5581"), DESKTOP)) == 2


_words = st.lists(st.sampled_from(["guest web", "guest debian12 (off)", "x"]), max_size=2)
_addresses = st.sampled_from([f"0000:0{bus}:00.0" for bus in range(5)])
_devices = st.builds(
    HostDevice,
    kind=st.sampled_from(["pci", "usb", "mdev", "odd"]),
    nodedev=st.just(""),
    address=_addresses,
    ids=st.sampled_from(["", "1d6b:0002", "8086:1521"]),
    class_=st.sampled_from(["", "020000", "060400", "060100", "010802"]),
    driver=st.sampled_from(["", "x"]),
    iommu_group=st.none() | st.integers(0, 2),
    group_members=st.lists(_addresses, max_size=3).map(tuple),
    virtual_functions=st.lists(_addresses, max_size=2).map(tuple),
    used_by=_words.map(tuple),
    critical=_words.map(tuple),
    unknown=_words.map(tuple),
)
_GOOD = (VerdictKind.FREE, VerdictKind.WITH_GROUP)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_devices, min_size=1, max_size=5, unique_by=lambda device: device.address))
def test_nothing_that_is_needed_used_or_unknown_is_ever_free(devices: list[HostDevice]) -> None:
    offer = DESKTOP._replace(devices=tuple(devices))
    for device in devices:
        found = verdict(device, offer)
        if found.kind not in _GOOD:
            continue
        together = [device]
        if device.kind == "pci":
            by_address = {one.address: one for one in devices if one.kind == "pci"}
            together = [by_address[name] for name in device.group_members if name in by_address]
            assert set(device.group_members) <= set(by_address)
            together += [
                one for one in by_address.values() if one.iommu_group == device.iommu_group
            ]
        for one in together:
            port = one.class_.startswith("0604") and one is not device
            assert port or not (one.critical or one.used_by or one.unknown)
