"""Classifiers that learn from labelled slices and adapt to those that they are to predict.

Slices of another donor differ in every gene, and may lack whole layers. The network sees means over
neighbours, standardised within each slice; a part of its loss makes what it sees in labelled and in
unlabelled slices alike, through reversed gradients. Slices with the same number of domains are
adapted to together: that number is given, no donor's name is.

The same network without that part learns from the labelled slices alone, and predicts where what
can be watched without labels says that adapting went wrong (`Outcome.problem`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from scipy.special import entr, softmax
from torch import Tensor, nn
from torch.nn import functional

from podium.errors import note
from podium.learning import (
    INPUTS,
    DomainDiscriminator,
    GradientReversal,
    Losses,
    Settings,
    later,
    perceptron,
    predict_network,
    seeded,
    train_network,
    whole,
)

from .expression import answer, domains, varying
from .labelled import all_surroundings, label_names, label_places, most_probable, shared

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part, Report, Slice
    from podium.learning import Batch

    Floats = NDArray[np.floating[Any]]

LABEL, TARGET_ROW = "label", "target_row"
"""Tensors beside the inputs: the place of a row's label, and 1 for rows that have none."""
COLLAPSED, BEYOND, UNSURE, AGREE = 0.5, 0.05, 0.5, 0.5
"""Adapting is not trusted where the weights of labels are those of fewer labels than this share of
what there was, where more of the weight lies beyond the number of domains, where labels are less
sure than before and than this many nats, or where fewer spots keep their label."""


class Adaptation(NamedTuple):
    """A way to adapt.

    Attributes:
        name: Of the model, for what is said.
        loss: Takes logits [rows, labels], what discriminators say [rows, discriminators], and
            1 for rows of the target, 0 for others [rows]; gives what adapting adds.
        by_label: Whether each label has a discriminator of its own.
    """

    name: str
    loss: Callable[[Tensor, Tensor, Tensor], Tensor]
    by_label: bool = False


class Outcome(NamedTuple):
    """Probabilities of the labels for slices with the same number of domains.

    Attributes:
        rows: Of the part.
        domains: How many each of these slices has.
        before: By the network that learnt from labelled slices alone [rows, labels].
        after: By the one that adapted [rows, labels].
    """

    rows: NDArray[np.int64]
    domains: int
    before: Floats
    after: Floats

    @property
    def problem(self) -> str:
        """Why adapting is not trusted, by what can be seen without labels; empty if it is."""
        weights = self.before.mean(axis=0), self.after.mean(axis=0)
        before, after = (float(np.exp(entr(w).sum())) for w in weights)
        if after < COLLAPSED * min(before, self.domains):
            return f"as good as {after:.1f} labels are left of {before:.1f}"
        earlier, outside = (1 - float(np.sort(w)[-self.domains :].sum()) for w in weights)
        if outside > max(earlier, BEYOND):
            return f"{outside:.0%} of the spots are in more layers than there are"
        unsure = [float(entr(p).sum(axis=1).mean()) for p in (self.before, self.after)]
        if unsure[1] > max(unsure[0], UNSURE):
            return f"labels are less sure, {unsure[1]:.2f} nats after {unsure[0]:.2f}"
        agree = float((self.before.argmax(axis=1) == self.after.argmax(axis=1)).mean())
        if agree < AGREE:
            return f"only {agree:.0%} of the spots keep their label"
        return ""


class Transfer:
    """Learns from the labelled slices; adapts when it knows what it is to predict.

    Args:
        adaptation: How.
        params: The model's.
        seed: All that is drawn follows from it.
    """

    def __init__(self, adaptation: Adaptation, params: dict[str, Any], seed: int) -> None:
        self.adaptation, self.params, self.seed = adaptation, params, seed
        self.settings = Settings.of(params)
        self.train: Part | None = None
        self.names: NDArray[np.object_] = np.array([], dtype=object)
        self.genes: NDArray[np.str_] = np.array([], dtype=str)
        self.report: Report | None = None

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Keep the slices: training needs those that are to be predicted, too.

        `report` gets training losses, when it predicts.

        Raises:
            ModelError: Without labelled slices.
        """
        self.names = label_names(train)
        self.train, self.report = train, report
        self.genes = varying(train, shared(train.slices()))

    def predict(self, part: Part) -> pd.DataFrame:
        """Train for the slices of each number of domains; a slice gets as many labels at most."""
        probability = np.empty((len(part), len(self.names)), dtype=np.float32)
        for outcome in self.outcomes(part):
            problem = outcome.problem
            probability[outcome.rows] = outcome.before if problem else outcome.after
            if problem:
                note(
                    f"{self.adaptation.name} adapts badly to the slices of {outcome.domains} "
                    f"domains: {problem}. The network that learnt from the labelled slices "
                    "alone predicts them."
                )

        def classify(one: Slice) -> NDArray[np.object_]:
            labels: NDArray[np.object_] = self.names[
                most_probable(probability[one.rows], domains(one))
            ]
            return labels

        reach = self.params["neighbours"]
        return answer(part, classify, reach=lambda _: reach, model=self.adaptation.name)

    def outcomes(self, part: Part) -> Iterator[Outcome]:
        """Train with and without adapting, for the slices of each number of domains."""
        assert self.train is not None
        genes = np.intersect1d(self.genes, shared(part.slices()))
        source = all_surroundings(self.train, genes, self.params["neighbours"])
        plain = self._learn(source)
        counts = part.features["domains"].to_numpy()
        for number, count in enumerate(np.unique(counts), start=1):
            rows = np.flatnonzero(counts == count)
            target = all_surroundings(part.take(rows), genes, self.params["neighbours"])
            yield Outcome(
                rows,
                int(count),
                self._probability(plain, target),
                self._probability(self._learn(source, target, number), target),
            )

    def _learn(self, source: Floats, target: Floats | None = None, number: int = 0) -> Network:
        """A network that learns from labelled rows, and adapts to others if there are any.

        Args:
            source: What it sees of labelled rows [rows, genes].
            target: The same of others.
            number: Of networks that were trained before: `report` counts on from them.
        """
        assert self.train is not None
        none = np.empty((0, source.shape[1]), dtype=np.float32)
        others = none if target is None else target
        label = label_places(self.train, self.names)
        rows = whole(
            {
                INPUTS: torch.from_numpy(np.concatenate([source, others])),
                LABEL: torch.from_numpy(np.concatenate([label, np.zeros(len(others), np.int64)])),
                TARGET_ROW: torch.arange(len(source) + len(others)).ge(len(source)).float(),
            }
        )
        steps = self.settings.epochs * -(-len(rows) // self.settings.batch)
        adaptation = None if target is None else self.adaptation
        with seeded(self.seed):
            network = Network(source.shape[1], len(self.names), self.params, adaptation, steps)
        train_network(
            network,
            network.loss,
            rows,
            settings=self.settings,
            seed=self.seed,
            report=later(self.report, number * self.settings.epochs),
        )
        return network.cpu()

    def _probability(self, network: Network, inputs: Floats) -> Floats:
        rows = whole({INPUTS: torch.from_numpy(inputs)})
        return softmax(predict_network(network, rows, self.settings)[:, : len(self.names)], axis=1)


class Network(nn.Module):
    """Takes a `Batch`, gives logits [rows, labels + discriminators].

    Args:
        genes, labels: What comes in, and what there is to tell apart.
        params: The model's.
        adaptation: How it adapts; None if it does not.
        steps: Of its whole training.
    """

    def __init__(
        self,
        genes: int,
        labels: int,
        params: dict[str, Any],
        adaptation: Adaptation | None,
        steps: int,
    ) -> None:
        super().__init__()
        self.labels, self.noise, self.adaptation = labels, params["noise"], adaptation
        self.features = nn.Sequential(
            perceptron((genes, params["hidden"])),
            nn.ReLU(),
            nn.Dropout(params["dropout"]),
            nn.Linear(params["hidden"], params["latent"]),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout(params["dropout"])
        self.classifier = nn.Linear(params["latent"], labels)
        self.reversal = GradientReversal(steps, params["adversary"], params["warm_up"])
        count = 0 if adaptation is None else labels if adaptation.by_label else 1
        self.discriminators = nn.ModuleList(
            DomainDiscriminator(params["latent"]) for _ in range(count)
        )

    def forward(self, batch: Batch) -> Tensor:
        """Noise is added in training only."""
        inputs = batch.own[INPUTS]
        if self.training:
            inputs = inputs + self.noise * torch.randn_like(inputs)
        features = self.features(self.dropout(inputs))
        shown = self.reversal(features)
        told = [discriminator(shown)[:, None] for discriminator in self.discriminators]
        return torch.cat([self.classifier(features), *told], dim=1)

    def loss(self, outputs: Tensor, batch: Batch) -> Losses:
        """Cross-entropy of labelled rows, and what adapting adds."""
        logits, told = outputs.float().split((self.labels, len(self.discriminators)), dim=1)
        target = batch.own[TARGET_ROW]
        each = functional.cross_entropy(logits, batch.own[LABEL], reduction="none")
        parts = {"labels": mean(each, 1 - target)}
        if self.adaptation:
            parts["adaptation"] = self.adaptation.loss(logits, told, target)
        return Losses(parts)


def mean(values: Tensor, weight: Tensor) -> Tensor:
    """The weighted mean over rows; 0 without weights."""
    return (values * weight).sum(dim=0) / weight.sum().clamp(min=1e-12)
