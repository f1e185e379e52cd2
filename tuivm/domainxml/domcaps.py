"""Reading `<domainCapabilities>`: what one emulator offers for one type, architecture and machine.

The document is described in libvirt's formatdomaincaps page. Its sections came one after another,
so one that is missing means "not said", not "none".
"""

from __future__ import annotations

from collections.abc import Iterator

from tuivm.domainxml.parse import Element, attr, children, number, parse_xml, text
from tuivm.model.offers import CpuMode, CpuModel, DomainCaps

_USABLE = {"yes": True, "no": False}


def read_domain_caps(xml: str) -> DomainCaps:
    """Raises ValueError, with the reason, for any other document.

    `hostdev_types` has "pci" only where the host has VFIO. libvirt does not list "mdev", which
    QEMU hands over by VFIO too: it is possible where "pci" is.
    """
    root = parse_xml(xml, "domainCapabilities")
    devices = root.find("devices")
    return DomainCaps(
        emulator=text(root, "path"),
        virt_type=text(root, "domain"),
        arch=text(root, "arch"),
        machine=text(root, "machine"),
        max_vcpus=number(attr(root.find("vcpu"), "max")) or 0,
        iothreads=attr(root.find("iothreads"), "supported") == "yes",
        firmware=_enum(root, "os", "firmware"),
        loaders=_texts(root.iterfind("os/loader/value")),
        secure_boot=_secure_boot(root),
        cpu_modes=tuple(_mode(mode) for mode in root.iterfind("cpu/mode")),
        cpu_models=tuple(_models(root)),
        disk_devices=_enum(devices, "disk", "diskDevice"),
        disk_buses=_enum(devices, "disk", "bus"),
        disk_models=_enum(devices, "disk", "model"),
        graphics=_enum(devices, "graphics", "type"),
        videos=_enum(devices, "video", "modelType"),
        hostdev_types=_hostdevs(devices),
        rng_models=_enum(devices, "rng", "model"),
        tpm_models=_enum(devices, "tpm", "model"),
        tpm_backends=_enum(devices, "tpm", "backendModel"),
        channels=_enum(devices, "channel", "type"),
        filesystems=_enum(devices, "filesystem", "driverType"),
        memory_backings=_enum(root, "memoryBacking", "sourceType"),
        features=tuple(
            str(one.tag)
            for one in children(root.find("features"))
            if attr(one, "supported") == "yes"
        ),
        launch_security=tuple(
            word
            for one in root.iter("launchSecurity")
            if attr(one, "supported") == "yes"
            for word in _texts(one.iterfind("enum[@name='sectype']/value"))
        ),
        sev_es_guests=number(text(root, "features/sev/maxESGuests")) or 0,
        net_backends=_enum(devices, "interface", "backendType"),
    )


def _enum(parent: Element | None, section: str, name: str) -> tuple[str, ...]:
    """The values of an enum; none where its section is not supported."""
    found = None if parent is None else parent.find(section)
    if found is None or attr(found, "supported") == "no":
        return ()
    return _texts(found.iterfind(f"enum[@name='{name}']/value"))


def _texts(elements: Iterator[Element]) -> tuple[str, ...]:
    return tuple(word for one in elements if (word := text(one, ".")))


def _secure_boot(root: Element) -> bool:
    """Some firmware of the host's can do it: it says so of its loaders, newer ones of features."""
    return "yes" in (
        *_enum(root.find("os"), "loader", "secure"),
        *_enum(root.find("os"), "firmwareFeatures", "secureBoot"),
    )


def _mode(mode: Element) -> CpuMode:
    name = attr(mode, "name")
    if name != "host-model":
        return CpuMode(name, supported=attr(mode, "supported") == "yes")
    return CpuMode(
        name,
        supported=attr(mode, "supported") == "yes",
        model=text(mode, "model"),
        features=tuple(
            (attr(feature, "name"), attr(feature, "policy") or "require")
            for feature in mode.iterfind("feature")
        ),
    )


def _models(root: Element) -> Iterator[CpuModel]:
    for model in root.iterfind("cpu/mode[@name='custom']/model"):
        name = text(model, ".")
        if name:
            yield CpuModel(
                name=name,
                usable=_USABLE.get(attr(model, "usable")),
                vendor=attr(model, "vendor").replace("unknown", ""),
                deprecated=attr(model, "deprecated") == "yes",
            )


def _hostdevs(devices: Element | None) -> tuple[str, ...]:
    found = _enum(devices, "hostdev", "subsysType")
    backend = None if devices is None else devices.find("hostdev/enum[@name='pciBackend']")
    # There, but empty: without VFIO no PCI device can be handed to a guest.
    if backend is not None and backend.find("value") is None:
        return tuple(kind for kind in found if kind != "pci")
    return found
