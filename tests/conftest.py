"""What every test shares: a configuration of its own, and in CI no quiet skips."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# On a developer's machine these may lack libvirt, QEMU or a pty; CI has to have them all.
NEVER_SKIPPED_IN_CI = (HERE / "live", HERE / "tty", HERE / "virthost")

# A person's hosts, keys and log stay out of the tests, and the tests out of them.
_scratch = tempfile.TemporaryDirectory(prefix="tuivm-tests-")


# Seconds for a test of guests: the first one fetches a kernel, and builds what they boot from it.
FIRST_GUEST = 400


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        guests = any(item.path.is_relative_to(HERE / name) for name in ("live", "tty"))
        if guests and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(FIRST_GUEST))


def pytest_configure() -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        os.environ[name] = str(Path(_scratch.name, name.lower()))
    os.environ.pop("LIBVIRT_DEFAULT_URI", None)
    # A shell starts what is in its background with Ctrl+C ignored, and so would be all that the
    # tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    _scratch.cleanup()


def _must_run(path: Path) -> bool:
    in_ci = os.environ.get("CI", "").lower() in ("true", "1")
    return in_ci and any(path.is_relative_to(folder) for folder in NEVER_SKIPPED_IN_CI)


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport, path: Path) -> None:
    # An expected failure is reported as skipped too, but it ran.
    if not report.skipped or hasattr(report, "wasxfail") or not _must_run(path):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid}: skipped, which in CI is a failure. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report, item.path)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report, collector.path)
    return report
