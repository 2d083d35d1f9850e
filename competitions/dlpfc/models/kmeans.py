"""k-means on raw counts: where the report began. Depth and a few loud genes decide."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from podium.competition import Parameter

from ..shared.expression import GENES, answer, domains, most_variable

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part, Report, Slice

PARAMETERS = {
    "starts": Parameter(
        10,
        "random beginnings, of which the tightest clusters are kept",
        (1, 10_000),
        search=(1, 20),
    )
}


class RawKMeans:
    """Clusters each slice by itself."""

    def __init__(self, starts: int, seed: int) -> None:
        self.starts = starts
        self.seed = seed

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing: each slice is clustered when it is predicted."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Cluster each slice."""
        return answer(part, self._cluster)

    def _cluster(self, one: Slice) -> NDArray[np.int32]:
        counts: Any = one.counts.astype(np.float32)
        if counts.shape[1] > GENES:
            counts = counts[:, most_variable([counts], GENES)].toarray()  # few zeros among those
        clusters = min(domains(one), len(one))
        model = KMeans(clusters, n_init=self.starts, random_state=self.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different spots than that
            return np.asarray(model.fit_predict(counts), dtype=np.int32)


def build(params: dict[str, Any], seed: int) -> RawKMeans:
    """Build the model."""
    return RawKMeans(seed=seed, **params)
