"""Rows as whole arrays for the neural models: duplexes, conditions, and calls from what they give.

A duplex is measured at several doses, so rows share it: `duplexes` tells them apart, and a network
computes each once. Categories are numbered by train; what train lacks is `UNKNOWN`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from torch import nn

from ..metric import THRESHOLD
from . import rules
from .chemistry import ABSENT, SUGARS, Strands, parse
from .decision import on_side
from .features import CATEGORIES, FLANK, around, build, choose, distinct, gene

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from podium.learning import Batch

POSITIONS = 25
"""Nucleotides of a strand that are looked at, from the guide's 5' end on."""

TOKENS = 2 * len(SUGARS) * (len(rules.STACKING) + 1)
"""Kinds of a nucleotide: base or none, sugar, and whether a phosphorothioate follows."""

NUMBERS = ("energy", "rule", "kmer")
"""Groups of features that a network over positions would have to find by itself."""

SERIES = 30.0
"""Series of duplex numbers: this many while the number grows e-fold."""

MOST_CAPS = 2.0
HIGHEST = 300.0
PERCENT = 100.0
_MEAN_LENGTH, _DOSE_SCALE = 3.5, 0.5


class Duplexes(NamedTuple):
    """Distinct duplexes with their sites.

    Attributes:
        item: Which duplex each row has, int64 [rows].
        guide, sense: Kind of each nucleotide, int64 [duplexes, 25]; 0 is none. The sense strand
            is read from its 3' end, so that what pairs stands at the same place.
        there: Where the guide has a nucleotide, bool [duplexes, 25].
        caps: How often caps and phosphorothioates occur on guide and sense, at most 2,
            float32 [duplexes, 8].
        flanks: Bases of the mRNA around the site, 0 is none, int64 [duplexes, 40].
        site: Where in the mRNA the site is, 0 to 1; whether that is not known; log10 of the
            mRNA's length; float32 [duplexes, 3].
        numbers: Energies, design rules and k-mers of the guide, float32 [duplexes, numbers].
    """

    item: NDArray[np.int64]
    guide: NDArray[np.int64]
    sense: NDArray[np.int64]
    there: NDArray[np.bool_]
    caps: NDArray[np.float32]
    flanks: NDArray[np.int64]
    site: NDArray[np.float32]
    numbers: NDArray[np.float32]


def duplexes(features: pd.DataFrame) -> Duplexes:
    """The distinct duplexes of some rows."""
    names = ("modified_siRNA_sense_seq_list", "modified_siRNA_antisense_seq_list")
    item, first = distinct(features, (*names, "siRNA_antisense_seq", "gene_target_seq"))
    rows = features.iloc[first]
    sense, guide = (parse(rows[name], POSITIONS) for name in names)
    flanks, site = _sites(rows)
    caps = np.concatenate([guide.flags, sense.flags], axis=1)
    return Duplexes(
        item=item,
        guide=_kinds(guide),
        sense=_kinds(sense.reversed()),
        there=guide.sugar != ABSENT,
        caps=np.minimum(caps, MOST_CAPS).astype(np.float32),
        flanks=flanks,
        site=site,
        numbers=choose(build(rows), NUMBERS).to_numpy(dtype=np.float32),
    )


def _kinds(strand: Strands) -> NDArray[np.int64]:
    kind = strand.sugar.astype(np.int64) * (len(rules.STACKING) + 1) + strand.base + 1
    return 2 * kind + strand.thio


def _sites(rows: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    mrnas = rows["gene_target_seq"].astype(object).fillna("")
    guides = rows["siRNA_antisense_seq"].str.upper()
    sites = [around(guide, mrna) for guide, mrna in zip(guides, mrnas, strict=True)]
    start = np.array([site[0] for site in sites])
    sides = [[site[1] for site in sites], [site[2] for site in sites]]
    flanks = [rules.encode(side, FLANK) for side in sides]
    length = np.maximum(mrnas.str.len().to_numpy(), 1)
    place = [np.nan_to_num(start / length), np.isnan(start), np.log10(length) - _MEAN_LENGTH]
    return np.concatenate(flanks, axis=1).astype(np.int64) + 1, np.stack(place, axis=1).astype("f4")


@dataclass(frozen=True)
class Categories:
    """Numbers for cells, transfection, species, gene and who measured, as train has them."""

    values: dict[str, list[str]]

    @classmethod
    def of(cls, features: pd.DataFrame) -> Categories:
        """Those of train."""
        columns = _categories(features)
        return cls(
            {name: sorted(map(str, set(column.dropna()))) for name, column in columns.items()}
        )

    def codes(self, features: pd.DataFrame) -> dict[str, NDArray[np.int64]]:
        """A number for each row, int64 [rows] each; 0 is for what train lacks."""
        columns = _categories(features)
        return {
            name: pd.Index(known, dtype=object).get_indexer(pd.Index(columns[name])) + 1
            for name, known in self.values.items()
        }

    @property
    def sizes(self) -> dict[str, int]:
        """How many numbers each column has."""
        return {name: len(known) + 1 for name, known in self.values.items()}


UNKNOWN = 0
"""Number of a category that train lacks."""

SOURCES = ("gene", "publication", "series")
"""Categories that tell who measured what: they help on genes that train and on no others."""


def _categories(features: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    named = {
        name.split(".")[1]: features[column].astype(object)
        for name, column in CATEGORIES.items()
        if name not in ("source.gene", "source.transcript")
    }
    hours = features["Duration_after_transfection_h"]
    number = features["siRNA_duplex_id"].str.extract(r"(\d+)", expand=False).astype(float)
    # Duplexes were numbered as they were made: those of one series were measured together.
    series = pd.Series(SERIES * np.log(number.clip(lower=1))).round()
    return {
        **named,
        "gene": gene(features),
        "hours": hours.astype(str).where(hours.notna()),
        "series": series.astype(str).where(series.notna()),
    }


def doses(features: pd.DataFrame) -> NDArray[np.float32]:
    """log10 of the dose in nM, straight and bent, about 1 in size: float32 [rows, 3].

    A missing one is taken for 1 nM.
    """
    dose = np.log10(features["siRNA_concentration"].fillna(1.0).to_numpy(dtype=np.float64))
    return np.stack([dose, _DOSE_SCALE * dose**2, np.tanh(dose)], axis=1).astype(np.float32)


class Loss:
    """What the two outputs miss: median / 100, and logit of the probability of less than 30 %.

    The mean absolute error / 100 of the median, and `low_loss` times the cross-entropy.
    """

    def __init__(self, low_loss: float) -> None:
        self.low_loss = low_loss

    def __call__(self, output: Tensor, batch: Batch) -> Tensor:
        """Mean over the rows of a batch that has its `answer`s, percent."""
        answer = batch.own["answer"]
        low = (answer < THRESHOLD).to(answer.dtype)
        median, logit = output.float().unbind(-1)
        of_median = (median - answer / PERCENT).abs().mean()
        of_low = nn.functional.binary_cross_entropy_with_logits(logit, low)
        return of_median + self.low_loss * of_low


def called(
    median: NDArray[np.float32], logit: NDArray[np.float32], call_above: float | None
) -> NDArray[np.float64]:
    """Predictions that the official score likes best, from the two outputs.

    The F1 part asks for a verdict on each row: whether less than 30 % remains. It follows from the
    probability; the prediction moves to the nearest value on the verdict's side.

    Args:
        median: Of what remains, / 100.
        logit: Of the probability that it is less than 30 %.
        call_above: The probability from which on a row is called; None leaves the median.
    """
    predicted = np.clip(PERCENT * median.astype(np.float64), 0.0, HIGHEST)
    if call_above is None:
        return predicted
    return on_side(predicted, logit > np.log(call_above / (1 - call_above)))
