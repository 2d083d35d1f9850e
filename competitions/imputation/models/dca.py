"""DCA, a deep count autoencoder (Eraslan et al. 2019, doi:10.1038/s41467-018-07931-2).

A network of 64, 32 and 64 neurons gives mean, dispersion and probability of dropout, pi, of every
count (zero-inflated negative binomial). It learns from the observed counts of train and test cells
together, without truth, and keeps the weights under which held-out cells are likeliest.

A zero is a dropout by its posterior, pi against (1 - pi) NB(0). But pi of a single entry is hardly
known: a zero is explained as well by a lower mean, and where means are low pi comes out high. Zeros
may be ranked by the evidence alone that they give, -log NB(0). The default asks the network only
which cells are alike, and labelled ones what such cells have: as `knn_smooth`, but on components of
the denoised means. They also show above which value calling pays (`calling.py`). The course
report's four variants are `batchnorm` true and false, `likelihood` zinb and report; it called by
`call=prior`, `calling=own`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition import Parameter
from podium.learning import History, Settings, network_parameters, seeded, train_autoencoder

from ..shared.calling import Estimate, Transductive
from ..shared.cells import components
from ..shared.neighbours import averaged, of_nearest
from ..shared.network import (
    DeepCountAutoencoder,
    Denoised,
    Inputs,
    denoise,
    inputs,
)
from ..shared.parameters import CALLING, COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from podium.competition import Part, Report

    from ..shared.calling import Mixed

PARAMETERS = {
    "batchnorm": Parameter(True, "normalise hidden layers over the batch"),
    "likelihood": Parameter(
        "zinb", "`report`: without x! and with log NB cut at 0", choices=("zinb", "report")
    ),
    "call": Parameter(
        "near",
        "how much a zero looks like a dropout: by the truth of labelled cells that are near once "
        "all are denoised, or by the network's own word; `prior` is pi",
        choices=("near", "evidence", "posterior", "prior"),
    ),
    "neighbours": Parameter(
        40, "labelled cells that are averaged over, if `near`", (1, 10_000), search=(5, 160, "log")
    ),
    "components": COMPONENTS,
    "calling": CALLING,
    "ridge": Parameter(
        0.0, "weight of pi squared in the loss", (0.0, 1e6), search=(1e-3, 1.0, "log")
    ),
    "hidden": Parameter(64, "width of the outer layers", (1, 65_536), search=(32, 256, "log")),
    "latent": Parameter(32, "width of the middle layer", (1, 16_384), search=(8, 64, "log")),
    **network_parameters(
        validation=0.1,
        epochs=300,
        batch=32,
        learning_rate=(1e-3, 3e-4, 3e-3, "log"),
        patience=15,
        clip=5.0,
    ),
}
"""calling: with `own` a posterior (or pi) above 1/2 makes a dropout, and the mean is imputed; by
`near` and `evidence` it calls nearly all zeros.
Sizes, batch and clip are the authors', neighbours and components those of `knn_smooth`; call and
ridge were chosen on folds of the train cells.
"""

ANY_GENES = True  # it needs labelled cells for the calls alone

QUICK: dict[str, Any] = {"epochs": 6, "validation": 0.0}

SCORES: dict[str, Callable[[Denoised], NDArray[np.float32]]] = {
    "evidence": lambda denoised: denoised.evidence,
    "posterior": lambda denoised: denoised.logit + denoised.evidence,
    "prior": lambda denoised: denoised.logit,
}
"""Log odds by which zeros are called [cells, genes]."""


LEAST = 1e-6
"""Added to a denoised mean before its logarithm."""


def build(params: dict[str, Any], seed: int) -> Denoiser:
    """Build the model; the network is made when it predicts."""
    return Denoiser(estimate, params, seed)


class Denoiser(Transductive):
    """It trains when it predicts: `report` gets the losses then."""

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Keep the labelled cells."""
        super().fit(train, report)
        self.estimate = partial(estimate, report=report)

    def __getstate__(self) -> dict[str, Any]:
        """Whoever loads it has another progress to report to."""
        return {**vars(self), "estimate": estimate}


def estimate(
    mixed: Mixed, params: dict[str, Any], seed: int, report: Report | None = None
) -> Estimate:
    """Train a network on all cells; give score and mean of each entry.

    Without labelled cells it is by evidence, above 0 where a count is likelier than none.
    """
    made = inputs(mixed.counts, params["likelihood"])
    network = untrained(made, params, seed)
    learn(network, made, params, seed, report)
    denoised = denoise(network, made.rows, params["device"])
    labelled, call = mixed.truth.shape[0], params["call"]
    if call == "near" and labelled > 1:  # one has none beside it
        alike = of_nearest(standing(denoised, params["components"]), labelled, params["neighbours"])
        return averaged(mixed, "truth", alike)
    if call in ("near", "evidence") and not labelled:
        return Estimate(denoised.evidence - np.log(2), denoised.mean)
    return estimates(denoised, "evidence" if call == "near" else call)


def standing(denoised: Denoised, count: int) -> NDArray[np.float32]:
    """Principal components of cells' log means [cells, count]; 0 if all are alike."""
    logs = np.log(denoised.mean + LEAST)
    if not np.ptp(logs, axis=0).any():
        return np.zeros((len(logs), 1), dtype=np.float32)
    return components(logs, count).astype(np.float32)


def estimates(denoised: Denoised, call: str) -> Estimate:
    """A network's estimates, in the form that calling takes."""
    return Estimate(SCORES[call](denoised), denoised.mean)


def untrained(made: Inputs, params: dict[str, Any], seed: int) -> DeepCountAutoencoder:
    """A network for some cells, its weights drawn."""
    with seeded(seed):
        return DeepCountAutoencoder(
            made.centre,
            made.scale,
            hidden=params["hidden"],
            latent=params["latent"],
            batch_norm=params["batchnorm"],
            likelihood=params["likelihood"],
            ridge=params["ridge"],
        )


def learn(
    network: DeepCountAutoencoder,
    made: Inputs,
    params: dict[str, Any],
    seed: int,
    report: Report | None = None,
) -> History:
    """Train a network in place; `report` is told each epoch."""
    return train_autoencoder(
        network,
        made.rows,
        settings=settings(params),
        seed=seed,
        validation=params["validation"],
        report=report,
    )


def settings(params: dict[str, Any]) -> Settings:
    """How to train: at a constant rate, since early stopping says how long."""
    return Settings.of({**params, "constant": True, "fused": True})
