"""What every test of the user interface shares."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures look the same whatever the developer's terminal asks for."""
    monkeypatch.delenv("NO_COLOR", raising=False)
