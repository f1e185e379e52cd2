from __future__ import annotations

import pytest

from tests.support.lababilities import BUSES, TYPES, abilities
from tuivm.lab import experiments, models
from tuivm.lab.ports import HostAbilities, LabError, MachineCaps, SpareDevice
from tuivm.model.lab import (
    LESSONS,
    Backing,
    Experiment,
    LabOffer,
    LabRequest,
    Length,
    Plan,
)

STORAGE, NETWORK = Experiment.STORAGE, Experiment.NETWORK
DISK = SpareDevice("0000:02:00.0", "disk", "NVMe SSD")
NIC = SpareDevice("0000:03:00.1", "nic", "I350 VF", vf=True)


def _why(of: Plan | LabOffer) -> dict[str, str]:
    return {
        one.subject if isinstance(one.subject, str) else one.subject.id: one.why
        for one in of.omitted
    }


def _ids(of: Plan | LabOffer) -> list[str]:
    return [one.id for one in of.subjects]


def _plan(request: LabRequest | None = None, **changes: object) -> Plan:
    return experiments.plan(abilities(**changes), request or LabRequest())


def _backed(experiment: Experiment, backing: Backing) -> LabRequest:
    return LabRequest((experiment,), backings={experiment: backing})


def test_all_that_a_host_has_is_offered() -> None:
    offer = experiments.offer("rack7", abilities(accelerators=("kvm", "qemu")))
    assert (offer.host, offer.problem, offer.omitted) == ("rack7", "", ())
    assert _ids(offer) == [model.subject.id for model in models.CATALOGUE]
    assert offer.backings[STORAGE] == (Backing.NULL, Backing.FILE)
    assert offer.backings[NETWORK] == (Backing.SOCKET, Backing.TAP)
    assert offer.remarks == ()


def test_the_reason_is_what_no_backing_helps_against() -> None:
    offer = experiments.offer("local", abilities(vhost_net=False))
    assert "/dev/vhost-net" in _why(offer)["virtio-net-vhost"]


def test_a_session_without_kvm() -> None:
    offer = experiments.offer("local", abilities(session=True, tap=False))
    assert _why(offer).keys() == {"virtio-net-vhost", "kvm"}
    assert "system's libvirt" in _why(offer)["virtio-net-vhost"]
    assert offer.backings[NETWORK] == (Backing.SOCKET,)
    assert any("no KVM" in one for one in offer.remarks)


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        ("lsi53c895a", {"lsi"}),
        ("qemu-xhci", {"usb"}),
        ("ich9-ahci", {"ahci", "q35-emulated", "i440fx-emulated"}),
        ("iothread", {"virtio-blk-iothread", "iothread-on"}),
        ("pcnet", {"pcnet"}),
    ],
)
def test_what_qemu_does_not_have_is_left_out_by_name(missing: str, gone: set[str]) -> None:
    offer = experiments.offer("h", abilities(models=TYPES - {missing}, accelerators=("kvm",)))
    why = _why(offer)
    assert why.keys() - {"tcg"} == gone
    assert all(f"QEMU 7.2.22 on this host has no {missing}." == why[one] for one in gone)


def test_where_qemu_cannot_be_asked_libvirt_is_believed() -> None:
    offer = experiments.offer("h", abilities(models=None))
    assert {"virtio-blk", "virtio-scsi", "ahci", "ide", "usb", "virtio-net"} <= set(_ids(offer))
    why = _why(offer)
    assert {"nvme", "lsi", "e1000", "pcnet", "q35-emulated"} <= why.keys()
    assert "could not be asked" in why["lsi"]
    assert any("could not be asked" in one for one in offer.remarks)


def test_q35_alone_has_no_ide() -> None:
    offer = experiments.offer("h", abilities(machines=frozenset({"q35"})))
    assert "no IDE" in _why(offer)["ide"]
    assert "machine type pc" in _why(offer)["i440fx"]
    assert "q35" in _ids(offer)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"accelerators": ()}, "neither KVM nor TCG"),
        ({"machines": frozenset({"microvm"})}, "neither the machine type"),
        ({"record": abilities().record._replace(arch="aarch64")}, "aarch64"),
    ],
)
def test_a_host_that_cannot_have_the_lab(changes: dict[str, object], word: str) -> None:
    host = abilities(**changes)
    offer = experiments.offer("h", host)
    assert word in offer.problem
    assert offer.subjects == ()
    with pytest.raises(LabError, match=word):
        experiments.plan(host, LabRequest())


def test_a_quick_plan_of_storage_and_network() -> None:
    plan = _plan(LabRequest((STORAGE, NETWORK)))
    assert _why(plan).keys() == {"virtio-net-vhost"}
    assert len(plan.subjects) == 13
    assert [one.id for one in plan.subjects if one.baseline] == ["virtio-blk", "virtio-net"]
    assert plan.rounds == 5
    assert plan.accelerator == "qemu"
    assert plan.backings == {STORAGE: Backing.NULL, NETWORK: Backing.SOCKET}
    # 60 s of trials, two boots under TCG, 13 countings.
    assert plan.seconds == pytest.approx(60 + 2 * 6 + 13)
    works = {one.id: one for one in plan.workloads[STORAGE]}
    assert (works["large"].size, works["large"].depth) == (256 * 1024, 4)
    assert (works["d32"].size, works["d32"].depth) == (4096, 32)
    assert works["count"].requests == 200
    assert [one.id for one in plan.workloads[NETWORK]] == ["stream", "small", "pingpong", "count"]
    timed = [one for works in plan.workloads.values() for one in works if one.id != "count"]
    assert all(one.requests == 0 for one in timed)


def test_a_full_plan_repeats_more_and_kvm_boots_sooner() -> None:
    host = {"accelerators": ("kvm", "qemu")}
    plan = _plan(LabRequest((STORAGE, NETWORK), Length.FULL), **host)
    assert plan.rounds == 11
    assert plan.accelerator == "kvm"
    assert plan.seconds == pytest.approx(300 + 2 * 3 + 13)


def test_rounds_are_as_many_as_fit_and_never_too_few_for_an_interval() -> None:
    disks = tuple(SpareDevice(f"0000:{n:02x}:00.0", "disk", "SSD") for n in range(96))
    rounds = [
        _plan(LabRequest((STORAGE, *LESSONS), length), spare=disks[:number]).rounds
        for length, number in (
            (Length.QUICK, 8),
            (Length.QUICK, 96),
            (Length.FULL, 8),
            (Length.FULL, 40),
            (Length.FULL, 96),
        )
    ]
    assert rounds[:3] == [5, 5, 11]
    assert 5 < rounds[3] < 11
    assert rounds[4] == 5


def test_a_seed_is_kept_and_a_missing_one_is_new() -> None:
    assert _plan(LabRequest(seed=7)).seed == 7
    assert len({_plan().seed for _ in range(4)}) > 1


def test_models_are_picked() -> None:
    plan = _plan(LabRequest((STORAGE, NETWORK), models=("ide", "virtio-blk")))
    assert _ids(plan) == ["virtio-blk", "ide"]
    assert plan.experiments == (STORAGE,)
    assert plan.omitted == ()


def test_without_virtio_the_first_is_the_baseline() -> None:
    plan = _plan(LabRequest(models=("ide", "ahci")))
    assert [(one.id, one.baseline) for one in plan.subjects] == [("ahci", True), ("ide", False)]


def test_picked_models_do_not_thin_out_a_lesson() -> None:
    plan = _plan(LabRequest((STORAGE, Experiment.IOTHREAD), models=("ide",)))
    assert _ids(plan) == ["ide", "iothread-off", "iothread-on"]


def test_a_model_that_nobody_knows() -> None:
    with pytest.raises(LabError, match="no model floppy") as caught:
        _plan(LabRequest(models=("floppy", "ide")))
    assert "virtio-blk" in caught.value.remedy


def test_nothing_left_says_why() -> None:
    with pytest.raises(LabError, match="Nothing is left") as caught:
        _plan(LabRequest(models=("lsi",)), models=TYPES - {"lsi53c895a"})
    assert "has no lsi53c895a" in caught.value.reason


@pytest.mark.parametrize("asked", ["kvm", "xen"])
def test_an_accelerator_that_is_not_there(asked: str) -> None:
    with pytest.raises(LabError, match=asked):
        _plan(LabRequest(accelerator=asked))


def test_an_accelerator_that_is_asked_for() -> None:
    plan = _plan(LabRequest(accelerator="qemu"), accelerators=("kvm", "qemu"))
    assert plan.accelerator == "qemu"


def test_a_backing_that_is_not_there() -> None:
    with pytest.raises(LabError, match="tap") as caught:
        _plan(_backed(NETWORK, Backing.TAP), tap=False)
    assert "system's libvirt" in caught.value.reason
    with pytest.raises(LabError, match="socket"):
        _plan(_backed(STORAGE, Backing.SOCKET))


def test_vhost_takes_a_tap_and_the_hosts_module() -> None:
    tap = _backed(NETWORK, Backing.TAP)
    assert "virtio-net-vhost" in _ids(_plan(tap))
    assert "virtio-net-vhost" in _ids(_plan(tap, vhost_net=None))
    assert "/dev/vhost-net" in _why(_plan(tap, vhost_net=False))["virtio-net-vhost"]
    assert "choose the backing tap" in _why(_plan(LabRequest((NETWORK,))))["virtio-net-vhost"]


def test_files_only_behind_disks_that_libvirt_can_give() -> None:
    file = _backed(STORAGE, Backing.FILE)
    assert _why(_plan(file)).keys() == {"nvme"}
    assert _why(_plan(file, session=True)) == {}
    caps = {("qemu", "pc"): MachineCaps(BUSES - {"usb"})}
    assert "no disk bus usb" in _why(_plan(file, caps=caps))["usb"]
    # A null disk is none of libvirt's business.
    assert "usb" in _ids(_plan(caps=caps))


def test_the_lesson_about_nesting_needs_both() -> None:
    nested = LabRequest((Experiment.NESTED,))
    both = _plan(nested, accelerators=("kvm", "qemu"))
    assert _ids(both) == ["kvm", "tcg"]
    # A boot of each.
    assert both.seconds == pytest.approx(20 + 3 + 6)
    with pytest.raises(LabError) as caught:
        _plan(nested)
    assert "no KVM" in caught.value.reason
    assert "nothing to compare it with" in caught.value.reason


def test_kvm_in_kvm_is_called_so() -> None:
    record = abilities().record._replace(virtualized=True)
    host = abilities(accelerators=("kvm", "qemu"), record=record)
    offer = experiments.offer("h", host)
    assert next(one for one in offer.subjects if one.id == "kvm").title == "KVM in KVM"
    assert any("nested" in one for one in offer.remarks)


def test_the_machine_lesson_has_a_guest_a_type() -> None:
    plan = _plan(LabRequest((Experiment.MACHINE,)))
    assert _ids(plan) == ["q35", "i440fx", "q35-emulated", "i440fx-emulated"]
    assert plan.seconds == pytest.approx(20 + 4 + 2 * 6)
    kinds = {
        one.id: experiments.of_nic(Experiment.MACHINE, one.id)
        for one in plan.workloads[Experiment.MACHINE]
    }
    assert kinds == {"large": False, "d1": False, "stream": True, "pingpong": True, "count": False}
    assert experiments.of_nic(NETWORK, "count")


def _spare(**changes: object) -> HostAbilities:
    return abilities(spare=(DISK, NIC), **changes)


def test_a_spare_disk_controller_takes_part() -> None:
    plan = experiments.plan(_spare(), LabRequest((STORAGE, NETWORK)))
    assert "passthrough-0000:02:00.0" in _ids(plan)


def test_a_spare_nic_only_when_it_is_named() -> None:
    name = "passthrough-0000:03:00.1"
    plan = experiments.plan(_spare(), LabRequest((NETWORK,)))
    assert "real wire" in _why(plan)[name]
    by_address = LabRequest((NETWORK,), passthrough=(NIC.address,))
    assert name in _ids(experiments.plan(_spare(), by_address))
    both = LabRequest((NETWORK,), models=("e1000",), passthrough=(NIC.address,))
    assert _ids(experiments.plan(_spare(), both)) == ["e1000", name]
    by_id = LabRequest((NETWORK,), models=("virtio-net", name))
    assert _ids(experiments.plan(_spare(), by_id)) == ["virtio-net", name]
    assert name in _ids(experiments.offer("h", _spare()))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"session": True}, "system's libvirt"),
        ({"caps": {("qemu", "pc"): MachineCaps(BUSES)}}, "VFIO"),
    ],
)
def test_devices_that_cannot_be_passed(changes: dict[str, object], word: str) -> None:
    plan = experiments.plan(_spare(**changes), LabRequest())
    assert word in _why(plan)["passthrough-0000:02:00.0"]
    assert word in _why(experiments.offer("h", _spare(**changes)))["passthrough-0000:02:00.0"]


def test_a_device_in_use_is_not_taken() -> None:
    request = LabRequest((STORAGE, NETWORK), passthrough=("0000:00:1f.2",))
    plan = _plan(request)
    assert [one for one in plan.omitted if "takes no device from the host" in one.why] == [
        one for one in plan.omitted if one.subject == "passthrough-0000:00:1f.2"
    ]
    assert "virsh nodedev-detach pci_0000_00_1f_2" in _why(plan)["passthrough-0000:00:1f.2"]
