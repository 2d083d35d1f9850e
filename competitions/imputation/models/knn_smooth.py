"""k nearest cells: where a cell has a zero, what do cells with alike expression have there?

Cells are compared by principal components of their log-normalised observed counts. What is averaged
are the true counts of the nearest labelled cells, at the depth of the cell in question; the share
of them that have the gene says whether a zero is a dropout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..shared.calling import Transductive, choice
from ..shared.neighbours import Smoother, averaged, nearest, reduced

if TYPE_CHECKING:
    from ..shared.calling import Estimate, Mixed

DEFAULTS: dict[str, Any] = {
    "neighbours": 40,
    "components": 10,
    "source": "truth",
    "calling": "learnt",
}
"""Chosen by F1 on the folds of the train cells of `demo`, `autoclass` and `zeisel`, one setting for
all: 20 to 60 neighbours differ by .003 on `demo`, .002 on `autoclass`, .001 on `zeisel`; 10 to 30
components by .001.

neighbours: cells that are averaged over, the cell itself not among them.
components: principal components in which cells are compared.
source: `truth`: the neighbours are labelled cells, and their true counts are averaged; `observed`:
    all cells, and their observed counts.
calling: `learnt`: labelled cells say which share of neighbours makes a dropout, and how large the
    truth is; `own`: every zero with a neighbour that has the gene is called, at the mean.
"""


def estimate(mixed: Mixed, params: dict[str, Any], seed: int) -> Estimate:
    """Average over the nearest cells."""
    source = choice(params, "source", ("truth", "observed"))
    cells = mixed.counts.shape[0]
    pool = mixed.truth.shape[0] if source == "truth" else cells
    near = nearest(reduced(mixed.counts, params["components"]), pool, params["neighbours"])
    near.data[:] = 1 / max(near.data.size // cells, 1)
    own = np.zeros(cells, dtype=np.float32)
    return averaged(mixed, source, Smoother(lambda of: near @ of[:pool], own))


def build(params: dict[str, Any], seed: int) -> Transductive:
    """Build the model."""
    return Transductive(estimate, params, seed)


def space(trial: Any) -> dict[str, Any]:
    """Search the neighbourhoods."""
    return {
        "neighbours": trial.suggest_int("neighbours", 5, 100, log=True),
        "components": trial.suggest_int("components", 5, 50, log=True),
    }
