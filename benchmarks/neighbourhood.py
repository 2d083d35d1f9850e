"""How far `spatial_gmm` should look: rules without labels, on slices whose labels may be seen.

    python benchmarks/neighbourhood.py [--seed 0] [--slices d1s1 BZ5]

The slices: donor 1 of `demo` and section BZ5 of `starmap`, which train; the same with a quarter of
their spots; other slices of demo's simulator with about 200 and 540 spots; bands of a few spots'
width on 256 to 1,024 spots, with markers from faint to strong. Each is clustered by `pca_kmeans`,
and by `spatial_gmm` with wide and with narrow neighbourhoods; each rule takes one of the two:

* `in common`, the one that ships: narrow where spots just beyond the wide neighbourhood have less
  than half in common of what second neighbours have;
* `held out`: narrow where it predicts spots better that were held out (a fifth at a time; mixtures
  of 10 components on the others; a held-out spot takes the domain that its 3 nearest spots vote
  for, and its own 20 components are predicted by the mean of that domain; wide as long as one of
  its sizes is within 3 standard errors, paired by spot, of the best of all);
* `size`: narrow where the root of the spots, by domain, is below 3.05.

Prints a Markdown table, ARI.
"""

import argparse

import numpy as np
import pandas as pd
from podium.competitions.dlpfc.data import simulate, simulated_tissue
from podium.competitions.dlpfc.models import pca_kmeans, spatial_gmm
from podium.competitions.dlpfc.shared.expression import (
    WIDE,
    components,
    domains,
    in_common,
    log_expression,
    neighbours,
    smoothed,
)
from podium.competitions.dlpfc.shared.mixture import tied_posteriors
from scipy.sparse import csr_array
from scipy.spatial import KDTree
from sklearn.metrics import adjusted_rand_score

from podium import api
from podium.competition import Slice, defaults

ROOT3 = np.sqrt(3)
FOLDS, VOTERS, ERRORS, SMALL = 5, 3, 3.0, 3.05
RULES = ("in common", "held out", "size")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slices", nargs="+", help="names begin so; default: all")
    given = parser.parse_args()
    wanted = tuple(given.slices or [""])
    made = {n: one for n, one in {**trained(), **simulated()}.items() if n.startswith(wanted)}
    columns = ["pca_kmeans", "wide", "narrow", *RULES]
    print(f"| slice | spots | {' | '.join(columns)} | share |\n|{'---|' * (len(columns) + 3)}")
    table = []
    for name, (one, label) in made.items():
        scores, share = scored(one, label, given.seed)
        table.append([scores[column] for column in columns])
        cells = " | ".join(f"{score:.2f}" for score in table[-1])
        print(f"| {name} | {len(one)} | {cells} | {share:.0%} |", flush=True)
    scores = np.array(table)
    worst = (scores - scores[:, :1]).min(axis=0)
    for title, row in (("mean", scores.mean(axis=0)), ("worst beside `pca_kmeans`", worst)):
        print(f"| {title} | | {' | '.join(f'{score:.2f}' for score in row)} | |")


def scored(one, label, seed):
    """ARI of each way of clustering, and the share in common."""
    model = spatial_gmm.build(defaults(spatial_gmm.PARAMETERS), seed)
    alone = pca_kmeans.build(defaults(pca_kmeans.PARAMETERS), seed)
    share = in_common(one, max(model.wide.sizes))
    scores = {
        "pca_kmeans": adjusted_rand_score(label, alone._cluster(one)),  # noqa: SLF001
        **{
            name: adjusted_rand_score(label, model.cluster(one, look))
            for name, look in (("wide", model.wide), ("narrow", model.narrow))
        },
    }
    narrow = {
        "in common": share < WIDE,
        "held out": held_out_prefers_narrow(one, model, seed),
        "size": np.sqrt(len(one)) / domains(one) < SMALL,
    }
    return scores | {rule: scores["narrow" if narrow[rule] else "wide"] for rule in RULES}, share


def held_out_prefers_narrow(one, model, seed):
    errors = held_out_errors(one, [*model.narrow.sizes, *model.wide.sizes], seed)
    best = errors[errors.mean(axis=1).argmin()]
    worse = errors - best
    spread = worse.std(axis=1) / np.sqrt(len(one)) + np.finfo(float).tiny
    within = worse.mean(axis=1) <= ERRORS * spread
    return not within[len(model.narrow.sizes) :].any()


def held_out_errors(one, sizes, seed, repeats=3):
    """Squared errors of each held-out spot's own components [sizes, spots]."""
    genes = log_expression(one)
    own = components(genes, 20)
    errors = np.zeros((len(sizes), len(one)))
    places = one.features[["x", "y"]].to_numpy()
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat])
        fold = rng.permutation(len(one)) % FOLDS
        for number in range(FOLDS):
            rest, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            nearest = neighbours(one.features.iloc[rest], max(sizes))
            voters = KDTree(places[rest]).query(places[held], k=VOTERS)[1]
            for place, size in enumerate(sizes):
                table = components(smoothed(genes[rest], nearest[:, :size]), 10)
                posterior = tied_posteriors(table, domains(one), starts=3, rng=rng)
                hard = np.eye(domains(one))[posterior.argmax(axis=1)]
                means = hard.T @ own[rest] / np.maximum(hard.sum(axis=0), 1)[:, None]
                voted = hard[voters].sum(axis=1).argmax(axis=1)
                error = np.square(own[held] - means[voted]).sum(axis=1)
                errors[place, held] += error / repeats
    return errors


def trained():
    """Slices that train, and the same with a quarter of their spots, by name: slice and labels."""
    made = {}
    for dataset in ("demo", "starmap"):
        part = api.prepare("dlpfc", dataset).train(0)
        labels = part.targets["domain"].to_numpy()
        for one in part.slices():
            made[one.name] = one, labels[one.rows]
    for name in ("d1s1", "d1s2", "BZ5"):
        one, label = made[name]
        kept = coarse(one.features) if name.startswith("d") else quarter(len(one))
        made[f"{name}, a quarter"] = slice_of(
            one.features.loc[kept, ["x", "y"]].to_numpy(),
            one.counts[np.flatnonzero(kept)],
            label[kept],
            domains(one),
        )
    return made


def coarse(features):
    """Every second row and column of a hexagonal lattice."""
    column = np.rint(2 * features["x"]).astype(int).to_numpy()
    row = np.rint(2 * features["y"] / ROOT3).astype(int).to_numpy()
    return (row % 2 == 0) & ((row + column) % 4 == 0)


def quarter(spots):
    return np.random.default_rng(0).random(spots) < 0.25


def simulated():
    made = {}
    for size, depth in ((16.0, 820.0), (16.0, 10_000.0), (24.0, 3000.0)):
        for seed in (11, 12):
            one = thick(seed, size, depth)
            made[f"simulator, {len(one[0])} spots, {depth:,.0f} counts"] = one
    for width in (1.5, 2.0, 3.0, 4.0):
        for gain in (0.3, 0.45, 0.6, 1.0):
            made[f"bands of {width:g} spots, markers x {gain:g}"] = bands(21, width, gain)
    for gain in (0.3, 0.45, 0.6):
        made[f"bands of 2 spots, four times as long, markers x {gain:g}"] = bands(
            21, 2.0, gain, rows=64
        )
    return made


def thick(seed, size, depth):
    """A slice of demo's simulator, of another size and depth."""
    simulate.DEPTH = depth
    rng = np.random.default_rng(seed)
    genes = simulate.draw_genes(rng)
    cut = simulated_tissue.cut(rng, np.arange(7), rng.uniform(0, 2 * np.pi), size)
    peculiar = simulate.DONOR * rng.standard_normal(simulate.GENES)
    one = simulate.express(rng, genes, cut, peculiar)
    return slice_of(cut.places, one.counts, one.label, 7)


def bands(seed, width, gain, rows=16, count=7, genes=300):
    """Domains that follow one another, so many spots wide; a tenth of the genes marks each."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[0:rows, 0 : 2 * max(16, int(count * width))]
    spot = (row + column) % 2 == 0
    x, y = column[spot] / 2, row[spot] * ROOT3 / 2
    label = (x // width).astype(int) % count
    level = rng.lognormal(0, 1, genes)
    marked = gain * (rng.random((count, genes)) < 0.1) * rng.gamma(2, 0.5, (count, genes))
    depth = rng.lognormal(0, 0.3, (len(x), 1))
    counts = rng.poisson(depth * level * np.exp(marked[label]))
    return slice_of(np.stack([x, y], axis=1), counts, label, count)


def slice_of(places, counts, label, count):
    """A slice and its labels; distances are made those of next spots."""
    places = places / np.median(KDTree(places).query(places, k=2)[0][:, 1])
    features = pd.DataFrame(places, columns=["x", "y"]).assign(slice="made", domains=count)
    names = np.array([f"g{gene}" for gene in range(counts.shape[1])])
    made = Slice(
        name="made",
        rows=np.arange(len(features)),
        features=features,
        counts=csr_array(counts),
        genes=names,
    )
    return made, label


if __name__ == "__main__":
    main()
