"""The commands that a person is told to run on a host."""

from __future__ import annotations

import shlex

import pytest

from tuivm.model.hostshell import functions_command, on_shell_of

NUMVFS = "/sys/bus/pci/devices/0000:02:00.0/sriov_numvfs"


@pytest.mark.parametrize(
    ("uri", "functions", "current", "command"),
    [
        ("qemu:///system", 2, 0, f"echo 2 | sudo tee {NUMVFS}"),
        ("", 0, 4, f"echo 0 | sudo tee {NUMVFS}"),
        ("qemu:///system", 2, 4, f"echo 0 | sudo tee {NUMVFS} && echo 2 | sudo tee {NUMVFS}"),
        ("qemu:///system", 2, None, f"echo 0 | sudo tee {NUMVFS} && echo 2 | sudo tee {NUMVFS}"),
        ("qemu+ssh://root@rack7/system", 2, 0, f"ssh root@rack7 'echo 2 | tee {NUMVFS}'"),
        ("qemu+ssh://ann@rack7/system", 2, 0, f"ssh ann@rack7 'echo 2 | sudo tee {NUMVFS}'"),
        (
            "qemu+ssh://root@[::1]:2222/system?keyfile=/a%20b&command=/tmp/ssh&no_tty=1",
            2,
            0,
            f"/tmp/ssh -p 2222 -i '/a b' root@::1 'echo 2 | tee {NUMVFS}'",
        ),
        ("qemu+tls://rack7:16514/system", 2, 0, f"ssh rack7 'echo 2 | sudo tee {NUMVFS}'"),
        (
            "qemu+ext:///system?command=/usr/bin/way",
            2,
            0,
            f"on the host: echo 2 | sudo tee {NUMVFS}",
        ),
    ],
)
def test_the_number_of_functions(
    uri: str, functions: int, current: int | None, command: str
) -> None:
    assert functions_command(uri, "0000:02:00.0", functions, current) == command


def test_nothing_from_outside_gets_out_of_its_word() -> None:
    uri = "qemu+ssh://a%27;reboot@h$(x)/system?keyfile=/k%3Bid"
    words = shlex.split(on_shell_of(uri, "ls '; rm -r /'"))
    assert words == ["ssh", "-i", "/k;id", "a';reboot@h$(x)", "ls '; rm -r /'"]
