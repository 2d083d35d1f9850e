"""Ready-made scores are those of scikit-learn and SciPy, whole and in parts; metrics of others."""

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn import metrics as sk

from podium import metrics
from podium.competition.metric import whole_metric
from podium.errors import PodiumError
from podium.metrics import KNOWN, labels, probabilities, ranking, regression
from podium.metrics.labels import _ratio
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
    "ranked": lambda name: (metrics.ranked("y", name), coded(str)),
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


def test_scores_by_columns_are_averaged_and_rows_weighted():
    from sklearn.metrics import f1_score, log_loss, mean_squared_error, r2_score

    rng = np.random.default_rng(3)
    truth = {"a": rng.normal(size=40), "b": rng.normal(size=40), "w": rng.uniform(0.1, 3, 40)}
    said = {name: truth[name] + rng.normal(size=40) for name in ("a", "b")}
    each = [metrics.regression(name, "rmse", "r2") for name in ("a", "b")]
    sides = [np.column_stack([side["a"], side["b"]]) for side in (truth, said)]
    plain = metrics.averaged(*each).score(truth, said)
    rmse = np.sqrt(mean_squared_error(*sides, multioutput="raw_values"))
    assert plain["rmse"] == pytest.approx(rmse.mean())
    assert plain["r2"] == pytest.approx(r2_score(*sides))
    counted = metrics.weighted(metrics.averaged(*each), by="w").score(truth, said)
    weights = {"sample_weight": truth["w"]}
    rmse = np.sqrt(mean_squared_error(*sides, multioutput="raw_values", **weights))
    assert counted["rmse"] == pytest.approx(rmse.mean())
    assert counted["r2"] == pytest.approx(r2_score(*sides, **weights))
    labels = {"y": rng.choice(["u", "v"], 40).astype(object), "w": truth["w"] / 1000}
    guesses = {"y": rng.choice(["u", "v"], 40).astype(object)}
    f1 = metrics.weighted(metrics.labels("y", "f1_macro"), by="w").score(labels, guesses)
    expected = f1_score(labels["y"], guesses["y"], average="macro", **weights)
    assert f1["f1_macro"] == pytest.approx(expected)
    yes = {"p": (labels["y"] == "u").astype(float), "w": truth["w"]}
    chance = {"p": rng.uniform(0.1, 0.9, 40)}
    loss = metrics.weighted(metrics.probabilities("p", "log_loss"), by="w").score(yes, chance)
    assert loss["log_loss"] == pytest.approx(log_loss(yes["p"], chance["p"], **weights))
    with pytest.raises(ValueError, match="sum over rows"):
        metrics.weighted(metrics.ranking("p", "auc"), by="w")


def test_quadratic_weighted_kappa():
    from sklearn.metrics import accuracy_score, cohen_kappa_score

    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 5, 60), rng.integers(0, 5, 60)
    b[:30] = a[:30]
    sides = [{"y": side.astype(str).astype(object)} for side in (a, b)]
    found = metrics.labels("y", "qwk", "accuracy").score(*sides)
    assert found["qwk"] == pytest.approx(cohen_kappa_score(a, b, weights="quadratic"))
    assert found["accuracy"] == pytest.approx(accuracy_score(a, b))
    with pytest.raises(PodiumError, match="whole numbers"):
        metrics.labels("y", "qwk").score(sides[0], {"y": np.full(60, "x", dtype=object)})


@pytest.mark.parametrize("text", ["nan", "inf", "1e400"])
def test_quadratic_weighted_kappa_takes_finite_numbers_alone(text):
    true = {"y": np.array(["1", "2", "3"], dtype=object)}
    with pytest.raises(PodiumError, match="whole numbers"):
        metrics.labels("y", "qwk").score(true, {"y": np.full(3, text, dtype=object)})


def test_a_ratio_of_what_is_no_number_is_none():
    assert np.isnan(_ratio(np.array(1.0), np.array(np.nan)))
    assert _ratio(np.array(1.0), np.array(0.0)) == 0


def test_mean_average_precision():
    truth = {"y": np.array(["a", "b", "c d", "e"], dtype=object)}
    said = {"y": np.array(["a b", "x b", "d x c", ""], dtype=object)}
    found = metrics.ranked("y", "map@1", "map@3").score(truth, said)
    assert found["map@3"] == pytest.approx((1 + 1 / 2 + (1 + 2 / 3) / 2 + 0) / 4)
    assert found["map@1"] == pytest.approx((1 + 0 + 1 + 0) / 4)
