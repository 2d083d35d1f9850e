"""Splatter's model fitted to the labelled cells: made for counts that it simulated.

The true counts of the labelled cells are clustered into groups, of which each changes some genes
(spike and slab); the coefficient of variation of the expression falls with the mean; dropout is a
logistic curve of the expression (`shared/splatter.py`). Other cells get group and library by the
likelihood of what was observed. From these follow, by quadrature, the probability of each zero to
be a dropout, and its expected count. On counts that follow another law it has no claim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import vstack

from podium.competition import Parameter
from podium.errors import ModelError

from ..shared import splatter
from ..shared.cells import Cells, answer, cells, same_genes
from ..shared.features import library_sizes, sizes
from ..shared.parameters import SLACK

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition import Part, Report

PARAMETERS = {
    "groups": Parameter(6, "of cells", (1, 100), search=(2, 12)),
    "slack": SLACK,
}
THREADS = 1  # the same bytes on any number of cores
"""The groups are those that the simulators of `demo` and `autoclass` say that they drew."""

FEWEST = 2
"""Labelled cells that tell a variation."""


class EmpiricalBayes:
    """A law of counts and dropout, and groups of cells.

    Attributes:
        known: The labelled cells.
        groups, law: What they follow; None where none of their zeros is a dropout.
    """

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.known: Cells | None = None
        self.groups: splatter.Groups | None = None
        self.law: splatter.Law | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Fit the law to the labelled cells.

        Raises:
            ModelError: If there are fewer than two.
        """
        self.known = known = cells(train)
        if known.truth is None or len(train) < FEWEST:
            raise ModelError(
                "empirical_bayes needs two cells or more with their counts before dropout.",
                hint="Give it more of them, or impute by all_gene_mean, which needs none.",
            )
        self.groups = self.law = None
        observed, truth = (m.toarray().astype(np.float64) for m in (known.counts, known.truth))
        if not ((observed == 0) & (truth > 0)).any():
            return
        self.groups = splatter.learn_groups(truth, self.params["groups"], self.seed)
        self.law = splatter.learn_law(observed, truth, self.groups.mean, self.seed)

    def predict(self, part: Part) -> pd.DataFrame:
        """Call the most probable dropouts and impute the counts that are expected.

        Raises:
            ModelError: If the genes are others than those of train.
        """
        asked, known = cells(part), self.known
        assert known is not None
        same_genes(known, asked)
        observed = asked.counts.toarray().astype(np.float64)
        if self.groups is None or self.law is None or not len(part):
            return answer(part, asked, observed)
        labelled = np.arange(known.counts.shape[0])
        both = sizes(vstack([known.counts, asked.counts], format="csr"))
        library = np.exp(library_sizes(both, labelled, known.truth)[len(labelled) :])
        mean = splatter.place(observed, self.groups, self.law, library)
        zeros = self.law.at_zeros(mean)
        return answer(part, asked, splatter.best_calls(zeros, observed, self.params["slack"]))


def build(params: dict[str, Any], seed: int) -> EmpiricalBayes:
    """Build the model."""
    return EmpiricalBayes(params, seed)
