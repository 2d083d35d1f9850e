"""Scratch files and directories, and what killed processes left of them.

Whoever is about to make scratch under a name first sweeps what lies there under such a name for
more than a day: nothing that is still at work is that old.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

_STALE_SECONDS = 24 * 3600


@contextmanager
def directory(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new directory, removed at the end; in the system's place for such where none is named."""
    sweep(parent or Path(tempfile.gettempdir()), prefix)
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def sweep(parent: Path, prefix: str) -> None:
    """Remove what killed processes left under such names; what cannot be removed stays."""
    for path in parent.glob(f"{escape(prefix)}*"):
        try:
            age = abs(time.time() - path.stat().st_mtime)  # the clock may have jumped back
            if age > _STALE_SECONDS and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif age > _STALE_SECONDS:
                path.unlink()
        except OSError:
            continue
