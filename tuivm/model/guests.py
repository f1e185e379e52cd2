"""A guest (libvirt: domain), known everywhere by host and UUID."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from tuivm.model.devices import Device


class GuestKey(NamedTuple):
    """What an action is aimed at: never a row number, never a name."""

    host: str
    uuid: str


class GuestState(StrEnum):
    RUNNING = "running"
    BLOCKED = "blocked"
    PAUSED = "paused"
    SHUTTING_DOWN = "shutting down"
    OFF = "off"
    CRASHED = "crashed"
    SUSPENDED = "suspended"
    """The guest put itself to sleep (S3); libvirt calls it pmsuspended."""
    UNKNOWN = "unknown"

    @property
    def glyph(self) -> str:
        return _GLYPHS[self.value][0]

    @property
    def letter(self) -> str:
        """The ASCII stand-in for the glyph."""
        return _GLYPHS[self.value][1]

    @property
    def active(self) -> bool:
        """It has a process and an id: everything but off, crashed and unknown."""
        return self in _ACTIVE


_GLYPHS = {
    "running": ("▶", ">"),
    "blocked": ("▷", ">"),
    "paused": ("‖", "="),
    "shutting down": ("◢", "v"),
    "off": ("■", "."),
    "crashed": ("✖", "x"),
    "suspended": ("☾", "z"),
    "unknown": ("?", "?"),
}
_ACTIVE = frozenset(
    {
        GuestState.RUNNING,
        GuestState.BLOCKED,
        GuestState.PAUSED,
        GuestState.SHUTTING_DOWN,
        GuestState.SUSPENDED,
    }
)


class GuestStack(NamedTuple):
    """The layers under a guest, as its XML says. "" means: not said.

    virt_type: "kvm", "qemu" (TCG: no hypervisor, instructions are translated), "xen", "lxc", …
    machine: the machine type, versioned where it is ("pc-q35-7.2").
    firmware: "BIOS", "UEFI", "UEFI, Secure Boot", "direct kernel boot", "" for containers.
    cpu: mode and model ("host-passthrough", "host-model", "Skylake-Client", "qemu64").
    """

    virt_type: str = ""
    arch: str = ""
    machine: str = ""
    firmware: str = ""
    emulator: str = ""
    cpu: str = ""
    os_id: str = ""
    """libosinfo's id from the metadata ("http://debian.org/debian/12")."""


class GuestDetails(NamedTuple):
    """What only the domain XML tells; read after the list, so it may still be missing."""

    title: str = ""
    description: str = ""
    vcpus: int = 0
    vcpus_max: int = 0
    memory_kib: int = 0
    memory_max_kib: int = 0
    stack: GuestStack = GuestStack()
    devices: tuple[Device, ...] = ()
    agent_channel: bool = False
    agent_connected: bool = False


class Guest(NamedTuple):
    """A guest as libvirt lists it. `details` is None until its XML has been read."""

    key: GuestKey
    name: str
    state: GuestState = GuestState.UNKNOWN
    reason: str = ""
    """Why it is in this state, in libvirt's terms ("booted", "migrating", "I/O error")."""
    domain_id: int | None = None
    persistent: bool = True
    autostart: bool | None = None
    managed_save: bool | None = None
    details: GuestDetails | None = None
    started_at: float | None = None
    """Wall clock (s since the epoch) of the start of its process; None when not known."""
    addresses: tuple[str, ...] = ()
    """IP addresses, without prefix length, IPv4 first; () when not known."""
    accelerator: str = ""
    """What its QEMU process was started with: "kvm", "tcg", …; "" when that is not known."""
    agent_os: str = ""
    """What the guest agent says it runs, id and version ("debian 12"); "" when it says nothing."""

    @property
    def saved(self) -> bool:
        """It is off, and its memory is kept on disk: the next start goes on from there."""
        return self.state is GuestState.OFF and bool(self.managed_save)

    @property
    def state_word(self) -> str:
        """Its state as people are told it: libvirt calls a saved guest off."""
        return "saved" if self.saved else self.state.value

    def state_glyph(self, *, ascii: bool) -> str:  # noqa: A002 - the whole program's word for it
        """Stands before `state_word`; in ASCII a letter stands in for it."""
        if self.saved:
            return "s" if ascii else "◧"
        return self.state.letter if ascii else self.state.glyph

    @property
    def virt_type(self) -> str:
        """What runs it, in libvirt's words: as its process says, else as its definition says."""
        if self.accelerator:
            return "qemu" if self.accelerator == "tcg" else self.accelerator
        return self.details.stack.virt_type if self.details else ""

    @property
    def label(self) -> str:
        """Its name, with the title where there is one."""
        title = self.details.title if self.details else ""
        return f"{self.name} ({title})" if title else self.name
