"""Columns of predictions: numbers, labels or a matrix, and in words what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

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

if TYPE_CHECKING:
    from podium.competition.contract import Target

_BLOCK = 1 << 21  # values of a matrix that are looked at, at once


def column_problems(
    names: Sequence[str],
    rows: int,
    wanted: Sequence[str],
    kinds: Mapping[str, str] | None = None,
    notes: list[str] | None = None,
) -> list[str]:
    """What is wrong with the columns of a table; those that nobody asked for are left out.

    Args:
        names: Of the table.
        rows: How many rows it has.
        wanted: The columns that are read, `id` first.
        kinds: What each must hold, in words; those without a word may be missing, unless another
            column has nearly their name: it would be left out.
        notes: Gets a sentence if columns are left out.
    """
    times = Counter(names)
    expected = set(wanted)
    like = {name.strip().casefold(): name for name in names if name not in expected}
    ends = {name: f": {kind} expected" for name, kind in (kinds or {}).items()}
    near = {name: like[name.casefold()] for name in wanted if name.casefold() in like}
    for name, other in near.items():
        ends[name] = f"{ends.get(name, '')} (there is {other!r})"
    needed = expected if kinds is None else {*kinds, *near}
    problems = []
    for group in (wanted[:1], wanted[1:]):  # the other columns may be many
        missing = [name for name in group if name in needed and name not in times]
        problems += _several(missing, "missing", ends)
        problems += _several([name for name in group if times[name] > 1], "there twice", {})
    if kinds is None and names[:1] == [""] and "id" not in times:
        problems.append("the first column has no name: if it has the ids, call it 'id'")
    if not rows:
        problems.append("the table has no rows")
    extra = [repr(name[:60]) for name in names if name not in expected]
    if extra and problems:
        problems.append(f"{many(len(extra), 'unexpected column')}: {first(extra, len(extra))}")
    elif extra and notes is not None:
        notes.append(f"{many(len(extra), 'column')} left out: {first(extra, len(extra))}.")
    return problems


def _several(names: Sequence[str], what: str, ends: Mapping[str, str]) -> list[str]:
    """A line for each name; one for all where they are many."""
    if len(names) <= EXAMPLES:
        return [f"column {name!r} is {what}{ends.get(name, '')}" for name in names]
    shown = first([repr(name[:60]) for name in names[: EXAMPLES + 1]], len(names))
    return [f"{many(len(names), 'column')} {what}: {shown}"]


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
    if target.text:
        texts = column.cast(pa.string()).fill_null("").combine_chunks().dictionary_encode()
        return decoded_labels(texts), []
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


class Wide(NamedTuple):
    """A predictions table whose columns are those of one matrix.

    Attributes:
        ids: Ids of the rows; None where there are none.
        names: Names of the columns.
        values: [rows, names], float32 or float64, dense or `csr_array`; NaN where there is none.
        troubles: What of it was no number, in words.
    """

    ids: pa.ChunkedArray | None
    names: list[str]
    values: Any
    troubles: list[str]

    @classmethod
    def of(cls, table: pa.Table, genes: Sequence[str]) -> Wide:
        """The columns of the genes, each of which is there once, as one dense matrix."""
        small = all(pa.types.is_float32(table.schema.field(gene).type) for gene in genes)
        values = np.empty((table.num_rows, len(genes)), np.float32 if small else np.float64)
        no_numbers, texts, first_texts = [], 0, []
        for place, gene in enumerate(genes):
            column = table.column(gene)
            converted = parsed(column)
            if converted is None:
                no_numbers.append(f"{gene!r} ({column.type})")
                values[:, place] = 0
                continue
            values[:, place], text = converted
            if text.any():
                rows = np.flatnonzero(text)
                texts += len(rows)
                first_texts += [_where(row, gene, column[int(row)]) for row in rows[:EXAMPLES]]
                values[rows, place] = 0
        troubles = []
        if no_numbers:
            listed = first(no_numbers, len(no_numbers))
            troubles.append(
                f"{many(len(no_numbers), 'column')} of another type than numbers: {listed}"
            )
        if texts:
            troubles.append(f"{many(texts, 'value')} no number: {first(first_texts, texts)}")
        ids = table.column("id") if table.column_names.count("id") == 1 else None
        return cls(ids, list(genes), values, troubles)

    @classmethod
    def unpacked(cls, table: pa.Table) -> Wide:
        """What was packed."""
        from scipy.sparse import csr_array

        lists = {name: table.column(name).chunk(0).values for name in table.column_names}
        ids, genes, data = lists["ids"], lists["genes"].to_pylist(), lists["data"].to_numpy()
        shape = len(ids), len(genes)
        if "indptr" in lists:
            indices, ends = lists["indices"].to_numpy(), lists["indptr"].to_numpy()
            values: Any = csr_array((data, indices, ends), shape=shape)
        else:
            values = data.reshape(shape)
        return cls(pa.chunked_array([ids]), genes, values, [])

    def packed(self) -> pa.Table:
        """One row of lists: `ids`, `genes`, and `data` or the three parts of sparse rows."""
        ids = self.column("id").combine_chunks()
        lists: dict[str, Any] = {"ids": ids, "genes": pa.array(self.names)}
        if isinstance(self.values, np.ndarray):
            lists["data"] = pa.array(self.values.reshape(-1))
        else:
            parts = ("data", "indices", "indptr")
            lists |= {name: pa.array(getattr(self.values, name)) for name in parts}
        return pa.table(
            {key: pa.LargeListArray.from_arrays([0, len(v)], v) for key, v in lists.items()}
        )

    @property
    def column_names(self) -> list[str]:
        """All columns, as a table has them."""
        return [*(["id"] if self.ids is not None else []), *self.names]

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return int(self.values.shape[0])

    def column(self, _: str) -> pa.ChunkedArray:
        """The ids: the one column that is none of the matrix."""
        return self.ids

    def take(self, genes: Sequence[str]) -> Wide:
        """The columns of these genes, in this order."""
        if self.names == list(genes):
            return self
        place = {name: number for number, name in enumerate(self.names)}
        values = self.values[:, [place[gene] for gene in genes]]
        return self._replace(names=list(genes), values=values)

    def problems(self, target: Target) -> list[str]:
        """What is wrong with the values; zeros of a sparse matrix are never looked at."""
        problems = list(self.troubles)
        for what, test in (
            ("missing or NaN", np.isnan),
            ("infinite", np.isinf),
            (f"outside {limits(target)}", lambda values: beyond(values, target)),
        ):
            count, examples = self._some(test)
            if count:
                problems.append(f"{many(count, 'value')} {what}: {first(examples, count)}")
        return problems

    def _some(self, test: Any) -> tuple[int, list[str]]:
        """How many values a test finds, and where the first are."""
        count = 0
        examples: list[str] = []
        step = max(1, _BLOCK // max(1, len(self.names)))
        for start in range(0, self.num_rows, step):
            block = self.values[start : start + step]
            if hasattr(block, "tocoo"):
                block = block.tocoo()
                bad = np.flatnonzero(test(block.data))
                rows, places, values = (x[bad] for x in (block.row, block.col, block.data))
            else:
                rows, places = np.nonzero(test(block))
                values = block[rows, places]
            shown = slice(0, EXAMPLES - len(examples))
            examples += [
                _where(start + row, self.names[place], value)
                for row, place, value in zip(rows[shown], places[shown], values[shown], strict=True)
            ]
            count += len(rows)
        return count, examples


def _where(row: int, gene: str, value: Any) -> str:
    shown = value.as_py() if isinstance(value, pa.Scalar) else float(value)
    return (
        f"row {row + 1}, column {gene!r} ({str(shown)[:30]!r})"
        if isinstance(shown, str)
        else (f"row {row + 1}, column {gene!r} ({shown:g})")
    )
