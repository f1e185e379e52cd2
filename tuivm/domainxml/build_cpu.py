"""vCPUs and memory of a new definition: how many, what they look like, where they run and lie."""

from __future__ import annotations

from tuivm.domainxml.build_disks import iothreads
from tuivm.domainxml.build_parts import Making, element
from tuivm.domainxml.parse import Element
from tuivm.model.spec import CPU_MODES, NumaCell, Topology

_NESTING = {"Intel": "vmx", "GenuineIntel": "vmx", "AMD": "svm", "AuthenticAMD": "svm"}


def sizes(making: Making) -> list[Element]:
    """Memory and vCPUs, and where they lie and run, in libvirt's order.

    The guest starts with `memory_kib`; the balloon can give it up to `memory_max_kib`. A topology
    with more places than vCPUs leaves the rest to be plugged in.
    """
    spec, machine = making.spec, making.spec.machine
    threads = iothreads(making)
    places = _places(machine.topology)
    current = spec.vcpus if places > spec.vcpus else ""
    vcpu = element("vcpu", str(max(spec.vcpus, places)), placement="static", current=current)
    made = [
        element("memory", str(max(spec.memory_kib, spec.memory_max_kib)), unit="KiB"),
        element("currentMemory", str(spec.memory_kib), unit="KiB"),
        _hugepages(making),
        vcpu,
        element("iothreads", str(threads)) if threads else None,
        _cputune(making),
        _numatune(machine.numa),
    ]
    return [one for one in made if one is not None]


def cpu(making: Making) -> Element | None:
    """`<cpu>`: mode, topology, the feature that nesting needs, the nodes that the guest sees."""
    machine = making.spec.machine
    if machine.cpu in CPU_MODES:
        made = element("cpu", mode=machine.cpu)
    elif machine.cpu:
        model = element("model", machine.cpu, fallback="forbid")
        made = element("cpu", model, mode="custom", match="exact")
    else:
        made = element("cpu")
    topology = machine.topology
    if _places(topology):
        made.append(
            element(
                "topology",
                sockets=topology.sockets or 1,
                cores=topology.cores or 1,
                threads=topology.threads or 1,
            )
        )
    feature = _nesting(making)
    if feature is not None:
        made.append(feature)
    if machine.numa:
        made.append(
            element(
                "numa",
                *(
                    element("cell", id=number, cpus=cell.cpus, memory=cell.memory_kib, unit="KiB")
                    for number, cell in enumerate(machine.numa)
                ),
            )
        )
    return made if made.attrib or len(made) else None


def _places(topology: Topology) -> int:
    """How many vCPUs it has room for; 0 for none said."""
    if not any(topology):
        return 0
    return (topology.sockets or 1) * (topology.cores or 1) * (topology.threads or 1)


def _nesting(making: Making) -> Element | None:
    """A named model has the feature when told to; the modes have the host's unless told not to."""
    machine = making.spec.machine
    if not making.x86 or not making.qemu or not machine.cpu or machine.nested is None:
        return None
    named = machine.cpu not in CPU_MODES
    if named != machine.nested:
        return None
    policy = "require" if named else "disable"
    name = nesting_feature(making)
    return element("feature", policy=policy, name=name) if name else None


def nesting_feature(making: Making) -> str:
    """ "vmx" or "svm": by the named model's vendor, else the host's; QEMU itself emulates svm."""
    machine = making.spec.machine
    if making.virt_type == "qemu":
        return "svm"
    vendors = [model.vendor for model in making.caps.cpu_models if model.name == machine.cpu]
    vendors += [making.offer.nesting.vendor, making.offer.capabilities.cpu_vendor]
    return next((_NESTING[vendor] for vendor in vendors if vendor in _NESTING), "")


def _hugepages(making: Making) -> Element | None:
    machine = making.spec.machine
    if not machine.hugepages:
        return None
    page = element("page", size=machine.page_kib, unit="KiB") if machine.page_kib else None
    return element("memoryBacking", element("hugepages", page))


def _cputune(making: Making) -> Element | None:
    machine = making.spec.machine
    pins = [
        element("vcpupin", vcpu=number, cpuset=cpus)
        for number, cpus in enumerate(machine.pins)
        if cpus
    ]
    if machine.emulator_pin:
        pins.append(element("emulatorpin", cpuset=machine.emulator_pin))
    return element("cputune", *pins) if pins else None


def _numatune(cells: tuple[NumaCell, ...]) -> Element | None:
    """Each bound node's memory comes from its host node alone, or the guest does not start."""
    bound = [
        element("memnode", cellid=number, mode="strict", nodeset=cell.host_node)
        for number, cell in enumerate(cells)
        if cell.host_node
    ]
    return element("numatune", *bound) if bound else None
