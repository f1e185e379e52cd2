"""What is wrong with sets of CPUs that a person types."""

from __future__ import annotations

from tuivm.model.cpusets import parse_cpus

_LONGEST = 200


def cpuset_fault(text: str, cpus: int = 0) -> str:
    """ "" for nothing. cpus: how many there are, 0 if unknown."""
    # Digits of other scripts are numbers to Python, and to nothing that comes after it.
    if len(text) > _LONGEST or not text.isascii():
        return "a set of CPUs is written 0-3,6"
    try:
        chosen = parse_cpus(text)
    except ValueError as error:
        return str(error)
    return f"the last of the host's CPUs is {cpus - 1}" if cpus and max(chosen) >= cpus else ""


def pins_fault(text: str, cpus: int = 0) -> str:
    """The same for several sets with blanks between them."""
    for number, part in enumerate(text.split()):
        if fault := cpuset_fault(part, cpus):
            return f"vCPU {number}: {fault}"
    return ""
