"""Deep embedded clustering, the report's final model, done right: positions play no part.

An autoencoder is trained (see `ae_kmeans`), k-means on its latent coordinates gives centres, and
then encoder, decoder and centres are trained together on KL(P || Q) + reconstruction (Xie et al.
2016, arXiv:1511.06335; with reconstruction: Guo et al. 2017, IDEC). Q are soft assignments
to centres, P sharper ones that follow from Q and are refreshed at the start of each round.

The report kept the epoch whose labels agreed best with the true ones. Here training ends when a
round changes fewer than a small share of the assignments; no label is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from podium.competition import Parameter
from podium.learning import (
    INPUTS,
    Autoencoder,
    BaseAutoencoder,
    Losses,
    Settings,
    Tensors,
    latent_of,
    network_parameters,
    train_autoencoder,
)

from ..shared.expression import answer, domains
from ..shared.latent import genes, kmeans, pretrained
from ..shared.parameters import LAYERS, STARTS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition import Part, Report, Slice

TARGET = "target"
"""Name of the tensor with P beside the inputs."""

PARAMETERS = {
    **LAYERS,
    "clustering": Parameter(
        0.1,
        "weight of KL(P || Q) beside the reconstruction's mean squared error",
        (0.0, 1000.0),
        search=(0.01, 1.0, "log"),
    ),
    "rounds": Parameter(20, "of clustering at most; P is refreshed before each", (1, 10_000)),
    "refresh": Parameter(3, "epochs of a round", (1, 10_000)),
    "changed": Parameter(
        0.005,
        "share of spots that change clusters, below which rounds end",
        (0.0, 1.0),
    ),
    "clustering_rate": Parameter(
        1.4e-3, "highest learning rate of a round", (1e-8, 10.0), search=(1e-4, 5e-3, "log")
    ),
    "starts": STARTS,
    **network_parameters(
        validation=0.1,
        epochs=40,
        batch=512,
        learning_rate=1.4e-3,
        weight_decay=0.0,
        fused=True,
        patience=5,
        bf16=True,
    ),
}
"""Sizes are the report's; how it clusters was chosen on donor 1 of `demo`, which trains: so were
batches of 512 in bfloat16, nearly twice as quick as 256 in float32 with the same ARI (.230 and
.232, six seeds; batches of 1,024: .193). What trains is the autoencoder, before it clusters.
"""

QUICK: dict[str, Any] = {
    "hidden": 32,
    "latent": 8,
    "epochs": 6,
    "rounds": 3,
    "batch": 128,
    "starts": 2,
}


class DeepEmbeddedClustering:
    """Clusters each slice by itself."""

    def __init__(self, params: dict[str, Any], seed: int) -> None:
        self.params = params
        self.seed = seed
        self.settings = Settings.of(
            {
                **params,
                "epochs": params["refresh"],
                "learning_rate": params["clustering_rate"],
            }
        )

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn nothing: each slice is learnt when it is predicted."""

    def predict(self, part: Part) -> pd.DataFrame:
        """Train on each slice and cluster it."""
        return answer(part, self._cluster)

    def _cluster(self, one: Slice) -> NDArray[np.int64]:
        inputs = genes(one)
        network = pretrained(self._autoencoder, inputs, self.params, self.seed)
        latent = latent_of(network, inputs, self.settings)
        fitted = kmeans(latent, domains(one), starts=self.params["starts"], seed=self.seed)
        centres = torch.from_numpy(fitted.cluster_centers_)
        return self._train(Clustering(network, centres, self.params["clustering"]), inputs)

    def _train(self, clustering: Clustering, inputs: Tensor) -> NDArray[np.int64]:
        """Rounds until few assignments change; gives the last assignments [spots]."""
        soft = self._assign(clustering, inputs)
        for number in range(self.params["rounds"]):
            train_autoencoder(
                clustering,
                {INPUTS: inputs, TARGET: target(soft)},
                settings=self.settings,
                seed=self.seed + number,
                validation=0.0,
            )
            before, soft = soft, self._assign(clustering, inputs)
            changed = (soft.argmax(dim=1) != before.argmax(dim=1)).float().mean()
            if changed < self.params["changed"]:
                break
        return np.asarray(soft.argmax(dim=1).numpy(), dtype=np.int64)

    def _assign(self, clustering: Clustering, inputs: Tensor) -> Tensor:
        """Q of all spots [spots, clusters]."""
        latent = latent_of(clustering, inputs, self.settings)
        return soft_assignment(torch.from_numpy(latent), clustering.centres.detach().cpu())

    def _autoencoder(self, count: int) -> BaseAutoencoder:
        return Autoencoder(count, (self.params["hidden"],), self.params["latent"])


class Clustering(BaseAutoencoder):
    """An autoencoder whose loss draws latent coordinates to centres.

    Args:
        network: A trained autoencoder.
        centres: Where clusters begin [clusters, latent].
        weight: Of KL(P || Q).
    """

    def __init__(self, network: BaseAutoencoder, centres: Tensor, weight: float) -> None:
        super().__init__()
        self.network = network
        self.weight = weight
        self.centres = nn.Parameter(centres)

    def encode(self, inputs: Tensor) -> Tensor:
        """Latent coordinates of the autoencoder."""
        return self.network.encode(inputs)

    def decode(self, latent: Tensor) -> Tensor:
        """The rows as the autoencoder rebuilds them."""
        return self.network.decode(latent)

    def loss(self, rows: Tensors) -> Losses:
        """Weight x KL(P || Q), `clustering`, and the `reconstruction`'s mean squared error."""
        inputs = rows[INPUTS]
        latent = self.encode(inputs)
        soft = soft_assignment(latent.float(), self.centres)
        divergence = functional.kl_div(soft.log(), rows[TARGET], reduction="batchmean")
        return Losses(
            {
                "clustering": self.weight * divergence,
                "reconstruction": functional.mse_loss(self.decode(latent).float(), inputs),
            }
        )


def soft_assignment(latent: Tensor, centres: Tensor) -> Tensor:
    """Q: Student's t with one degree of freedom about each centre [rows, clusters]."""
    near = 1 / (1 + torch.cdist(latent, centres).square())
    return near / near.sum(dim=1, keepdim=True)


def target(soft: Tensor) -> Tensor:
    """P = Q^2 / f, normalised by row, f being how many rows each cluster has [rows, clusters]."""
    sharper = soft.square() / soft.sum(dim=0)
    return sharper / sharper.sum(dim=1, keepdim=True)


def build(params: dict[str, Any], seed: int) -> DeepEmbeddedClustering:
    """Build the model; the network is made for each slice."""
    return DeepEmbeddedClustering(params, seed)
