"""The log file: what was done to which guest by whom and when, and tracebacks.

Records are written by a daemon thread, so that a slow or hung disk holds neither the user
interface nor the end of the program.
"""

from __future__ import annotations

import errno
import logging
import re
import sys
import threading
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

from platformdirs import user_state_path

from tuivm.model.guests import GuestKey
from tuivm.model.units import visible

MAX_BYTES = 1_000_000
BACKUPS = 4
CLOSE_WAIT = 1.0
"""Seconds that the end of the program waits for records to reach the disk."""

_OUTPUT_THREAD = "textual-output"
"""The name of the thread on which Textual writes to the terminal."""

_LOGGER = logging.getLogger("tuivm")
_AUDIT = logging.getLogger("tuivm.audit")
_SECRETS = (
    (re.compile(r"(://[^\s/@:]*):[^\s/@]*@"), r"\1:***@"),
    (
        re.compile(r"""(\b(?:passwd|password|passphrase)\s*=\s*)(?:'[^']*'|"[^"]*"|[^\s&;,'"]+)"""),
        r"\1***",
    ),
)


def default_path() -> Path:
    """`$XDG_STATE_HOME/tuivm/tuivm.log`."""
    return user_state_path("tuivm", appauthor=False) / "tuivm.log"


def redact(text: str) -> str:
    """Without passwords of URIs, of URI parameters and of XML attributes."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class _Formatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self.default_time_format = "%Y-%m-%dT%H:%M:%S%z"
        self.default_msec_format = ""

    def format(self, record: logging.LogRecord) -> str:
        lines = redact(super().format(record)).splitlines()
        return "\n".join(map(visible, lines))


class _BackgroundHandler(logging.Handler):
    """Hands records to a thread that writes them with `target`, the file at `path`."""

    def __init__(self, target: logging.Handler, path: Path) -> None:
        super().__init__()
        self.path = path
        self._target = target
        self._queue: SimpleQueue[logging.LogRecord | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        self._queue.put(record)

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(CLOSE_WAIT)
        super().close()

    def _write(self) -> None:
        while (record := self._queue.get()) is not None:
            self._target.handle(record)
        self._target.close()


class _File(RotatingFileHandler):
    """A record that cannot be written (disk full) is lost: the terminal belongs to the UI."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        pass

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        Path(self.baseFilename).chmod(0o600)
        return stream


def start(path: Path | None = None) -> str:
    """Begin to log to `path`, or to the default file. Returns a warning if it cannot be written.

    The program goes on without a log file then. A log that was started before is closed.
    """
    stop()
    target = default_path() if path is None else path
    # Without a handler of ours, logging would print warnings to the terminal.
    _LOGGER.propagate = False
    _LOGGER.setLevel(logging.INFO)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = _File(
            target,
            maxBytes=MAX_BYTES,
            backupCount=BACKUPS,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError as error:
        _LOGGER.addHandler(logging.NullHandler())
        reason = error.strerror or str(error)
        return f"cannot write the log file {target}: {reason}; going on without"
    file.setFormatter(_Formatter())
    _LOGGER.addHandler(_BackgroundHandler(file, target))
    return ""


def stop() -> None:
    """Write what waits (for a second at most) and close the file."""
    for handler in list(_LOGGER.handlers):
        _LOGGER.removeHandler(handler)
        handler.close()


def audit(user: str, host: str, key: GuestKey, action: str, result: str, *, name: str) -> None:
    """Record what was done to a guest.

    user: who asked for it. host: the host's URI. name: the guest's name at that time. action and
    result: in words ("force off", "done", "failed: …").
    """
    _AUDIT.info(
        "user=%s host=%s uri=%s guest=%s uuid=%s action=%s result=%s",
        *(_field(text) for text in (user, key.host, host, name, key.uuid, action, result)),
    )


def audit_host(user: str, host: str, uri: str, request: object, result: str) -> None:
    """Record what was done to a host itself: its devices, storage, networks.

    request: a named tuple of `model.hostrequests`, written with all that it says.
    """
    _AUDIT.info(
        "user=%s host=%s uri=%s action=%s result=%s",
        *(_field(text) for text in (user, host, uri, repr(request), result)),
    )


def _field(text: str) -> str:
    """One field of a line: what comes from outside can neither end the line nor the field."""
    shown = visible(text)
    if shown and not re.search(r'[\s="\\]', shown):
        return shown
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'


def catch_crashes() -> None:
    """Send tracebacks of any thread to the log file; the terminal gets one line."""
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


def _log_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    where = _record_crash("unexpected error", kind, error, trace)
    sys.stderr.write(f"tuivm: unexpected error: {visible(redact(f'{kind.__name__}: {error}'))}\n")
    sys.stderr.write(f"tuivm: the traceback is in {where}\n" if where else "")


def _log_thread_crash(args: threading.ExceptHookArgs) -> None:
    error = args.exc_value
    if error is None:
        return
    name = args.thread.name if args.thread else "?"
    if name == _OUTPUT_THREAD and isinstance(error, OSError) and error.errno == errno.EIO:
        # A window that was closed is no fault of the program.
        _LOGGER.info("the terminal takes no more output: %s", error.strerror)
        return
    _record_crash(f"thread {name} ended", args.exc_type, error, args.exc_traceback)


def _record_crash(
    what: str,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> str:
    """Log a traceback, starting the default log if there is none; returns the file, if any."""
    if not _LOGGER.handlers:
        start()
    _LOGGER.error("%s", what, exc_info=(kind, error, trace))
    for handler in _LOGGER.handlers:
        if isinstance(handler, _BackgroundHandler):
            return str(handler.path)
    return ""
