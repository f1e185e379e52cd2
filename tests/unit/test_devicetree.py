"""A host's devices as the rows of a tree: groups, buses, VFs under their PF, folds and filters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.devicehosts import (
    FREE,
    GPU,
    MDEV,
    MDEV_PARENT,
    NVME,
    NVME_VF,
    OTHER_STICK,
    RICH,
    STICK,
    VFS,
    large,
    pci,
)
from tuivm.model.devicetree import (
    FOLDED_FROM,
    Node,
    Shape,
    Way,
    alike,
    flat_rows,
    group_of,
    is_bridge,
    key_of,
    matcher,
    mdev_rows,
    pci_rows,
    short_address,
    usb_rows,
)
from tuivm.model.devicewords import searched
from tuivm.model.offers import HostDevice

BUS = Shape(Way.BUS)


def has(device: HostDevice, word: str) -> bool:
    return word in searched(device)


def filtered(text: str, way: Way = Way.GROUP) -> Shape:
    return Shape(way, matches=matcher(text, has))


def drawn(rows: list[Node]) -> list[str]:
    """A line a row, as a person sees the tree."""
    return [node.heading or f"{'  ' * node.depth}{_mark(node)}{_name(node)}" for node in rows]


def _mark(node: Node) -> str:
    if not node.below:
        return " "
    return "+" if node.folded else "-"


def _name(node: Node) -> str:
    if node.type is not None:
        return node.type.id
    return short_address(node.device.address) if node.device is not None else ""


def test_groups_of_several_have_a_heading_and_singles_do_not() -> None:
    assert drawn(pci_rows(RICH.devices, Shape())) == [
        " 00:00.0",
        "group 1: 3 devices; goes as a whole, its bridge stays",
        "   00:01.0",
        "   01:00.0",
        "   01:00.1",
        " 00:1c.0",
        "group 8: 3 devices; goes as a whole",
        "   00:1f.0",
        "   00:1f.2",
        "   00:1f.3",
        "-02:00.0",
        "   02:00.1",
        "   02:00.2",
        "+03:00.0",
        " 04:00.0",
        " 05:00.0",
        " 06:00.0",
        " 07:00.0",
        " 0001:00:00.0",
        "in no IOMMU group: 1 device, none can be passed through",
        "   0a:00.0",
    ]


def test_by_bus_devices_hang_on_their_bridges() -> None:
    assert drawn(pci_rows(RICH.devices, BUS))[:13] == [
        "bus 00",
        " 00:00.0",
        "-00:01.0",
        "   01:00.0",
        "   01:00.1",
        "-00:1c.0",
        "  +03:00.0",
        " 00:1f.0",
        " 00:1f.2",
        " 00:1f.3",
        "bus 02",
        "-02:00.0",
        "   02:00.1",
    ]


def test_a_group_of_a_bridge_and_one_device_does_not_go_as_a_whole() -> None:
    port = pci("0000:00:01.0", "060400", "Intel", "port", "pcieport", (3, "0000:01:00.0"))
    card = pci("0000:01:00.0", "030000", "AMD", "GPU", "amdgpu", (3, "0000:00:01.0"))
    assert drawn(pci_rows((port, card), Shape()))[0] == (
        "group 3: 2 devices; 1 goes alone, bridges stay"
    )
    other = port._replace(address="0000:00:02.0", nodedev="pci_0000_00_02_0")
    assert drawn(pci_rows((port, other), Shape()))[0] == (
        "group 3: 2 devices, all bridges of the host's"
    )


def test_many_vfs_are_folded_until_they_are_asked_for() -> None:
    rows = pci_rows(RICH.devices, Shape())
    pf = next(node for node in rows if node.key == ("pci", "0000:03:00.0"))
    assert pf.folded
    assert pf.below == len(VFS) >= FOLDED_FROM
    unfolded = pci_rows(RICH.devices, Shape(turned=frozenset({pf.key})))
    assert len(unfolded) == len(rows) + len(VFS)
    few = Shape(turned=frozenset({key_of(NVME)}))
    assert len(pci_rows(RICH.devices, few)) == len(rows) - 2, "and few are folded when asked for"


def test_a_filter_shows_what_matches_with_what_it_hangs_on() -> None:
    rows = drawn(pci_rows(RICH.devices, filtered("web")))
    assert rows == ["-03:00.0", "   03:02.3"], "the VF that guest web has, out of its fold"
    assert drawn(pci_rows(RICH.devices, filtered("web", Way.BUS))) == [
        "bus 00",
        "-00:1c.0",
        "  -03:00.0",
        "     03:02.3",
    ]
    assert drawn(pci_rows(RICH.devices, filtered("group:8 -sata"))) == [
        "group 8: 3 devices; goes as a whole",
        "   00:1f.0",
        "   00:1f.3",
    ]
    assert pci_rows(RICH.devices, filtered("no such thing")) == []
    assert matcher("  - ", has) is None, "nothing is typed yet"


def test_a_vf_whose_pf_is_not_told_of_stands_by_itself() -> None:
    assert drawn(pci_rows((NVME_VF,), Shape())) == [" 02:00.1"]
    assert drawn(pci_rows((NVME_VF,), BUS)) == ["bus 02", " 02:00.1"]


def test_usb_is_by_bus_and_port_in_the_order_of_numbers() -> None:
    tenth = STICK._replace(address="1-10", nodedev="usb_1_10")
    assert drawn(usb_rows((*RICH.devices, tenth), Shape())) == [
        "bus 1",
        " 1-1",
        "   1-1.4",
        " 1-2",
        " 1-5",
        " 1-6",
        " 1-10",
        "bus 2",
        " 2-1",
    ]


def test_alike_are_told_by_their_ports() -> None:
    assert alike(STICK, RICH.devices) == ("1-5", "1-6")
    assert alike(OTHER_STICK, RICH.devices) == ("1-5", "1-6")
    assert alike(RICH.devices[0], RICH.devices) == ()
    assert alike(STICK, (STICK,)) == ()


def test_mediated_devices_are_under_their_type_and_parent() -> None:
    rows = drawn(mdev_rows(RICH.devices, Shape()))
    assert rows == ["-07:00.0", "  -nvidia-35", f"     {MDEV.address}", "   nvidia-36"]
    stray = MDEV._replace(parent="gone")
    assert drawn(mdev_rows((stray,), Shape())) == [
        "of parents that are not told",
        f"   {MDEV.address}",
    ]
    other = MDEV._replace(product="another")
    assert f"   {MDEV.address}" in drawn(mdev_rows((MDEV_PARENT, other), Shape()))


def test_numbers_are_in_order_of_their_value() -> None:
    names = ("eth10", "eth2", "br0", "eth1")
    nets = [HostDevice("net", f"net_{name}", name) for name in names]
    assert [one.strip() for one in drawn(flat_rows(nets, "net", Shape()))] == [
        "br0",
        "eth1",
        "eth2",
        "eth10",
    ]
    assert drawn(flat_rows(RICH.devices, "scsi", Shape())) == [" 2:0:0:0", " 10:0:0:0"]


def test_a_group_is_all_that_say_that_they_are_of_it() -> None:
    assert [one.address for one in group_of(GPU, RICH)] == [
        "0000:00:01.0",
        "0000:01:00.0",
        "0000:01:00.1",
    ]
    assert [is_bridge(one) for one in group_of(GPU, RICH)] == [True, False, False]
    assert group_of(FREE, RICH) == (FREE,)
    assert group_of(STICK, RICH) == ()


@given(
    st.sets(st.sampled_from([one.address for one in RICH.devices])),
    st.sampled_from(Way),
    st.sets(st.sampled_from([key_of(one) for one in RICH.devices])),
)
def test_nothing_is_lost_or_there_twice(
    gone: set[str], way: Way, turned: set[tuple[str, str]]
) -> None:
    """Whatever came and went and is folded: each PCI device is a row, or below one that is."""
    devices = [one for one in RICH.devices if one.address not in gone]
    rows = pci_rows(devices, Shape(way, frozenset(turned)))
    keys = [node.key for node in rows]
    assert len(set(keys)) == len(keys)
    hidden = sum(node.below for node in rows if node.folded)
    shown = sum(node.device is not None for node in rows)
    assert shown + hidden == sum(one.kind == "pci" for one in devices)


def test_a_large_host_has_a_row_for_all_but_the_folded() -> None:
    offer = large()
    rows = pci_rows(offer.devices, Shape())
    assert sum(node.device is not None for node in rows) == 401
    assert sum(node.below for node in rows if node.folded) == 256
    assert len(usb_rows(offer.devices, Shape())) == 64 + 4
