from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tuivm import cli
from tuivm.headless import completions


@pytest.fixture(params=cli.SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def script(shell: str) -> str:
    return completions.script(cli.parser(), shell)


def test_every_command_and_option_is_there(shell: str) -> None:
    text = script(shell)
    for word in (
        "hosts",
        "list",
        "stats",
        "devices",
        "check",
        "completions",
        "connect",
        "readonly",
        "json",
    ):
        assert word in text


def test_the_shell_takes_it(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "script"
    file.write_text(script(shell))
    done = subprocess.run([shell, "-n", file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["li"], {"list"}),
        (["--readonly", "li"], {"list"}),
        (["-c", "qemu:///system", "st"], {"stats"}),
        (["list", "--br"], {"--brief"}),
        (["stats", "--inter"], {"--interval"}),
        (["devices", "--ki"], {"--kind"}),
        (["stats", "--openm"], {"--openmetrics"}),
        (["completions", ""], {"bash", "zsh", "fish"}),
    ],
)
def test_bash_completes(words: list[str], expected: set[str], tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    file = tmp_path / "script"
    file.write_text(script("bash"))
    last, before = words[-1], (["tuivm", *words])[-2]
    program = (
        f"source '{file}'; COMP_WORDS=(tuivm {' '.join(word or chr(34) * 2 for word in words)});"
        f"COMP_CWORD={len(words)}; _shtab_tuivm tuivm '{last}' '{before}';"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert set(done.stdout.split()) == expected


def test_files_are_completed_where_a_file_is_meant(tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    (tmp_path / "mine.toml").write_text("")
    file = tmp_path / "script"
    file.write_text(script("bash"))
    program = (
        f"source '{file}'; COMP_WORDS=(tuivm --config mi); COMP_CWORD=2;"
        "_shtab_tuivm tuivm mi --config; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.split() == ["mine.toml"]
