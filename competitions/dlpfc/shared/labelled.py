"""What networks that learn from labelled slices share: genes in common, and what they read."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from podium.errors import ModelError

from ..metric import TARGET
from .expression import log_normalised, neighbours, smoothed
from .latent import clipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from podium.competition import Part, Slice


def label_names(train: Part) -> NDArray[np.object_]:
    """Labels of a train part, sorted.

    Raises:
        ModelError: Without labelled slices.
    """
    if train.targets is None or not len(train):
        raise ModelError(
            "This model learns from labelled slices, and the train part has none.",
            hint="Use a dataset with training slices (demo, starmap, libd12), or a model that "
            "needs no labels, such as graph_ae.",
        )
    return np.unique(train.targets[TARGET].to_numpy(object).astype(str)).astype(object)


def label_places(train: Part, names: NDArray[np.object_]) -> NDArray[np.int64]:
    """Place of each row's label among the names [rows]."""
    assert train.targets is not None
    labels = train.targets[TARGET].to_numpy(object).astype(str)
    return np.searchsorted(names.astype(str), labels)


def shared(slices: Iterable[Slice]) -> NDArray[np.str_]:
    """Genes that all slices have, sorted."""
    return reduce(np.intersect1d, (one.genes for one in slices))


def surroundings(one: Slice, genes: NDArray[np.str_], reach: int) -> NDArray[np.float32]:
    """Means of neighbours, standardised within the slice [spots, genes].

    Args:
        one: It has the genes.
        genes: Names, in the order of the columns.
        reach: Spots that are averaged, itself included.
    """
    names, first = np.unique(one.genes, return_index=True)
    counts = one.counts[:, first[np.searchsorted(names, genes)]]
    return clipped(smoothed(log_normalised(counts), neighbours(one.features, reach)))


def all_surroundings(part: Part, genes: NDArray[np.str_], reach: int) -> NDArray[np.float32]:
    """Those of all slices of a part [rows, genes].

    Raises:
        ModelError: Without any gene.
    """
    if not len(genes):
        raise ModelError("There is no gene that all slices have: names of genes differ.")
    inputs = np.empty((len(part), len(genes)), dtype=np.float32)
    for one in part.slices():
        inputs[one.rows] = surroundings(one, genes, reach)
    return inputs


def most_probable(probability: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """The label of each row of a slice, which has only so many: those most probable in it [rows].

    Args:
        probability: [rows, labels].
        count: Domains of the slice.
    """
    rare = probability.sum(axis=0).argsort()[:-count]
    allowed = probability.copy()
    allowed[:, rare] = -1.0
    return np.asarray(allowed.argmax(axis=1), dtype=np.int64)
