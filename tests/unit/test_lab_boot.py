"""Which devices of a guest are which, and why one is not there."""

from __future__ import annotations

from tuivm.lab.boot import found_places, why_no_place
from tuivm.lab.parts import Where

DISK, NIC, OTHER = "0000:00:1e.0", "0000:00:1d.0", "0000:00:1c.0"
FOUND: dict[str, object] = {
    "disks": [
        {"serial": "virtio-blk", "name": "vda", "address": "0000:00:10.0"},
        {"serial": "S3X9", "name": "nvme0n1", "address": DISK},
    ],
    "nics": [
        {"mac": "52:54:00:00:00:01", "name": "eth0", "address": "0000:00:02.0"},
        {"mac": "52:54:00:00:00:02", "name": "eth1", "address": "0000:00:03.0"},
        {"mac": "3c:fd:fe:00:00:01", "name": "eth2", "address": NIC},
    ],
}


def test_own_devices_are_known_by_serial_number_and_mac() -> None:
    pair = Where(mac="52:54:00:00:00:01", peer="52:54:00:00:00:02")
    wheres = {
        "virtio-blk": Where(serial="virtio-blk"),
        "ide": Where(serial="ide"),
        "e1000": pair,
        "pcnet": pair._replace(peer="52:54:00:00:00:09"),
    }
    assert found_places(wheres, FOUND) == {
        "virtio-blk": Where(serial="virtio-blk"),
        "e1000": pair,
    }
    why = why_no_place(wheres["ide"], FOUND, "6.1.0")
    assert "did not appear" in why
    assert "6.1.0" in why


def test_a_passed_disk_is_known_by_its_place_and_gets_the_serial_number_found_there() -> None:
    wheres = {"passthrough-x": Where(address=DISK), "passthrough-y": Where(address=OTHER)}
    assert found_places(wheres, FOUND) == {"passthrough-x": Where(serial="S3X9", address=DISK)}
    assert "did not appear" in why_no_place(wheres["passthrough-y"], FOUND, "6.1.0")


def test_a_passed_nic_alone_has_nobody_to_talk_to() -> None:
    """Not one of the guest's own NICs either: these are on no wire."""
    where = Where(address=NIC)
    assert found_places({"passthrough-x": where}, FOUND) == {}
    assert "no NIC to talk to" in why_no_place(where, FOUND, "6.1.0")


def test_two_passed_nics_talk_to_each_other() -> None:
    nics = FOUND["nics"]
    assert isinstance(nics, list)
    found = {**FOUND, "nics": [*nics, {"mac": "3c:fd:fe:00:00:02", "address": OTHER}]}
    wheres = {"passthrough-x": Where(address=NIC), "passthrough-y": Where(address=OTHER)}
    places = found_places(wheres, found)
    assert (places["passthrough-x"].mac, places["passthrough-x"].peer) == (
        "3c:fd:fe:00:00:01",
        "3c:fd:fe:00:00:02",
    )
    assert places["passthrough-y"].peer == "3c:fd:fe:00:00:01"
