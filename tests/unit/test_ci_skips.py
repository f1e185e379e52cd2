"""In CI a skipped live or tty test is a failed one: the real conftest, on a small tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
SKIPS = {
    "call": "import pytest\ndef test_it():\n    pytest.skip('no libvirtd here')\n",
    "mark": (
        "import pytest\n@pytest.mark.skipif(True, reason='no libvirtd here')\ndef test_it(): ...\n"
    ),
    "module": "import pytest\npytest.skip('no libvirtd here', allow_module_level=True)\n",
    "setup": (
        "import pytest\n@pytest.fixture\ndef host():\n    pytest.skip('no libvirtd here')\n"
        "def test_it(host): ...\n"
    ),
}
XFAIL = "import pytest\n@pytest.mark.xfail\ndef test_it():\n    assert False\n"


def run(tree: Path, folder: str, source: str, *, ci: str) -> subprocess.CompletedProcess[str]:
    (tree / folder).mkdir(parents=True)
    shutil.copy(CONFTEST, tree / "conftest.py")
    (tree / folder / "test_it.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tree, tree],
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("how", SKIPS)
def test_a_skipped_live_test_fails_in_ci(tmp_path: Path, how: str) -> None:
    done = run(tmp_path, "live", SKIPS[how], ci="true")
    assert done.returncode in (1, 2), done.stdout
    assert "no libvirtd here" in done.stdout
    assert "in CI is a failure" in done.stdout


def test_a_skipped_tty_test_fails_in_ci(tmp_path: Path) -> None:
    assert run(tmp_path, "tty", SKIPS["call"], ci="true").returncode == 1


@pytest.mark.parametrize(("folder", "ci"), [("live", ""), ("live", "false"), ("unit", "true")])
def test_elsewhere_a_skip_stays_a_skip(tmp_path: Path, folder: str, ci: str) -> None:
    done = run(tmp_path, folder, SKIPS["call"], ci=ci)
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout


def test_an_expected_failure_did_run(tmp_path: Path) -> None:
    done = run(tmp_path, "live", XFAIL, ci="true")
    assert done.returncode == 0, done.stdout
    assert "1 xfailed" in done.stdout
