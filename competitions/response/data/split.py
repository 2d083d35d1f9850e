"""Which lines train and which are scored: a fifth of the solid lines of each site, and all blood.

A split by line: all drugs of a line lie together. Lines are dealt in turn, in an order by context
and site that is random within a site, so that each part has its share of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.data import Prepared

SEED = 1
TRAINS = "solid"
TEST, PUBLIC, FOLDS = 0.2, 0.3, 5
"""Share of the solid lines that are scored, and of scored lines that are public."""


def by_line(prepared: Prepared) -> pd.DataFrame:
    """Deal the lines.

    Returns:
        `line`, `part`, `fold` (train only) and `stratum`: a split by line.
    """
    lines = prepared.tables["lines"][["line", "context", "site"]]
    lines = lines[lines["line"].isin(set(prepared.groups["line"]))]
    rng = np.random.default_rng(SEED)
    lines = lines.iloc[rng.permutation(len(lines))].sort_values(["context", "site"], kind="stable")
    solid = (lines["context"] == TRAINS).to_numpy()
    scored = ~solid
    scored[solid] = _share(int(solid.sum()), TEST)
    part = np.full(len(lines), "train", dtype=object)
    part[scored] = np.where(_share(int(scored.sum()), PUBLIC), "public", "private")
    fold = np.full(len(lines), -1)
    fold[~scored] = np.arange(int((~scored).sum())) % FOLDS
    table = pd.DataFrame({"line": lines["line"], "part": part})
    table["fold"] = pd.Series(fold, lines.index, dtype="Int64").where(fold >= 0)
    return table.assign(stratum=lines["context"]).sort_values("line", ignore_index=True)


def _share(count: int, share: float) -> NDArray[np.bool_]:
    """Evenly spread places in a row of so many."""
    return np.asarray(np.diff(np.floor(np.arange(count + 1) * share)) > 0)


demo = gdsc = by_line
