"""The graph that `louvain` and `leiden` cut into communities, and the search for how many.

Scanpy's pipeline, as in the report, without scanpy: log-normalise, principal components, a graph
of the nearest spots in expression (not in position), communities of it. Edges weigh what share of
their neighbours two spots have in common (Jaccard, as PhenoGraph does: Levine et al. 2015,
doi:10.1016/j.cell.2015.05.047) where scanpy has UMAP's weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .expression import answer, components, domains, log_expression

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part, Report, Slice

LOWEST, HIGHEST = 1e-3, 10.0
"""Resolutions between which communities are sought: nearly always one, and dozens."""


class Graph(NamedTuple):
    """An undirected graph, each edge once.

    Attributes:
        spots: How many nodes it has.
        edges: Pairs of nodes, the smaller number first [edges, 2].
        weights: In (0, 1] [edges].
    """

    spots: int
    edges: NDArray[np.int64]
    weights: NDArray[np.float64]

    def igraph(self) -> Any:
        """The same as igraph has it."""
        import igraph

        return igraph.Graph(n=self.spots, edges=self.edges, edge_attrs={"weight": self.weights})


class Communities:
    """The model that both have: communities of each slice's graph, as many as it has domains."""

    def __init__(
        self,
        find: Callable[[Any, float, int], list[int]],
        params: dict[str, Any],
        seed: int,
    ) -> None:
        self.find = find
        self.params = params
        self.seed = seed

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing: each slice is clustered when it is predicted."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Cluster each slice."""
        return answer(part, self._cluster)

    def _cluster(self, one: Slice) -> NDArray[np.int64]:
        params = self.params
        graph = expression_graph(one, params["components"], params["neighbours"]).igraph()
        return wanted_communities(
            lambda resolution: self.find(graph, resolution, self.seed),
            domains(one),
            params["steps"],
        )


def expression_graph(one: Slice, count: int, nearest: int) -> Graph:
    """The graph of a slice by its expression.

    Args:
        one: The slice.
        count: Principal components.
        nearest: How many other spots each spot is joined to; never more than there are.
    """
    table = components(log_expression(one), count)
    return shared_neighbours(table, min(nearest, len(one) - 1))


def shared_neighbours(table: NDArray[Any], nearest: int) -> Graph:
    """Join each row [rows, columns] to its nearest, by the Jaccard index of their neighbours.

    A row is its own neighbour too, so joined rows always have one in common.
    """
    from scipy.sparse import csr_array, eye_array, triu
    from sklearn.neighbors import kneighbors_graph

    rows = len(table)
    if nearest < 1:
        return Graph(rows, np.empty((0, 2), dtype=np.int64), np.empty(0))
    joined = csr_array(kneighbors_graph(table, nearest)) + eye_array(rows)
    pairs = triu(joined + joined.T, k=1, format="coo")
    first, second = pairs.coords
    common = np.asarray(joined[first].multiply(joined[second]).sum(axis=1)).reshape(-1)
    edges = np.column_stack([first, second]).astype(np.int64)
    return Graph(rows, edges, common / (2 * (nearest + 1) - common))


def wanted_communities(
    find: Callable[[float], list[int]], wanted: int, steps: int
) -> NDArray[np.int64]:
    """As many communities as wanted, or as near as bisection of the resolution comes.

    Args:
        find: The community of each node at a resolution; a higher one mostly gives more.
        wanted: How many.
        steps: Halvings of the range of log resolutions.
    """
    low, high = np.log(LOWEST), np.log(HIGHEST)
    best = np.zeros(0, dtype=np.int64)
    missed = np.inf
    for _ in range(steps):
        middle = (low + high) / 2
        communities = np.asarray(find(float(np.exp(middle))), dtype=np.int64)
        count = len(np.unique(communities))
        if abs(count - wanted) < missed:
            best, missed = communities, abs(count - wanted)
        if count == wanted:
            break
        low, high = (middle, high) if count < wanted else (low, middle)
    return best
