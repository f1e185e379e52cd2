"""Carries out the commands that print instead of opening the user interface."""

from __future__ import annotations

import argparse
import io
import os
import sys
from functools import partial

import tuivm
from tuivm import cli, config, environment, logs, targets
from tuivm.cli import Exit
from tuivm.headless import check, completions, show, stats
from tuivm.model.createports import CreatePort
from tuivm.model.hosts import HostSpec
from tuivm.model.ports import Groups, Sinks
from tuivm.model.units import visible
from tuivm.options import Options


def run_command(arguments: argparse.Namespace, options: Options) -> int:
    """Print what was asked for; returns the exit code."""
    if arguments.command == "completions":
        sys.stdout.write(completions.script(cli.parser(), arguments.shell))
        return Exit.FINE
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A locale that lacks a character is no reason to end.
        sys.stdout.reconfigure(errors="backslashreplace")
    if options.log_path is not None:
        _warn(logs.start(options.log_path))
    try:
        return _with_libvirt(arguments, options)
    except ImportError as error:
        if not (error.name or "").startswith("libvirt"):
            raise
        _warn(f"libvirt-python cannot be loaded: {error}")
        _warn("remedy: install the libvirt client library, then reinstall libvirt-python")
        return Exit.FAILED


def _with_libvirt(arguments: argparse.Namespace, options: Options) -> int:
    if arguments.version:
        from tuivm.hypervisor import versions  # noqa: PLC0415 - loads libvirt

        sys.stdout.write(
            f"tuivm {tuivm.__version__}\n"
            f"libvirt {versions.library()}\n"
            f"libvirt-python {versions.bindings()}\n"
        )
        return Exit.FINE
    try:
        if arguments.command == "lab":
            from tuivm.headless.lab import lab_command  # noqa: PLC0415 - for this alone

            hosts = partial(_specs, options)
            return lab_command(arguments, options, hosts, sys.stdout, sys.stderr)
        specs = _specs(options)
    except targets.TargetError as error:
        problem = error.problem
        _warn(f"{problem.what}: {problem.reason}\n  remedy: {problem.remedy}")
        return Exit.USAGE
    for name, command in (("check", _check), ("create", _create), ("devices", _devices)):
        if arguments.command == name:
            return command(arguments, specs)
    if arguments.command == "stats":
        return _stats(arguments, options, specs)
    return _show(arguments, options, specs)


def _specs(options: Options) -> tuple[HostSpec, ...]:
    conf = targets.read_libvirt_conf(os.environ, root=targets.is_root())
    loaded = config.load(options.config_path, aliases=conf.aliases)
    for problem in loaded.problems:
        _warn(problem)
    return targets.choose(options, loaded.config.hosts, conf, os.environ)


def _show(arguments: argparse.Namespace, options: Options, specs: tuple[HostSpec, ...]) -> Exit:
    from tuivm.hypervisor.oneshot import survey  # noqa: PLC0415 - loads libvirt

    wants_hosts = arguments.command == "hosts"
    found = survey(specs, timeout=arguments.timeout, facts=wants_hosts)
    if wants_hosts:
        return show.hosts(found, sys.stdout, sys.stderr, as_json=arguments.json)
    return show.guests(
        found,
        sys.stdout,
        sys.stderr,
        as_json=arguments.json,
        brief=arguments.brief,
        ascii_only=options.ascii or environment.wants_ascii(os.environ),
    )


def _create(arguments: argparse.Namespace, specs: tuple[HostSpec, ...]) -> Exit:
    from tuivm.headless.create import create_command  # noqa: PLC0415 - for this alone
    from tuivm.hypervisor.maker import LibvirtHosts  # noqa: PLC0415 - loads libvirt

    def port(spec: HostSpec) -> CreatePort:
        return LibvirtHosts().make(spec, Sinks(snapshot=lambda _snapshot: None)).creating()

    return create_command(arguments, specs, port, sys.stdout, sys.stderr)


def _devices(arguments: argparse.Namespace, specs: tuple[HostSpec, ...]) -> Exit:
    from tuivm.headless import devices  # noqa: PLC0415 - for this alone
    from tuivm.hypervisor.maker import LibvirtHosts  # noqa: PLC0415 - loads libvirt

    found = devices.ask(specs, LibvirtHosts(), timeout=arguments.timeout)
    return devices.show(found, sys.stdout, sys.stderr, kinds=arguments.kind, as_json=arguments.json)


def _check(arguments: argparse.Namespace, specs: tuple[HostSpec, ...]) -> Exit:
    from tuivm.hypervisor.hostcheck import gather  # noqa: PLC0415 - for this alone
    from tuivm.hypervisor.oneshot import survey  # noqa: PLC0415 - loads libvirt

    found = survey(specs, timeout=arguments.timeout)
    return check.show(gather(check.daemons(found)), found, sys.stdout, as_json=arguments.json)


def _stats(arguments: argparse.Namespace, options: Options, specs: tuple[HostSpec, ...]) -> Exit:
    from tuivm.hypervisor.maker import LibvirtHosts  # noqa: PLC0415 - loads libvirt

    everything = Groups.LIST | Groups.VCPU | Groups.COST
    if arguments.openmetrics:
        from tuivm.headless import scrape  # noqa: PLC0415 - for this alone

        groups = Groups.LIST if arguments.brief else everything
        if isinstance(sys.stdout, io.TextIOWrapper):
            # The format is UTF-8, whatever the locale: cron has none.
            sys.stdout.reconfigure(encoding="utf-8")
        return scrape.Scrape(
            specs, LibvirtHosts(), sys.stdout, sys.stderr, groups=groups, timeout=arguments.timeout
        ).run()
    lines: stats.Lines = stats.JsonLines(sys.stdout)
    if not arguments.json:
        lines = stats.TableLines(
            sys.stdout,
            by_host=len(specs) > 1,
            brief=arguments.brief,
            ascii_only=options.ascii or environment.wants_ascii(os.environ),
        )
    # The table shows neither vCPUs nor host cost, so nobody need find them out.
    groups = everything if arguments.json and not arguments.brief else Groups.LIST
    return stats.StatsRun(
        specs,
        LibvirtHosts(),
        lines,
        sys.stderr,
        groups=groups | Groups.AGENT if arguments.agent else groups,
        interval=arguments.interval,
        count=arguments.count,
        timeout=arguments.timeout,
    ).run()


def _warn(text: str) -> None:
    if text:
        lines = "\n".join(map(visible, text.splitlines()))
        sys.stderr.write(f"tuivm: {lines}\n")
