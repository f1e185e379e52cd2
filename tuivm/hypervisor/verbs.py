"""What each request is called, and how long it may take."""

from __future__ import annotations

from tuivm.model.requests import (
    AttachDevices,
    Delete,
    DetachDevices,
    DiscardSave,
    ForceOff,
    Reboot,
    Redefine,
    Rename,
    Reset,
    Resume,
    Save,
    SetAutostart,
    Shutdown,
    Start,
    Suspend,
)

DEADLINE = 60.0
"""Seconds that a call has where nothing else is said."""
VERBS: dict[type, str] = {
    Start: "start",
    Shutdown: "shut down",
    Reboot: "reboot",
    Reset: "reset",
    ForceOff: "force off",
    Suspend: "suspend",
    Resume: "resume",
    Save: "save",
    DiscardSave: "discard the saved state of",
    SetAutostart: "set autostart of",
    Rename: "rename",
    Redefine: "change the definition of",
    Delete: "delete",
    AttachDevices: "attach devices to",
    DetachDevices: "detach devices from",
}
DEADLINES: dict[type, float] = {
    # libvirt may probe QEMU anew at a start, and restores a managed save with it.
    Start: 300.0,
    Delete: 600.0,
    # As at a start: libvirt checks the definition against what the emulator can.
    Redefine: 300.0,
    # VFIO pins all of the guest's memory, and a guest takes its time to let go of a device.
    AttachDevices: 300.0,
    DetachDevices: 120.0,
    Save: 1800.0,
}
