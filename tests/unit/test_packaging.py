"""A wheel built from the source archive starts, with its themes, away from the checkout."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import tuivm

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env=clean_environment()
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def clean_environment() -> dict[str, str]:
    # pytest puts the checkout on sys.path; its children must not find it.
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dist = tmp_path_factory.mktemp("dist")
    # With neither --sdist nor --wheel, the wheel is built from the source archive: both are tried.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, ROOT, cwd=dist)
    (built,) = dist.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel in it, and the libraries lent by the one of the tests."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=venv.parent)
    python = venv / "bin" / "python"
    # Offline: pip of this environment installs into the new one, without the dependencies.
    run(
        *(sys.executable, "-m", "pip", "--python", python),
        *("install", "--no-deps", "--no-index", "--disable-pip-version-check", wheel),
        cwd=venv.parent,
    )
    (site,) = venv.glob("lib/python3*/site-packages")
    # A path in a .pth file lends the packages there, but not that directory's own .pth files: the
    # checkout, which is installed editable by one of those, stays out.
    (site / "lent.pth").write_text(sysconfig.get_path("platlib") + "\n")
    return venv


def test_the_wheel_holds_themes_types_and_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {f"tuivm/themes/{path.name}" for path in (ROOT / "themes").iterdir()}
    assert shipped
    assert shipped <= names
    assert {"tuivm/py.typed", "tuivm/virthost/customize.sh", "tuivm/virthost/guest.xml"} <= names
    assert any(re.fullmatch(r"tuivm-.*\.dist-info/licenses/LICENSE", name) for name in names)


def test_the_wheel_holds_every_module_and_nothing_else(wheel: Path) -> None:
    modules = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}
    assert modules == {str(path.relative_to(ROOT)) for path in (ROOT / "tuivm").rglob("*.py")}


def test_the_wheel_names_its_script_python_and_libraries(wheel: Path) -> None:
    (metadata,) = importlib.metadata.distributions(name="tuivm", path=[str(wheel)])
    assert metadata.version == tuivm.__version__
    assert metadata.metadata["Requires-Python"] == ">=3.11"
    assert metadata.metadata["License-Expression"] == "Apache-2.0"
    assert {entry.name for entry in metadata.entry_points} == {"tuivm", "tuivm-ssh"}
    needed = {re.split(r"[<>=!~ ;]", line)[0] for line in metadata.requires or []}
    assert {"libvirt-python", "textual", "lxml", "psutil"} <= needed


def test_an_installed_wheel_starts(installed: Path, tmp_path: Path) -> None:
    script = run(installed / "bin" / "tuivm", "--version", cwd=tmp_path)
    module = run(installed / "bin" / "python", "-m", "tuivm", "--version", cwd=tmp_path)
    assert tuivm.__version__ in script
    assert script == module


def test_an_installed_wheel_finds_its_own_themes(installed: Path, tmp_path: Path) -> None:
    program = (
        "from tuivm import themes\n"
        "print(themes.shipped_directory())\n"
        "found = themes.load_themes()\n"
        "print(*found.problems)\n"
        "print(*(theme.name for theme in found.themes))\n"
    )
    out = run(installed / "bin" / "python", "-c", program, cwd=tmp_path)
    directory, problems, names = out.splitlines()
    assert Path(directory).is_relative_to(installed)
    assert problems == ""
    assert set(names.split()) >= {path.stem for path in (ROOT / "themes").glob("*.toml")}
