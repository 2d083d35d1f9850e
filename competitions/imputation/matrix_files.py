"""Matrices of counts as CSV, whichever way round: read, turned, compared with each other.

The header may be missing, and so may the names in the first column. Commas, semicolons and tabs are
understood. Which side the genes are on is told by all files of a dataset together; see `turned`.
"""

from __future__ import annotations

import csv
import re
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from podium.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

USUAL_GENES = 1000
"""Of a course's files; decides where no name does."""
MOST = 1 << 31
"""Counts of one gene in one cell."""
_MISSING = ("", "NA", "NaN", "nan", "null", "None", "N/A")
_CORNER = {"", "id", "index", "name", "cell", "cells", "barcode", "gene", "genes", "unnamed: 0"}
"""What stands above the names in the first column."""
_GENE = re.compile(r"gene|ens[a-z]*g\d", re.IGNORECASE)
_CELL = re.compile(r"cell|barcode|[acgt]{8,}(-\d+)?$", re.IGNORECASE)
_BLOCK = 1 << 28


class Matrix(NamedTuple):
    """Numbers, and the names of what they are of.

    Attributes:
        numbers: [rows, columns], float64; NaN where there is none.
        rows: Names of the rows; None where the file has none.
        columns: Names of the columns; None where the file has none.
    """

    numbers: NDArray[np.float64]
    rows: list[str] | None
    columns: list[str] | None

    def turned(self) -> Matrix:
        """The other way round."""
        return Matrix(self.numbers.T, self.columns, self.rows)


def read(path: Path) -> Matrix:
    """Read a file.

    Raises:
        DataError: If it is no table of numbers.
    """
    import pyarrow as pa
    import pyarrow.csv as arrow

    try:
        separator, first, second = _beginning(path)
        header = _is_header(first)
        width = len(second) if header and second else len(first)
        named = _has_names(first, second, header=header)
        table = arrow.read_csv(
            path,
            read_options=arrow.ReadOptions(
                column_names=[str(number) for number in range(width)],
                skip_rows=int(header),
                block_size=_BLOCK,
            ),
            parse_options=arrow.ParseOptions(delimiter=separator),
            convert_options=arrow.ConvertOptions(
                column_types={
                    str(n): pa.string() if named and not n else pa.float64() for n in range(width)
                },
                null_values=list(_MISSING),
            ),
        )
    except (pa.ArrowException, OSError, ValueError, csv.Error) as error:
        said = (str(error).strip() or "it is empty").splitlines()[0]
        raise DataError("it is no table of numbers", problems=[said[:200]]) from error
    columns = [table.column(number).to_numpy() for number in range(int(named), width)]
    values = np.column_stack(columns) if columns else np.empty((table.num_rows, 0))
    rows = [str(name or "").strip() for name in table.column(0).to_pylist()] if named else None
    return Matrix(values, rows, first[len(first) - len(columns) :] if header else None)


def _beginning(path: Path) -> tuple[str, list[str], list[str]]:
    """The separator, and the first two lines."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = [file.readline(), file.readline()]
    separator = max(",;\t", key=lines[0].count)
    first, second = (next(csv.reader([line], delimiter=separator), []) for line in lines)
    if not first:
        raise ValueError("it is empty")
    return separator, [name.strip() for name in first], second


def _is_header(line: Sequence[str]) -> bool:
    """Whether a line has names: words, or numbers that only count."""
    rest = line[1:]
    if not all(map(_is_number, rest)) or (rest and not line[0]):
        return True
    return _only_count(rest) and (_only_count(line) or not _is_number(line[0]))


def _only_count(texts: Sequence[str]) -> bool:
    """Whether they are 0, 1, 2, ... or 1, 2, 3, ..."""
    if len(texts) < 5 or texts[0] not in ("0", "1") or not all(t.isdecimal() for t in texts):
        return False
    return all(int(b) == int(a) + 1 for a, b in pairwise(texts))


def _has_names(first: Sequence[str], second: Sequence[str], *, header: bool) -> bool:
    """Whether the first column has names."""
    if not header:
        return not _is_number(first[0])
    if len(second) == len(first) + 1 or (second and not _is_number(second[0])):
        return True
    return first[0].casefold() in _CORNER


def _is_number(text: str) -> bool:
    if text.strip() in _MISSING:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def turned(files: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """The same matrices with cells in rows and genes in columns.

    Of all ways to turn them the one is taken for which speaks most: names such as Gene1 and Cell1;
    then names, then numbers, of genes that the files share; then a side of 1,000, which are genes;
    then that the rows are cells.
    """
    ways = product(*((one, one.turned()) for one in files.values()))
    plain = tuple(files.values())
    best = max(ways, key=lambda way: _evidence(way, plain))
    return dict(zip(files, best, strict=True))


def _evidence(way: Sequence[Matrix], plain: Sequence[Matrix]) -> tuple[int, ...]:
    """What speaks for matrices that stand this way, the strongest first."""
    pairs = list(combinations(way, 2))
    return (
        sum(_says(_GENE, one.columns) + _says(_CELL, one.rows) for one in way)
        - sum(_says(_GENE, one.rows) + _says(_CELL, one.columns) for one in way),
        sum(a.columns is not None and _same(a.columns, b.columns) for a, b in pairs),
        sum(a.numbers.shape[1] == b.numbers.shape[1] for a, b in pairs),
        sum((one.numbers.shape[1] == USUAL_GENES) for one in way)
        - sum(one.numbers.shape[0] == USUAL_GENES for one in way),
        sum(one is other for one, other in zip(way, plain, strict=True)),
    )


def _says(word: re.Pattern[str], names: Sequence[str] | None) -> int:
    """Whether most names are of that form."""
    return int(2 * sum(bool(word.match(name)) for name in names or ()) > len(names or ()))


def _same(a: Sequence[str] | None, b: Sequence[str] | None) -> bool:
    return a is not None and b is not None and sorted(a) == sorted(b)


def fitted(one: Matrix, to: Matrix, *, cells: bool) -> tuple[Matrix, list[str]]:
    """A matrix with the genes (and the cells) of another in their order, and what does not fit.

    Sides without names are taken in the order in which they are.
    """
    problems = []
    genes, trouble = _places(one.columns, to.columns, one.numbers.shape[1], to.numbers.shape[1])
    problems += [f"genes: {line}" for line in trouble]
    rows: Any = slice(None)
    if cells:
        rows, trouble = _places(one.rows, to.rows, len(one.numbers), len(to.numbers))
        problems += [f"cells: {line}" for line in trouble]
    if problems:
        return one, problems
    names = to.rows if cells else one.rows
    return Matrix(one.numbers[rows][:, genes], names, to.columns), []


def _places(
    have: Sequence[str] | None, want: Sequence[str] | None, count: int, wanted: int
) -> tuple[Any, list[str]]:
    """Where what is wanted stands among what is there."""
    if count != wanted:
        return slice(None), [f"{count:,}, expected {wanted:,}"]
    if have is None or want is None or list(have) == list(want):
        return slice(None), []
    place = {name: number for number, name in enumerate(have)}
    missing = [name for name in want if name not in place]
    if missing:
        names = f"{len(missing):,} of {wanted:,} names are missing, the first is {missing[0]}"
        return slice(None), [names]
    if len(place) < count or len(set(want)) < wanted:
        return slice(None), ["names repeat and stand in another order"]
    return [place[name] for name in want], []


def wrong(values: NDArray[Any]) -> list[str]:
    """What of some numbers can be no counts, a line each."""
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        cases = (
            (np.isnan(values), "missing"),
            (np.isinf(values), "infinite"),
            (values < 0, "negative"),
            (finite & (values > MOST), f"above {MOST:,}"),
            (finite & (values != np.floor(values)), "no whole numbers: give raw counts"),
        )
    return [
        f"{int(bad.sum()):,} counts are {what} (the first is {values[bad][0]:g})"
        for bad, what in cases
        if bad.any()
    ]
