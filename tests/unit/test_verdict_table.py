"""The verdicts, as a table to be checked by eye, and what must hold for whatever host there is."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.offers import DESKTOP
from tuivm.model.findings import Severity
from tuivm.model.offers import HostDevice, HostOffer, IommuFacts, IommuState, Network
from tuivm.model.requests import When
from tuivm.model.spec import Passed, PassKind, Spec
from tuivm.preflight.attaching import Target, check_attach, refusals
from tuivm.preflight.passing import Verdict, VerdictKind, verdict, verdicts

GROUP = ("0000:01:00.0", "0000:01:00.1")
NIC = HostDevice(
    "pci", "pci_0000_01_00_0", GROUP[0], "Intel", "I350", "8086:1521", "020000", "igb", 7,
    GROUP[:1], resets=("flr",),
)  # fmt: skip
BOTH = NIC._replace(group_members=GROUP)
OTHER = BOTH._replace(nodedev="pci_0000_01_00_1", address=GROUP[1], group_members=GROUP)
PORT = OTHER._replace(class_="060400", driver="pcieport")
ISA = OTHER._replace(class_="060100", driver="lpc_ich")
PF = NIC._replace(virtual_functions=("0000:01:10.0",))
VF = NIC._replace(
    nodedev="pci_0000_01_10_0", address="0000:01:10.0", physical_function=NIC.address,
    iommu_group=8, group_members=("0000:01:10.0",), driver="igbvf", resets=None,
)  # fmt: skip
USB = HostDevice("usb", "usb_1_4", "1-4", "Yubico", "YubiKey", "1050:0407", "00", bus=1, device=7)
MDEV = HostDevice(
    "mdev", "mdev_x", "4b20d080-1b54-4048-85b3-a6a62d165c01", iommu_group=30, active=True,
    parent=NIC.nodedev,
)  # fmt: skip
DISK = HostDevice("scsi", "scsi_2_0_0_0", "2:0:0:0", "SEAGATE", "ST2000", parent="scsi_target2_0_0")
ETH = HostDevice("net", "net_eth1_aa", "eth1", parent=NIC.nodedev)
ROOT = ("it has / on it",)
WAY_IN = ("it carries this connection (eth1)",)
UP = ("interface eth1 is up",)
ROUTE = ("whether the host needs interface eth1: ip route",)
RUNS, IDLE = ("guest web",), ("guest debian12 (off)",)
FREE, GROUPED, UNSURE, USED, HURTS, NEVER = (
    VerdictKind.FREE, VerdictKind.WITH_GROUP, VerdictKind.UNKNOWN, VerdictKind.IN_USE,
    VerdictKind.HURTS, VerdictKind.IMPOSSIBLE,
)  # fmt: skip

# Device, what else is on the host, what else the guest gets, verdict, words that it has, and how
# the worst finding stands: "-" no more than notes, "accept" a warning, "type" an error that the
# device's address gets past, "stop" an error that nothing gets past.
TABLE = [
    # alone
    (NIC, (), (), FREE, "free", "-"),
    (NIC._replace(driver=""), (), (), FREE, "free", "-"),
    (NIC._replace(driver="vfio-pci"), (), (), FREE, "free", "-"),
    (VF, (PF,), (), FREE, "free", "-"),
    (USB, (), (), FREE, "free", "-"),
    (MDEV, (), (), FREE, "free", "-"),
    (DISK, (), (), FREE, "free", "-"),
    # what it is worth to the host
    (NIC._replace(critical=ROOT), (), (), HURTS, "it has / on it", "stop"),
    (NIC._replace(critical=("swap is on it",)), (), (), HURTS, "swap", "stop"),
    (DISK._replace(critical=ROOT), (), (), HURTS, "it has / on it", "stop"),
    (USB._replace(critical=("a keyboard is on it",)), (), (), HURTS, "keyboard", "stop"),
    (NIC._replace(critical=WAY_IN, overridable=WAY_IN), (), (), HURTS, "connection", "type"),
    (NIC._replace(critical=(*WAY_IN, *ROOT), overridable=WAY_IN), (), (), HURTS, "/ on", "stop"),
    (NIC._replace(used_by=UP), (), (), USED, "eth1 is up", "stop"),
    (NIC._replace(used_by=UP, overridable=UP), (), (), USED, "eth1 is up", "type"),
    # who has it
    (NIC._replace(used_by=RUNS), (), (), USED, "guest web", "stop"),
    (NIC._replace(used_by=IDLE), (), (), USED, "guest debian12 (off)", "accept"),
    (NIC._replace(used_by=(*IDLE, *RUNS)), (), (), USED, "guest web", "stop"),
    (NIC._replace(used_by=RUNS, overridable=RUNS), (), (), USED, "guest web", "stop"),
    (NIC._replace(used_by=("guest new (off)",)), (), (), USED, "guest new", "stop"),
    (
        NIC._replace(critical=WAY_IN, overridable=WAY_IN, used_by=RUNS),
        (), (), HURTS, "connection", "stop",
    ),
    # what nobody knows
    (NIC._replace(unknown=ROUTE), (), (), UNSURE, "ip route", "type"),
    (NIC._replace(unknown=ROUTE, used_by=RUNS), (), (), USED, "guest web", "stop"),
    (NIC._replace(unknown=ROUTE, used_by=IDLE), (), (), USED, "guest debian12", "type"),
    (NIC._replace(unknown=ROUTE, critical=ROOT), (), (), HURTS, "/ on it", "stop"),
    (NIC._replace(unknown=ROUTE, critical=WAY_IN, overridable=WAY_IN), (), (), HURTS, "it carries",
     "type"),
    (BOTH, (), (), UNSURE, "lspci -nnk -s 0000:01:00.1", "type"),
    (NIC._replace(group_members=()), (), (), UNSURE, "/sys/kernel/iommu_groups/7", "type"),
    (BOTH, (OTHER._replace(class_=""),), (), UNSURE, "what kind", "type"),
    # its group
    (BOTH, (OTHER,), (), GROUPED, "0000:01:00.1 I350 (igb)", "accept"),
    (BOTH, (OTHER,), (OTHER,), FREE, "free", "-"),
    (BOTH, (OTHER,), (BOTH,), GROUPED, "0000:01:00.1", "stop"),
    (BOTH, (OTHER,), (BOTH, OTHER), FREE, "free", "-"),
    (NIC, (OTHER,), (), GROUPED, "0000:01:00.1", "accept"),
    (BOTH, (OTHER._replace(driver=""),), (BOTH,), FREE, "free", "-"),
    (BOTH, (OTHER._replace(driver="vfio-pci"),), (BOTH,), FREE, "free", "-"),
    (BOTH, (OTHER._replace(driver="mlx5_vfio_pci"),), (BOTH,), FREE, "free", "-"),
    (BOTH, (OTHER._replace(driver="pci-stub"),), (BOTH,), FREE, "free", "-"),
    (BOTH, (PORT,), (BOTH,), FREE, "free", "-"),
    (BOTH, (PORT._replace(driver=""),), (BOTH,), FREE, "free", "-"),
    (BOTH, (PORT._replace(driver="shpchp"),), (), HURTS, "a bridge", "stop"),
    (BOTH, (ISA,), (), HURTS, "a bridge of the host's is in its group (0000:01:00.1)", "stop"),
    (BOTH, (ISA._replace(driver=""),), (BOTH,), FREE, "free", "-"),
    (BOTH, (OTHER._replace(critical=ROOT),), (), HURTS, "/ on it (0000:01:00.1)", "stop"),
    (BOTH, (OTHER._replace(critical=ROOT),), (BOTH, OTHER), HURTS, "/ on it", "stop"),
    (BOTH, (OTHER._replace(used_by=RUNS, driver="vfio-pci"),), (), USED, "guest web", "stop"),
    (BOTH, (OTHER._replace(unknown=ROUTE),), (), UNSURE, "ip route", "type"),
    # what goes with it
    (PF, (VF,), (), FREE, "free", "accept"),
    (PF, (VF._replace(used_by=RUNS),), (), USED, "guest web (0000:01:10.0)", "stop"),
    (PF, (VF._replace(used_by=IDLE),), (), USED, "guest debian12 (off)", "accept"),
    (PF, (VF._replace(critical=ROOT),), (), HURTS, "/ on it (0000:01:10.0)", "stop"),
    (NIC, (VF._replace(used_by=RUNS),), (), USED, "guest web", "stop"),
    (BOTH, (OTHER._replace(virtual_functions=(VF.address,)), VF._replace(used_by=RUNS)), (),
     USED, "guest web (0000:01:10.0)", "stop"),
    (BOTH, (OTHER, ETH._replace(critical=ROOT, parent=OTHER.nodedev)), (), HURTS, "/ on", "stop"),
    (NIC, (MDEV._replace(used_by=RUNS),), (), USED, "guest web", "stop"),
    (NIC, (ETH._replace(critical=WAY_IN),), (), HURTS, "connection", "stop"),
    (VF, (PF._replace(critical=WAY_IN),), (), FREE, "free", "-"),
    # what it costs
    (NIC._replace(resets=()), (), (), FREE, "free", "accept"),
    (NIC._replace(resets=("bus",)), (), (), FREE, "free", "-"),
    (NIC._replace(resets=None), (), (), FREE, "free", "-"),
    # what cannot be
    (PORT, (), (), NEVER, "it is a bridge", "stop"),
    (ISA, (), (), NEVER, "it is a bridge", "stop"),
    (NIC._replace(iommu_group=None), (), (), NEVER, "no IOMMU group", "stop"),
    (USB._replace(ids="1d6b:0002"), (), (), NEVER, "a root hub", "stop"),
    (USB._replace(class_="09"), (), (), NEVER, "it is a hub", "stop"),
    (MDEV._replace(active=False), (), (), NEVER, "not started", "stop"),
    (ETH, (NIC,), (), NEVER, "it is an interface of 0000:01:00.0 I350", "stop"),
    (ETH._replace(parent=""), (NIC._replace(interfaces=("eth1",)),), (), NEVER, "I350", "stop"),
    (ETH._replace(parent=""), (), (), NEVER, "it is an interface, not a device", "stop"),
    (HostDevice("ccw", "x", "0.0.1"), (), (), NEVER, "no way", "stop"),
]  # fmt: skip


def asked_for(devices: tuple[HostDevice, ...]) -> Spec:
    return Spec(passed=tuple(Passed(PassKind.PCI, one.address, one.nodedev) for one in devices))


def standing(said: Verdict) -> str:
    worst = {one.severity for one in said.findings}
    if Severity.ERROR in worst:
        return "type" if said.override else "stop"
    return "accept" if Severity.WARNING in worst else "-"


@pytest.mark.parametrize(("device", "others", "asked", "kind", "words", "stands"), TABLE)
def test_the_table(
    device: HostDevice,
    others: tuple[HostDevice, ...],
    asked: tuple[HostDevice, ...],
    kind: VerdictKind,
    words: str,
    stands: str,
) -> None:
    offer = DESKTOP._replace(devices=(device, *others))
    said = verdict(device, offer, asked_for(asked))
    assert (said.kind, standing(said)) == (kind, stands)
    assert words in said.words
    assert said.words.startswith(kind.value)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (IommuState.ABSENT, "the host has no IOMMU"),
        (IommuState.OFF_FIRMWARE, "the IOMMU is off in the firmware"),
        (IommuState.OFF_KERNEL, "the IOMMU is off in the kernel"),
        (IommuState.UNKNOWN, "off or missing"),
    ],
)
def test_why_there_is_no_group(state: IommuState, words: str) -> None:
    facts = IommuFacts(state, vendor="Intel", distribution="debian")
    device = NIC._replace(iommu_group=None)
    said = verdict(device, DESKTOP._replace(devices=(device,), iommu=facts))
    assert words in said.words
    assert said.findings[0].remedy


def test_what_a_device_and_its_interface_both_tell_is_said_once() -> None:
    nic = NIC._replace(critical=WAY_IN, overridable=WAY_IN)
    interface = HostDevice("net", "net_eth0", "eth0", parent=nic.nodedev, critical=WAY_IN)
    said = verdict(nic, HostOffer("here", devices=(nic, interface)))
    assert said.words == f"would hurt the host: {WAY_IN[0]}"
    assert not said.override, "the interface's own word is not one to be overridden"


def test_an_ordinary_user_gets_usb_alone() -> None:
    offer = DESKTOP._replace(session=True, devices=(NIC, USB))
    assert verdict(NIC, offer).kind is NEVER
    assert verdict(USB, offer).kind is FREE


def test_a_function_of_a_networks_pool_is_warned_of() -> None:
    pool = Network("vfs", True, "hostdev", devices=(VF.address,))
    offer = DESKTOP._replace(devices=(PF, VF), networks=(pool,))
    assert standing(verdict(VF, offer)) == "accept"
    assert "network vfs" in verdict(VF, offer).findings[0].what
    nat = pool._replace(forward="nat")
    assert standing(verdict(VF, offer._replace(networks=(nat,)))) == "-"


def test_xen_tells_of_no_groups() -> None:
    device = NIC._replace(iommu_group=None, group_members=())
    said = verdict(device, DESKTOP._replace(driver="Xen", devices=(device,)))
    assert (said.kind, standing(said)) == (UNSURE, "type")
    assert "xl pci-assignable-list" in said.words


def test_a_guest_with_a_misleading_name_is_no_guest_that_is_off() -> None:
    guests = (("web", "1" * 36, False), ("web (off)", "2" * 36, True))
    device = NIC._replace(used_by=("guest web (off)",))
    offer = DESKTOP._replace(devices=(device,), guests=guests)
    assert standing(verdict(device, offer)) == "stop"


_TROUBLE = ("it has / on it", "swap is on it", "the default route goes through it", "guest web",
            "guest debian12 (off)", "interface eth0 is up")  # fmt: skip
_words = st.lists(st.sampled_from(_TROUBLE), max_size=1).map(tuple)
_PLACES = tuple(f"0000:0{bus}:00.{function}" for bus in range(3) for function in range(2))
_pci = st.sampled_from(_PLACES)


def _node(kind: str, address: str) -> str:
    return f"{kind}_{address}"


_pci_devices = st.builds(
    HostDevice,
    kind=st.just("pci"),
    nodedev=st.just(""),
    address=_pci,
    class_=st.sampled_from(["", "020000", "060400", "060100", "010802"]),
    driver=st.sampled_from(["", "x", "pcieport", "vfio-pci"]),
    iommu_group=st.none() | st.integers(0, 1),
    group_members=st.lists(_pci, max_size=2).map(tuple),
    physical_function=st.sampled_from(["", *_PLACES]),
    virtual_functions=st.lists(_pci, max_size=1).map(tuple),
    critical=_words,
    used_by=_words,
    unknown=_words,
    overridable=_words,
    resets=st.sampled_from([None, (), ("flr",)]),
)
_other_devices = st.builds(
    HostDevice,
    kind=st.sampled_from(["usb", "mdev", "scsi", "net", "odd"]),
    nodedev=st.just(""),
    address=st.sampled_from(["1-1", "1-2"]),
    parent=st.sampled_from(["", *(_node("pci", address) for address in _PLACES), "usb_1-1"]),
    critical=_words,
    used_by=_words,
    unknown=_words,
    active=st.none() | st.booleans(),
)
_devices = st.lists(_pci_devices | _other_devices, unique_by=lambda one: one[:3], max_size=6)
_hosts = st.builds(
    lambda devices, session: DESKTOP._replace(
        # Groups, functions, drivers, and devices on devices, consistent or not.
        devices=tuple(one._replace(nodedev=_node(one.kind, one.address)) for one in devices),
        session=session,
    ),
    _devices,
    st.booleans(),
)


def taken(device: HostDevice, offer: HostOffer) -> list[HostDevice]:
    """All that would be gone: found by trying each pair until nothing is added, not as the product
    finds it. A port of PCIe's stays."""
    found = [device]
    while True:
        more = [
            other
            for other in offer.devices
            if other not in found and any(_goes_with(other, one, device) for one in found)
        ]
        if not more:
            return found
        found += more


def _goes_with(other: HostDevice, one: HostDevice, device: HostDevice) -> bool:
    if other.parent and other.parent == one.nodedev:
        return True
    if {other.kind, one.kind} != {"pci"}:
        return False
    if other.physical_function == one.address or other.address in one.virtual_functions:
        return True
    port = other.class_.startswith("0604") and other.driver in {"", "pcieport", "vfio-pci"}
    together = other.iommu_group == device.iommu_group or other.address in device.group_members
    return one is device and device.iommu_group is not None and together and not port


_GOOD = (FREE, GROUPED)
_at_leisure = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Hosts take a while to be thought up, and machines of tests are busy."""


@_at_leisure
@given(_hosts)
def test_nothing_that_is_needed_used_or_unknown_is_ever_free(offer: HostOffer) -> None:
    listed = {one.address for one in offer.devices if one.kind == "pci"}
    for device in offer.devices:
        if verdict(device, offer).kind not in _GOOD:
            continue
        for one in taken(device, offer):
            assert one.critical + one.used_by + one.unknown == (), one
        if device.kind == "pci":
            # All of the group is known, and that there is no more of it.
            assert device.group_members
            assert set(device.group_members) <= listed


@_at_leisure
@given(_hosts, st.data())
def test_asking_for_more_frees_nothing(offer: HostOffer, data: st.DataObject) -> None:
    pci = [one for one in offer.devices if one.kind == "pci"]
    spec = asked_for(tuple(data.draw(st.lists(st.sampled_from(pci))) if pci else ()))
    for device in offer.devices:
        alone, with_more = verdict(device, offer), verdict(device, offer, spec)
        assert (alone.kind in _GOOD) == (with_more.kind in _GOOD)


@_at_leisure
@given(_hosts)
def test_what_each_verdict_says(offer: HostOffer) -> None:
    order = list(Severity)
    many = verdicts(offer)
    assert len(many) == len(offer.devices)
    for device in offer.devices:
        said = many[device.kind, device.address]
        assert said == verdict(device, offer)
        assert said.words
        assert all(one.what for one in said.findings)
        ranks = [order.index(one.severity) for one in said.findings]
        assert ranks == sorted(ranks)
        if said.override:
            # Nobody types past a guest, or past what is not listed as a thing to do without.
            assert Severity.ERROR in {one.severity for one in said.findings}
            for one in taken(device, offer):
                assert set(one.critical) <= set(one.overridable)
                assert "guest web" not in one.used_by


@_at_leisure
@given(_hosts)
def test_no_attaching_without_a_word_of_what_would_be_lost(offer: HostOffer) -> None:
    kinds = {"usb": PassKind.USB_PORT, "mdev": PassKind.MDEV, "scsi": PassKind.SCSI}
    target = Target(name="other", running=True, machine="q35", uefi=True, memory_kib=1 << 20)
    for device in offer.devices:
        named = (Passed(kinds.get(device.kind, PassKind.PCI), device.address, device.nodedev),)
        found = check_attach(named, offer, target, When.BOTH)
        if any(one.critical + one.used_by + one.unknown for one in taken(device, offer)):
            assert refusals(found, (), ())
