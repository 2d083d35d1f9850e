"""What a command raises, as a message and an exit status."""

from __future__ import annotations

import errno
import sys
import tempfile
import traceback

from podium.display import printing
from podium.errors import PodiumError, in_one_line

_SYSTEM = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EFBIG, errno.EIO),
}
"""Errors that are the machine's or the user's to mend, not ours."""


class Exits:
    """Turns what a command raises into a message and an exit status."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PodiumError):
            printing.error(error, as_json="--json" in sys.argv)
            sys.exit(1)
        if isinstance(error, OSError) and error.errno in _SYSTEM:
            where = f": {str(error.filename)[:200]}" if error.filename else ""
            refused = PodiumError(f"The system refused: {error.strerror}{where}.")
            printing.error(refused, as_json="--json" in sys.argv)
            sys.exit(1)
        if isinstance(error, KeyboardInterrupt):
            printing.say("interrupted")
            sys.exit(130)
        if isinstance(error, Exception):
            with tempfile.NamedTemporaryFile(
                "w", prefix="podium-fault-", suffix=".txt", delete=False
            ) as file:
                traceback.print_exception(error, file=file)
            what = in_one_line(f"{type(error).__name__}: {error}")
            printing.say(f"This is a fault of Podium: {what}")
            printing.say(f"Please report it with {file.name}")
            sys.exit(3)
