"""The `/` filter over guests: words and key:value terms, all of which have to hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from tuivm.model.devices import DeviceClass
from tuivm.model.guests import GuestState
from tuivm.model.store import GuestView
from tuivm.model.units import visible

Test = Callable[[GuestView], bool | None]
"""True, False, or None where what is asked is not known of this guest."""

_TERM = re.compile(
    r"""(?P<not>[-!])?(?P<key>[^\s:"]*:)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>[^\s"]*))"""
)
_IPV6 = re.compile(r"[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)

CLASSES = {
    "emulated": DeviceClass.EMULATED,
    "virtio": DeviceClass.PARAVIRTUAL,
    "paravirtual": DeviceClass.PARAVIRTUAL,
    "physical": DeviceClass.PHYSICAL,
    "passthrough": DeviceClass.PHYSICAL,
}
STATES: dict[str, Test] = {
    "running": lambda view: view.guest.state in (GuestState.RUNNING, GuestState.BLOCKED),
    "off": lambda view: view.guest.state is GuestState.OFF,
    "paused": lambda view: view.guest.state is GuestState.PAUSED,
    "crashed": lambda view: view.guest.state is GuestState.CRASHED,
    "suspended": lambda view: view.guest.state is GuestState.SUSPENDED,
    "active": lambda view: view.guest.state.active,
    "inactive": lambda view: not view.guest.state.active,
    "saved": lambda view: view.guest.managed_save,
    "autostart": lambda view: view.guest.autostart,
    "persistent": lambda view: view.guest.persistent,
    "transient": lambda view: not view.guest.persistent,
}


class Term(NamedTuple):
    """One word or key:value, and whether it was negated."""

    test: Test
    negated: bool = False

    def holds(self, view: GuestView) -> bool:
        """What is not known holds neither as it stands nor negated."""
        found = self.test(view)
        return found is not None and found is not self.negated


class Filter(NamedTuple):
    """A filter as typed. problem: what of it is not understood, in words; that part is left out
    of the matching, the rest applies. The empty filter matches everything."""

    text: str = ""
    terms: tuple[Term, ...] = ()
    problem: str = ""

    def matches(self, view: GuestView) -> bool:
        return all(term.holds(view) for term in self.terms)


def parse_filter(text: str) -> Filter:
    """What a person typed after `/`.

    `web db` both words in name, title, host, state or IP address, whatever the case; `name:` and
    `host:` in that alone; `class:emulated` has such a device; `is:running` and so on; `-word` or
    `!word` the opposite; quotes keep blanks, colons and a leading minus together. A quote that is
    still open ends with the text, because filters are applied while they are typed.
    """
    terms, problems = [], []
    for match in _TERM.finditer(text):
        key, value = (match["key"] or "")[:-1], match["quoted"]
        if value is None:
            value = match["plain"]
        whole = match.group().lstrip("-!")
        if match["key"] is not None and match["quoted"] is None and _IPV6.fullmatch(whole):
            key, value = "", whole
        elif match["key"] is not None:
            test, problem = _keyed(key.lower(), value.casefold())
            if test is None:
                problems.append(problem)
            else:
                terms.append(Term(test, match["not"] is not None))
            continue
        if value:
            terms.append(Term(_word(value.casefold()), match["not"] is not None))
    return Filter(text, tuple(terms), "; ".join(problems))


def _keyed(key: str, value: str) -> tuple[Test | None, str]:
    test, problem = None, ""
    if key == "class":
        cls = CLASSES.get(value)
        test = _has_class(cls) if cls else None
        problem = f"class: is one of {', '.join(cls.value for cls in DeviceClass)}"
    elif key == "is":
        test, problem = STATES.get(value), f"is: is one of {', '.join(STATES)}"
    elif key in ("name", "host"):
        test = (_name if key == "name" else _host)(value) if value else None
        problem = f"{key}: needs a word"
    else:
        problem = f"no key {visible(key)!r}: class, is, name, host"
    return test, "" if test else problem


def _has_class(cls: DeviceClass) -> Test:
    def test(view: GuestView) -> bool | None:
        details = view.guest.details
        return None if details is None else any(device.cls is cls for device in details.devices)

    return test


def _name(value: str) -> Test:
    return lambda view: value in view.guest.name.casefold()


def _host(value: str) -> Test:
    return lambda view: value in view.key.host.casefold()


def _word(value: str) -> Test:
    def test(view: GuestView) -> bool:
        guest = view.guest
        states = (guest.state.value, guest.state_word)
        texts = (guest.label, guest.key.host, *states, *guest.addresses)
        return any(value in text.casefold() for text in texts)

    return test
