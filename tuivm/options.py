"""What the command line asked of the user interface."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tuivm.model.hosts import HostSpec


class Options(NamedTuple):
    """Global options. "" and None mean: not said, so that the configuration or a default holds.

    connections: URIs, aliases of libvirt.conf or names of configured hosts, in the order given.
    readonly, slow, ascii: True when asked for; the configuration or the terminal may want them
    too. theme: its name. config_path, log_path: files instead of the ones in the XDG directories.
    notices: what went wrong before the user interface was there to say so, one sentence each.
    own_hosts: those that this run has itself, which come before all others.
    """

    connections: tuple[str, ...] = ()
    config_path: Path | None = None
    readonly: bool = False
    slow: bool = False
    ascii: bool = False
    theme: str = ""
    log_path: Path | None = None
    notices: tuple[str, ...] = ()
    own_hosts: tuple[HostSpec, ...] = ()
