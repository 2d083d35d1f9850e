"""Predictions of a matrix: one row an id, one column a gene, dense or sparse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from podium.columns import EXAMPLES, first, many, parsed
from podium.competition.contract import Target
from podium.data.columns import beyond, limits

_BLOCK = 1 << 21  # values that are looked at, at once


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

    def take(self, genes: Sequence[str]) -> Any:
        """The matrix with its columns in this order [rows, genes]."""
        if self.names == list(genes):
            return self.values
        place = {name: number for number, name in enumerate(self.names)}
        return self.values[:, [place[gene] for gene in genes]]

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
