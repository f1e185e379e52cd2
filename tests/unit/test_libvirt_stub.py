"""The stub says nothing that libvirt-python has not got."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import ModuleType

import libvirt
import libvirt_qemu
import pytest

STUBS = Path(__file__).parents[2] / "typings"
STUB = STUBS / "libvirt/__init__.pyi"
QEMU_STUB = STUBS / "libvirt_qemu/__init__.pyi"
TREE = ast.parse(STUB.read_text(encoding="utf-8"))
CLASSES = {node.name: node for node in TREE.body if isinstance(node, ast.ClassDef)}
REAL_CLASSES = [name for name in CLASSES if not name.startswith("_")]


def test_constants_are_integers_of_libvirt() -> None:
    targets = [node.target for node in TREE.body if isinstance(node, ast.AnnAssign)]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    constants = [name for name in names if name.startswith("VIR_")]
    assert len(constants) > 100
    assert not [name for name in constants if not isinstance(getattr(libvirt, name, None), int)]


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args]


@pytest.mark.parametrize(("module", "stub"), [(libvirt, STUB), (libvirt_qemu, QEMU_STUB)])
def test_functions_have_libvirts_parameters(module: ModuleType, stub: Path) -> None:
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions
    for function in functions:
        real = inspect.signature(getattr(module, function.name))
        assert _parameters(function) == list(real.parameters), function.name


@pytest.mark.parametrize("name", REAL_CLASSES)
def test_methods_have_libvirts_parameters(name: str) -> None:
    methods = [node for node in CLASSES[name].body if isinstance(node, ast.FunctionDef)]
    assert methods
    for method in methods:
        real = inspect.signature(getattr(getattr(libvirt, name), method.name))
        assert _parameters(method) == list(real.parameters), f"{name}.{method.name}"
