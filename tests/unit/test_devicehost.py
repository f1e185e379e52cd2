"""The way to a host's devices, over a connection that is played."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import libvirt
import pytest

from tuivm.hypervisor import devicesurvey
from tuivm.hypervisor.devicehost import LibvirtDeviceHost
from tuivm.model.createports import Offered
from tuivm.model.hosts import HostSpec
from tuivm.model.offers import HostOffer

SPEC = HostSpec("rack", "qemu:///system")


class Conn:
    def __init__(self, *, alive: bool) -> None:
        self._alive = alive

    def isAlive(self) -> int:  # noqa: N802 - libvirt's name
        return int(self._alive)

    def getLibVersion(self) -> int:  # noqa: N802 - libvirt's name
        raise libvirt.libvirtError("client socket is closed")


def answer(monkeypatch: pytest.MonkeyPatch, conn: Any) -> Offered:
    """To a question for its devices."""

    @contextmanager
    def lend() -> Iterator[Any]:
        yield conn

    monkeypatch.setattr(devicesurvey, "devices", lambda _conn, _spec: HostOffer("rack", SPEC.uri))
    host = LibvirtDeviceHost(SPEC, lend, lambda: None)
    try:
        return host.devices().result(30)
    finally:
        host.close()


def test_what_a_host_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer(monkeypatch, Conn(alive=True)).offer == HostOffer("rack", SPEC.uri)


def test_a_host_that_was_lost_meanwhile_has_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = answer(monkeypatch, Conn(alive=False))
    assert answered.offer is None
    assert answered.problem is not None
    assert "cannot ask rack for its devices" in answered.problem.what
