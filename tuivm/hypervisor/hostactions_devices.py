"""Taking PCI devices from the host's drivers and giving them back; VFs and pools of them."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import libvirt
from lxml import etree

from tuivm.domainxml.build_parts import element
from tuivm.domainxml.parse import child_attr, parse_xml, text
from tuivm.hypervisor import machine
from tuivm.hypervisor.devicesurvey import devices
from tuivm.hypervisor.refusal import RefusalError, stopped_by
from tuivm.model.hostrequests import DetachFromHost, MakeFunctionPool, ReturnToHost, SetFunctions
from tuivm.model.hosts import HostSpec
from tuivm.model.hostshell import functions_command
from tuivm.model.offers import HostDevice, HostOffer
from tuivm.model.requests import Step

VFIO = "vfio-pci"
_NETWORK_CLASS = "02"
_PROBE_SECONDS = 5.0
"""Some drivers (nvme) take a device over after they have said that they do."""
_LOOK = 0.1
_NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def detach_from_host(
    conn: libvirt.virConnect, spec: HostSpec, request: DetachFromHost, steps: list[Step]
) -> None:
    # Only here: whoever returns a device needs no verdict.
    from tuivm.preflight.attaching import refusals  # noqa: PLC0415
    from tuivm.preflight.taking import check_take  # noqa: PLC0415

    node = conn.nodeDeviceLookupByName(request.nodedev)
    offer = devices(conn, spec)
    device = _named(offer, request.nodedev)
    if stops := refusals(check_take(device, offer), request.accepted, request.overridden):
        raise stopped_by(stops)
    node.detachFlags(None)
    had = device.driver
    if had in ("", VFIO):
        steps.append(Step(f"{device.address} waits for a guest (driver {VFIO})"))
    else:
        steps.append(Step(f"took {device.address} from {had}"))


def return_to_host(
    conn: libvirt.virConnect, _spec: HostSpec, request: ReturnToHost, steps: list[Step]
) -> None:
    """libvirt itself refuses this for a device that a running guest has."""
    conn.nodeDeviceLookupByName(request.nodedev).reAttach()
    driver = driver_that_came(conn, request.nodedev)
    if driver:
        steps.append(Step(f"returned {request.nodedev} to the host: {driver} has it"))
    else:
        reason = "no driver of the host's has taken it"
        steps.append(Step(f"returned {request.nodedev} to the host", reason=reason))


def driver_of(conn: libvirt.virConnect, nodedev: str) -> str:
    """Now; "" for none, and for a device that is gone."""
    try:
        xml = conn.nodeDeviceLookupByName(nodedev).XMLDesc()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_NODE_DEVICE:
            return ""
        raise
    return text(parse_xml(xml, "device"), "driver/name")


def driver_that_came(
    conn: libvirt.virConnect, nodedev: str, seconds: float = _PROBE_SECONDS
) -> str:
    """The host's driver that a device which was given back has, "" when none took it in time."""
    end = time.monotonic() + seconds
    while (driver := driver_of(conn, nodedev)) in ("", VFIO):
        if time.monotonic() > end:
            return ""
        time.sleep(_LOOK)
    return driver


def set_functions(
    conn: libvirt.virConnect,
    spec: HostSpec,
    request: SetFunctions,
    steps: list[Step],
    root: Path = machine.ROOT,
) -> None:
    """libvirt cannot do it: the kernel is told, where that is the kernel of this machine."""
    offer = devices(conn, spec)
    device = _at(offer, request.address)
    mine = [one for one in offer.devices if one.address in device.virtual_functions]
    command = functions_command(offer.uri, device.address, request.functions, len(mine))
    if not (device.max_functions or mine):
        raise RefusalError(f"{device.address} is no PF: it cannot have VFs")
    if device.max_functions and request.functions > device.max_functions:
        raise RefusalError(f"it can have {device.max_functions} at most")
    if request.functions < 0:
        raise RefusalError("a number of VFs is 0 or more")
    if len(mine) == request.functions:
        steps.append(Step(f"{device.address} has {request.functions} VFs already"))
        return
    users = [f"{one.address}: {use}" for one in mine for use in (*one.used_by, *one.critical)]
    if users:
        raise RefusalError(
            f"its VFs are in use: {'; '.join(users)}",
            "to change their number, all of them are taken away first",
            "end these uses first",
        )
    if not offer.local:
        raise RefusalError(
            f"{spec.name} is another machine",
            "libvirt has no call for it",
            command,
        )
    _write_functions(request, len(mine), steps, root, command)


def _write_functions(
    request: SetFunctions, known: int, steps: list[Step], root: Path, command: str
) -> None:
    """known: how many VFs were seen to be used by nobody."""
    address, functions = request
    folder = root / "sys/bus/pci/devices" / address
    file = folder / "sriov_numvfs"
    try:
        had = int(file.read_text("ascii"))
    except (OSError, ValueError) as error:
        raise RefusalError(
            f"{file}: {error}",
            "it is no PF, or its driver cannot split it",
        ) from error
    if had != known:
        raise RefusalError(
            f"{address} has {had} VFs, and libvirt tells of {known}",
            "somebody else changes their number, or they have just come: who uses them is not "
            "known",
            "look once more, and try again",
        )
    try:
        # The kernel wants 0 between two other numbers.
        for number in dict.fromkeys([0, functions] if had else [functions]):
            file.write_text(f"{number}\n", "ascii")
            steps.append(Step(f"gave {address} {number} VFs" if number else _none(address)))
    except OSError as error:
        if error.errno in _NOT_ALLOWED:
            raise RefusalError(
                f"{file}: {error.strerror}", "only root may set the number of VFs", command
            ) from error
        if had and steps:
            _restore(file, had, steps)
        raise RefusalError(f"{file}: {error.strerror}", *_why(error)) from error


def _none(address: str) -> str:
    return f"took all VFs of {address} away"


def _why(error: OSError) -> tuple[str, str]:
    match error.errno:
        case errno.ENOENT | errno.ENOSYS | errno.EOPNOTSUPP:
            return "the driver that the PF has now cannot split it", "give it its own driver back"
        case errno.EBUSY:
            return "somebody uses one of its VFs, or sets their number too", "look who has them"
        case errno.ENOMEM | errno.ENOSPC:
            return (
                "there is no room for so many: memory windows or bus numbers of its bridge",
                "a smaller number, SR-IOV turned on in the firmware, or the kernel option "
                "pci=realloc",
            )
        case errno.ERANGE | errno.EINVAL:
            return "it cannot have so many", "a smaller number"
    return "", ""


def _restore(file: Path, had: int, steps: list[Step]) -> None:
    try:
        file.write_text(f"{had}\n", "ascii")
    except OSError as error:
        steps.append(Step(f"give it its {had} VFs again", done=False, reason=str(error)))
    else:
        steps.append(Step(f"gave it its {had} VFs again"))


def make_function_pool(
    conn: libvirt.virConnect, spec: HostSpec, request: MakeFunctionPool, steps: list[Step]
) -> None:
    """All or nothing: what was defined is undefined again when it does not start."""
    offer = devices(conn, spec)
    device = _at(offer, request.address)
    interface = _interface_of(device)
    _check_functions(device, offer)
    for one in conn.listAllNetworks():
        if one.name() == request.name:
            raise RefusalError(f"{spec.name} has a network {request.name} already")
        if child_attr(parse_xml(one.XMLDesc(), "network"), "forward/pf", "dev") == interface:
            raise RefusalError(
                f"network {one.name()} gives out the VFs of {interface} already",
                "each of two would give away what the other one has given",
                f"put guests on {one.name()}",
            )
    xml = _pool_xml(request.name, interface)
    network = conn.networkDefineXML(xml)
    steps.append(Step(f"defined network {request.name}"))
    try:
        network.create()
        steps.append(Step(f"started network {request.name}"))
        if request.autostart:
            network.setAutostart(1)
            steps.append(Step(f"network {request.name} starts with the host"))
    except libvirt.libvirtError:
        _remove(network, request.name, steps)
        raise


def _interface_of(device: HostDevice) -> str:
    if not device.class_.startswith(_NETWORK_CLASS):
        raise RefusalError(
            f"{device.address} is no NIC",
            "a network gives guests NICs; its VFs are of another kind",
            "give its VFs to guests one by one",
        )
    if not (device.max_functions or device.virtual_functions):
        raise RefusalError(f"{device.address} is no PF: it cannot have VFs")
    if not device.virtual_functions:
        raise RefusalError(
            f"{device.address} has no VFs yet", "", "set the number of its VFs first"
        )
    if not device.interfaces:
        raise RefusalError(
            f"{device.address} has no network interface",
            "its driver is not loaded, or a guest has it",
            "return it to the host first",
        )
    return device.interfaces[0]


def _check_functions(device: HostDevice, offer: HostOffer) -> None:
    """libvirt gives out each VF that no guest has, whatever the host does with it."""
    needed = [
        f"{one.address}: {words}"
        for one in offer.devices
        if one.address in device.virtual_functions
        for words in one.critical
    ]
    if needed:
        raise RefusalError(
            f"the host needs one of its VFs: {'; '.join(needed)}",
            "the network would give it to a guest, and take it from the host",
            "end that use first, or give the other VFs to guests one by one",
        )


def _pool_xml(name: str, interface: str) -> str:
    forward = element("forward", element("pf", dev=interface), mode="hostdev", managed="yes")
    try:
        return etree.tostring(
            element("network", element("name", name), forward), encoding="unicode"
        )
    except ValueError as error:
        raise RefusalError(f"not a name for a network: {error}") from error


def _remove(network: libvirt.virNetwork, name: str, steps: list[Step]) -> None:
    try:
        if network.isActive():
            network.destroy()
        network.undefine()
    except libvirt.libvirtError as error:
        reason = error.get_error_message() or str(error)
        steps.append(Step(f"remove network {name} again", done=False, reason=reason))
    else:
        steps.append(Step(f"removed network {name} again"))


def _named(offer: HostOffer, nodedev: str) -> HostDevice:
    return _only(offer, [one for one in offer.devices if one.nodedev == nodedev], nodedev)


def _at(offer: HostOffer, address: str) -> HostDevice:
    found = [one for one in offer.devices if (one.kind, one.address) == ("pci", address)]
    return _only(offer, found, address)


def _only(offer: HostOffer, found: list[HostDevice], name: str) -> HostDevice:
    if not found:
        raise RefusalError(f"{offer.host} has no device {name}", "it is gone meanwhile")
    return found[0]
