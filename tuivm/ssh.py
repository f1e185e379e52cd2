"""The `tuivm-ssh` script: ssh without a terminal, for libvirt to start in place of ssh.

`BatchMode=yes` keeps ssh from asking, but OpenSSH does not hand it on to the ssh that it starts for
a jump host (ProxyJump), nor to a ProxyCommand: those would open /dev/tty and ask on the screen.
Without a controlling terminal there is none to open, so they fail, with a reason, instead.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios


def main() -> None:
    """Become ssh, with the arguments of this program. The process stays the same one, so that
    libvirt ends ssh itself when it closes the connection."""
    leave_terminal()
    # Nor may a window ask, which ssh opens where it has no terminal. The second is for OpenSSH
    # before 8.4, which does not know the first.
    os.environ["SSH_ASKPASS_REQUIRE"] = "never"
    os.environ["SSH_ASKPASS"] = "false"
    try:
        os.execvp("ssh", ["ssh", *sys.argv[1:]])  # noqa: S606 - a list, and no shell is wanted
    except OSError as error:
        sys.stderr.write(f"tuivm-ssh: cannot start ssh: {error.strerror}\n")
        # What a shell and ssh's own users expect where a program is not there.
        os._exit(127)


def leave_terminal() -> None:
    """Have no controlling terminal, nor have what is started from here."""
    try:
        os.setsid()
    except PermissionError:
        # It leads a process group, started by a shell and not by libvirt: there is no new session
        # for it, but the terminal can be given up in the old one.
        _give_up_terminal()


def _give_up_terminal() -> None:
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return
    # The leader of a session is itself among those who are told that the terminal is gone.
    told = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    fcntl.ioctl(terminal, termios.TIOCNOTTY)
    signal.signal(signal.SIGHUP, told)
    os.close(terminal)
