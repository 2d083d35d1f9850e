"""Gaussian mixtures on components of each spot's neighbourhood, then a hidden Markov field.

Expression is averaged over the nearest spots, so that neighbours speak for a spot; a mixture whose
domains share one covariance (`tied`) weighs the components by how well they tell domains apart.
Without labels nobody knows the best size of neighbourhood and number of components, and single
mixtures differ much: so several are fitted, each more than once, and their posteriors averaged,
after the domains of each are matched to those of the mixture that agrees best with all others.
Neighbours vote; then a hidden Markov field, which begins at that vote, draws the boundaries anew:
each spot by its own expression and by what its next spots are.

The likelihood has many local optima. It needs no labels, and the better of them are better
clusters: on the simulated slices the ARI rises from .69 with one start to .82 with twenty.

Where domains end within the neighbourhood, smoothing loses them. What spots beyond its edge have in
common tells that without labels; such a slice gets the narrow neighbourhoods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from podium.competition import Parameter
from podium.errors import note

from ..shared.expression import (
    NEXT,
    WIDE,
    answer,
    components,
    domains,
    in_common,
    log_expression,
    neighbours,
    smoothed,
)
from ..shared.mixture import consensus, tied_posteriors
from ..shared.potts import OWN, potts

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    "narrow": Parameter(
        [1, 4, 7], "instead of `neighbours` where domains are thin beside these", (1, 10_000)
    ),
    "starts": Parameter(
        15, "random beginnings of each mixture, of which the likeliest is kept", (1, 10_000)
    ),
    "repeats": Parameter(3, "mixtures of each kind, each of other beginnings", (1, 1000)),
    "strength": Parameter(
        2.0, "log odds for a domain that a next spot of it gives; 0 for no field", (0.0, 100.0)
    ),
}
"""Sizes and components were chosen on section BZ5 of `starmap` and on simulated slices of Visium's
size, 4,700 spots, drawn with other seeds than `demo`; not on `151510`. Mean ARI with 10 to 20
components .88 and .75, with 15 to 25 components .87 and .71. Repeats and strength: on donor 1 of
`demo` and on BZ5. What thin domains get: on these and `benchmarks/neighbourhood.py`.
"""

QUICK: dict[str, Any] = {
    "neighbours": [13],
    "narrow": [1, 4],
    "components": [5, 10],
    "starts": 3,
    "repeats": 1,
}

SPOTS_A_COMPONENT = 10
"""A small slice gets fewer components, or the shared covariance fits anything."""
THIN = 0.35
"""Strength of the field there, as a share: more of a thin domain is edge; and it
reads the components of single spots alone."""


class Look(NamedTuple):
    """How far a model looks in a slice, and how its field draws boundaries.

    Attributes:
        sizes: Spots of the neighbourhoods that are averaged over.
        own: Spots of those whose components the field reads.
        strength: Of the field.
    """

    sizes: list[int]
    own: tuple[int, ...]
    strength: float

    @property
    def vote(self) -> int:
        """Neighbours whose posteriors are averaged before the field: the median size."""
        return sorted(self.sizes)[len(self.sizes) // 2]


class SpatialMixture:
    """Clusters each slice by itself."""

    def __init__(
        self,
        neighbours: list[int],
        components: list[int],
        narrow: list[int],
        starts: int,
        repeats: int,
        strength: float,
        seed: int,
    ) -> None:
        self.wide = Look(neighbours, OWN, strength)
        self.narrow = Look(narrow, (1,), strength * THIN)
        self.components = components
        self.starts = starts
        self.repeats = repeats
        self.seed = seed

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing: each slice is clustered when it is predicted."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Cluster each slice."""
        thin: list[str] = []
        whole: list[str] = []
        widest = max(self.wide.sizes)

        def cluster(one: Slice) -> NDArray[np.int64]:
            share = in_common(one, widest)
            if share < WIDE and len(one) <= widest:
                whole.append(f"{one.name} ({len(one)} spots)")
            elif share < WIDE:
                thin.append(f"{one.name} ({max(share, 0.0):.0%})")
            return self.cluster(one, self.narrow if share < WIDE else self.wide)

        table = answer(part, cluster)
        narrow = (
            f"spatial_gmm averages over {_listed(self.narrow.sizes)} spots instead of "
            f"{_listed(self.wide.sizes)} in slice"
        )
        if whole:
            note(
                f"{narrow} {', '.join(whole)}: the nearest {widest} are all of it, and their mean "
                "tells no spots apart."
            )
        if thin:
            note(
                f"{narrow} {', '.join(thin)}: spots just beyond the nearest {widest} have only "
                f"that share in common of what second neighbours have, "
                f"and below {WIDE:.0%} wider neighbourhoods lose thin domains."
            )
        return table

    def cluster(self, one: Slice, look: Look) -> NDArray[np.int64]:
        """The domain of each spot, for one who looks so far [spots]."""
        genes = log_expression(one)
        most = min(max(self.components), max(1, len(one) // SPOTS_A_COMPONENT))

        def tables(sizes: Iterable[int]) -> list[Floats]:
            """The first components of each size, as many as each of `components`."""
            all_of = (
                components(smoothed(genes, neighbours(one.features, size)), most) for size in sizes
            )
            return [table[:, :count] for table in all_of for count in self.components]

        rng = np.random.default_rng(self.seed)
        members = [
            tied_posteriors(table, domains(one), starts=self.starts, rng=rng)
            for table in tables(look.sizes)
            for _ in range(self.repeats)
        ]
        voted: Any = smoothed(consensus(members), neighbours(one.features, look.vote))
        if look.strength:
            voted = potts(tables(look.own), voted, neighbours(one.features, NEXT), look.strength)
        return np.asarray(voted.argmax(axis=1), dtype=np.int64)


def _listed(sizes: list[int]) -> str:
    return ", ".join(map(str, sizes))


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
        "strength": trial.suggest_float("strength", 0.5, 4.0, log=True),
    }
