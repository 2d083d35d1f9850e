"""What networks of pairs share: drugs and proteins that are computed once, a mean of networks.

A batch has the proteins of its rows, all rows of a protein (or of a portion of many) together, and
the numbers of their drugs; a network picks the different ones from the table of all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import pandas as pd
import torch
from scipy.special import expit
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional

from podium.learning import Losses, Rows, Settings, later, predict_network, seeded, train_network

from ..metric import TARGET
from .features import DRUG, PROTEIN, items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from podium.competition import Part, Report
    from podium.learning import Batch, Tensors

ANSWER = "answer"
"""Among a row's own, beside the number of its drug."""
PORTION = 8
"""Rows of one protein that come into a batch together, at most."""


class PairNetwork(nn.Module):
    """Takes a `Batch`, gives logits [rows]."""

    def loss(self, outputs: Tensor, batch: Batch) -> Losses:
        """Mean log loss."""
        log_loss = functional.binary_cross_entropy_with_logits
        return Losses({"answers": log_loss(outputs.float(), batch.own[ANSWER])})


Network = TypeVar("Network", bound=PairNetwork)


class PairModel(ABC, Generic[Network]):
    """The mean of several networks, each with another fold of train held out to choose its epoch.

    Args:
        params: Those of `network_parameters`, `networks`, and what a network needs.
        seed: All that is drawn follows from it.
    """

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params, self.seed = params, seed
        self.settings = Settings.of(params)
        self.networks: list[Network] = []

    @abstractmethod
    def drugs(self, smiles: Sequence[str]) -> Tensors:
        """What a network sees of drugs [drugs, ...] each."""

    @abstractmethod
    def proteins(self, proteins: Sequence[str]) -> Tensors:
        """What a network sees of proteins [proteins, ...] each."""

    @abstractmethod
    def network(self) -> Network:
        """A network that knows nothing."""

    def learn(self, smiles: Sequence[str], proteins: Sequence[str]) -> None:
        """Keep what tensors are made by, such as means; given what trains."""

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Train the networks, one after the other; `report` gets losses."""
        assert train.targets is not None
        assert train.folds is not None
        self.learn(items(train, DRUG)[0], items(train, PROTEIN)[0])
        folds = np.unique(train.folds)
        several = len(folds) > 1
        held = [train.folds == fold for fold in folds] if several else [None]
        self.train(self.rows(train, train.targets[TARGET].to_numpy(np.float32)), held, report)

    def train(
        self, rows: Rows, held: Sequence[NDArray[np.bool_] | None], report: Report | None
    ) -> None:
        """Train the networks on rows; the first holds out the first of `held`, and so on."""
        self.networks = []
        for number in range(self.params["networks"]):
            seed = self.seed * 1000 + number
            with seeded(seed):
                network = self.network()
            train_network(
                network,
                network.loss,
                rows,
                settings=self.settings,
                seed=seed,
                held=held[number % len(held)],
                report=later(report, number * self.params["epochs"]),
                figures=partial(_auc, rows),
            )
            self.networks.append(network)

    def predict(self, part: Part) -> pd.DataFrame:
        """The mean of what they say."""
        rows = self.rows(part)
        said = [expit(predict_network(one, rows, self.settings)) for one in self.networks]
        return pd.DataFrame({"id": part.ids, TARGET: np.mean(said, axis=0, dtype=np.float64)})

    def rows(self, part: Part, answers: NDArray[np.float32] | None = None) -> Rows:
        """A part's rows, with their answers where these are known [rows]."""
        smiles, drug = items(part, DRUG)
        proteins, protein = items(part, PROTEIN)
        own = {DRUG: torch.from_numpy(drug)}
        portion, item = _portions(protein)
        if answers is not None:
            own[ANSWER] = torch.from_numpy(answers)
        return Rows(
            items={name: table[portion] for name, table in self.proteins(proteins).items()},
            item=item,
            own=own,
            tables=self.drugs(smiles),
        )


def _portions(protein: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Cut the rows of each protein into portions, so that no batch is of one protein alone.

    Args:
        protein: The number of each row's [rows].

    Returns:
        The protein of each portion [portions], and the portion of each row [rows].
    """
    number = pd.Series(protein).groupby(protein).cumcount().to_numpy() // PORTION
    portions, item = np.unique(np.column_stack([protein, number]), axis=0, return_inverse=True)
    return torch.from_numpy(portions[:, 0]), torch.from_numpy(item.reshape(-1))


def _auc(rows: Rows, logits: Tensor, numbers: Tensor) -> dict[str, float]:
    """AUROC of rows with both answers, by their numbers."""
    answers = rows.own[ANSWER]
    assert isinstance(answers, Tensor)
    binds = answers[numbers.cpu()].numpy() > 0.5
    both = 0 < binds.sum() < len(binds)
    return {"auc": float(roc_auc_score(binds, logits.cpu().numpy()))} if both else {}


def different(batch: Batch) -> tuple[Tensors, Tensor]:
    """The different drugs of a batch [drugs, ...] each, and which of them each row has [rows]."""
    numbers, drug = torch.unique(batch.own[DRUG], return_inverse=True)
    return {name: table[numbers] for name, table in batch.tables.items()}, drug
