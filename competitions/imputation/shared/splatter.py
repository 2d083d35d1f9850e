"""Splatter's model of counts, learnt from cells whose counts before dropout are known.

A gene g of a cell i is expressed at a mean m, the cell's library times the gene's share in its
group of cells. The expression behind a count is gamma distributed around m, with the coefficient
of variation

    (common + 1 / sqrt(m)) spread_g,    spread_g^2 = 60 / chi^2(60),

the count Poisson around the expression l, and lost with probability 1 / (1 + exp(-slope (ln l -
middle))) (Zappia et al. 2017, doi:10.1186/s13059-017-1305-0). Of the molecules of a count that is
not lost a share `kept` is seen: all but where cells were sampled down. With means given,
`learn_law` fits what is left; `learn_groups` fits the means, too; `place` finds group and library
of further cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import expit, gammaln, logsumexp, softmax

from . import zeros
from .calling import threshold
from .cells import components
from .zeros import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .zeros import Zeros

Floats = zeros.Floats

FREEDOM = 60.0
"""Splatter's degrees of freedom of the spread of genes."""
SPREADS = np.exp(np.linspace(-0.36, 0.36, 13))
"""Spreads that are weighed: four standard deviations of their logarithm on either side."""
COMMON = np.linspace(0.06, 0.5, 23)
"""Coefficients of variation common to all genes that are weighed; quadrature resolves no less."""
TRIED, DRAWN, DRAWS = 100, 20_000, 24
"""Genes that tell the common variation, counts that tell the curve, and draws of the expression
behind each."""
CHANGES = np.linspace(-2.0, 2.0, 81)
"""Log factors that are weighed by which a group changes a gene."""
SHARE, WIDTH = 0.1, 0.4
"""Share of genes that a group changes and the deviation of their log factor, to begin with."""
TYPICAL = 0.1
"""Common variation by which groups are found."""
NARROWEST = 0.05
ROUNDS = 10
CLIP = 5.0
"""Standard deviations at which residuals are cut."""
HALF = 0.5
"""Counts that are added to a gene, which may have none."""
LIBRARIES = np.linspace(-0.36, 0.36, 25)
"""Log factors of the expected library that are weighed."""
LEAST, LEAST_KEPT = 1e-9, 1e-3


class Law(NamedTuple):
    """All but the means.

    Attributes:
        common: Coefficient of variation of the highest means.
        spread: Factor of each gene's coefficient of variation [genes].
        middle: Log expression at which every second count is lost.
        slope: Of the logistic curve of the dropout; below 0.
        kept: Share of the molecules of a count that is not lost.
    """

    common: float
    spread: Floats
    middle: float
    slope: float
    kept: float

    def variation(self, mean: Floats, spread: Floats) -> Floats:
        """Coefficient of variation at a mean."""
        return np.asarray((self.common + 1 / np.sqrt(mean)) * spread)

    def dropout(self, expression: Floats) -> Floats:
        """Probability that a count is lost."""
        return np.asarray(expit(self.slope * (np.log(expression) - self.middle)))

    def table(self, mean: Floats) -> Table:
        """What is known of zeros at any mean between the least and the greatest of these."""
        return Table.over(
            mean, self.spread, variation=self.variation, dropout=self.dropout, kept=self.kept
        )

    def at_zeros(self, mean: Floats) -> Zeros:
        """What is known of each entry, were it 0 [cells, genes]."""
        return self.table(mean)(mean, self.spread)

    def log_likelihood(self, counts: Floats, mean: Floats, table: Table) -> Floats:
        """Of counts as they are seen after dropout, but for terms without the mean [cells]."""
        there = counts > 0
        spread = np.broadcast_to(self.spread, mean.shape)
        seen, typical = counts[there], mean[there]
        shape = self.variation(typical, spread[there]) ** -2
        behind = shape + seen
        log = np.log(behind - 0.5) - np.log1p(shape / typical + (self.kept - 1))
        # A normal distribution of the log expression behind a count, logistic as a probit.
        odds = -self.slope * (log - self.middle) / np.sqrt(1 + np.pi / 8 * self.slope**2 / behind)
        fit = np.log(table.chance(mean, spread))
        fit[there] = log_nb(seen, self.kept * typical, shape) - np.logaddexp(0, -odds)
        return np.asarray(fit.sum(axis=1))


class Groups(NamedTuple):
    """Groups of cells.

    Attributes:
        share: Of each gene in the counts of a cell [groups, genes].
        weight: Of each group among cells [groups].
        library: Counts before dropout of each cell [cells].
        group: Of each cell [cells].
    """

    share: Floats
    weight: Floats
    library: Floats
    group: NDArray[np.int64]

    @property
    def mean(self) -> Floats:
        """Of each entry before dropout [cells, genes]."""
        return np.asarray(self.library[:, None] * self.share[self.group])


def log_nb(counts: Floats, mean: Floats, shape: Floats) -> Floats:
    """Logarithm of a negative binomial probability, without -log x!."""
    return np.asarray(
        gammaln(counts + shape)
        - gammaln(shape)
        - shape * np.log1p(mean / shape)
        - counts * np.log1p(shape / mean)
    )


def learn_law(observed: Floats, truth: Floats, mean: Floats, seed: int) -> Law:
    """Fit variation and dropout to cells whose means are known; all [cells, genes].

    Figures are rounded, so that they are the same on every machine.
    """
    rng = np.random.default_rng(seed)
    some = rng.permutation(mean.shape[1])[:TRIED]
    tried = [
        logsumexp(fits(truth[:, some], mean[:, some], common, SPREADS[::3]), axis=0).sum()
        for common in COMMON
    ]
    common = float(COMMON[np.argmax(tried)])
    posterior = softmax(fits(truth, mean, common, SPREADS), axis=0)
    spread = np.exp(np.log(SPREADS) @ posterior).round(4)
    law = Law(common, spread, 0.0, -1.0, round(learn_kept(observed, truth), 4))
    middle, slope = learn_dropout(observed, truth, mean, law, rng)
    return law._replace(middle=round(middle, 3), slope=round(slope, 3))


def fits(truth: Floats, mean: Floats, common: float, spreads: Floats) -> Floats:
    """Log posterior of each spread of each gene, but for a constant [spreads, genes]."""
    root = common + 1 / np.sqrt(mean)
    prior = -FREEDOM * (np.log(spreads) + 0.5 / spreads**2)
    likelihood = [log_nb(truth, mean, (root * s) ** -2).sum(axis=0) for s in spreads]
    return np.asarray(likelihood) + prior[:, None]


def learn_kept(observed: Floats, truth: Floats) -> float:
    """Share of the molecules of a count that is seen, where any is; both [cells, genes].

    The likeliest for binomial counts of which none is 0; 1 where all molecules are seen.
    """
    from scipy.optimize import brentq

    there = (observed > 0) & (truth > 0)
    seen, counts = observed[there].sum(), truth[there]

    def surplus(kept: float) -> float:
        return float(seen - kept * (counts / (1 - (1 - kept) ** counts)).sum())

    if surplus(1.0) >= 0:
        return 1.0
    return float(brentq(surplus, LEAST_KEPT, 1.0)) if surplus(LEAST_KEPT) > 0 else LEAST_KEPT


def learn_dropout(
    observed: Floats, truth: Floats, mean: Floats, law: Law, rng: np.random.Generator
) -> tuple[float, float]:
    """Middle and slope of the curve, from which true counts were lost."""
    from scipy.optimize import minimize

    cells, genes = np.nonzero(truth > 0)
    chosen = rng.permutation(len(cells))[:DRAWN]
    cells, genes = cells[chosen], genes[chosen]
    there, typical = truth[cells, genes], mean[cells, genes]
    shape = law.variation(typical, law.spread[genes]) ** -2
    drawn = rng.standard_gamma((shape + there)[:, None], (len(there), DRAWS))
    log = np.log(np.maximum(drawn / (shape / typical + 1)[:, None], 1e-300))
    zero = observed[cells, genes] == 0
    sign = np.where(zero, 1.0, -1.0)[:, None]
    unseen = np.where(zero, (1 - law.kept) ** there, 0.0)

    def misfit(curve: Floats) -> float:
        middle, slope = curve
        lost = expit(sign * slope * (log - middle)).mean(axis=1)
        return -float(np.log(lost + unseen * (1 - lost) + LEAST).sum())

    best = minimize(misfit, [float(log.mean()), -1.0], method="Nelder-Mead")
    middle, slope = best.x
    return float(middle), float(min(slope, -1e-3))


def best_calls(known: Zeros, observed: NDArray[Any], slack: float = 0.0) -> Floats:
    """Counts of the best caller of zeros, 0 where it calls no dropout [cells, genes].

    Args:
        known: Of each entry, were it 0.
        observed: Counts after dropout, which stay [cells, genes].
        slack: See `calling.threshold`.
    """
    zero = observed == 0
    called = zero & (known.lost >= threshold(known.lost[zero], slack))
    return np.where(zero, np.where(called, known.expected, 0.0), observed).round(4)


def learn_groups(truth: Floats, groups: int, seed: int) -> Groups:
    """Group cells by their true counts, and estimate by how much each group changes each gene.

    Args:
        truth: Counts before dropout [cells, genes].
        groups: How many; fewer where there are fewer cells.
        seed: Of k-means.
    """
    from sklearn.cluster import KMeans

    library = np.maximum(truth.sum(axis=1), 1.0)
    where = standing(truth, library, groups - 1)
    groups = min(groups, len(np.unique(where, axis=0)))
    group = KMeans(groups, n_init=10, random_state=seed).fit_predict(where).astype(np.int64)
    for _ in range(ROUNDS):
        member = (group == np.arange(groups)[:, None]).astype(np.float64)
        share = shares(member @ truth, member @ library, library.mean())
        means = (library[:, None] * one for one in share)  # one group's at a time
        fit = [log_nb(truth, mean, 1 / scatter(mean)).sum(axis=1) for mean in means]
        before, group = group, np.argmax(fit, axis=0)
        if (group == before).all():
            break
    weight = (member.sum(axis=1) + 1) / (len(truth) + groups)
    return Groups(share=share, weight=weight, library=library, group=group)


def standing(truth: Floats, library: Floats, count: int) -> Floats:
    """Where cells stand among each other: components of clipped residuals [cells, count]."""
    mean = np.maximum(library[:, None] * truth.sum(axis=0) / truth.sum(), LEAST)
    residual = (truth - mean) / np.sqrt(mean + scatter(mean) * mean**2)
    residual = np.clip(residual, -CLIP, CLIP)
    if not count or np.ptp(residual, axis=0).max() < LEAST:
        return np.zeros((len(truth), 1))
    return components(residual - residual.mean(axis=0), count)


def scatter(mean: Floats) -> Floats:
    """Typical squared coefficient of variation of the expression."""
    return np.asarray((TYPICAL + 1 / np.sqrt(mean)) ** 2)


def shares(counts: Floats, library: Floats, typical: float) -> Floats:
    """Share of each gene in the counts of each group, by spike and slab [groups, genes].

    Most genes are not changed by a group; the log factors of the others are normal around 0. How
    many, and how wide, follows by empirical Bayes. The likelihood is that of Poisson counts,
    tempered by how much further they scatter.

    Args:
        counts: Before dropout, summed over the cells of each group [groups, genes].
        library: Of all these cells together [groups].
        typical: Library of a cell.
    """
    base = (counts.sum(axis=0) + HALF) / (library.sum() + HALF * counts.shape[1])
    factor, changed, width = np.ones_like(counts), SHARE, WIDTH
    size = np.exp(CHANGES)[:, None, None]
    for _ in range(ROUNDS):
        exposure = library[:, None] / (factor @ base)[:, None]
        mean = typical * base
        fit = counts * CHANGES[:, None, None] - exposure * base * (size - 1)
        fit /= 1 + mean * scatter(mean)
        slab = fit - 0.5 * (CHANGES[:, None, None] / width) ** 2
        slab -= np.log(np.exp(-0.5 * (CHANGES / width) ** 2).sum())
        evidence = logsumexp(slab, axis=0)
        posterior = np.exp(slab - evidence)
        moved = expit(evidence + np.log(changed / (1 - changed)))  # against the spike at 0
        factor = 1 - moved + moved * (posterior * size).sum(axis=0)
        base = (counts.sum(axis=0) + HALF * base * len(base)) / (exposure * factor).sum(axis=0)
        squares = (posterior * CHANGES[:, None, None] ** 2).sum(axis=0)
        width = max(float(np.sqrt((moved * squares).sum() / moved.sum())), NARROWEST)
        changed = float(np.clip(moved.mean(), 1e-3, 1 - 1e-3))
    share = factor * base
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def place(observed: Floats, groups: Groups, law: Law, expected: Floats) -> Floats:
    """The mean of each entry of further cells, by group and library [cells, genes].

    Args:
        observed: Counts after dropout [cells, genes].
        groups: Those that are known.
        law: Of counts and their dropout.
        expected: A guess of the library of each cell, which is looked for around it [cells].
    """
    library, reach = expected, np.exp([2 * LIBRARIES[0], 2 * LIBRARIES[-1]])
    table = law.table(
        np.outer([expected.min(), expected.max()] * reach, [groups.share.min(), groups.share.max()])
    )
    for _ in range(2):
        means = (library[:, None] * share for share in groups.share)
        fit = np.stack([law.log_likelihood(observed, mean, table) for mean in means], axis=1)
        share = softmax(fit + np.log(groups.weight), axis=1) @ groups.share
        around = [
            law.log_likelihood(observed, share * (expected * np.exp(log))[:, None], table)
            for log in LIBRARIES
        ]
        library = expected * np.exp(softmax(np.stack(around, axis=1), axis=1) @ LIBRARIES)
    return np.asarray(library[:, None] * share)
