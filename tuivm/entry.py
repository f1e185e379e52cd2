"""Settles the environment, then starts the user interface or prints for a script."""

from __future__ import annotations

import argparse
import errno
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from tuivm import cli, config, environment, logs
from tuivm.cli import Exit
from tuivm.model.guests import GuestKey
from tuivm.options import Options


def main() -> NoReturn:
    """Carry out the command line of this process, and end it."""
    if "stdout" in _open_closed_streams():
        sys.stderr.write("tuivm: cannot write the output: standard output is closed\n")
        end(Exit.FAILED)
    end(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says; returns the exit code."""
    logs.catch_crashes()
    try:
        return _carry_out(cli.parser().parse_args(arguments))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else Exit.FAILED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return Exit.CLOSED_PIPE
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.stderr.write(f"tuivm: cannot write the output: {error.strerror}\n")
        return Exit.FAILED


def _carry_out(parsed: argparse.Namespace) -> int:
    options = cli.options_of(parsed)
    _require_config(options)
    if parsed.command == "demo" and parsed.host:
        from tuivm.hostdemo import run_host_demo  # noqa: PLC0415 - not for the UI

        return run_host_demo(parsed, options, _run_interface)
    if parsed.command == "demo":
        from tuivm.demo import run_demo  # noqa: PLC0415 - not for the UI

        return run_demo(parsed, options, _run_interface)
    if parsed.version or parsed.command:
        from tuivm.headless.run import run_command  # noqa: PLC0415 - not for the UI

        gc.enable()
        return run_command(parsed, options)
    return _run_interface(options)


def _open_closed_streams() -> list[str]:
    """Open those standard streams that were closed (`>&-`), and say which.

    They lead nowhere. Were they left closed, what is opened next would get their numbers: a socket
    or the log file as standard error.
    """
    closed = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
    for name in closed:
        mode = "r" if name == "stdin" else "w"
        setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    return closed


def _require_config(options: Options) -> None:
    """A config file that was named has to be there; the default one need not. Ends with 2."""
    if options.config_path is not None and not options.config_path.exists():
        sys.stderr.write(f"tuivm: {options.config_path}: there is no such file\n")
        raise SystemExit(Exit.USAGE)


def _run_interface(options: Options, demo: Sequence[GuestKey] | str = ()) -> int:
    """demo: the guests of `tuivm demo`, or the name of its host, if it is that."""
    # Textual draws on standard error.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        sys.stderr.write(
            "tuivm: the user interface needs a terminal\n"
            "  remedy: for pipes and scripts there are `tuivm hosts`, `tuivm list` and"
            " `tuivm stats`, all with --json\n"
        )
        return Exit.USAGE
    settings = config.load(options.config_path).config
    slow = options.slow or settings.slow
    environment.settle(os.environ, slow=slow)
    warning = logs.start(options.log_path)
    options = options._replace(
        slow=slow,
        ascii=options.ascii or environment.wants_ascii(os.environ),
        notices=(*options.notices, *((warning,) if warning else ())),
    )
    # Late: Textual reads the environment once, when it is imported.
    from tuivm.start import run as run_app  # noqa: PLC0415

    return run_app(options, demo)


def end(code: int) -> NoReturn:
    """End at once: a thread that hangs in a libvirt call must not hold the program.

    So what Python does at its end is done here, for what needs it: output and the log file.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            code = Exit.CLOSED_PIPE
        except OSError as error:
            code = Exit.FAILED
            if stream is sys.stdout:
                sys.stderr.write(f"tuivm: cannot write the output: {error.strerror}\n")
    logs.stop()
    os._exit(code)
