"""Files of others are read by another process: they may crash a library, or unpack without end.

What it does: `podium.data.reading`. Every file has little memory, and little time.
"""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from weakref import finalize

import pyarrow as pa

from podium.data.expected import Expected, unreadable
from podium.data.wide import Wide
from podium.errors import PodiumError, SubmissionError
from podium.machine import python

if TYPE_CHECKING:
    from typing import Self

_LINE = 1 << 20  # bytes of an answer
READY = b"ready\n"
_FRUGAL = {
    "ARROW_IO_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


class Reader:
    """The process: started for the first file, and again for the next after one that ended it.

    It ends with this object, or where that is left as a context.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._end: finalize[..., Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, path: Path, expected: Expected) -> pa.Table | Wide:
        """The table of a file: see `podium.data.formats.parse`.

        Raises:
            SubmissionError: If it cannot be read as a table, with little memory and time.
        """
        place, late = path.absolute(), list[bool]()
        seconds = expected.seconds
        process, fresh = self._started()

        def stop() -> None:
            late.append(True)
            process.kill()

        timer = Timer(seconds, stop)
        timer.start()
        try:
            if fresh:
                _await_start(process)
            answer, stream = _asked(process, {"path": str(place), **vars(expected)})
        except BaseException as error:  # whatever it was, the process may be in the midst of it
            self.close()
            if not isinstance(error, OSError | EOFError):
                raise
            why = f"reading took longer than {seconds} seconds" if late else "the library crashed"
            raise unreadable(path, f"it is damaged: {why}") from error
        finally:
            timer.cancel()
        if "error" in answer:
            message, problems, hint = answer["error"]
            refusal = SubmissionError(message, problems=problems, hint=hint)
            refusal.rename(place, path)
            raise refusal
        table = pa.ipc.open_stream(stream).read_all()
        table.validate(full=True)
        return Wide.unpacked(table) if answer["matrix"] else table

    def close(self) -> None:
        """End the process."""
        if self._end is not None:
            self._end()
        self._process = self._end = None

    def _started(self) -> tuple[subprocess.Popen[bytes], bool]:
        """The process, and whether it is a new one."""
        if self._process is not None and self._process.poll() is None:
            return self._process, False
        self.close()
        self._process = subprocess.Popen(
            python("-m", "podium.data.reading"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_FRUGAL},
        )
        self._end = finalize(self, _ended, self._process)
        return self._process, True


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):  # what was not sent yet
            cast("BinaryIO", pipe).close()


def _out(process: subprocess.Popen[bytes]) -> BinaryIO:
    return cast("BinaryIO", process.stdout)


def _await_start(process: subprocess.Popen[bytes]) -> None:
    if _out(process).readline(_LINE) != READY:
        raise PodiumError(
            "The process that reads predictions files does not start.",
            hint="Why: " + " ".join(python("-m", "podium.data.reading")),
        )


def _asked(process: subprocess.Popen[bytes], request: dict[str, Any]) -> tuple[Any, pa.Buffer]:
    """A request's answer, and the bytes that follow it.

    Raises:
        EOFError: If the process ended.
    """
    stdin = cast("BinaryIO", process.stdin)
    stdin.write(json.dumps(request).encode() + b"\n")
    stdin.flush()
    line = _out(process).readline(_LINE)
    if not line.endswith(b"\n"):
        raise EOFError
    answer = json.loads(line)
    buffer = pa.allocate_buffer(answer.get("size", 0))
    view, got = memoryview(buffer), 0
    while got < len(view):
        more = _out(process).readinto(view[got:])  # type: ignore[attr-defined]
        if not more:
            raise EOFError
        got += more
    return answer, buffer
