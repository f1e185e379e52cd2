"""Process 1 of the rig's namespaces: hides /dev/kvm, keeps libvirtd, and takes all with it.

Run by tests.support.rig inside `unshare --mount --net --pid`. Reads one command a line on
standard input and answers each with one line of JSON. When its input closes, however the tests
ended, it exits, and with it every process of its PID namespace: libvirtd and all its QEMUs.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

BINDS = {
    "run": "/run/libvirt",
    "lib": "/var/lib/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
    "etc": "/etc/libvirt",
}
EMPTIED = ("/run/dbus", "/run/systemd", "/var/lock")
"""Over the first two libvirtd would tell the system's machined, polkit and logind of the guests. In
the last it locks consoles under its process id, which to another rig means another process."""

exits: dict[int, int] = {}


def reap(*_: object) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        exits[pid] = os.waitstatus_to_exitcode(status)


def enter(state: Path) -> None:
    for name, target in BINDS.items():
        Path(target).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", state / name, target], check=True)
    for target in EMPTIED:
        if Path(target).is_dir():
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", target], check=True)
    if Path("/dev/kvm").exists():
        # A read-only plain file, and not /dev/null: what libvirt can open for writing it takes
        # for a KVM that its last probe missed, and probes QEMU again at every define.
        nothing = state / "no-kvm"
        nothing.touch()
        subprocess.run(["mount", "--bind", nothing, "/dev/kvm"], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", "/dev/kvm"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def main() -> None:
    state, *command = sys.argv[1:]
    enter(Path(state))
    signal.signal(signal.SIGCHLD, reap)
    log = os.open(f"{state}/libvirtd.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pid = 0
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        word = line.strip()
        if word == "start":
            exits.clear()
            pid = os.posix_spawnp(
                command[0],
                command,
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ],
            )
        elif word.startswith("signal ") and pid and pid not in exits:
            os.kill(pid, int(word.split()[1]))
        print(json.dumps({"pid": pid, "exit": exits.get(pid)}), flush=True)


main()
