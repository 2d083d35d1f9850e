"""Submissions: read a predictions file, check it, keep it under the name of its content.

Every submission passes one validated join by id before any metric sees it. Everything that is
wrong is said at once, with counts and the first five examples, and nothing is written.
"""

from __future__ import annotations

import codecs
import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from podium import hdf5
from podium.competition import Competition, Target
from podium.edition import file_sha256
from podium.errors import SubmissionError, reason
from podium.metric import Table
from podium.scratch import replacing

if TYPE_CHECKING:
    from podium.model import Part

FORMATS = {".csv": "CSV", ".parquet": "Parquet", ".h5": "HDF5", ".hdf5": "HDF5", ".h5ad": "HDF5"}
_EXAMPLES = 5
_ROOM, _VALUE = 16 << 20, 64  # bytes that a file may take in any case, and for each value
_LONGEST = 1000  # bytes of one text
_CHUNK = 1 << 20
_RAGGED = 1000  # rows that are looked at before reading stops
_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
_NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A"]
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


def read(path: Path, competition: Competition, rows: int) -> pa.Table:
    """Read a predictions file as it is: text ids, columns as found.

    Only the expected columns are read; others are there by name, without values. A file that is
    far larger than its rows can need is refused before it takes memory.

    Args:
        path: A `.csv`, `.parquet`, `.h5` or `.hdf5` file.
        competition: Whose columns are expected.
        rows: How many are expected.

    Raises:
        SubmissionError: If it cannot be read as a table at all.
    """
    wanted = ["id", *(target.name for target in competition.targets)]
    limit = file_limit(rows, len(wanted))
    _check_file(path, limit, f"{rows:,} rows of {len(wanted)} columns")
    kind = FORMATS[path.suffix.lower()]
    try:
        if kind == "CSV":
            labels = {target.name for target in competition.targets if target.label}
            table = _read_csv(path, wanted, labels, rows)
        elif kind == "Parquet":
            table = _read_parquet(path, wanted, rows, limit)
        else:
            names, found = hdf5.read(path, wanted, rows, limit)
            columns = dict(zip(found.column_names, found.columns, strict=True))
            table = _assembled(names, columns, found.num_rows if columns else rows)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "unreadable"
        raise SubmissionError(
            f"{path} cannot be read as {kind}.",
            problems=[reason[:300]],
            hint="Is the file whole, and is its content what its name says?",
        ) from error
    long = [name for name in wanted if _longest(table, name) > _LONGEST]
    if long:
        raise SubmissionError(
            f"{path} holds no predictions.",
            problems=[
                f"column {name!r} has a value of {_longest(table, name):,} bytes" for name in long
            ],
            hint="Ids and numbers are short: was a column of other texts saved under this name?",
        )
    return table


def file_limit(rows: int, columns: int) -> int:
    """Bytes that a predictions file may have, and its columns once they are unpacked."""
    return _ROOM + _VALUE * rows * columns


def align(
    table: pa.Table,
    competition: Competition,
    ids: pa.StringArray,
    part: Callable[[], Part] | None = None,
) -> Table:
    """Check a predictions table and give its columns in the order of `ids`: float64, or labels.

    Args:
        table: As `read` gives it.
        competition: Whose columns and ranges are expected.
        ids: The ids to predict, each once.
        part: Gives the rows of these ids, for what the competition itself checks.

    Raises:
        SubmissionError: With everything that is wrong.
    """
    problems = _column_problems(table, competition)
    rows: Any = None
    if table.column_names.count("id") == 1:
        rows, trouble = _id_problems(table, ids)
        problems += trouble
    columns: dict[str, Any] = {}
    for target in competition.targets:
        if table.column_names.count(target.name) == 1:
            values, trouble = (_labels if target.label else _numbers)(table, target)
            problems += trouble
            columns[target.name] = values
    aligned = {} if problems else {name: values[rows] for name, values in columns.items()}
    check = competition.check
    if part is not None and check is not None and not problems:
        problems = check(part(), aligned)
    if problems:
        raise SubmissionError(
            f"The submission cannot be scored: {len(problems)} "
            f"problem{'s' if len(problems) > 1 else ''}.",
            problems=problems,
            hint=f"What is expected: podium show {competition.name}, and {_sample(competition)}",
        )
    return aligned


def from_pandas(table: Any) -> pa.Table:
    """A model's predictions as a table.

    Raises:
        SubmissionError: If `table` is no DataFrame of plain columns.
    """
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        shape = f" of shape {table.shape}" if isinstance(table, np.ndarray) else ""
        raise SubmissionError(
            f"predict() returned {type(table).__name__}{shape}; it must return a pandas DataFrame.",
            hint='For example: pd.DataFrame({"id": part.ids, ...})',
        )
    named = table.index.name == "id" and "id" not in table.columns
    columns = table.reset_index(drop=not named)
    names = [str(name) for name in columns.columns]
    arrays, problems = [], []
    for place, name in enumerate(names):
        values = columns.iloc[:, place]
        try:
            arrays.append(pa.array(values, from_pandas=True))
            if pa.types.is_nested(arrays[-1].type):
                problems.append(f"column {name!r} has {arrays[-1].type} in each row")
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            problems.append(f"column {name!r} of type {values.dtype}: {reason}")
    if problems:
        raise SubmissionError(
            "predict() returned columns that are no plain values.", problems=problems
        )
    return pa.Table.from_arrays(arrays, names=names)


def write(table: Any, path: Path) -> None:
    """Write a model's predictions as Parquet: the same bytes for the same content."""
    import pyarrow.parquet as pq

    pq.write_table(from_pandas(table), path, compression="zstd")


def keep(path: Path, folder: Path, name: str) -> Path:
    """Copy a file into `folder` under `name`: whole or not at all, and only if it is not there.

    Raises:
        SubmissionError: If the disk refuses.
    """
    target = folder / name
    if target.is_file() and file_sha256(target) == file_sha256(path):
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(target) as scratch:
            shutil.copyfile(path, scratch)
    except OSError as error:
        raise SubmissionError(
            f"{target} cannot be written: {reason(error)}.",
            hint="Make room there, or work in another folder: PODIUM_WORKSPACE=DIR",
        ) from error
    return target


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
    once = [name for name in wanted if names.count(name) == 1]
    if not once:
        return _assembled(names, {}, rows)
    try:
        table = _parse_csv(path, {name: _csv_type(name, labels) for name in once})
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
        table = _parse_csv(path, dict.fromkeys(once, pa.string()))
    return _assembled(names, dict(zip(once, table.columns, strict=True)), table.num_rows)


def _csv_type(name: str, labels: set[str]) -> pa.DataType:
    return pa.string() if name == "id" or name in labels else pa.float64()


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
        strings_can_be_null=True,
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
                f"row {row.number - 1}, {_many(row.actual_columns, 'field')}: {row.text[:60]!r}"
                for row in ragged[:_EXAMPLES]
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
    once = [name for name in wanted if names.count(name) == 1]
    nested = [f"{name} {schema.field(name).type}" for name in once if name not in leaves]
    if nested:
        raise ValueError(f"columns must hold one value a row: {', '.join(nested)}")
    # of all columns: to ask a damaged file for a single one can abort the process
    sizes = [metadata.row_group(g).total_byte_size for g in range(metadata.num_row_groups)]
    _check_size(metadata.num_rows, rows, sum(sizes), limit)
    if not once:
        return _assembled(names, {}, metadata.num_rows)
    with pq.ParquetFile(path, metadata=metadata, read_dictionary=once) as file:  # texts stay small
        table = file.read(columns=once, use_threads=False)
    table.validate(full=True)  # damaged text would fail only where it is shown
    return _assembled(names, {name: table[name] for name in once}, metadata.num_rows)


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
    """Bytes of the longest text in a column, 0 where it has none."""
    if table.column_names.count(name) != 1:
        return 0
    sizes = [0]
    for chunk in table.column(name).chunks:
        texts = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk
        if any(is_text(texts.type) for is_text in _TEXT) or pa.types.is_binary(texts.type):
            sizes.append(pc.max(pc.binary_length(texts)).as_py() or 0)
    return max(sizes)


def _column_problems(table: pa.Table, competition: Competition) -> list[str]:
    wanted = ["id", *(target.name for target in competition.targets)]
    found = table.column_names
    like = {name.strip().casefold(): name for name in found}
    problems = [
        f"column {name!r} is missing"
        + (f" (there is {like[name.casefold()]!r})" if name.casefold() in like else "")
        for name in wanted
        if name not in found
    ]
    if not table.num_rows:
        problems.append("the table has no rows")
    problems += [f"column {name!r} is there twice" for name in wanted if found.count(name) > 1]
    extra = [repr(name[:60]) for name in found if name not in wanted]
    if extra:
        problems.append(f"{_many(len(extra), 'unexpected column')}: {_first(extra, len(extra))}")
    if found[:1] == [""]:
        problems.append("the first column has no name: save without the row index (index=False)")
    return problems


def _text_ids(table: pa.Table) -> pa.StringArray:
    column = table.column("id")
    column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.string())


def _id_problems(table: pa.Table, ids: pa.StringArray) -> tuple[Any, list[str]]:
    """The row of each expected id, and what is wrong with the given ones."""
    try:
        given = _text_ids(table)
    except pa.ArrowException:
        kind = table.schema.field("id").type
        return None, [f"column 'id' has type {kind}; text or whole numbers are expected"]
    problems = []
    if given.null_count:
        problems.append(f"{_many(given.null_count, 'row')} without an id")
    position = pc.index_in(given, value_set=ids)
    unknown = pc.filter(given, pc.and_(pc.is_null(position), pc.is_valid(given)))
    if len(unknown):
        problems.append(f"{_many(len(unknown), 'unknown id')}: {_listed(unknown)}")
        if pc.all(pc.ends_with(unknown, ".0")).as_py():
            problems.append("the ids were saved as decimals (7.0 for 7): save them as text")
        bare = pc.utf8_trim(unknown, " \t\r'\"")
        if pc.all(pc.is_in(bare, value_set=ids)).as_py():
            problems.append("the ids have spaces or quotes around them: save them without")
    rows = pc.index_in(ids, value_set=given)
    missing = pc.filter(ids, pc.is_null(rows))
    if len(missing):
        problems.append(f"{_many(len(missing), 'id')} missing: {_listed(missing)}")
    count = np.bincount(_numpy(position.drop_null()), minlength=len(ids))
    twice = np.flatnonzero(count > 1)
    if len(twice):
        names = [ids[int(row)].as_py() for row in twice[:_EXAMPLES]]
        problems.append(f"{_many(len(twice), 'id')} more than once: {_first(names, len(twice))}")
    return _numpy(rows), problems


def _numbers(table: pa.Table, target: Target) -> tuple[Any, list[str]]:
    """A target column as float64, and what is wrong with its values."""
    column = table.column(target.name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    given, problems = column, []
    if any(is_text(column.type) for is_text in _TEXT):
        column = column.cast(pa.string())
        column = pc.if_else(_is_number(column), pc.utf8_trim_whitespace(column), None)
    elif not any(is_numeric(column.type) for is_numeric in _NUMERIC):
        return np.empty(0), [f"column {target.name!r} has type {column.type}; numbers are expected"]
    no_value, no_number = _numpy(given.is_null()), _numpy(column.is_null())
    values = np.where(no_number, np.nan, _numpy(column.cast(pa.float64(), safe=False)))
    text = no_number & ~no_value
    absent = np.isnan(values) & ~text
    infinite = np.isinf(values)
    with np.errstate(invalid="ignore"):
        outside = ((values < target.low) | (values > target.high)) & ~infinite
    limits = f"[{target.low:g}, {target.high:g}]"
    for mask, what in (
        (text, "no number"),
        (absent, "missing or NaN"),
        (infinite, "infinite"),
        (outside, f"outside {limits}"),
    ):
        rows = np.flatnonzero(mask)
        if len(rows) and what == "no number" and pc.any(_has_comma(given)).as_py():
            problems.append(f"column {target.name!r}: decimals have a comma; a point is expected")
        if len(rows):
            examples = [f"row {row + 1} ({given[int(row)].as_py()!r})" for row in rows[:_EXAMPLES]]
            listed = _first(examples, len(rows))
            problems.append(f"column {target.name!r}: {_many(len(rows), 'value')} {what}: {listed}")
    return values, problems


def _labels(table: pa.Table, target: Target) -> tuple[Any, list[str]]:
    """A column of labels as text, object, and what is wrong with its values."""
    column = table.column(target.name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type) and _all_whole(column):  # as pandas has them beside NaN
        column = pc.if_else(pc.is_nan(column), None, column).cast(pa.int64())
    texts = any(is_text(column.type) for is_text in _TEXT)
    if not (texts or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        return np.empty(0, dtype=object), [
            f"column {target.name!r} has type {column.type}; whole numbers or text are expected"
        ]
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    values = np.array(["", *encoded.dictionary.to_pylist()], dtype=object)
    labels = values[_numpy(pc.fill_null(encoded.indices, -1)) + 1]
    rows = np.flatnonzero(labels == "")
    listed = _first([f"row {row + 1}" for row in rows[:_EXAMPLES]], len(rows))
    problems = [f"column {target.name!r}: {_many(len(rows), 'value')} missing or NaN: {listed}"]
    return labels, problems if len(rows) else []


def _all_whole(column: pa.ChunkedArray) -> bool:
    values = pc.fill_null(column.cast(pa.float64()), float("nan"))
    rest = pc.filter(values, pc.invert(pc.is_nan(values)))
    largest = 2.0**53
    return bool(
        pc.all(pc.and_(pc.equal(pc.floor(rest), rest), pc.less(pc.abs(rest), largest))).as_py()
        is not False
    )


def _numpy(values: Any) -> Any:
    """An arrow array as NumPy, anything where it is null; `to_numpy` would import pandas."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_boolean(values.type):
        return np.from_dlpack(values.cast(pa.uint8())).view(bool)
    data = [None, values.buffers()[1]]
    bare = pa.Array.from_buffers(values.type, len(values), data, offset=values.offset)
    return np.from_dlpack(bare)


def _is_number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    number = r"^\s*[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|inf(inity)?|nan)\s*$"
    return pc.match_substring_regex(column, number, ignore_case=True)


def _has_comma(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.match_substring_regex(column, r"^\s*[+-]?\d+,\d+\s*$")


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _first(examples: list[str], count: int) -> str:
    more = ", ..." if count > _EXAMPLES else ""
    return ", ".join(text[:80] for text in examples[:_EXAMPLES]) + more


def _listed(ids: pa.StringArray) -> str:
    names = ids[:_EXAMPLES].to_pylist()
    return _first([n if n.isprintable() and n == n.strip() else repr(n) for n in names], len(ids))


def _sample(competition: Competition) -> str:
    return f"the sample_submission.csv that `podium data {competition.name}` names"
