from __future__ import annotations

from pathlib import Path

import pytest

from tuivm import targets
from tuivm.model.hosts import HostSpec
from tuivm.model.uris import LibvirtConf
from tuivm.options import Options

CONFIGURED = (
    HostSpec("rack7", "qemu+ssh://root@rack7/system", interval=2.0),
    HostSpec("lab", "qemu+tls://lab/system", readonly=True),
)
CONF = LibvirtConf(uri_default="qemu:///session", aliases={"hail": "qemu+ssh://hail/system"})
NO_CONF = LibvirtConf()


def names(*specs: HostSpec) -> list[tuple[str, str]]:
    return [(spec.name, spec.uri) for spec in specs]


def choose(
    *connections: str,
    configured: tuple[HostSpec, ...] = CONFIGURED,
    conf: LibvirtConf = CONF,
    environ: dict[str, str] | None = None,
) -> list[tuple[str, str]]:
    options = Options(connections=connections)
    return names(*targets.choose(options, configured, conf, environ or {}))


def test_the_command_line_counts_before_all_else() -> None:
    chosen = choose("qemu:///system", environ={"LIBVIRT_DEFAULT_URI": "xen:///system"})
    assert chosen == [("local", "qemu:///system")]


def test_then_the_environment() -> None:
    assert choose(environ={"LIBVIRT_DEFAULT_URI": "xen:///system"}) == [("xen", "xen:///system")]
    assert choose(environ={"LIBVIRT_DEFAULT_URI": ""}) == names(*CONFIGURED)


def test_then_the_configured_hosts() -> None:
    assert choose() == names(*CONFIGURED)


def test_then_libvirt_conf() -> None:
    assert choose(configured=()) == [("session", "qemu:///session")]


def test_then_what_libvirt_picks() -> None:
    assert choose(configured=(), conf=NO_CONF) == [("local", "")]


def test_an_alias_and_a_configured_name_stand_for_their_uris() -> None:
    assert choose("hail", "lab") == [
        ("hail", "qemu+ssh://hail/system"),
        ("lab", "qemu+tls://lab/system"),
    ]


def test_a_configured_uri_brings_its_name_and_settings() -> None:
    (spec,) = targets.choose(
        Options(connections=("qemu+tls://lab/system",)), CONFIGURED, NO_CONF, {}
    )
    assert spec == CONFIGURED[1]


def test_names_are_unique_and_the_same_host_twice_is_one() -> None:
    chosen = choose("qemu+ssh://a/system", "qemu+tls://a/system", "qemu+ssh://a/system")
    assert chosen == [("a", "qemu+ssh://a/system"), ("a-2", "qemu+tls://a/system")]


def test_readonly_only_ever_adds() -> None:
    chosen = targets.choose(Options(readonly=True), CONFIGURED, CONF, {})
    assert [spec.readonly for spec in chosen] == [True, True]
    assert [spec.readonly for spec in targets.choose(Options(), CONFIGURED, CONF, {})] == [
        False,
        True,
    ]


def test_a_thin_link_stretches_the_interval() -> None:
    chosen = targets.choose(Options(), CONFIGURED, CONF, {}, slow=True)
    assert {spec.interval for spec in chosen} == {targets.SLOW_INTERVAL}


def test_what_is_no_uri_is_refused_with_a_remedy() -> None:
    with pytest.raises(targets.TargetError) as refused:
        choose("qemu://system")
    assert "qemu:///system" in refused.value.problem.remedy


def test_libvirt_conf_of_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "libvirt"
    folder.mkdir()
    (folder / "libvirt.conf").write_text('uri_default = "test:///default"\n')
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    conf = targets.read_libvirt_conf(environ, root=False)
    assert conf.uri_default == "test:///default"
    (folder / "libvirt.conf").unlink()
    assert targets.read_libvirt_conf(environ, root=False) == NO_CONF
