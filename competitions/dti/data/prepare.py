"""The real datasets: pairs of a SMILES and a sequence, each compound under one spelling.

Run `podium data dti --dataset gpcr`, or another of those in `competition.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from podium.data import Prepared
from podium.errors import note

from ..metric import TARGET
from . import clusters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILES = {
    "biosnap": (
        *("cluster/target_test.csv", "cluster/target_train.csv"),
        *("random/test.csv", "random/val.csv", "full_data/test.csv", "full_data/val.csv"),
        *("70/val.csv", "80/train.csv", "80/val.csv", "90/val.csv", "95/val.csv"),
        *("unseen_drug/test.csv", "unseen_drug/val.csv"),
        *("unseen_protein/test.csv", "unseen_protein/val.csv"),
    ),
    "gpcr": ("GPCR_train.txt", "GPCR_test.txt"),
    "human": ("random/train.csv", "random/val.csv", "random/test.csv"),
}
"""In this order: the first file that has a pair says where it is of."""
TARGETS = "cluster/"
NAMES = {"SMILES": "smiles", "Protein": "protein", "Target Sequence": "protein"}
LABELS = ("Y", "Label")
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
STEREO = re.compile(r"@+(?:(?:TH|AL|SP|TB|OH)[0-9]{1,2})?|[/\\]")
SEED = 0


def biosnap(raw: Mapping[str, Path]) -> Prepared:
    """All pairs that are at hand, in clusters of drugs and proteins."""
    pairs = known(raw, "biosnap")
    return assemble(pairs, "b")


def biosnap_cluster(raw: Mapping[str, Path]) -> Prepared:
    """The published targets, and pairs whose drug and protein are far from all of them."""
    pairs = known(raw, "biosnap")
    target = pairs["file"].str.startswith(TARGETS)
    names = list(pairs.loc[target, "protein"].unique())
    proteins = list(pairs["protein"].unique())
    near = dict(zip(proteins, clusters.near_proteins(proteins, names), strict=True))
    far = (pairs["near"] == 0) & ~pairs["protein"].map(near)
    origin = pairs["file"].str.extract(r"/(.*)\.csv")[0].where(target, "source")
    return assemble(pairs.assign(origin=origin)[target | far], "c")


def gpcr(raw: Mapping[str, Path]) -> Prepared:
    """Receptors and ligands; each ligand and each receptor is its own group."""
    return assemble(alone(known(raw, "gpcr")), "g")


def human(raw: Mapping[str, Path]) -> Prepared:
    """The published random split."""
    pairs = alone(known(raw, "human"))
    return assemble(pairs.assign(origin=pairs["file"].str.extract(r"/(.*)\.csv")[0]), "h")


def alone(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs whose drugs and proteins are in no clusters: each is its own."""
    return pairs.assign(drug_cluster=pairs["drug"], protein_cluster=pairs["protein_name"])


def read(raw: Mapping[str, Path], name: str) -> pd.DataFrame:
    """All rows of a dataset's files: `smiles` as it stands there, `protein`, the target, `file`."""
    tables = []
    for file in FILES[name]:
        if file.endswith(".txt"):
            table = pd.read_csv(raw[file], sep=" ", header=None, names=["smiles", "protein", "Y"])
        else:
            table = pd.read_csv(raw[file]).rename(columns=NAMES)
        label = next(column for column in LABELS if column in table)
        table = table[["smiles", "protein"]].assign(**{TARGET: table[label].astype(np.int64)})
        tables.append(table.assign(file=file))
    return pd.concat(tables, ignore_index=True)


def known(raw: Mapping[str, Path], name: str) -> pd.DataFrame:
    """Different pairs of compounds and proteins, with all that is wrong counted and said.

    Returns:
        `smiles` (one spelling a compound, without stereo marks), `protein`, the target, `file` (the
        first that has the pair), `drug`, `drug_cluster`, `near`, `protein_name`, `protein_cluster`.
    """
    rows = read(raw, name)
    rows = rows.drop_duplicates(["smiles", "protein", TARGET]).reset_index(drop=True)
    code, spelled = pd.factorize(rows["smiles"])
    of = pd.read_csv(clusters.DRUGS / f"{name}.csv")
    rows["place"] = of["drug"].to_numpy()[code]
    rows["drug"] = ("d" + (rows["place"] + 1).astype(str)).astype(object)
    cluster = of["cluster"].to_numpy()[rows["place"]]  # tautomers look unlike each other
    rows["drug_cluster"] = "d" + (pd.Series(cluster) + 1).astype(str)
    rows["near"] = of.groupby("drug")["near"].max().reindex(rows["place"]).to_numpy()
    refused = rows["place"] < 0
    pair = rows["drug"] + " " + rows["protein"]
    labels = rows[~refused].groupby(pair[~refused])[TARGET].nunique()
    contradicted = pair.isin(labels.index[labels > 1])
    again = pair.duplicated() & ~refused & ~contradicted
    _say(name, rows, refused=refused, contradicted=contradicted & ~refused, again=again)
    rows = rows[~(refused | contradicted | again)].reset_index(drop=True)
    rows["smiles"] = [STEREO.sub("", spelled[place]) for place in rows["place"]]
    number, proteins = pd.factorize(rows["protein"])
    rows["protein_name"] = ("p" + pd.Series(number + 1).astype(str)).astype(object)
    cluster = clusters.of_proteins(list(proteins))
    rows["protein_cluster"] = ("p" + pd.Series(cluster[number] + 1).astype(str)).astype(object)
    return rows


def _say(name: str, rows: pd.DataFrame, **lost: pd.Series[bool]) -> None:
    """What is left out, and what is odd and stays."""
    odd = rows["protein"].str.contains(f"[^{RESIDUES}]", regex=True)
    what = {
        "refused": "whose SMILES RDKit cannot read are left out",
        "contradicted": "of one compound and protein that have both labels are left out",
        "again": "that name a pair again (another spelling, salt or stereo isomer) are left out",
    }
    lines = [f"{rows.sum():,} {what[kind]}" for kind, rows in lost.items() if rows.any()]
    if odd.any():
        letters = "".join(sorted(set("".join(rows["protein"])) - set(RESIDUES)))
        lines.append(
            f"{odd.sum():,} have residues other than the usual twenty ({letters}) and stay"
        )
    if lines:
        note(f"dti/{name}: of {len(rows):,} different rows {'; '.join(lines)}.")


def assemble(pairs: pd.DataFrame, letter: str) -> Prepared:
    """Pairs in a random order that is always the same, numbered in it, behind a letter."""
    pairs = pairs.iloc[np.random.default_rng(SEED).permutation(len(pairs))].reset_index(drop=True)
    ids = [f"{letter}{row:05d}" for row in range(1, len(pairs) + 1)]
    kinds = ["drug", "protein_name", "drug_cluster", "protein_cluster", "origin"]
    groups = pairs[[kind for kind in kinds if kind in pairs]]
    return Prepared(
        features=pairs[["smiles", "protein"]].assign(id=ids)[["id", "smiles", "protein"]],
        targets=pd.DataFrame({"id": ids, TARGET: pairs[TARGET].astype(np.float64)}),
        groups=groups.rename(columns={"protein_name": "protein"}).assign(id=ids),
    )
