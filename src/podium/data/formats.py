"""Predictions files: read CSV, Parquet and HDF5 as they are, and refuse what is no table.

Nothing that a file declares of itself is believed: sizes are looked at before memory is taken.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from podium.columns import EXAMPLES, TEXT, many
from podium.competition.contract import Competition
from podium.data import hdf5
from podium.data.expected import FORMATS, Expected, unreadable
from podium.data.memory import limited
from podium.data.reader import Reader
from podium.data.wide import Wide
from podium.errors import SubmissionError

_IRREGULAR = "is no regular file but a pipe or a device"
_LONGEST = 1000  # bytes of one text
_CHUNK = 1 << 20
_LINE, _LONG_ROW = 1 << 20, "a row is longer than 1 MiB"  # of CSV
_CSV_SPARE = 100_000  # lines beyond twice the rows: each takes its bytes of the file
_FOOTER, _FOOTER_COLUMN = 1 << 20, 4096  # bytes of Parquet's list of columns, and for each of them
_RAGGED = 1000  # rows that are looked at before reading stops
_NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A"]
"""What stands for a missing number in a CSV file; of text only the empty field is missing."""
_SIGNATURES = {
    b"PAR1": "Parquet",
    b"\x89HDF\r\n\x1a\n": "HDF5",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_MARKS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "spaces"}


def read(
    path: Path,
    competition: Competition,
    rows: int,
    genes: Sequence[str] = (),
    reader: Reader | None = None,
) -> pa.Table | Wide:
    """Read a predictions file as it is: text ids, columns as found.

    Only the expected columns are read; others are there by name, without values. A file that
    declares far more than its rows can need is refused before it takes memory.

    Args:
        path: A `.csv`, `.parquet`, `.h5`, `.hdf5` or `.h5ad` file.
        competition: Whose columns are expected.
        rows: How many are expected.
        genes: Columns of the matrix, where the target is one.
        reader: Reads files of others. One's own are read here; HDF5 never is.

    Raises:
        SubmissionError: If it cannot be read as a table at all.
    """
    expected = Expected.of(competition, rows, genes)
    if reader is not None:
        return reader.read(path, expected)
    with opened(path, expected):  # what is no such file at all is told at once
        pass
    if FORMATS[path.suffix.lower()] != "HDF5":
        return parse(path, expected)
    with Reader() as reader:
        return reader.read(path, expected)


def parse(path: Path, expected: Expected) -> pa.Table | Wide:
    """What `read` gives, in this process and from one open file.

    Raises:
        SubmissionError: If it cannot be read as a table at all.
    """
    with opened(path, expected) as file:
        try:
            with limited(expected.memory):
                match FORMATS[path.suffix.lower()]:
                    case "CSV":
                        table = _read_csv(file, path, expected)
                    case "Parquet":
                        table = _read_parquet(file, expected)
                    case _:
                        table = _read_hdf5(path, expected)
        except MemoryError as error:
            most = f"{expected.memory >> 20:,} MiB, far more than {expected.rows:,} rows need"
            raise unreadable(path, f"reading it takes more than {most}") from error
        except (pa.ArrowException, OSError, ValueError) as error:
            raise unreadable(path, str(error)) from error
    if isinstance(table, Wide):
        return table
    longest = {name: _longest(table, name) for name in _once(table.column_names, expected.names)}
    long = [name for name in expected.names if longest.get(name, 0) > _LONGEST][:EXAMPLES]
    if long:
        raise SubmissionError(
            f"{path} holds no predictions.",
            problems=[f"column {name!r} has a value of {longest[name]:,} bytes" for name in long],
            hint="Ids and numbers are short: was a column of other texts saved under this name?",
        )
    return table


@contextmanager
def opened(path: Path, expected: Expected) -> Iterator[BinaryIO]:
    """A file of a known format and no unlikely size; what takes its name meanwhile is another.

    Raises:
        SubmissionError: If it is none, before anything of it is parsed.
    """
    kind = _kind(path)
    nonblock = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe would wait
    with os.fdopen(os.open(path, os.O_RDONLY | nonblock), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SubmissionError(f"{path} {_IRREGULAR}.", hint="Name a predictions file.")
        size, limit = status.st_size, expected.limit
        if size > limit:
            content = f"{expected.rows:,} rows of {len(expected.names):,} columns"
            raise SubmissionError(
                f"{path} is too large: {size >> 20:,} MiB; {content} take less than "
                f"{(limit >> 20) + 1:,} MiB.",
                hint="Save the predictions alone: the ids of the test part and the target columns.",
            )
        start = file.read(8)
        if not start:
            raise SubmissionError(f"{path} is empty.", hint="Was it written to the end?")
        holds = next((other for mark, other in _SIGNATURES.items() if start.startswith(mark)), kind)
        if holds != kind:
            raise SubmissionError(
                f"{path} holds {holds}, not {kind}.",
                hint=f"Unpack it, name it after its content, or save it as {kind}.",
            )
        file.seek(0)
        yield file


def _kind(path: Path) -> str:
    """The format that a file's name says."""
    if not path.is_file():
        if path.is_dir():
            what = "is a directory"
        elif path.exists():
            what = _IRREGULAR
        else:
            what = "is a link that leads nowhere" if path.is_symlink() else "does not exist"
        raise SubmissionError(f"{path} {what}.", hint="Name a predictions file.")
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise SubmissionError(
            f"{path} is no format that Podium reads.",
            hint=f"Save the predictions as one of: {', '.join(FORMATS)}",
        )
    if not str(path).isascii() and "\\udc" in ascii(str(path)):
        raise SubmissionError(f"The name of {path} is no UTF-8.", hint="Rename the file.")
    return kind


def _once(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The wanted columns that are there once."""
    count = Counter(names)
    return [name for name in wanted if count[name] == 1]


def _read_hdf5(path: Path, expected: Expected) -> pa.Table | Wide:
    try:
        names, table = hdf5.read(path, expected)
    except (LookupError, RuntimeError, TypeError) as error:  # of h5py, for damaged files
        raise ValueError(str(error)) from error
    if isinstance(table, Wide):
        return table
    columns = dict(zip(table.column_names, table.columns, strict=True))
    return _assembled(names, columns, table.num_rows if columns else expected.rows)


def _read_csv(file: BinaryIO, path: Path, expected: Expected) -> pa.Table:
    """Read with the expected types; where a value does not convert, read all as text instead."""
    expected.check_rows(_checked_text(file) - 1, _CSV_SPARE)
    names = _header(file, path)
    expected.check_columns(len(names))
    once = _once(names, expected.names)
    if not once:
        return _assembled(names, {}, expected.rows)
    texts = {"id", *expected.labels}
    types = {name: pa.string() if name in texts else pa.float64() for name in once}
    try:
        table = _parse_csv(file, path, types)
        columns = table.columns
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
        table = _parse_csv(file, path, dict.fromkeys(once, pa.string()))
        columns = [table[name] if name in texts else _as_numbers(table[name]) for name in once]
    return _assembled(names, dict(zip(once, columns, strict=True)), table.num_rows)


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts that should be numbers, null where one is missing."""
    return pc.if_else(pc.is_in(column, value_set=pa.array(_NULLS)), None, column)


def _parse_csv(file: BinaryIO, path: Path, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Read columns by one thread: Arrow's pool gains nothing here and may abort a quick exit."""
    from pyarrow import csv as arrow

    file.seek(0)

    ragged: list[Any] = []

    def keep_ragged(row: Any) -> str:
        ragged.append(row)
        return "skip" if len(ragged) < _RAGGED else "error"

    convert = arrow.ConvertOptions(
        column_types=types,
        include_columns=list(types),
        null_values=_NULLS,
        strings_can_be_null=False,
        quoted_strings_can_be_null=True,
    )
    try:
        table = arrow.read_csv(
            file,
            read_options=arrow.ReadOptions(use_threads=False),
            parse_options=arrow.ParseOptions(invalid_row_handler=keep_ragged),
            convert_options=convert,
        )
    except pa.ArrowInvalid as error:
        if "straddl" in str(error):
            raise ValueError(_LONG_ROW) from error
        if "Empty CSV" in str(error):
            return pa.table({name: pa.nulls(0, kind) for name, kind in types.items()})
        if not ragged:
            raise
    if ragged:
        count = f"{len(ragged):,}{' or more' if len(ragged) == _RAGGED else ''}"
        raise SubmissionError(
            f"{path} is not a whole table: {count} rows do not have "
            f"{ragged[0].expected_columns} fields.",
            problems=[
                f"row {row.number - 1}, {many(row.actual_columns, 'field')}: {row.text[:60]!r}"
                for row in ragged[:EXAMPLES]
            ],
            hint="Every row needs as many fields as the header; decimals take a point, no comma.",
        )
    return table


def _header(file: BinaryIO, path: Path) -> list[str]:
    """The column names of a text file that is separated by commas."""
    file.seek(0)
    start = file.read(_LINE).decode("utf-8-sig", errors="ignore")  # may end within a character
    lines = io.StringIO(start, newline=None)
    line = next((line for line in lines if line.rstrip("\n")), "")
    if not line:
        raise ValueError("it has blank lines only")
    if not line.endswith("\n") and file.read(1):
        raise ValueError(_LONG_ROW)
    try:
        names = next(csv.reader([line]))
    except csv.Error as error:
        raise ValueError(f"its first line is no header: {error}") from error
    marks = [mark for mark in _MARKS if len(names) == 1 and mark in names[0].strip()]
    if marks:
        raise SubmissionError(
            f"{path} is separated by {_MARKS[marks[0]]}; commas are expected.",
            hint='Save it again, decimals with a point: to_csv(FILE, index=False, sep=",").',
        )
    return names


def _checked_text(file: BinaryIO) -> int:
    """Ends of lines; Arrow's reader shows damaged text on the terminal: none may reach it.

    Raises:
        ValueError: If it is not UTF-8 throughout.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, block = 0, b" "
    while block:
        block = file.read(_CHUNK)
        if 0 in block:
            line = lines + 1 + block[: block.index(0)].count(b"\n")
            raise ValueError(f"line {line} has a NUL byte: it is UTF-16 or no text at all")
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            line = lines + 1 + error.object[: error.start].count(b"\n")
            byte = error.object[error.start]
            raise ValueError(
                f"line {line} has the byte 0x{byte:02x}, which is no UTF-8: "
                'save the file with encoding="utf-8"'
            ) from error
        lines += block.count(b"\n") or block.count(b"\r")  # as old Macs end lines
    return lines


def _read_parquet(file: BinaryIO, expected: Expected) -> pa.Table:
    """Read after what the file declares of itself has been found small enough."""
    import pyarrow.parquet as pq

    _check_footer(file, expected)
    with pq.ParquetFile(file, pre_buffer=False) as opened:
        metadata, schema = opened.metadata, opened.schema_arrow
        leaves = [opened.schema.column(place) for place in range(len(opened.schema))]
    expected.check_columns(len(leaves))
    names = [name for name in schema.names if not name.startswith("__index_level_")]  # of pandas
    once = _once(names, expected.names)
    plain_names = {leaf.path for leaf in leaves}
    nested = [f"{name} {schema.field(name).type}" for name in once if name not in plain_names]
    if nested:
        raise ValueError(f"columns must hold one value a row: {', '.join(nested)}")
    wide = [leaf for leaf in leaves if leaf.path in once and (leaf.length or 0) > _LONGEST]
    if wide:  # where there is no value, too, it would take them
        raise ValueError(f"column {wide[0].path!r} has values of {wide[0].length:,} bytes")
    _check_groups(metadata, expected)
    if not once:
        return _assembled(names, {}, metadata.num_rows)
    plain = "id" in once and _few_bytes(file, metadata, schema.field("id").type)
    texts = [name for name in once if name != "id" or not plain]
    options = {"metadata": metadata, "pre_buffer": False, "read_dictionary": texts}
    with pq.ParquetFile(file, **options) as opened:  # texts stay small
        table = opened.read(columns=once, use_threads=False)
    table.validate(full=True)  # damaged text would fail only where it is shown
    return _assembled(names, {name: table[name] for name in once}, metadata.num_rows)


def _check_footer(file: BinaryIO, expected: Expected) -> None:
    """Refuse a list of columns that takes more than any table's, before it is unpacked."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 8))
    size = int.from_bytes(file.read(4), "little")
    if size > _FOOTER + _FOOTER_COLUMN * len(expected.names):
        raise ValueError(
            f"its list of columns takes {size >> 20:,} MiB, far more than "
            f"{len(expected.names):,} columns need"
        )


def _check_groups(metadata: Any, expected: Expected) -> None:
    """Refuse what a file says of its groups of rows if it is much, or does not add up.

    Of all columns: to ask a damaged file for a single one can abort the process.
    """
    expected.check_rows(metadata.num_rows)
    expected.check_rows(metadata.num_row_groups)  # one may have a row, or none
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    rows, sizes = [g.num_rows for g in groups], [g.total_byte_size for g in groups]
    if min([0, *rows, *sizes]) < 0 or sum(rows) != metadata.num_rows:
        raise ValueError("it is damaged: its groups of rows do not add up")
    expected.check_size(sum(sizes))


def _few_bytes(file: BinaryIO, metadata: Any, kind: pa.DataType) -> bool:
    """Whether ids can be read as they stand: quicker, unless a long one is repeated everywhere.

    The first row of each group comes with all texts that the group repeats.
    """
    import pyarrow.parquet as pq

    if not any(is_text(kind) for is_text in TEXT):
        return False
    options = {"metadata": metadata, "pre_buffer": False, "read_dictionary": ["id"]}
    with pq.ParquetFile(file, **options) as opened:
        for group in range(metadata.num_row_groups):
            rows = opened.iter_batches(1, [group], ["id"], use_threads=False)
            first = next(rows, None)  # a group may be empty
            if first and _longest(pa.Table.from_batches([first]), "id") > _LONGEST:
                return False
    return True


def _assembled(names: Sequence[str], columns: Mapping[str, Any], rows: int) -> pa.Table:
    """A table of all names; columns that were not read are empty."""
    nothing = pa.nulls(rows)
    return pa.Table.from_arrays([columns.get(name, nothing) for name in names], names=list(names))


def _longest(table: pa.Table, name: str) -> int:
    """Bytes of the longest text in a column that is there once, 0 where it has none."""
    sizes = [0]
    for chunk in table.column(name).chunks:
        texts = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk
        if pa.types.is_string_view(texts.type):  # Arrow does not measure these
            texts = texts.cast(pa.string())
        if any(is_text(texts.type) for is_text in TEXT) or pa.types.is_binary(texts.type):
            sizes.append(pc.max(pc.binary_length(texts)).as_py() or 0)
    return max(sizes)
