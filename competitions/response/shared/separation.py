"""A separation network: what contexts share in one code, what is each one's own in another.

CODE-AE (He, Liu, Xie, Zhang and Xie 2022) after domain separation networks (Bousmalis et al. 2016,
arXiv:1608.06019), written anew. A shared encoder and one of each domain's own give two codes, a
decoder rebuilds the row from both, and the two codes are kept orthogonal. So what tells domains
apart has a place to go, and need not be in the shared code, which responses are learnt from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from podium.learning import (
    INPUTS,
    BaseAutoencoder,
    DomainDiscriminator,
    GradientReversal,
    Losses,
    mmd,
    perceptron,
)

from .networks import TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podium.learning import Tensors

BASE, MMD, ADVERSARIAL = "base", "mmd", "adv"
VARIANTS = (BASE, MMD, ADVERSARIAL)


class SeparationNetwork(BaseAutoencoder):
    """Encoders of what is shared and of what is a domain's own, and one decoder of both.

    Args:
        features: Columns of the rows.
        hidden: Widths between them and the codes, the outermost first.
        latent: Width of the shared code.
        narrow: Width of a domain's own code: so narrow that what can be shared must be.
        variant: What brings the shared codes of the domains together: nothing but the separation
            (`base`), their maximum mean discrepancy (`mmd`), or a discriminator behind a reversed
            gradient (`adv`).
        apart: Weight of the orthogonality of the two codes.
        together: Weight of what brings shared codes together.
        steps: Of the whole training, over which the reversed gradient grows.
    """

    def __init__(
        self,
        features: int,
        hidden: Sequence[int] = (256,),
        latent: int = 64,
        narrow: int = 8,
        variant: str = BASE,
        apart: float = 1.0,
        together: float = 1.0,
        steps: int = 1000,
    ) -> None:
        super().__init__()
        self.variant, self.apart, self.together = variant, apart, together
        self.shared = perceptron((features, *hidden, latent))
        self.own = nn.ModuleList(perceptron((features, *hidden, narrow)) for _ in range(2))
        self.decoder = perceptron((narrow + latent, *reversed(hidden), features))
        self.narrow = narrow
        if variant == ADVERSARIAL:
            self.reversal = GradientReversal(steps)
            self.discriminator = DomainDiscriminator(latent)

    def encode(self, inputs: Tensor) -> Tensor:
        """The shared code [rows, latent], its length the root of its width."""
        return _normed(self.shared(inputs))

    def encode_own(self, inputs: Tensor, target: Tensor) -> Tensor:
        """The code of each row's own domain [rows, narrow].

        Args:
            inputs: [rows, features].
            target: 1 for rows of the target, else 0 [rows].
        """
        source, other = (_normed(encoder(inputs)) for encoder in self.own)
        return torch.where(target[:, None] > 0.5, other, source)

    def decode(self, latent: Tensor, own: Tensor | None = None) -> Tensor:
        """Rows rebuilt from shared codes [rows, latent] and what is their own, by default nothing.

        Args:
            latent: [rows, latent].
            own: [rows, narrow].
        """
        own = latent.new_zeros(len(latent), self.narrow) if own is None else own
        rebuilt: Tensor = self.decoder(torch.cat([own, latent], dim=1))
        return rebuilt

    def loss(self, rows: Tensors) -> Losses:
        """`reconstruction`, `orthogonality`, and `discrepancy` or `discrimination`."""
        inputs, target = rows[INPUTS], rows[TARGET]
        shared, own = self.encode(inputs), self.encode_own(inputs, target)
        rebuilt = self.decode(shared, own).float()
        domains = [target < 0.5, target > 0.5]
        size = (shared.shape[1] * own.shape[1]) ** 0.5  # codes as long as 1
        crossed = [shared[rows].T @ own[rows] / size for rows in domains]
        parts = {
            "reconstruction": functional.mse_loss(rebuilt, inputs),
            "orthogonality": self.apart * sum(one.square().mean() for one in crossed),
        }
        if all(rows.any() for rows in domains):
            if self.variant == MMD:
                parts["discrepancy"] = self.together * mmd(shared[domains[0]], shared[domains[1]])
            if self.variant == ADVERSARIAL:
                logits = self.discriminator(self.reversal(shared))
                told = functional.binary_cross_entropy_with_logits(logits, target)
                parts["discrimination"] = self.together * told
        return Losses(parts)


def _normed(code: Tensor) -> Tensor:
    normed: Tensor = functional.normalize(code.float(), dim=1) * code.shape[1] ** 0.5
    return normed
