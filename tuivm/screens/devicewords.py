"""Words for what is done with a host's devices: how they are called, and the commands that do the
same by hand. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from lxml import etree

from tuivm.domainxml.build_parts import element
from tuivm.domainxml.hostdevxml import hostdev
from tuivm.model.devicewords import device_name
from tuivm.model.offers import HostDevice
from tuivm.model.requests import When
from tuivm.model.spec import Passed, PassKind
from tuivm.screens.create.devicetree import alike, passed_of
from tuivm.screens.explaining import virsh_at

_FLAGS = {When.NOW: ("--live",), When.NEXT_BOOT: ("--config",), When.BOTH: ("--live", "--config")}


def called(device: HostDevice) -> str:
    """Address and name."""
    return f"{device.address}  {device_name(device)}".rstrip()


def as_passed(
    device: HostDevice, devices: Sequence[HostDevice], *, by_port: bool = False
) -> Passed:
    """How it is named in a request; by_port: of USB, even where vendor and product would do."""
    if by_port and device.kind == "usb":
        return Passed(PassKind.USB_PORT, device.address, device.nodedev)
    return passed_of(device, devices)


def ways_to_name(device: HostDevice, devices: Sequence[HostDevice]) -> list[tuple[bool, str]]:
    """(by port, words) of a USB device, what is better first."""
    port = (True, f"port {device.address}: whatever is plugged in there now")
    if alike(device, devices):
        return [(True, f"port {device.address}: another one is {device.ids or 'without a number'}")]
    return [(False, f"vendor:product {device.ids}: in whichever port it is"), port]


def device_xml(passed: Iterable[tuple[Passed, HostDevice | None]]) -> str:
    """The elements, indented. Raises ValueError for what cannot be said."""
    made = []
    for one, device in passed:
        given = hostdev(one, device)
        etree.indent(given)
        made.append(etree.tostring(given, encoding="unicode").rstrip())
    return "\n".join(made)


def pool_xml(name: str, device: HostDevice) -> str:
    """Of a network that gives each guest NIC on it a VF of this PF. Raises ValueError for a name
    that XML cannot hold."""
    pf = element("pf", dev=next(iter(device.interfaces), ""))
    forward = element("forward", pf, mode="hostdev", managed="yes")
    network = element("network", element("name", name), forward)
    etree.indent(network)
    return etree.tostring(network, encoding="unicode")


def by_hand(uri: str, verb: str, guest: str, xml: Iterable[str], when: When) -> str:
    """verb: "attach-device" or "detach-device". xml: of each device."""
    line = virsh_at(uri, verb, guest, "/dev/stdin", *_FLAGS[when])
    return "\n".join(f"{line} <<'EOF'\n{one}\nEOF" for one in xml)


def options_by_hand(guest: str, *, hide: bool, vendor_id: str, uri: str = "") -> str:
    """What virsh has no command for; "" where nothing of it is asked for."""
    parts = ["kvm.hidden.state=on"] if hide else []
    if vendor_id:
        parts += ["hyperv.vendor_id.state=on", f"hyperv.vendor_id.value={vendor_id}"]
    if not parts:
        return ""
    connect = ["--connect", uri] if uri else []
    return shlex.join(["virt-xml", *connect, guest, "--edit", "--features", ",".join(parts)])
