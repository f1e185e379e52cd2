"""The class of each device of a guest: a pure function over its XML. See docs/device-classes.md.

A host-side backend (`<graphics>`, `<audio>`, `<input type='evdev'>`, a guestfwd channel) is no
device: the guest has nothing to drive. Nor is an element that this program does not know, unless
its model says that it is virtio: a guessed class would be worse than none.
"""

from __future__ import annotations

from collections.abc import Callable

from tuivm.domainxml import disks, nics
from tuivm.domainxml.disks import EMULATED, PARAVIRTUAL, PHYSICAL, flavour
from tuivm.domainxml.parse import (
    Element,
    Platform,
    alias,
    attr,
    child_attr,
    children,
    device_address,
    platform_of,
)
from tuivm.model.devices import Device, DeviceClass, DeviceKind

Maker = Callable[[Element, Platform], Device | None]

_PARAVIRTUAL_VIDEO = {"virtio": "virtio-gpu", "qxl": "qxl", "xen": "xenfb", "vmvga": "vmvga"}
_SERIAL_MODELS = {
    "isa-serial": "isa-serial",
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "spapr-vio-serial": "spapr-vty",
    "system-serial": "system-serial",
    "sclp-serial": "sclpconsole",
}
_MEMORY_MODELS = {
    "dimm": ("pc-dimm", EMULATED, ""),
    "nvdimm": ("nvdimm", EMULATED, ""),
    "virtio-pmem": ("virtio-pmem", PARAVIRTUAL, ""),
    "virtio-mem": ("virtio-mem", PARAVIRTUAL, ""),
    "sgx-epc": ("sgx-epc", PHYSICAL, "enclave memory of the host's CPU, partitioned"),
}
_PANIC_MODELS = {"isa": "pvpanic", "pvpanic": "pvpanic-pci", "pseries": "pseries"}


def devices_of(domain: Element) -> tuple[Device, ...]:
    """All devices of a `<domain>`, in the order of its XML; targets are unique for each kind."""
    return tuple(device for _, device in elements_of(domain))


def elements_of(domain: Element) -> tuple[tuple[Element, Device], ...]:
    """The same, each with the element that it was read from."""
    platform = platform_of(domain)
    has_serial = domain.find("devices/serial") is not None
    found = []
    for element in children(domain.find("devices")):
        tag = str(element.tag)
        if tag == "console" and _repeats_serial(element, platform, has_serial=has_serial):
            continue
        device = _MAKERS.get(tag, _unknown)(element, platform)
        if device is not None:
            found.append((element, device))
    return _with_unique_targets(found)


def _with_unique_targets(
    found: list[tuple[Element, Device]],
) -> tuple[tuple[Element, Device], ...]:
    taken: set[tuple[DeviceKind, str]] = set()
    unique = []
    for element, device in found:
        base = device.target or device.address or device.kind.value
        target, number = base, 1
        while (device.kind, target) in taken:
            number += 1
            target = f"{base}#{number}"
        taken.add((device.kind, target))
        unique.append((element, device._replace(target=target)))
    return tuple(unique)


def _repeats_serial(element: Element, platform: Platform, *, has_serial: bool) -> bool:
    """For old clients libvirt lists the first serial port of a full guest as a console too."""
    kind = child_attr(element, "target", "type")
    return has_serial and kind in ("", "serial") and not platform.container


def _plain(
    element: Element,
    kind: DeviceKind,
    cls: DeviceClass,
    model: str,
    *,
    target: str = "",
    bus: str = "",
    source: str = "",
    note: str = "",
) -> Device:
    address = device_address(element)
    return Device(
        kind=kind,
        cls=cls,
        model=model,
        target=target or alias(element) or address,
        bus=bus,
        source=source,
        address=address,
        note=note,
    )


def _virtio(kind: DeviceKind, name: str) -> Maker:
    """A maker for an element that is virtio (or Xen's counterpart) or not there at all."""

    def make(element: Element, platform: Platform) -> Device | None:
        model = attr(element, "model") or attr(element, "type")
        if model == "none":
            return None
        xen = model == "xen" or (model == "" and platform.virt_type == "xen")
        shown = f"xen-{name}" if xen else f"virtio-{name}"
        return _plain(element, kind, PARAVIRTUAL, shown, note=flavour(model))

    return make


def _video(element: Element, _platform: Platform) -> Device | None:
    model = child_attr(element, "model", "type")
    if model == "none":
        return None
    if model in _PARAVIRTUAL_VIDEO:
        return _plain(element, DeviceKind.VIDEO, PARAVIRTUAL, _PARAVIRTUAL_VIDEO[model])
    return _plain(element, DeviceKind.VIDEO, EMULATED, model or "vga")


def _sound(element: Element, _platform: Platform) -> Device:
    model = attr(element, "model")
    if model.startswith("virtio"):
        return _plain(element, DeviceKind.SOUND, PARAVIRTUAL, "virtio-sound")
    return _plain(element, DeviceKind.SOUND, EMULATED, model or "sound")


def _input(element: Element, _platform: Platform) -> Device | None:
    kind, bus = attr(element, "type"), attr(element, "bus")
    source = child_attr(element, "source", "evdev") or child_attr(element, "source", "dev")
    if kind == "evdev":
        return None
    if kind == "passthrough":
        return _plain(
            element,
            DeviceKind.INPUT,
            PARAVIRTUAL,
            "virtio-input-host",
            bus="virtio",
            source=source,
            note="events of a host device, forwarded",
        )
    cls = PARAVIRTUAL if bus in ("virtio", "xen") else EMULATED
    prefix = {"": "", "xen": "xen-"}.get(bus, f"{bus}-")
    note = flavour(attr(element, "model"))
    return _plain(element, DeviceKind.INPUT, cls, f"{prefix}{kind or 'input'}", bus=bus, note=note)


def _char_source(element: Element) -> str:
    for name in ("path", "service", "channel"):
        if value := child_attr(element, "source", name):
            return value
    return attr(element, "type")


def _serial(element: Element, platform: Platform) -> Device:
    kind = child_attr(element, "target/model", "name") or child_attr(element, "target", "type")
    if kind in ("", "serial"):
        kind = "isa-serial" if platform.x86 or not platform.arch else "system-serial"
    cls = PARAVIRTUAL if kind in ("spapr-vio-serial", "spapr-vty") else EMULATED
    model = _SERIAL_MODELS.get(kind, kind)
    return _plain(element, DeviceKind.SERIAL, cls, model, source=_char_source(element))


def _console(element: Element, platform: Platform) -> Device:
    kind = child_attr(element, "target", "type")
    source = _char_source(element)
    if platform.container:
        note = "container: no device model"
        return _plain(element, DeviceKind.CONSOLE, PARAVIRTUAL, "pty", source=source, note=note)
    if kind == "virtio":
        return _plain(element, DeviceKind.CONSOLE, PARAVIRTUAL, "virtconsole", source=source)
    if kind in ("xen", "uml"):
        return _plain(element, DeviceKind.CONSOLE, PARAVIRTUAL, f"{kind}-console", source=source)
    if kind in ("", "serial"):
        return _serial(element, platform)._replace(kind=DeviceKind.CONSOLE)
    return _plain(element, DeviceKind.CONSOLE, EMULATED, f"{kind}console", source=source)


def _channel(element: Element, _platform: Platform) -> Device | None:
    kind = child_attr(element, "target", "type")
    if kind == "guestfwd":
        return None
    model = "xen-channel" if kind == "xen" else "virtserialport"
    return _plain(
        element,
        DeviceKind.CHANNEL,
        PARAVIRTUAL,
        model,
        target=child_attr(element, "target", "name"),
        source=_char_source(element),
    )


def _parallel(element: Element, _platform: Platform) -> Device:
    return _plain(
        element, DeviceKind.PARALLEL, EMULATED, "isa-parallel", source=_char_source(element)
    )


def _tpm(element: Element, _platform: Platform) -> Device:
    model = attr(element, "model") or "tpm-tis"
    backend = child_attr(element, "backend", "type")
    if backend == "passthrough":
        source = child_attr(element, "backend/device", "path")
        return _plain(
            element, DeviceKind.TPM, PHYSICAL, model, source=source, note="the host's own TPM"
        )
    cls = PARAVIRTUAL if model.startswith("tpm-spapr") else EMULATED
    return _plain(element, DeviceKind.TPM, cls, model, source="swtpm" if backend else "")


def _watchdog(element: Element, _platform: Platform) -> Device:
    model = attr(element, "model") or "watchdog"
    cls = PARAVIRTUAL if model == "diag288" else EMULATED
    return _plain(element, DeviceKind.WATCHDOG, cls, model)


def _memory(element: Element, _platform: Platform) -> Device:
    model = attr(element, "model")
    name, cls, note = _MEMORY_MODELS.get(model, (model or "memory", EMULATED, ""))
    return _plain(element, DeviceKind.MEMORY, cls, name, note=note)


def _panic(element: Element, platform: Platform) -> Device:
    model = attr(element, "model") or ("isa" if platform.x86 else "")
    shown = _PANIC_MODELS.get(model, model or "panic")
    return _plain(element, DeviceKind.PANIC, PARAVIRTUAL, shown)


def _shmem(element: Element, _platform: Platform) -> Device:
    model = child_attr(element, "model", "type") or "ivshmem"
    return _plain(element, DeviceKind.SHMEM, PARAVIRTUAL, model, source=attr(element, "name"))


def _smartcard(element: Element, _platform: Platform) -> Device:
    forwarded = attr(element, "mode") == "passthrough"
    model = "ccid-card-passthru" if forwarded else "ccid-card-emulated"
    return _plain(element, DeviceKind.SMARTCARD, EMULATED, model)


def _redirdev(element: Element, _platform: Platform) -> Device:
    bus = attr(element, "bus") or "usb"
    note = "an empty slot until the viewer redirects a device of its own"
    return _plain(
        element,
        DeviceKind.REDIRDEV,
        EMULATED,
        f"{bus}-redir",
        bus=bus,
        source=_char_source(element),
        note=note,
    )


def _hub(element: Element, _platform: Platform) -> Device:
    return _plain(element, DeviceKind.HUB, EMULATED, f"{attr(element, 'type') or 'usb'}-hub")


def _iommu(element: Element, _platform: Platform) -> Device:
    model = attr(element, "model")
    cls = PARAVIRTUAL if model == "virtio" else EMULATED
    shown = model if model.startswith("smmu") else f"{model}-iommu".lstrip("-")
    return _plain(element, DeviceKind.IOMMU, cls, shown)


def _nvram(element: Element, _platform: Platform) -> Device:
    return _plain(element, DeviceKind.OTHER, PARAVIRTUAL, "spapr-nvram")


def _pstore(element: Element, _platform: Platform) -> Device:
    source = element.findtext("path") or ""
    return _plain(element, DeviceKind.OTHER, EMULATED, "acpi-erst", source=source)


def _unknown(element: Element, _platform: Platform) -> Device | None:
    model = attr(element, "model") or child_attr(element, "model", "type")
    if model == "virtio" or model.startswith("virtio-"):
        name = f"virtio-{element.tag}"
        return _plain(element, DeviceKind.OTHER, PARAVIRTUAL, name, note=flavour(model))
    return None


_MAKERS: dict[str, Maker] = {
    "disk": disks.disk,
    "controller": disks.controller,
    "filesystem": disks.filesystem,
    "interface": nics.interface,
    "hostdev": nics.hostdev,
    "video": _video,
    "sound": _sound,
    "input": _input,
    "serial": _serial,
    "console": _console,
    "channel": _channel,
    "parallel": _parallel,
    "memballoon": _virtio(DeviceKind.BALLOON, "balloon"),
    "rng": _virtio(DeviceKind.RNG, "rng"),
    "vsock": _virtio(DeviceKind.VSOCK, "vsock"),
    "crypto": _virtio(DeviceKind.CRYPTO, "crypto"),
    "tpm": _tpm,
    "watchdog": _watchdog,
    "memory": _memory,
    "panic": _panic,
    "shmem": _shmem,
    "smartcard": _smartcard,
    "redirdev": _redirdev,
    "hub": _hub,
    "iommu": _iommu,
    "nvram": _nvram,
    "pstore": _pstore,
}
