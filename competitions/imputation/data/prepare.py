"""The real datasets: raw files to observed and true counts.

Run `podium data imputation --dataset autoclass`, or another of those in `competition.py`.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.competition import Counts
from podium.data import Prepared
from podium.errors import DataError, note

from ..shared import splatter
from . import matrix_files
from .matrix_files import Matrix

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OBSERVED, TRUE, OPEN = "test_data.csv", "test_truedata.csv", "data.csv"
"""A course's files: cells as they were seen, the same without dropout, and cells without truth."""


def autoclass(raw: Mapping[str, Path]) -> Prepared:
    """Dataset 1 of AutoClass: cells that Splatter simulated, before and after dropout.

    The ceiling has each cell's group and expected library and each gene's mean and what groups
    change of it, as the simulator wrote them down. Variation and dropout curve, which it did not,
    are fitted to the counts of all cells, before and after.
    """
    prepared = _read({"counts.csv": raw["counts.csv"], "truecounts.csv": raw["truecounts.csv"]})
    cells, genes = (
        pd.read_csv(raw[name], index_col=0) for name in ("cellinfo.csv", "geneinfo.csv")
    )
    group = cells["Group"].str.removeprefix("Group").astype(int) - 1
    factors = genes[[f"DEFacGroup{number}" for number in range(1, group.max() + 2)]].to_numpy().T
    share = factors * genes["GeneMean"].to_numpy()
    share /= share.sum(axis=1, keepdims=True)
    mean = cells["ExpLibSize"].to_numpy()[:, None] * share[group]
    assert prepared.counts is not None
    assert prepared.truth is not None
    observed, truth = (one.matrix().toarray() for one in (prepared.counts, prepared.truth))
    law = splatter.learn_law(observed, truth, mean, seed=0)
    best = splatter.best_calls(law.at_zeros(mean), observed)
    return replace(prepared, ceiling=Counts.of({"cells": (best, genes.index.astype(str).tolist())}))


def zeisel(raw: Mapping[str, Path]) -> Prepared:
    """Cells of mouse cortex and what down-sampling left of them.

    The sample is that of SAVER (Huang et al. 2018, doi:10.1038/s41592-018-0033-z), as EnImpute
    ships it.

    1,757 of 879,318 observed counts exceed the reference, which down-sampling cannot do. There
    the truth is raised to the observed count: no entry that the metric scores changes.
    """
    import rdata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of R classes that it gives as plain arrays
        objects: dict[str, Any] = rdata.conversion.convert(
            rdata.parser.parse_file(raw["zeisel.rda"])
        )
    reference, sample = (objects["zeisel"][name] for name in ("count.ref", "count.samp"))
    genes, cells = ([str(name) for name in sample.coords[side].to_numpy()] for side in sample.dims)
    observed = sample.to_numpy().T
    truth = np.maximum(reference.to_numpy().T, observed)
    return assemble(Matrix(observed, cells, genes), Matrix(truth, cells, genes))


def course(raw: Mapping[str, Path], rows: str | None = None) -> Prepared:
    """A course's files; the cells of `data.csv`, if it is there, are open.

    Args:
        raw: Paths by name.
        rows: What stands in rows, `cells` or `genes`; None where the files tell it.

    Raises:
        DataError: With everything that is wrong in all files.
    """
    missing = [name for name in (OBSERVED, TRUE) if name not in raw]
    if missing:
        raise DataError("The files are not whole.", problems=[f"{n}: not found" for n in missing])
    return _read({name: raw[name] for name in (OBSERVED, TRUE, OPEN) if name in raw}, rows)


def _read(paths: Mapping[str, Path], rows: str | None = None) -> Prepared:
    """Files of observed and true counts, and of open cells, in this order."""
    files, problems = {}, []
    for name, path in paths.items():
        try:
            files[name] = matrix_files.read(path)
        except DataError as error:
            problems += [f"{name}: {error.message}: {line}" for line in error.problems]
    given = files
    files, reasons = matrix_files.turned(given, rows)
    unclear = [_both_ways(name, given[name]) for name, why in reasons.items() if not why]
    if unclear:
        raise DataError(
            "Are the cells in rows, or the genes? Neither names nor sizes tell it.",
            problems=[*problems, *unclear],
            hint="Say it: podium data imputation --dataset course --from DIR --set rows=genes, "
            "or rows=cells",
        )
    for name, one in files.items():
        cells, genes = one.numbers.shape
        side = matrix_files.CELLS if one is given[name] else matrix_files.GENES
        note(f"{name}: {cells:,} cells x {genes:,} genes, {side} in rows ({reasons[name]})")
        problems += [f"{name}: {line}" for line in _unusable(one)]
    first, *others = paths
    for place, name in enumerate(others):
        if name in files and first in files:
            files[name], trouble = matrix_files.fitted(files[name], files[first], cells=not place)
            problems += [f"{name} does not fit {first}: {line}" for line in trouble]
    if problems:
        raise DataError("The files cannot be used.", problems=problems)
    return assemble(*files.values())


def _both_ways(name: str, one: Matrix) -> str:
    """A file that can be read in two ways, as it begins on both sides."""
    rows, columns = one.numbers.shape
    sides = (("rows", one.rows), ("columns", one.columns))
    begin = "; ".join(f"{side} {', '.join(n[:3]) if n else 'without names'}" for side, n in sides)
    return (
        f"{name}: {rows:,} cells x {columns:,} genes (rows=cells), or {columns:,} cells x "
        f"{rows:,} genes (rows=genes)? It has {begin}"
    )


def _unusable(one: Matrix) -> list[str]:
    """What is wrong with a file by itself."""
    problems = matrix_files.wrong(one.numbers)
    if not one.numbers.size:
        shape = " x ".join(map(str, one.numbers.shape))
        problems.append(f"{shape} counts: there is nothing to impute")
    if "id" in (one.columns or ()):
        problems.append("a gene is called 'id', as the cells' names are in a submission")
    return problems


def assemble(observed: Matrix, truth: Matrix, unknown: Matrix | None = None) -> Prepared:
    """Cells with their truth, and open ones, as one dataset.

    Args:
        observed: Counts of the labelled cells; cells in rows.
        truth: The same cells and genes without dropout.
        unknown: Cells without truth, of the same genes.

    Raises:
        DataError: If no zero is a dropout.
    """
    from scipy.sparse import csr_array, vstack

    if not ((observed.numbers == 0) & (truth.numbers > 0)).any():
        raise DataError(
            "No zero is a dropout: there is nothing to score.",
            hint="Are the observed and the true counts the same, or in each other's file?",
        )
    ids = cell_names(observed)
    genes = observed.columns
    if genes is None or "" in genes:
        genes = [f"gene{number}" for number in range(1, observed.numbers.shape[1] + 1)]
    opened = [] if unknown is None else cell_names(unknown)
    if set(opened) & set(ids):
        opened = [f"open:{name}" for name in opened]
    seen = [observed, *([] if unknown is None else [unknown])]
    counts = vstack([csr_array(one.numbers) for one in seen], format="csr")
    known = pd.DataFrame({"id": ids})
    return Prepared(
        features=pd.DataFrame({"id": [*ids, *opened]}),
        targets=known,
        groups=known.assign(cell=known["id"]),
        counts=Counts.of({"cells": (counts.astype(np.int64), genes)}),
        truth=Counts.of({"cells": (csr_array(truth.numbers).astype(np.int64), genes)}),
    )


def cell_names(one: Matrix) -> list[str]:
    """The names of the cells; `cell1`, `cell2` and so on where some have none or share one."""
    names = one.rows
    if names is None or "" in names or len(set(names)) < len(names):
        return [f"cell{number}" for number in range(1, len(one.numbers) + 1)]
    return names
