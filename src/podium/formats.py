"""Predictions files: read CSV, Parquet and HDF5 as they are, and refuse what is no table.

Nothing that a file declares of itself is believed: sizes are looked at before memory is taken.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from podium.competition import Competition
from podium.errors import SubmissionError
from podium.predictions import hdf5
from podium.predictions.columns import EXAMPLES, TEXT, many, wanted
from podium.predictions.wide import Wide

FORMATS = {".csv": "CSV", ".parquet": "Parquet", ".h5": "HDF5", ".hdf5": "HDF5", ".h5ad": "HDF5"}
_ROOM, _VALUE = 16 << 20, 64  # bytes that a file may take in any case, and for each value
_MATRIX_VALUE = 32  # the same in a matrix: a number with all its digits, no texts
_LONGEST = 1000  # bytes of one text
_CHUNK = 1 << 20
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
    path: Path, competition: Competition, rows: int, genes: Sequence[str] = ()
) -> pa.Table | Wide:
    """Read a predictions file as it is: text ids, columns as found.

    Only the expected columns are read; others are there by name, without values. A file that is
    far larger than its rows can need is refused before it takes memory.

    Args:
        path: A `.csv`, `.parquet`, `.h5`, `.hdf5` or `.h5ad` file.
        competition: Whose columns are expected.
        rows: How many are expected.
        genes: Columns of the matrix, where the target is one.

    Raises:
        SubmissionError: If it cannot be read as a table at all.
    """
    names = wanted(competition, genes)
    limit = file_limit(rows, len(names), matrix=competition.matrix)
    _check_file(path, limit, f"{rows:,} rows of {len(names):,} columns")
    kind = FORMATS[path.suffix.lower()]
    try:
        if kind == "CSV":
            labels = {target.name for target in competition.targets if target.label}
            table = _read_csv(path, names, labels, rows)
        elif kind == "Parquet":
            table = _read_parquet(path, names, rows, limit)
        elif competition.matrix and (
            found := hdf5.matrix(path, competition.targets[0].name, rows, limit)
        ):
            return found
        else:
            table = _read_hdf5(path, names, rows, limit)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "unreadable"
        raise SubmissionError(
            f"{path} cannot be read as {kind}.",
            problems=[reason[:300]],
            hint="Is the file whole, and is its content what its name says?",
        ) from error
    longest = {name: _longest(table, name) for name in _once(table.column_names, names)}
    long = [name for name in names if longest.get(name, 0) > _LONGEST][:EXAMPLES]
    if long:
        raise SubmissionError(
            f"{path} holds no predictions.",
            problems=[f"column {name!r} has a value of {longest[name]:,} bytes" for name in long],
            hint="Ids and numbers are short: was a column of other texts saved under this name?",
        )
    return table


def file_limit(rows: int, columns: int, *, matrix: bool = False) -> int:
    """Bytes that a predictions file may have, and its columns once they are unpacked."""
    return _ROOM + (_MATRIX_VALUE if matrix else _VALUE) * rows * columns


def _once(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The wanted columns that are there once."""
    found = Counter(names)
    return [name for name in wanted if found[name] == 1]


def _read_hdf5(path: Path, wanted: Sequence[str], rows: int, limit: int) -> pa.Table:
    names, found = hdf5.read(path, wanted, rows, limit)
    columns = dict(zip(found.column_names, found.columns, strict=True))
    return _assembled(names, columns, found.num_rows if columns else rows)


def _check_file(path: Path, limit: int, content: str) -> None:
    """Refuse what is no file of a known format, before anything of it is parsed."""
    if not path.is_file():
        if path.is_dir():
            what = "is a directory"
        elif path.exists():
            what = "is no regular file but a pipe or a device"
        else:
            what = "is a link that leads nowhere" if path.is_symlink() else "does not exist"
        raise SubmissionError(f"{path} {what}.", hint="Name a predictions file.")
    expected = FORMATS.get(path.suffix.lower())
    if expected is None:
        raise SubmissionError(
            f"{path} is no format that Podium reads.",
            hint=f"Save the predictions as one of: {', '.join(FORMATS)}",
        )
    if not str(path).isascii() and "\\udc" in ascii(str(path)):
        raise SubmissionError(f"The name of {path} is no UTF-8.", hint="Rename the file.")
    size = path.stat().st_size
    if size > limit:
        raise SubmissionError(
            f"{path} is too large: {size >> 20:,} MiB; {content} take less than "
            f"{(limit >> 20) + 1:,} MiB.",
            hint="Save the predictions alone: the ids of the test part and the target columns.",
        )
    with path.open("rb") as stream:
        start = stream.read(8)
    if not start:
        raise SubmissionError(f"{path} is empty.", hint="Was it written to the end?")
    found = next((kind for mark, kind in _SIGNATURES.items() if start.startswith(mark)), expected)
    if found != expected:
        raise SubmissionError(
            f"{path} holds {found}, not {expected}.",
            hint=f"Unpack it, name it after its content, or save it as {expected}.",
        )


def _read_csv(path: Path, wanted: Sequence[str], labels: set[str], rows: int) -> pa.Table:
    """Read with the expected types; where a value does not convert, read all as text instead."""
    names = _header(path)
    once = _once(names, wanted)
    if not once:
        return _assembled(names, {}, rows)
    texts = {"id", *labels}
    types = {name: pa.string() if name in texts else pa.float64() for name in once}
    try:
        table = _parse_csv(path, types)
        columns = table.columns
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
        table = _parse_csv(path, dict.fromkeys(once, pa.string()))
        columns = [table[name] if name in texts else _as_numbers(table[name]) for name in once]
    return _assembled(names, dict(zip(once, columns, strict=True)), table.num_rows)


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts that should be numbers, null where one is missing."""
    return pc.if_else(pc.is_in(column, value_set=pa.array(_NULLS)), None, column)


def _parse_csv(path: Path, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Read columns by one thread: Arrow's pool gains nothing here and may abort a quick exit."""
    from pyarrow import csv as arrow

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
            path,
            read_options=arrow.ReadOptions(use_threads=False),
            parse_options=arrow.ParseOptions(invalid_row_handler=keep_ragged),
            convert_options=convert,
        )
    except pa.ArrowInvalid as error:
        if "straddl" in str(error):
            raise ValueError("a row is longer than 1 MiB") from error
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


def _header(path: Path) -> list[str]:
    """The column names of a text file that is UTF-8 throughout and separated by commas."""
    _check_text(path)
    with path.open(encoding="utf-8-sig") as stream:
        line = next((line for line in stream if line.rstrip("\n")), "")
    if not line:
        raise ValueError("it has blank lines only")
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


def _check_text(path: Path) -> None:
    """Arrow's reader shows damaged text on the terminal, so none may reach it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, block = 1, b" "
    with path.open("rb") as stream:
        while block:
            block = stream.read(_CHUNK)
            if 0 in block:
                line = lines + block[: block.index(0)].count(b"\n")
                raise ValueError(f"line {line} has a NUL byte: it is UTF-16 or no text at all")
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line = lines + error.object[: error.start].count(b"\n")
                byte = error.object[error.start]
                raise ValueError(
                    f"line {line} has the byte 0x{byte:02x}, which is no UTF-8: "
                    'save the file with encoding="utf-8"'
                ) from error
            lines += block.count(b"\n")


def _read_parquet(path: Path, wanted: Sequence[str], rows: int, limit: int) -> pa.Table:
    """Read after what the file declares of itself has been found small enough."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        metadata, schema = file.metadata, file.schema_arrow
        leaves = {file.schema.column(place).path for place in range(len(file.schema))}
    names = [name for name in schema.names if not name.startswith("__index_level_")]  # of pandas
    once = _once(names, wanted)
    nested = [f"{name} {schema.field(name).type}" for name in once if name not in leaves]
    if nested:
        raise ValueError(f"columns must hold one value a row: {', '.join(nested)}")
    # of all columns: to ask a damaged file for a single one can abort the process
    sizes = [metadata.row_group(g).total_byte_size for g in range(metadata.num_row_groups)]
    _check_size(metadata.num_rows, rows, sum(sizes), limit)
    if not once:
        return _assembled(names, {}, metadata.num_rows)
    plain = "id" in once and _few_bytes(path, metadata, schema.field("id").type)
    texts = [name for name in once if name != "id" or not plain]
    with pq.ParquetFile(path, metadata=metadata, read_dictionary=texts) as file:  # texts stay small
        table = file.read(columns=once, use_threads=False)
    table.validate(full=True)  # damaged text would fail only where it is shown
    return _assembled(names, {name: table[name] for name in once}, metadata.num_rows)


def _few_bytes(path: Path, metadata: Any, kind: pa.DataType) -> bool:
    """Whether ids can be read as they stand: quicker, unless a long one is repeated everywhere.

    The first row of each group comes with all texts that the group repeats.
    """
    import pyarrow.parquet as pq

    if not any(is_text(kind) for is_text in TEXT):
        return False
    with pq.ParquetFile(path, metadata=metadata, read_dictionary=["id"]) as file:
        for group in range(metadata.num_row_groups):
            rows = file.iter_batches(1, [group], ["id"], use_threads=False)
            first = next(rows, None)  # a group may be empty
            if first and _longest(pa.Table.from_batches([first]), "id") > _LONGEST:
                return False
    return True


def _check_size(found: int, rows: int, size: int, limit: int) -> None:
    """A small file can unpack to more than the memory holds."""
    if found > 2 * rows + 1000:
        raise ValueError(f"it has {found:,} rows, {rows:,} are expected")
    if size > limit:
        raise ValueError(
            f"its columns unpack to {size >> 20:,} MiB, far more than {rows:,} rows need"
        )


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
