"""A slice of one's own, from AnnData, the course's form or 10x's, as the models take it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.competition import Counts
from podium.data import Annotated, h5ad
from podium.errors import DataError, note

from ..metric import SLICE
from . import course_files, tenx_files
from .tissue import NO_PLACES, PLACES, Tissue, spaced, wrong

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FORMS = (".h5",)
"""Endings of the names of other files."""


def read(path: Path, known: Sequence[str] = ()) -> Annotated:
    """Read a file of the course, a matrix of 10x, which has no places, or AnnData called `.h5`.

    Raises:
        DataError: If it is none of them.
    """
    there = _names(path)
    if {"obs", "var"} <= there:
        return h5ad.read(path)
    try:
        one = (tenx_files.all_spots if "matrix" in there else course_files.read)(path)
    except DataError as error:
        problems = error.problems or [error.message]
        raise DataError(f"{path} cannot be used.", problems=problems) from error
    return Annotated(
        rows=pd.DataFrame(index=pd.Index(one.spots)),
        counts=one.counts,
        genes=np.asarray(one.genes, dtype=np.str_),
        places=one.places,
    )


def _names(path: Path) -> set[str]:
    """What lies at the top of an HDF5 file; nothing in what is none."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return set(file)
    except (OSError, RuntimeError):
        return set()


def taken(name: str, content: Annotated) -> tuple[pd.DataFrame, Counts]:
    """Features and counts of the rows of a file: one slice, or those that `obs["slice"]` names.

    Places are `obsm["spatial"]` in any unit, or `obs["x"]` and `obs["y"]`, or not known; the number
    of domains is `obs["domains"]`.

    Args:
        name: Of the slice, where the file does not say.
        content: What the file holds.

    Raises:
        DataError: With everything that is missing or wrong.
    """
    rows, places = content.rows, content.places
    if places is None and rows[["x", "y"]].notna().any(axis=None):
        places = rows[["x", "y"]].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    if places is None:
        note(f"{name}: {NO_PLACES}")
    slices = rows[SLICE] if SLICE in rows else pd.Series(name, index=rows.index)
    domains = rows["domains"]
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
    scaled = np.full((len(rows), 2), np.nan)
    blocks = {}
    code, names = pd.factorize(slices)
    for number, slice_name in enumerate(names):
        if places is not None:
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
