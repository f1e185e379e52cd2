"""Reading `<capabilities>`: the host's CPU, NUMA nodes and confinement, and what guests it runs.

The document is described in libvirt's formatcaps page.
"""

from __future__ import annotations

from collections.abc import Iterator

from tuivm.domainxml.parse import Element, attr, child_attr, number, parse_xml, size_kib, text
from tuivm.model.offers import Capabilities, GuestArch, MachineType, NumaNode


def read_capabilities(xml: str) -> Capabilities:
    """What a host says of itself. Raises ValueError, with the reason, for any other document."""
    root = parse_xml(xml, "capabilities")
    base = _base_page(root)
    return Capabilities(
        arch=text(root, "host/cpu/arch"),
        cpu_model=text(root, "host/cpu/model"),
        cpu_vendor=text(root, "host/cpu/vendor"),
        cpu_features=_names(root.iterfind("host/cpu/feature")),
        guests=tuple(_guests(root)),
        numa=tuple(_node(cell, base) for cell in root.iterfind("host/topology/cells/cell")),
        security=tuple(
            one for one in _texts(root.iterfind("host/secmodel/model")) if one != "none"
        ),
        qemu_user=_qemu_user(root),
        iommu={"yes": True, "no": False}.get(child_attr(root, "host/iommu", "support")),
    )


def _guests(root: Element) -> Iterator[GuestArch]:
    for guest in root.iterfind("guest"):
        for arch in guest.iterfind("arch"):
            yield GuestArch(
                arch=attr(arch, "name"),
                os_type=text(guest, "os_type"),
                emulator=text(arch, "emulator") or text(arch, "domain/emulator"),
                virt_types=tuple(dict.fromkeys(attr(one, "type") for one in arch.iter("domain"))),
                machines=_machines(arch),
            )


def _machines(arch: Element) -> tuple[MachineType, ...]:
    """Those of all virtualization types, then those that one of them has beside."""
    found: dict[str, MachineType] = {}
    for element in (*arch.iterfind("machine"), *arch.iterfind("domain/machine")):
        name = text(element, ".")
        if name:
            machine = MachineType(
                name=name,
                canonical=attr(element, "canonical"),
                max_cpus=number(attr(element, "maxCpus")) or 0,
                deprecated=attr(element, "deprecated") == "yes",
            )
            found.setdefault(name, machine)
    return tuple(found.values())


def _node(cell: Element, base: int | None) -> NumaNode:
    pages = [(_page_kib(page), number(text(page, ".")) or 0) for page in cell.iterfind("pages")]
    if base is None:
        base = min((size for size, _ in pages), default=0)
    return NumaNode(
        number=number(attr(cell, "id")) or 0,
        memory_kib=size_kib(cell.find("memory")) or 0,
        cpus=tuple(
            cpu for one in cell.iterfind("cpus/cpu") if (cpu := number(attr(one, "id"))) is not None
        ),
        pages=tuple((size, count) for size, count in pages if size > base),
    )


def _base_page(root: Element) -> int | None:
    """KiB of an ordinary page, the smallest that the CPU has; None where it is not told."""
    return min((_page_kib(page) for page in root.iterfind("host/cpu/pages")), default=None)


def _page_kib(page: Element) -> int:
    scale = {"b": 1 / 1024, "kib": 1, "mib": 1024, "gib": 1024**2}
    return int((number(attr(page, "size")) or 0) * scale.get(attr(page, "unit").lower(), 1))


def _qemu_user(root: Element) -> str:
    """The label that the DAC driver gives to QEMU, "+UID:+GID"; "" where there is none."""
    for model in root.iterfind("host/secmodel"):
        if text(model, "model") == "dac":
            labels = {attr(one, "type"): text(one, ".") for one in model.iterfind("baselabel")}
            return labels.get("kvm") or labels.get("qemu") or ""
    return ""


def _names(elements: Iterator[Element]) -> tuple[str, ...]:
    return tuple(name for one in elements if (name := attr(one, "name")))


def _texts(elements: Iterator[Element]) -> tuple[str, ...]:
    return tuple(word for one in elements if (word := text(one, ".")))
