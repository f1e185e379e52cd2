"""A private libvirt for the tests: a libvirtd of its own in namespaces of its own.

It shares nothing with a libvirtd of the machine (directories, network, processes), has no KVM
(one that opens but does not run makes libvirt probe again and again), and is gone with all its
guests when the tests are, even when they were killed. Needs root (in a user namespace libvirtd
cannot start QEMU: it has no group to give it), libvirtd and QEMU.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

_INIT = Path(__file__).with_name("_rig_init.py")
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"

_DAEMON_CONF = """
auth_unix_ro = "none"
auth_unix_rw = "none"
log_level = 3
log_outputs = "3:stderr"
"""

_QEMU_CONF = """
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
"""


class RigError(RuntimeError):
    """The rig cannot run here, or its libvirtd did not do as it was told."""


def wait_until(condition: Any, seconds: float, what: str) -> Any:
    """What `condition()` returns, as soon as that is true; RigError after `seconds`."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            raise RigError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.02)
    return result


class Rig:
    """One private libvirtd. Use it as a context manager, or call open() and close()."""

    def __init__(self) -> None:
        self._state: Path | None = None
        self._init: subprocess.Popen[str] | None = None

    def open(self) -> Self:
        """Make the namespaces and start libvirtd in them. Raises RigError where that cannot be."""
        if os.geteuid() != 0:
            raise RigError("a private libvirtd needs root: run these tests with sudo")
        libvirtd = shutil.which("libvirtd", path=f"{os.environ.get('PATH', '')}:{_SBIN}")
        if libvirtd is None:
            raise RigError("libvirtd is not installed")
        self._state = Path(tempfile.mkdtemp(prefix="tuivm-rig-", dir="/tmp"))
        for name in ("run", "lib", "cache", "log", "etc"):
            (self._state / name).mkdir()
        (self._state / "etc/libvirtd.conf").write_text(_DAEMON_CONF)
        (self._state / "etc/qemu.conf").write_text(_QEMU_CONF)
        namespaces = [
            "unshare",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ]
        daemon = [libvirtd, "--config", "/etc/libvirt/libvirtd.conf"]
        daemon += ["--pid-file", "/run/libvirt/libvirtd.pid"]
        self._init = subprocess.Popen(
            [*namespaces, sys.executable, "-I", str(_INIT), str(self._state), *daemon],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_SBIN}", "LC_ALL": "C"},
        )
        try:
            self._answer()
            self.start()
        except RigError:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End libvirtd and every guest at once, and remove all that they wrote."""
        if self._init is not None:
            assert self._init.stdin is not None
            self._init.stdin.close()
            self._init.wait(30)
            for pipe in (self._init.stdout, self._init.stderr):
                assert pipe is not None
                pipe.close()
            self._init = None
        if self._state is not None:
            shutil.rmtree(self._state)
            self._state = None

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def state(self) -> Path:
        """The directory that holds what libvirtd has in /run, /var and /etc; gone at close."""
        assert self._state is not None, "the rig is not open"
        return self._state

    @property
    def socket(self) -> Path:
        return self.state / "run/libvirt-sock"

    @property
    def uri(self) -> str:
        return f"qemu+unix:///system?socket={self.socket}"

    @property
    def log(self) -> str:
        """What libvirtd has said."""
        path = self.state / "libvirtd.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def running(self) -> bool:
        answer = self._tell("state")
        return bool(answer["pid"]) and answer["exit"] is None

    @property
    def pid(self) -> int:
        """libvirtd's process id as this machine sees it. Raises OSError when it does not run."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.socket))
            # struct ucred: the kernel translates the pid into the namespace of who asks.
            size = struct.calcsize("3i")
            credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        pid: int = struct.unpack("3i", credentials)[0]
        return pid

    def start(self) -> None:
        """Start libvirtd and wait until it answers; guests that still run are found again."""
        if not self.running:
            self.socket.unlink(missing_ok=True)
            self._tell("start")
        self.wait_answering()

    def wait_answering(self) -> None:
        """Wait until libvirtd answers a call."""
        self._wait(self._answers, "libvirtd to answer")

    def stop(self) -> None:
        """End libvirtd in good order; the guests run on."""
        self._signal(signal.SIGTERM)
        self._wait(lambda: not self.running, "libvirtd to end")

    def kill(self) -> None:
        """End libvirtd as a crash would; the guests run on."""
        self._signal(signal.SIGKILL)
        self._wait(lambda: not self.running, "libvirtd to be killed")

    def pause(self) -> None:
        """SIGSTOP: the sockets stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def virsh(self, *args: str, check: bool = True) -> str:
        """Standard output of virsh, as another user of the same host would run it."""
        done = subprocess.run(
            ["virsh", "--quiet", "--connect", self.uri, *args],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
        if check and done.returncode:
            raise RigError(f"virsh {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def _answers(self) -> bool:
        if not self.running:
            raise RigError(f"libvirtd ended: {self.log[-2000:]}")
        done = subprocess.run(
            ["virsh", "--quiet", "--connect", self.uri, "version"],
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode == 0

    def _signal(self, number: signal.Signals) -> None:
        self._tell(f"signal {int(number)}")

    def _tell(self, command: str) -> dict[str, Any]:
        if self._init is None or self._init.stdin is None:
            raise RigError("the rig is not open")
        self._init.stdin.write(f"{command}\n")
        self._init.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._init is not None
        assert self._init.stdout is not None
        line = self._init.stdout.readline()
        if not line:
            assert self._init.stderr is not None
            raise RigError(f"cannot make the rig's namespaces: {self._init.stderr.read().strip()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _wait(self, condition: Any, what: str) -> None:
        wait_until(condition, 60, what)
