"""One column of a predictions table: numbers or labels, and in words what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from podium.columns import (
    EXAMPLES,
    _fractions,
    _has_comma,
    decoded_labels,
    encoded_labels,
    first,
    has_fractions,
    many,
    parsed,
)
from podium.competition.contract import Competition, Target


def wanted(competition: Competition, genes: Sequence[str] = ()) -> list[str]:
    """The columns of a predictions table."""
    return ["id", *(genes or [target.name for target in competition.targets])]


def numbers(table: pa.Table, target: Target) -> tuple[Any, list[str]]:
    """A target column as float64, and what is wrong with its values."""
    column = table.column(target.name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    converted = parsed(column)
    if converted is None:
        return np.empty(0), [f"column {target.name!r} has type {column.type}; numbers are expected"]
    values, text = converted
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


def beyond(values: Any, target: Target) -> Any:
    """Which values are outside a target's range; infinite ones are another matter."""
    with np.errstate(invalid="ignore"):
        return ((values < target.low) | (values > target.high)) & ~np.isinf(values)


def limits(target: Target) -> str:
    """A target's range in words."""
    return f"[{target.low:g}, {target.high:g}]"


def labels(
    table: pa.Table,
    target: Target,
    known: Collection[str] | None = None,
    notes: list[str] | None = None,
) -> tuple[Any, list[str]]:
    """A column of labels as text, object, and what is wrong with its values.

    Args:
        table: With the column.
        target: Which one.
        known: The labels that train has, none where any will do; None if nobody knows.
        notes: Gets a sentence if others occur.
    """
    column = table.column(target.name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    encoded = encoded_labels(column, known or ())
    if encoded is None:
        expected = "whole numbers or text are expected"
        problem = f"column {target.name!r} has type {column.type}; {expected}"
        numeric = pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
        return np.empty(0, dtype=object), [
            _fractions_problem(target, known) if numeric and has_fractions(column) else problem
        ]
    if known is not None and not set(_fractions(encoded.dictionary)) <= set(known):
        return np.empty(0, dtype=object), [_fractions_problem(target, known)]
    labels = decoded_labels(encoded)
    rows = np.flatnonzero(labels == "")
    listed = first([f"row {row + 1}" for row in rows[:EXAMPLES]], len(rows))
    problems = [f"column {target.name!r}: {many(len(rows), 'value')} missing or NaN: {listed}"]
    if known and notes is not None:
        notes += _strange(encoded, target, known)
    return labels, problems if len(rows) else []


def _fractions_problem(target: Target, known: Collection[str] | None) -> str:
    names = sorted(known or ())
    wanted = f", one of {first([repr(name) for name in names], len(names))}" if names else ""
    return (
        f"column {target.name!r} has numbers with fractions; these look like probabilities; "
        f"labels are wanted{wanted or ': whole numbers or text'}"
    )


def _strange(encoded: pa.DictionaryArray, target: Target, known: Collection[str]) -> list[str]:
    """A sentence if there are labels that train does not have."""
    names = [name for name in encoded.dictionary.unique().to_pylist() if name]
    train = set(known)
    strange = [name for name in names if name not in train]
    if not strange:
        return []
    rows = pc.sum(pc.is_in(encoded.cast(pa.string()), value_set=pa.array(strange))).as_py()
    listed = first([repr(name) for name in strange[:EXAMPLES]], len(strange))
    return [
        f"Column {target.name!r} has {many(len(strange), 'label')} that no train row has, in "
        f"{many(rows, 'row')}: {listed}."
    ]
