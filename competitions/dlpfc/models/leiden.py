"""Leiden communities in a neighbour graph of principal components: Louvain's faults mended.

Traag, Waltman and van Eck 2019, doi:10.1038/s41598-019-41695-z. Where spots lie plays no part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import leidenalg

from ..expression import answer, components, domains, log_normalised
from ..graph import communities, neighbour_graph

if TYPE_CHECKING:
    import igraph
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from podium.model import Part, Report, Slice

DEFAULTS: dict[str, Any] = {"components": 30, "neighbours": 15, "rounds": 2}
"""components: principal components, as `louvain` has.
neighbours: of each spot, as scanpy's default.
rounds: of the algorithm, likewise.
"""


class Leiden:
    """Clusters each slice by itself."""

    def __init__(self, components: int, neighbours: int, rounds: int, seed: int) -> None:
        self.components = components
        self.neighbours = neighbours
        self.rounds = rounds
        self.seed = seed

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing: each slice is clustered when it is predicted."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Cluster each slice."""
        return answer(part, self._cluster)

    def _cluster(self, one: Slice) -> NDArray[np.int64]:
        points = components(log_normalised(one.counts), self.components)
        graph = neighbour_graph(points, self.neighbours)
        return communities(graph, domains(one), self._cut, self.seed)

    def _cut(self, graph: igraph.Graph, resolution: float) -> list[int]:
        found: list[int] = leidenalg.find_partition(
            graph,
            leidenalg.RBConfigurationVertexPartition,
            weights="weight",
            n_iterations=self.rounds,
            seed=self.seed,
            resolution_parameter=resolution,
        ).membership
        return found


def build(params: dict[str, Any], seed: int) -> Leiden:
    """Build the model."""
    return Leiden(seed=seed, **params)


def space(trial: Any) -> dict[str, Any]:
    """Search components and neighbours."""
    return {
        "components": trial.suggest_int("components", 5, 50),
        "neighbours": trial.suggest_int("neighbours", 5, 50),
    }
