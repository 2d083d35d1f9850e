"""The `demo` dataset: 12 simulated slices of cortex, three donors with four each.

`simulated_tissue.py` says where the layers are. Here each spot gets its layer and its counts:
negative binomial around depth x profile of its layer in its slice. The difficulty is that of the
real slices: a single spot says little, its neighbours together much; the depth of sequencing and
a few gene programmes that have nothing to do with layers vary smoothly over the slice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.competition import Counts
from podium.data import Prepared

from .blocks import blocks
from .simulated_tissue import LAYERS, Floats, Tissue, cut, field

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

SEED = 5
DONORS, SLICES, GENES = 3, 4, 400
SHORT_DONOR = 2
"""Of this donor the slices lack the outer layers L1 and L2, as in the real data."""
SHORT_LAYERS = 5

# Sizes of effects on log means. They and the seed are tuned to the figures of test_simulate.py.
ABUNDANCE = 1.9
"""Spread of genes about the typical one."""
MARKERS, MARKER = 0.5, 0.25
"""Share of genes that are raised in one to three adjacent layers, and by how much on average."""
WHITE_MARKERS, WHITE = 0.3, 0.6
"""Share of genes that are raised or lowered in white matter, and the spread of by how much."""
DONOR, SLICE = 0.3, 0.08
"""Spread of what is peculiar to a donor and to a slice, gene by gene."""
PROGRAMMES, PROGRAMME = 3, 0.1
"""Sets of genes that rise and fall together over the slice, whatever the layer."""
DEPTH, DEPTH_SLICE = 820.0, 0.2
"""Typical counts of a spot, and the spread of that between slices (log)."""
DEPTH_SMOOTH, DEPTH_OWN, DEPTH_LENGTH = 0.15, 0.1, 4.0
"""Spread of log depth that neighbours share, that they do not, and how far they share it."""
LAYER_DEPTH = (-0.45, 0.0, 0.15, 0.3, 0.1, -0.2, -0.8)
"""Log depth of each layer: L1 and white matter hold fewer molecules, as in the real slices."""
DISPERSION = 10.0
"""Typical size theta of the negative binomial: variance = mean + mean^2 / theta."""


@dataclass(frozen=True, kw_only=True)
class Genes:
    """What is the same in all slices.

    Attributes:
        log_mean: Of each gene in each layer [layers, genes].
        theta: Dispersion of each gene [genes].
        programmes: Weight of each gene in each programme [programmes, genes].
    """

    log_mean: Floats
    theta: Floats
    programmes: Floats


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A slice: its spots, the layer drawn for each, its counts, and the best guess of the layer.

    Attributes:
        tissue: Where the spots are and which layers they may be of.
        label: Place of each spot's layer in `LAYERS` [spots].
        counts: Integers [spots, genes].
        best: Place in `LAYERS` of the most probable layer, all but the labels known [spots].
    """

    tissue: Tissue
    label: NDArray[np.int64]
    counts: NDArray[np.int64]
    best: NDArray[np.int64]


def demo() -> Prepared:
    """Simulate the dataset: the same 12 slices on every call.

    Returns:
        Features `slice`, `x`, `y`, `domains`; the layer of each spot; the groups `slice`, `donor`
        and `block`; counts of 400 genes; and as ceiling the most probable layer of each spot for
        one who knows the boundaries and how sharp they are, the depth and the programmes at each
        spot, and the mean and the dispersion of each gene in each layer of each slice: everything
        but which layers were drawn. They are drawn spot by spot, so neighbours say no more, and in
        expectation nobody calls more spots right; ARI and NMI follow closely.
    """
    from scipy.sparse import csr_array

    rng = np.random.default_rng(SEED)
    slices = simulate(rng)
    genes = [f"gene{number:03d}" for number in range(1, GENES + 1)]
    features = pd.concat([_features(name, one) for name, one in slices.items()], ignore_index=True)
    ids = features["id"]
    names = np.asarray(LAYERS, dtype=object)
    groups = features[["id", "slice"]].assign(
        donor=features["slice"].str[:2], block=blocks(features)
    )

    def table(places: list[NDArray[np.int64]]) -> pd.DataFrame:
        return pd.DataFrame({"id": ids, "domain": names[np.concatenate(places)]})

    matrices: dict[str, tuple[csr_array[Any], list[str]]] = {
        name: (csr_array(one.counts), genes) for name, one in slices.items()
    }
    return Prepared(
        features=features,
        targets=table([one.label for one in slices.values()]),
        groups=groups,
        ceiling=table([one.best for one in slices.values()]),
        counts=Counts.of(matrices),
    )


def simulate(rng: np.random.Generator) -> dict[str, Simulated]:
    """All slices by name, `d1s1` to `d3s4`."""
    genes = draw_genes(rng)
    slices = {}
    for donor in range(1, DONORS + 1):
        peculiar = DONOR * rng.standard_normal(GENES)
        angle = rng.uniform(0, 2 * np.pi)
        shown = SHORT_LAYERS if donor == SHORT_DONOR else len(LAYERS)
        layers = np.arange(len(LAYERS))[-shown:]
        for number in range(1, SLICES + 1):
            tissue = cut(rng, layers, angle + 0.15 * rng.standard_normal())
            slices[f"d{donor}s{number}"] = express(rng, genes, tissue, peculiar)
    return slices


def draw_genes(rng: np.random.Generator) -> Genes:
    """Abundances, markers, dispersions and programmes."""
    layer = np.arange(len(LAYERS))[:, None]
    first = rng.integers(0, len(LAYERS), GENES)
    raised = (layer >= first) & (layer < first + rng.integers(1, 4, GENES))
    marker = rng.gamma(2, MARKER / 2, GENES) * (rng.random(GENES) < MARKERS)
    white = WHITE * rng.standard_normal(GENES) * (rng.random(GENES) < WHITE_MARKERS)
    return Genes(
        log_mean=ABUNDANCE * rng.standard_normal(GENES) + raised * marker + (layer == 6) * white,
        theta=DISPERSION * np.exp(0.5 * rng.standard_normal(GENES)),
        programmes=PROGRAMME
        * rng.standard_normal((PROGRAMMES, GENES))
        * (rng.random((PROGRAMMES, GENES)) < 0.3),
    )


def express(rng: np.random.Generator, genes: Genes, tissue: Tissue, peculiar: Floats) -> Simulated:
    """Draw the layers and the counts of a slice, and call the layers."""
    spots = len(tissue.places)
    label = (rng.random((spots, 1)) > tissue.prior.cumsum(axis=1)[:, :-1]).sum(axis=1)
    log_rate = genes.log_mean[tissue.layers] + peculiar + SLICE * rng.standard_normal(GENES)
    smooth = [field(rng, tissue.places, length=6.0) for _ in range(PROGRAMMES)]
    swing = np.exp(np.stack(smooth, axis=1) @ genes.programmes)
    share = np.exp(log_rate)
    share /= share.sum(axis=1, keepdims=True)
    rate = _depth(rng, tissue)[:, None] * swing
    mean = rate * share[label]
    counts = rng.poisson(mean * rng.gamma(genes.theta, 1 / genes.theta, mean.shape))
    logs = [log_likelihood(counts, rate * one, genes.theta) for one in share]
    best = (np.log(np.maximum(tissue.prior, 1e-300)) + np.stack(logs, axis=1)).argmax(axis=1)
    return Simulated(
        tissue=tissue, label=tissue.layers[label], counts=counts, best=tissue.layers[best]
    )


def _depth(rng: np.random.Generator, tissue: Tissue) -> Floats:
    """Expected counts of each spot, log-normal, alike among neighbours [spots].

    What layers add follows the place alone: it must not tell which layer was drawn.
    """
    log = np.log(DEPTH) + DEPTH_SLICE * rng.standard_normal()
    log = log + tissue.prior @ np.asarray(LAYER_DEPTH)[tissue.layers]
    log = log + DEPTH_SMOOTH * field(rng, tissue.places, DEPTH_LENGTH)
    depth: Floats = np.exp(log + DEPTH_OWN * rng.standard_normal(len(tissue.places)))
    return depth


def log_likelihood(counts: NDArray[np.int64], mean: Floats, theta: Floats) -> Floats:
    """Negative-binomial log-likelihood of each spot, but for what is no function of the mean.

    Args:
        counts: [spots, genes].
        mean: [spots, genes].
        theta: Dispersions [genes].
    """
    by_gene: Floats = counts * np.log(mean) - (counts + theta) * np.log(theta + mean)
    total: Floats = by_gene.sum(axis=1)
    return total


def _features(name: str, one: Simulated) -> pd.DataFrame:
    places = one.tissue.places
    return pd.DataFrame(
        {
            "id": [f"{name}:{spot:04d}" for spot in range(1, len(places) + 1)],
            "slice": name,
            "x": places[:, 0],
            "y": places[:, 1],
            "domains": len(one.tissue.layers),
        }
    )
