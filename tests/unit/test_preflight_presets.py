"""Presets, and the words for the class of each device."""

from __future__ import annotations

from tests.support.offers import DEBIAN12, DESKTOP, RHEL5, x86_caps
from tuivm.model.devices import DeviceClass
from tuivm.model.spec import (
    Disk,
    DiskKind,
    FileRef,
    NewVolume,
    Nic,
    NicKind,
    Passed,
    PassKind,
    Preset,
    Spec,
)
from tuivm.preflight.defaults import complete
from tuivm.preflight.presets import applied, class_words, device_choices

SPEC = Spec(
    name="new",
    disks=(
        Disk(new=NewVolume(size=9 << 30), bus="nvme", iothread=True, cache="none"),
        Disk(DiskKind.CDROM, FileRef(pool="default", volume="debian-12.iso"), bus="ide"),
    ),
    nics=(Nic(NicKind.NETWORK, "boot", "rtl8139", "52:54:00:00:00:01"),),
)


def test_a_preset_chooses_buses_and_models_and_leaves_the_rest() -> None:
    spec = complete(applied(Preset.EMULATED, SPEC), DESKTOP, x86_caps(), DEBIAN12)
    assert [disk.bus for disk in spec.disks or ()] == ["sata", "sata"]
    disk, nic = (spec.disks or ())[0], (spec.nics or ())[0]
    assert (disk.cache, disk.iothread) == ("none", False)
    assert disk.new is not None
    assert disk.new.size == 9 << 30
    assert nic == Nic(NicKind.NETWORK, "boot", "e1000e", "52:54:00:00:00:01")


def test_what_nobody_said_stays_unsaid() -> None:
    assert applied(Preset.ONE_OF_EACH, Spec()) == Spec(preset=Preset.ONE_OF_EACH)
    none = Spec(disks=(), nics=())
    assert applied(Preset.EMULATED, none) == none._replace(preset=Preset.EMULATED)


def test_paravirtual_is_what_the_os_has_drivers_for() -> None:
    spec = complete(applied(Preset.PARAVIRTUAL, SPEC), DESKTOP, x86_caps(machine="pc"), RHEL5)
    assert [disk.bus for disk in spec.disks or ()] == ["ide", "ide"]


def test_every_device_of_the_review_has_its_class_and_words() -> None:
    spec = complete(Spec(preset=Preset.ONE_OF_EACH), DESKTOP, x86_caps(), DEBIAN12)
    spec = spec._replace(passed=(Passed(PassKind.USB, "1050:0407"),))
    choices = device_choices(spec, DESKTOP)
    paravirtual, emulated, physical = DeviceClass
    assert [(one.field, one.cls) for one in choices] == [
        ("disk.0", paravirtual),
        ("disk.1", emulated),
        ("nic.0", paravirtual),
        ("nic.1", emulated),
        ("nic.2", physical),
        ("passthrough.0", physical),
    ]
    assert all(one.words for one in choices)
    assert choices[1].name == "disk debian12-2-2.qcow2 on SATA (AHCI)"
    assert choices[5].name == "USB 1050:0407 YubiKey"


def test_user_mode_is_slow_whatever_the_model() -> None:
    spec = Spec(disks=(), nics=(Nic(NicKind.USER, "", "virtio"), Nic(NicKind.USER, "", "odd")))
    words = [one.words for one in device_choices(spec, DESKTOP)]
    assert words[0].endswith("; user mode is slow whatever the model")
    assert words[1] == "user mode is slow whatever the model"


def test_each_class_has_words() -> None:
    assert len({class_words(cls) for cls in DeviceClass}) == 3
