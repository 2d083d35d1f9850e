"""Louvain communities of a graph of alike spots: the report's scanpy pipeline, by igraph.

Positions are not used. The resolution is searched until the slice has its domains, whose number is
given; the other settings are the report's (30 components) and scanpy's (15 neighbours), none
chosen on labels. Blondel et al. 2008, doi:10.1088/1742-5468/2008/10/P10008.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import igraph

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


class Louvain:
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
            igraph.set_random_number_generator(random.Random(self.seed))  # noqa: S311, no secret
            found = graph.community_multilevel(weights="weight", resolution=resolution)
            return list(found.membership)

        try:
            return wanted_communities(find, domains(one), self.steps)
        finally:
            igraph.set_random_number_generator(random)


def build(params: dict[str, Any], seed: int) -> Louvain:
    """Build the model."""
    return Louvain(seed=seed, **params)


def space(trial: Any) -> dict[str, Any]:
    """Search the graph."""
    return {
        "components": trial.suggest_int("components", 5, 50, log=True),
        "neighbours": trial.suggest_int("neighbours", 5, 50, log=True),
    }
