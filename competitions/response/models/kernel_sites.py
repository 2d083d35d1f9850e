"""A kernel ridge regression for each drug: lines are alike by their genes, and by their site.

Genes, standardised within context, are compared by a Gaussian of their distance, so that near lines
count for more than a straight line through all; what lines of one site have in common beyond their
genes comes on top. A site that did not train has nothing of the kind: there genes alone speak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from podium.competition import Parameter

from ..shared.lines import LineModel
from ..shared.parameters import BY_CONTEXT
from ..shared.ridge import dual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Report

    from ..shared.lines import Lines

    Floats = NDArray[np.float64]

PARAMETERS = {
    "steepness": Parameter(
        0.5,
        "of the Gaussian exp(-steepness d^2 / median d^2)",
        (1e-3, 1e3),
        search=(0.1, 2.0, "log"),
    ),
    "site": Parameter(0.05, "what one site adds to likeness", (0.0, 100.0), search=(0.0, 0.5)),
    "penalty": Parameter(
        1.0, "on the diagonal of likeness", (1e-6, 1e6), search=(0.1, 10.0, "log")
    ),
    "scale": BY_CONTEXT,
}
THREADS = 1  # the same bytes on any number of cores


class Likeness(LineModel):
    """Weights of the lines that train, for each drug.

    Args:
        params: Those above.
    """

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__(params["scale"])
        self.params = params
        self.genes: Floats
        self.sites: NDArray[np.object_]
        self.median: float
        self.weights: Floats

    def learn(self, lines: Lines, genes: Floats, report: Report | None) -> None:
        """Solve."""
        own = self.responses.lines
        self.genes, self.sites = genes[own], lines.site[own]
        self.median = float(np.median(cdist(self.genes, self.genes, "sqeuclidean"))) or 1.0
        kernel = self._likeness(self.genes, self.sites)
        self.weights = dual(kernel, self.responses.scaled, self.params["penalty"])

    def say(self, lines: Lines, genes: Floats) -> Floats:
        """Weigh the lines that train."""
        return np.asarray(self._likeness(genes, lines.site) @ self.weights)

    def _likeness(self, genes: Floats, sites: NDArray[np.object_]) -> Floats:
        """Of lines to those that train [lines, lines that train]."""
        far = cdist(genes, self.genes, "sqeuclidean") / self.median
        same = (sites[:, None] == self.sites) & pd.notna(sites)[:, None]
        return np.asarray(np.exp(-self.params["steepness"] * far) + self.params["site"] * same)


def build(params: dict[str, Any], seed: int) -> Likeness:
    """Build the model; nothing in it is random."""
    return Likeness(params)
