"""Further connections to a host, for calls beside the session's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import libvirt

from tuivm.hypervisor.connect import Link

IDLE_MOST = 2
"""Connections kept for the next call; each may be an ssh process at both ends."""


class Spares:
    """Hands out connections that nobody else uses at the same time.

    A connection to a daemon must not be used by two threads at once: libvirt's client lets one of
    them wait for ever, or crashes later, when keep-alive finds the daemon dead meanwhile (seen with
    9.0: the thread that is woken next does not notice that the connection is to be closed).
    """

    def __init__(self, open_one: Callable[[], Link]) -> None:
        self._open_one = open_one
        self._lock = threading.Lock()
        self._idle: list[Link] = []
        self._lives = 0

    @contextmanager
    def borrow(self, main: Link | None) -> Iterator[libvirt.virConnect]:
        """A connection beside `main`, opened if need be. Raises libvirtError if that fails.

        Without one the host is not up: to try says why in libvirt's own words, or it is back.

        A driver inside this process has no daemon, and another connection to it may show
        another state altogether: there it is `main` itself.
        """
        if main is not None and not main.remote:
            yield main.conn
            return
        with self._lock:
            lives = self._lives
            link = self._idle.pop() if self._idle else None
        if link is None or not link.alive:
            if link is not None:
                link.discard()
            link = self._open_one()
        try:
            yield link.conn
        finally:
            if not self._keep(link, lives):
                link.discard()

    def clear(self) -> None:
        """The host is lost or closed: let go of all. Does not wait."""
        with self._lock:
            self._lives += 1
            idle, self._idle = self._idle, []
        for link in idle:
            link.discard()

    def _keep(self, link: Link, lives: int) -> bool:
        with self._lock:
            # One that was lent before the host was lost is not trusted any more.
            if lives != self._lives or len(self._idle) >= IDLE_MOST or not link.alive:
                return False
            self._idle.append(link)
            return True
