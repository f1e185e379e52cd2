"""Start the libvirt daemons that qemu:///system needs, where nobody else does.

As a normal user nothing is needed: libvirt starts a daemon for qemu:///session by itself. As root
libvirt talks to the system daemon. Where systemd runs, its units are started; elsewhere (a
container, another init) the daemons are started here. A daemon that listens is left alone, even
one that does not answer: two of them would fight over the guests.

Ends with 0 when the system daemon listens or none is needed, else with 1.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

RUN = Path("/run/libvirt")
SYSTEMD = Path("/run/systemd/system")
SYSTEM_SOCKETS = ("libvirt-sock", "virtqemud-sock")
WAIT_S = 20.0


def listens(name: str) -> bool:
    """Whether a daemon accepts connections on this socket; a killed one leaves a dead file."""
    with socket.socket(socket.AF_UNIX) as probe:
        # connect() to a stopped daemon whose backlog is full would wait for good.
        probe.setblocking(False)
        try:
            probe.connect(str(RUN / name))
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True


def system_daemon_listens() -> bool:
    return any(listens(name) for name in SYSTEM_SOCKETS)


def wanted() -> bool:
    """Whether libvirt's own choice of a host is the system daemon on this machine."""
    uri = os.environ.get("LIBVIRT_DEFAULT_URI", "")
    return os.geteuid() == 0 and uri in ("", "qemu:///system")


def show_and_run(*command: str) -> bool:
    """Run a command after showing it; whether it ended with 0."""
    print("+ " + " ".join(command), flush=True)
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode == 0


def find(program: str) -> str | None:
    return shutil.which(
        program, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    )


def start_with_systemd() -> bool:
    """Start whichever of the two shapes of libvirt this system has."""
    for unit in ("libvirtd.service", "virtqemud.socket"):
        shown = subprocess.run(
            ["systemctl", "cat", unit], check=False, capture_output=True, stdin=subprocess.DEVNULL
        )
        if shown.returncode == 0:
            return show_and_run("systemctl", "start", unit)
    return False


def start_by_hand() -> bool:
    virtlogd = find("virtlogd")
    if virtlogd is not None and not listens("virtlogd-sock"):
        show_and_run(virtlogd, "--daemon")
    daemon = find("libvirtd") or find("virtqemud")
    return daemon is not None and show_and_run(daemon, "--daemon")


def wait_until_it_listens() -> bool:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if system_daemon_listens():
            return True
        time.sleep(0.05)
    return False


def main() -> int:
    if not wanted() or system_daemon_listens():
        return 0
    systemd = SYSTEMD.is_dir()
    print("tuivm: no libvirt daemon listens on this machine; starting it", flush=True)
    started = start_with_systemd() if systemd else start_by_hand()
    if started and wait_until_it_listens():
        return 0
    how = "journalctl -u libvirtd" if systemd else "/var/log/libvirt"
    print(f"tuivm: the libvirt daemon did not start; its log: {how}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
