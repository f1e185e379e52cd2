"""NICs' defaults: what they are connected to, and their models."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.model.devices import DeviceClass
from tuivm.model.offers import HostDevice, HostOffer, Network
from tuivm.model.oses import OsInfo
from tuivm.model.spec import Machine, Nic, NicKind, Passed, PassKind, Preset, Spec
from tuivm.preflight.default_disks import preset_class
from tuivm.preflight.default_models import nic_model
from tuivm.preflight.passing import VerdictKind, verdict

_NIC_CLASS = "02"
_WITHOUT_PASST = 9_000_000
_OUTWARD = ("nat", "route", "open", "bridge")


class Connected(NamedTuple):
    """nics: as they are completed. passed: those of the spec, and a VF that a preset adds."""

    nics: tuple[Nic, ...]
    passed: tuple[Passed, ...]


def complete_nics(spec: Spec, machine: Machine, offer: HostOffer, os: OsInfo) -> Connected:
    said, passed = spec.nics, spec.passed
    if said is None:
        said, passed = _by_preset(spec, offer)
    nics = tuple(
        _filled(nic, machine, offer, os, preset_class(spec.preset, index))
        for index, nic in enumerate(said)
    )
    return Connected(nics, passed)


def _by_preset(spec: Spec, offer: HostOffer) -> tuple[tuple[Nic, ...], tuple[Passed, ...]]:
    """A VF of the host's pool of VFs, else one that is free by itself: a whole NIC or a disk is
    nothing to be taken without being asked for."""
    one_of_each = spec.preset is Preset.ONE_OF_EACH
    usual = (Nic(), Nic()) if one_of_each else (Nic(),)
    if not one_of_each and spec.preset is not Preset.PASSTHROUGH:
        return usual, spec.passed
    if pool := vf_pool(offer):
        vf = Nic(NicKind.NETWORK, pool)
        return ((*usual, vf) if one_of_each else (vf,)), spec.passed
    function = free_function(offer, spec)
    if function is None or any(passed.kind is PassKind.VF for passed in spec.passed):
        return usual, spec.passed
    passed = (*spec.passed, Passed(PassKind.VF, function.address, function.nodedev))
    return (usual if one_of_each else ()), passed


def free_function(offer: HostOffer, spec: Spec) -> HostDevice | None:
    """A VF of a NIC that can be passed through without taking anything else along."""
    for device in offer.devices:
        nic = device.class_.startswith(_NIC_CLASS) and device.physical_function
        if nic and verdict(device, offer, spec).kind is VerdictKind.FREE:
            return device
    return None


def default_connection(offer: HostOffer, *, forwards: bool = False) -> tuple[NicKind, str]:
    """(kind, source): the active "default" network, another one that leads out, a bridge of the
    host's, else user mode. A session has no rights to the first ones."""
    user = (NicKind.PASST if offer.passt and knows_passt(offer) else NicKind.USER, "")
    if offer.session or forwards:
        return user
    active = [network for network in offer.networks if network.active]
    for network in active:
        if network.name == "default":
            return NicKind.NETWORK, network.name
    for network in active:
        if network.forward in _OUTWARD:
            return NicKind.NETWORK, network.name
    owned = {network.bridge for network in offer.networks}
    for interface in offer.interfaces:
        if interface.kind == "bridge" and interface.up is not False and interface.name not in owned:
            return NicKind.BRIDGE, interface.name
    return user


def knows_passt(offer: HostOffer) -> bool:
    """libvirt 9.0.0 has it in its documentation, but refuses it (its issue 462)."""
    return not 0 < offer.libvirt_version <= _WITHOUT_PASST


def find_network(offer: HostOffer, name: str) -> Network | None:
    return next((network for network in offer.networks if network.name == name), None)


def vf_pool(offer: HostOffer) -> str:
    """The first active network that hands out VFs, "" if there is none."""
    for network in offer.networks:
        if network.active and network.forward == "hostdev":
            return network.name
    return ""


def _filled(nic: Nic, machine: Machine, offer: HostOffer, os: OsInfo, cls: DeviceClass) -> Nic:
    if nic.kind is NicKind.NONE:
        return nic
    if nic.kind is NicKind.DEFAULT:
        nic = _connected(nic, offer)
    elif nic.kind is NicKind.NETWORK and not nic.source:
        nic = nic._replace(source=_network(offer))
    elif nic.kind in (NicKind.BRIDGE, NicKind.MACVTAP) and not nic.source:
        nic = nic._replace(source=_interface(nic.kind, offer))
    network = find_network(offer, nic.source) if nic.kind is NicKind.NETWORK else None
    if network is not None and network.forward == "hostdev":
        # A VF is no device of the VMM's: there is no model to choose.
        return nic
    return nic._replace(model=nic.model or nic_model(machine, os, cls), mac=nic.mac.lower())


def _connected(nic: Nic, offer: HostOffer) -> Nic:
    """A source without a kind says by its name what it is."""
    if not nic.source:
        kind, source = default_connection(offer, forwards=bool(nic.forwards))
        return nic._replace(kind=kind, source=source)
    if find_network(offer, nic.source) is not None:
        return nic._replace(kind=NicKind.NETWORK)
    kinds = {interface.name: interface.kind for interface in offer.interfaces}
    if nic.source in kinds:
        bridge = kinds[nic.source] == "bridge"
        return nic._replace(kind=NicKind.BRIDGE if bridge else NicKind.MACVTAP)
    return nic._replace(kind=NicKind.NETWORK)


def _network(offer: HostOffer) -> str:
    names = [network.name for network in offer.networks if network.active]
    return "default" if "default" in names or not names else names[0]


def _interface(kind: NicKind, offer: HostOffer) -> str:
    """ "" where there is none that could be meant."""
    bridge = kind is NicKind.BRIDGE
    for interface in offer.interfaces:
        if (interface.kind == "bridge") is bridge and interface.up is not False:
            return interface.name
    return ""
