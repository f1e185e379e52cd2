"""The virtual host that the tests of this directory share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tuivm.virthost.host import VirtualHost
from tuivm.virthost.recipe import missing_packages


@pytest.fixture(scope="session")
def virthost() -> Iterator[VirtualHost]:
    """A running host: leave its own devices as they were found."""
    missing = missing_packages()
    if missing:
        pytest.skip(f"a virtual host needs {' '.join(missing)}")
    with VirtualHost() as host:
        yield host
