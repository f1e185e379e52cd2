"""The elements by which a guest's definition takes devices of its host's, written and read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tuivm.domainxml.build_parts import element
from tuivm.domainxml.parse import Element, attr, child_attr, number, pci_address
from tuivm.model.offers import HostDevice
from tuivm.model.spec import Passed, PassKind

_PCI = re.compile(r"([0-9a-fA-F]{4,8}):([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])")
_USB = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{4}")
_SCSI = re.compile(r"(\d+):(\d+):(\d+):(\d+)")
_ADAPTER = re.compile(r"scsi_host(\d+)")
_NETWORK_CLASS = "02"
_HOSTDEVS = {"pci": PassKind.PCI, "usb": PassKind.USB, "mdev": PassKind.MDEV, "scsi": PassKind.SCSI}


def hostdev(
    passed: Passed, device: HostDevice | None, *, mac: str = "", model: str = ""
) -> Element:
    """A `<hostdev>`, or an `<interface type='hostdev'>` for a NIC's virtual function: so libvirt
    gives it its MAC (mac; "" for one of libvirt's choice). libvirt locks the guest's memory by
    itself where VFIO needs it. model: of a mediated device, see `mdev_model`.

    device: the one that is meant, as the host tells of it now. libvirt knows USB devices by their
    ids, and by bus and device number, which is another one each time that something is plugged in:
    what is named by its port is what is plugged in there now, until it is plugged out.

    Raises ValueError, with the reason, for an address that is none and for a USB port where nothing
    is plugged in.
    """
    match passed.kind:
        case PassKind.PCI | PassKind.VF:
            return _pci(passed, device, mac)
        case PassKind.MDEV:
            source = element("source", element("address", uuid=passed.device))
            return _hostdev("mdev", source, model=model or "vfio-pci")
        case PassKind.SCSI:
            return _hostdev("scsi", _scsi_source(passed))
        case PassKind.USB | PassKind.USB_PORT:
            return _hostdev("usb", _usb_source(passed, device), managed="yes")


def mdev_model(device: HostDevice | None, devices: Iterable[HostDevice]) -> str:
    """What a mediated device is to its guest, as the type that its parent made it of says:
    "vfio-pci", "vfio-ap", "vfio-ccw"; "" where that is not told."""
    if device is None:
        return ""
    parents = (one for one in devices if one.nodedev == device.parent)
    types = (one for parent in parents for one in parent.mdev_types)
    return next((one.api for one in types if one.id == device.product), "")


def passed_of(domain: Element, devices: Iterable[HostDevice] = ()) -> tuple[Passed, ...]:
    """What a `<domain>` takes of its host's devices, as `passed_by` has each."""
    known = tuple(devices)
    return tuple(passed for _, passed in passing_elements(domain, known))


def passing_elements(
    domain: Element, devices: Iterable[HostDevice] = ()
) -> Iterator[tuple[Element, Passed]]:
    """The elements that take a device of the host's, with what each takes."""
    known = tuple(devices)
    for one in domain.iterfind("devices/*"):
        if passed := passed_by(one, known):
            yield one, passed


def passed_by(one: Element, devices: Sequence[HostDevice] = ()) -> Passed | None:
    """What a device element takes of the host; None for an element that takes nothing of it.

    devices: those of the host now, by which a USB device's bus and number lead to its port and to
    libvirt's name; numbers that are nobody's are called "001/004", as in /dev/bus/usb. () where
    the host is not known.
    """
    kind = _kind(one)
    source = one.find("source")
    if kind is None or source is None:
        return None
    address = source.find("address")
    if kind in (PassKind.PCI, PassKind.VF):
        place = pci_address(address)
        return _with_rom(one, Passed(kind, place, _nodedev(devices, place))) if place else None
    if kind is PassKind.MDEV:
        uuid = attr(address, "uuid")
        return Passed(kind, uuid, _nodedev(devices, uuid)) if uuid else None
    if kind is PassKind.SCSI:
        return _scsi_of(source, devices)
    return _usb_of(source, devices)


def _kind(one: Element) -> PassKind | None:
    if one.tag == "hostdev" and attr(one, "mode") in ("subsystem", ""):
        return _HOSTDEVS.get(attr(one, "type"))
    if one.tag == "interface" and attr(one, "type") == "hostdev":
        return PassKind.VF
    return None


def _pci(passed: Passed, device: HostDevice | None, mac: str) -> Element:
    address = _pci_address(passed.device)
    rom = None
    if passed.rom_file or passed.rom_bar is not None:
        bar = "" if passed.rom_bar is None else "on" if passed.rom_bar else "off"
        rom = element("rom", bar=bar, file=passed.rom_file)
    if passed.kind is PassKind.VF and device and device.class_.startswith(_NETWORK_CLASS):
        address.set("type", "pci")
        return element(
            "interface",
            element("mac", address=mac) if mac else None,
            element("source", address),
            rom,
            type="hostdev",
            managed="yes",
        )
    made = _hostdev("pci", element("source", address), managed="yes")
    if rom is not None:
        made.append(rom)
    return made


def _hostdev(kind: str, source: Element, **attributes: str) -> Element:
    return element("hostdev", source, mode="subsystem", type=kind, **attributes)


def _pci_address(address: str) -> Element:
    match = _PCI.fullmatch(address)
    if match is None:
        raise ValueError(f"not a PCI address: {address}")
    domain, bus, slot, function = (int(part, 16) for part in match.groups())
    return element(
        "address",
        domain=f"{domain:#06x}",
        bus=f"{bus:#04x}",
        slot=f"{slot:#04x}",
        function=f"{function:#x}",
    )


def _usb_source(passed: Passed, device: HostDevice | None) -> Element:
    if passed.kind is PassKind.USB:
        if not _USB.fullmatch(passed.device):
            raise ValueError(f"not vendor:product of a USB device: {passed.device}")
        # The guest starts without what is not plugged in.
        return element("source", *_usb_ids(passed.device), startupPolicy="optional")
    if device is None or device.bus is None or device.device is None:
        raise ValueError(f"no USB device is known at port {passed.device}")
    # With the ids: once something else has these numbers, that one is not given away.
    return element(
        "source",
        *(_usb_ids(device.ids) if _USB.fullmatch(device.ids) else ()),
        element("address", bus=device.bus, device=device.device),
        startupPolicy="optional",
    )


def _usb_ids(ids: str) -> tuple[Element, Element]:
    vendor, _, product = ids.lower().partition(":")
    return element("vendor", id=f"0x{vendor}"), element("product", id=f"0x{product}")


def _scsi_source(passed: Passed) -> Element:
    match = _SCSI.fullmatch(passed.device)
    if match is None:
        raise ValueError(f"not host:bus:target:unit of a SCSI device: {passed.device}")
    host, bus, target, unit = match.groups()
    return element(
        "source",
        element("adapter", name=f"scsi_host{host}"),
        element("address", bus=bus, target=target, unit=unit),
    )


def _with_rom(one: Element, passed: Passed) -> Passed:
    bar = {"on": True, "off": False}.get(child_attr(one, "rom", "bar"))
    return passed._replace(rom_file=child_attr(one, "rom", "file"), rom_bar=bar)


def _scsi_of(source: Element, devices: Sequence[HostDevice]) -> Passed | None:
    adapter = _ADAPTER.fullmatch(child_attr(source, "adapter", "name"))
    address = source.find("address")
    parts = [number(attr(address, name)) for name in ("bus", "target", "unit")]
    if adapter is None or None in parts:
        # Over iSCSI: of no host.
        return None
    place = ":".join(map(str, (int(adapter[1]), *parts)))
    return Passed(PassKind.SCSI, place, _nodedev(devices, place))


def _usb_of(source: Element, devices: Sequence[HostDevice]) -> Passed | None:
    address = source.find("address")
    bus, device = number(attr(address, "bus")), number(attr(address, "device"))
    ids = [number(child_attr(source, name, "id")) for name in ("vendor", "product")]
    vendor, product = ids
    there = None
    if bus is not None and device is not None:
        plugged = (
            one for one in devices if (one.kind, one.bus, one.device) == ("usb", bus, device)
        )
        there = next(plugged, None)
    # A guest that runs has the numbers of what it was given by its ids too, so that numbers which
    # are nobody's stand for a port.
    stale = bus is not None and there is None and bool(devices)
    if vendor is not None and product is not None and not stale:
        named = f"{vendor:04x}:{product:04x}"
        return Passed(PassKind.USB, named, there.nodedev if there else "")
    if there is not None:
        return Passed(PassKind.USB_PORT, there.address, there.nodedev)
    if bus is not None and device is not None:
        return Passed(PassKind.USB_PORT, f"{bus:03d}/{device:03d}")
    return None


def _nodedev(devices: Sequence[HostDevice], address: str) -> str:
    found = (one.nodedev for one in devices if one.address.lower() == address.lower())
    return next(found, "")
