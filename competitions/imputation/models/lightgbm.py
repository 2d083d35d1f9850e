"""Gradient-boosted trees (LightGBM) on each zero: was a count lost there, and how many.

The most probable zeros are called, and imputed with the expected count, which minimises the
expected squared distance to the truth (`shared/trees.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from podium.learning import tree_parameters

from ..shared.calling import threshold
from ..shared.cells import answer, cells, same_genes
from ..shared.parameters import COMPONENTS, FOLDS, NEIGHBOURS, ROWS, SLACK
from ..shared.trees import Trees, check_labelled

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition import Parameter, Part, Report

PARAMETERS: dict[str, Parameter] = {
    "components": COMPONENTS,
    "neighbours": NEIGHBOURS,
    "folds": FOLDS,
    "rows": ROWS,
    **tree_parameters(
        rounds=(100, 50, 400, "log"),
        learning_rate=(0.07, 0.02, 0.2, "log"),
        num_leaves=(15, 4, 63, "log"),
        min_data_in_leaf=(100, 20, 1000, "log"),
    ),
    "slack": SLACK,
}
THREADS = 1  # the same bytes on any number of cores
"""Chosen on folds of the train cells of `demo`, `autoclass` and `zeisel`. F1 is flat around its
best where MCC is steep: on `autoclass` a slack of 0.0005 raises MCC from .446 to .461.
"""

QUICK: dict[str, Any] = {"rows": 20_000, "rounds": 20, "num_threads": 1}


class BoostedTrees:
    """Boosted trees on what is known of each zero."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.trees = Trees(params, seed)

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Boost; `report` gets the log loss of the caller on train as it falls.

        Raises:
            ModelError: If train has no counts before dropout, or fewer than two cells.
        """
        known = cells(train)
        check_labelled("lightgbm", known)
        self.trees.fit(known, report)

    def predict(self, part: Part) -> pd.DataFrame:
        """Call the most probable dropouts and impute the counts that are expected.

        Raises:
            ModelError: If the genes are others than those of train.
        """
        assert self.trees.known is not None
        observed = cells(part)
        same_genes(self.trees.known, observed)
        probability, count = self.trees.call(observed.counts)
        zero = observed.counts.toarray() == 0
        called = probability >= threshold(probability[zero], self.params["slack"])
        return answer(part, observed, np.where(called, count, 0))


def build(params: dict[str, Any], seed: int) -> BoostedTrees:
    """Build the model."""
    return BoostedTrees(params, seed)
