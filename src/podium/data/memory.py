"""A limit on the memory that reading a file takes, whatever the file says of itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

_ONE = RLock()
"""The limit is that of the process: one at a time, so that each restores what it met."""


@contextmanager
def limited(most: int) -> Iterator[None]:
    """Let the process take so many bytes more than it has; then an allocation fails.

    Linux alone keeps to it.

    Raises:
        MemoryError: If more are asked for; Arrow's is one.
    """
    if sys.platform == "win32" or _in_use() is None:
        yield
        return
    import resource

    with _ONE:
        in_use = _in_use() or 0
        soft, hard = before = resource.getrlimit(resource.RLIMIT_DATA)
        lower = in_use + most if soft < 0 else min(soft, in_use + most)
        resource.setrlimit(resource.RLIMIT_DATA, (lower, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, before)


def _in_use() -> int | None:
    """Bytes that the process may write to; None where the system does not say."""
    if sys.platform != "linux":
        return None
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None
