"""What models share: controls, boosted trees, and a package that loads nothing early."""

import subprocess
import sys
from types import SimpleNamespace

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from podium.competition import Part, Score, Target
from podium.learning import BAGGING, BestConstant, ConstantValue, TableTrees, boost
from podium.metrics import labels, probabilities, regression

PARAMS = {"rounds": 30, "learning_rate": 0.1, "components": 2, "num_threads": 1}


def part(**targets):
    """300 rows with a number, a category and a text, as train."""
    rng = np.random.default_rng(0)
    features = pd.DataFrame({"id": [f"r{n}" for n in range(300)], "x": rng.normal(size=300)})
    features["kind"] = np.where(features["x"] > 0, "up", "down")
    features["words"] = [" ".join(rng.choice(["a", "b", "c"], 5)) for _ in range(300)]
    return Part(
        name="train",
        ids=pd.Index(features["id"]),
        features=features.drop(columns="id"),
        targets=pd.DataFrame(targets),
    )


X = part().features["x"]


def competition(metric, name, *targets):
    return SimpleNamespace(
        metric=metric, primary=Score(name=name, title=name), targets=tuple(targets), metric_by=()
    )


@pytest.mark.slow
def test_the_package_loads_a_library_when_a_name_needs_it():
    code = (
        "import sys, podium.learning as shared\n"
        "heavy = {'torch', 'lightgbm', 'sklearn', 'pandas'}\n"
        "assert not heavy & set(sys.modules)\n"
        "shared.ConstantValue\n"
        "assert heavy & set(sys.modules) == {'pandas'}\n"
        "shared.boost\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_constant_is_the_mean_unless_it_is_given():
    train = part(y=np.arange(300.0))
    for value, expected in ((None, 149.5), (3.0, 3.0)):
        model = ConstantValue("y", value)
        model.fit(train)
        assert set(model.predict(train)["y"]) == {expected}


@pytest.mark.parametrize(
    ("metric", "name", "answers", "expected"),
    [
        (regression("y", "mae"), "mae", [0.0, 0.0, 9.0] * 100, 0.0),
        (labels("y", "accuracy"), "accuracy", ["a", "b", "b"] * 100, "b"),
        (probabilities("y", "log_loss"), "log_loss", [0.0, 0.0, 0.0, 1.0] * 75, 0.25),
    ],
)
def test_the_best_constant_is_what_the_metric_likes_best(metric, name, answers, expected):
    target = Target(name="y", label=isinstance(expected, str))
    facts = competition(metric, name, target)
    if name != "accuracy":
        facts.primary = Score(name=name, title=name, higher_is_better=False)
    model, train = BestConstant(facts), part(y=answers)
    model.fit(train)
    assert set(model.predict(train)["y"]) == {expected}


@pytest.mark.parametrize("objective", ["l1", "l2", "log_l2", "binary", "labels", "rare_labels"])
def test_trees_learn_a_table_whatever_is_asked(objective):
    label = "labels" in objective
    answers = np.where(X > 0, "b", "a") if label else (X > 0).astype(float)
    model = TableTrees([Target(name="y", label=label)], PARAMS, 0, objective=objective)
    train = part(y=answers)
    model.fit(train)
    said = model.predict(train)["y"]
    hits = (said == answers) if label else ((said > 0.5) == (answers > 0.5))
    assert hits.mean() > 0.99


def test_trees_give_probabilities_that_add_up_to_one():
    targets = {"y_a": (X > 0).astype(float), "y_b": (X <= 0).astype(float)}
    model = TableTrees([Target(name=n) for n in targets], PARAMS, 0, objective="multiclass")
    train = part(**targets)
    model.fit(train)
    said = model.predict(train)
    np.testing.assert_allclose(said["y_a"] + said["y_b"], 1.0)
    assert ((said["y_a"] > 0.5) == (X > 0)).mean() > 0.99


def test_boosting_reports_every_so_many_rounds_and_a_seed_gives_the_same_trees():
    told, predicted = [], []
    for report in (None, lambda step, value, **_: told.append((step, value))):
        data = lgb.Dataset(X.to_frame(), label=X)
        params = {**PARAMS, "own_thing": 1}
        own = ("own_thing", "components")
        trees = boost(data, params, own=own, seed=1, report=report, every=10, objective="l2")
        predicted.append(trees.predict(X.to_frame()))
    assert [step for step, _ in told] == [10, 20, 30]
    assert told[0][1] > told[-1][1]
    assert (predicted[0] == predicted[1]).all()


def test_several_targets_have_trees_and_a_constant_each():
    targets = [Target(name="y"), Target(name="z", label=True)]
    train = part(y=X * 2, z=np.where(X > 0, "b", "a"))
    facts = competition(regression("y", "mae"), "mae", targets[0])
    facts.targets = targets
    model = BestConstant(facts)
    model.fit(train)
    assert set(model.predict(train)["z"]) <= {"a", "b"}
    trees = TableTrees(targets[:1] * 2, {"rounds": 5, "components": 4}, 0, objective="l2")
    assert len(trees.answers) == 2
    top = TableTrees(targets[1:], {"rounds": 5, "components": 4}, 0, objective="top_2")
    top.fit(train)
    said = top.predict(train)["z"].str.split(" ")
    assert {tuple(sorted(one)) for one in said} == {("a", "b")}
    assert (said.str[0] == train.targets["z"]).mean() > 0.8


@pytest.mark.parametrize("params", [{}, BAGGING])
def test_one_row_and_a_part_of_a_dataset_train(params):
    one = lgb.Dataset(np.zeros((1, 2)), [3.0], params={"min_data_in_leaf": 1})
    given = {"rounds": 2, "num_threads": 1, **params}
    assert boost(one, given, own=(), seed=0, **BAGGING).predict(np.zeros((1, 2))) == [3.0]
    table = np.arange(200.0).reshape(100, 2)
    some = lgb.Dataset(table, table[:, 0], free_raw_data=False).construct().subset(range(80))
    assert boost(some, given, own=(), seed=0, **BAGGING).num_trees() == 2
