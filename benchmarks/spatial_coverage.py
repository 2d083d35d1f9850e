"""How often the 95 % interval of mean ARI and NMI holds the truth when errors are spatial.

    python benchmarks/spatial_coverage.py [DRAWS]

Predictions are the truth of simulated slices, made wrong where a smooth random field is high (as
white noise smoothed with a normal kernel of sd 2.5 spots): such a spot gets the next layer up or
down. A draw is a new field, and for slices as units also new slices of new donors. What is to be
covered is the mean score of all draws. The interval is podium.metrics.stats' own, with the units
as given;
"se / sd" is its standard error (root mean square) over the true spread of the score: 1 is right.
"""

import sys
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from podium.competitions.dlpfc.data.blocks import blocks
from podium.competitions.dlpfc.data.simulated_tissue import LAYERS, SIZE, cut, field
from podium.competitions.dlpfc.metric import SLICE, TARGET, metric

from podium.metrics.stats import Cells, Tally

DRAWS = int(sys.argv[1]) if len(sys.argv) > 1 else 600
REACH = 2.5 * np.sqrt(2)
"""Length scale of the field: that of white noise smoothed with a kernel of sd 2.5."""
SCORES = ("ari", "nmi")


@dataclass
class Piece:
    """A slice: places [spots, 2] and the true layer of each spot [spots]."""

    places: np.ndarray
    label: np.ndarray
    layers: int


def draw_slice(rng, size=SIZE):
    short = rng.random() < 1 / 3  # of a donor whose slices lack L1 and L2, as a third of `demo`
    layers = np.arange(len(LAYERS))[2 if short else 0 :]
    tissue = cut(rng, layers, rng.uniform(0, 2 * np.pi), size)
    drawn = rng.random((len(tissue.places), 1)) > tissue.prior.cumsum(axis=1)[:, :-1]
    return Piece(tissue.places, drawn.sum(axis=1), len(layers))


def predict(rng, piece, wrong):
    """The true layers, but about a share `wrong` of the spots in patches of a neighbouring one."""
    high = field(rng, piece.places, REACH) > NormalDist().inv_cdf(1 - wrong)
    step = np.where(field(rng, piece.places, REACH) > 0, 1, -1)
    moved = piece.label + step
    inside = (moved >= 0) & (moved < piece.layers)
    return np.where(high, np.where(inside, moved, piece.label - step), piece.label)


def estimates(name, label, predicted, units):
    """Score and interval, by score: (value, se, low, high)."""
    tally = Tally.of(metric, {TARGET: label, SLICE: name}, {TARGET: predicted}, units)
    by_score = (tally.estimate(score, enough=3) for score in SCORES)
    return [(e.scores[score], e.se, *e.ci) for score, e in zip(SCORES, by_score, strict=True)]


def of_slices(rng, count):
    """New slices of new donors, some easier than others."""
    pieces = [draw_slice(rng) for _ in range(count)]
    predicted = [predict(rng, piece, rng.uniform(0.15, 0.45)) for piece in pieces]
    name = np.repeat(np.arange(count).astype(str), [len(piece.label) for piece in pieces])
    label = np.concatenate([piece.label for piece in pieces])
    return estimates(name, label, np.concatenate(predicted), Cells.of(name))


def of_one_slice(rng, slices, units):
    """The same few slices again and again, each with its own truth [slices, draws, scores, 4]."""
    drawn = []
    for piece in slices:
        name = np.repeat("a", len(piece.label))
        features = pd.DataFrame(piece.places, columns=["x", "y"]).assign(slice=name)
        cells = [Cells.of(unit(features)) for unit in units]
        draws = range(DRAWS // len(slices))
        predicted = [predict(rng, piece, 0.3) for _ in draws]
        drawn.append(
            [[estimates(name, piece.label, one, cell) for one in predicted] for cell in cells]
        )
    return np.array(drawn).swapaxes(0, 1)


def line(unit, groups, table):
    """Print coverage: table [slices, draws, scores, 4], the truth is each slice's own mean."""
    cells = []
    for place in range(len(SCORES)):
        value, se, low, high = np.moveaxis(table[:, :, place], -1, 0)
        truth = value.mean(axis=1, keepdims=True)
        coverage = ((low <= truth) & (truth <= high)).mean()
        ratio = (np.sqrt(np.square(se).mean(axis=1)) / value.std(axis=1, ddof=1)).mean()
        cells.append(f"{truth.mean():8.3f}{100 * coverage:10.1f}{ratio:9.2f}")
    print(f"{unit:26}{groups:>7}" + " |".join(cells), flush=True)


def main():
    rng = np.random.default_rng(0)
    print(f"{'':33}{'ARI':>8}  coverage  se / sd |{'NMI':>7}  coverage  se / sd")
    for count in (3, 4, 8):
        table = np.array([of_slices(rng, count) for _ in range(DRAWS)])
        line("slices", count, table[None])

    def spots(features):
        return np.arange(len(features))

    for size, title in [(SIZE, "1,200"), (64.0, "4,100")]:
        slices = [draw_slice(rng, size) for _ in range(4)]
        features = pd.DataFrame(slices[0].places, columns=["x", "y"]).assign(slice="a")
        for unit, table in zip(
            (blocks, spots), of_one_slice(rng, slices, (blocks, spots)), strict=True
        ):
            groups = len(np.unique(unit(features)))
            line(f"{unit.__name__} of a slice of {title}", groups, table)


if __name__ == "__main__":
    main()
