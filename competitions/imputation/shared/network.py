"""The deep count autoencoder (Eraslan et al. 2019, doi:10.1038/s41467-018-07931-2).

A cell's log-normalised counts are squeezed through 64, 32 and 64 neurons, and of each gene come
out the three parameters of its count: mean, dispersion and probability of dropout (`zinb.py`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from podium.learning import (
    INPUTS,
    BaseAutoencoder,
    Losses,
    SparseRows,
    Tensors,
    find_device,
    perceptron,
)

from . import zinb
from .cells import normalised, size_factors

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from podium.learning import Whole

COUNTS, LOG_SIZE, LOG_FACTORIAL = "counts", "log_size", "log_factorial"
LOSSES = {"zinb": zinb.zinb_loss, "report": zinb.report_loss}
DENSE = 1 << 24
"""Entries up to which matrices are held densely; larger ones are expanded a batch at a time."""

BLOCK = 1024
"""Cells that are read at once."""


class DeepCountAutoencoder(BaseAutoencoder):
    """Encoder and decoder of one hidden layer each; all hidden layers end in ReLU.

    Args:
        centre: Mean of each gene's log-normalised counts [genes].
        scale: Inverse of their standard deviation; 0 for a gene that does not vary [genes].
        hidden: Width of the layers before and after the latent one.
        latent: Width of the latent one.
        batch_norm: Whether hidden layers are normalised over the batch.
        likelihood: `zinb`, or the course `report`'s.
        ridge: Weight of the mean of pi squared in the loss.
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        centre: Tensor,
        scale: Tensor,
        *,
        hidden: int = 64,
        latent: int = 32,
        batch_norm: bool = True,
        likelihood: str = "zinb",
        ridge: float = 0.0,
    ) -> None:
        super().__init__()
        self.likelihood = LOSSES[likelihood]
        self.ridge = ridge
        self.register_buffer("centre", centre)
        self.register_buffer("scale", scale)
        genes = len(centre)
        layers = perceptron((genes, hidden, latent, hidden, 3 * genes), batch_norm=batch_norm)
        half = 2 * (len(layers) // 3)  # two of the three hidden layers, and what follows them
        self.encoder, self.decoder = layers[:half], layers[half:]

    def encode(self, inputs: Tensor) -> Tensor:
        """Latent coordinates [cells, latent] of log-normalised counts."""
        latent: Tensor = self.encoder((inputs - self.centre) * self.scale)
        return latent

    def decode(self, latent: Tensor) -> Tensor:
        """What `zinb.parameters` takes [cells, 3 x genes]."""
        outputs: Tensor = self.decoder(latent)
        return outputs

    def loss(self, rows: Tensors) -> Losses:
        """Mean negative log likelihood of a count, its `constant`, and the `ridge`, if any."""
        outputs = self.generate(rows[INPUTS]).float()
        parts = {"likelihood": self.likelihood(outputs, rows[COUNTS], rows[LOG_SIZE])}
        if self.ridge:
            parts["ridge"] = self.ridge * outputs.chunk(3, dim=1)[2].sigmoid().square().mean()
        return Losses({**parts, "constant": rows[LOG_FACTORIAL].mean()})


class Inputs(NamedTuple):
    """Cells as the network takes them.

    Attributes:
        rows: Tensors or sparse matrices [cells, ...].
        centre, scale: Of the genes; see `DeepCountAutoencoder`.
    """

    rows: Whole
    centre: Tensor
    scale: Tensor


def inputs(counts: csr_array[Any], likelihood: str = "zinb") -> Inputs:
    """Prepare observed counts [cells, genes].

    The first `report` likelihood has no x!, so its loss is given none.
    """
    logs = normalised(counts)
    np.log1p(logs.data, out=logs.data)
    precise = logs.astype(np.float64)
    mean = np.asarray(precise.mean(axis=0))
    spread = np.sqrt(np.maximum(np.asarray((precise * precise).mean(axis=0)) - mean**2, 0))
    varies = spread > 1e-6
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=varies)
    factorial = counts.copy()
    factorial.data = zinb.log_factorial(counts.data) * (likelihood == "zinb")
    rows: dict[str, Tensor | SparseRows] = {
        INPUTS: _held(logs),
        COUNTS: _held(counts),
        LOG_SIZE: _tensor(np.log(size_factors(counts))),
        LOG_FACTORIAL: _tensor(factorial.mean(axis=1)),
    }
    return Inputs(rows, _tensor(mean), _tensor(scale))


def _held(matrix: csr_array[Any]) -> Tensor | SparseRows:
    if math.prod(matrix.shape) > DENSE:
        return SparseRows(matrix)
    return _tensor(matrix.toarray())


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


class Denoised(NamedTuple):
    """What a trained network says of cells.

    Attributes:
        mean: Expected counts without dropout [cells, genes].
        logit: Log odds of pi: that a count, whatever it is, was lost [cells, genes].
        evidence: What a zero adds to them, -log NB(0) [cells, genes].
    """

    mean: NDArray[np.float32]
    logit: NDArray[np.float32]
    evidence: NDArray[np.float32]


def denoise(network: DeepCountAutoencoder, rows: Whole, device: str) -> Denoised:
    """Denoise all cells; the network keeps its training mode."""
    where = find_device(device)
    training = network.training
    network.to(where).eval()
    shape = len(rows[INPUTS]), len(network.centre)
    denoised = Denoised(*(np.empty(shape, dtype=np.float32) for _ in Denoised._fields))
    with torch.inference_mode():
        for cells in torch.arange(shape[0]).split(BLOCK):
            here = (rows[name].index_select(0, cells).to(where) for name in (INPUTS, LOG_SIZE))
            block = _said(network, *here)
            for whole, values in zip(denoised, block, strict=True):
                whole[cells.numpy()] = values.cpu().numpy()
    network.train(training)
    return denoised


def _said(network: DeepCountAutoencoder, inputs: Tensor, log_size: Tensor) -> list[Tensor]:
    parameters = zinb.parameters(network.decode(network.encode(inputs)).float(), log_size)
    return [parameters.log_mean.exp(), parameters.logit, zinb.evidence(parameters)]
