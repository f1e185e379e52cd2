"""Where libvirt finds `tuivm-ssh`, and what that leaves to ssh."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tuivm.hypervisor.connect import quiet_uri
from tuivm.sshcommand import SSH_SCRIPT, ssh_command


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_script_beside_python_goes_before_the_one_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "venv/bin/python"
    elsewhere = executable(tmp_path / "elsewhere/python3")
    python.parent.mkdir(parents=True)
    python.symlink_to(elsewhere)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert ssh_command() is None
    assert quiet_uri("qemu+ssh://h/system") == "qemu+ssh://h/system?no_tty=1"
    on_path = executable(tmp_path / "bin" / SSH_SCRIPT)
    assert ssh_command() == str(on_path)
    beside = executable(python.parent / SSH_SCRIPT)
    assert ssh_command() == str(beside)
    assert quiet_uri("qemu+ssh://h/system") == f"qemu+ssh://h/system?no_tty=1&command={beside}"
    beside.chmod(0o644)
    assert ssh_command() == str(on_path)


def test_the_tests_run_with_the_script_installed() -> None:
    assert ssh_command() == str(Path(sys.executable).parent / SSH_SCRIPT)


def run_script(path: Path) -> subprocess.CompletedProcess[str]:
    script = ssh_command()
    assert script is not None
    return subprocess.run(
        [script, "-T", "-o", "BatchMode=yes", "--", "far", "sh -c 'a  b'"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": str(path), "SSH_ASKPASS": "/usr/bin/ssh-askpass"},
        timeout=60,
    )


def test_ssh_gets_the_arguments_and_no_window_to_ask_in(tmp_path: Path) -> None:
    show = "import os, sys; print(sys.argv[1:], os.getsid(0) == os.getpid())"
    show += "; print(os.environ['SSH_ASKPASS_REQUIRE'], os.environ['SSH_ASKPASS'])"
    executable(tmp_path / "ssh", f"#!{sys.executable}\n{show}\nraise SystemExit(255)\n")
    done = run_script(tmp_path)
    assert done.stdout.splitlines() == [
        "['-T', '-o', 'BatchMode=yes', '--', 'far', \"sh -c 'a  b'\"] True",
        "never false",
    ]
    assert done.returncode == 255


def test_no_ssh_is_one_line(tmp_path: Path) -> None:
    done = run_script(tmp_path)
    assert done.stderr == "tuivm-ssh: cannot start ssh: No such file or directory\n"
    assert done.returncode == 127


def test_it_starts_without_the_rest_of_the_program() -> None:
    program = (
        "import sys; import tuivm.ssh;"
        "print(*sorted(name for name in sys.modules if name.startswith('tuivm')));"
        "assert not {'libvirt', 'textual', 'subprocess', 'typing'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.split() == ["tuivm", "tuivm.ssh"]
