"""Cells of one's own, from an AnnData file, as the models take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from podium.competition import Counts
from podium.errors import DataError

from . import matrix_files

if TYPE_CHECKING:
    from podium.data import Annotated


def taken(name: str, content: Annotated) -> tuple[pd.DataFrame, Counts]:
    """Features (none) and counts of the cells of a file.

    Args:
        name: Of the file.
        content: What it holds; its genes are those that the model knows.

    Raises:
        DataError: With everything that is wrong.
    """
    cells = content.rows.index
    problems = matrix_files.wrong(content.counts.data)
    if not len(cells) or not len(content.genes):
        problems.append(f"{len(cells)} cells and {len(content.genes)} genes: nothing to impute")
    if not cells.is_unique:
        twice = cells[cells.duplicated()]
        problems.append(f"{len(twice):,} cells have the name of another: {twice[0]}")
    if problems:
        raise DataError(f"The cells of {name} cannot be used.", problems=problems)
    counts = Counts.of({"cells": (content.counts, [str(gene) for gene in content.genes])})
    return pd.DataFrame(index=pd.RangeIndex(len(cells))), counts
