"""Notes: what a user should know though nothing was refused, one line each on stderr.

They go through the logger `podium`, so that a notebook or a server can send them elsewhere.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from podium.errors import visible

_LOG = logging.getLogger("podium")


class _Stderr(logging.Handler):
    """Writes to what stderr is at the time: tests and notebooks put another one in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line."""
        sys.stderr.write(record.getMessage() + "\n")


if not _LOG.handlers:
    _LOG.addHandler(_Stderr())


def note(text: str) -> None:
    """Say in one line how something was read, what was left out, or what came of it."""
    _LOG.warning("%s", visible(text))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what `note` would say inside: models are only tried there."""
    before = _LOG.level
    _LOG.setLevel(logging.ERROR)
    try:
        yield
    finally:
        _LOG.setLevel(before)
