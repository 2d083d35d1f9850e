"""The one reader of tables: predictions, an organiser's, rows to predict; whatever the file's form.

    read -> podium.data.parsing.parse, here or in the process of a `Reader`

Files of others may crash a library, or unpack without end: another process reads them,

    python -m podium.data.reader

with little memory and little time. It says that it is ready, takes a request a line and answers
each with a line and, where there is a table, an Arrow stream.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from weakref import finalize

import pyarrow as pa

from podium.data.columns import Wide
from podium.data.formats import Expected, form, opened, unreadable
from podium.data.parsing import parse
from podium.errors import PodiumError
from podium.machine import python

if TYPE_CHECKING:
    from typing import Self

_LINE = 1 << 20  # bytes of an answer
_READY = b"ready\n"
_FRAGILE = ("HDF5", "Feather")
_FRUGAL = {
    "ARROW_IO_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


def read(path: Path, expected: Expected, reader: Reader | None = None) -> pa.Table | Wide:
    """Read a file as it is: its columns as they stand, ids as text.

    Only the expected columns are read; others are there by name, without values. A file that
    declares far more than its rows can need is refused before it takes memory.

    Args:
        path: Its name says its form: see `podium.data.formats.FORMS`.
        expected: What it should hold.
        reader: Reads files of others. One's own are read here, but for those (HDF5, Feather) whose
            libraries believe what a damaged file says.

    Raises:
        PodiumError: If it cannot be read as a table at all: `SubmissionError` for predictions,
            `DataError` for a table of one's own.
    """
    if reader is not None:
        return reader.read(path, expected)
    with opened(path, expected):  # what is no such file at all is told at once
        pass
    if form(path).kind not in _FRAGILE:
        return parse(path, expected)
    with Reader() as reader:
        return reader.read(path, expected)


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
        """The table of a file: see `podium.data.parsing.parse`.

        Raises:
            PodiumError: If it cannot be read as a table, with little memory and time.
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
            raise unreadable(path, expected, f"it is damaged: {why}") from error
        finally:
            timer.cancel()
        if "error" in answer:
            message, problems, hint = answer["error"]
            refusal = expected.error(message, problems=problems, hint=hint)
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
            python("-m", "podium.data.reader"),
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
    if _out(process).readline(_LINE) != _READY:
        raise PodiumError(
            "The process that reads predictions files does not start.",
            hint="Why: " + " ".join(python("-m", "podium.data.reader")),
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


def _answer(path: Path, expected: Expected) -> tuple[dict[str, Any], pa.Table | None]:
    """What is said of a file, and its table."""
    try:
        parsed = parse(path, expected)
        matrix = isinstance(parsed, Wide)
        table = parsed.packed() if isinstance(parsed, Wide) else parsed
        with pa.MockOutputStream() as counted, pa.ipc.new_stream(counted, table.schema) as out:
            out.write_table(table)
    except PodiumError as error:
        return {"error": [error.message, error.problems, error.hint]}, None
    return {"size": counted.size(), "matrix": matrix}, table


def _limit_time(expected: Expected) -> None:
    """End the process in the midst of a file, in case that nobody is left to do so."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime) + 2 * expected.seconds
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (seconds if hard < 0 else min(seconds, hard), hard))


def _serve() -> None:
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401  for the first file, which would count them as its own

    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    out.write(_READY)
    out.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        path, expected = Path(request.pop("path")), Expected(**request)
        _limit_time(expected)
        answer, table = _answer(path, expected)
        out.write(json.dumps(answer).encode() + b"\n")
        if table is not None:
            with pa.ipc.new_stream(out, table.schema) as stream:
                stream.write_table(table)
        out.flush()
        table = None


if __name__ == "__main__":
    _serve()
