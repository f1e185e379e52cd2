"""What does a disk's or a NIC's work on the host: file or block device, cache mode, vhost, limits.

Two devices whose backing differs are not compared by their device models alone.
"""

from __future__ import annotations

from tuivm.domainxml.parse import Element, attr, children, number, text
from tuivm.model.devices import Backing

_WITHOUT_VHOST = frozenset({"user", "udp", "mcast", "server", "client", "internal", "null"})
"""Interface types without a tap on the host, which is what vhost works on."""
_DEFAULTS = frozenset({"default", ""})


def disk_backing(element: Element) -> Backing:
    """Of one `<disk>` that the VMM serves."""
    driver = element.find("driver")
    return Backing(
        kind=attr(element, "type"),
        format=attr(driver, "type"),
        cache=_named(driver, "cache"),
        io=_named(driver, "io"),
        discard=_named(driver, "discard"),
        iothread=attr(driver, "iothread"),
        throttled=_limits(element.find("iotune")),
        queues=number(attr(driver, "queues")) or 0,
    )


def nic_backing(element: Element, kind: str, *, paravirtual: bool) -> Backing:
    """Of one `<interface>` that the VMM serves; kind: its type as it became.

    Only virtio can leave its packets to vhost. It does by default where the host has it, which
    the XML does not say.
    """
    driver = element.find("driver")
    served_by = attr(driver, "name")
    vhost = {"vhost": "on", "qemu": "off"}.get(served_by, "")
    if not paravirtual or kind in _WITHOUT_VHOST:
        vhost = "off"
    return Backing(
        kind=kind,
        throttled=element.find("bandwidth") is not None,
        vhost=vhost,
        queues=number(attr(driver, "queues")) or 0,
    )


def _named(driver: Element | None, name: str) -> str:
    value = attr(driver, name)
    return "" if value in _DEFAULTS else value


def _limits(iotune: Element | None) -> bool:
    """Whether any limit is set: libvirt writes 0 for one that is not."""
    return any(number(text(limit, ".")) for limit in children(iotune))
