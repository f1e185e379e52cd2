from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tuivm import cli
from tuivm.options import Options


def parse(*arguments: str) -> tuple[str | None, Options]:
    parsed = cli.parser().parse_args(arguments)
    return parsed.command, cli.options_of(parsed)


def test_nothing_said_leaves_everything_open() -> None:
    assert parse() == (None, Options())


def test_global_options_count_before_and_after_the_command() -> None:
    command, options = parse(
        "-c", "qemu:///system", "--readonly", "list", "--connect", "rack7", "--slow", "--log", "x"
    )
    assert command == "list"
    assert options == Options(
        connections=("qemu:///system", "rack7"), readonly=True, slow=True, log_path=Path("x")
    )


def test_an_option_before_the_command_is_not_reset_by_it() -> None:
    _, options = parse("--config", "a.toml", "--theme", "light", "--ascii", "hosts")
    assert options == Options(config_path=Path("a.toml"), theme="light", ascii=True)


def test_the_later_of_two_values_holds() -> None:
    assert parse("--theme", "light", "list", "--theme", "dark")[1].theme == "dark"


def test_lists_of_connections_do_not_leak_from_one_parse_to_the_next() -> None:
    grammar = cli.parser()
    grammar.parse_args(["-c", "a", "list", "-c", "b"])
    assert cli.options_of(grammar.parse_args(["list"])).connections == ()


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--read"],
        ["stats", "--interval", "0"],
        ["stats", "--interval", "0.01"],
        ["stats", "--interval", "nan"],
        ["stats", "--interval", "soon"],
        ["stats", "--count", "0"],
        ["stats", "--count", "1.5"],
        ["stats", "--json", "--openmetrics"],
        ["list", "--timeout", "-1"],
        ["list", "--timeout", "inf"],
        ["completions"],
        ["completions", "csh"],
        ["list", "extra"],
        ["-c"],
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.parser().parse_args(arguments)
    assert stop.value.code == cli.Exit.USAGE
    told = capsys.readouterr().err
    assert "usage: tuivm" in told
    assert "_interval" not in told  # a name of ours, which argparse shows when it is left to itself


def run(*arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tuivm", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
        env={**os.environ, **(environ or {})},
    )


def test_version_names_all_three() -> None:
    done = run("--version")
    words = [line.split() for line in done.stdout.splitlines()]
    assert [word[0] for word in words] == ["tuivm", "libvirt", "libvirt-python"]
    assert all(word[1][0].isdigit() for word in words)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("hosts", "list", "stats", "check", "completions"):
        assert command in done.stdout


def test_a_scrape_is_utf_8_whatever_the_locale_says() -> None:
    """Under cron there is none, and names are not ASCII."""
    program = (
        "import sys; sys.stdout.reconfigure(encoding='ascii');"
        "from tuivm.entry import run; code = run("
        "['-c', 'test:///default', 'stats', '--openmetrics', '--brief']);"
        "sys.stdout.write('é'); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("utf-8").endswith("# EOF\né")


def test_wrong_usage_from_outside() -> None:
    done = run("stats", "--count", "none")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_interface_without_a_terminal_says_what_to_use_instead() -> None:
    done = run()
    assert done.returncode == 2
    assert "tuivm list" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["hosts", "list", "stats", "check", "completions", "--version"])
def test_nothing_headless_loads_textual(command: str) -> None:
    extra = {"stats": ["--count", "1", "--interval", "0.1"], "completions": ["bash"]}
    program = (
        "import sys; from tuivm.entry import run;"
        f"run({['-c', 'test:///default', command, *extra.get(command, [])]!r});"
        "loaded = [name for name in sys.modules if name.split('.')[0] == 'textual'];"
        "assert not loaded, loaded; print('clean')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.endswith("clean\n"), done.stderr


def test_completions_do_not_load_libvirt() -> None:
    program = (
        "import sys; from tuivm.entry import run; run(['completions', 'bash']);"
        "assert 'libvirt' not in sys.modules; print('clean')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.endswith("clean\n"), done.stderr


def test_a_crash_is_one_line_on_the_terminal_and_a_traceback_in_the_log(tmp_path: Path) -> None:
    program = (
        "from tuivm import logs; logs.catch_crashes();"
        "raise RuntimeError('no \\x1b[2J luck with qemu+ssh://me:geheim@host/system')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )
    log = tmp_path / "tuivm" / "tuivm.log"
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    assert str(log) in done.stderr
    text = log.read_text()
    assert "Traceback" in text
    assert "RuntimeError: no ␛[2J luck" in text
    assert "geheim" not in text + done.stderr


def test_a_config_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    done = run("--config", str(missing), "completions", "bash")
    assert done.returncode == cli.Exit.USAGE
    assert f"{missing}: there is no such file" in done.stderr


def run_in_shell(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "tuivm", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["list", "--json"],
        ["hosts"],
        ["stats", "--count", "1"],
        ["stats", "--openmetrics"],
        ["check"],
        ["completions", "bash"],
        ["--version"],
        ["--help"],
        [],
    ],
)
def test_a_closed_output_is_one_line_and_a_failure(arguments: list[str]) -> None:
    done = run_in_shell(">&-", "-c", "test:///default", *arguments)
    assert done.stderr == "tuivm: cannot write the output: standard output is closed\n"
    assert done.returncode == cli.Exit.FAILED


def test_other_closed_streams_take_nothing_away() -> None:
    done = run_in_shell("2>&- <&-", "-c", "test:///default", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert "running" in done.stdout
    dead = run_in_shell("2>&- <&-", "-c", "qemu+tcp://127.0.0.1:1/system", "list")
    assert dead.returncode == cli.Exit.UNREACHABLE
    assert run_in_shell("2>&-", "nonsense").returncode == cli.Exit.USAGE
