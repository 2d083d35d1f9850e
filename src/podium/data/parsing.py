"""Files of tables in memory: CSV, Parquet and Feather by Arrow, HDF5 and FASTA by their own.

`podium.data.reader` is how files are read; this is what it does with one that is open.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from podium.columns import EXAMPLES, TEXT, is_number, many
from podium.data import fasta, hdf5
from podium.data.columns import Wide
from podium.data.formats import Expected, content, form

_LONGEST = 1000  # bytes of one text
_CHUNK = 1 << 20
_LINE, _OWN_LINE = 1 << 20, 16 << 20  # bytes of a row of CSV, and in a table of one's own
_CSV_SPARE = 100_000  # lines beyond twice the rows: each takes its bytes of the file
_FOOTER, _FOOTER_COLUMN = 1 << 20, 4096  # bytes of Parquet's list of columns, and for each of them
_RAGGED = 1000  # rows that are looked at before reading stops
NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A"]
"""What stands for a missing number in a CSV file; of text only the empty field is missing."""
_MARKS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "spaces"}


def parse(path: Path, expected: Expected) -> pa.Table | Wide:
    """What `podium.data.reader.read` gives, in this process and from one open file.

    Raises:
        PodiumError: If it cannot be read as a table at all.
    """
    table, own = _parsed(path, expected), expected.row_id
    names = table.column_names
    if not own or isinstance(table, Wide) or "id" in names or names.count(own) != 1:
        return table
    called = {"id": own}  # the organiser's name of the ids
    theirs = replace(
        expected,
        names=[called.get(name, name) for name in expected.names],
        texts=[called.get(name, name) for name in expected.texts],
        row_id="",
    )
    again = _parsed(path, theirs)
    if isinstance(again, Wide):
        return again
    return again.rename_columns(["id" if name == own else name for name in names])


def _parsed(path: Path, expected: Expected) -> pa.Table | Wide:
    with content(path, expected) as (file, separator):
        match form(path).kind:
            case "CSV":
                table = _read_csv(file, path, separator, expected)
            case "Parquet":
                table = _read_parquet(file, expected)
            case "Feather":
                table = _read_feather(file, expected)
            case "FASTA":
                table = pa.Table.from_pandas(fasta.parse(file, path), preserve_index=False)
            case _:
                table = _read_hdf5(path, expected)
    if isinstance(table, Wide) or expected.rows is None:
        return table
    longest = {name: _longest(table, name) for name in _once(table.column_names, expected.names)}
    short = [name for name in expected.names if name not in expected.long]
    long = [name for name in short if longest.get(name, 0) > _LONGEST][:EXAMPLES]
    if long:
        raise expected.error(
            f"{path} holds no predictions.",
            problems=[f"column {name!r} has a value of {longest[name]:,} bytes" for name in long],
            hint="Ids and numbers are short: was a column of other texts saved under this name?",
        )
    return table


def header(file: BinaryIO, path: Path, separator: str, expected: Expected) -> tuple[list[str], int]:
    """The column names of a text, and how many lines it has.

    Raises:
        PodiumError: If it is separated by another sign, or begins with a comment or with data.
        ValueError: If it is not UTF-8 throughout, or has no header or too large a one.
    """
    lines = _checked_text(file)
    file.seek(0)
    most = _OWN_LINE if expected.rows is None else _LINE
    start = file.read(most).decode("utf-8-sig", errors="ignore")  # may end within a character
    text = io.StringIO(start, newline=None)
    line = next((line for line in text if line.rstrip("\n")), "")
    if not line:
        raise ValueError("it has blank lines only")
    if not line.endswith("\n") and file.read(1):
        raise ValueError(f"a row is longer than {most >> 20} MiB")
    expected.check_columns(line.count(separator) + 1)  # before each gets a name
    try:
        names = next(csv.reader([line], delimiter=separator))
    except csv.Error as error:
        raise ValueError(f"its first line is no header: {error}") from error
    other = next((m for m in _MARKS if len(names) == 1 and m in names[0].strip()), separator)
    shown = repr(line.strip()[:60])
    if line.startswith("#"):
        raise expected.error(
            f"{path} begins with a comment, {shown}; the names of the columns are expected.",
            hint="Save it without the lines before the header.",
        )
    if other != separator:
        raise expected.error(
            f"{path} is separated by {_MARKS[other]}; {_MARKS[separator]} are expected.",
            hint='Save it again, decimals with a point: to_csv(FILE, index=False, sep=",").',
        )
    if _are_values(names, expected.names):
        raise expected.error(
            f"{path} has no header: its first line is {shown}.",
            hint=f"Write the names of the columns above: {separator.join(expected.names[:5])}"
            if expected.names
            else "Write the names of the columns above.",
        )
    file.seek(0)
    return names, lines


def _are_values(names: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a first line has values: none of the wanted names and a number, or numbers alone.

    Numbers in a row from 0 are what pandas calls columns that have no names.
    """
    numbers = [is_number(name) for name in names]
    if wanted:
        known = {name.casefold() for name in wanted}
        return any(numbers) and known.isdisjoint(name.strip().casefold() for name in names)
    return all(numbers) and names != [str(place) for place in range(len(names))]


def _once(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The wanted columns that are there once."""
    count = Counter(names)
    return [name for name in wanted if count[name] == 1]


def _read_hdf5(path: Path, expected: Expected) -> pa.Table | Wide:
    try:
        names, table = hdf5.read(path, expected)
    except (OSError, LookupError, RuntimeError, TypeError) as error:  # of h5py, for damaged files
        raise ValueError(hdf5.trouble(path, error)) from error
    if isinstance(table, Wide):
        return table
    columns = dict(zip(table.column_names, table.columns, strict=True))
    return _assembled(names, columns, table.num_rows if columns else expected.rows or 0)


def _read_csv(file: BinaryIO, path: Path, separator: str, expected: Expected) -> pa.Table:
    """Read with the expected types; where a value does not convert, read all as text instead."""
    names, lines = header(file, path, separator, expected)
    expected.check_rows(lines - 1, _CSV_SPARE)
    once = _once(names, expected.names)
    if not once:
        return _assembled(names, {}, lines - 1 if expected.rows is None else expected.rows)
    texts = set(expected.texts)
    types = {name: pa.string() if name in texts else pa.float64() for name in once}
    try:
        table = _parse_csv(file, path, separator, types, expected)
        columns = table.columns
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
        types = dict.fromkeys(once, pa.string())
        table = _parse_csv(file, path, separator, types, expected)
        columns = [table[name] if name in texts else _as_numbers(table[name]) for name in once]
    return _assembled(names, dict(zip(once, columns, strict=True)), table.num_rows)


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts that should be numbers, null where one is missing."""
    return pc.if_else(pc.is_in(column, value_set=pa.array(NULLS)), None, column)


def _parse_csv(
    file: BinaryIO,
    path: Path,
    separator: str,
    types: Mapping[str, pa.DataType],
    expected: Expected,
) -> pa.Table:
    """Read columns by one thread: Arrow's pool gains nothing here and may abort a quick exit."""
    from pyarrow import csv as arrow

    file.seek(0)
    own = expected.rows is None
    ragged: list[Any] = []

    def keep_ragged(row: Any) -> str:
        ragged.append(row)
        return "skip" if len(ragged) < _RAGGED else "error"

    convert = arrow.ConvertOptions(
        column_types=types,
        include_columns=list(types),
        null_values=[""] if own else NULLS,
        strings_can_be_null=own,
        quoted_strings_can_be_null=True,
    )
    try:
        table = arrow.read_csv(
            file,
            read_options=arrow.ReadOptions(
                use_threads=False, block_size=_OWN_LINE if own else _LINE
            ),
            parse_options=arrow.ParseOptions(
                delimiter=separator, newlines_in_values=own, invalid_row_handler=keep_ragged
            ),
            convert_options=convert,
        )
    except pa.ArrowInvalid as error:
        if "straddl" in str(error):
            most = _OWN_LINE if own else _LINE
            raise ValueError(f"a row is longer than {most >> 20} MiB") from error
        if "Empty CSV" in str(error):
            return pa.table({name: pa.nulls(0, kind) for name, kind in types.items()})
        if not ragged:
            raise
    if ragged:
        count = f"{len(ragged):,}{' or more' if len(ragged) == _RAGGED else ''}"
        raise expected.error(
            f"{path} is not a whole table: {count} rows do not have "
            f"{ragged[0].expected_columns} fields.",
            problems=[
                f"row {row.number - 1}, {many(row.actual_columns, 'field')}: {row.text[:60]!r}"
                for row in ragged[:EXAMPLES]
            ],
            hint="Every row needs as many fields as the header; decimals take a point, no comma.",
        )
    return table


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
            if not block.isascii() or decoder.getstate()[0] or not block:
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
    with pq.ParquetFile(file, pre_buffer=False) as parquet:
        metadata, schema = parquet.metadata, parquet.schema_arrow
        leaves = [parquet.schema.column(place) for place in range(len(parquet.schema))]
    expected.check_columns(len(leaves))
    once = _plain_columns(schema, expected)
    wide = [leaf for leaf in leaves if leaf.path in once and (leaf.length or 0) > _LONGEST]
    if wide and expected.rows is not None:  # where there is no value, too, it would take them
        raise ValueError(f"column {wide[0].path!r} has values of {wide[0].length:,} bytes")
    _check_groups(metadata, expected)
    names = [name for name in schema.names if not name.startswith(_PANDAS)]
    if not once:
        return _assembled(names, {}, metadata.num_rows)
    plain = "id" in once and _few_bytes(file, metadata, schema.field("id").type)
    texts = [name for name in once if name != "id" or not plain]
    options: dict[str, Any] = {"metadata": metadata, "pre_buffer": False}
    if expected.rows is not None:  # texts of others stay small
        options["read_dictionary"] = texts
    with pq.ParquetFile(file, **options) as parquet:
        table = parquet.read(columns=once, use_threads=False)
    table.validate(full=True)  # damaged text would fail only where it is shown
    return _assembled(names, {name: table[name] for name in once}, metadata.num_rows)


_PANDAS = "__index_level_"
"""How columns begin in which pandas keeps the index of a table."""


def _plain_columns(schema: pa.Schema, expected: Expected) -> list[str]:
    """The wanted columns that a file has once.

    Raises:
        ValueError: If one has more than a value a row.
    """
    once = _once(schema.names, expected.names)
    nested = [
        f"{name} {schema.field(name).type}"
        for name in once
        if pa.types.is_nested(schema.field(name).type)
    ]
    if nested:
        raise ValueError(f"columns must hold one value a row: {', '.join(nested)}")
    return once


def _read_feather(file: BinaryIO, expected: Expected) -> pa.Table:
    """Read batch by batch: nothing before them says how many rows there are."""
    with pa.ipc.open_file(file) as feather:
        schema = feather.schema
        expected.check_columns(len(schema.names))
        once = _plain_columns(schema, expected)
        kinds = [schema.field(name).type for name in once]
    wide = [kind for kind in kinds if pa.types.is_fixed_size_binary(kind)]
    if wide:  # where there is no value, too, it would take its bytes
        raise ValueError(f"a column has values of {wide[0].byte_width:,} bytes, no text")
    read = [schema.get_field_index(name) for name in once] or [0]  # none would be all
    options = pa.ipc.IpcReadOptions(included_fields=read, use_threads=False)
    batches: list[pa.RecordBatch] = []
    rows = 0
    with pa.ipc.open_file(file, options=options) as feather:
        expected.check_rows(feather.num_record_batches)
        for place in range(feather.num_record_batches):
            batch = feather.get_batch(place)
            batch.validate(full=True)
            rows += batch.num_rows
            expected.check_rows(rows)
            batches.append(batch)
        table = pa.Table.from_batches(batches, feather.schema)
    names = [name for name in schema.names if not name.startswith(_PANDAS)]
    return _assembled(names, {name: table[name] for name in once}, rows)


def _check_footer(file: BinaryIO, expected: Expected) -> None:
    """Refuse a list of columns that takes more than any table's, before it is unpacked."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 8))
    size = int.from_bytes(file.read(4), "little")
    if size > _FOOTER + _FOOTER_COLUMN * expected.columns:
        raise ValueError(
            f"its list of columns takes {size >> 20:,} MiB, far more than "
            f"{expected.columns:,} columns need"
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
    with pq.ParquetFile(file, **options) as parquet:
        for group in range(metadata.num_row_groups):
            rows = parquet.iter_batches(1, [group], ["id"], use_threads=False)
            row = next(rows, None)  # a group may be empty
            if row and _longest(pa.Table.from_batches([row]), "id") > _LONGEST:
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
