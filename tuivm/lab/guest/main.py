"""Starts the agent: `python3 -I -S /agent/main.py`."""

import sys

if not __package__:
    # Run as a file: the directory it lies in becomes the package that the others are imported from.
    _parent, _, __package__ = __file__.rpartition("/")[0].rpartition("/")
    sys.path.append(_parent or "/")

from .agent import main

if __name__ == "__main__":
    main()
