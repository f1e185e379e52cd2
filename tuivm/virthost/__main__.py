"""Boot the virtual host in the foreground: python -m tuivm.virthost. Ctrl+C powers it off."""

from __future__ import annotations

import shlex
import signal
import sys
import time

from tuivm.virthost.host import VirtualHost
from tuivm.virthost.recipe import VirtHostError, image, say


def main() -> int:
    """Exit status: 0 when it was powered off, 1 when it could not be built or booted."""
    # As Ctrl+C does: its files go too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        made = image()
        say("booting the virtual host (a minute; more when the machine is busy)")
        started = time.monotonic()
        with VirtualHost(made) as host:
            say(f"it is up after {time.monotonic() - started:.0f} s. Ctrl+C ends it.")
            sys.stdout.write(
                f"  .venv/bin/tuivm --connect {shlex.quote(host.uri)}\n  {shlex.join(host.ssh)}\n"
            )
            sys.stdout.flush()
            host.wait_end()
    except VirtHostError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("the virtual host has ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
