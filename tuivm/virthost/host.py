"""A running virtual host: QEMU's TCG emulates a machine with VT-d, SVM and SR-IOV.

In it are 10 IOMMU groups, one of them with three devices; 01:00.0, an e1000e, and 02:00.0, an
NVMe controller that is a PF with 4 VFs, each alone in its group; USB storage and a USB tablet; and
/dev/kvm, nested.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote

from tuivm.sshcommand import ssh_command
from tuivm.virthost import recipe
from tuivm.virthost.needs import environ
from tuivm.virthost.recipe import Image, Say, VirtHostError, image

MEMORY_MIB = 4096
CPUS = 2
SSH_SECONDS = 300
"""Until ssh answers: 20 to 60 s on an idle machine."""
DAEMON_SECONDS = 240
"""Until libvirtd has asked the emulated machine's QEMU what it can."""
TRIES = 2
PLACE, _PREFIX = Path("/var/tmp"), "tuivm-virthost-"  # noqa: S108 - mkdtemp makes what is in it
"""Of a host's files. Not /tmp, which may be memory."""
_GUEST = Path(__file__).with_name("guest.xml")
_POWER_OFF_SECONDS = 60
_POLL_SECONDS = 0.5
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b.|[^\n\t -~\x80-\U0010ffff]")
"""The firmware clears the screen and the boot loader moves the cursor."""
_CMDLINE = (
    "root=/dev/vda rw console=ttyS0 intel_iommu=on iommu=pt net.ifnames=0 "
    "systemd.mask=systemd-networkd-wait-online.service quiet"
)


class VirtualHost:
    """One virtual host on an overlay of its own. Use it as a context manager, or boot and close.

    QEMU ends with the thread that booted it, however that ends, and its files go with this process.
    """

    def __init__(self, booted_from: Image | None = None, *, say: Say = recipe.say) -> None:
        """booted_from: an image of recipe.py; the one that `recipe.image()` has, when None. say:
        told of what takes long or goes wrong."""
        self._image = booted_from
        self._say = say
        self._state: Path | None = None
        self._lock: int | None = None
        self._reaper: subprocess.Popen[bytes] | None = None
        self._qemu: subprocess.Popen[bytes] | None = None
        self._port = 0

    def prepare(self) -> None:
        """Remove what killed ones left, and have an image (minutes). Raises VirtHostError."""
        _sweep()
        self._image = self._image or image(self._say)

    def boot(self) -> Self:
        """Boot, and wait until ssh and libvirt answer; once more when the first try fails.

        Raises VirtHostError.
        """
        self.prepare()
        for left in reversed(range(TRIES)):
            try:
                self._start(self._booted())
                self._wait_ready()
            except VirtHostError as error:
                self.end()
                if not left:
                    raise
                self._say(f"the virtual host is booted once more: {error}")
            except BaseException:
                self.end()
                raise
            else:
                break
        return self

    def close(self) -> None:
        """Power it off, end it where it does not, and remove all that it wrote."""
        if self._qemu is not None and self._qemu.poll() is None:
            try:
                self.run(["systemctl", "poweroff"], seconds=_POWER_OFF_SECONDS, check=False)
                self._qemu.wait(_POWER_OFF_SECONDS)
            except (VirtHostError, subprocess.TimeoutExpired) as error:
                self._say(f"the virtual host is ended by force: {error}")
        self.end()

    def __enter__(self) -> Self:
        return self.boot()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def uri(self) -> str:
        """What libvirt, virsh and tuivm connect to.

        It names a program in ssh's place: the host's key is known to that one alone, and nothing
        is written to anybody's known_hosts.
        """
        key = quote(str(self._booted().key))
        command = quote(str(self.state / "ssh"))
        return f"qemu+ssh://root@127.0.0.1:{self._port}/system?keyfile={key}&command={command}"

    @property
    def ssh(self) -> list[str]:
        """The ssh command that logs in; what it is to run goes behind it."""
        config = str(self.state / "ssh_config")
        return ["ssh", "-F", config, "-p", str(self._port), "root@127.0.0.1"]

    @property
    def state(self) -> Path:
        """The directory of its disks and logs; gone at close."""
        if self._state is None:
            raise VirtHostError("the virtual host is not booted")
        return self._state

    @property
    def console(self) -> str:
        """What it has written on its serial port, and QEMU on its standard error, as plain text."""
        return _CONTROLS.sub("", (self.state / "console.log").read_text(errors="replace"))

    def alive(self) -> bool:
        return self._qemu is not None and self._qemu.poll() is None

    def wait_end(self) -> None:
        """Wait until it is powered off from inside."""
        if self._qemu is not None:
            self._qemu.wait()

    def define_guest(self) -> None:
        """Define the guest that tuivm brings: off, with room for four devices."""
        self.run(["virsh", "-q", "define", "/dev/stdin"], given=_GUEST.read_text())

    def run(
        self, argv: Sequence[str], *, seconds: float = 60, check: bool = True, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in it as root, with this on its standard input. Raises VirtHostError when
        it takes too long, or fails."""
        try:
            done = subprocess.run(
                [*self.ssh, shlex.join(argv)],
                input=given,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise VirtHostError(f"{argv[0]} did not end within {seconds:.0f} s") from error
        if check and done.returncode:
            raise VirtHostError(f"{argv[0]} failed ({done.returncode}): {done.stderr.strip()}")
        return done

    def _booted(self) -> Image:
        if self._image is None:
            raise VirtHostError("the virtual host is not booted")
        return self._image

    def _start(self, base: Image) -> None:
        state = self._state = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=PLACE))
        self._reaper = subprocess.Popen(
            # Its input ends with this process, also when that is killed.
            ["sh", "-c", 'read -r _; rm -rf -- "$1"', "sh", str(state)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._lock = _hold(state)
        overlay = ["-f", "qcow2", "-F", "raw", "-b", str(base.disk), str(state / "host.qcow2")]
        made = subprocess.run(
            ["qemu-img", "create", "-q", *overlay],
            capture_output=True,
            text=True,
            env=environ(),
            check=False,
        )
        if made.returncode:
            raise VirtHostError(f"qemu-img failed: {made.stderr.strip()}")
        for name, mib in (("nvme.img", 256), ("usb.img", 64)):
            with (state / name).open("wb") as file:
                file.truncate(mib << 20)
        self._port = _free_port()
        self._write_ssh(base, state)
        with (state / "console.log").open("wb") as log:
            self._qemu = subprocess.Popen(
                # The kernel ends it with the thread that started it, also when that was killed.
                ["setpriv", "--pdeathsig", "KILL", *_qemu(base, state, self._port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environ(),
                # Ctrl+C on a terminal is for who started the host: it is powered off then.
                start_new_session=True,
            )

    def _write_ssh(self, base: Image, state: Path) -> None:
        """ssh's settings, none of the person's among them, and a program for libvirt to start."""
        (state / "known_hosts").write_text(f"virthost {base.host_key}\n")
        (state / "ssh_config").write_text(
            f'IdentityFile "{base.key}"\nIdentitiesOnly yes\nHostKeyAlias virthost\n'
            f'UserKnownHostsFile "{state / "known_hosts"}"\nGlobalKnownHostsFile /dev/null\n'
            "StrictHostKeyChecking yes\nBatchMode yes\nConnectTimeout 20\nLogLevel ERROR\n"
        )
        # As tuivm itself would have it: by tuivm-ssh, where that is installed.
        words = [ssh_command() or "ssh", "-F", str(state / "ssh_config")]
        (state / "ssh").write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        (state / "ssh").chmod(0o700)

    def _wait_ready(self) -> None:
        self._wait(["true"], SSH_SECONDS, "ssh")
        # Its first answer takes long, for it asks QEMU then; tuivm need not wait for that.
        self._wait(
            ["virsh", "--connect", "qemu:///system", "domcapabilities"], DAEMON_SECONDS, "libvirtd"
        )

    def _wait(self, argv: Sequence[str], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self.alive():
                raise VirtHostError(f"QEMU ended:\n{self.console[-2000:]}")
            try:
                self.run(argv, seconds=left)
            except VirtHostError:
                time.sleep(_POLL_SECONDS)
            else:
                return
        raise VirtHostError(f"no answer of {what} in {seconds:.0f} s:\n{self.console[-2000:]}")

    def end(self) -> None:
        """End it at once, and remove all that it wrote; fine to call twice."""
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu.wait()
            self._qemu = None
        if self._state is not None:
            shutil.rmtree(self._state, ignore_errors=True)
            self._state = None
        if self._reaper is not None:
            self._reaper.communicate()
            self._reaper = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _qemu(base: Image, state: Path, port: int) -> list[str]:
    """The command line; its parts depend on each other (buses, the order of the slots)."""
    return [
        "qemu-system-x86_64",
        *("-M", "q35,kernel-irqchip=split", "-accel", "tcg,thread=multi", "-cpu", "max"),
        *("-smp", str(CPUS), "-m", str(MEMORY_MIB), "-nographic", "-no-reboot"),
        # Two hosts are one for libvirt, and no guest migrates between them, without this.
        *("-uuid", str(uuid.uuid4())),
        *("-kernel", str(base.kernel), "-initrd", str(base.initrd), "-append", _CMDLINE),
        *("-device", "intel-iommu,intremap=on,device-iotlb=on"),
        *("-drive", f"file={state / 'host.qcow2'},if=virtio,format=qcow2,cache=unsafe"),
        *("-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{port}-:22"),
        *("-device", "virtio-net-pci,netdev=n0"),
        *("-device", "pcie-root-port,id=rp1,chassis=1,slot=1"),
        *("-device", "pcie-root-port,id=rp2,chassis=2,slot=2"),
        *("-netdev", "user,id=n1", "-device", "e1000e,netdev=n1,bus=rp1"),
        *("-device", "nvme-subsys,id=sub0"),
        *("-drive", f"file={state / 'nvme.img'},if=none,id=nv1,format=raw"),
        "-device",
        "nvme,id=nv,serial=NVME1,subsys=sub0,bus=rp2,sriov_max_vfs=4,sriov_vq_flexible=8,"
        "sriov_vi_flexible=4,max_ioqpairs=26,msix_qsize=29",
        *("-device", "nvme-ns,drive=nv1,nsid=1"),
        *("-device", "qemu-xhci"),
        *("-drive", f"file={state / 'usb.img'},if=none,id=us1,format=raw"),
        *("-device", "usb-storage,drive=us1", "-device", "usb-tablet"),
    ]


def _hold(state: Path) -> int:
    """Mark a host's files as in use for as long as the descriptor is open, which no child gets."""
    fresh = state / "held.new"
    lock = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    # It has its name only now: nobody sees it without its lock.
    fresh.rename(state / "held")
    return lock


def _sweep() -> None:
    """Remove the files of this user's hosts that ended with the whole machine."""
    for held in PLACE.glob(f"{_PREFIX}*/held"):
        with suppress(OSError), held.open("r+b") as file:
            if held.stat().st_uid == os.geteuid():
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(held.parent, ignore_errors=True)


def _free_port() -> int:
    """A TCP port of the loopback that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
