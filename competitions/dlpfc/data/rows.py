"""A slice of one's own, from an AnnData file, as the models take it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.competition import Counts
from podium.errors import DataError

from ..metric import SLICE
from .tissue import PLACES, USUAL, Tissue, spaced, wrong

if TYPE_CHECKING:
    from podium.data import Annotated


def taken(name: str, content: Annotated) -> tuple[pd.DataFrame, Counts]:
    """Features and counts of the rows of a file: one slice, or those that `obs["slice"]` names.

    Places are `obsm["spatial"]` in any unit, or `obs["x"]` and `obs["y"]`; the number of domains is
    `obs["domains"]`, by default seven.

    Args:
        name: Of the slice, where the file does not say.
        content: What the file holds.

    Raises:
        DataError: With everything that is missing or wrong.
    """
    rows = content.rows
    places = content.places
    if places is None and {"x", "y"} <= set(rows.columns):
        places = rows[["x", "y"]].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    if places is None:
        raise DataError(
            "The spots have no places.", problems=["neither obsm['spatial'] nor obs x and y"]
        )
    slices = rows[SLICE] if SLICE in rows else pd.Series(name, index=rows.index)
    domains = rows["domains"] if "domains" in rows else pd.Series(USUAL, index=rows.index)
    one = Tissue(
        spots=list(rows.index),
        places=places,
        labels=np.full(len(rows), "", dtype=object),
        counts=content.counts,
        genes=[str(gene) for gene in content.genes],
    )
    if problems := [*wrong(one), *_unclear(slices, domains)]:
        raise DataError("The slice cannot be used.", problems=problems)
    slices = slices.astype(str)
    scaled = np.empty_like(places)
    blocks = {}
    code, names = pd.factorize(slices)
    for number, slice_name in enumerate(names):
        scaled[code == number] = spaced(places[code == number])
        blocks[str(slice_name)] = content.counts[code == number], one.genes
    back = np.argsort(
        np.argsort(code, kind="stable")
    )  # from the order of slices to the file's order
    table = pd.DataFrame(
        {
            SLICE: slices.to_numpy(object),
            "x": scaled[:, 0].round(PLACES),
            "y": scaled[:, 1].round(PLACES),
            "domains": domains.to_numpy(np.int64),
        }
    )
    return table, Counts.of(blocks).take(back)


def _unclear(slices: pd.Series[Any], domains: pd.Series[Any]) -> list[str]:
    """What is wrong with the slice of each spot and with the numbers of domains."""
    problems = []
    if slices.isna().any():
        problems.append(f"obs slice: {int(slices.isna().sum())} spots have none")
    numbers = pd.to_numeric(domains, errors="coerce")
    if not (numbers.ge(1) & (numbers % 1 == 0)).all():
        problems.append("obs domains: whole numbers from 1 are expected")
    elif len(pd.DataFrame({"s": slices, "d": numbers}).drop_duplicates()) > slices.nunique():
        problems.append("obs domains: one number for all spots of a slice is expected")
    return problems
