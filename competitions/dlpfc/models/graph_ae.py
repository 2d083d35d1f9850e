"""Attention autoencoders on the graph of neighbouring spots, then tied mixtures; no labels.

Principal components of each spot's near neighbourhood go through the autoencoder of
`attention.py`, which looks at a wider one; the latent coordinates are clustered by a mixture of
normals with one covariance. Networks differ by their first weights, and the mixture of one in three
may merge domains: so there are several, and more mixtures on what their coordinates have in common.
From the consensus of all a hidden Markov field draws the boundaries anew, as in `spatial_gmm`. Each
slice is trained by itself from the seed.

How far to look follows from the slice: neighbourhoods hold a share of the spots that an average
domain has. Shares, sizes and starts were chosen where labels may be known: on donor 1 of `demo`,
section BZ5 of `starmap` and larger simulated slices; never on a slice that is scored. Networks and
what they have in common: on BZ5 with half of its genes, an eighth of its counts or three fifths of
its area, where seeds differ. The field's strength is that of `spatial_gmm`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition import Parameter
from podium.learning import Settings, network_parameters

from ..shared.attention import graph_latent
from ..shared.expression import (
    NEXT,
    answer,
    components,
    domains,
    log_expression,
    neighbours,
    smoothed,
)
from ..shared.mixture import consensus, tied_posteriors
from ..shared.potts import OWN, potts

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part, Report, Slice

PARAMETERS = {
    "near": Parameter(
        0.04,
        "neighbours that are averaged before anything else, as a share of an average domain",
        (0.0, 1.0),
        search=(0.01, 0.1, "log"),
    ),
    "far": Parameter(
        0.08, "neighbours that are attended to, likewise", (0.0, 1.0), search=(0.02, 0.2, "log")
    ),
    "components": Parameter(
        20, "principal components that the network reads", (1, 1000), search=(10, 50)
    ),
    "hidden": Parameter(64, "width of the hidden layers", (1, 65_536)),
    "latent": Parameter(10, "latent coordinates", (1, 16_384), search=(5, 30)),
    "networks": Parameter(10, "autoencoders, each of other first weights", (1, 100)),
    "starts": Parameter(20, "of each one's mixture; the likeliest is kept", (1, 10_000)),
    "strength": Parameter(
        2.0, "log odds for a domain that a next spot of it gives; 0 for no field", (0.0, 100.0)
    ),
    **network_parameters(epochs=200, learning_rate=5e-3, weight_decay=1e-4, bf16=False),
}
"""An epoch is one step with all spots."""

QUICK: dict[str, Any] = {"epochs": 60, "starts": 2, "networks": 1}

FEWEST, MOST = 4, 100
"""Neighbours, whatever the share."""
COMPONENTS = 15
"""That the field reads."""
TOGETHER = (8, 10)
"""Principal components of all networks' coordinates that are clustered as well, ..."""
REPEATS = 3
"""... so many times each."""


class GraphMixture:
    """Clusters each slice by itself."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.settings = Settings.of({**params, "batch": 1})

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing: each slice is learnt when it is predicted."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Train on each slice and cluster it."""
        return answer(part, self._cluster, reach=self._reach, model="graph_ae")

    def _cluster(self, one: Slice) -> NDArray[np.int64]:
        genes = log_expression(one)
        near = smoothed(genes, self._neighbours(one, self.params["near"]))
        table = components(near, self.params["components"])
        if not table.any():  # one spot, or all alike
            return np.zeros(len(one), dtype=np.int64)
        following = neighbours(one.features, NEXT)
        posterior: Any = smoothed(consensus(self._members(one, unit(table))), following)
        if self.params["strength"]:
            own = [components(smoothed(genes, following[:, :size]), COMPONENTS) for size in OWN]
            posterior = potts(own, posterior, following, self.params["strength"])
        return np.asarray(posterior.argmax(axis=1), dtype=np.int64)

    def _members(self, one: Slice, inputs: NDArray[np.float32]) -> list[NDArray[np.float64]]:
        """Posteriors of mixtures, each [spots, domains].

        One is on the latent coordinates of each network, the others on components of all.
        """
        rng = np.random.default_rng(self.seed)
        far = self._neighbours(one, self.params["far"])
        latents = [
            graph_latent(
                inputs,
                far,
                hidden=self.params["hidden"],
                latent=self.params["latent"],
                settings=self.settings,
                seed=int(seed),
            )
            for seed in rng.integers(0, 1 << 31, self.params["networks"])
        ]
        several = TOGETHER if len(latents) > 1 else ()
        together = [components(np.concatenate(latents, axis=1), count) for count in several]
        tables: list[NDArray[Any]] = [*latents, *together * REPEATS]
        starts = self.params["starts"]
        return [tied_posteriors(table, domains(one), starts=starts, rng=rng) for table in tables]

    def _reach(self, one: Slice) -> int:
        return max(NEXT, *(self._count(one, self.params[name]) for name in ("near", "far")))

    def _neighbours(self, one: Slice, share: float) -> NDArray[np.int64]:
        return neighbours(one.features, self._count(one, share))

    def _count(self, one: Slice, share: float) -> int:
        return min(max(round(share * len(one) / domains(one)), FEWEST), MOST)


def unit(matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """A matrix divided by the root of its mean square."""
    return np.asarray(matrix / np.sqrt(np.mean(matrix**2)), dtype=np.float32)


def build(params: dict[str, Any], seed: int) -> GraphMixture:
    """Build the model; the network is made for each slice."""
    return GraphMixture(params, seed)
