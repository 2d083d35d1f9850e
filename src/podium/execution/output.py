"""What a model's process leaves and prints: looked at before anything of it is taken.

Prints belong to stderr, since stdout is for results. A flood of them belongs to nobody.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from podium.errors import ModelError, Plain

PRINTED = 1 << 20
"""Characters of a model's prints that are shown."""
_CHUNK = 1 << 20
_DROPPED = "(The model printed more than 1 MiB: the rest is dropped.)"


class Printed(Plain):
    """A stream that drops what is too much."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(stream)
        self._left = PRINTED

    def write(self, text: str) -> int:
        """Write what there is room for."""
        if self._left > 0:
            shown = self.plain(text[: self._left])
            self._stream.write(shown[: self._left])
            self._left -= len(shown)
            if self._left <= 0:
                self._stream.write(f"\n{_DROPPED}\n")
        return len(text)


def take(left: Path, path: Path, limit: int) -> None:
    """Copy a file to where the model's process could not write.

    What is looked at is what is copied: the file is opened once, and not through links.

    Args:
        left: What the process left.
        path: Where it is copied to.
        limit: Bytes that it may have.

    Raises:
        ModelError: If it is no plain file, or longer.
    """
    nothing = ModelError("The model's process left no predictions.")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(left, flags)
    except OSError:  # it is not there, or a link
        raise nothing from None
    known = os.fstat(handle)
    if not stat.S_ISREG(known.st_mode) or known.st_nlink != 1:
        os.close(handle)
        raise nothing
    with os.fdopen(handle, "rb") as file:
        if known.st_size > limit:
            raise ModelError(
                f"The model's process left predictions of {known.st_size >> 20:,} MiB; they take "
                f"at most {(limit >> 20) + 1:,} MiB."
            )
        rest = known.st_size  # it may grow meanwhile
        with path.open("wb") as copy:
            while chunk := file.read(min(_CHUNK, rest)):
                copy.write(chunk)
                rest -= len(chunk)
