"""Scores that a competition's `metric.py` can take ready-made.

    from podium.metrics import regression

    metric = regression("y", "rmse", "mae", "r2")

The names of the scores are those of `competition.py`, where the first one ranks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podium.competition.foreign import kaggle, mle_bench
from podium.competition.metric import (
    Floats,
    Metric,
    Table,
    averaged,
    joined,
    weighted,
    whole_metric,
)
from podium.competition.mlebench import ParticipantVisibleError
from podium.metrics.labels import labels, ranked
from podium.metrics.probabilities import probabilities, ranking
from podium.metrics.regression import regression
from podium.metrics.stats import Cells, Estimate, Tally, difference

__all__ = [
    "KNOWN",
    "Cells",
    "Estimate",
    "Floats",
    "Metric",
    "ParticipantVisibleError",
    "Table",
    "Tally",
    "averaged",
    "difference",
    "joined",
    "kaggle",
    "labels",
    "mle_bench",
    "probabilities",
    "ranked",
    "ranking",
    "regression",
    "weighted",
    "whole_metric",
]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What there is to know of a ready-made score.

    Attributes:
        family: The function above that gives it.
        beside: Scores that go with it on the board.
    """

    title: str
    family: str
    beside: tuple[str, ...] = ()
    higher_is_better: bool = True

    @property
    def perfect(self) -> float:
        """What the answers reach."""
        return 1.0 if self.higher_is_better else 0.0


KNOWN: Mapping[str, Known] = {
    "rmse": Known(title="RMSE", family="regression", beside=("mae", "r2"), higher_is_better=False),
    "mae": Known(title="MAE", family="regression", beside=("rmse", "r2"), higher_is_better=False),
    "rmsle": Known(title="RMSLE", family="regression", beside=("mae",), higher_is_better=False),
    "r2": Known(title="R²", family="regression", beside=("rmse", "mae")),
    "pearson": Known(title="Pearson correlation", family="regression", beside=("rmse", "mae")),
    "accuracy": Known(title="accuracy", family="labels", beside=("f1_macro",)),
    "balanced_accuracy": Known(title="balanced accuracy", family="labels", beside=("accuracy",)),
    "f1": Known(title="F1", family="labels", beside=("precision", "recall")),
    "f1_macro": Known(title="macro F1", family="labels", beside=("accuracy",)),
    "f1_micro": Known(title="micro F1", family="labels", beside=("f1_macro",)),
    "f1_weighted": Known(title="weighted F1", family="labels", beside=("f1_macro", "accuracy")),
    "mcc": Known(title="MCC", family="labels", beside=("accuracy", "f1_macro")),
    "qwk": Known(title="quadratic weighted kappa", family="labels", beside=("accuracy",)),
    "precision": Known(title="precision", family="labels", beside=("recall", "f1")),
    "recall": Known(title="recall", family="labels", beside=("precision", "f1")),
    "log_loss": Known(
        title="log loss",
        family="probabilities",
        beside=("brier", "accuracy"),
        higher_is_better=False,
    ),
    "brier": Known(
        title="Brier score",
        family="probabilities",
        beside=("log_loss", "accuracy"),
        higher_is_better=False,
    ),
    "auc": Known(title="AUC", family="ranking", beside=("average_precision",)),
    "average_precision": Known(title="average precision", family="ranking", beside=("auc",)),
    **{f"map@{k}": Known(title=f"MAP@{k}", family="ranked") for k in (1, 3, 5, 7, 10, 12, 20)},
}
"""Every ready-made score by its name."""
