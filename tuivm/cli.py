"""The command line: what can be said, and what is started for it.

Imports neither Textual nor libvirt by itself: `tuivm completions` and wrong usage answer at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

from tuivm.options import Options

PROGRAM = "tuivm"
SHELLS = ("bash", "zsh", "fish")
# Said here once more, as the records of the Lab cost the start of everything else.
LESSONS = ("nested", "machine", "iothread")
DISK_BACKINGS = ("null", "file")
NIC_BACKINGS = ("socket", "tap")
DEVICE_KINDS = ("pci", "usb", "mdev", "scsi", "net")
EXPORTS = ("json", "md", "svg")
DEFAULT_TIMEOUT = 10.0
MIN_INTERVAL = 0.1


class Exit(IntEnum):
    """Exit codes; documented in docs/cli.md."""

    FINE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130
    """128 + SIGINT, as a shell reports a program that Ctrl+C ended."""
    CLOSED_PIPE = 141
    """128 + SIGPIPE, as a shell reports a program whose reader went away."""


def parser() -> argparse.ArgumentParser:
    """The whole grammar. Global options are taken before and after the subcommand."""
    root = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Virtual machines of all your libvirt hosts, live in the terminal.",
        epilog="Without a command, the user interface is opened.",
        allow_abbrev=False,
    )
    _add_globals(root, after=False)
    root.add_argument(
        "--version",
        action="store_true",
        help="print the versions of tuivm, libvirt and libvirt-python, and end",
    )
    commands = root.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, text in (
        ("hosts", "the hosts, and how they are doing"),
        ("list", "the guests of all hosts, with their devices"),
        ("stats", "what guests and devices do, as rates, again and again"),
        ("devices", "the hosts' devices, and whether each may be passed through"),
        ("check", "whether this host can virtualize, and what to do if not"),
    ):
        command = _command(commands, name, text)
        target = command.add_mutually_exclusive_group() if name == "stats" else command
        target.add_argument("--json", action="store_true", help="JSON (docs/json.md)")
        if name == "stats":
            target.add_argument(
                "--openmetrics",
                action="store_true",
                help="the counters as they are now, once, for Prometheus (docs/metrics.md)",
            )
        command.add_argument(
            "--timeout",
            type=_positive,
            default=DEFAULT_TIMEOUT,
            metavar="S",
            help="seconds that a host has to answer (default: %(default)g)",
        )
        if name == "list":
            command.add_argument(
                "--brief", action="store_true", help="one line a guest (JSON has the devices still)"
            )
        if name == "devices":
            command.add_argument(
                "--kind",
                type=_device_kinds,
                default=DEVICE_KINDS,
                metavar="A,B",
                help=f"these alone, of {', '.join(DEVICE_KINDS)} (default: all)",
            )
        if name == "stats":
            _add_stats_options(command)
    _add_create(commands)
    _add_lab(commands)
    demo = _command(commands, "demo", "two live guests compared, virtio and emulated, and a tour")
    demo.add_argument(
        "--host",
        action="store_true",
        help="a host made of software instead, with IOMMU, SR-IOV and KVM, to show passthrough on",
    )
    _add_appliance_options(demo)
    completions = _command(commands, "completions", "print the completions for a shell")
    completions.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")
    return root


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    _add_globals(command, after=True)
    return command


def _add_create(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    create = _command(commands, "create", "create a guest from a spec")
    create.add_argument("spec", metavar="SPEC", help="a TOML file (docs/specs), - for stdin")
    what = create.add_mutually_exclusive_group()
    what.add_argument("--print-xml", action="store_true", help="print the definition, and end")
    what.add_argument("--dry-run", action="store_true", help="print what would be done, and end")
    create.add_argument(
        "--start",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="start it, or not, whatever the spec says",
    )
    create.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="ID",
        help="accept the warning of this id; may be given again",
    )
    create.add_argument("--yes", action="store_true", help="accept every warning")
    create.add_argument("--json", action="store_true", help="JSON (docs/json.md)")


def _add_lab(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`tuivm lab …`. Global options are taken before `lab` and after what follows it."""
    text = "measure the device models of a host, with small guests made for it"
    lab = commands.add_parser("lab", help=text, description=text, allow_abbrev=False)
    actions = lab.add_subparsers(
        dest="lab_command", metavar="ACTION", title="actions", required=True
    )
    _add_lab_run(_command(actions, "run", "measure, and keep the result"))
    kept = _command(actions, "list", "the results that were kept")
    kept.add_argument("--json", action="store_true", help="JSON")
    kept_or_file = "of a kept result, or the file of one that was exported as JSON"
    show = _command(actions, "show", "a kept result: tables, and what was seen in words")
    show.add_argument("name", metavar="NAME", help=kept_or_file)
    show.add_argument("--json", action="store_true", help="the whole run as JSON (docs/lab.md)")
    compare = _command(actions, "compare", "two kept results, of this host or of different ones")
    compare.add_argument("name", metavar="NAME", help=kept_or_file)
    compare.add_argument("other", metavar="NAME", help="what is set in ratio to the first")
    compare.add_argument("--json", action="store_true", help="JSON")
    export = _command(actions, "export", "write a kept result as a document")
    export.add_argument("name", metavar="NAME", help=kept_or_file)
    export.add_argument("--format", choices=EXPORTS, default="json", help="default: %(default)s")
    export.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="a new file (default: standard output)"
    )
    clean = _command(actions, "clean", "remove what a Lab that ended badly left on the hosts")
    clean.add_argument("--yes", action="store_true", help="do not ask")


def _add_lab_run(run: argparse.ArgumentParser) -> None:
    def flag(name: str, text: str) -> None:
        run.add_argument(name, action="store_true", help=text)

    flag("--storage", "compare disk models (the default where nothing is named)")
    flag("--network", "compare NIC models")
    run.add_argument(
        "--lesson",
        action="append",
        default=[],
        choices=LESSONS,
        help="TCG against KVM; q35 against i440fx; with and without I/O thread. May be given again",
    )
    run.add_argument(
        "--models",
        type=_words,
        metavar="A,B",
        help="these alone: virtio-blk, nvme, ide, e1000 … (default: all that there are)",
    )
    run.add_argument(
        "--backing", choices=DISK_BACKINGS, help="behind every disk: QEMU's null-co, or a file"
    )
    run.add_argument(
        "--nic-backing", choices=NIC_BACKINGS, help="behind every NIC: UDP sockets, or a bridge"
    )
    length = run.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="about a minute (the default)")
    length.add_argument("--full", action="store_true", help="about five minutes")
    run.add_argument(
        "--accelerator", choices=("kvm", "tcg"), help="default: the fastest that works"
    )
    _add_appliance_options(run)
    run.add_argument(
        "--passthrough",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="a PCI device of the host that takes part (0000:01:00.0); may be given again",
    )
    run.add_argument("--seed", type=_seed, metavar="N", help="of the random order")
    run.add_argument("--name", help="what the result is kept as (default: the date and a number)")
    run.add_argument("--json", action="store_true", help="the whole run as JSON (docs/lab.md)")


def _add_appliance_options(command: argparse.ArgumentParser) -> None:
    """Of commands that boot guests of tuivm's own."""
    command.add_argument(
        "--kernel",
        type=Path,
        metavar="FILE",
        help="the kernel of its guests (default: one of this machine, or the distribution's)",
    )
    command.add_argument(
        "--modules",
        type=Path,
        metavar="DIR",
        help="that kernel's modules, as in /lib/modules/RELEASE",
    )


def _add_stats_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--interval",
        type=_interval,
        default=1.0,
        metavar="S",
        help="seconds between two lines of a guest (default: %(default)g)",
    )
    command.add_argument(
        "--count", type=_count, metavar="N", help="end after N times (default: go on for ever)"
    )
    command.add_argument(
        "--brief",
        action="store_true",
        help="one line a guest; JSON and OpenMetrics without vCPUs and host cost",
    )
    command.add_argument(
        "--agent",
        action="store_true",
        help="have guest agents tell of passed-through NICs; libvirt notes it in the guest's log "
        "(not for OpenMetrics)",
    )


def _add_globals(target: argparse.ArgumentParser, *, after: bool) -> None:
    """Add the global options; `after` a subcommand they must not reset what came before it.

    argparse parses a subcommand into a namespace of its own and copies all of that over the outer
    one: so there nothing has a default, and -c, which adds up, goes to a list of its own.
    """
    group = target.add_argument_group("global options")

    def flag(name: str, text: str) -> None:
        group.add_argument(
            name,
            action="store_true",
            default=argparse.SUPPRESS if after else False,
            help=text,
        )

    def value(name: str, metavar: str, text: str, kind: Callable[[str], object] = str) -> None:
        group.add_argument(
            name,
            metavar=metavar,
            default=argparse.SUPPRESS if after else None,
            type=kind,
            help=text,
        )

    group.add_argument(
        "-c",
        "--connect",
        action="append",
        default=[],
        dest="connect_after" if after else "connect",
        metavar="URI",
        help="a host, as virsh takes it: URI or alias; may be given again",
    )
    value("--config", "FILE", "the configuration file", Path)
    flag("--readonly", "open read-only connections; nothing can be changed")
    flag("--slow", "for thin links: slower, no animation")
    flag("--ascii", "draw with ASCII only")
    value("--theme", "NAME", "colours of the user interface")
    value("--log", "FILE", "the log file", Path)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0: {text}")
    return number


def _interval(text: str) -> float:
    number = _positive(text)
    if number < MIN_INTERVAL:
        raise argparse.ArgumentTypeError(f"must be at least {MIN_INTERVAL}: {text}")
    return number


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, at least 1: {text}")
    return number


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number, at least 0: {text}")
    return int(text)


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if not words:
        raise argparse.ArgumentTypeError("must name something, with commas in between")
    return words


def _device_kinds(text: str) -> tuple[str, ...]:
    kinds = _words(text)
    for kind in kinds:
        if kind not in DEVICE_KINDS:
            known = ", ".join(DEVICE_KINDS)
            raise argparse.ArgumentTypeError(f"there is no kind {kind}; kinds: {known}")
    return kinds


def options_of(arguments: argparse.Namespace) -> Options:
    """The global options out of what was parsed."""
    return Options(
        connections=(*arguments.connect, *getattr(arguments, "connect_after", [])),
        config_path=arguments.config,
        readonly=arguments.readonly,
        slow=arguments.slow,
        ascii=arguments.ascii,
        theme=arguments.theme or "",
        log_path=arguments.log,
    )
