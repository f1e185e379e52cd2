"""What the Lab needs of a host. Every call blocks, with a deadline of its own, and raises LabError.

One thread uses a `LabHost` and its guests at a time: the run's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from tuivm.model.lab import LabHostRecord, Leftover

PREFIX = "tuivm-lab-"
"""Names of guests, pools and networks of the Lab begin so."""
CHANNEL = "tuivm.lab"
"""Name of the virtio-serial port on which the appliance and the Lab talk, a JSON object a line."""
METADATA_NS = "https://tuivm.invalid/lab/1"
"""Namespace of the mark in a guest's metadata: `<lab:run id=… pid=… host=… started=…/>`, where host
is the name of the machine that tuivm runs on and pid is tuivm's process there."""

_ENDS = (".", ":", "!", "?")


class LabError(Exception):
    """Something that the Lab cannot do. what: a sentence. reason: the other side's own words, or
    "". remedy: what to do about it (the package that brings what is missing), or ""."""

    def __init__(self, what: str, reason: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        """In one line. Words of libvirt and QEMU come without capitals and full stops."""
        said = self.what
        if self.reason:
            said += f" {self.reason}" if said.endswith(_ENDS) else f": {self.reason}"
        if self.remedy:
            said += "" if said.endswith(_ENDS) else "."
            said += f" {self.remedy}" if self.remedy[0].isupper() else f" Remedy: {self.remedy}"
        return said


class LabConnectError(LabError):
    """The host could not be reached."""


class LabStoppedError(Exception):
    """The person stopped the run."""


class MachineCaps(NamedTuple):
    """Domain capabilities of one (accelerator, machine). disk_buses: as `<enum name='bus'>`."""

    disk_buses: frozenset[str] = frozenset()
    usb_hostdev: bool = False
    pci_hostdev: bool = False


class SpareDevice(NamedTuple):
    """A PCI device of the host that a guest may be given: bound to vfio-pci, or driverless, used by
    no guest, its whole IOMMU group likewise. kind: "disk" or "nic". vf: it is an SR-IOV VF."""

    address: str
    kind: str
    name: str
    vf: bool = False


class HostAbilities(NamedTuple):
    """What the host offers. accelerators: subset of ("kvm", "qemu"), fastest first.

    local: tuivm runs on that very machine. session: an unprivileged libvirt. machines: names and
    aliases that the emulator knows ("pc", "q35", …). caps: by (accelerator, machine).
    models: every type name of that QEMU, as `qom-list-types` gives them; None where it
    could not be asked. tap: NICs may have a tap and a bridge. vhost_net: /dev/vhost-net is there;
    None where not known.
    """

    record: LabHostRecord
    local: bool
    session: bool
    accelerators: tuple[str, ...]
    emulator: str
    machines: frozenset[str] = frozenset()
    caps: Mapping[tuple[str, str], MachineCaps] = {}
    models: frozenset[str] | None = None
    qemu_version: tuple[int, int, int] = (0, 0, 0)
    libvirt_version: tuple[int, int, int] = (0, 0, 0)
    tap: bool = False
    vhost_net: bool | None = None
    spare: tuple[SpareDevice, ...] = ()


class Usage(NamedTuple):
    """Counters of one guest so far. at: monotonic s.

    threads: CPU ns by thread role (values of `model.samples.ThreadRole`); from /proc where the
    host is this machine (`precise`), else from the bulk statistics: "vCPU" and "other".
    exits: KVM's, of all vCPUs, by name without ".sum"; empty without KVM.
    """

    at: float
    threads: Mapping[str, int]
    exits: Mapping[str, int] = {}
    precise: bool = False


class HostUse(NamedTuple):
    """Counters of the host so far. busy/steal/total: CPU ns of all CPUs; None where not told.

    others: CPU ns of every other running guest by name. governor: frequency governor in use, "".
    """

    at: float
    total: int | None = None
    busy: int | None = None
    steal: int | None = None
    others: Mapping[str, int] = {}
    governor: str = ""


class LabGuest(Protocol):
    """A running lab guest, and the line to the appliance in it."""

    @property
    def name(self) -> str: ...

    @property
    def uuid(self) -> str: ...

    def send(self, message: Mapping[str, object]) -> None: ...

    def receive(self, timeout: float) -> dict[str, object] | None:
        """The next message; None after `timeout` seconds without one. Raises LabError when the
        guest is gone (with the last lines of its console, where known) or speaks nonsense."""

    def usage(self) -> Usage: ...

    def monitor(self, command: str, arguments: Mapping[str, object] | None = None) -> object:
        """A QMP command's "return"."""

    def human_monitor(self, line: str) -> str:
        """An HMP command's output."""

    def alive(self) -> bool: ...

    def destroy(self) -> None:
        """End it at once; fine if it is gone already."""


class Workplace(Protocol):
    """Where a run keeps its files on the host: a transient storage pool in a directory of its own,
    named `tuivm-lab-…`. Of the run alone; gone with `remove`."""

    def upload(self, path: Path, name: str) -> str:
        """A file of this machine onto the host; gives its path there. On this machine's own session
        libvirt, where QEMU can read it as it lies, it stays where it is."""

    def disk(self, name: str, size: int) -> str:
        """A raw volume of `size` bytes, fully allocated when the host has room; its path."""

    def log_file(self, name: str) -> str:
        """An empty file that QEMU may write its trace log into; its path."""

    def read(self, name: str) -> bytes:
        """The whole of a file made by `log_file`, as it is now."""

    def network(self, name: str) -> str:
        """A transient isolated network (a bridge without an address); gives its name."""

    def remove(self) -> None: ...


class LabHost(Protocol):
    """A host, for one run."""

    def abilities(self) -> HostAbilities:
        """Asked once; starts and ends a paused probe guest to ask QEMU for its device models."""

    def workplace(self, run: str) -> Workplace: ...

    def start(self, xml: str, *, paused: bool = False) -> LabGuest:
        """Start a transient guest (destroyed by libvirt too when tuivm's connection ends) and open
        the line. Raises LabError with QEMU's own words."""

    def use(self, own: Iterable[str]) -> HostUse:
        """own: UUIDs of the run's own guests, which are not among the others."""

    def leftovers(self) -> tuple[Leftover, ...]:
        """What a lab whose process is no longer there left behind. A run that goes on (its process
        lives, or it belongs to another machine and is younger than an hour) is none."""

    def clean(self, leftovers: Iterable[Leftover]) -> None:
        """Remove these, each only if it still carries the mark of the Lab."""

    def close(self) -> None:
        """Ends every guest it started and removes every workplace; fine to call twice."""
