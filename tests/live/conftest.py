"""Fixtures of the live tests: a private libvirt, and guests on it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import libvirt
import pytest

from tests.support.guests import GuestFactory
from tests.support.rig import Rig


def _quiet(_context: object, _error: object) -> None:
    """libvirt prints every error on standard error unless told where to put it."""


@pytest.fixture(scope="session", autouse=True)
def _quiet_libvirt() -> None:
    libvirt.registerErrorHandler(_quiet, None)


@pytest.fixture(scope="session")
def root() -> None:
    if os.geteuid() != 0:
        pytest.skip("a private libvirtd needs root")


@pytest.fixture(scope="session")
def rig(root: None) -> Iterator[Rig]:
    """The libvirt that the live tests share: leave it running."""
    with Rig() as shared:
        yield shared


@pytest.fixture
def fresh_rig(root: None) -> Iterator[Rig]:
    """A libvirt for one test, which may pause, stop or kill it."""
    with Rig() as own:
        yield own


@pytest.fixture
def guest_factory(rig: Rig) -> Iterator[GuestFactory]:
    """Makes guests on the shared rig; all its guests and pools are removed after the test."""
    factory = GuestFactory(rig)
    yield factory
    factory.clean()
