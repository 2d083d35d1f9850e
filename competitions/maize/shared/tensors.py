"""Rows of DNA as whole tensors for the neural models.

Bases stay one byte each; `one_hot` expands a batch on the device it is on, four numbers a base.
Rows of the other assay, where the dataset has them, are learned from too: an output for each assay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from podium.learning import Batch, Rows

from ..metric import TARGET
from .features import RHO, family, species

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from podium.competition import Part

N = 4
ASSAYS = 2
"""Outputs of a network: the dataset's own assay, and the one of its extra rows."""


@dataclass(frozen=True)
class Answers:
    """Standardised answers of the dataset's own rows, then of its extra ones.

    Attributes:
        values: With mean 0 and variance 1 in each assay, float32 [rows].
        assay: 0 for own rows, 1 for extra ones, int64 [rows].
        family: Of each row [rows]; each row its own where a part does not say.
        mean, scale: Of the own answers.
    """

    values: NDArray[np.float32]
    assay: NDArray[np.int64]
    family: NDArray[np.str_]
    mean: float
    scale: float

    @classmethod
    def of(cls, parts: Sequence[Part]) -> Answers:
        """Answers of the train part, and of its extra rows if there are any."""
        standardised, centres = [], []
        for part in parts:
            assert part.targets is not None
            values = part.targets[TARGET].to_numpy(dtype=np.float64)
            mean, scale = float(values.mean()), float(values.std())
            scale = scale if scale > 0 else 1.0
            standardised.append((values - mean) / scale)
            centres.append((mean, scale))
        return cls(
            values=np.concatenate(standardised).astype(np.float32),
            assay=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
            family=np.concatenate([family(part) for part in parts]),
            mean=centres[0][0],
            scale=centres[0][1],
        )


def parts_of(train: Part, extra: bool) -> list[Part]:
    """Train, and its extra rows if they are there and wanted."""
    return [train, *([train.extra] if extra and train.extra is not None else [])]


def rows(parts: Sequence[Part], answers: Answers | None = None) -> Rows:
    """Rows of some parts, one below the other: bases, and which species each is of."""
    codes = np.concatenate([_codes(part) for part in parts])
    kinds = np.concatenate([species(part.features)[0] for part in parts])
    own = {"codes": torch.from_numpy(codes), "species": torch.from_numpy(kinds)}
    if answers is not None:
        own["answer"] = torch.from_numpy(answers.values)
        own["assay"] = torch.from_numpy(answers.assay)
    return Rows(items={}, item=torch.arange(len(codes)), own=own)


def one_hot(codes: Tensor) -> Tensor:
    """Bases 0 to 4 [rows, length] as [rows, 4, 1, length], N as zeros; channels last in memory."""
    bases = torch.arange(N, dtype=codes.dtype, device=codes.device)
    return (codes[:, None, :, None] == bases).float().permute(0, 3, 1, 2)


def reverse_complement(codes: Tensor) -> Tensor:
    """The other strand, read in its own direction."""
    return torch.where(codes < N, N - 1 - codes, codes).flip(1)


def shifted(codes: Tensor, most: int) -> Tensor:
    """Each row moved by up to `most` bases either way; N where nothing is known."""
    count, length = codes.shape
    by = torch.randint(-most, most + 1, (count, 1), device=codes.device)
    place = torch.arange(length, device=codes.device) + by
    known = (place >= 0) & (place < length)
    return codes.gather(1, place.clamp(0, length - 1)).masked_fill(~known, N)


def mutated(codes: Tensor, share: float) -> Tensor:
    """A share of the bases replaced by random ones."""
    chosen = torch.rand(codes.shape, device=codes.device) < share
    return torch.where(chosen, torch.randint_like(codes, N), codes)


def varied(codes: Tensor, *, shift: int, mutations: float) -> Tensor:
    """Bases as training sees them this time: moved by up to `shift`, a share of them others."""
    codes = shifted(codes, shift) if shift else codes
    return mutated(codes, mutations) if mutations else codes


def by_family(rows: Rows, family: NDArray[np.str_]) -> Rows:
    """The same rows, where batches are of whole families, for `family_loss`."""
    _, item = np.unique(family, return_inverse=True)
    families = torch.arange(int(item.max()) + 1)
    return replace(rows, items={"family": families}, item=torch.from_numpy(item.astype(np.int64)))


def family_loss(output: Tensor, batch: Batch) -> Tensor:
    """Mean of r' V^-1 r, where relatives in the batch share an effect."""
    error = output[:, 0].float() - batch.own["answer"]
    zeros = error.new_zeros(len(batch.items["family"]))
    total = zeros.index_add(0, batch.item, error)
    size = zeros.index_add(0, batch.item, torch.ones_like(error))
    return (error.square().sum() - (RHO / (1 + RHO * size) * total.square()).sum()) / len(error)


def mean_squared_error(output: Tensor, batch: Batch) -> Tensor:
    """Of the output of each row's own assay."""
    own = output.gather(1, batch.own["assay"][:, None])[:, 0]
    return F.mse_loss(own.float(), batch.own["answer"])


def pearson_of(answers: Answers) -> Callable[[Tensor, Tensor], dict[str, float]]:
    """What to report of the rows to validate on: Pearson's r over the own assay's, all at once."""

    def figures(output: Tensor, order: Tensor) -> dict[str, float]:
        order = order.cpu()
        own = torch.from_numpy(answers.assay)[order] == 0
        pair = torch.stack([output.cpu()[own, 0], torch.from_numpy(answers.values)[order[own]]])
        varies = own.sum() > 1 and bool((pair.std(dim=1) > 0).all())
        return {"pearson": float(torch.corrcoef(pair)[0, 1])} if varies else {}

    return figures


def _codes(part: Part) -> NDArray[np.uint8]:
    assert part.sequences is not None
    return np.asarray(part.sequences.codes)
