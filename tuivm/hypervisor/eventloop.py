"""libvirt's event loop: one daemon thread for the whole process, there before the first open.

Keep-alive, events and close callbacks of every connection run on it, so nothing that runs on it may
call libvirt or wait.
"""

from __future__ import annotations

import logging
import threading
import time

import libvirt

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_threads: list[threading.Thread] = []


def ensure_event_loop() -> None:
    """Start it if it does not run. Must come before any connection is opened."""
    with _lock:
        if _threads:
            return
        # Without a handler libvirt writes every error to stderr, over the screen.
        libvirt.registerErrorHandler(_ignore, None)
        libvirt.virEventRegisterDefaultImpl()
        thread = threading.Thread(target=_run, name="libvirt-events", daemon=True)
        _threads.append(thread)
        thread.start()


def _ignore(_context: None, _error: object) -> None:
    """Errors are raised as libvirtError too; that is where they are dealt with."""


def _run() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            _log.exception("libvirt's event loop failed")
            time.sleep(1.0)
