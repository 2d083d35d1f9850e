"""The process that reads files of others.

    python -m podium.data.reading

says that it is ready, takes a request a line and answers each with a line and, where there is a
table, an Arrow stream.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from podium.data import formats
from podium.data.expected import Expected
from podium.data.reader import READY
from podium.data.wide import Wide
from podium.errors import SubmissionError


def _answer(path: Path, expected: Expected) -> tuple[dict[str, Any], pa.Table | None]:
    """What is said of a file, and its table."""
    try:
        parsed = formats.parse(path, expected)
        matrix = isinstance(parsed, Wide)
        table = parsed.packed() if isinstance(parsed, Wide) else parsed
        with pa.MockOutputStream() as counted, pa.ipc.new_stream(counted, table.schema) as out:
            out.write_table(table)
    except SubmissionError as error:
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
    out.write(READY)
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
