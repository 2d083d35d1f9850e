"""What all models of this competition do with cells: read, normalise, reduce, compare, hand in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from podium.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part

Floats = NDArray[np.float32] if TYPE_CHECKING else Any


class Cells(NamedTuple):
    """The cells of a part.

    Attributes:
        counts: Observed counts [cells, genes], float32; zeros are not stored.
        genes: Names of the columns [genes].
        truth: Counts before dropout, where the part has them [cells, genes], float32.
    """

    counts: csr_array[Any]
    genes: NDArray[np.str_]
    truth: csr_array[Any] | None


def cells(part: Part) -> Cells:
    """Read the one matrix of a part; it may have no cells."""
    assert part.counts is not None  # as all parts of this competition have
    truth = None if part.truth is None else part.truth.matrix().astype(np.float32)
    counts = part.counts.matrix().astype(np.float32)
    return Cells(counts=counts, genes=part.counts.genes, truth=truth)


def same_genes(known: Cells, asked: Cells) -> None:
    """Look whether cells have the genes that a model learnt from.

    Raises:
        ModelError: If not.
    """
    if not np.array_equal(known.genes, asked.genes):
        raise ModelError(
            "The cells to impute have other genes than those that the model learnt from.",
            hint="Give the same genes in the same order.",
        )


def size_factors(counts: Any) -> NDArray[np.float64]:
    """Depth of each cell over the median depth [cells]; 1 for a cell without counts."""
    depth = np.asarray(counts.sum(axis=1), dtype=np.float64).reshape(-1)
    filled = depth > 0
    typical = np.median(depth[filled]) if filled.any() else 1.0
    return np.where(filled, depth / typical, 1.0)


def normalised(counts: csr_array[Any]) -> csr_array[Any]:
    """Counts at the median depth, float32 [cells, genes]."""
    scaled = counts.astype(np.float32)
    scaled.data /= np.repeat(size_factors(counts), np.diff(scaled.indptr)).astype(np.float32)
    return scaled


def components(matrix: Any, count: int) -> NDArray[np.float64]:
    """The first principal components of rows [cells, count]; the same on every call."""
    from sklearn.decomposition import PCA

    count = min(count, *matrix.shape)
    # ARPACK finds a few components of thousands of genes quickly, but cannot find all.
    solver = "arpack" if count < min(matrix.shape) else "covariance_eigh"
    return np.asarray(PCA(count, svd_solver=solver, random_state=0).fit_transform(matrix))


def answer(part: Part, observed: Cells, values: NDArray[Any]) -> pd.DataFrame:
    """Imputed counts as they are handed in: id and one column a gene, float32.

    Args:
        part: Whose ids.
        observed: Its cells; what was observed stays as it is.
        values: Imputed counts [cells, genes]; 0 or less where a zero is called no dropout.
    """
    imputed = np.maximum(values, 0, dtype=np.float32)
    rows = np.repeat(np.arange(observed.counts.shape[0]), np.diff(observed.counts.indptr))
    imputed[rows, observed.counts.indices] = observed.counts.data
    table = pd.DataFrame(imputed, columns=observed.genes)
    table.insert(0, "id", part.ids)
    return table
