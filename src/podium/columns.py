"""Columns of Arrow tables as numbers or as labels, and the words for what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import pandas as pd

TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
EXAMPLES = 5
"""How many of what is wrong are shown."""
_CANONICAL = r"^(0|-?[1-9]\d*)$"
_WHOLE = r"^[+-]?(0|[1-9]\d*)(\.0+)?$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


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


def encoded_labels(
    column: pa.ChunkedArray, known: Collection[str] = ()
) -> pa.DictionaryArray | None:
    """Labels as text, null or empty where there is none; None if its type has no labels.

    A column of numbers whose fractions are all zero says the same as the whole numbers, whether
    it comes as numbers or as text. Any other text is a label as it stands: `01` is not `1`, and
    `2.0` stays where it is known so, as beside `x` in train.

    Args:
        column: Of labels.
        known: The labels of train. The column is read in the way that has more of them.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_boolean(column.type):  # as pandas reads labels True and False
        column = pc.if_else(column, "True", "False")
    floats = pa.types.is_decimal(column.type) or pa.types.is_floating(column.type)
    texts = any(is_text(column.type) for is_text in TEXT)
    if not (floats or texts or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        return None
    if floats:
        column = column.cast(pa.float64())
        column = pc.if_else(pc.is_nan(column), None, column)  # as pandas has them
    encoded = column.cast(column.type if floats else pa.string()).combine_chunks()
    encoded = encoded.dictionary_encode()
    written = pa.array(map(str, encoded.dictionary.to_pylist()), pa.string())
    if floats and not _all_whole(column) and not set(known).issuperset(written.to_pylist()):
        return None
    plain = _without_zeros(written)
    kept, left = (len(set(known).intersection(names.to_pylist())) for names in (written, plain))
    chosen = written if kept and kept >= left else plain
    return pa.DictionaryArray.from_arrays(encoded.indices, chosen)


def decoded_labels(encoded: pa.DictionaryArray, missing: Any = "") -> Any:
    """Labels as objects, the same one each time."""
    values = np.array([missing, *encoded.dictionary.to_pylist()], dtype=object)
    return values[as_numpy(pc.fill_null(encoded.indices, -1)) + 1]


def as_read(texts: Any) -> Any:
    """Texts as a table would have them: whole numbers, truth values, or else the texts.

    It takes all values to say so: `01` is text, and then so is `1` beside it.

    Args:
        texts: Of a whole column, none missing.

    Returns:
        int64, bool or object.
    """
    texts = np.asarray(texts, dtype=object)
    column = pa.array(texts, pa.string(), from_pandas=True)
    kinds = column.unique()
    if not column.null_count and len(column):
        if pc.all(pc.match_substring_regex(kinds, _CANONICAL)).as_py():
            with suppress(pa.ArrowInvalid):  # beyond 64 bits
                return as_numpy(column.cast(pa.int64())).copy()
        if set(kinds.to_pylist()) <= {"True", "False"}:
            return as_numpy(pc.equal(column, "True")).copy()
    return texts


def has_fractions(column: pa.Array | pa.ChunkedArray) -> bool:
    """Whether there are only numbers, as such or as text, and some are not whole."""
    if any(is_text(column.type) for is_text in TEXT):
        column = pc.filter(column, pc.not_equal(column, ""))
        if not pc.all(pc.match_substring_regex(column, _NUMBER)).as_py():
            return False
    return bool(_fractions(column))


def _fractions(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values that are numbers, as such or as text, and not whole."""
    if any(is_text(column.type) for is_text in TEXT):
        column = pc.filter(column, pc.match_substring_regex(column, _NUMBER))
    values = column.cast(pa.float64())
    return list(
        pc.filter(
            column, pc.and_(pc.is_finite(values), pc.not_equal(pc.floor(values), values))
        ).to_pylist()
    )


def _without_zeros(texts: pa.StringArray) -> pa.StringArray:
    """Whole numbers without their zero fractions, if all are such: `2.0` as `2`."""
    there = pc.filter(texts, pc.not_equal(texts, ""))
    if not pc.any(pc.match_substring(there, ".0")).as_py():
        return texts
    if not pc.all(pc.match_substring_regex(there, _WHOLE)).as_py():
        return texts
    bare = pc.replace_substring_regex(texts, r"^\+|\.0+$", "")
    return pc.if_else(pc.equal(bare, "-0"), "0", bare)


def answer_labels(values: Any) -> Any:
    """Labels of answers as text, object, NaN where there is none.

    Numbers are read by the rule of `encoded_labels`, or as Python writes them if some are not
    whole.

    Args:
        values: A column of NumPy or pandas, in any type.
    """
    try:
        given = pa.array(values, from_pandas=True)
    except pa.ArrowException:  # objects of several types
        import pandas as pd

        given = pa.array([None if pd.isna(v) else str(v) for v in values], pa.string())
    column = given if isinstance(given, pa.ChunkedArray) else pa.chunked_array([given])
    encoded = encoded_labels(column)
    if encoded is None:
        encoded = column.combine_chunks().dictionary_encode()
        texts = list(map(str, encoded.dictionary.to_pylist()))
        encoded = pa.DictionaryArray.from_arrays(encoded.indices, pa.array(texts, pa.string()))
    labels = decoded_labels(encoded, np.nan)
    labels[labels == ""] = np.nan
    return labels


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


def is_number(text: str) -> bool:
    """Whether a text is written as a number."""
    return re.match(_NUMBER, text.strip(), re.ASCII) is not None


def _is_number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    number = r"^\s*[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|inf(inity)?|nan)\s*$"
    return pc.match_substring_regex(column, number, ignore_case=True)


def _has_comma(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.match_substring_regex(column, r"^\s*[+-]?\d+,\d+\s*$")


def among(texts: pd.Series, others: pd.Series | pd.Index) -> pd.Series:
    """Which texts are among others; `isin` of pandas takes those of its string type one by one."""
    if not texts.dtype == others.dtype == "str":
        return texts.astype(object).isin(others.astype(object))
    there: pd.Series = pc.is_in(pa.array(texts), value_set=pa.array(others)).to_pandas()
    return there.set_axis(texts.index)


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
