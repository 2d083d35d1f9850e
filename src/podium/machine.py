"""The machine that this process runs on."""

from __future__ import annotations

import os
from contextlib import suppress


def cores() -> int:
    """Cores that this process may use."""
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
