"""Which cells train and which are scored: 70 %, 15 % and 15 % of the cells with truth, by chance.

`podium freeze` writes the splits of the public datasets to `splits/`; those of people's own
files are made by the same rule when they are prepared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from podium.errors import DataError

if TYPE_CHECKING:
    from podium.data import Prepared

SEED = 1
CELLS = "cells"
"""The one stratum."""
TEST = 0.3
"""Share of the test cells, as in the report; half of them are public."""
FOLDS = 5
FEWEST = 3


def demo(prepared: Prepared) -> pd.DataFrame:
    """420 cells train, 90 are public, 90 private."""
    return by_cell(prepared)


def autoclass(prepared: Prepared) -> pd.DataFrame:
    """350 cells train, 75 are public, 75 private."""
    return by_cell(prepared)


def zeisel(prepared: Prepared) -> pd.DataFrame:
    """1,259 cells train, 270 are public, 270 private."""
    return by_cell(prepared)


def course(prepared: Prepared) -> pd.DataFrame:
    """The same shares of the cells with truth; the cells without are open."""
    return by_cell(prepared)


def by_cell(prepared: Prepared) -> pd.DataFrame:
    """Deal the labelled cells by a fixed permutation.

    Returns:
        `id`, `part`, `fold` (train cells only) and `stratum`, in the order of the features.

    Raises:
        DataError: If there are too few cells for three parts.
    """
    ids = prepared.targets["id"]
    cells = len(ids)
    if cells < FEWEST:
        raise DataError(
            f"{cells} cells with truth cannot be split: at least {FEWEST} are needed.",
            hint="Give more cells: one trains, one is public, one private.",
        )
    half = max(1, round(cells * TEST / 2))
    order = np.random.default_rng(SEED).permutation(cells)
    part = np.full(cells, "train", dtype=object)
    part[order[:half]], part[order[half : 2 * half]] = "public", "private"
    fold = pd.array([pd.NA] * cells, dtype="Int64")
    train = order[2 * half :]
    fold[train] = np.arange(len(train)) % FOLDS
    known = pd.DataFrame({"id": ids, "part": part, "fold": fold, "stratum": CELLS})
    everything = prepared.features["id"]
    unknown = everything[~everything.isin(ids)]
    return pd.concat([known, pd.DataFrame({"id": unknown, "part": "open"})], ignore_index=True)
