"""DrugBAN that adapts to the pairs it is to predict: conditional adversarial training.

CDAN (Long et al. 2018, arXiv:1705.10667): a discriminator sees the outer product of a pair's
features and of what the classifier says of it, and through a reversed gradient the features learn
to let it fail. So pairs that are said to bind are made alike among themselves, and so are others.
Gradients are reversed only after a warm-up. Nothing of the pairs to predict but their drugs and
proteins is seen; the number of epochs is fixed, since no answers of theirs can choose one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from podium.competition import Parameter, Part
from podium.learning import DomainDiscriminator, GradientReversal, Losses, network_parameters

from ..metric import TARGET
from ..shared.drugban import DrugBAN, DrugbanModel
from ..shared.networks import ANSWER
from ..shared.parameters import DRUGBAN

if TYPE_CHECKING:
    from podium.competition import Report
    from podium.learning import Batch

PARAMETERS = {
    **DRUGBAN,
    "adversary": Parameter(
        1.0,
        "full strength of the reversed gradient; 0: no adaptation",
        (0.0, 1000.0),
        search=(0.03, 3.0, "log"),
    ),
    "warm_up": Parameter(0.2, "share of the training before gradients are reversed", (0.0, 0.9)),
    **network_parameters(
        epochs=5,
        batch=128,
        learning_rate=(2e-3, 1e-4, 5e-3, "log"),
        weight_decay=(1e-2, 1e-5, 1.0, "log"),
        device="cpu",
    ),
}
QUICK: dict[str, Any] = {"width": 8, "hidden": 8, "epochs": 1, "residues": 200}
TO_PREDICT = "to_predict"
"""Among a row's own: 1 for those without an answer."""


class Adversarial(DrugBAN):
    """DrugBAN with a discriminator behind a reversed gradient.

    Args:
        params: The model's.
        steps: Of its whole training.
    """

    def __init__(self, params: dict[str, Any], steps: int) -> None:
        super().__init__(params)
        self.reversal = GradientReversal(steps, params["adversary"], params["warm_up"])
        self.discriminator = DomainDiscriminator(2 * params["width"], [128])

    def forward(self, batch: Batch) -> Tensor:
        """Logits [rows]; in training with those of the discriminator beside them [rows, 2]."""
        features = self.features(batch)
        logits = self.decode(features)
        if not self.training:
            return logits
        binds = logits.detach().sigmoid()[:, None]
        joint = torch.cat([(1 - binds) * features, binds * features], dim=1)
        return torch.stack([logits, self.discriminator(self.reversal(joint))], dim=1)

    def loss(self, outputs: Tensor, batch: Batch) -> Losses:
        """Mean log loss of pairs that train, and that of the discriminator."""
        logits, told = outputs.float().unbind(dim=1)
        to_predict = batch.own[TO_PREDICT]
        known = 1 - to_predict
        log_loss = functional.binary_cross_entropy_with_logits
        error = log_loss(logits, batch.own[ANSWER], known, reduction="sum")
        return Losses(
            {
                "answers": error / known.sum().clamp(min=1.0),
                "discriminator": log_loss(told, to_predict),
            }
        )


class DrugbanCdan(DrugbanModel):
    """Learns from the labelled pairs; adapts when it knows what it is to predict."""

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Keep the pairs: training needs those to predict, too; `report` gets losses then."""
        self.labelled, self.report = train, report

    def predict(self, part: Part) -> pd.DataFrame:
        """Train for these pairs, and say what their networks say."""
        train = self.labelled
        assert train.targets is not None
        both = Part(
            name="both",
            ids=train.ids.append(part.ids),
            features=pd.concat([train.features, part.features], ignore_index=True),
        )
        answers = np.zeros(len(both), dtype=np.float32)
        answers[: len(train)] = train.targets[TARGET]
        rows = self.rows(both, answers)
        to_predict = torch.arange(len(both)).ge(len(train)).float()
        rows = replace(rows, own={**rows.own, TO_PREDICT: to_predict})
        self.steps = self.params["epochs"] * -(-len(rows) // self.params["batch"])
        self.train(rows, [None], self.report)
        return super().predict(part)

    def network(self) -> Adversarial:
        """A network that knows nothing."""
        return Adversarial(self.params, self.steps)


def build(params: dict[str, Any], seed: int) -> DrugbanCdan:
    """Build the model."""
    return DrugbanCdan(params, seed)
