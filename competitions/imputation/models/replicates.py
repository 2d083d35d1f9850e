"""Trained on labelled cells that are sampled down again: made for counts that depth alone thinned.

Of each labelled cell further observations are drawn (`shared/replicates.py`): Poisson counts
around its true ones. On these and on what was observed a ridge regression is trained, whose
leave-one-out answers are features of the boosted trees (`shared/trees.py`) beside those that
`lightgbm` has; and, where PyTorch is installed, networks that see a cell sampled down anew in
each epoch. A zero's probability is the mean of trees and networks; counts are those of the trees.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.competition import Parameter
from podium.errors import note
from podium.learning import network_parameters, tree_parameters

from ..shared.calling import Called, Caller, check_labelled
from ..shared.cells import Cells, cells
from ..shared.parameters import COMPONENTS, FOLDS, NEIGHBOURS, ROWS
from ..shared.replicates import Ridge, replicates, seen_share
from ..shared.trees import Trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

    from ..shared.dropout_network import Networks

    Floats = NDArray[np.float32]

PARAMETERS = {
    "copies": Parameter(2, "replicates of each labelled cell", (0, 20)),
    "penalty": Parameter(
        9.0, "of the ridge, in squared lengths of a cell", (1e-4, 1e4), search=(1.0, 100.0, "log")
    ),
    "components": COMPONENTS,
    "neighbours": NEIGHBOURS,
    "folds": FOLDS,
    "rows": ROWS,
    **tree_parameters(
        rounds=(150, 50, 400, "log"),
        learning_rate=(0.07, 0.02, 0.2, "log"),
        num_leaves=(31, 4, 63, "log"),
        min_data_in_leaf=(100, 20, 1000, "log"),
    ),
    "networks": Parameter(3, "that are averaged; 0 for trees alone", (0, 50)),
    "hidden": Parameter(192, "neurons of a network", (1, 65_536), search=(64, 512, "log")),
    "dropout": Parameter(0.3, "share of the neurons left out in training", (0.0, 0.95)),
    "fresh": Parameter(0.75, "share of cells that are sampled down anew", (0.0, 1.0)),
    "floor": Parameter(0.1, "added to a gene's deviation before it divides", (1e-6, 100.0)),
    "step": Parameter(
        2e-3, "learning rate of the networks", (1e-6, 1.0), search=(5e-4, 5e-3, "log")
    ),
    **network_parameters(epochs=45, batch=64, weight_decay=1e-4, clip=5.0),
    "slack": Parameter(
        0.0, "how much expected F1 is given for a higher MCC", (0.0, 1.0), search=(0.0, 0.004)
    ),
}
THREADS = 1  # the same bytes on any number of cores
"""Penalty and slack were chosen on two folds of the train cells of `zeisel`: there F1 is .836 by
trees alone, .836 by networks alone, .837 by both; a slack of .0005 takes .0007 of it for an MCC of
.38 in place of .37.
"""

QUICK: dict[str, Any] = {
    "rows": 20_000,
    "rounds": 20,
    "num_threads": 1,
    "networks": 1,
    "epochs": 3,
}

TREES = {"rounds", "learning_rate", "num_leaves", "min_data_in_leaf", "num_threads"}
"""Parameters of `boost`; all others are the model's own."""


class Replicates(Caller):
    """A ridge regression, trees that know its answers, and networks."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.trees = Trees(params, seed, own=set(params) - TREES)
        self.ridge: Ridge | None = None
        self.networks: Networks | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Train; `report` gets the loss of the first network, or of the trees where there is none.

        Raises:
            ModelError: If train has no counts before dropout, or fewer than two cells.
        """
        self.known = known = cells(train)
        check_labelled("replicates", known)
        assert known.truth is not None
        counts, truth = known.counts.toarray(), known.truth.toarray()
        share = seen_share(counts, truth)
        rng = np.random.default_rng(self.seed)
        copies = replicates(truth, share, self.params["copies"], rng)
        typical = truth / np.maximum(truth.sum(axis=1, keepdims=True), 1)
        typical *= np.median(truth.sum(axis=1))
        answers = np.concatenate([truth > 0, np.log1p(typical)], axis=1).astype(np.float32)
        self.ridge, others = Ridge.learn(counts, copies, answers, self.params["penalty"])
        networks = self._networks() if ((counts == 0) & (truth > 0)).any() else None
        self.trees.fit(known, None if networks else report, np.split(others, 2, axis=1))
        if networks:
            networks.fit(counts, truth, share, report)
        self.networks = networks

    def _networks(self) -> Networks | None:
        if not self.params["networks"]:
            return None
        if find_spec("torch") is None:
            note("replicates: trees alone, since PyTorch is missing (pip install podium[neural])")
            return None
        from ..shared.dropout_network import Networks

        return Networks(self.params, self.seed)

    def call(self, observed: Cells) -> Called:
        """Probabilities of trees and networks, counts of the trees."""
        assert self.ridge is not None  # fit comes first
        counts = observed.counts.toarray()
        called = self.trees.call(observed.counts, np.split(self.ridge(counts), 2, axis=1))
        if self.networks is None:
            return called
        said = self.networks.probability(counts)
        return called._replace(probability=(called.probability + said) / 2)


def build(params: dict[str, Any], seed: int) -> Replicates:
    """Build the model."""
    return Replicates(params, seed)
