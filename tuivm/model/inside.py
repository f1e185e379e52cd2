"""What a look inside a guest tells of whether it can run guests itself."""

from __future__ import annotations

from typing import NamedTuple

from tuivm.model.hosts import Problem


class Inside(NamedTuple):
    """What the agent in a guest told of nested virtualization.

    flag: "vmx", "svm" or "sie" of the CPU that the guest sees; "" for none of them, None for not
    known (other architectures do not list it). kvm: /dev/kvm is there and works; None for not
    known. why: on kvm, where that takes words. problem: it could not be asked at all.
    """

    flag: str | None = None
    kvm: bool | None = None
    why: str = ""
    problem: Problem | None = None
