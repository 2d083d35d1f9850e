"""MAGIC: counts diffuse over a graph of alike cells.

Cells are joined to their nearest by a kernel as wide as the distance to the k-th, made symmetric;
a random walk of a few steps over it says how much each cell counts for each other (van Dijk et al.
2018, doi:10.1016/j.cell.2018.05.061). Two things differ from MAGIC, both parameters: what diffuses
are the true counts of the labelled cells, and calls are learnt from these cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, diags_array, eye_array

from ..shared.calling import Transductive, choice
from ..shared.neighbours import Smoother, averaged, nearest, reduced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..shared.calling import Estimate, Mixed

    Floats = NDArray[np.floating[Any]]

DEFAULTS: dict[str, Any] = {
    "neighbours": 5,
    "components": 10,
    "steps": 3,
    "source": "truth",
    "calling": "learnt",
}
"""`neighbours` and `steps` are MAGIC's own; `components` was chosen on the folds of the train cells
of `demo`, `autoclass` and `zeisel`. There 2 to 5 steps and 5 or 10 neighbours differ in F1 by .003
at most, 10 to 30 components too.

neighbours: the distance to so manieth cell is the kernel's width.
components: principal components in which cells are compared.
steps: of the random walk.
source: `truth`: the true counts of labelled cells diffuse; `observed`: the observed ones of all.
calling: `learnt`: labelled cells say which score makes a dropout, and how large the truth is;
    `own`: every zero that anything reaches is called, at the value that reaches it.
MAGIC as published: source=observed, calling=own, components=100.
"""

REACH = 3
"""Cells that a cell is joined to, in multiples of `neighbours`, as in MAGIC."""


def estimate(mixed: Mixed, params: dict[str, Any], seed: int) -> Estimate:
    """Let counts diffuse."""
    source = choice(params, "source", ("truth", "observed"))
    table = reduced(mixed.counts, params["components"])
    near = nearest(table, len(table), REACH * params["neighbours"])
    walk, steps = transitions(near, params["neighbours"]), params["steps"]

    def diffused(of: Floats) -> Floats:
        for _ in range(steps):
            of = walk @ of
        return of

    return averaged(mixed, source, Smoother(diffused, returns(walk, steps)))


def transitions(near: csr_array[Any], width: int) -> csr_array[Any]:
    """The chance to step from each cell to each other, or to stay [cells, cells].

    Args:
        near: Distances to the nearest cells, as many for each, in rising order.
        width: The distance to which of them, from 1, is the kernel's width.
    """
    cells = near.shape[0]
    ranked = near.data.reshape(cells, -1)
    kernel = near.copy()
    if kernel.nnz:
        scale = ranked[:, [min(width, ranked.shape[1]) - 1]]
        kernel.data = np.exp(-ranked / np.where(scale > 0, scale, 1)).reshape(-1)
    both = csr_array((kernel + kernel.T) / 2 + eye_array(cells))
    return csr_array((diags_array(1 / both.sum(axis=1)) @ both).astype(np.float32))


def returns(walk: csr_array[Any], steps: int) -> Floats:
    """The chance to be back where one started after so many steps [cells]."""
    there: Any = eye_array(walk.shape[0], format="csr", dtype=np.float32)
    for _ in range(steps // 2):
        there = there @ walk
    back = there @ walk if steps % 2 else there
    return np.asarray((there * back.T).sum(axis=1)).reshape(-1)


def build(params: dict[str, Any], seed: int) -> Transductive:
    """Build the model."""
    return Transductive(estimate, params, seed)


def space(trial: Any) -> dict[str, Any]:
    """Search the graph and the walk."""
    return {
        "neighbours": trial.suggest_int("neighbours", 3, 20, log=True),
        "components": trial.suggest_int("components", 5, 50, log=True),
        "steps": trial.suggest_int("steps", 1, 6),
    }
