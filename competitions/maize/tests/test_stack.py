"""`stack`: weights from unseen rows, members that fail, odd parts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from podium.competitions.maize.metric import TARGET
from podium.competitions.maize.models import stack

from podium import api
from podium.competition import defaults, model_file
from podium.data import dataset
from podium.errors import ModelError
from podium.execution import out_of_fold
from podium.learning import Ensemble

QUICK = {**defaults(stack.PARAMETERS), **stack.QUICK}


@pytest.fixture(scope="module")
def train():
    rows = np.arange(0, 4000, 8)
    return api.prepare("maize", "demo").train().take(rows)


def test_weights_are_those_of_the_truth():
    rng = np.random.default_rng(0)
    members = rng.normal([1.0, 5.0, -2.0], size=(2000, 3))
    answers = members @ [0.7, 0.3, 0.0] + 4 + 0.01 * rng.normal(size=2000)
    weights, offset = stack.weigh(members, answers)
    np.testing.assert_allclose(weights, [0.7, 0.3, 0.0], atol=0.01)
    assert offset == pytest.approx(4, abs=0.05)


def test_no_weight_is_negative():
    rng = np.random.default_rng(0)
    members = rng.normal(size=(500, 2))
    weights, _ = stack.weigh(members, members @ [1.0, -1.0])
    assert weights[0] > 0.5
    assert weights[1] == 0


def test_each_fold_is_predicted_by_models_that_have_not_seen_it(train, monkeypatch):
    seen = []

    def trained(self, part, *further):
        seen.append(set(part.folds.tolist()))
        return original(self, part, *further)

    original = Ensemble._trained
    monkeypatch.setattr(Ensemble, "_trained", trained)
    model = stack.build(QUICK, 0)
    model.fit(train)
    folds = set(train.folds.tolist())
    others = [folds - {fold} for fold in sorted(folds)]
    assert seen == [others[0], others[0], *others, folds]


def test_the_team_that_tells_more_of_the_first_fold_is_taken(train):
    worse, better = {"constant": {}}, {"kmer_ridge": {"alphas": [1000.0]}, "gc": {}}
    for members, instead in (worse, better), (better, worse), (better, {}):
        model = stack.build({**QUICK, "members": members, "instead": instead}, 0)
        model.fit(train)
        assert model.members.members == better
        assert len(model.weights) == 2


def test_kept_predictions_are_taken_if_both_teams_have_them(train, monkeypatch):
    answers = train.targets[TARGET]
    said = {"gc": answers, "kmer_ridge": -answers}
    kept = {name: pd.DataFrame({TARGET: v.to_numpy()}, train.ids) for name, v in said.items()}
    monkeypatch.setattr(Ensemble, "_trained", lambda *_: pytest.fail("nothing is to be trained"))
    known = replace(train, members=kept)
    one = {**QUICK, "members": {"gc": {}}, "instead": {"kmer_ridge": {}}}
    model = stack.build(one, 0)
    model.fit(known.take(train.folds != 0))
    assert model.members.members == {"gc": {}}
    np.testing.assert_allclose(model.weights, [1.0])
    with pytest.raises(pytest.fail.Exception, match="nothing is to be trained"):
        stack.build(one, 0).fit(replace(train, members={"gc": kept["gc"]}))


def test_predictions_of_both_teams_are_asked_for():
    data = dataset.load(*api.load("maize", "demo"))
    file = model_file.find(data.competition, "stack")
    both = {**file.params["members"], **file.params["instead"]}
    assert out_of_fold.of_members(data, file, {}, 0).keys() == both.keys()
    unclear = {"members": {"gc": {}}, "instead": {"gc": {}, "kmer_ridge": {}}}
    assert out_of_fold.of_members(data, file, unclear, 0).keys() == {"gc", "kmer_ridge"}
    unclear["instead"] = {"kmer_ridge": {}, "gc": {}}
    unclear["members"] = {"kmer_ridge": {"alphas": [7.0]}}
    assert out_of_fold.of_members(data, file, unclear, 0) == {}


def test_it_repeats(train):
    test = train.without_answers()
    first, again = (stack.build(QUICK, 0) for _ in range(2))
    first.fit(train)
    again.fit(train)
    assert first.predict(test).equals(again.predict(test))
    assert (first.weights >= 0).all()


def test_one_fold_leaves_the_mean(train):
    one = train.take(train.folds == train.folds[0])
    model = stack.build({**QUICK, "members": {"gc": {}, "constant": {}}}, 0)
    model.fit(one)
    np.testing.assert_array_equal(model.weights, [0.5, 0.5])
    assert len(model.predict(one.take(np.arange(1)).without_answers())) == 1


def test_unknown_members_are_refused():
    with pytest.raises(ModelError, match="wavenet"):
        stack.build({**QUICK, "members": {"wavenet": {}}}, 0)
    with pytest.raises(ModelError, match="nothing"):
        stack.build({**QUICK, "members": {}}, 0)
