"""What every stream of libvirt's needs at its end."""

from __future__ import annotations

import libvirt


def free(stream: libvirt.virStream) -> None:
    """Free a stream whose callback is off.

    libvirt's remote driver (seen with 9.0) never gives back what the binding had it keep for a
    callback: the stream itself, and with it the connection, would be there until the program ends.
    """
    stream.__del__()
    stream._conn = None
