"""Gradient-boosted trees (LightGBM) on each zero: was a count lost there, and how many.

The most probable zeros are called, and imputed with the expected count, which minimises the
expected squared distance to the truth (`shared/trees.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from podium.learning import tree_parameters

from ..shared.calling import Called, Caller, check_labelled
from ..shared.cells import Cells, cells
from ..shared.parameters import COMPONENTS, FOLDS, NEIGHBOURS, ROWS, SLACK
from ..shared.trees import Trees

if TYPE_CHECKING:
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


class BoostedTrees(Caller):
    """Boosted trees on what is known of each zero."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.trees = Trees(params, seed)

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Boost; `report` gets the log loss of the caller on train as it falls.

        Raises:
            ModelError: If train has no counts before dropout, or fewer than two cells.
        """
        self.known = cells(train)
        check_labelled("lightgbm", self.known)
        self.trees.fit(self.known, report)

    def call(self, observed: Cells) -> Called:
        """What the trees say of zeros."""
        return self.trees.call(observed.counts)


def build(params: dict[str, Any], seed: int) -> BoostedTrees:
    """Build the model."""
    return BoostedTrees(params, seed)
