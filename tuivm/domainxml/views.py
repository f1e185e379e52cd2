"""Ways to look at a guest, read from its definition: serial ports, VNC, SPICE."""

from __future__ import annotations

from tuivm.domainxml.classify import elements_of
from tuivm.domainxml.parse import Element, alias, attr, parse_domain
from tuivm.model.consoles import Display, SerialPort, Views
from tuivm.model.devices import DeviceKind

_OPENABLE = ("pty", "")
_GOES_TO = {
    "file": "it is written to a file",
    "null": "it leads nowhere",
    "stdio": "it is the terminal of QEMU's process",
    "spicevmc": "it is SPICE's own",
}
_NO_ADDRESS = ("", "-1", "0")


def views(xml: str) -> Views:
    """xml: live for a guest that runs. Raises ValueError for what is no definition."""
    domain = parse_domain(xml)
    ports = [
        SerialPort(alias(element), device.model, _refusal(element))
        for element, device in elements_of(domain)
        if device.kind in (DeviceKind.SERIAL, DeviceKind.CONSOLE)
    ]
    ports.sort(key=lambda port: bool(port.refusal))
    displays = [_display(element) for element in domain.iterfind("devices/graphics")]
    return Views(tuple(ports), tuple(displays))


def _refusal(element: Element) -> str:
    kind = attr(element, "type")
    if kind in _OPENABLE:
        return ""
    return _GOES_TO.get(kind, f"it is connected to {kind}") + ", and libvirt opens pty's alone"


def _display(element: Element) -> Display:
    kind = attr(element, "type")
    listen = element.find("listen")
    socket = attr(element, "socket") or attr(listen, "socket")
    if socket:
        return Display(kind, socket)
    port = attr(element, "port")
    if port in _NO_ADDRESS:
        port = attr(element, "tlsPort")
    if port in _NO_ADDRESS:
        return Display(kind)
    host = attr(element, "listen") or attr(listen, "address") or "127.0.0.1"
    return Display(kind, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
