"""The checks of a guest's name, operating system, memory and vCPUs."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from tuivm.model.creation import CreationPlan
from tuivm.model.findings import Finding
from tuivm.model.offers import DomainCaps, HostOffer
from tuivm.model.oses import OsInfo
from tuivm.model.spec import Preset, SourceKind, Spec
from tuivm.model.units import kib, visible
from tuivm.preflight.asking import error, has_control, note, shown, warning

MOST_KIB = (1 << 63) // 1024
"""libvirt keeps memory in 64 bits."""
_NAME_BYTES = 200
"""libvirt's monitor socket and log files are named by the guest: longer names do not start."""
_SMALLEST_KIB = 1024


def check_system(plan: CreationPlan, offer: HostOffer, caps: DomainCaps) -> Iterator[Finding]:
    spec = plan.spec
    yield from _name(spec, offer)
    yield from _uuid(spec, offer)
    yield from _texts(spec)
    # A copy that says no size has that of its source.
    copy = spec.source.kind is SourceKind.COPY
    if spec.memory_kib or not copy:
        yield from _memory(spec, offer, plan.os)
    if spec.vcpus or not copy:
        yield from _vcpus(spec, offer, caps, plan.os)
    if not copy:
        yield from _os(plan.os, plan.spec.preset)


def _name(spec: Spec, offer: HostOffer) -> Iterator[Finding]:
    name, field = spec.name, "guest.name"
    if not name.strip():
        yield error("name-empty", field, "the guest has no name", remedy="give it one")
        return
    if "/" in name or name in {".", ".."}:
        yield error(
            "name-slash",
            field,
            f"{shown(name)} cannot be a name",
            "libvirt keeps files by this name, so it must not have a slash nor be . or ..",
            "leave the slash out",
        )
    if has_control(name):
        yield error(
            "name-control",
            field,
            f"the name {shown(name)} has control characters",
            "libvirt refuses line breaks, and XML has no way to write most of the others",
            "use letters, digits, - _ and .",
        )
    elif visible(name) != name:
        yield warning(
            "name-invisible",
            field,
            f"the name {shown(name)} has characters that cannot be seen",
            "they reorder or hide text, and have to be typed with it ever after",
            "leave them out",
        )
    if len(name.encode("utf-8", "surrogatepass")) > _NAME_BYTES:
        yield error(
            "name-long",
            field,
            f"the name is longer than {_NAME_BYTES} bytes",
            "files and sockets are named by it, and 255 bytes are the longest that a file name has",
            "shorten it",
        )
    if name != name.strip():
        yield warning(
            "name-spaces",
            field,
            "the name begins or ends with a space",
            "it cannot be seen, and has to be typed with it ever after",
            "leave the space out",
        )
    if name in {guest for guest, _uuid, _active in offer.guests}:
        yield error(
            "name-taken",
            field,
            f"{shown(name)} is the name of another guest on {shown(offer.host)}",
            "libvirt knows a guest by its name",
            "take another name",
        )


def _uuid(spec: Spec, offer: HostOffer) -> Iterator[Finding]:
    if not spec.uuid:
        return
    try:
        asked = UUID(spec.uuid)
    except ValueError:
        yield error(
            "uuid-invalid",
            "guest.uuid",
            f"{shown(spec.uuid)} is no UUID",
            remedy="leave it empty: a new one is made",
        )
        return
    for name, uuid, _active in offer.guests:
        if uuid.lower() == str(asked):
            yield error(
                "uuid-taken",
                "guest.uuid",
                f"{shown(name)} has this UUID already",
                "two guests cannot have the same",
                "leave it empty: a new one is made",
            )


def _texts(spec: Spec) -> Iterator[Finding]:
    if "\n" in spec.title:
        yield error(
            "title-lines", "guest.title", "the title has more than one line", "libvirt refuses it"
        )
    for field, text in (("guest.title", spec.title), ("guest.description", spec.description)):
        if has_control(text.replace("\n", "").replace("\t", "")):
            yield error(
                "text-control",
                field,
                "the text has control characters",
                "XML has no way to write them",
                "leave them out",
            )


def _memory(spec: Spec, offer: HostOffer, os: OsInfo) -> Iterator[Finding]:
    field, memory = "guest.memory", spec.memory_kib
    if memory < _SMALLEST_KIB or memory > MOST_KIB:
        yield error(
            "memory-range",
            field,
            f"{memory} KiB is no amount of memory for a guest",
            remedy="at least 1 MiB" if memory < _SMALLEST_KIB else "less than 8 EiB",
        )
        return
    most = max(memory, spec.memory_max_kib)
    if offer.memory_kib and memory > offer.memory_kib:
        yield error(
            "memory-host",
            field,
            f"{kib(memory)} is more than the {kib(offer.memory_kib)} that {shown(offer.host)} has",
            "the guest would be killed, or the host would do nothing but swap",
            f"at most {kib(offer.memory_kib)}, and leave the host some",
        )
    elif offer.memory_kib and most > offer.memory_kib:
        yield warning(
            "memory-max-host",
            "guest.memory_max",
            f"it can grow to {kib(most)}, more than {shown(offer.host)} has",
            f"the host has {kib(offer.memory_kib)}",
            "lower the maximum",
        )
    elif offer.memory_free_kib and spec.start and memory > offer.memory_free_kib:
        yield warning(
            "memory-free",
            field,
            f"{kib(memory)} is more than the {kib(offer.memory_free_kib)} that is free now",
            "the host may swap, or kill a guest when memory runs out",
            "take less, or shut another guest down before the start",
        )
    if spec.memory_max_kib and spec.memory_max_kib < memory:
        yield error(
            "memory-max",
            "guest.memory_max",
            f"the maximum {kib(spec.memory_max_kib)} is less than the memory {kib(memory)}",
            remedy="raise the maximum or leave it empty",
        )
    if os.memory_min_kib and memory < os.memory_min_kib:
        yield warning(
            "memory-os",
            field,
            f"{os.name} needs {kib(os.memory_min_kib)} at least",
            "its installer may refuse or fail",
            f"give it {kib(os.memory_kib or os.memory_min_kib)}",
        )


def _vcpus(spec: Spec, offer: HostOffer, caps: DomainCaps, os: OsInfo) -> Iterator[Finding]:
    field, vcpus = "guest.vcpus", spec.vcpus
    if vcpus < 1:
        yield error("vcpus-range", field, f"{vcpus} is no number of vCPUs", remedy="1 or more")
        return
    topology = spec.machine.topology
    if any(part < 0 for part in topology):
        yield error(
            "topology-range", "machine.topology", "sockets, cores and threads cannot be negative"
        )
        return
    places = 1
    for part in topology:
        places *= max(part, 1)
    if any(topology) and places < vcpus:
        yield error(
            "topology",
            "machine.topology",
            f"{topology.sockets} x {topology.cores} x {topology.threads} are {places} places for "
            f"{vcpus} vCPUs",
            "sockets times cores times threads has to be the number of vCPUs, or more",
            "leave one of the three empty: it is filled so that it fits",
        )
    elif any(topology) and places > vcpus:
        yield note(
            "topology-room",
            "machine.topology",
            f"{places} places for {vcpus} vCPUs",
            "the others can be plugged in while the guest runs",
        )
    most = max(vcpus, places if any(topology) else 0)
    if caps.max_vcpus and most > caps.max_vcpus:
        yield error(
            "vcpus-max",
            field,
            f"{most} vCPUs are more than the {caps.max_vcpus} that {shown(caps.machine)} can have",
            remedy=f"at most {caps.max_vcpus}",
        )
    elif offer.cpus and vcpus > offer.cpus:
        yield warning(
            "vcpus-host",
            field,
            f"{vcpus} vCPUs on a host with {offer.cpus} CPUs",
            "vCPUs then wait for each other: a guest that spins on a lock gets slower, not faster",
            f"at most {offer.cpus}",
        )
    if os.vcpus_min and vcpus < os.vcpus_min:
        yield warning(
            "vcpus-os",
            field,
            f"{os.name} needs {os.vcpus_min} vCPUs at least",
            "its installer may refuse",
            f"give it {max(os.vcpus, os.vcpus_min)}",
        )


def _os(os: OsInfo, preset: Preset) -> Iterator[Finding]:
    if not os.known:
        yield note(
            "os-unknown",
            "guest.os",
            "the operating system is not known",
            "sizes are a guess, and it may lack drivers for virtio",
            "say which it is"
            if preset is Preset.EMULATED
            else "say which it is; or take the preset of emulated devices, which any OS has "
            "drivers for",
        )
    elif os.ended:
        yield note(
            "os-ended",
            "guest.os",
            f"{os.name} is no longer supported by its makers",
            "its holes stay open",
            "keep it off networks that matter",
        )
