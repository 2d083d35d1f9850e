"""Domain-adversarial training (Ganin et al. 2016, arXiv:1505.07818), to other slices.

One discriminator learns to tell spots of labelled slices from those that are to be predicted, and
features learn to let it fail. It holds all layers alike: where the slices to predict lack some, it
wants spots of other layers there, and harms. `san` is its mending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.nn.functional import binary_cross_entropy_with_logits

from ..shared.parameters import ADAPTING
from ..shared.transfer import Adaptation, Transfer

if TYPE_CHECKING:
    from torch import Tensor

PARAMETERS = {**ADAPTING}

QUICK: dict[str, Any] = {"hidden": 16, "latent": 8, "epochs": 6, "batch": 128}


def loss(logits: Tensor, told: Tensor, target: Tensor) -> Tensor:
    """Mean loss of the discriminator.

    Args:
        logits: Of labels; they play no part.
        told: By the discriminator [rows, 1].
        target: 1 for rows to predict [rows].
    """
    return binary_cross_entropy_with_logits(told[:, 0], target)


def build(params: dict[str, Any], seed: int) -> Transfer:
    """Build the model; its networks are made when it predicts."""
    return Transfer(Adaptation("dann", loss), params, seed)
