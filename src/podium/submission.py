"""Submissions: read a predictions file, check it, keep it under the name of its content.

Every submission passes one validated join by id before any metric sees it. Everything that is
wrong is said at once, with counts and the first five examples, and nothing is written.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from podium.competition import Competition, Target
from podium.edition import file_sha256
from podium.errors import SubmissionError, reason
from podium.metric import Table
from podium.scratch import sweep

FORMATS = (".csv", ".parquet", ".h5", ".hdf5")
_EXAMPLES = 5
_INCOMING = ".incoming-"
_LARGE_FILE = 32 << 20
_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A"]


def read(path: Path, competition: Competition) -> pa.Table:
    """Read a predictions file as it is: text ids, columns as found.

    Args:
        path: A `.csv`, `.parquet`, `.h5` or `.hdf5` file.
        competition: Whose columns are expected.

    Raises:
        SubmissionError: If it cannot be read as a table at all.
    """
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise SubmissionError(f"{path} {what}.", hint="Name a predictions file.")
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise SubmissionError(
            f"{path} is no format that Podium reads.",
            hint=f"Save the predictions as one of: {', '.join(FORMATS)}",
        )
    try:
        if suffix == ".csv":
            return _read_csv(path, competition)
        return _read_parquet(path) if suffix == ".parquet" else _read_hdf5(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "unreadable"
        raise SubmissionError(
            f"{path} cannot be read as {suffix[1:]}.",
            problems=[reason[:300]],
            hint="Is the file whole, and is its content what its name says?",
        ) from error


def align(table: pa.Table, competition: Competition, ids: pa.StringArray) -> Table:
    """Check a predictions table and give its columns in the order of `ids`, float64.

    Args:
        table: As `read` gives it.
        competition: Whose columns and ranges are expected.
        ids: The ids to predict, each once.

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
            values, trouble = _numbers(table, target)
            problems += trouble
            columns[target.name] = values
    if problems:
        raise SubmissionError(
            f"The submission cannot be scored: {len(problems)} "
            f"problem{'s' if len(problems) > 1 else ''}.",
            problems=problems,
            hint=f"What is expected: podium show {competition.name}, and {_sample(competition)}",
        )
    return {name: values[rows] for name, values in columns.items()}


def from_pandas(table: Any) -> pa.Table:
    """A model's predictions as a table.

    Raises:
        SubmissionError: If `table` is no DataFrame.
    """
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        raise SubmissionError(
            f"predict() returned {type(table).__name__}; it must return a pandas DataFrame."
        )
    arrow = pa.Table.from_pandas(table.reset_index(drop=True), preserve_index=False)
    return arrow.replace_schema_metadata(None)


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
        sweep(folder, _INCOMING)
        _copy(path, target)
    except OSError as error:
        raise SubmissionError(
            f"{target} cannot be written: {reason(error)}.",
            hint="Make room there, or work in another folder: PODIUM_WORKSPACE=DIR",
        ) from error
    return target


def _copy(path: Path, target: Path) -> None:
    handle, scratch = tempfile.mkstemp(prefix=_INCOMING, dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out, path.open("rb") as source:
            while block := source.read(1 << 20):
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        Path(scratch).chmod(0o644)
        Path(scratch).replace(target)
        if os.name == "posix":
            _sync_folder(target.parent)
    finally:
        Path(scratch).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """The file's name must outlive a loss of power as its content does."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_csv(path: Path, competition: Competition) -> pa.Table:
    """Read with the expected types; where a value does not convert, read all as text instead."""
    from pyarrow import csv

    ragged: list[Any] = []

    def keep_ragged(row: Any) -> str:
        ragged.append(row)
        return "skip"

    reading = csv.ReadOptions(use_threads=_worth_threads(path))
    types = {"id": pa.string(), **{t.name: pa.float64() for t in competition.targets}}
    parse = csv.ParseOptions(invalid_row_handler=keep_ragged)
    nulls = {"null_values": _NULLS, "strings_can_be_null": True, "quoted_strings_can_be_null": True}
    try:
        table = csv.read_csv(
            path,
            read_options=reading,
            parse_options=parse,
            convert_options=csv.ConvertOptions(column_types=types, **nulls),
        )
    except pa.ArrowInvalid as error:
        if "conversion error" not in str(error):
            raise
        ragged.clear()
        texts = dict.fromkeys(types, pa.string())
        table = csv.read_csv(
            path,
            read_options=reading,
            parse_options=parse,
            convert_options=csv.ConvertOptions(column_types=texts, **nulls),
        )
    if ragged:
        wanted = ragged[0].expected_columns
        raise SubmissionError(
            f"{path} is not a whole table: {len(ragged)} rows do not have {wanted} fields.",
            problems=[
                f"{row.actual_columns} fields: {row.text[:60]}" for row in ragged[:_EXAMPLES]
            ],
            hint="Every row must have as many fields as the header.",
        )
    return table


def _worth_threads(path: Path) -> bool:
    """Small files are read by one thread: faster, and Arrow's pool may abort a quick exit."""
    return path.stat().st_size > _LARGE_FILE


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        table = file.read(use_threads=_worth_threads(path))
    index = [name for name in table.column_names if name.startswith("__index_level_")]
    return table.drop_columns(index)  # pandas saves a row index that nobody asked for


def _read_hdf5(path: Path) -> pa.Table:
    """One dataset a column, at the top of the file or in a group `predictions`."""
    import h5py

    with h5py.File(path, "r") as file:
        group = file.get("predictions", file)
        if not isinstance(group, h5py.Group):
            raise ValueError("`predictions` is not a group")  # noqa: TRY004  shown to the user
        columns = {name: item for name, item in group.items() if isinstance(item, h5py.Dataset)}
        bad = [name for name, item in columns.items() if item.ndim != 1]
        if bad:
            raise ValueError(f"columns must have one dimension: {', '.join(bad[:_EXAMPLES])}")
        if len({item.shape for item in columns.values()}) > 1:
            sizes = ", ".join(f"{name} {item.shape[0]}" for name, item in columns.items())
            raise ValueError(f"columns differ in length: {sizes}")
        texts = {name: h5py.check_string_dtype(item.dtype) for name, item in columns.items()}
        return pa.table(
            {n: pa.array(c.asstr()[:] if texts[n] else c[:]) for n, c in columns.items()}
        )


def _column_problems(table: pa.Table, competition: Competition) -> list[str]:
    wanted = ["id", *(target.name for target in competition.targets)]
    found = table.column_names
    problems = [f"column {name!r} is missing" for name in wanted if name not in found]
    if not table.num_rows:
        problems.append("the table has no rows")
    problems += [f"column {name!r} is there twice" for name in wanted if found.count(name) > 1]
    extra = [repr(name[:60]) for name in found if name not in wanted]
    if extra:
        problems.append(f"{_many(len(extra), 'unexpected column')}: {_first(extra, len(extra))}")
    if found[:1] == [""]:
        problems.append("the first column has no name: save without the row index (index=False)")
    if len(found) == 1 and any(mark in found[0] for mark in ";\t"):
        problems.append("the header looks separated by semicolons or tabs; commas are expected")
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
    elif not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
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
        if len(rows):
            examples = [f"row {row + 1} ({given[int(row)].as_py()!r})" for row in rows[:_EXAMPLES]]
            listed = _first(examples, len(rows))
            problems.append(f"column {target.name!r}: {_many(len(rows), 'value')} {what}: {listed}")
    return values, problems


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


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _first(examples: list[str], count: int) -> str:
    more = ", ..." if count > _EXAMPLES else ""
    return ", ".join(text[:80] for text in examples[:_EXAMPLES]) + more


def _listed(ids: pa.StringArray) -> str:
    return _first(ids[:_EXAMPLES].to_pylist(), len(ids))


def _sample(competition: Competition) -> str:
    return f"the sample_submission.csv that `podium data {competition.name}` names"
