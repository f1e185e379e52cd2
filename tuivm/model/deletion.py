"""Deleting a guest: what belongs to it, what others use, and what the person ordered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """One storage file or volume that a guest's disk points at, or that backs such a one.

    path: as the domain XML or the volume says it. pool and volume: "" where libvirt has no pool
    over it (it then cannot be deleted through libvirt). targets: this guest's disks on it
    ("vda"). owners: names of other guests that use it (directly or in their backing chain).
    children: paths of volumes that it backs. backing: path of the volume that backs it, "" if
    none. exists: None when that cannot be known. read_only: the disk is a CD-ROM or marked
    readonly. shareable: the disk is marked shareable.
    """

    path: str
    pool: str = ""
    volume: str = ""
    format: str = ""
    capacity: int | None = None
    allocation: int | None = None
    targets: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    backing: str = ""
    exists: bool | None = None
    read_only: bool = False
    shareable: bool = False


@dataclass(frozen=True, slots=True)
class DeletionFacts:
    """All that goes, or could go, with a guest."""

    name: str
    uuid: str
    active: bool
    persistent: bool
    volumes: tuple[VolumeFacts, ...] = ()
    snapshots: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    managed_save: bool = False
    nvram: str = ""
    tpm: bool = False
    incomplete: tuple[str, ...] = ()
    """What could not be looked up, in words; volumes cannot be ticked while owners are unknown."""


@dataclass(frozen=True, slots=True)
class VolumeChoice:
    """A volume as the dialog shows it: refused is why it cannot be ticked, "" when it can."""

    facts: VolumeFacts
    refused: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class DeletionPlan:
    """What will certainly go, and what may go if ticked. Nothing is ticked by itself."""

    facts: DeletionFacts
    goes: tuple[str, ...]
    """Each thing that goes with the definition, in words ("3 snapshots (metadata and data)")."""
    choices: tuple[VolumeChoice, ...]
    refused: str = ""
    """Why the guest cannot be deleted at all, "" when it can."""
    data: tuple[str, ...] = ()
    """What goes and cannot be made again even if no volume is ticked ("the saved memory"): when
    there is any, or a volume is ticked, the guest's name has to be typed."""


@dataclass(frozen=True, slots=True)
class DeletionOrder:
    """What the person decided. volumes: paths ticked, each deleted through its pool."""

    volumes: tuple[str, ...] = ()
    force_off: bool = False
