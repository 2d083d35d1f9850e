"""The course report's network, mended: recurrent layers over the guide's 3-mers and tokens.

One embedding and one bidirectional GRU read each column; its two final states, one for each
direction, of all columns go into one linear layer. What was wrong in the report and is not here:
3-mers that drop the last bases, one number for unknown and padding, reading on through the padding,
a vocabulary that changes with the data, squared loss for a score of absolute errors and calls.

By default it sees what the report's did: the guide, bare and with its chemistry. So doses of one
duplex all get one prediction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from podium.competition import Parameter
from podium.learning import (
    Batch,
    Rows,
    Settings,
    held_out,
    network_parameters,
    predict_network,
    seeded,
    train_network,
)

from ..metric import TARGET
from ..shared import chemistry, rules, tensors
from ..shared.features import distinct
from ..shared.parameters import CALL_ABOVE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

PARAMETERS = {
    "sense": Parameter(False, "whether the sense strand is read too"),
    "conditions": Parameter(False, "whether dose, cells, transfection, hours and source are told"),
    "embedding": Parameter(200, "numbers that stand for a token", (1, 4096)),
    "hidden": Parameter(256, "width of a layer", (1, 4096), search=(64, 384, "log")),
    "layers": Parameter(3, "layers", (1, 16), search=(1, 3)),
    "dropout": Parameter(0.5, "between layers and before the head", (0.0, 0.95), search=(0.1, 0.6)),
    "low_loss": Parameter(
        0.3,
        "weight of the loss of the probability of less than 30 % beside that of the median",
        (0.0, 1000.0),
        search=(0.05, 1.0, "log"),
    ),
    "call_above": CALL_ABOVE,
    **network_parameters(
        validation=0.1,
        epochs=15,
        batch=512,
        learning_rate=(2e-3, 3e-4, 5e-3, "log"),
        weight_decay=0.0,
        patience=5,
        bf16=True,
    ),
}
"""Sizes are the report's. Whole guides are held out."""

QUICK: dict[str, Any] = {
    **dict.fromkeys(("embedding", "hidden", "batch"), 16),
    "layers": 1,
    "epochs": 12,
    "learning_rate": 0.01,
    "bf16": False,
}

GUIDE = ("siRNA_antisense_seq", "modified_siRNA_antisense_seq_list")
SENSE = ("siRNA_sense_seq", "modified_siRNA_sense_seq_list")
K = 3
KMERS = 5**K
"""Kinds of 3-mers; each base may also be none, at the end."""
TOKENS = KMERS + chemistry.FIRST_TOKEN + len(chemistry.VOCABULARY)
CONDITION = 64
EMBEDDING = 8


class Recurrent:
    """A GRU over the columns of a duplex."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.settings = Settings.of(params)
        self.columns = GUIDE + SENSE if params["sense"] else GUIDE
        self.categories = tensors.Categories({})
        self.network: Network | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Train; `report` gets the validation loss of each epoch."""
        assert train.targets is not None
        if self.params["conditions"]:
            self.categories = tensors.Categories.of(train.features)
        guides = train.features[GUIDE[0]].str.upper().to_numpy()
        with seeded(self.seed):
            self.network = Network(self.params, self.columns, self.categories.sizes)
        train_network(
            self.network,
            tensors.Loss(self.params["low_loss"]),
            self._rows(train, train.targets[TARGET].to_numpy(dtype=np.float32)),
            held=held_out(guides, self.params["validation"], self.seed),
            settings=self.settings,
            seed=self.seed,
            report=report,
        )
        self.network.cpu()

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict and call."""
        assert self.network is not None
        median, logit = predict_network(self.network, self._rows(part), self.settings).T
        predicted = tensors.called(median, logit, self.params["call_above"])
        return pd.DataFrame({"id": part.ids, TARGET: predicted})

    def _rows(self, part: Part, answers: NDArray[np.float32] | None = None) -> Rows:
        item, first = distinct(part.features, self.columns)
        read = {name: _read(part.features.iloc[first], name) for name in self.columns}
        own: dict[str, Any] = {
            "dose": tensors.doses(part.features),
            **self.categories.codes(part.features),
        }
        if answers is not None:
            own["answer"] = answers
        return Rows(
            items={name: torch.tensor(column) for name, column in read.items()},
            item=torch.tensor(item),
            own={name: torch.tensor(values) for name, values in own.items()},
            length=torch.tensor(sum((column > 0).sum(axis=1) for column in read.values())),
        )


def _read(rows: pd.DataFrame, name: str) -> NDArray[np.int64]:
    """A column as numbers, 0 after its end: int64 [rows, longest]."""
    if name.endswith("_list"):
        tokens = chemistry.tokens(rows[name])
        return np.where(tokens > 0, tokens + KMERS - 1, 0)
    width = int(rows[name].str.len().max())
    bases = rules.encode(rows[name], max(1, -(-width // K)) * K).astype(np.int64) + 1
    words: NDArray[np.int64] = bases.reshape(len(bases), -1, K) @ 5 ** np.arange(K)[::-1]
    return words


class Network(nn.Module):
    """Takes a `Batch`, gives median / 100 and the logit of less than 30 %: [rows, 2]."""

    def __init__(
        self, params: dict[str, Any], columns: tuple[str, ...], categories: dict[str, int]
    ) -> None:
        super().__init__()
        hidden, dropout = params["hidden"], params["dropout"]
        self.columns = columns
        self.embedding = nn.Embedding(TOKENS, params["embedding"], padding_idx=0)
        self.gru = nn.GRU(
            params["embedding"],
            hidden,
            params["layers"],
            bidirectional=True,
            batch_first=True,
            dropout=dropout if params["layers"] > 1 else 0.0,
        )
        self.dropout = nn.Dropout(dropout)
        self.categories = nn.ModuleDict(
            {name: nn.Embedding(size, EMBEDDING) for name, size in categories.items()}
        )
        width = 2 * hidden * len(columns)
        self.condition = None
        if categories:
            known = 3 + EMBEDDING * len(categories)
            self.condition = nn.Sequential(nn.Linear(known, CONDITION), nn.GELU())
            width += CONDITION
        self.head = nn.Linear(width, 2)

    def forward(self, batch: Batch) -> Tensor:
        """Duplexes first, then rows."""
        states = [self._read(batch.items[name]) for name in self.columns]
        known = [self.dropout(torch.cat(states, dim=1)).index_select(0, batch.item)]
        if self.condition is not None:
            embedded = [layer(batch.own[name]) for name, layer in self.categories.items()]
            known.append(self.condition(torch.cat([batch.own["dose"], *embedded], dim=1)))
        output: Tensor = self.head(torch.cat(known, dim=1))
        return output

    def _read(self, column: Tensor) -> Tensor:
        """The last state of each direction after a column: [duplexes, 2 * hidden]."""
        length = (column > 0).sum(dim=1).clamp(min=1)
        embedded = self.embedding(column[:, : int(length.max())])
        packed = pack_padded_sequence(
            embedded, length.cpu(), batch_first=True, enforce_sorted=False
        )
        _, last = self.gru(packed)
        return torch.cat([last[-2], last[-1]], dim=1)


def build(params: dict[str, Any], seed: int) -> Recurrent:
    """Build the model; the network is made when its inputs are known."""
    return Recurrent(params, seed)
