"""Versions of what tuivm stands on."""

from __future__ import annotations

from importlib import metadata

import libvirt

from tuivm.hypervisor.facts import version_text


def library() -> str:
    """The libvirt client library that is in use."""
    return version_text(libvirt.getVersion())


def bindings() -> str:
    """libvirt-python."""
    return metadata.version("libvirt-python")
