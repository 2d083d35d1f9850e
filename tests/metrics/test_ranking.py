"""Scores of ranks: exact for any rows, and from binned sums for all that moves without a group."""

import numpy as np
import pytest
from sklearn import metrics as sk

from podium.metrics import joined, probabilities, ranking, stats
from podium.metrics.stats import Cells, Tally

METRIC = joined(
    ranking("y", "auc", "average_precision", "auc_within", within="protein"),
    probabilities("y", "brier", "accuracy", "sensitivity", "specificity"),
)
KINDS = ("smooth", "rounded", "rates", "skewed", "certain")


def case(seed, kind="smooth", rows=4000, proteins=300):
    """Pairs of drugs and proteins, some far more frequent; three strata that share proteins."""
    rng = np.random.default_rng(seed)
    protein = np.minimum(rng.geometric(8 / proteins, rows), proteins)
    level = rng.normal(size=proteins + 1)[protein]
    y = (level + rng.normal(size=rows) > rng.normal()).astype(float)
    p = 1 / (1 + np.exp(-(0.8 * level + y + rng.normal(size=rows) - 0.5)))
    p = {
        "smooth": p,
        "rounded": p.round(2),
        "rates": (1 / (1 + np.exp(-level))).round(3),
        "skewed": p**8,
        "certain": np.where(p > 0.6, 1.0, p),
    }[kind]
    solution = {"y": y, "protein": np.char.add("p", protein.astype(str)).astype(object)}
    stratum = rng.choice(["seen", "new_drug", "new_both"], rows).astype(object)
    return solution, {"y": p}, protein // 3, stratum


def some(table, rows):
    return {name: column[rows] for name, column in table.items()}


def by_pairs(solution, predictions):
    """AUROC within proteins, pair by pair."""
    y, p, protein = solution["y"], predictions["y"], solution["protein"]
    positive, negative = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    same = protein[positive][:, None] == protein[negative]
    gap = p[positive][:, None] - p[negative]
    return ((gap > 0) + (gap == 0) / 2)[same].mean()


@pytest.mark.parametrize("kind", KINDS)
def test_exact_values_are_those_of_scikit_learn_for_any_rows(kind):
    solution, predictions, cluster, stratum = case(0, kind)
    tally = Tally.of(METRIC, solution, predictions, Cells.of(cluster, stratum=stratum))
    for name in (None, "seen", "new_both"):
        rows = stratum == name if name else np.ones(len(stratum), bool)
        y, p = solution["y"][rows], predictions["y"][rows]
        expected = {
            "auc": sk.roc_auc_score(y, p),
            "average_precision": sk.average_precision_score(y, p),
            "auc_within": by_pairs(some(solution, rows), some(predictions, rows)),
            "brier": sk.brier_score_loss(y, p),
            "accuracy": sk.accuracy_score(y, p > 0.5),
            "sensitivity": sk.recall_score(y, p > 0.5),
            "specificity": sk.recall_score(y, p > 0.5, pos_label=0),
        }
        found = tally.estimate("auc", **({"stratum": name} if name else {}))
        assert found.scores == pytest.approx(expected, rel=0, abs=1e-12)
        whole = METRIC.score(some(solution, rows), some(predictions, rows))
        assert whole == pytest.approx(expected, rel=0, abs=1e-12)


def left_out(score, seed, kind, stratum=None):
    """Leave-one-group-out scores of `auc` or so: from sums, and computed anew without the rows."""
    solution, predictions, cluster, strata = case(seed, kind)
    rows = np.ones(len(strata), bool) if stratum is None else strata == stratum
    within = {"within": "protein"} if score == "auc_within" else {}
    metric = ranking("y", score, **within)
    tally = Tally.of(metric, solution, predictions, Cells.of(cluster, stratum=strata))
    labels = {} if stratum is None else {"stratum": stratum}
    found = tally.estimate(score, **labels)
    groups = np.unique(cluster[rows])
    exact = np.array(
        [
            metric.score(*(some(t, rows & (cluster != g)) for t in (solution, predictions)))[score]
            for g in groups
        ]
    )
    return exact, (len(groups) - 1) * (exact.mean() - exact), found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("score", ["auc", "average_precision", "auc_within"])
def test_leaving_groups_out_is_within_a_thousandth(kind, score):
    exact, influence, found = left_out(score, 1, kind)
    moved = (influence - found.influence) / (len(exact) - 1)
    assert np.abs(moved).max() < 1e-3
    se = np.sqrt((influence**2).sum() / (len(exact) * (len(exact) - 1)))
    assert found.se == pytest.approx(se, rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_leaving_groups_of_a_stratum_out_is_within_a_thousandth(kind):
    exact, influence, found = left_out("auc", 2, kind, "new_both")
    assert np.abs((influence - found.influence) / (len(exact) - 1)).max() < 1e-3


def test_few_different_predictions_leave_nothing_to_bins():
    _, influence, found = left_out("average_precision", 3, "rounded")
    assert found.influence == pytest.approx(influence, abs=1e-6)


def test_chunks_give_the_same_bytes(monkeypatch):
    solution, predictions, cluster, stratum = case(4)

    def card():
        tally = Tally.of(METRIC, solution, predictions, Cells.of(cluster, stratum=stratum))
        return tally.sums.toarray().tobytes(), tally.estimate("auc").scores

    whole = card()
    monkeypatch.setattr(stats, "ROWS", 77)
    assert card() == whole


def test_many_groups_have_more_than_the_few_buckets_of_a_metric_that_is_no_sum():
    solution, predictions, *_ = case(5)
    tally = Tally.of(ranking("y", "auc"), solution, predictions, Cells.of(np.arange(4000)))
    assert tally.estimate("auc").groups == 4000


def test_one_class_or_groups_without_both_are_chance():
    metric = ranking("y", "auc", "auc_within", within="protein")
    protein = np.array(["a", "a", "b", "b"], dtype=object)
    solution = {"y": np.array([1.0, 1, 0, 0]), "protein": protein}
    predictions = {"y": np.array([0.1, 0.2, 0.3, 0.4])}
    assert metric.score(solution, predictions) == {"auc": 0.0, "auc_within": 0.5}
    tally = Tally.of(metric, solution, predictions, Cells.of(np.array([0, 0, 1, 1])))
    assert tally.estimate("auc").influence.tolist() == [0.0, 0.0]


def test_rows_of_different_models_are_not_ranked_together():
    """A constant a fold ranks nothing, however the folds' constants differ; groups may recur."""
    rng = np.random.default_rng(6)
    fold, group = np.repeat([0, 1, 2], 80), np.concatenate([rng.permutation(80) % 20] * 3)
    truth = (rng.random(240) < np.array([0.2, 0.5, 0.8])[fold]).astype(float)
    metric = ranking("y", "auc")
    assert not metric.pooled
    assert not joined(metric, probabilities("y", "brier")).pooled

    def estimate(said, rows=slice(None)):
        cells = Cells.of(group[rows], fold=fold[rows])
        tables = {"y": truth[rows]}, {"y": said[rows]}
        return Tally.of(metric, *tables, cells, "fold").estimate("auc")

    constants = np.array([0.8, 0.5, 0.2])[fold]
    assert estimate(constants).scores["auc"] == 0.5
    assert metric.score({"y": truth}, {"y": constants})["auc"] < 0.4
    said = truth + 2 * rng.normal(size=240)
    parts = [
        metric.score({"y": truth[r]}, {"y": said[r]})["auc"] for r in map(fold.__eq__, range(3))
    ]
    whole = estimate(said)
    assert whole.scores["auc"] == pytest.approx(np.mean(parts))
    assert (whole.rows, whole.groups) == (240, 20)
    left = np.array([estimate(said, group != g).scores["auc"] for g in range(20)])
    assert whole.influence == pytest.approx(19 * (left.mean() - left), abs=0.02)
