"""What was measured before: the effects of the gene, the guide and the duplex chemistry in train.

A baseline without biology: each row starts from the mean at its dose and moves by what train rows
of the same gene, then the same guide, then the very same modified duplex did on average beyond
that. What train has never seen moves nothing, so an unknown duplex falls back to its guide, an
unknown guide to its gene, an unknown gene to the dose. Effects are ratios (means of logarithms): a
dose that halves what remains of one mRNA about halves it for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.competition import Parameter

from ..metric import TARGET
from ..shared.features import gene

if TYPE_CHECKING:
    from podium.competition import Part, Report

PARAMETERS = {
    "prior": Parameter(
        1.0,
        "rows' worth of doubt by which each effect is shrunk towards none",
        (0.0, 1e6),
        search=(0.1, 10.0, "log"),
    )
}

LEAST = 1.0
"""Percent; values below it count as it, so that their logarithm does not outweigh all others."""
HIGHEST = 300.0


class Lookup:
    """Looks a row up by dose, gene, guide and duplex."""

    def __init__(self, prior: float) -> None:
        self.prior = prior
        self.mean = 0.0
        self.effects: dict[str, pd.Series[float]] = {}

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn the mean, then each effect on what the coarser ones leave unexplained."""
        assert train.targets is not None
        left = np.log(train.targets[TARGET].clip(lower=LEAST))
        self.mean = float(left.mean())
        left = left - self.mean
        for name, level in _levels(train.features).items():
            prior = 0.0 if name == "dose" else self.prior
            groups = left.groupby(level)
            self.effects[name] = groups.sum() / (groups.size() + prior)
            left = left - level.map(self.effects[name])

    def predict(self, part: Part) -> pd.DataFrame:
        """Add up the effects that are known."""
        total = pd.Series(self.mean, index=part.features.index)
        for name, level in _levels(part.features).items():
            total = total + level.map(self.effects[name]).astype(float).fillna(0.0)
        predicted = np.exp(total.to_numpy()).clip(0.0, HIGHEST)
        return pd.DataFrame({"id": part.ids, TARGET: predicted})


def _levels(features: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """Keys from coarse to fine; case matters in the chemistry and nowhere else."""
    sense = features["modified_siRNA_sense_seq_list"]
    return {
        "dose": features["siRNA_concentration"],
        "gene": gene(features),
        "guide": features["siRNA_antisense_seq"].str.upper(),
        "duplex": sense + " | " + features["modified_siRNA_antisense_seq_list"],
    }


def build(params: dict[str, Any], seed: int) -> Lookup:
    """Build the model; nothing in it is random."""
    return Lookup(**params)
