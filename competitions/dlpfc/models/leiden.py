"""Leiden communities of the graph that `louvain` has: the same quality, no loose communities.

Traag et al. 2019, doi:10.1038/s41598-019-41695-z. All settings are those of `louvain`.
"""

from __future__ import annotations

from typing import Any

import leidenalg

from ..shared.graph import Communities
from ..shared.parameters import GRAPH

PARAMETERS = GRAPH


def communities(graph: Any, resolution: float, seed: int) -> list[int]:
    """The community of each node."""
    partition = leidenalg.find_partition(
        graph,
        leidenalg.RBConfigurationVertexPartition,
        weights="weight",
        resolution_parameter=resolution,
        seed=seed,
    )
    return list(partition.membership)


def build(params: dict[str, Any], seed: int) -> Communities:
    """Build the model."""
    return Communities(communities, params, seed)
