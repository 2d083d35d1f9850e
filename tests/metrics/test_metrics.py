"""Ready-made scores are those of scikit-learn and SciPy, whole and in parts; metrics of others."""

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn import metrics as sk

from podium.competition.metric import whole_metric
from podium.metrics import KNOWN, labels, probabilities, ranking, regression
from podium.metrics.stats import Cells, Tally

SEEDS = range(20)


def pairs(seed):
    """Truth and predictions of some size and place; some seeds are edge cases."""
    rng = np.random.default_rng(seed)
    rows = [2, 3, 50, 400][seed % 4]
    truth = rng.normal(loc=10.0 ** (seed % 5), size=rows)
    said = truth + rng.normal(size=rows)
    if seed == 7:
        truth[:] = 3.0
    return {"y": np.abs(truth)}, {"y": np.abs(said)}


@pytest.mark.parametrize("seed", SEEDS)
def test_regression_is_that_of_scikit_learn(seed):
    truth, said = pairs(seed)
    y, p = truth["y"], said["y"]
    expected = {
        "rmse": sk.root_mean_squared_error(y, p),
        "mae": sk.mean_absolute_error(y, p),
        "rmsle": sk.root_mean_squared_log_error(y, p),
        "r2": sk.r2_score(y, p),
        "pearson": 0.0 if len(set(y)) == 1 else scipy_stats.pearsonr(y, p).statistic,
    }
    assert regression("y", *expected).score(truth, said) == pytest.approx(expected, rel=1e-9)


def test_constant_sides_have_scores():
    same = {"y": np.full(5, 2.0)}
    other = {"y": np.arange(5.0)}
    metric = regression("y", "r2", "pearson")
    assert metric.score(same, same) == {"r2": 1.0, "pearson": 0.0}
    assert metric.score(same, other) == {"r2": 0.0, "pearson": 0.0}
    assert metric.score(other, same)["pearson"] == 0.0
    shifted = {"y": np.full(5, 1e9) + 0.1}
    assert metric.score(other, shifted)["pearson"] == 0.0


LABELS = ("accuracy", "balanced_accuracy", "f1_macro", "f1_micro", "f1_weighted", "mcc")


@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.parametrize("seed", SEEDS)
def test_labels_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    rows, classes = [1, 5, 60, 500][seed % 4], [2, 3, 12][seed % 3]
    y, p = rng.integers(classes, size=(2, rows)).astype(str).astype(object)
    if seed == 5:
        p[0] = "never seen"
    expected = {
        "accuracy": sk.accuracy_score(y, p),
        "balanced_accuracy": sk.recall_score(y, p, labels=np.unique(y), average="macro"),
        **{
            f"f1_{how}": sk.f1_score(y, p, average=how, zero_division=0)
            for how in ("macro", "micro", "weighted")
        },
        "mcc": sk.matthews_corrcoef(y, p),
        "f1": sk.f1_score(y, p, labels=["1"], average="macro", zero_division=0),
        "precision": sk.precision_score(y, p, labels=["1"], average="macro", zero_division=0),
        "recall": sk.recall_score(y, p, labels=["1"], average="macro", zero_division=0),
    }
    metric = labels("y", *expected, positive="1")
    assert metric.score({"y": y}, {"y": p}) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_probabilities_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=200)
    p = rng.uniform(size=200).round(seed % 3 + 1)  # with ties, and 0 and 1 themselves
    expected = {
        "log_loss": sk.log_loss(y, p),
        "brier": sk.brier_score_loss(y, p),
        "accuracy": sk.accuracy_score(y, p > 0.5),
    }
    metric = probabilities("y", *expected)
    assert metric.score({"y": 1.0 * y}, {"y": p}) == pytest.approx(expected, rel=1e-9)
    expected = {
        "auc": sk.roc_auc_score(y, p),
        "average_precision": sk.average_precision_score(y, p),
    }
    assert ranking("y", *expected).score({"y": 1.0 * y}, {"y": p}) == pytest.approx(expected)


@pytest.mark.parametrize("classes", [3, 5])
def test_probabilities_of_many_classes_are_those_of_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    y = np.append(np.arange(classes), rng.integers(classes, size=200))
    p = rng.dirichlet(np.ones(classes), size=len(y))
    names = tuple(f"y_{k}" for k in range(classes))
    truth = dict(zip(names, np.eye(classes)[y].T, strict=True))
    expected = {
        "log_loss": sk.log_loss(y, p),
        "brier": ((p - np.eye(classes)[y]) ** 2).sum(axis=1).mean(),
        "accuracy": sk.accuracy_score(y, p.argmax(axis=1)),
    }
    metric = probabilities(names, *expected)
    for scale in (1.0, 0.5):  # rows are divided by their sum
        said = dict(zip(names, scale * p.T, strict=True))
        assert metric.score(truth, said) == pytest.approx(expected, rel=1e-9)
    assert np.isfinite(
        list(metric.score(truth, {n: np.zeros(len(y)) for n in names}).values())
    ).all()


def test_one_class_alone_ranks_as_chance():
    one = {"y": np.ones(4)}
    assert ranking("y", "auc").score(one, one) == {"auc": 0.5}
    assert (
        ranking("y", "average_precision").score({"y": np.zeros(4)}, one)["average_precision"] == 0
    )


EVERY = {
    "regression": lambda name: (regression("y", name), pairs(3)),
    "labels": lambda name: (labels("y", name, positive="1"), coded(str)),
    "probabilities": lambda name: (probabilities("y", name), coded(float)),
    "ranking": lambda name: (ranking("y", name), coded(float)),
}


def coded(kind):
    rng = np.random.default_rng(1)
    y = rng.integers(2, size=400)
    if kind is str:
        return {"y": y.astype(str).astype(object)}, {"y": y[::-1].astype(str).astype(object)}
    return {"y": y.astype(float)}, {"y": rng.uniform(size=400)}


@pytest.mark.parametrize("name", KNOWN)
def test_jackknife_by_cells_is_leaving_groups_out_for_real(name):
    metric, (truth, said) = EVERY[KNOWN[name].family](name)
    group = np.arange(len(truth["y"])) % 8
    part = np.where(np.arange(len(group)) % 3, "public", "private").astype(object)
    card = Tally.of(metric, truth, said, Cells.of(group, part=part)).card(name, [], part="public")
    public = part == "public"

    def score(rows):
        return metric.score({"y": truth["y"][rows]}, {"y": said["y"][rows]})[name]

    assert card.whole.scores[name] == pytest.approx(score(public), rel=1e-9)
    left = np.array([score(public & (group != g)) for g in range(8)])
    assert card.whole.influence == pytest.approx(7 * (left.mean() - left), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", KNOWN)
def test_answers_are_perfect(name):
    metric, (truth, _) = EVERY[KNOWN[name].family](name)
    assert metric.score(truth, truth)[name] == pytest.approx(KNOWN[name].perfect, abs=1e-12)
    assert KNOWN[name].beside == () or set(KNOWN[name].beside) <= set(KNOWN)


def test_a_metric_that_is_no_sum_takes_few_buckets():
    rng = np.random.default_rng(0)
    metric = whole_metric(lambda truth, said: {"median": float(np.median(said["y"] - truth["y"]))})
    truth, said = {"y": rng.normal(size=3000)}, {"y": rng.normal(size=3000)}
    card = Tally.of(metric, truth, said, Cells.of(np.arange(3000))).card("median", [])
    assert card.whole.groups == 64
    assert card.whole.rows == 3000
    assert card.whole.scores["median"] == np.median(said["y"] - truth["y"])


def test_strange_labels_are_bounded():
    truth = np.array(["a", "b"] * 500, dtype=object)
    said = np.array([f"strange {row}" for row in range(1000)], dtype=object)
    metric = labels("y", "f1_macro")
    layout = metric.layout({"y": truth}, {"y": said})
    assert metric.statistics({"y": truth}, {"y": said}, layout).shape == (1000, 3 * 23)
    assert metric.score({"y": truth}, {"y": said}) == {"f1_macro": 0.0}
