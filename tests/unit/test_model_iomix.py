"""Whose exits are these: of one class alone, of nobody in particular, or of a mix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuivm.model.devices import Device, DeviceClass, DeviceKind
from tuivm.model.iomix import IoMix, io_mix
from tuivm.model.rates import CostRates, DiskRates, GuestRates, NicRates, VcpuRates

VDA = Device(DeviceKind.DISK, DeviceClass.PARAVIRTUAL, "virtio-blk", "vda", counted=True)
VNET = Device(DeviceKind.NIC, DeviceClass.PARAVIRTUAL, "virtio-net", "vnet0", counted=True)
HDA = Device(DeviceKind.DISK, DeviceClass.EMULATED, "ide-hd", "hda", counted=True)
VF = Device(DeviceKind.HOSTDEV, DeviceClass.PHYSICAL, "vfio-pci", "hostdev0")
DEVICES = (VDA, VNET, HDA, VF)
EXITS = {"exits": 900.0, "io_exits": 100.0, "mmio_exits": 20.0, "halt_exits": 7.0}


def rates(
    vda: float | None = 0.0,
    vnet: float | None = 0.0,
    hda: float | None = 0.0,
    exits: dict[str, float] | None = None,
    vmm: float | None = 0.03,
) -> GuestRates:
    """So many reads, flushes and packets per second; half of the exits on each of two vCPUs."""
    halves = {name: rate / 2 for name, rate in (EXITS if exits is None else exits).items()}
    return GuestRates(
        10.0,
        1.0,
        disks=(DiskRates("vda", rd_reqs=vda, fl_reqs=0.0), DiskRates("hda", wr_reqs=hda)),
        nics=(NicRates("vnet0", rx_pkts=vnet),),
        vcpus=(VcpuRates(0, exits=halves), VcpuRates(1, exits=halves)),
        cost=CostRates(1.0, vmm=vmm),
    )


def test_a_class_that_does_it_alone_pays_for_it() -> None:
    mix = io_mix(DEVICES, rates(vda=40.0, vnet=20.0))
    assert mix.ios == {DeviceClass.PARAVIRTUAL: 60.0}
    assert (mix.cls, mix.mixed) == (DeviceClass.PARAVIRTUAL, False)
    assert mix.devices == {"vda", "vnet0"}
    assert mix.exits_per_io == pytest.approx(2.0)
    assert mix.cpu_ns_per_io == pytest.approx(30e6 / 60)


def test_the_emulated_one_alone() -> None:
    mix = io_mix(DEVICES, rates(hda=10.0))
    assert mix.cls is DeviceClass.EMULATED
    assert mix.devices == {"hda"}
    assert mix.exits_per_io == pytest.approx(12.0)


def test_two_classes_at_once_are_a_mix_and_cost_nothing_that_could_be_told() -> None:
    mix = io_mix(DEVICES, rates(vda=90.0, hda=10.0))
    assert mix == IoMix(
        {DeviceClass.PARAVIRTUAL: 90.0, DeviceClass.EMULATED: 10.0},
        mixed=True,
    )


def test_a_stray_packet_does_not_make_a_mix() -> None:
    mix = io_mix(DEVICES, rates(vnet=1.0, hda=200.0))
    assert (mix.cls, mix.mixed) == (DeviceClass.EMULATED, False)
    assert mix.devices == {"hda"}


@pytest.mark.parametrize("reads", [0.0, 0.9, None])
def test_an_idle_guest_has_exits_for_other_reasons(reads: float | None) -> None:
    mix = io_mix(DEVICES, rates(vda=reads))
    assert (mix.cls, mix.mixed, mix.exits_per_io, mix.cpu_ns_per_io) == (None, False, None, None)


def test_a_translated_guest_has_no_exits_but_its_host_has_a_cost() -> None:
    mix = io_mix(DEVICES, rates(vda=60.0, exits={}))
    assert (mix.cls, mix.exits_per_io) == (DeviceClass.PARAVIRTUAL, None)
    assert mix.cpu_ns_per_io is not None


def test_no_exit_to_the_vmm_is_a_zero_and_an_unknown_cost_is_not() -> None:
    mix = io_mix(DEVICES, rates(vda=60.0, exits={"io_exits": 0.0, "mmio_exits": 0.0}, vmm=None))
    assert (mix.exits_per_io, mix.cpu_ns_per_io) == (0.0, None)


def test_exits_that_no_device_model_answers_do_not_count() -> None:
    mix = io_mix(DEVICES, rates(vda=60.0, exits={"exits": 10.0, "halt_exits": 5.0}))
    assert mix.exits_per_io is None


def test_a_device_that_is_not_in_the_definition_belongs_to_no_class() -> None:
    assert io_mix((VNET,), rates(vda=60.0)).ios == {}
    assert io_mix((), rates(vda=60.0)) == IoMix()


def test_groups_that_were_not_asked_for_are_not_idle_devices() -> None:
    assert io_mix(DEVICES, GuestRates(1.0, 1.0)) == IoMix()
    mix = io_mix(DEVICES, GuestRates(1.0, 1.0, disks=(DiskRates("vda", rd_reqs=5.0),)))
    assert (mix.cls, mix.exits_per_io, mix.cpu_ns_per_io) == (DeviceClass.PARAVIRTUAL, None, None)


IOS = st.none() | st.floats(0, 1e7)


@given(IOS, IOS, IOS)
def test_a_cost_is_told_of_one_class_alone(
    vda: float | None, vnet: float | None, hda: float | None
) -> None:
    mix = io_mix(DEVICES, rates(vda, vnet, hda))
    assert not (mix.mixed and mix.cls)
    told = mix.exits_per_io is not None
    assert told == (mix.cls is not None) == (mix.cpu_ns_per_io is not None)
    if mix.mixed:
        assert len(mix.ios) > 1
    if told:
        assert mix.exits_per_io is not None
        assert 0 <= mix.exits_per_io <= 120.0
