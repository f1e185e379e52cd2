"""Small pure pieces of the hypervisor package."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import libvirt
import pytest

from tuivm.hypervisor.addresses import useful
from tuivm.hypervisor.errors import is_refusal
from tuivm.hypervisor.facts import quick_facts, read_capabilities, version_text
from tuivm.hypervisor.load import runs_here
from tuivm.hypervisor.states import state_words
from tuivm.model.guests import GuestState


@pytest.mark.parametrize(
    ("uri", "here"),
    [
        ("qemu:///system", True),
        ("qemu:///session", True),
        ("qemu+unix:///system?socket=/x", True),
        ("xen:///", True),
        ("lxc:///", True),
        ("qemu+ssh://host/system", False),
        ("qemu+ssh:///system", False),
        ("qemu://host/system", False),
        ("test:///default", False),
        ("esx://host/?no_verify=1", False),
    ],
)
def test_where_the_hypervisor_runs(uri: str, here: bool) -> None:
    assert runs_here(uri) is here


def test_addresses_that_tell_something() -> None:
    assert useful(
        ["::1", "fd00::2", "192.168.1.9", "127.0.0.1", "fe80::1", "10.0.0.2", "10.0.0.2", "x", ""]
    ) == ("10.0.0.2", "192.168.1.9", "fd00::2")


def test_capabilities() -> None:
    xml = """<capabilities><host><cpu><arch>x86_64</arch><model>Skylake</model></cpu></host>
    <guest><os_type>hvm</os_type><arch name='i686'><domain type='qemu'/><domain type='kvm'/></arch>
    </guest><guest><arch name='x86_64'><domain type='qemu'/></arch></guest></capabilities>"""
    assert read_capabilities(xml) == (("qemu", "kvm"), "x86_64", "Skylake")
    assert read_capabilities("") == ((), "", "")
    assert read_capabilities("<capabilities>") == ((), "", "")


def _node(stats: dict[str, int] | None) -> libvirt.virConnect:
    """Only what is asked of a connection here. MiB in getInfo, KiB in getMemoryStats."""

    def memory(_cell: int) -> dict[str, int]:
        if stats is None:
            raise libvirt.libvirtError("not supported by the connection driver")
        return stats

    node = SimpleNamespace(
        getType=lambda: "QEMU",
        getLibVersion=lambda: 9_000_000,
        getInfo=lambda: ["x86_64", 8192, 2, 0, 1, 1, 2, 1],
        getMemoryStats=memory,
    )
    return cast("libvirt.virConnect", node)


@pytest.mark.parametrize(
    ("stats", "kib"),
    [({"total": 25_000_000, "free": 1}, 25_000_000), ({}, 8192 * 1024), (None, 8192 * 1024)],
)
def test_memory_counts_what_was_plugged_in(stats: dict[str, int] | None, kib: int) -> None:
    facts = quick_facts(_node(stats), "qemu:///system")
    assert facts.memory_kib == kib
    assert facts.cpus == 2


def test_versions() -> None:
    assert version_text(7_002_013) == "7.2.13"
    assert version_text(None) == ""
    assert version_text(0) == ""


def test_states_and_reasons() -> None:
    assert state_words(libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED) == (
        GuestState.RUNNING,
        "booted",
    )
    assert state_words(libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_IOERROR) == (
        GuestState.PAUSED,
        "I/O error",
    )
    assert state_words(99, 1) == (GuestState.UNKNOWN, "")
    assert state_words(libvirt.VIR_DOMAIN_SHUTOFF, 99) == (GuestState.OFF, "")


@pytest.mark.parametrize(
    ("code", "words", "refused"),
    [
        (libvirt.VIR_ERR_AUTH_FAILED, "authentication failed", True),
        (libvirt.VIR_ERR_SYSTEM_ERROR, "Cannot recv data: Host key verification failed.", True),
        (
            libvirt.VIR_ERR_SYSTEM_ERROR,
            "Failed to connect socket to '/run/libvirt/libvirt-sock': No such file or directory",
            True,
        ),
        (libvirt.VIR_ERR_SYSTEM_ERROR, "unable to connect: No route to host", False),
        (libvirt.VIR_ERR_RPC, "Cannot recv data: Connection reset by peer", False),
    ],
)
def test_what_only_a_person_can_mend(code: int, words: str, refused: bool) -> None:
    error = libvirt.libvirtError("")
    error.err = (code, 0, words, 2, None, None, None, 0, 0)
    assert is_refusal(error) is refused
