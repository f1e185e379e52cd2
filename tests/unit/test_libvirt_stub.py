"""The stub says nothing that libvirt-python has not got."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import libvirt
import pytest

STUB = Path(__file__).parents[2] / "typings/libvirt/__init__.pyi"
TREE = ast.parse(STUB.read_text(encoding="utf-8"))
CLASSES = {node.name: node for node in TREE.body if isinstance(node, ast.ClassDef)}
REAL_CLASSES = [name for name in CLASSES if not name.startswith("_")]


def test_constants_are_integers_of_libvirt() -> None:
    names = [node.target.id for node in TREE.body if isinstance(node, ast.AnnAssign)]
    constants = [name for name in names if name.startswith("VIR_")]
    assert len(constants) > 100
    assert not [name for name in constants if not isinstance(getattr(libvirt, name, None), int)]


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args]


def test_functions_have_libvirts_parameters() -> None:
    functions = [node for node in TREE.body if isinstance(node, ast.FunctionDef)]
    assert functions
    for function in functions:
        real = inspect.signature(getattr(libvirt, function.name))
        assert _parameters(function) == list(real.parameters), function.name


@pytest.mark.parametrize("name", REAL_CLASSES)
def test_methods_have_libvirts_parameters(name: str) -> None:
    methods = [node for node in CLASSES[name].body if isinstance(node, ast.FunctionDef)]
    assert methods
    for method in methods:
        real = inspect.signature(getattr(getattr(libvirt, name), method.name))
        assert _parameters(method) == list(real.parameters), f"{name}.{method.name}"
