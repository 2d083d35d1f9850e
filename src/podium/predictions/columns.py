"""One column of a predictions table: numbers or labels, and in words what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from podium.competition import Competition, Target

TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
EXAMPLES = 5
"""How many of what is wrong are shown."""


def wanted(competition: Competition, genes: Sequence[str] = ()) -> list[str]:
    """The columns of a predictions table."""
    return ["id", *(genes or [target.name for target in competition.targets])]


def numbers(table: pa.Table, target: Target) -> tuple[Any, list[str]]:
    """A target column as float64, and what is wrong with its values."""
    column = table.column(target.name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    found = parsed(column)
    if found is None:
        return np.empty(0), [f"column {target.name!r} has type {column.type}; numbers are expected"]
    values, text = found
    given, problems = column, []
    absent = np.isnan(values) & ~text
    infinite = np.isinf(values)
    outside = beyond(values, target)
    for mask, what in (
        (text, "no number"),
        (absent, "missing or NaN"),
        (infinite, "infinite"),
        (outside, f"outside {limits(target)}"),
    ):
        rows = np.flatnonzero(mask)
        if len(rows) and what == "no number" and pc.any(_has_comma(given)).as_py():
            problems.append(f"column {target.name!r}: decimals have a comma; a point is expected")
        if len(rows):
            examples = [f"row {row + 1} ({given[int(row)].as_py()!r})" for row in rows[:EXAMPLES]]
            listed = first(examples, len(rows))
            problems.append(f"column {target.name!r}: {many(len(rows), 'value')} {what}: {listed}")
    return values, problems


def parsed(column: pa.ChunkedArray) -> tuple[Any, Any] | None:
    """A column as float64, NaN where it has no number, and which values are other texts.

    None if its type is neither numbers nor text.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    given = column
    if any(is_text(column.type) for is_text in TEXT):
        column = column.cast(pa.string())
        column = pc.if_else(_is_number(column), pc.utf8_trim_whitespace(column), None)
    elif not any(is_numeric(column.type) for is_numeric in _NUMERIC):
        return None
    values = as_numpy(column.cast(pa.float64(), safe=False))
    if not column.null_count:
        return values, np.zeros(len(values), dtype=bool)
    no_value, no_number = as_numpy(given.is_null()), as_numpy(column.is_null())
    return np.where(no_number, np.nan, values), no_number & ~no_value


def beyond(values: Any, target: Target) -> Any:
    """Which values are outside a target's range; infinite ones are another matter."""
    with np.errstate(invalid="ignore"):
        return ((values < target.low) | (values > target.high)) & ~np.isinf(values)


def limits(target: Target) -> str:
    """A target's range in words."""
    return f"[{target.low:g}, {target.high:g}]"


def labels(table: pa.Table, target: Target) -> tuple[Any, list[str]]:
    """A column of labels as text, object, and what is wrong with its values."""
    column = table.column(target.name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type) and _all_whole(column):  # as pandas has them beside NaN
        column = pc.if_else(pc.is_nan(column), None, column).cast(pa.int64())
    if pa.types.is_boolean(column.type):  # as pandas reads labels True and False
        column = pc.if_else(column, "True", "False")
    texts = any(is_text(column.type) for is_text in TEXT)
    if not (texts or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        return np.empty(0, dtype=object), [
            f"column {target.name!r} has type {column.type}; whole numbers or text are expected"
        ]
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    values = np.array(["", *encoded.dictionary.to_pylist()], dtype=object)
    labels = values[as_numpy(pc.fill_null(encoded.indices, -1)) + 1]
    rows = np.flatnonzero(labels == "")
    listed = first([f"row {row + 1}" for row in rows[:EXAMPLES]], len(rows))
    problems = [f"column {target.name!r}: {many(len(rows), 'value')} missing or NaN: {listed}"]
    return labels, problems if len(rows) else []


def _all_whole(column: pa.ChunkedArray) -> bool:
    values = pc.fill_null(column.cast(pa.float64()), float("nan"))
    rest = pc.filter(values, pc.invert(pc.is_nan(values)))
    largest = 2.0**53
    return bool(
        pc.all(pc.and_(pc.equal(pc.floor(rest), rest), pc.less(pc.abs(rest), largest))).as_py()
        is not False
    )


def as_numpy(values: Any) -> Any:
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


def many(count: int, noun: str) -> str:
    """So many of something."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def first(examples: list[str], count: int) -> str:
    """The first examples of so many."""
    more = ", ..." if count > EXAMPLES else ""
    return ", ".join(text[:80] for text in examples[:EXAMPLES]) + more


def listed(ids: pa.StringArray) -> str:
    """The first ids, quoted where they could not be told from the text around them."""
    names = ids[:EXAMPLES].to_pylist()
    return first([n if n.isprintable() and n == n.strip() else repr(n) for n in names], len(ids))
