"""A creation: the plan that was drawn from a spec, how far it is, and how it ended."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.model.findings import Finding
from tuivm.model.hosts import Problem
from tuivm.model.oses import GENERIC, OsInfo
from tuivm.model.requests import Step
from tuivm.model.spec import CloudInit, Spec


class Placed(NamedTuple):
    """Where a file is, or will be, on the host. block: a block device. pool and volume: set where
    it is (or becomes) a volume; by_volume: only these two say it, there is no path to open."""

    path: str = ""
    format: str = ""
    block: bool = False
    pool: str = ""
    volume: str = ""
    by_volume: bool = False


class PoolOrder(NamedTuple):
    """A storage pool to be defined, built, started and marked autostart, because the host has none
    that could be used. kind as libvirt's type."""

    name: str
    path: str
    kind: str = "dir"


class VolumeOrder(NamedTuple):
    """A volume to be made. capacity: bytes; 0 for as large as the backing or the upload is.
    backing: what a new overlay lies over. upload: a file of this machine's that fills it. seed:
    what cloud-init reads fills it. clone: the volume it is copied from. fetch: URL of what fills
    it."""

    placed: Placed
    capacity: int = 0
    preallocation: str = "off"
    backing: Placed | None = None
    upload: str = ""
    seed: CloudInit | None = None
    clone: Placed | None = None
    fetch: str = ""


class CreationPlan(NamedTuple):
    """All that will be done, in this order: volumes made and filled, then the guest defined.

    spec: with every default filled in. xml: the definition that stays. first_xml: what the first
    start uses instead (installer's kernel, cloud-init's seed), "" where it is the same.
    temporary: volumes that go once the first boot is over. findings: of the preflight. command:
    virt-install's equivalent, an argument a string."""

    spec: Spec
    os: OsInfo = GENERIC
    volumes: tuple[VolumeOrder, ...] = ()
    xml: str = ""
    first_xml: str = ""
    temporary: tuple[Placed, ...] = ()
    findings: tuple[Finding, ...] = ()
    command: tuple[str, ...] = ()
    pools: tuple[PoolOrder, ...] = ()
    """Made before the volumes."""


class CreationProgress(NamedTuple):
    """now: what is being done, in words. done, total: bytes, where it is a transfer."""

    now: str
    done: int | None = None
    total: int | None = None
    steps: tuple[Step, ...] = ()


class Created(NamedTuple):
    """How it ended. problem: None when it was carried out whole; then uuid is the guest's. steps:
    what was done, and after a failure what was removed again; left: what could not be removed."""

    uuid: str = ""
    name: str = ""
    started: bool = False
    problem: Problem | None = None
    steps: tuple[Step, ...] = ()
    left: tuple[str, ...] = ()
