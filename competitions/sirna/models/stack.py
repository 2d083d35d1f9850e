"""The best models as one, by what they said of rows that they had not seen.

What helps differs in three situations, which features alone tell apart: genes that do not train,
new guides, and guides that train with other doses or chemistry.

Where the gene trains, each member predicts every fold of train from the others, and a random forest
learns from these predictions. The rows that share its leaves say what may be true of a row: their
median is handed in, on the side of 30 where the score wants it. How likely less than 30 must be for
that is chosen for each situation.

For new genes few genes can judge, and whatever fits these by chance would harm others. So one model
alone answers there: that which held-out genes prefer, a twentieth of all genes held out at a time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from podium.competition import Parameter
from podium.errors import note
from podium.learning import Ensemble, Members

from ..metric import TARGET, metric
from ..shared.features import gene
from ..shared.leaves import Leaves, best_cut, handed_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from podium.competition import Part, Report

    Floats = NDArray[np.float64]

_TREES = {"call_below": 30.0, "leave_new_genes": False}
PARAMETERS = {
    "members": Parameter(
        {
            "lightgbm:l2": {"objective": "l2", "low_weight": 1.5, **_TREES},
            "lightgbm:log": _TREES,
            "lightgbm:mape": {"objective": "mape", "low_weight": 1.5, **_TREES},
            "seqnet": {"call_above": None},
        },
        "models for genes that train, and the changes to their parameters",
    ),
    "new_genes": Parameter(
        {"lightgbm": {"preset": "general"}, "gene_ridge": {}},
        "models of which one answers for genes that do not train, the most trusted one first",
    ),
    "trees": Parameter(150, "of the forest", (1, 10_000), search=(50, 300, "log")),
    "min_leaf": Parameter(40, "rows of a leaf at least", (1, 100_000), search=(10, 100, "log")),
}
"""members: they should not call, the stack does."""

QUICK: dict[str, Any] = {
    "members": {"lookup": {}, "ridge": {}},
    "new_genes": {"rules": {}, "gene_ridge": {}},
    "trees": 10,
    "min_leaf": 5,
}
THREADS = 1  # the same bytes on any number of cores

NEW_GENE, NEW_GUIDE, KNOWN_GUIDE = range(3)
KNOWN = {NEW_GUIDE: "new guides", KNOWN_GUIDE: "known guides"}
"""Situations that the members share."""
PARTS = 20
"""Into which all genes are divided, to choose the model for new ones."""
FOLDS = 5
"""Where train has none of its own."""


class Stack:
    """Several models as one."""

    def __init__(
        self, members: Members, new_genes: Members, trees: int, min_leaf: int, seed: int
    ) -> None:
        self.members, self.new_genes = _ensemble(members, seed), _ensemble(new_genes, seed)
        self.leaves = Leaves(trees, min_leaf, seed)
        self.cuts: dict[int, float] = {}
        self.genes: frozenset[str] = frozenset()
        self.guides: frozenset[str] = frozenset()

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn from rows out of fold, then all rows train; `report` gets each fold's error."""
        assert train.targets is not None
        answers = train.targets[TARGET].to_numpy(dtype=np.float64)
        train = replace(train, folds=_folds(train))
        assert train.folds is not None
        situation = np.empty(len(train), dtype=np.int64)
        for fold in np.unique(train.folds):
            held = train.folds == fold
            situation[held] = _situation(train.take(held), *_known(train.take(~held)))
        self._grow(self.members.out_of_fold(train, report), answers, situation)
        self.members.fit(train)
        train = replace(train, members={})  # what is kept is of folds, and of the others
        self.of_new_gene = self._preferred(train, answers)
        self.of_new_gene.fit(train)
        self.genes, self.guides = _known(train)

    def predict(self, part: Part) -> pd.DataFrame:
        """What the situation of each row asks for."""
        masses = self.leaves(self.members.predict(part))
        situation = _situation(part, self.genes, self.guides)
        predicted = self.of_new_gene.predict(part)[:, 0]
        for kind, cut in self.cuts.items():
            rows = situation == kind
            predicted[rows] = handed_in(masses[rows], cut)
        return pd.DataFrame({"id": part.ids, TARGET: predicted})

    def _grow(self, unseen: Floats, answers: Floats, situation: NDArray[np.int64]) -> None:
        """The forest, on rows whose gene trained; the cut of each situation."""
        shared = _or_all(situation != NEW_GENE, "genes that train")
        self.leaves.fit(unseen[shared], answers[shared])
        masses = self.leaves(unseen)
        for kind, name in KNOWN.items():
            rows = _or_all(situation == kind, name)
            self.cuts[kind] = best_cut(masses[rows], answers[rows])

    def _preferred(self, train: Part, answers: Floats) -> Ensemble:
        """The model that held-out genes prefer; the choice is said."""
        names = list(self.new_genes.members)
        genes = gene(train.features) if train.groups is None else train.groups["gene"]
        parts = min(PARTS, genes.nunique())
        place = 0
        if parts == 1:
            note(f"stack: train has one gene, so {names[0]} answers for genes that do not train")
        elif len(names) > 1:
            folds = np.empty(len(train), dtype=np.int64)
            for number, (_, held) in enumerate(GroupKFold(parts).split(folds, groups=genes)):
                folds[held] = number
            unseen = self.new_genes.out_of_fold(replace(train, folds=folds))
            place, scores = preferred(unseen, answers, genes.to_numpy(object))
            said = ", ".join(
                f"{name} {all_rows:.3f} (smaller half of the genes {small:.3f})"
                for name, (all_rows, small) in zip(names, scores, strict=True)
            )
            note(f"stack: {names[place]} answers for new genes; held-out genes: {said}")
        chosen = {names[place]: self.new_genes.members[names[place]]}
        return _ensemble(chosen, self.new_genes.seed)


def _ensemble(members: Members, seed: int) -> Ensemble:
    return Ensemble(members, seed, beside=__name__, target=TARGET)


def preferred(
    unseen: Floats, answers: Floats, genes: NDArray[Any]
) -> tuple[int, Sequence[tuple[float, float]]]:
    """The model with the best score that is not below the first on small genes.

    Genes that are new are seldom the large ones.

    Args:
        unseen: Predictions of rows whose gene they had not seen [rows, models], percent.
        answers: What remained [rows], percent.
        genes: [rows]

    Returns:
        Its place; the score of each on all rows, and on those of the smaller half of the genes.
    """
    _, number, sizes = np.unique(genes, return_inverse=True, return_counts=True)
    small = (sizes <= np.median(sizes))[number]

    def score(predicted: Floats, rows: NDArray[np.bool_]) -> float:
        return float(metric.score({TARGET: answers[rows]}, {TARGET: predicted[rows]})["score"])

    scores = [(score(said, np.full(len(small), True)), score(said, small)) for said in unseen.T]
    able = [place for place, own in enumerate(scores) if own[1] >= scores[0][1]]
    return max(able, key=lambda place: scores[place][0]), scores


def _folds(train: Part) -> NDArray[np.int64]:
    """Those of train; rows by turns where it has no two."""
    if train.folds is not None and len(np.unique(train.folds)) > 1:
        return train.folds
    note(f"stack: train has no two folds, so its rows are divided into {FOLDS} by turns")
    return np.arange(len(train)) % FOLDS


def _or_all(rows: NDArray[np.bool_], name: str) -> NDArray[np.bool_]:
    """These rows; all where there are none, which is said."""
    if rows.any():
        return rows
    note(f"stack: no fold of train holds {name}, so what they are handed in follows from all rows")
    return ~rows


def _known(train: Part) -> tuple[frozenset[str], frozenset[str]]:
    """Genes and guides that train."""
    return frozenset(gene(train.features)), frozenset(_guides(train))


def _situation(part: Part, genes: frozenset[str], guides: frozenset[str]) -> NDArray[np.int64]:
    known_gene = gene(part.features).isin(genes).to_numpy()
    known_guide = _guides(part).isin(guides).to_numpy()
    return np.where(known_guide, KNOWN_GUIDE, np.where(known_gene, NEW_GUIDE, NEW_GENE))


def _guides(part: Part) -> pd.Series[str]:
    return part.features["siRNA_antisense_seq"].str.upper()


def build(params: dict[str, Any], seed: int) -> Stack:
    """Build the model.

    Raises:
        ModelError: If there are no members, unknown ones, or wrong parameters of theirs.
    """
    return Stack(**params, seed=seed)
