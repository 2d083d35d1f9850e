"""Louvain communities in a neighbour graph of principal components: the report's scanpy pipeline.

Blondel et al. 2008, doi:10.1088/1742-5468/2008/10/P10008. Where spots lie plays no part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..expression import answer, components, domains, log_normalised
from ..graph import communities, neighbour_graph

if TYPE_CHECKING:
    import igraph
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from podium.model import Part, Report, Slice

DEFAULTS: dict[str, Any] = {"components": 30, "neighbours": 15}
"""components: principal components, as in the report.
neighbours: of each spot, as scanpy's default.
"""


class Louvain:
    """Clusters each slice by itself."""

    def __init__(self, components: int, neighbours: int, seed: int) -> None:
        self.components = components
        self.neighbours = neighbours
        self.seed = seed

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing: each slice is clustered when it is predicted."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Cluster each slice."""
        return answer(part, self._cluster)

    def _cluster(self, one: Slice) -> NDArray[np.int64]:
        points = components(log_normalised(one.counts), self.components)
        graph = neighbour_graph(points, self.neighbours)
        return communities(graph, domains(one), cut, self.seed)


def cut(graph: igraph.Graph, resolution: float) -> list[int]:
    """Communities at a resolution."""
    found: list[int] = graph.community_multilevel("weight", resolution=resolution).membership
    return found


def build(params: dict[str, Any], seed: int) -> Louvain:
    """Build the model."""
    return Louvain(seed=seed, **params)


def space(trial: Any) -> dict[str, Any]:
    """Search components and neighbours."""
    return {
        "components": trial.suggest_int("components", 5, 50),
        "neighbours": trial.suggest_int("neighbours", 5, 50),
    }
