"""Where the `tuivm-ssh` script is: see `tuivm.ssh`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

SSH_SCRIPT = "tuivm-ssh"


def ssh_command() -> str | None:
    """Where the `tuivm-ssh` script is: beside this Python (a virtual environment, pipx), else on
    PATH (`pip install --user`). None when it was not installed, as with a plain checkout."""
    # Not resolved: the Python of a virtual environment is a link to one elsewhere.
    folders = [str(Path(sys.executable).parent), *os.get_exec_path()]
    return shutil.which(SSH_SCRIPT, path=os.pathsep.join(folders))
