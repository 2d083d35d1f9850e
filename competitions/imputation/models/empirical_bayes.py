"""Splatter's model fitted to the labelled cells: made for counts that it simulated.

The true counts of the labelled cells are clustered into groups, of which each changes some genes
(spike and slab); the coefficient of variation of the expression falls with the mean; dropout is a
logistic curve of the expression, and where cells were sampled down besides, of what is left a share
is seen (`shared/splatter.py`). Other cells get group and library by the likelihood of what was
observed. From these follow, by quadrature, the probability of each zero to be a dropout, and its
expected count. On counts that follow another law it has no claim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import vstack

from podium.competition import Parameter

from ..shared import splatter
from ..shared.calling import Called, Caller, check_labelled
from ..shared.cells import Cells, cells
from ..shared.features import library_sizes, sizes
from ..shared.parameters import SLACK

if TYPE_CHECKING:
    from podium.competition import Part, Report

PARAMETERS = {
    "groups": Parameter(6, "of cells", (1, 100), search=(2, 12)),
    "slack": SLACK,
}
THREADS = 1  # the same bytes on any number of cores
"""The groups are those that the simulators of `demo` and `autoclass` say that they drew."""


class EmpiricalBayes(Caller):
    """A law of counts and dropout, and groups of cells.

    Attributes:
        groups, law: What they follow; None where none of their zeros is a dropout.
    """

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.groups: splatter.Groups | None = None
        self.law: splatter.Law | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Fit the law to the labelled cells.

        Raises:
            ModelError: If there are fewer than two.
        """
        self.known = known = cells(train)
        check_labelled("empirical_bayes", known)
        assert known.truth is not None
        self.groups = self.law = None
        observed, truth = (m.toarray().astype(np.float64) for m in (known.counts, known.truth))
        if not ((observed == 0) & (truth > 0)).any():
            return
        self.groups = splatter.learn_groups(truth, self.params["groups"], self.seed)
        self.law = splatter.learn_law(observed, truth, self.groups.mean, self.seed)

    def call(self, observed: Cells) -> Called:
        """What follows of zeros from the law."""
        assert self.known is not None  # fit comes first
        assert self.known.truth is not None
        counts = observed.counts.toarray().astype(np.float64)
        if self.groups is None or self.law is None:
            return Called(np.zeros_like(counts), np.zeros_like(counts))
        labelled = np.arange(self.known.counts.shape[0])
        both = sizes(vstack([self.known.counts, observed.counts], format="csr"))
        library = np.exp(library_sizes(both, labelled, self.known.truth)[len(labelled) :])
        zeros = self.law.at_zeros(splatter.place(counts, self.groups, self.law, library))
        return Called(zeros.lost, zeros.expected)


def build(params: dict[str, Any], seed: int) -> EmpiricalBayes:
    """Build the model."""
    return EmpiricalBayes(params, seed)
