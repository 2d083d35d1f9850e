"""k-means on principal components of the log-normalised counts: no positions, what cells say alone.

Log-normalising takes the depth out, components the noise of single genes; that is all it adds to
`kmeans`. Fifteen components are the field's usual number, not chosen on labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.cluster import KMeans

from podium.competition import Parameter

from ..shared.expression import answer, components, distinct, domains, log_expression
from ..shared.parameters import STARTS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part, Report, Slice

PARAMETERS = {
    "components": Parameter(
        15, "principal components of a slice", (1, 1000), search=(5, 50, "log")
    ),
    "starts": STARTS,
}


class PcaKMeans:
    """Clusters each slice by itself."""

    def __init__(self, components: int, starts: int, seed: int) -> None:
        self.components = components
        self.starts = starts
        self.seed = seed

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing: each slice is clustered when it is predicted."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Cluster each slice."""
        return answer(part, self._cluster)

    def _cluster(self, one: Slice) -> NDArray[np.int32]:
        table = components(log_expression(one), self.components)
        clusters = min(domains(one), distinct(table))
        model = KMeans(clusters, n_init=self.starts, random_state=self.seed)
        return np.asarray(model.fit_predict(table), dtype=np.int32)


def build(params: dict[str, Any], seed: int) -> PcaKMeans:
    """Build the model."""
    return PcaKMeans(seed=seed, **params)
