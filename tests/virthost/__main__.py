"""Boot the virtual host in the foreground: python -m tests.virthost. Ctrl+C powers it off."""

from __future__ import annotations

import shlex
import signal
import sys
import time

from tests.virthost.host import VirtualHost
from tests.virthost.recipe import VirtHostError, image


def main() -> int:
    """Exit status: 0 when it was powered off, 1 when it could not be built or booted."""
    # As Ctrl+C does: its files go too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        made = image()
        print(
            "tuivm: booting the virtual host (a minute; more when the machine is busy)", flush=True
        )
        started = time.monotonic()
        with VirtualHost(made) as host:
            print(f"tuivm: it is up after {time.monotonic() - started:.0f} s. Ctrl+C ends it.")
            print(f"  .venv/bin/tuivm --connect {shlex.quote(host.uri)}")
            print(f"  {shlex.join(host.ssh)}", flush=True)
            host.wait_end()
    except VirtHostError as error:
        print(f"tuivm: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tuivm: the virtual host has ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
