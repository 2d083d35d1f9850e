"""Leiden communities of the graph that `louvain` has: the same quality, no loose communities.

Traag et al. 2019, doi:10.1038/s41598-019-41695-z. All settings are those of `louvain`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import leidenalg

from ..expression import answer, domains
from ..graph import expression_graph, wanted_communities

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from podium.model import Part, Report, Slice

DEFAULTS: dict[str, Any] = {"components": 30, "neighbours": 15, "steps": 20}
"""components: principal components of a slice.
neighbours: other spots that each spot is joined to, the most alike.
steps: resolutions tried at most, until the number of communities is that of the domains.
"""


class Leiden:
    """Clusters each slice by itself."""

    def __init__(self, components: int, neighbours: int, steps: int, seed: int) -> None:
        self.components = components
        self.neighbours = neighbours
        self.steps = steps
        self.seed = seed

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing: each slice is clustered when it is predicted."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Cluster each slice."""
        return answer(part, self._cluster)

    def _cluster(self, one: Slice) -> NDArray[np.int64]:
        graph = expression_graph(one, self.components, self.neighbours).igraph()

        def find(resolution: float) -> list[int]:
            found = leidenalg.find_partition(
                graph,
                leidenalg.RBConfigurationVertexPartition,
                weights="weight",
                resolution_parameter=resolution,
                seed=self.seed,
            )
            return list(found.membership)

        return wanted_communities(find, domains(one), self.steps)


def build(params: dict[str, Any], seed: int) -> Leiden:
    """Build the model."""
    return Leiden(seed=seed, **params)


def space(trial: Any) -> dict[str, Any]:
    """Search the graph."""
    return {
        "components": trial.suggest_int("components", 5, 50, log=True),
        "neighbours": trial.suggest_int("neighbours", 5, 50, log=True),
    }
