"""The virtual host that the tests of this directory share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from tests.live.conftest import _quiet_libvirt
from tests.tty.conftest import home, program
from tests.virthost.site import Seer, Site
from tuivm.virthost import needs
from tuivm.virthost.host import VirtualHost

__all__ = ["_quiet_libvirt", "home", "program"]


def report(text: str) -> None:
    """A boot that had to be tried again, for one, is in the summary of a run that went well too."""
    warnings.warn(f"virtual host: {text}", stacklevel=2)


@pytest.fixture(scope="session")
def virthost() -> Iterator[VirtualHost]:
    """A running host: leave its own devices as they were found."""
    lacking = needs.missing()
    if lacking:
        pytest.fail("\n".join(needs.words(lacking)))
    with VirtualHost(say=report) as host:
        yield host


@pytest.fixture(scope="session")
def opened(virthost: VirtualHost) -> Iterator[Site]:
    site = Site(virthost)
    yield site
    site.close()


@pytest.fixture
def site(opened: Site) -> Iterator[Site]:
    """The host by tuivm's own way. What a test takes it has to put back; what one that failed has
    left is put back here, so that it harms no other."""
    was = opened.found()
    yield opened
    now = opened.found()
    if now != was:
        opened.mend(was)
    assert now == was


@pytest.fixture(scope="session")
def seers(opened: Site) -> Iterator[list[Seer]]:
    """The guest of `seer`, once it has booted."""
    booted: list[Seer] = []
    yield booted
    for one in booted:
        one.close()


@pytest.fixture
def seer(site: Site, seers: list[Seer]) -> Iterator[Seer]:
    """A running guest with none of the host's devices, and room for some."""
    if seers and not seers[0].alive:
        seers.pop().close()
    if seers:
        seers[0].guest.resume()
    else:
        seers.append(Seer(site))
    yield seers[0]
    if seers[0].alive:
        # A guest that runs takes much of an emulated CPU.
        seers[0].guest.suspend()
