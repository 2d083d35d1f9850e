"""The real datasets: raw files to sequences, expression and families.

Run `podium data maize --dataset jores-leaf`, or another of those in `competition.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from podium.competition import Sequences
from podium.data import Prepared

from . import course_files, families
from .metric import TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILES = {"leaf": "CNN_test_leaf.tsv", "proto": "CNN_test_proto.tsv"}
SPECIES = {"Zm": "maize", "Sb": "sorghum", "At": "arabidopsis"}


def jores_leaf(raw: Mapping[str, Path]) -> Prepared:
    """Core promoters in tobacco leaves; those in maize protoplasts beside them."""
    return both(raw)


def jores_proto(raw: Mapping[str, Path]) -> Prepared:
    """Core promoters in maize protoplasts; those in tobacco leaves beside them."""
    return both(raw)


def both(raw: Mapping[str, Path]) -> Prepared:
    """Both files, one below the other; which one is scored, the split says.

    A row is called by its assay and its place in the file, such as `leaf1`: a gene's name would
    tell what it is.
    """
    tables = []
    for assay, file in FILES.items():
        table = pd.read_csv(raw[file], sep="\t")
        table["id"] = [f"{assay}{row}" for row in range(1, len(table) + 1)]
        tables.append(table.assign(assay=assay))
    rows = pd.concat(tables, ignore_index=True)
    rows["species"] = rows["sp"].map(SPECIES)
    rows = rows.rename(columns={"enrichment": TARGET})
    return assemble(rows, Sequences.of(rows["sequence"], rows["id"]))


def course(raw: Mapping[str, Path]) -> Prepared:
    """A course's folders `train`, `validation` and `test`; see `course_files.py`.

    Raises:
        DataError: With everything that is wrong in all files.
    """
    rows, sequences = course_files.read(raw)
    return assemble(rows, sequences)


def assemble(rows: pd.DataFrame, sequences: Sequences) -> Prepared:
    """Labelled rows with their families.

    Args:
        rows: `id`, `species`, `assay` and `expression`.
        sequences: Of the same rows.
    """
    return Prepared(
        features=rows[["id", "species", "assay"]],
        targets=rows[["id", TARGET]],
        groups=rows[["id"]].assign(family=families.names(sequences)),
        sequences=sequences,
    )
