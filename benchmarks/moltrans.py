"""dti's models on the rows of MolTrans: its test of unseen drugs, and its test of unseen proteins.

    python benchmarks/moltrans.py DIR [pair_knn kronecker lightgbm]

DIR holds the files of BioSNAP, as `podium data dti -d biosnap --from DIR` takes them. Test rows are
those of `unseen_drug/test.csv` and `unseen_protein/test.csv`; train is every other known pair
without a drug (a protein) of theirs, more than MolTrans had, though a tenth of BioSNAP is not at
hand. Settings are the defaults; AUROC and average precision.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from podium.competitions.dti.data import clusters, prepare
from podium.competitions.dti.metric import TARGET
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GroupKFold

from podium import api
from podium.competition import model_file
from podium.competition.part import Part
from podium.data import raw
from podium.execution import training

SIDES = {"drug": "unseen_drug/test.csv", "protein": "unseen_protein/test.csv"}


def main() -> None:
    """Print a line for each test and model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("models", nargs="*", default=["pair_knn", "kronecker", "lightgbm"])
    given = parser.parse_args()
    competition, dataset = api.load("dti", "biosnap")
    with raw.members(competition, dataset, source=given.source, progress=None) as files:
        pairs, rows = prepare.known(files, "biosnap"), prepare.read(files, "biosnap")
    compound = pd.read_csv(clusters.DRUGS / "biosnap.csv")["drug"].to_numpy()
    rows["drug"] = "d" + pd.Series(compound[pd.factorize(rows["smiles"])[0]] + 1).astype(str)
    for side, file in SIDES.items():
        wanted = pd.MultiIndex.from_frame(rows.loc[rows["file"] == file, ["drug", "protein"]])
        tests = pd.MultiIndex.from_frame(pairs[["drug", "protein"]]).isin(wanted)
        learns = ~pairs[side].isin(pairs.loc[tests, side])
        train, test = part("train", pairs[learns], side), part("test", pairs[tests], side)
        print(f"unseen {side}: {len(train):,} pairs train, {len(test):,} are asked", flush=True)
        for name in given.models:
            file_of = model_file.load(competition, name)
            fitted = training.fit(file_of, file_of.build(0), train)
            said = training.predict(file_of, fitted, test.without_answers())[TARGET]
            binds = test.targets[TARGET]
            scores = roc_auc_score(binds, said), average_precision_score(binds, said)
            print(f"  {name:12} {scores[0]:.4f} {scores[1]:.4f}", flush=True)


def part(name: str, pairs: pd.DataFrame, side: str) -> Part:
    """Pairs as models see them; folds hold out whole drugs (proteins), as the test does."""
    pairs = pairs.reset_index(drop=True)
    folds = np.zeros(len(pairs), dtype=np.int64)
    for fold, (_, held) in enumerate(GroupKFold(5).split(pairs, groups=pairs[side])):
        folds[held] = fold
    return Part(
        name=name,
        ids=pd.Index([f"m{row}" for row in range(len(pairs))], name="id"),
        features=pairs[["smiles", "protein"]],
        targets=pairs[[TARGET]],
        folds=folds,
        groups=pairs[["drug", "protein_name", "drug_cluster", "protein_cluster"]].rename(
            columns={"protein_name": "protein"}
        ),
    )


if __name__ == "__main__":
    main()
