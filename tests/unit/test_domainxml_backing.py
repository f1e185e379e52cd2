"""What is behind disks and NICs on the host, as their XML says it."""

import pytest

from tuivm.domainxml.classify import devices_of
from tuivm.domainxml.parse import parse_domain
from tuivm.model.devices import Backing, Device


def only(xml: str, virt: str = "kvm") -> Device:
    os = "exe" if virt == "lxc" else "hvm"
    domain = f"<domain type='{virt}'><os><type arch='x86_64' machine='q35'>{os}</type></os>"
    (device,) = devices_of(parse_domain(f"{domain}<devices>{xml}</devices></domain>"))
    return device


def disk(driver: str = "", more: str = "", kind: str = "file", device: str = "disk") -> str:
    return (
        f"<disk type='{kind}' device='{device}'>{driver}<source file='/i'/>"
        f"<target dev='vda' bus='virtio'/>{more}</disk>"
    )


def nic(kind: str, model: str = "virtio", more: str = "") -> str:
    return (
        f"<interface type='{kind}'><mac address='52:54:00:00:00:01'/>"
        f"<model type='{model}'/>{more}</interface>"
    )


DISKS = [
    (disk(), Backing("file")),
    (disk("<driver name='qemu' type='qcow2'/>"), Backing("file", "qcow2")),
    (
        disk("<driver type='raw' cache='none' io='native' discard='unmap' iothread='2'/>"),
        Backing("file", "raw", "none", "native", "unmap", "2"),
    ),
    (disk("<driver type='raw' cache='default'/>"), Backing("file", "raw")),
    (disk("<driver type='raw' queues='4'/>"), Backing("file", "raw", queues=4)),
    (
        disk(more="<iotune><total_iops_sec>100</total_iops_sec></iotune>"),
        Backing("file", throttled=True),
    ),
    (disk(more="<iotune><total_iops_sec>0</total_iops_sec></iotune>"), Backing("file")),
    (disk(kind="block"), Backing("block")),
    (disk(device="lun", kind="block"), None),
]
NICS = [
    (nic("bridge"), Backing("bridge")),
    (
        nic("bridge", more="<driver name='vhost' queues='2'/>"),
        Backing("bridge", vhost="on", queues=2),
    ),
    (nic("bridge", more="<driver name='qemu'/>"), Backing("bridge", vhost="off")),
    (nic("user"), Backing("user", vhost="off")),
    (nic("udp"), Backing("udp", vhost="off")),
    (nic("network", "e1000e"), Backing("network", vhost="off")),
    (nic("network", more="<actual type='direct'/>"), Backing("direct")),
    (
        nic("bridge", more="<bandwidth><inbound average='1000'/></bandwidth>"),
        Backing("bridge", throttled=True),
    ),
    (nic("hostdev"), None),
]


@pytest.mark.parametrize(("xml", "backing"), DISKS + NICS)
def test_backing(xml: str, backing: Backing | None) -> None:
    assert only(xml).backing == backing


def test_a_container_has_no_device_model_to_compare() -> None:
    assert only(disk(), virt="lxc").backing is None
    assert only(nic("bridge"), virt="lxc").backing is None


@pytest.mark.parametrize("kind", ["bridge", "hostdev"])
def test_the_mac_tells_which_nic_it_is_inside_the_guest(kind: str) -> None:
    assert only(nic(kind)).mac == "52:54:00:00:00:01"
