"""One connection to a host: opening it, asking for credentials, noticing that it is gone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import libvirt

from tuivm.hypervisor.eventloop import ensure_event_loop
from tuivm.model.ports import CredentialPrompt, CredentialRequest
from tuivm.model.uris import with_batch_mode, with_ssh_command
from tuivm.sshcommand import ssh_command

_log = logging.getLogger(__name__)

KEEPALIVE_INTERVAL = 5
KEEPALIVE_COUNT = 3
"""A dead peer is found after interval * (count + 1) = 20 s; a busy one still answers."""

_GRACE = 2.0
"""Seconds by which a connection outlives its last use."""

_ASKABLE = (
    libvirt.VIR_CRED_AUTHNAME,
    libvirt.VIR_CRED_USERNAME,
    libvirt.VIR_CRED_PASSPHRASE,
    libvirt.VIR_CRED_ECHOPROMPT,
    libvirt.VIR_CRED_NOECHOPROMPT,
)
_SECRET = frozenset({libvirt.VIR_CRED_PASSPHRASE, libvirt.VIR_CRED_NOECHOPROMPT})

_CLOSE_REASONS = {
    libvirt.VIR_CONNECT_CLOSE_REASON_ERROR: "the connection broke (I/O error)",
    libvirt.VIR_CONNECT_CLOSE_REASON_EOF: "the daemon closed the connection",
    libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE: "no answer to keep-alive messages",
    libvirt.VIR_CONNECT_CLOSE_REASON_CLIENT: "closed by this program",
}


Answers = dict[tuple[CredentialPrompt, ...], tuple[str, ...]]
"""What a person answered to which questions; kept in memory alone."""


class Asker:
    """Passes libvirt's questions on and waits, on the thread that opens, for the answers."""

    def __init__(
        self, host: str, ask: Callable[[CredentialRequest], None], known: Answers | None = None
    ) -> None:
        """known: answers that were right before, shared by all connections to one host."""
        self._host = host
        self._ask = ask
        self._known: Answers = {} if known is None else known
        self._given_up = False
        self._answered: threading.Event | None = None

    @property
    def asking(self) -> bool:
        """A person is being asked at this moment, so time does not count."""
        return self._answered is not None

    def give_up(self) -> None:
        """Count every question, also one that waits now, as declined."""
        self._given_up = True
        waiting = self._answered
        if waiting is not None:
            waiting.set()

    def __call__(self, credentials: list[list[object]], _opaque: object) -> int:
        """libvirt's virConnectAuthCallbackPtr: fills in item 4 of each; -1 means declined."""
        prompts = tuple(
            CredentialPrompt(
                text=str(prompt or challenge or "").strip(),
                secret=kind in _SECRET,
                default=str(default or ""),
            )
            for kind, prompt, challenge, default, _result in credentials
        )
        given = self._known.get(prompts) or self._answers_to(prompts)
        if given is None or len(given) != len(credentials):
            return -1
        self._known[prompts] = given
        for credential, value in zip(credentials, given, strict=True):
            credential[4] = value
        return 0

    def refused(self) -> None:
        """The connection was not made: do not use the same answers again."""
        self._known.clear()

    def _answers_to(self, prompts: tuple[CredentialPrompt, ...]) -> tuple[str, ...] | None:
        answered = threading.Event()
        answers: list[tuple[str, ...] | None] = []

        def answer(given: tuple[str, ...] | None) -> None:
            answers.append(given)
            answered.set()

        self._answered = answered
        try:
            if self._given_up:
                return None
            self._ask(CredentialRequest(self._host, prompts, answer))
            answered.wait()
        finally:
            self._answered = None
        return answers[0] if answers else None


class Link:
    """An open connection. Let go of it with `discard`, never with virConnectClose.

    libvirt frees a connection with its last reference; closing it by force under a call that is
    still in flight on another thread would be use after free.
    """

    def __init__(self, conn: libvirt.virConnect, on_close: Callable[[], None] | None) -> None:
        self.conn = conn
        self.closed_because = ""
        self._on_close = on_close
        self._subscriptions: list[tuple[Callable[[int], object], int]] = []
        self._watched = False
        self.remote = False

    def watch_over(self) -> None:
        """Keep-alive and close callback, where the driver has them."""
        with suppress(libvirt.libvirtError):
            self.conn.setKeepAlive(KEEPALIVE_INTERVAL, KEEPALIVE_COUNT)
            # Only a driver that talks to a daemon takes it, also when the daemon does not.
            self.remote = True
        if self._on_close is not None:
            with suppress(libvirt.libvirtError):
                self.conn.registerCloseCallback(self._closed, None)
                self._watched = True

    def subscribe(self, event: int, callback: Callable[..., None], opaque: object) -> bool:
        """Register for an event of all guests; False where the driver does not have it."""
        conn = self.conn
        return self._register(
            conn.domainEventRegisterAny,
            conn.domainEventDeregisterAny,
            event,
            callback,
            opaque,
        )

    def subscribe_devices(self, event: int, callback: Callable[..., None]) -> bool:
        """As `subscribe`, of all node devices."""
        conn = self.conn
        register, deregister = conn.nodeDeviceEventRegisterAny, conn.nodeDeviceEventDeregisterAny
        return self._register(register, deregister, event, callback, None)

    def subscribe_pools(self, event: int, callback: Callable[..., None]) -> bool:
        """As `subscribe`, of all storage pools."""
        conn = self.conn
        register, deregister = conn.storagePoolEventRegisterAny, conn.storagePoolEventDeregisterAny
        return self._register(register, deregister, event, callback, None)

    def subscribe_networks(self, event: int, callback: Callable[..., None]) -> bool:
        """As `subscribe`, of all virtual networks."""
        conn = self.conn
        register, deregister = conn.networkEventRegisterAny, conn.networkEventDeregisterAny
        return self._register(register, deregister, event, callback, None)

    def _register(
        self,
        register: Callable[[None, int, Callable[..., None], object], int],
        deregister: Callable[[int], object],
        event: int,
        callback: Callable[..., None],
        opaque: object,
    ) -> bool:
        try:
            self._subscriptions.append((deregister, register(None, event, callback, opaque)))
        except libvirt.libvirtError:
            return False
        return True

    @property
    def alive(self) -> bool:
        """Asks this side only: it does not call the host."""
        if self.closed_because:
            return False
        try:
            return bool(self.conn.isAlive())
        except libvirt.libvirtError:
            # A driver without isAlive has nothing that could break.
            return True

    def discard(self) -> None:
        """Take off all callbacks, so that the last reference closes the connection."""
        for deregister, subscription in self._subscriptions:
            with suppress(libvirt.libvirtError):
                deregister(subscription)
        self._subscriptions.clear()
        if self._watched:
            self._watched = False
            with suppress(libvirt.libvirtError):
                self.conn.unregisterCloseCallback()
        _hold(self.conn)

    def _closed(self, _conn: libvirt.virConnect, reason: int, _opaque: None) -> None:
        self.closed_because = _CLOSE_REASONS.get(reason, "the connection is closed")
        if self._on_close is not None:
            self._on_close()


def _hold(conn: libvirt.virConnect) -> None:
    """Keep a connection for a moment on a thread that may hang, and let go of it there.

    libvirt's event thread may be in a callback of it just now. Were that to drop the last
    reference, it would close the connection, which is a call to the host: one that hangs would
    stop the events of all hosts.
    """
    keeper = [conn]

    def let_go() -> None:
        time.sleep(_GRACE)
        keeper.clear()

    threading.Thread(target=let_go, name="closing", daemon=True).start()


def quiet_uri(uri: str) -> str:
    """The URI to open so that ssh, and what ssh starts, cannot ask on the terminal."""
    quiet = with_batch_mode(uri)
    command = ssh_command()
    return quiet if command is None else with_ssh_command(quiet, command)


def open_link(
    uri: str, *, readonly: bool, asker: Asker, on_close: Callable[[], None] | None = None
) -> Link:
    """Open a connection; may hang for as long as the other side does. Raises libvirtError.

    on_close: called on libvirt's event thread when the connection is gone; must not block.
    """
    ensure_event_loop()
    flags = libvirt.VIR_CONNECT_RO if readonly else 0
    try:
        conn = libvirt.openAuth(quiet_uri(uri), [list(_ASKABLE), asker, None], flags)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_AUTH_FAILED:
            asker.refused()
        raise
    link = Link(conn, on_close)
    link.watch_over()
    return link
