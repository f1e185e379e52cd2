"""Untrusted text within Markdown. Pure."""

from __future__ import annotations

import re

from tuivm.model.units import visible

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&$@]|:(?=//)|(?<=www)\.)")


def markup(text: str) -> str:
    """On one line, and nothing in it is markup."""
    return _MARKDOWN.sub(r"\\\1", visible(text))
