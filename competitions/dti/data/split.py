"""Which pairs train and which are scored: new pairs, new drugs, new proteins, and both new.

`podium freeze` writes the splits to `splits/`; they are only read later. No label is looked at.

A share of the drug clusters and of the protein clusters is held out. Their pairs are the strata
`new_drug`, `new_protein` and `new_both`; what there are too many of is used nowhere, so that strata
are of comparable size. Of what is left, whole clusters are held out in the same way by the folds. A
pair whose drug belongs to one fold and whose protein to another would make both known: these are
the stratum `seen`, random pairs of drugs and proteins that train.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.data import Prepared

    Ints = NDArray[np.int64]

SEED = 0
PUBLIC = 0.3
FOLDS = 5
HELD = 0.18
"""Share of the pairs whose drugs are held out, and of those whose proteins are."""
MOST = 0.06
"""Share of the pairs that `new_drug` and `new_protein` have at most."""
HELD_BY_FOLDS = 0.33
"""The same as `HELD` for the folds of train, all together."""
LARGE = 0.02
"""Clusters with a larger share of the pairs train."""
LIGANDS, RECEPTORS = 0.2, 0.12
"""Shares held out in gpcr."""


def demo(prepared: Prepared) -> pd.DataFrame:
    """All four strata."""
    groups = prepared.groups
    rng = np.random.default_rng(SEED)
    new_drug, new_protein = (_held(groups[kind], HELD, rng) for kind in _CLUSTERS)
    stratum = _situation(new_drug, new_protein)
    part = np.where(stratum == "seen", "train", "private").astype(object)
    for name in ("new_drug", "new_protein"):
        rows = rng.permutation(np.flatnonzero(stratum == name))
        part[rows[round(MOST * len(groups)) :]] = "unused"
    rest = np.flatnonzero(part == "train")
    fold, situation = _folds(groups.iloc[rest], rng)
    stratum[rest] = situation
    crossing = rest[fold < 0]
    part[crossing], stratum[crossing] = "unused", "seen"
    train = groups[part == "train"]
    known = [groups[kind].isin(train[kind]).to_numpy() for kind in ("drug", "protein")]
    part[crossing[(known[0] & known[1])[crossing]]] = "private"
    whole = np.zeros(len(groups), dtype=np.int64)
    whole[rest] = fold
    return _table(prepared, part, whole, stratum, rng)


biosnap = demo


def biosnap_cluster(prepared: Prepared) -> pd.DataFrame:
    """The published target is the test; folds hold out clusters of proteins."""
    groups, rng = prepared.groups, np.random.default_rng(SEED)
    names = {"target_test": "official", "target_train": "other", "source": "new_protein"}
    stratum = groups["origin"].map(names).to_numpy(object)
    part = np.where(stratum == "new_protein", "train", "private").astype(object)
    return _table(prepared, part, _dealt(groups["protein_cluster"], rng), stratum, rng)


def gpcr(prepared: Prepared) -> pd.DataFrame:
    """Whole ligands are held out, never a part of one: each was chosen to have both labels.

    A tenth of the receptors are held out with them; their pairs with ligands that train are used
    nowhere.
    """
    groups, rng = prepared.groups, np.random.default_rng(SEED)
    ligand = _held(groups["drug"], LIGANDS, rng)
    receptor = _held(groups["protein"], RECEPTORS, rng)
    part = np.select([ligand, receptor], ["private", "unused"], "train").astype(object)
    stratum = np.where(ligand & receptor, "new_both", "new_drug").astype(object)
    return _table(prepared, part, _dealt(groups["drug"], rng), stratum, rng)


def human(prepared: Prepared) -> pd.DataFrame:
    """The published random split; so are the folds."""
    groups, rng = prepared.groups, np.random.default_rng(SEED)
    part = np.where(groups["origin"] == "test", "private", "train").astype(object)
    fold = rng.permutation(len(groups)) % FOLDS
    return _table(prepared, part, fold, np.full(len(groups), "random", dtype=object), rng)


_CLUSTERS = ("drug_cluster", "protein_cluster")


def _situation(new_drug: NDArray[np.bool_], new_protein: NDArray[np.bool_]) -> NDArray[np.object_]:
    names = ["new_both", "new_drug", "new_protein"]
    return np.select([new_drug & new_protein, new_drug, new_protein], names, "seen").astype(object)


def _folds(groups: pd.DataFrame, rng: np.random.Generator) -> tuple[Ints, NDArray[np.object_]]:
    """The fold of each row, -1 for one between two folds, and its situation there [rows]."""
    held, folds = [], []
    for kind in _CLUSTERS:
        mask = _held(groups[kind], HELD_BY_FOLDS, rng)
        fold = np.full(len(groups), -1)
        fold[mask] = _dealt(groups.loc[mask, kind], rng)
        held.append(mask)
        folds.append(fold)
    drug, protein = folds
    # Dealt like cards, drug by drug: the rows of one drug land in different folds.
    order = rng.permutation(len(groups))
    order = order[np.argsort(groups["drug"].to_numpy()[order], kind="stable")]
    order = order[~(held[0] | held[1])[order]]
    dealt = np.zeros(len(groups), dtype=np.int64)
    dealt[order] = np.arange(len(order)) % FOLDS
    fold = np.select([held[0], held[1]], [drug, protein], dealt)
    return np.where(held[0] & held[1] & (drug != protein), -1, fold), _situation(*held)


def _table(
    prepared: Prepared,
    part: NDArray[np.object_],
    fold: Ints,
    stratum: NDArray[np.object_],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The split, with whole clusters of proteins in the public half."""
    cluster, test = prepared.groups["protein_cluster"], part == "private"
    public = cluster.isin(_draw(cluster[test].value_counts(), round(PUBLIC * test.sum()), rng))
    part = np.where(test & public, "public", part)
    folds = pd.Series(fold, dtype="Int64").where(part == "train")
    return pd.DataFrame(
        {"id": prepared.features["id"], "part": part, "fold": folds, "stratum": stratum}
    )


def _held(unit: pd.Series[str], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Rows of random units, none large, that make up a share of the rows [rows]."""
    sizes = unit.value_counts()
    drawn = _draw(sizes[sizes <= LARGE * len(unit)], round(share * len(unit)), rng)
    return unit.isin(drawn).to_numpy()


def _draw(sizes: pd.Series[int], rows: int, rng: np.random.Generator) -> list[str]:
    """Units in random order, each taken if it still fits into the number of rows wanted."""
    sizes = sizes.sort_index()  # ties in `value_counts` have no order to rely on
    drawn, room = [], rows
    for place in rng.permutation(len(sizes)):
        if sizes.iloc[place] <= room:
            drawn.append(str(sizes.index[place]))
            room -= int(sizes.iloc[place])
    return drawn


def _dealt(unit: pd.Series[str], rng: np.random.Generator) -> Ints:
    """The fold of each row: whole units, the largest first into the fold with the fewest rows."""
    sizes = unit.value_counts().sort_index()
    sizes = sizes.iloc[rng.permutation(len(sizes))].sort_values(ascending=False, kind="stable")
    load, fold = np.zeros(FOLDS, dtype=np.int64), {}
    for name, size in sizes.items():
        fold[name] = int(load.argmin())
        load[load.argmin()] += size
    return unit.map(fold).to_numpy(np.int64)
