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
    Losses,
    critic_loss,
    mmd,
    perceptron,
)

from .networks import TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podium.learning import Tensors

BASE, MMD, ADVERSARIAL = "base", "mmd", "adv"
VARIANTS = (BASE, MMD, ADVERSARIAL)
TURNS = 5
"""Of these the encoders have one, and the critic the others (five and one in the released code)."""


class SeparationNetwork(BaseAutoencoder):
    """Encoders of what is shared and of what is a domain's own, and one decoder of both.

    Args:
        features: Columns of the rows.
        hidden: Widths between them and the codes, the outermost first.
        latent: Width of the shared code.
        narrow: Width of a domain's own code: so narrow that what can be shared must be.
        variant: What brings the shared codes of the domains together: nothing but the separation
            (`base`), their maximum mean discrepancy (`mmd`), or a Wasserstein critic (`adv`).
        apart: Weight of the orthogonality of the two codes.
        together: Weight of what brings shared codes together.
        warm_up: Steps of the encoders before the critic takes its turns.
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
        warm_up: int = 0,
    ) -> None:
        super().__init__()
        self.variant, self.apart, self.together = variant, apart, together
        self.shared = perceptron((features, *hidden, latent))
        self.own = nn.ModuleList(perceptron((features, *hidden, narrow)) for _ in range(2))
        self.decoder = perceptron((narrow + latent, *reversed(hidden), features))
        self.narrow, self.warm_up = narrow, warm_up
        self.done = self.turn = 0
        if variant == ADVERSARIAL:
            self.critic = DomainDiscriminator(latent)

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
        """`reconstruction`, `orthogonality`, and `discrepancy` or `criticism`.

        In training four turns of five are the critic's, which are `critic` alone.
        """
        inputs, target = rows[INPUTS], rows[TARGET]
        source, other = domains = (target < 0.5, target > 0.5)
        both = bool(source.any() and other.any())
        judged = both and self.variant == ADVERSARIAL and self.done >= self.warm_up
        if judged and self._of_critic():
            with torch.no_grad():
                codes, others = (self.encode(inputs[domain]) for domain in domains)
            return Losses({"critic": critic_loss(self.critic, codes, others)})
        self.done += self.training
        shared, own = self.encode(inputs), self.encode_own(inputs, target)
        rebuilt = self.decode(shared, own).float()
        size = (shared.shape[1] * own.shape[1]) ** 0.5  # codes as long as 1
        crossed = [shared[domain].T @ own[domain] / size for domain in domains]
        parts = {
            "reconstruction": functional.mse_loss(rebuilt, inputs),
            "orthogonality": self.apart * sum(one.square().mean() for one in crossed),
        }
        if both and self.variant == MMD:
            parts["discrepancy"] = self.together * mmd(shared[source], shared[other])
        if judged:
            parts["criticism"] = -self.together * self.critic(shared[other]).mean()
        return Losses(parts)

    def _of_critic(self) -> bool:
        """Whether the critic learns at this step, and the encoders do not; else it is held."""
        turn = self.training and self.turn % TURNS > 0
        self.turn += self.training
        self.critic.requires_grad_(turn)
        return turn


def _normed(code: Tensor) -> Tensor:
    normed: Tensor = functional.normalize(code.float(), dim=1) * code.shape[1] ** 0.5
    return normed
