"""A network that starts from the motifs that a scan of train finds.

From nothing, a network has too few sequences of a demo's size to find motifs: it remembers families
instead. Here `shared/discovery.py` finds them, and the network begins as what was found: a filter
is the matrix of a word's sites, its gates are the window and the strands that count, a pair is a
word with its partner at their distance, and the line from these to expression is the fit's.
Training moves all of that, filters the most.
The loss is that of a random intercept by family, over batches of whole families.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from podium.competition import Parameter
from podium.errors import note
from podium.learning import (
    Batch,
    Rows,
    Settings,
    later,
    network_parameters,
    predict_network,
    seeded,
    train_network,
)

from ..metric import TARGET
from ..shared import tensors
from ..shared.discovery import NOTHING, Families, K, composition, discover
from ..shared.features import check_length, length
from ..shared.parameters import DISCOVERY
from ..shared.sites import FLANK, REACH
from ..shared.tensors import one_hot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podium.competition import Part, Report

    from ..shared.sites import Motif, Word

PARAMETERS = {
    **DISCOVERY,
    "networks": Parameter(3, "whose mean is predicted", (1, 100), search=(1, 4)),
    "hidden": Parameter(16, "units behind the motifs, beside the line", (1, 1024)),
    **network_parameters(
        epochs=6,
        batch=128,
        learning_rate=(2e-3, 5e-4, 1e-2, "log"),
        weight_decay=0.01,
        fused=True,
    ),
}

QUICK: dict[str, Any] = {"epochs": 2, "networks": 1}

WIDTH = K + 2 * FLANK
"""Bases that a filter sees: a word and those on either side."""
POOL = 10
CHUNK = 512
SHARP = 4.0
"""Log odds of a site that a base of the word adds: of one as most are .88, with a mismatch .12."""
STEP = 96.0
"""How much farther training moves filters than other weights: Adam's steps are all of one size."""
SURE = 0.999
"""The most that one site says: what is certain has no gradient."""


class MotifNetwork:
    """Networks for one dataset.

    Attributes:
        motifs: What the networks begin with, those that explain most first.
    """

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.settings = Settings.of(params)
        self.motifs: list[Motif] = []
        self.networks: list[Network] = []
        self.length = 0
        self.mean, self.scale = 0.0, 1.0
        self.plain = (np.zeros(0), np.ones(0))

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Find motifs, then train; `report` gets the training loss of each epoch."""
        self.networks, self.length = [], length(train)
        answers = tensors.Answers.of([train])
        self.mean, self.scale = answers.mean, answers.scale
        assert train.targets is not None
        values = (train.targets[TARGET].to_numpy(np.float64) - self.mean) / self.scale
        self.motifs = discover(train, values, self.params["least_z"], self.params["most_words"])
        if not self.motifs:
            note(NOTHING.format(z=self.params["least_z"]))
        plain = composition(train)[:, 1:]
        spread = plain.std(axis=0)
        self.plain = plain.mean(axis=0), np.where(spread > 0, spread, 1.0)
        rows_alone = self._rows(train, answers)
        rows = tensors.by_family(rows_alone, answers.family)
        families = Families(answers.family)
        for number in range(self.params["networks"]):
            with seeded(self.seed + number):
                network = Network(self.params, self.motifs, self.length, plain.shape[1])
            network.begin_with_a_line(rows_alone, families)
            train_network(
                network,
                tensors.family_loss,
                rows,
                settings=self.settings,
                seed=self.seed + number,
                report=later(report, number * self.settings.epochs),
            )
            self.networks.append(network.cpu())

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict."""
        check_length(part, self.length)
        rows = self._rows(part)
        outputs = [predict_network(network, rows, self.settings) for network in self.networks]
        expression = self.mean + self.scale * np.mean(outputs, axis=0)[:, 0]
        return pd.DataFrame({"id": part.ids, TARGET: expression})

    def _rows(self, part: Part, answers: tensors.Answers | None = None) -> Rows:
        rows = tensors.rows([part], answers)
        centre, spread = self.plain
        plain = (composition(part)[:, 1:] - centre) / spread
        return replace(rows, own={**rows.own, "plain": torch.from_numpy(plain).float()})


class Network(nn.Module):
    """Takes a `Batch`, gives the standardised expression: [rows, 1].

    Args:
        params: Of the model.
        motifs: What to begin with.
        length: Bases of a sequence.
        plain: Columns of composition.
    """

    def __init__(
        self, params: dict[str, Any], motifs: Sequence[Motif], length: int, plain: int
    ) -> None:
        super().__init__()
        partners = [(place, word) for place, m in enumerate(motifs) for word in m.partners]
        count = len(motifs) + len(partners)
        bins = -(-length // POOL)
        self.filters = nn.Parameter(torch.zeros(count, 4, WIDTH))
        self.offsets = nn.Parameter(torch.zeros(count))
        self.gates = nn.Parameter(torch.zeros(2, len(motifs), bins))
        reach = REACH // POOL
        self.pairs = nn.Parameter(torch.zeros(len(partners), 2 * count, 2 * reach + 1))
        self.pair_gates = nn.Parameter(torch.zeros(2, len(partners), bins))
        with torch.no_grad():
            for row, motif in enumerate(motifs):
                self._set_filter(row, torch.from_numpy(motif.matrix))
                first, last = motif.word.first // POOL, -(-motif.word.last // POOL)
                self.gates[: 2 if motif.word.both else 1, row, first:last] = 1
            for row, (anchor, word) in enumerate(partners):
                self._set_filter(len(motifs) + row, _bits(word))
                self._set_pair(row, anchor, len(motifs) + row, word, count)
                self.pair_gates[:, row] = self.gates[:, anchor]
        columns = count + plain
        self.line = nn.Linear(columns, 1)
        output = nn.Linear(params["hidden"], 1)
        nn.init.zeros_(output.weight)
        nn.init.zeros_(output.bias)
        self.bend = nn.Sequential(nn.Linear(columns, params["hidden"]), nn.GELU(), output)

    def _set_filter(self, row: int, bits: Tensor) -> None:
        """Log odds of a site: 0 half a base (a bit) below what sites of the matrix have on average.

        Bases that are rare there count as others do that chance brings, 0.
        """
        above = bits.clamp(min=0)
        average = (2**bits / 4 * above).sum()
        self.filters[row] = SHARP / 2 / STEP * above.T
        self.offsets[row] = SHARP / 2 / STEP * (1 - average)

    def _set_pair(self, row: int, anchor: int, partner: int, word: Word, count: int) -> None:
        """Anchor in the middle and partner in its window, along the anchor's own strand."""
        middle = self.pairs.shape[2] // 2
        self.pairs[row, anchor, middle] = 1
        first, last = (place - REACH for place in (word.first, word.last))
        low, high = middle + first // POOL, middle - (-last // POOL)
        for strand in (0, 1) if word.both else (0,):
            self.pairs[row, strand * count + partner, max(low, 0) : high] = 1

    def forward(self, batch: Batch) -> Tensor:
        """Bases to expression."""
        features = self.features(batch)
        expression: Tensor = self.line(features) + self.bend(features)
        return expression

    def features(self, batch: Batch) -> Tensor:
        """Whether each word is there, each pair, and composition [rows, columns]."""
        plain = batch.own["plain"]
        if not len(self.filters):
            return plain
        bases = F.pad(one_hot(batch.own["codes"])[:, :, 0], (FLANK, WIDTH - 1 - FLANK))
        both = STEP * torch.cat([self.filters, self.filters.flip(1, 2)])
        score = F.conv1d(bases, both, STEP * self.offsets.repeat(2))
        sites = F.max_pool1d(score, POOL, ceil_mode=True).sigmoid()
        counting = self.gates * sites.unflatten(1, (2, -1))[:, :, : self.gates.shape[1]]
        none = (1 - counting.clamp(max=SURE)).log().sum(dim=(1, 3)).exp()
        return torch.cat([1 - none, *self._pairs(sites), plain], dim=1)

    @torch.no_grad()
    def begin_with_a_line(self, rows: Rows, families: Families) -> None:
        """Fit expression to the words, pairs and composition."""
        batches = rows.batches(CHUNK, torch.arange(len(rows)))
        features = torch.cat([self.features(batch) for batch in batches]).double().numpy()
        table = np.column_stack([np.ones(len(rows)), features])
        answers = rows.own["answer"]
        assert isinstance(answers, Tensor)
        weights = torch.from_numpy(families.fit(table, answers.double().numpy())).float()
        self.line.weight.copy_(weights[1:])
        self.line.bias.copy_(weights[:1])

    def _pairs(self, sites: Tensor) -> list[Tensor]:
        """Whether each pair is there, on either strand [rows, pairs]; none without pairs."""
        if not len(self.pairs):
            return []
        other = self.pairs.unflatten(1, (2, -1)).flip(1, 3).flatten(1, 2)
        reach = self.pairs.shape[2] // 2
        together = F.conv1d(sites, torch.cat([self.pairs, other]), padding=reach)
        there = (SHARP * (together - 1.5)).sigmoid() * self.pair_gates.flatten(0, 1)
        return [there.amax(dim=2).unflatten(1, (2, -1)).amax(dim=1)]


def _bits(word: Word) -> Tensor:
    """The matrix of a word of which nothing else is known, in the middle of a filter [width, 4]."""
    bits = torch.zeros(WIDTH, 4)
    for place, letter in enumerate(word.letters, start=(WIDTH - len(word.letters)) // 2):
        bits[place, "ACGT".index(letter)] = 2
    return bits


def build(params: dict[str, Any], seed: int) -> MotifNetwork:
    """Build the model; networks are made when motifs are found."""
    return MotifNetwork(params, seed)
