"""Cells of one's own, from a file of any form, as the models take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from podium.competition import Counts
from podium.errors import DataError

from . import matrix_files
from .count_files import FORMS, read

if TYPE_CHECKING:
    from podium.data import Annotated

__all__ = ["FORMS", "read", "taken"]


def taken(name: str, content: Annotated) -> tuple[pd.DataFrame, Counts]:
    """Features (none) and counts of the cells of a file.

    Args:
        name: Of the file.
        content: What it holds: the genes that the model knows, or any, for one that takes any.

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
    if "id" in content.genes:
        problems.append("a gene is called 'id', as the cells' names are in the predictions")
    if problems:
        raise DataError(f"The cells of {name} cannot be used.", problems=problems)
    counts = Counts.of({"cells": (content.counts, [str(gene) for gene in content.genes])})
    return pd.DataFrame(index=pd.RangeIndex(len(cells))), counts
