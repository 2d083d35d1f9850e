"""Notes: what a user should know though nothing was refused, one line each on stderr."""

from __future__ import annotations

import sys

from podium.errors import visible


def note(text: str) -> None:
    """Say in one line how something was read, or what came of it."""
    sys.stderr.write(visible(text) + "\n")
