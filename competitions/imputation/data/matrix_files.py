"""Matrices of counts as CSV, whichever way round: read, turned, compared with each other.

The header may be missing, and so may the names in the first column. Commas, semicolons and tabs are
understood. All files of a dataset together show which side the genes are on; see `turned`. Nothing
is guessed: without evidence the user must say it.
"""

from __future__ import annotations

import csv
import gzip
import re
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from podium.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CELLS, GENES = "cells", "genes"
MOST = 1 << 31
"""Counts of one gene in one cell."""
_MISSING = ("", "NA", "NaN", "nan", "null", "None", "N/A")
_CORNER = re.compile(
    r"|#|x|v1|id|index|names?|row[._ ]?names?|unnamed: 0|\.\.\.1"
    r"|(?P<what>cell|barcode|spot|sample|gene|symbol|feature)s?([._ ]?(id|name|symbol)s?)?",
    re.IGNORECASE,
)
"""What stands above the names in the first column: of pandas, of R, of the user's own."""
_CELL = re.compile(
    r"^(cell|barcode)|(^|[\W_\d])(cell|nucleus|nuclei|droplet|bead|spot|well|plate|sample)s?[\W_]*\d"
    r"|(^|[^a-z])[acgtn]{6,}([^a-z]|$)"  # barcodes: AAACCTGAGAAACCAT-1
    r"|[\W_][a-p](0?[1-9]|1\d|2[0-4])$"  # wells: plate1_B07
    r"|^([sed]rr|gsm|sam[end])\d",  # accessions
    re.IGNORECASE,
)
_GENE = re.compile(
    r"gene|ens[a-z]*g\d|loc\d|wbgene\d|fbgn\d|y[a-p][lr]\d{3}[cw]"
    r"|at[1-5cm]g\d{5}|(loc_)?os\d\dg\d|zm\d|grmzm\d",
    re.IGNORECASE,
)
"""Genes by number: of Ensembl, of NCBI, of worm, fly, yeast, Arabidopsis, rice and maize."""
_SYMBOL = re.compile(r"([a-z]+)(?=.)[a-z0-9]*([-.][a-z0-9]+)*|\d{7}[a-z]\d\d(rik)", re.IGNORECASE)
"""ACTB, Actb, MT-CO1, lin-3, C1orf112, RP11-34P13.7, 1700020I14Rik; many other words, too."""
_SURE = re.compile(
    r"ACTB1?|ACT[AG][12]|GAPDH|B2M|TR?P53|MALAT1|NEAT1|XIST|PTPRC|EPCAM|MKI67|TOP2A|TMSB(4X|10)"
    r"|GFAP|POU5F1|NANOG|MS4A1|NKG7|GNLY|FTH1|PPIA|HPRT1?|CD(3[DEG]|(8|79)[AB])|FOXP3|EGFR"
    r"|M?RP[LS]-?\d+[AXYL]?\d?|MT-(ND?|CO|CYT?B|ATP|RNR|T)\w*|HLA-[A-G]\w*|H2-[A-Z]\w*"
    r"|ZNF\d+|ZFP\d+|SLC\d+A\d+|COL\d+A\d+|TMEM\d+[A-Z]?|FAM\d+[A-Z]\d?|KRT\d+|HOX[A-D]\d+[AB]?"
    r"|NDUF[A-V]+\d+|COX\d[A-C]\d?|ATP\d+[A-Z]\w*|E[IE]F\d[A-Z]\w*|HNRNP\w+|PSM[A-D]\d+"
    r"|UQCR\w+|S100A\d+|CXC[LR]\d+|CCL\d+|IL\d+R\w+|CYP\d+[A-Z]\d+|KCN[A-Z]+\d+|TUB[ABG]\w+"
    r"|SOX\d+[AB]?|HSP[AB9]\w+|NKX\d[-.]\d|C\w+orf\d+|LINC\d{4,}|RP\d+-\d+\w+\.\d+|GM\d{4,}"
    r"|\d{7}[A-Z]\d\dRIK|(lin|unc|let|daf|egl|ced|dpy|mec)-\d+|[B-Z]\d+[A-Z]\d+[A-Z]?\.\d+",
    re.IGNORECASE,
)
"""Symbols beyond doubt: a few genes that everybody measures, and large families."""
_FEWEST_SURE, _SURE_SHARE = 3, 0.03
"""Families that there must be, and their share, before words are symbols beyond doubt."""
_STEMS = 0.2
"""Of symbols at least this share begin otherwise: neuron1, neuron2 and so on are none."""
_COUNTING = 5
"""Numbers in order from which they are taken for counting."""
_BLOCK = 1 << 28


class Matrix(NamedTuple):
    """Numbers, and the names of what they are of.

    Attributes:
        numbers: [rows, columns], float64; NaN where there is none.
        rows: Names of the rows; None where the file has none.
        columns: Names of the columns; None where the file has none.
        corner: What stands above the names of the rows.
    """

    numbers: NDArray[np.float64]
    rows: list[str] | None
    columns: list[str] | None
    corner: str = ""

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
    named = named or _counts_rows(table.column(0))
    columns = [table.column(number).to_numpy() for number in range(int(named), width)]
    values = np.column_stack(columns) if columns else np.empty((table.num_rows, 0))
    rows = [_name(name) for name in table.column(0).to_pylist()] if named else None
    names = first[len(first) - len(columns) :] if header else None
    return Matrix(values, rows, names, first[0] if header and named else "")


def _name(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value or "").strip()


def _counts_rows(column: Any) -> bool:
    """Whether a column of numbers does no more than count its rows, from 0 or 1 on."""
    if column.type != "double" or len(column) < _COUNTING:
        return False
    values = column.to_numpy()
    return values[0] in (0, 1) and bool((np.diff(values) == 1).all())


def _beginning(path: Path) -> tuple[str, list[str], list[str]]:
    """The separator, and the first two lines."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
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
    if (
        len(texts) < _COUNTING
        or texts[0] not in ("0", "1")
        or not all(t.isdecimal() for t in texts)
    ):
        return False
    return all(int(b) == int(a) + 1 for a, b in pairwise(texts))


def _has_names(first: Sequence[str], second: Sequence[str], *, header: bool) -> bool:
    """Whether the first column has names."""
    if not header:
        return not _is_number(first[0])
    if len(second) == len(first) + 1 or (second and not _is_number(second[0])):
        return True
    continued = first[1:2] in (["V2"], ["X.1"])  # columns that R has named: then there is no corner
    return bool(_CORNER.fullmatch(first[0])) and not continued


def _is_number(text: str) -> bool:
    if text.strip() in _MISSING:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


_REASONS = (
    "by its names",
    "by the genes that the files share",
    "by their number, which the files share",
    "as you say",
)


def turned(
    files: Mapping[str, Matrix], rows: str | None = None
) -> tuple[dict[str, Matrix], dict[str, str]]:
    """The same matrices with cells in rows and genes in columns, and the reason for each.

    Takes the way with the most evidence: names of genes and cells in a file; then names, then
    numbers, of genes that the files share. What the user says holds for the first file; the others
    are turned the same way unless they would not fit.

    Args:
        files: As they were read.
        rows: What stands in the rows, `cells` or `genes`, where the user says it.

    Returns:
        Matrices, and the reason for each; empty where there is no evidence.
    """
    said = [_says(one) for one in files.values()]
    known = None if rows is None else rows == CELLS
    ways = [
        way
        for way in product((True, False), repeat=len(files))
        if known is None or way[:1] in ((), (known,))
    ]
    evidence = {way: _evidence(way, list(files.values()), said, known) for way in ways}
    best = max(ways, key=evidence.__getitem__)
    matrices = [_stood(one, as_is) for one, as_is in zip(files.values(), best, strict=True)]
    reasons = [
        _reason(evidence, best, place) + (", against its names" if says == 1 - 2 * as_is else "")
        for place, (says, as_is) in enumerate(zip(said, best, strict=True))
    ]
    return dict(zip(files, matrices, strict=True)), dict(zip(files, reasons, strict=True))


def _reason(
    evidence: Mapping[tuple[bool, ...], tuple[int, ...]], best: tuple[bool, ...], place: int
) -> str:
    """What speaks most for how a file stands in the best way; empty where nothing does."""
    rivals = [known for way, known in evidence.items() if way[place] != best[place]]
    if not rivals:
        return _REASONS[-1]
    against = zip(_REASONS, evidence[best], max(rivals), strict=True)
    return next((why for why, ours, theirs in against if ours != theirs), "")


def _stood(one: Matrix, as_is: bool) -> Matrix:
    return one if as_is else one.turned()


def _evidence(
    way: Sequence[bool], files: Sequence[Matrix], said: Sequence[int], known: bool | None
) -> tuple[int, ...]:
    """What speaks for matrices that stand this way, the strongest first; see `_REASONS`."""
    pairs = list(combinations([_stood(*one) for one in zip(files, way, strict=True)], 2))
    names = sum(says if as_is else -says for says, as_is in zip(said, way, strict=True))
    return (
        names if known is None else 0,
        sum(a.columns is not None and _same(a.columns, b.columns) for a, b in pairs),
        sum(a.numbers.shape[1] == b.numbers.shape[1] for a, b in pairs),
        0 if known is None else sum(as_is == known for as_is in way),
    )


def _says(one: Matrix) -> int:
    """What the names of a file say: 1 if cells are in rows, -1 if genes are, 0 for nothing."""
    rows, columns = _numbered(one.rows or ()), _numbered(one.columns or ())
    if rows or columns:
        return 0 if rows == columns else 1 if columns == GENES or rows == CELLS else -1
    words, others = (_may_be_symbols(names or ()) for names in (one.rows, one.columns))
    if words != others and _are_symbols((one.rows if words else one.columns) or ()):
        return -1 if words else 1
    corner = _CORNER.fullmatch(one.corner)
    what = (corner and corner["what"]) or ""
    return 0 if not what else -1 if what.lower() in ("gene", "symbol", "feature") else 1


def _numbered(names: Sequence[str]) -> str:
    """What most names are by their form, such as Gene1, ENSG00000075624, Cell1 or a barcode."""
    cells = sum(bool(_CELL.search(name)) for name in names)
    if 2 * cells > len(names):
        return CELLS
    return GENES if 2 * sum(bool(_GENE.match(name)) for name in names) > len(names) else ""


def _may_be_symbols(names: Sequence[str]) -> bool:
    """Whether most names may be symbols of genes: words that begin in many ways.

    Cells may be called so, too: `K562`, `HeLa`, `astro`.
    """
    matches = [match for match in map(_SYMBOL.fullmatch, names) if match]
    stems = {match[1] or match[3] for match in matches}
    return 2 * len(matches) > len(names) and len(stems) > _STEMS * len(names)


def _are_symbols(names: Sequence[str]) -> bool:
    """Whether enough names are symbols of genes beyond doubt, of several families."""
    sure = [name.lower() for name in names if _SURE.fullmatch(name)]
    families = {re.split(r"\d", name)[0] for name in sure}
    return len(families) >= _FEWEST_SURE and len(sure) >= _SURE_SHARE * len(names)


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
