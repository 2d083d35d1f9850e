"""Gaussian mixtures on principal components of each spot's neighbourhood, and their consensus.

Expression is averaged over the nearest spots, so that neighbours speak for a spot; a mixture whose
domains share one covariance (`tied`) weighs the components by how well they tell domains apart.
Without labels nobody knows the best size of neighbourhood and number of components, and single
mixtures differ much: so several are fitted and their posteriors averaged, after the domains of
each are matched to those of the mixture that agrees best with all others. At the end neighbours
vote on the label.

The likelihood has many local optima. It needs no labels, and the better of them are better
clusters: on the simulated slices the ARI rises from .69 with one start to .82 with twenty.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from podium.competition import Parameter

from ..shared.expression import (
    answer,
    components,
    distinct,
    domains,
    log_expression,
    neighbours,
    smoothed,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part, Report, Slice

    Floats = NDArray[np.float64]

PARAMETERS = {
    "neighbours": Parameter(
        [13, 19, 27],
        "spots averaged over, itself included; one mixture a number and ...",
        (1, 10_000),
    ),
    "components": Parameter([10, 15, 20], "... principal components", (1, 1000)),
    "starts": Parameter(
        15, "random beginnings of each mixture, of which the likeliest is kept", (1, 10_000)
    ),
    "vote": Parameter(
        19,
        "neighbours whose posteriors are averaged at the end, itself included; 1 for none",
        (1, 10_000),
    ),
}
"""Chosen on section BZ5 of `starmap` and on simulated slices of Visium's size, 4,700 spots, drawn
with other seeds than `demo`; not on `151510`. Mean ARI with 10 to 20 components .88 and .75, with
15 to 25 components .87 and .71.
"""

QUICK: dict[str, Any] = {"neighbours": [13], "components": [5, 10], "starts": 3}

SPOTS_A_COMPONENT = 10
"""A small slice gets fewer components, or the shared covariance fits anything."""


class SpatialMixture:
    """Clusters each slice by itself."""

    def __init__(
        self, neighbours: list[int], components: list[int], starts: int, vote: int, seed: int
    ) -> None:
        self.neighbours = neighbours
        self.components = components
        self.starts = starts
        self.vote = vote
        self.seed = seed

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing: each slice is clustered when it is predicted."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Cluster each slice."""
        reach = max(*self.neighbours, self.vote)
        return answer(part, self._cluster, reach=lambda _: reach, model="spatial_gmm")

    def _cluster(self, one: Slice) -> NDArray[np.int64]:
        together = consensus(self._mixtures(one))
        voted = smoothed(together, neighbours(one.features, self.vote))
        return np.asarray(voted.argmax(axis=1), dtype=np.int64)

    def _mixtures(self, one: Slice) -> list[Floats]:
        """Posteriors of all mixtures, each [spots, domains]."""
        genes = log_expression(one)
        most = min(max(self.components), max(1, len(one) // SPOTS_A_COMPONENT))
        all_posteriors = []
        for size in self.neighbours:
            table = components(smoothed(genes, neighbours(one.features, size)), most)
            for count in self.components:
                columns = evened(table[:, :count])
                all_posteriors.append(posteriors(columns, domains(one), self.starts, self.seed))
        return all_posteriors


def evened(table: Floats) -> Floats:
    """Columns divided by the root of their spread; constant ones as they are.

    Only the k-means that starts a mixture sees it: the mixture itself gives the same likelihoods
    whatever the scales. Late components then have a say in where it starts, and more starts differ.
    """
    spread = table.std(axis=0)
    return table / np.sqrt(np.where(spread > 0, spread, 1.0))


def posteriors(table: Floats, domains: int, starts: int, seed: int) -> Floats:
    """Posteriors of the likeliest of several tied mixtures [spots, domains].

    Domains beyond the number of distinct rows have posterior 0.
    """
    posterior = np.zeros((len(table), domains))
    clusters = min(domains, distinct(table))
    if clusters == 1:
        posterior[:, 0] = 1.0
        return posterior
    mixture = GaussianMixture(
        clusters, covariance_type="tied", n_init=starts, max_iter=200, random_state=seed
    )
    with warnings.catch_warnings():
        # A start may not have converged after 200 steps; what it has reached is still a mixture.
        warnings.simplefilter("ignore", ConvergenceWarning)
        posterior[:, :clusters] = mixture.fit(table).predict_proba(table)
    return posterior


def consensus(members: list[Floats]) -> Floats:
    """The mean of posteriors whose domains come in different orders [spots, domains].

    The order is that of the member whose labels agree best with those of all others.
    """
    labels = [member.argmax(axis=1) for member in members]
    agreement = [sum(adjusted_rand_score(own, other) for other in labels) for own in labels]
    central = members[int(np.argmax(agreement))]
    return np.asarray(np.mean([_in_order_of(central, member) for member in members], axis=0))


def _in_order_of(central: Floats, member: Floats) -> Floats:
    """The member's columns, each at the place of the central column that it overlaps most."""
    return member[:, linear_sum_assignment(central.T @ member, maximize=True)[1]]


def build(params: dict[str, Any], seed: int) -> SpatialMixture:
    """Build the model."""
    return SpatialMixture(seed=seed, **params)


def space(trial: Any) -> dict[str, Any]:
    """Search the middle of the neighbourhoods and of the components."""
    size = trial.suggest_int("neighbours", 5, 60, log=True)
    count = trial.suggest_int("components", 5, 30, log=True)
    return {
        "neighbours": sorted({round(size * step) for step in (0.7, 1.0, 1.4)}),
        "components": sorted({round(count * step) for step in (0.75, 1.0, 1.25)}),
        "vote": trial.suggest_int("vote", 1, 37),
    }
