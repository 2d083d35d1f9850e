"""Cells of one's own, from an AnnData file, as the models take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from podium.competition import Counts
from podium.errors import DataError

from . import matrix_files

if TYPE_CHECKING:
    from podium.data import Annotated


def taken(name: str, found: Annotated) -> tuple[pd.DataFrame, Counts]:
    """Features (none) and counts of the cells of a file.

    Args:
        name: Of the file.
        found: What it holds; its genes are those that the model knows.

    Raises:
        DataError: With everything that is wrong.
    """
    cells = found.rows.index
    problems = matrix_files.wrong(found.counts.data)
    if not len(cells) or not len(found.genes):
        problems.append(f"{len(cells)} cells and {len(found.genes)} genes: nothing to impute")
    if not cells.is_unique:
        twice = cells[cells.duplicated()]
        problems.append(f"{len(twice):,} cells have the name of another: {twice[0]}")
    if problems:
        raise DataError(f"The cells of {name} cannot be used.", problems=problems)
    counts = Counts.of({"cells": (found.counts, [str(gene) for gene in found.genes])})
    return pd.DataFrame(index=pd.RangeIndex(len(cells))), counts
