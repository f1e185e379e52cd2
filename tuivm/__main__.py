"""What `python -m tuivm` and the `tuivm` script run."""

from __future__ import annotations

import gc
from typing import NoReturn


def main() -> NoReturn:
    # Nothing of what is imported becomes garbage; to look for some is a tenth of the start. What
    # runs for longer turns it on again when it has its modules.
    gc.disable()
    from tuivm import entry  # noqa: PLC0415 - imports are what this is about

    entry.main()


if __name__ == "__main__":
    main()
