"""DCA, a deep count autoencoder (Eraslan et al. 2019, doi:10.1038/s41467-018-07931-2).

A network of 64, 32 and 64 neurons gives mean, dispersion and probability of dropout, pi, of every
count (zero-inflated negative binomial). It learns from the observed counts of train and test cells
together, without truth, and keeps the weights under which held-out cells are likeliest.

A zero is a dropout by its posterior, pi against (1 - pi) NB(0). But pi of a single entry is hardly
known: a zero is explained as well by a lower mean, and where means are low pi comes out high. The
default leaves it out and ranks zeros by the evidence that they give, -log NB(0); labelled cells
show above which value calling pays (`calling.py`). The course report's four variants are
`batchnorm` true and false, `likelihood` zinb and report; it called by `call=prior`, `calling=own`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from podium.learning import History, Settings, seeded, train_autoencoder

from ..shared.calling import Estimate, Transductive, choice
from ..shared.network import LOSSES, DeepCountAutoencoder, Denoised, Inputs, denoise, inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from podium.competition import Report

    from ..shared.calling import Mixed

DEFAULTS: dict[str, Any] = {
    "batchnorm": True,
    "likelihood": "zinb",
    "call": "evidence",
    "calling": "learnt",
    "ridge": 0.0,
    "hidden": 64,
    "latent": 32,
    "validation": 0.1,
    "epochs": 300,
    "batch": 32,
    "learning_rate": 1e-3,
    "patience": 15,
    "clip": 5.0,
    "device": "auto",
}
"""batchnorm: normalise hidden layers over the batch.
likelihood: `zinb`; `report`: without x! and with log NB cut at 0.
call: how much a zero looks like a dropout: `evidence`, `posterior`, or `prior`, which is pi.
calling: `learnt`: labelled cells say which of these makes a dropout, and how large the truth is;
`own`: a posterior (or pi) above 1/2 makes one, and the mean is imputed.
ridge: weight of pi squared in the loss.
hidden, latent: widths of the layers.
validation: share of cells that are held out to choose the epoch; with 0 all epochs are done.
The others are those of `podium.learning.Settings`.
Sizes, batch and clip are the authors'; call and ridge were chosen on folds of the train cells.
"""

QUICK: dict[str, Any] = {"epochs": 6, "validation": 0.0}

SCORES: dict[str, Callable[[Denoised], NDArray[np.float32]]] = {
    "evidence": lambda denoised: denoised.evidence,
    "posterior": lambda denoised: denoised.logit + denoised.evidence,
    "prior": lambda denoised: denoised.logit,
}
"""Log odds by which zeros are called [cells, genes]."""


def build(params: dict[str, Any], seed: int) -> Transductive:
    """Build the model; the network is made when it predicts."""
    choice(params, "call", tuple(SCORES))
    choice(params, "likelihood", tuple(LOSSES))
    settings(params)
    return Transductive(estimate, params, seed)


def space(trial: Any) -> dict[str, Any]:
    """Search sizes, learning rate and ridge."""
    return {
        "hidden": trial.suggest_int("hidden", 32, 256, log=True),
        "latent": trial.suggest_int("latent", 8, 64, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 3e-3, log=True),
        "ridge": trial.suggest_float("ridge", 1e-3, 1.0, log=True),
    }


def estimate(mixed: Mixed, params: dict[str, Any], seed: int) -> Estimate:
    """Train a network on all cells; give log odds and mean of each entry."""
    made = inputs(mixed.counts, params["likelihood"])
    network = untrained(made, params, seed)
    learn(network, made, params, seed)
    return estimates(denoise(network, made.rows, params["device"]), params["call"])


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
