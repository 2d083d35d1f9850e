"""What networks of lines share: responses as tensors, a head of all drugs, a mean of networks."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from podium.learning import INPUTS, Settings, later, seeded, whole

from .lines import LineModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Report
    from podium.learning import Batch, Rows

    from .lines import Lines, Responses

    Floats = NDArray[np.float64]

ANSWERS, KNOWN, TARGET = "answers", "known", "target"
"""Tensors beside the inputs: responses [rows, drugs], which are known, whether a row is unlike
those that train [rows]."""


class NetworkModel(LineModel):
    """The mean of several networks, each with other lines held out to choose its epoch.

    Args:
        params: Those of `network_parameters`, `networks` and `scale`, and what a network needs.
        seed: All that is drawn follows from it.
    """

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        super().__init__(params["scale"])
        self.params, self.seed = params, seed
        self.settings = Settings.of(params)
        self.networks: list[Any] = []

    @abstractmethod
    def trained(self, rows: Rows, seed: int, report: Report | None) -> Any:
        """A network that was trained on the rows of all lines: see `rows_of`."""

    @abstractmethod
    def said(self, network: Any, genes: Tensor) -> NDArray[np.float32]:
        """What it says of genes [lines, drugs]."""

    def learn(self, lines: Lines, genes: Floats, report: Report | None) -> None:
        """Train the networks, one after the other."""
        rows = rows_of(lines, genes, self.responses)
        epochs = self.params["epochs"]
        with seeded(self.seed):
            for number in range(self.params["networks"]):
                seed = self.seed * 1000 + number
                torch.manual_seed(seed)
                told = later(report, number * epochs)
                self.networks.append(self.trained(rows, seed, told))

    def say(self, lines: Lines, genes: Floats) -> Floats:
        """The mean of what they say."""
        given = torch.from_numpy(genes.astype(np.float32))
        said = [self.said(one, given) for one in self.networks]
        return np.asarray(np.mean(said, axis=0, dtype=np.float64))


def rows_of(lines: Lines, genes: Floats, responses: Responses) -> Rows:
    """All lines as rows: those that train have answers, the others none."""
    answers = np.zeros((len(genes), len(responses.drugs)), dtype=np.float32)
    known = np.zeros_like(answers)
    known[responses.lines] = ~np.isnan(responses.scaled)
    answers[responses.lines] = np.nan_to_num(responses.scaled)
    learnt = np.unique(lines.context[responses.lines])
    target = ~np.isin(lines.context, learnt)
    named = {INPUTS: genes, ANSWERS: answers, KNOWN: known, TARGET: target}
    return whole({name: torch.from_numpy(np.asarray(v, np.float32)) for name, v in named.items()})


def width_of(rows: Rows, name: str) -> int:
    """Columns of one of their tensors."""
    return int(tensor(rows, name).shape[1])


def answered(rows: Rows) -> NDArray[np.bool_]:
    """Which rows have answers [rows]."""
    return np.asarray(tensor(rows, KNOWN).sum(dim=1).numpy() > 0)


def some(rows: Rows, chosen: NDArray[np.bool_]) -> Rows:
    """Some of the rows."""
    return whole({name: tensor(rows, name)[torch.from_numpy(chosen)] for name in rows.own})


def tensor(rows: Rows, name: str) -> Tensor:
    """One of their tensors."""
    values = rows.own[name]
    assert isinstance(values, Tensor)
    return values


def error(said: Tensor, batch: Batch) -> Tensor:
    """Mean squared error of the responses that are known; 0 where none is."""
    known = batch.own[KNOWN]
    squares = known * (said.float() - batch.own[ANSWERS]).square()
    return squares.sum() / known.sum().clamp(min=1.0)
