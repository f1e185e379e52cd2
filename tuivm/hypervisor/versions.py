"""Versions of what tuivm stands on."""

from __future__ import annotations

from importlib import metadata

import libvirt


def dotted(number: int) -> str:
    """libvirt's way to put a version into a number: 9002003 -> "9.2.3"."""
    return f"{number // 1_000_000}.{number // 1_000 % 1_000}.{number % 1_000}"


def library() -> str:
    """The libvirt client library that is in use."""
    return dotted(libvirt.getVersion())


def bindings() -> str:
    """libvirt-python."""
    return metadata.version("libvirt-python")
