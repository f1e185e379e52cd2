"""Completions for the shells, derived from the grammar of the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

import shtab


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The completion script for "bash", "zsh" or "fish"."""
    _mark_paths(parser)
    return str(shtab.complete(parser, shell)).rstrip("\n") + "\n"


def _mark_paths(parser: argparse.ArgumentParser) -> None:
    """Say which options take a file: shtab looks for an attribute `complete` of the action."""
    for action in parser._actions:
        if action.type is Path:
            vars(action)["complete"] = shtab.FILE
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _mark_paths(command)
