"""`tuivm demo --host`: a virtualization host made of software, to show passthrough on."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tuivm.cli import DEVICE_KINDS, Exit
from tuivm.demo import hold_on, leave, on_terminal, say
from tuivm.model.hosts import HostSpec
from tuivm.options import Options
from tuivm.virthost import needs, recipe
from tuivm.virthost.host import MEMORY_MIB, PLACE, VirtualHost
from tuivm.virthost.recipe import VirtHostError

NAME = "virtual-host"
ANSWER_SECONDS = 120.0
"""For what an emulated host on a busy machine tells of its devices."""

Interface = Callable[[Options, str], int]
"""Opens the user interface, with this host in view; returns the exit code."""


def run_host_demo(arguments: argparse.Namespace, options: Options, interface: Interface) -> int:
    """Boot it, show it, and end it whatever happens."""
    if arguments.kernel is not None or arguments.modules is not None:
        say("--kernel and --modules are for the demo with two guests, not for --host")
        return Exit.USAGE
    if lacking := needs.missing():
        say("\n".join(needs.words(lacking)))
        return Exit.FAILED
    if short := needs.shortages(MEMORY_MIB, _disks()):
        say("\n".join(["there is no room for the virtual host here", *short]))
        return Exit.FAILED
    for number in (signal.SIGTERM, signal.SIGHUP):
        # nohup's stays ignored.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, leave)
    host = VirtualHost(say=say)
    code: int = Exit.FAILED
    try:
        code = _show(host, options, interface)
    except VirtHostError as error:
        say(str(error))
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGINT, hold_on)
        # Not powered off: nothing of it is kept, and that would take it half a minute.
        host.end()
    return code


def _disks() -> dict[Path, int]:
    """MiB that have to be free, and where."""
    running = {PLACE: needs.RUN_MIB}
    return running if recipe.built() else {**running, recipe.home(): needs.BUILD_MIB}


def _show(host: VirtualHost, options: Options, interface: Interface) -> int:
    """Raises VirtHostError."""
    host.prepare()
    say("booting the virtual host (20 to 60 seconds; more when the machine is busy)")
    began = time.monotonic()
    host.boot()
    host.define_guest()
    say(f"it is up after {time.monotonic() - began:.0f} s")
    spec = HostSpec(NAME, host.uri)
    if on_terminal():
        return interface(options._replace(own_hosts=(spec,)), NAME)
    # Without a terminal: what the screen would show.
    from tuivm.headless import devices  # noqa: PLC0415 - here alone
    from tuivm.hypervisor.maker import LibvirtHosts  # noqa: PLC0415 - loads libvirt

    found = devices.ask((spec,), LibvirtHosts(), timeout=ANSWER_SECONDS)
    return devices.show(found, sys.stdout, sys.stderr, kinds=DEVICE_KINDS, as_json=False)
