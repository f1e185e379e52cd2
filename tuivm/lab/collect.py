"""Finds what of Python's standard library the appliance's agent needs, and compiles it.

Run by the interpreter that goes into the appliance, as `python -I -S collect.py AGENT INTO`, since
bytecode is good for one version alone; it imports nothing of tuivm. AGENT: directory of the agent's
files. INTO: an empty directory, filled as the root of the appliance's file system. Writes a JSON
object: "python" (path of the interpreter's binary), "version" ([3, 11]), "extensions" (paths of
the extension modules below INTO).
"""

from __future__ import annotations

import ast
import json
import py_compile
import shutil
import sys
from modulefinder import ModuleFinder
from pathlib import Path

EXCLUDED = (
    *("doctest", "unittest", "pdb", "pydoc", "asyncio", "test", "tkinter", "email", "http"),
    *("urllib", "xml", "multiprocessing", "distutils", "importlib.metadata", "tracemalloc"),
    # OpenSSL's: hashlib has its own of each hash that the agent could want.
    *("_hashlib", "_ssl", "ssl"),
)
"""Imported in functions that an agent never calls, and many times the size of all the rest."""
NEEDED = ("encodings.utf_8", "encodings.ascii", "encodings.latin_1", "io", "os")
"""Loaded by the interpreter itself."""


def absolute_imports(source: str) -> set[str]:
    """Names of modules that a file imports from outside its own package."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def collect(agent: Path, into: Path) -> dict[str, object]:
    names = {"encodings", *NEEDED}
    for path in sorted(agent.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        names |= absolute_imports(source)
        target = into / "agent" / path.name
        target.parent.mkdir(exist_ok=True)
        # The source goes along for tracebacks.
        target.write_text(source, encoding="utf-8")
        _compile(path, into / "agent/__pycache__" / _cached(path.stem), f"/agent/{path.name}")
    script = into / "imports.py"
    script.write_text("".join(f"import {name}\n" for name in sorted(names)))
    finder = ModuleFinder(excludes=list(EXCLUDED))
    finder.run_script(str(script))
    script.unlink()
    return _copy_library(finder, into)


def _copy_library(finder: ModuleFinder, into: Path) -> dict[str, object]:
    folder = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = into / "usr" / sys.platlibdir / folder
    extensions = library / "lib-dynload"
    extensions.mkdir(parents=True)
    found = []
    for name, module in finder.modules.items():
        file = vars(module)["__file__"]
        if name == "__main__" or not file:
            continue
        path = Path(file)
        if path.suffix == ".py":
            place = library / Path(*name.split("."))
            is_package = path.name == "__init__.py"
            compiled = place / "__init__.pyc" if is_package else place.with_suffix(".pyc")
            _compile(path, compiled, path.name)
        else:
            shutil.copyfile(path, extensions / path.name)
            found.append(str(extensions / path.name))
    return {
        "python": str(Path(sys.executable).resolve()),
        "version": sys.version_info[:2],
        "extensions": found,
    }


def _cached(stem: str) -> str:
    return f"{stem}.{sys.implementation.cache_tag}.pyc"


def _compile(path: Path, into: Path, shown: str) -> None:
    """Without the time of the source in it: it would never be the same twice."""
    into.parent.mkdir(parents=True, exist_ok=True)
    py_compile.compile(
        str(path),
        str(into),
        dfile=shown,
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def main() -> None:
    json.dump(collect(Path(sys.argv[1]), Path(sys.argv[2])), sys.stdout)


if __name__ == "__main__":
    main()
