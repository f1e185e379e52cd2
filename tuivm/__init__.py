"""tuivm: a virtual machine manager for the terminal."""

__version__ = "0.1.0"
