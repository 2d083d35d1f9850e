"""Columns standardised within each domain, for every kind of model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME = 1e-6
"""A column whose standard deviation is a smaller share of its largest value is constant."""


def standardised(
    values: NDArray[np.floating], domain: NDArray[Any] | None = None
) -> NDArray[np.floating]:
    """Columns with mean 0 and variance 1 within each domain, in the precision of the values.

    A column that is constant in a domain is 0 there: in a domain of one row, all are.

    Args:
        values: [rows, columns].
        domain: Of each row, anything that can be compared [rows]; None takes all rows as one.
    """
    scaled = np.empty_like(values)
    names = np.zeros(len(values)) if domain is None else np.asarray(domain)
    for name in np.unique(names):
        rows = names == name
        own = values[rows]
        centred = own - own.mean(axis=0)
        spread = centred.std(axis=0)
        varies = spread > SAME * np.abs(own).max(axis=0)
        scaled[rows] = np.divide(centred, spread, out=np.zeros_like(centred), where=varies)
    return scaled
