"""A network over the positions of the duplex, told the conditions.

Each guide position gets the sum of what stands there on both strands: base, sugar and linkage, with
weights of its own for each position. Residual convolutions mix neighbours, once for each duplex.
Then dose, cells and source scale and shift the channels (FiLM; Perez et al. 2018, arXiv:1709.07871)
for each row, and attention pools the positions that the guide has. Two outputs serve the two halves
of the official score: the median of what remains (L1 loss) and the probability of less than 30 %.

Gene, publication and series are forgotten at random in training, so that the network also learns
what to say of genes that it has never seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from podium.competition import Parameter
from podium.learning import (
    Batch,
    Rows,
    Settings,
    held_out,
    later,
    network_parameters,
    predict_network,
    seeded,
    train_network,
)

from ..metric import TARGET
from ..shared import tensors
from ..shared.features import FLANK
from ..shared.parameters import CALL_ABOVE

if TYPE_CHECKING:
    from podium.competition import Part, Report

PARAMETERS = {
    "channels": Parameter(128, "of each position", (1, 4096), search=(64, 256, "log")),
    "blocks": Parameter(4, "of convolutions", (1, 64), search=(2, 6)),
    "kernel": Parameter(3, "positions that a convolution sees", choices=(1, 3, 5, 7, 9, 11)),
    "dropout": Parameter(0.2, "of all blocks and layers", (0.0, 0.95), search=(0.0, 0.5)),
    "forget_source": Parameter(
        0.3,
        "how often gene, publication and series of a row are hidden, all together",
        (0.0, 1.0),
        search=(0.0, 0.6),
    ),
    "low_loss": Parameter(
        0.1, "weight of the loss of the probability beside that of the median", (0.0, 1000.0)
    ),
    "call_above": CALL_ABOVE,
    "networks": Parameter(2, "whose outputs are averaged", (1, 1000)),
    **network_parameters(
        validation=0.0,
        epochs=(16, 8, 40, "log"),
        batch=256,
        learning_rate=(3e-3, 3e-4, 6e-3, "log"),
        weight_decay=(0.02, 1e-3, 0.3, "log"),
        patience=16,
        bf16=False,
    ),
}
"""Chosen on the folds of train.

networks: they differ in their first weights and the order of rows.
validation: by whole guides; with 0 all epochs are done.
"""

QUICK: dict[str, Any] = {"channels": 16, "networks": 1, "epochs": 12, "batch": 16}

DOSES, CAPS, SITE = 3, 8, 3
"""Columns of these inputs: see `tensors.py`."""

HEADS = 8
EMBEDDING = 16
FLANK_CHANNELS = 32
SIDE = 64
CONDITION = 128
HIDDEN = 256
EPSILON = 1e-3
FIRST = 0.15
"""Standard deviation of first embeddings."""


class SeqNet:
    """Networks over duplex positions."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.settings = Settings.of(params)
        self.categories = tensors.Categories({})
        self.networks: list[Network] = []
        self.mean = self.scale = np.zeros(0, dtype=np.float32)

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Train; `report` gets the loss of each epoch."""
        assert train.targets is not None
        self.categories = tensors.Categories.of(train.features)
        numbers = tensors.duplexes(train.features).numbers
        self.mean, self.scale = numbers.mean(axis=0), numbers.std(axis=0) + EPSILON
        answers = train.targets[TARGET].to_numpy(dtype=np.float32)
        rows = self._rows(train, answers)
        guides = train.features["siRNA_antisense_seq"].str.upper().to_numpy()
        held = held_out(guides, self.params["validation"], self.seed)
        self.networks = []
        for number in range(self.params["networks"]):
            seed = self.seed + 1000 * number
            with seeded(seed):
                network = Network(self.params, self.categories.sizes, len(self.mean))
            train_network(
                network,
                tensors.Loss(self.params["low_loss"]),
                rows,
                held=held,
                settings=self.settings,
                seed=seed,
                report=later(report, number * self.settings.epochs),
            )
            self.networks.append(network.cpu())

    def predict(self, part: Part) -> pd.DataFrame:
        """Average the networks and call."""
        rows = self._rows(part)
        outputs = [predict_network(network, rows, self.settings) for network in self.networks]
        median, logit = np.mean(outputs, axis=0).T
        predicted = tensors.called(median, logit, self.params["call_above"])
        return pd.DataFrame({"id": part.ids, TARGET: predicted})

    def _rows(self, part: Part, answers: Any = None) -> Rows:
        duplexes = tensors.duplexes(part.features)
        numbers = (duplexes.numbers - self.mean) / self.scale
        own: dict[str, Any] = {
            "dose": tensors.doses(part.features),
            **self.categories.codes(part.features),
        }
        if answers is not None:
            own["answer"] = answers
        return Rows(
            items={
                name: torch.tensor(values)
                for name, values in duplexes._replace(numbers=numbers)._asdict().items()
                if name != "item"
            },
            item=torch.tensor(duplexes.item),
            own={name: torch.tensor(values) for name, values in own.items()},
        )


class Network(nn.Module):
    """Takes a `Batch`, gives median / 100 and the logit of less than 30 %: [rows, 2]."""

    def __init__(self, params: dict[str, Any], categories: dict[str, int], numbers: int) -> None:
        super().__init__()
        channels, dropout = params["channels"], params["dropout"]
        self.forget = params["forget_source"]
        self.guide, self.sense = Strand(channels), Strand(channels)
        blocks = [Block(channels, params["kernel"], dropout) for _ in range(params["blocks"])]
        self.blocks, self.last = nn.ModuleList(blocks[:-1]), blocks[-1]
        self.flank = nn.Embedding(2 * FLANK * 5, FLANK_CHANNELS)
        nn.init.normal_(self.flank.weight, std=FIRST)
        self.flanks = nn.Sequential(
            nn.Linear(2 * FLANK * FLANK_CHANNELS, SIDE), nn.GELU(), nn.Dropout(dropout)
        )
        self.categories = nn.ModuleDict(
            {name: nn.Embedding(size, EMBEDDING) for name, size in categories.items()}
        )
        self.numbers = nn.Sequential(nn.Linear(numbers, SIDE), nn.GELU(), nn.Dropout(dropout))
        known = DOSES + CAPS + SITE + 2 * SIDE + EMBEDDING * len(categories)
        self.condition = nn.Sequential(
            nn.Linear(known, CONDITION), nn.GELU(), nn.Linear(CONDITION, CONDITION), nn.GELU()
        )
        self.film = nn.Linear(CONDITION, 2 * channels)
        nn.init.zeros_(self.film.weight)
        self.attention = nn.Linear(channels, HEADS)
        pooled = channels * (HEADS + 2) + CONDITION
        self.head = nn.Sequential(
            nn.LayerNorm(pooled),
            nn.Dropout(dropout),
            nn.Linear(pooled, HIDDEN),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(HIDDEN, 2),
        )

    def forward(self, batch: Batch) -> Tensor:
        """Duplexes first, then rows."""
        items, item = batch.items, batch.item
        mixed = self.guide(items["guide"]) + self.sense(items["sense"])
        for block in self.blocks:
            mixed = block(mixed)
        condition = self._condition(batch)
        scale, shift = self.film(condition)[:, None].chunk(2, dim=-1)
        # index_select: the gradient of plain indexing adds up in any order
        mixed = self.last(mixed.index_select(0, item), scale, shift)
        pooled = self._pooled(mixed, items["there"][item])
        output: Tensor = self.head(torch.cat([*pooled, condition], dim=1))
        return output

    def _condition(self, batch: Batch) -> Tensor:
        known = [batch.own["dose"]]
        forgotten = torch.zeros_like(batch.rows, dtype=torch.bool)
        if self.training:
            forgotten = torch.rand(len(batch.rows), device=batch.rows.device) < self.forget
        for name, embedding in self.categories.items():
            code = batch.own[name]
            if name in tensors.SOURCES:
                code = code.masked_fill(forgotten, tensors.UNKNOWN)
            known.append(embedding(code))
        items = batch.items
        place = torch.arange(2 * FLANK, device=batch.item.device)
        flanks = self.flanks(self.flank(items["flanks"] * 2 * FLANK + place).flatten(1))
        of_items = [items["caps"], items["site"], flanks, self.numbers(items["numbers"])]
        known.append(torch.cat(of_items, dim=1).index_select(0, batch.item))
        condition: Tensor = self.condition(torch.cat(known, dim=1))
        return condition

    def _pooled(self, mixed: Tensor, there: Tensor) -> list[Tensor]:
        """Attention, maximum and mean over the positions that the guide has."""
        hidden = ~there[..., None]
        weight = self.attention(mixed).masked_fill(hidden, -1e4).softmax(dim=1)
        attended = torch.einsum("rph,rpc->rhc", weight, mixed).flatten(1)
        highest = mixed.masked_fill(hidden, -1e4).amax(dim=1)
        mean = mixed.masked_fill(hidden, 0.0).sum(dim=1) / there.sum(dim=1, keepdim=True).clamp(1)
        return [attended, highest, mean]


class Strand(nn.Module):
    """Embeds what stands at each position: a part that all positions share, and one of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shared = nn.Embedding(tensors.TOKENS, channels)
        self.own = nn.Embedding(tensors.TOKENS * tensors.POSITIONS, channels)
        for embedding in (self.shared, self.own):
            nn.init.normal_(embedding.weight, std=FIRST)

    def forward(self, kind: Tensor) -> Tensor:
        """[duplexes, positions] to [duplexes, positions, channels]."""
        place = torch.arange(kind.shape[1], device=kind.device)
        embedded: Tensor = self.shared(kind) + self.own(kind * tensors.POSITIONS + place)
        return embedded


class Block(nn.Module):
    """A residual convolution over positions, scaled and shifted by conditions where given."""

    def __init__(self, channels: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.convolution = nn.Conv1d(channels, channels, kernel, padding="same")
        self.linear = nn.Linear(channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, mixed: Tensor, scale: Tensor | None = None, shift: Tensor | None = None
    ) -> Tensor:
        """[rows, positions, channels] to the same."""
        new = self.norm(mixed)
        if scale is not None and shift is not None:
            new = new * (1 + scale) + shift
        new = self.convolution(new.transpose(1, 2)).transpose(1, 2)
        changed: Tensor = mixed + self.dropout(self.linear(F.gelu(new)))
        return changed


def build(params: dict[str, Any], seed: int) -> SeqNet:
    """Build the model; networks are made when their inputs are known."""
    return SeqNet(params, seed)
