"""Selective adversarial network (Cao et al. 2018, arXiv:1707.07901): partial transfer.

The slices to predict may lack layers of the labelled ones. Each layer has a discriminator of its
own. What a spot loses there counts by how probable the layer is for that spot, and by how probable
it is on average among the spots to predict: a layer that they lack pulls at none. Both weigh the
loss, and no gradient flows through them. The entropy of labels, of the spots to predict alone,
keeps them sure. From labels that are mostly wrong this learns its own errors: so inputs are
standardised slice by slice, gradients are reversed only after a warm-up, and `Transfer` watches.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from torch.nn.functional import binary_cross_entropy_with_logits

from podium.competition import Parameter

from ..shared.parameters import ADAPTING
from ..shared.transfer import Adaptation, Transfer, mean

if TYPE_CHECKING:
    from torch import Tensor

PARAMETERS = {
    **ADAPTING,
    "entropy": Parameter(
        0.1,
        "weight of the mean entropy of the spots to predict",
        (0.0, 100.0),
        search=(0.01, 0.3, "log"),
    ),
}

QUICK: dict[str, Any] = {"hidden": 16, "latent": 8, "epochs": 6, "batch": 128}


def loss(logits: Tensor, told: Tensor, target: Tensor, *, entropy: float) -> Tensor:
    """Selective loss of the discriminators, and the weighted entropy.

    Args:
        logits: Of labels [rows, labels].
        told: By the discriminator of each label [rows, labels].
        target: 1 for rows to predict [rows].
        entropy: Its weight.
    """
    probability = logits.detach().softmax(dim=1)
    present = mean(probability, target[:, None])
    domain = target[:, None].expand_as(told)
    each = binary_cross_entropy_with_logits(told, domain, reduction="none")
    selective = (present * probability * each).sum(dim=1).mean()
    logs = logits.log_softmax(dim=1)
    return selective + entropy * mean(-(logs.exp() * logs).sum(dim=1), target)


def build(params: dict[str, Any], seed: int) -> Transfer:
    """Build the model; its networks are made when it predicts."""
    adaptation = Adaptation("san", partial(loss, entropy=params["entropy"]), by_label=True)
    return Transfer(adaptation, params, seed)
