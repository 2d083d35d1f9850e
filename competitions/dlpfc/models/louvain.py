"""Louvain communities of a graph of alike spots: the report's scanpy pipeline, by igraph.

Positions are not used. The resolution is searched until the slice has its domains, whose number is
given; the other settings are the report's (30 components) and scanpy's (15 neighbours), none
chosen on labels. Blondel et al. 2008, doi:10.1088/1742-5468/2008/10/P10008.
"""

from __future__ import annotations

import random
from typing import Any

import igraph

from ..shared.graph import Communities
from ..shared.parameters import GRAPH

PARAMETERS = GRAPH


def communities(graph: Any, resolution: float, seed: int) -> list[int]:
    """The community of each node; igraph draws from our generator, and afterwards from its own."""
    igraph.set_random_number_generator(random.Random(seed))
    try:
        partition = graph.community_multilevel(weights="weight", resolution=resolution)
    finally:
        igraph.set_random_number_generator(random)
    return list(partition.membership)


def build(params: dict[str, Any], seed: int) -> Communities:
    """Build the model."""
    return Communities(communities, params, seed)
