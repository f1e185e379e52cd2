"""What has to be settled in the environment before Textual is imported.

Textual reads TEXTUAL_* once, while it is imported; a later change has no effect.
"""

from __future__ import annotations

import locale
from collections.abc import Mapping, MutableMapping

SLOW_FPS = "5"
"""Repaints a second at most on a thin link: 60, the default, is more than 4 KB/s can carry."""

_PLAIN_TERMINALS = frozenset({"linux", "dumb", "vt100", "vt102", "vt220", "cons25", "sun"})
"""Terminals whose fonts lack braille and geometric shapes."""


def settle(environ: MutableMapping[str, str], *, slow: bool) -> None:
    """Set what Textual reads at import. What the person set already is left as it is."""
    if slow:
        # Each frame of an animation is bytes to the terminal that carry no news, and frames that
        # a slow terminal cannot drain wait in Textual's output queue in front of the next key.
        environ.setdefault("TEXTUAL_FPS", SLOW_FPS)
        environ.setdefault("TEXTUAL_ANIMATIONS", "none")
        environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    if environ.get("NO_COLOR") == "":
        # no-color.org: an empty value means nothing; Textual looks only whether it is there.
        del environ["NO_COLOR"]


def wants_ascii(environ: Mapping[str, str], encoding: str | None = None) -> bool:
    """Whether the terminal cannot be trusted with anything but ASCII.

    encoding: of the locale; looked up when None.
    """
    if environ.get("TERM", "") in _PLAIN_TERMINALS:
        return True
    name = locale.getencoding() if encoding is None else encoding
    return name.replace("-", "").lower() not in ("utf8", "gb18030")
