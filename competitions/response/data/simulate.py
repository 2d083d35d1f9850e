"""The simulated dataset: pathways drive both the genes and the responses, in two contexts.

A line has 12 pathways z, normal about the mean of its site. A gene is a mixture of them, of 6
factors that tell nothing of drugs, and of noise; how a gene is mixed, shifted and spread differs
between solid tissue and blood. A response is the drug's mean, the line's general sensitivity, what
the drug's mechanism asks of the pathways, and noise. Everything is normal, so the best prediction
from a line's genes, E[response | genes], has a closed form: `ceiling`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from .pairs import prepared

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.data import Prepared

    Floats = NDArray[np.float64]

SEED = 23
SOLID, BLOOD = "solid", "blood"
LINES = {SOLID: 320, BLOOD: 80}
SITES = {SOLID: 10, BLOOD: 4}
GENES, PATHWAYS, PRIVATE, DRUGS, MECHANISMS = 400, 12, 6, 60, 5
MISSING = 0.2

# What follows is tuned to the figures of the real data that README.md lists.
SITE = 0.5
"""Spread of the sites' means of a pathway; within a site it is 1."""
LOADING, OTHER = 0.095, 0.45
"""Spread of a gene's weights on pathways and on private factors, where its noise is 1."""
MIXED = {SOLID: 0.0, BLOOD: 0.2}
"""How much of a gene's weights on pathways is the context's own."""
NOISE = {SOLID: 1.0, BLOOD: 3.8}
OFFSET, SCALE = 3.0, 0.9
"""How genes of blood are shifted, and (log) spread, against those of solid tissue."""
MEAN, BETWEEN, WITHIN = 2.5, 2.1, 1.37
"""Of ln IC50: the mean and spread of the drugs' means, the spread of lines within a drug."""
GENERAL, OWN, REST = 0.25, 0.23, 0.52
"""Shares of the variance within a drug: the line's sensitivity, the mechanism, noise."""
GENERAL_SEEN = 0.6
"""How much of a line's general sensitivity its pathways tell."""
BLOOD_LOWER = 0.97
"""By how much blood has a lower ln IC50."""
SENSITIVE = 0.074
"""Share of the solid lines that a drug kills."""


class Genes(NamedTuple):
    """How genes come about in a context.

    Attributes:
        mean: [genes].
        pathways: Weights [genes, pathways].
        private: Weights [genes, private].
        spread: Of the noise [genes].
    """

    mean: Floats
    pathways: Floats
    private: Floats
    spread: Floats

    def drawn(self, rng: np.random.Generator, pathways: Floats) -> Floats:
        """Genes of lines with these pathways [lines, genes]."""
        private = rng.normal(size=(len(pathways), PRIVATE))
        noise = rng.normal(size=(len(pathways), len(self.mean)))
        mixed = pathways @ self.pathways.T + private @ self.private.T
        return np.asarray(self.mean + mixed + self.spread * noise)

    def expected(self, genes: Floats, prior: Floats) -> Floats:
        """E[pathways | genes], where they are normal about the prior [lines, pathways]."""
        covariance = self.pathways @ self.pathways.T + self.private @ self.private.T
        covariance += np.diag(self.spread**2)
        surprise = genes - self.mean - prior @ self.pathways.T
        return np.asarray(prior + surprise @ np.linalg.solve(covariance, self.pathways))


def demo() -> Prepared:
    """Simulate the dataset: the same 400 lines and 60 drugs on every call."""
    rng = np.random.default_rng(SEED)
    context = np.repeat([*LINES], [*LINES.values()]).astype(object)
    site, prior = _sites(rng, context)
    pathways = prior + rng.normal(size=prior.shape)
    how = _contexts(rng)
    genes, known = np.empty((len(context), GENES)), np.empty_like(prior)
    for name, mixing in how.items():
        rows = context == name
        genes[rows] = mixing.drawn(rng, pathways[rows]).round(3)
        known[rows] = mixing.expected(genes[rows], prior[rows])
    weights, mechanism = _weights(rng)
    general = _unit(rng.normal(size=PATHWAYS)) * np.sqrt(GENERAL * GENERAL_SEEN)
    hidden = rng.normal(size=len(context)) * np.sqrt(GENERAL * (1 - GENERAL_SEEN))
    mean, spread = rng.normal(MEAN, BETWEEN, DRUGS), WITHIN * np.exp(0.2 * rng.normal(size=DRUGS))
    lower = np.where(context == BLOOD, BLOOD_LOWER / WITHIN, 0.0)[:, None]

    def response(pathways: Floats, rest: Floats | float) -> Floats:
        """Ln IC50 [lines, drugs]."""
        of_line = (pathways @ general)[:, None] - lower
        return np.asarray(mean + spread * (of_line + pathways @ weights.T + rest))

    noise = np.sqrt(REST) * rng.normal(size=(len(context), DRUGS))
    measured = response(pathways, hidden[:, None] + noise).round(4)
    thresholds = np.quantile(measured[context == SOLID], SENSITIVE, axis=0)
    measured[rng.random(measured.shape) < MISSING] = np.nan
    names = [f"{name[0].upper()}{number:03d}" for number, name in enumerate(context, start=1)]
    columns = [f"G{number:03d}" for number in range(1, GENES + 1)]
    table = pd.DataFrame(genes.astype(np.float32), columns=columns)
    drugs = [f"D{number:02d}" for number in range(1, DRUGS + 1)]
    pathway = [f"mechanism {number + 1}" for number in mechanism]
    return prepared(
        pd.concat([pd.DataFrame({"line": names, "context": context, "site": site}), table], axis=1),
        pd.DataFrame({"drug": drugs, "pathway": pathway}),
        measured,
        thresholds,
        response(known, 0.0),
    )


def _sites(
    rng: np.random.Generator, context: NDArray[np.object_]
) -> tuple[NDArray[np.object_], Floats]:
    """The site of each line, and the mean of its pathways [lines, pathways]."""
    site = np.empty(len(context), dtype=object)
    prior = np.empty((len(context), PATHWAYS))
    for name, count in SITES.items():
        rows = np.flatnonzero(context == name)
        means = SITE * rng.normal(size=(count, PATHWAYS))
        number = np.sort(rng.integers(count, size=len(rows)))
        site[rows] = [f"{name} {one + 1}" for one in number]
        prior[rows] = means[number]
    return site, prior


def _contexts(rng: np.random.Generator) -> dict[str, Genes]:
    """How genes come about in solid tissue and in blood."""
    shared, level = LOADING * rng.normal(size=(GENES, PATHWAYS)), rng.normal(4.0, 1.5, GENES)
    made = {}
    for name, noise in NOISE.items():
        there = float(name == BLOOD)
        own = LOADING * rng.normal(size=shared.shape)
        scale = np.exp(there * SCALE * rng.normal(size=GENES))
        mixed = np.sqrt(1 - MIXED[name]) * shared + np.sqrt(MIXED[name]) * own
        made[name] = Genes(
            mean=level + there * OFFSET * rng.normal(size=GENES),
            pathways=mixed * scale[:, None],
            private=OTHER * rng.normal(size=(GENES, PRIVATE)) * scale[:, None],
            spread=noise * scale,
        )
    return made


def _weights(rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    """What each drug asks of the pathways [drugs, pathways], and its mechanism [drugs]."""
    kinds = rng.normal(size=(MECHANISMS, PATHWAYS))
    mechanism = rng.integers(MECHANISMS, size=DRUGS)
    weights = kinds[mechanism] + 0.7 * rng.normal(size=(DRUGS, PATHWAYS))
    return np.sqrt(OWN) * _unit(weights), mechanism


def _unit(weights: Floats) -> Floats:
    return np.asarray(weights / np.linalg.norm(weights, axis=-1, keepdims=True))
