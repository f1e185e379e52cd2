from __future__ import annotations

import pytest

from tuivm.lab import models
from tuivm.lab.ports import SpareDevice
from tuivm.model.devices import DeviceClass
from tuivm.model.lab import Experiment


def test_ids_are_unique_over_all_experiments() -> None:
    # A trial carries nothing else.
    ids = [model.subject.id for model in models.CATALOGUE]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("experiment", list(Experiment))
def test_each_experiment_has_one_baseline(experiment: Experiment) -> None:
    subjects = [one.subject for one in models.CATALOGUE if one.subject.experiment is experiment]
    assert [one.baseline for one in subjects].count(True) == 1
    assert all(one.title and one.about for one in subjects)


def test_ids_of_disks_fit_into_a_serial_number_and_a_node_name() -> None:
    disks = [one.subject.id for one in models.CATALOGUE if not one.nic]
    assert all(len(one) <= 20 for one in disks)
    assert len({one[:20] for one in disks}) == len(disks)


def test_the_device_is_among_what_a_subject_needs() -> None:
    for model in (*models.STORAGE, *models.NETWORK, *models.IOTHREAD):
        assert model.subject.model in model.needs


@pytest.mark.parametrize(
    ("id_", "cls"),
    [
        ("virtio-scsi", DeviceClass.PARAVIRTUAL),
        ("nvme", DeviceClass.EMULATED),
        ("usb", DeviceClass.EMULATED),
        ("virtio-net-vhost", DeviceClass.PARAVIRTUAL),
        ("e1000e", DeviceClass.EMULATED),
    ],
)
def test_classes(id_: str, cls: DeviceClass) -> None:
    assert models.BY_ID[id_].subject.cls is cls


@pytest.mark.parametrize(
    ("kind", "vf", "experiment", "word"),
    [
        ("disk", False, Experiment.STORAGE, "disk controller"),
        ("nic", False, Experiment.NETWORK, "NIC"),
        ("nic", True, Experiment.NETWORK, "VF"),
    ],
)
def test_a_device_of_the_host(kind: str, vf: bool, experiment: Experiment, word: str) -> None:
    subject = models.passthrough(SpareDevice("0000:02:00.1", kind, "", vf))
    assert subject.id == "passthrough-0000:02:00.1"
    assert subject.experiment is experiment
    assert subject.cls is DeviceClass.PHYSICAL
    assert word in subject.title
