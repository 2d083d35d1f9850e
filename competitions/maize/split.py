"""Which rows train and which are scored: whole families, dealt within each species.

`podium freeze` writes the splits of the public datasets to `splits/`; that of people's own
files is made by rule when they are prepared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from podium.errors import DataError, note

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.data import Prepared

SEED = 1
PUBLIC, TEST = 0.06, 0.2
"""Share of the families that are public, and that are public or private."""
FOLDS = 5
LARGE = 30
"""Families with more rows train: as one of the independent groups they would weigh too much."""
ENOUGH = 10
"""Test families from which a species of a course's files is a stratum of its own."""
OTHER = "other"
UNEVEN = 0.6
"""Share of the test rows in one half from which the halves are called uneven."""


def demo(prepared: Prepared) -> pd.DataFrame:
    """Four fifths of the families train."""
    return by_family(prepared)


def jores_leaf(prepared: Prepared) -> pd.DataFrame:
    """Rows of leaves; those of protoplasts are extra where their family trains."""
    return _of_assay(prepared, "leaf")


def jores_proto(prepared: Prepared) -> pd.DataFrame:
    """Rows of protoplasts; those of leaves are extra where their family trains."""
    return _of_assay(prepared, "proto")


def by_family(prepared: Prepared) -> pd.DataFrame:
    """Deal the families of all rows.

    Returns:
        `id`, `part`, `fold` (train rows only) and `stratum`, in the order of the features.
    """
    family = prepared.groups["family"]
    large = family.map(family.value_counts()).to_numpy() > LARGE
    u = np.where(large, 1.0, _dealt(prepared, ~large))
    u[large] = TEST + (1 - TEST) * _dealt(prepared, large)[large]
    part = np.select([u < PUBLIC, u < TEST], ["public", "private"], "train")
    return _table(prepared, part, (u - TEST) / (1 - TEST))


def _of_assay(prepared: Prepared, assay: str) -> pd.DataFrame:
    """Both files dealt as one; the other assay's rows help to train, or would tell answers."""
    split = by_family(prepared)
    other = (prepared.features["assay"] != assay).to_numpy()
    train = (split["part"] == "train").to_numpy()
    split.loc[other, "part"] = np.where(train[other], "extra", "unused")
    return split


def course(prepared: Prepared) -> pd.DataFrame:
    """Rows of `test` are scored; those of the other folders train, but for relatives of the test's.

    Halves and folds hold whole families and the same number of rows, as far as these allow. How
    many rows do not train is said.

    Raises:
        DataError: If no row is left to train on, or the test is one family.
    """
    test = prepared.features["id"].str.startswith("test/").to_numpy()
    family = prepared.groups["family"]
    train = ~family.isin(family[test]).to_numpy()
    if not train.any():
        raise DataError(
            f"No row is left to train on: the {int((~test).sum()):,} outside the folder test are "
            "all of families that the test has.",
            hint="What a family is: competitions/maize/README.md",
        )
    if family[test].nunique() < 2:
        raise DataError(
            f"The {int(test.sum()):,} rows of the test are one family and cannot be halved.",
            hint="Give test sequences that are not all relatives of each other.",
        )
    species = prepared.features["species"]
    many = family[test].groupby(species[test]).nunique() >= ENOUGH
    stratum = species.where(species.map(many).fillna(value=False).astype(bool), OTHER)
    part = np.select([train, ~test], ["train", "unused"], "private").astype(object)
    part[np.flatnonzero(test)[_even(family[test], stratum[test], 2) == 0]] = "public"
    fold = np.zeros(len(part))
    fold[train] = (_even(family[train], stratum[train], FOLDS) + 0.5) / FOLDS
    _say(prepared, part)
    return _table(prepared, part, fold).assign(stratum=stratum)


def _say(prepared: Prepared, part: NDArray[np.object_]) -> None:
    """What the owner of the files would not expect: rows that do not train, and uneven halves."""
    family, unused = prepared.groups["family"], part == "unused"
    if unused.any():
        folder = prepared.features["id"].str.partition("/")[0]
        lost = ", ".join(
            f"{count:,} of {name}" for name, count in folder[unused].value_counts().items()
        )
        outside = np.isin(part, ["train", "unused"]).sum()
        note(
            f"{unused.sum():,} of {outside:,} rows outside the folder test do not train ({lost}): "
            f"they are relatives of test rows, in {family[unused].nunique():,} families, and would "
            "tell their answers. What a relative is: competitions/maize/README.md"
        )
    rows = {half: int((part == half).sum()) for half in ("public", "private")}
    if max(rows.values()) > UNEVEN * sum(rows.values()):
        largest = family[np.isin(part, list(rows))].value_counts().iloc[0]
        note(
            f"The halves of the test are uneven, {rows['public']:,} rows public and "
            f"{rows['private']:,} private: families stay whole, and the largest has {largest:,}."
        )


def _even(family: pd.Series[str], stratum: pd.Series[str], parts: int) -> NDArray[np.int64]:
    """Deal whole families, the largest first, to the part that has the fewest rows yet [rows].

    Within each stratum, by the family's first row; where parts are even there, by all strata.
    """
    rows = pd.DataFrame({"family": family.to_numpy(), "stratum": stratum.to_numpy()})
    of_family = rows.groupby("family")["stratum"].agg(["first", "size"])
    of_family = of_family.iloc[np.random.default_rng(SEED).permutation(len(of_family))]
    of_family = of_family.sort_values("size", ascending=False, kind="stable")
    has = {name: [0] * parts for name in (None, *of_family["first"].unique())}
    chosen = {}
    for name, kind, size in of_family.itertuples():
        part = min(range(parts), key=lambda one: (has[kind][one], has[None][one]))
        chosen[name] = part
        has[kind][part] += size
        has[None][part] += size
    return rows["family"].map(chosen).to_numpy(np.int64)


def _dealt(prepared: Prepared, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A number between 0 and 1, even over the families of a species, for the chosen rows [rows]."""
    rows = pd.DataFrame(
        {"family": prepared.groups["family"], "species": prepared.features["species"]}
    )
    species = rows[chosen].groupby("family")["species"].first()
    rng = np.random.default_rng(SEED)
    place = pd.Series(rng.permutation(len(species)), index=species.index)
    ranks = place.groupby(species)
    u = (ranks.rank() - 0.5) / ranks.transform("size")
    return rows["family"].map(u).fillna(0.0).to_numpy(np.float64)


def _table(prepared: Prepared, part: NDArray[np.object_], u: NDArray[np.float64]) -> pd.DataFrame:
    """The split, with the fold of train rows from a number between 0 and 1."""
    fold = pd.Series(np.floor(u * FOLDS), dtype="Int64").where(part == "train")
    ids, species = prepared.features["id"], prepared.features["species"]
    return pd.DataFrame({"id": ids, "part": part, "fold": fold, "stratum": species})
