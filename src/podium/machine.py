"""The machine that this process runs on."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def cores() -> int:
    """Cores that this process may use."""
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def python(*arguments: str) -> list[str]:
    """The command line of another Python, as every part of Podium starts one.

    It imports nothing from the current folder: an `h5py.py` beside a submission is not ours to run,
    and a `types.py` hides no module. Variables of Python and the user's packages hold as ever.

    Args:
        arguments: For example `-m` and a module, or a script's path.
    """
    return [sys.executable, "-P", *arguments]
