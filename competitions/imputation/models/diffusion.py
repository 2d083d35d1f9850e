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

from podium.competition import Parameter

from ..shared.calling import Transductive
from ..shared.neighbours import Smoother, averaged, nearest, reduced
from ..shared.parameters import CALLING, COMPONENTS, SOURCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..shared.calling import Estimate, Mixed

    Floats = NDArray[np.floating[Any]]

PARAMETERS = {
    "neighbours": Parameter(
        5,
        "the distance to so manieth cell is the kernel's width",
        (1, 10_000),
        search=(3, 20, "log"),
    ),
    "components": COMPONENTS,
    "steps": Parameter(3, "of the random walk", (1, 1000), search=(1, 6)),
    "source": SOURCE,
    "calling": CALLING,
}
"""`neighbours` and `steps` are MAGIC's own; `components` was chosen on the folds of the train cells
of `demo`, `autoclass` and `zeisel`. There 2 to 5 steps and 5 or 10 neighbours differ in F1 by .003
at most, 10 to 30 components too.

calling: with `own` every zero that anything reaches is called, at the value that reaches it.
MAGIC as published: source=observed, calling=own, components=100.
"""

ANY_GENES = True  # without labelled cells of these genes all cells lend what they have

REACH = 3
"""Cells that a cell is joined to, in multiples of `neighbours`, as in MAGIC."""


def estimate(mixed: Mixed, params: dict[str, Any], seed: int) -> Estimate:
    """Let counts diffuse."""
    source = params["source"]
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
