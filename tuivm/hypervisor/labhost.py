"""A libvirt host for the Lab: see `tuivm.lab.ports`. Connections of its own, apart from those that
the rest of the program watches the host with."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Iterable
from contextlib import suppress

import libvirt

from tuivm.domainxml.parse import parse_domain, text
from tuivm.hypervisor.connect import Answers, Asker
from tuivm.hypervisor.lababilities import ask_abilities, ask_models
from tuivm.hypervisor.labcalls import CALL, Calls
from tuivm.hypervisor.labguest import END, LibvirtLabGuest, end_guest
from tuivm.hypervisor.lableftovers import find_leftovers, remove_leftover
from tuivm.hypervisor.labplace import LibvirtWorkplace
from tuivm.hypervisor.labusage import local_use, others_use, remote_use
from tuivm.hypervisor.load import runs_here
from tuivm.lab.mark import Mark, mark_of, read_mark
from tuivm.lab.ports import CHANNEL, PREFIX, HostAbilities, HostUse, LabConnectError, LabError
from tuivm.model.hosts import HostSpec
from tuivm.model.lab import Leftover
from tuivm.model.ports import CredentialRequest
from tuivm.model.uris import parse_uri

_log = logging.getLogger(__name__)

OPEN = 60.0
"""Seconds to connect: a daemon that sockets start asks its emulators first what they can."""
PROBE = 120.0
"""Seconds for what makes a daemon run its emulators, which takes up to a minute."""
START = 120.0
CLOSE = 4.0
"""Seconds for each step of cleaning up when the program may be about to end."""


def open_lab_host(
    spec: HostSpec,
    *,
    deadline: float = OPEN,
    ask: Callable[[CredentialRequest], None] | None = None,
    known: Answers | None = None,
) -> LibvirtLabHost:
    """A connection of the Lab's own to a host. Raises LabError.

    deadline: seconds to connect in. ask: how questions for credentials are put, else they count as
    declined. known: answers given before.
    """
    if spec.readonly:
        raise LabError(
            f"{spec.name} is read-only for tuivm",
            remedy="leave out --readonly, or take readonly out of its entry in the configuration",
        )
    asker = Asker(spec.name, ask or (lambda request: request.answer(None)), known)
    host = LibvirtLabHost(spec, Calls(spec, asker), asker)
    host.connect(deadline)
    return host


class LibvirtLabHost:
    """See `lab.ports.LabHost`."""

    def __init__(self, spec: HostSpec, calls: Calls, asker: Asker) -> None:
        self._spec = spec
        self._calls = calls
        self._asker = asker
        self._local = False
        self._session = False
        self._abilities: HostAbilities | None = None
        self._guests: list[LibvirtLabGuest] = []
        self._places: list[LibvirtWorkplace] = []
        self._names: set[str] = set()
        self._closed = False

    def connect(self, deadline: float) -> None:
        try:
            try:
                self._calls.open(deadline, self._lost)
            except LabError as error:
                raise LabConnectError(error.what, error.reason, error.remedy) from error
            uri = self._calls(f"cannot ask {self._spec.name} what it is", lambda c: c.getURI())
        except LabError:
            self._calls.close()
            raise
        parts = parse_uri(uri)
        self._local = runs_here(uri)
        self._session = parts is not None and parts.path == "/session"

    def abilities(self) -> HostAbilities:
        if self._abilities is None:
            self._abilities = self._calls(
                f"cannot ask {self._spec.name} for its abilities", self._ask, PROBE
            )
        return self._abilities

    def _ask(self, conn: libvirt.virConnect) -> HostAbilities:
        found = ask_abilities(conn, self._spec, local=self._local, session=self._session)
        return found._replace(models=ask_models(conn, found))

    def workplace(self, run: str) -> LibvirtWorkplace:
        try:
            mark = mark_of(run)
        except ValueError as error:
            raise LabError("the run cannot be called so", str(error)) from error
        place = LibvirtWorkplace(self._calls, mark, local=self._local, session=self._session)
        self._places.append(place)
        return place

    def start(self, xml: str, *, paused: bool = False, channel: str = CHANNEL) -> LibvirtLabGuest:
        """channel: the virtio-serial port that the line is on."""
        name = _lab_name(xml)

        def begin(conn: libvirt.virConnect) -> LibvirtLabGuest:
            # Paused, so that nothing that it says is lost.
            flags = libvirt.VIR_DOMAIN_START_PAUSED | libvirt.VIR_DOMAIN_START_AUTODESTROY
            domain = conn.createXML(xml, flags)
            guest = None
            try:
                guest = LibvirtLabGuest(self._calls, domain, local=self._local, channel=channel)
                if not paused:
                    domain.resume()
            except libvirt.libvirtError:
                if guest is not None:
                    guest.forget()
                with suppress(libvirt.libvirtError):
                    domain.destroy()
                raise
            return guest

        known = name in self._names
        self._names.add(name)
        try:
            guest = self._calls(f"cannot start {name} on {self._spec.name}", begin, START)
        except LabError:
            # One whose start was not answered in time may come up yet.
            if not known and self._calls.fit:
                self._names.discard(name)
            raise
        if self._closed:
            # By another thread meanwhile, for which this one did not come in time.
            guest.forget()
            raise LabError(f"cannot start {name}", "the Lab is being closed")
        self._guests.append(guest)
        if self._calls.lost:
            guest.lost(self._calls.lost)
        return guest

    def use(self, own: Iterable[str]) -> HostUse:
        ours = frozenset(own)

        def ask(conn: libvirt.virConnect) -> HostUse:
            others = others_use(conn, ours)
            return local_use(others) if self._local else remote_use(conn, others)

        return self._calls(f"cannot read the load of {self._spec.name}", ask)

    def leftovers(self) -> tuple[Leftover, ...]:
        return self._calls(
            f"cannot look for leftovers on {self._spec.name}",
            lambda conn: find_leftovers(
                conn, self._spec.name, local=self._local, session=self._session
            ),
        )

    def clean(self, leftovers: Iterable[Leftover]) -> None:
        for leftover in leftovers:
            if leftover.host == self._spec.name:
                self._calls(
                    f"cannot remove {leftover.name}",
                    lambda conn, leftover=leftover: remove_leftover(  # type: ignore[misc]
                        conn, leftover, session=self._session
                    ),
                    END + CALL,
                )

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if not (self._calls.free(CLOSE) and self._tidy(self._calls)):
            self._tidy_anew()
        for guest in self._guests:
            guest.forget()
        self._guests.clear()
        self._calls.close()

    def _tidy(self, calls: Calls) -> bool:
        """End and remove all that this object made; says whether it came to the end of that."""
        what = f"cannot clean up on {self._spec.name}"
        done = calls.fit
        steps = [
            lambda conn: _end_own(conn, self._names),
            *(place.remove_with for place in self._places if not place.removed),
        ]
        for step in steps:
            if not calls.fit:
                return False
            try:
                calls(what, step, CLOSE)
            except LabError as error:
                _log.warning("%s", error)
                done = False
        return done

    def _tidy_anew(self) -> None:
        """Once more, over a connection that nothing hangs on."""
        if not self._names and all(place.removed for place in self._places):
            return
        calls = Calls(self._spec, self._asker)
        try:
            calls.open(CLOSE)
            self._tidy(calls)
        except LabError as error:
            _log.warning("%s", error)
        finally:
            calls.close()

    def _lost(self) -> None:
        """Any thread; libvirt's event thread among them."""
        for guest in tuple(self._guests):
            guest.lost(self._calls.lost or "the connection is closed")


def _lab_name(xml: str) -> str:
    """The name of a guest of the Lab. Raises LabError for the XML of any other."""
    what = "the guest cannot be started"
    if read_mark(xml) is None:
        raise LabError(what, "it does not bear the mark of the Lab")
    name = text(parse_domain(xml), "name")
    if not name.startswith(PREFIX):
        raise LabError(what, f"its name does not begin with {PREFIX}")
    return name


def _end_own(conn: libvirt.virConnect, names: set[str]) -> None:
    """End these guests, each if it is of this process: its name may have been taken before."""
    for domain in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT):
        with suppress(libvirt.libvirtError):
            if domain.name() in names and _is_own(read_mark(domain.XMLDesc(0))):
                end_guest(domain)


def _is_own(mark: Mark | None) -> bool:
    return mark is not None and (mark.pid, mark.host) == (os.getpid(), platform.node())
