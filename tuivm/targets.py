"""Which hosts are meant: from the command line, the environment, libvirt.conf and the config."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from platformdirs import user_config_path

from tuivm.model.hosts import HostSpec, Problem
from tuivm.model.uris import LibvirtConf, check_uri, parse_libvirt_conf, short_name
from tuivm.options import Options

SLOW_INTERVAL = 3.0
"""Seconds between two samples at least, on a thin link."""


class TargetError(Exception):
    """A host that cannot be meant."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


def choose(
    options: Options,
    configured: Iterable[HostSpec],
    conf: LibvirtConf,
    environ: Mapping[str, str],
    *,
    slow: bool = False,
) -> tuple[HostSpec, ...]:
    """The hosts to open, each under a name of its own. Raises TargetError.

    The first of these that names any: -c, LIBVIRT_DEFAULT_URI, the configuration, uri_default of
    libvirt.conf, and the empty URI, which lets libvirt pick as it does for `virsh`. In front of
    them are the hosts that the run has itself.
    """
    known = tuple(configured)
    wanted = [_named(word, known, conf) for word in options.connections]
    if not wanted and environ.get("LIBVIRT_DEFAULT_URI"):
        wanted = [_named(environ["LIBVIRT_DEFAULT_URI"], (), conf)]
    if not wanted:
        wanted = list(known)
    if not wanted:
        wanted = [_named(conf.uri_default, (), conf)]
    chosen: dict[str, HostSpec] = {}
    for spec in (*options.own_hosts, *wanted):
        same = chosen.get(spec.name)
        if same is not None and same.uri == spec.uri:
            continue
        name = _free(spec.name, chosen)
        chosen[name] = spec._replace(
            name=name,
            readonly=spec.readonly or options.readonly,
            interval=max(spec.interval, SLOW_INTERVAL) if slow else spec.interval,
        )
    return tuple(chosen.values())


def read_libvirt_conf(environ: Mapping[str, str], *, root: bool) -> LibvirtConf:
    """libvirt's client configuration, of the system for root and else of the user, as libvirt
    itself reads it. A file that is not there or cannot be read is an empty one."""
    try:
        return parse_libvirt_conf(_conf_path(environ, root=root).read_text("utf-8", "replace"))
    except OSError:
        return parse_libvirt_conf("")


def is_root() -> bool:
    return os.geteuid() == 0


def _conf_path(environ: Mapping[str, str], *, root: bool) -> Path:
    if root:
        return Path("/etc/libvirt/libvirt.conf")
    base = environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else user_config_path()) / "libvirt" / "libvirt.conf"


def _named(word: str, configured: Iterable[HostSpec], conf: LibvirtConf) -> HostSpec:
    """A URI, an alias of libvirt.conf, or a configured host's name, in this order, as virsh."""
    if not word:
        return HostSpec(short_name(word), word)
    if word in conf.aliases:
        return HostSpec(word, conf.aliases[word])
    for spec in configured:
        if word in (spec.name, spec.uri):
            return spec
    problem = check_uri(word)
    if problem is not None:
        raise TargetError(problem)
    return HostSpec(short_name(word), word)


def _free(name: str, taken: Mapping[str, HostSpec]) -> str:
    """The name, with a number behind it if another host has it."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free
