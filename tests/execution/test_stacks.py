"""A stack takes what its members predicted out of fold, where that is kept."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import podium
import podium.competitions
from podium.competition import folders
from podium.errors import ModelError
from podium.execution import out_of_fold
from podium.learning import Ensemble

TOY = Path(__file__).parents[1] / "toy"
MEMBER = """
import os
import numpy as np
import pandas as pd
from podium.competition import Parameter

PARAMETERS = {"slope": Parameter(1.0, "of the line")}

class Line:
    def __init__(self, slope):
        self.slope = slope

    def fit(self, train, report=None):
        self.offset = int.from_bytes(os.urandom(4), "little") / 2**32  # each training is another

    def predict(self, part):
        return pd.DataFrame({"id": part.ids, "y": self.offset + self.slope * part.features["x"]})

def build(params, seed):
    return Line(**params)
"""
STACK = """
import pandas as pd
from podium.competition import Parameter
from podium.learning import Ensemble

PARAMETERS = {"members": Parameter({"one": {}, "two": {"slope": 2.0}}, "models")}

class Mean:
    def __init__(self, members, seed):
        self.members = Ensemble(members, seed, beside=__name__, target="y")

    def fit(self, train, report=None):
        self.offset = self.members.out_of_fold(train, report).mean()
        self.members.fit(train)

    def predict(self, part):
        said = self.members.predict(part).mean(axis=1)
        return pd.DataFrame({"id": part.ids, "y": said + 0 * self.offset})

def build(params, seed):
    return Mean(params["members"], seed)
"""


@pytest.fixture
def stack(workspace, monkeypatch):
    """A competition with a stack of two members, no training of which is like another."""
    folder = workspace / "competitions" / "stacked"
    shutil.copytree(TOY, folder)
    for name, text in {"one": MEMBER, "two": MEMBER, "stack": STACK}.items():
        (folder / "models" / f"{name}.py").write_text(text)
    file = folder / "competition.py"
    file.write_text(file.read_text().replace('name="toy"', 'name="stacked"'))
    monkeypatch.setattr(podium.competitions, "__path__", [str(folder.parent)])
    yield podium.prepare("stacked")
    folders.forget("stacked")


def both_kept():
    one = podium.cross_validate("stacked", "one").predictions
    two = podium.cross_validate("stacked", "two", params={"slope": 2.0}).predictions
    return (one["y"] + two["y"]) / 2


def test_a_cross_validation_takes_what_is_kept_of_the_same_members_alone(stack):
    kept = both_kept()
    validation = podium.cross_validate("stacked", "stack")
    assert validation.members == ("one", "two")
    np.testing.assert_array_equal(validation.predictions["y"], kept)
    changed = {"members": {"one": {"slope": 3.0}}}
    for other in ({"seed": 1}, {"params": changed}, {"by": "group"}):
        assert podium.cross_validate("stacked", "stack", **other).members == ()
    (stack.competition.folder / "models" / "helper.py").write_text("VALUE = 1")
    assert podium.cross_validate("stacked", "stack").members == ()


def test_an_edit_beside_models_is_seen_in_the_same_process(stack):
    helper = stack.competition.folder / "models" / "helper.py"
    names = []
    for text in ("VALUE = 1", "VALUE = 20", "VALUE = 1"):
        helper.write_text(text)
        names.append(out_of_fold.place(stack, model_sha256="", params={}, seed=0).name)
    assert names[0] == names[2] != names[1]


def test_broken_predictions_of_a_member_are_none(stack):
    both_kept()
    for file in out_of_fold.folder(stack).glob("*.parquet"):
        file.write_bytes(b"broken")
    assert podium.cross_validate("stacked", "stack").members == ()


def test_one_model_may_be_two_members(stack):
    one = podium.cross_validate("stacked", "one").predictions
    steep = podium.cross_validate("stacked", "one", params={"slope": 2.0}).predictions
    members = {"one": {}, "one:steep": {"slope": 2.0}}
    validation = podium.cross_validate("stacked", "stack", params={"members": members})
    assert validation.members == ("one", "one:steep")
    np.testing.assert_array_equal(validation.predictions["y"], (one["y"] + steep["y"]) / 2)


def test_without_kept_ones_members_train_and_the_commands_are_said(stack, podium_cli):
    podium.cross_validate("stacked", "one")
    done = podium_cli("cv", "stacked", "stack")
    assert "podium cv stacked two --dataset demo --set slope=2.0" in done.err
    assert "podium cv stacked one" not in done.err
    assert "kept predictions" not in done.out


@pytest.fixture
def ensemble(stack):
    stack.competition.module("models.stack")
    members = {"one": {}, "two": {"slope": 2.0}}
    return Ensemble(members, 0, beside="podium.competitions.stacked.models.stack", target="y")


def kept(ids):
    return pd.DataFrame({"y": np.arange(float(len(ids)))}, index=ids)


def test_kept_predictions_of_train_rows_give_weights_and_members_train_for_others(stack, ensemble):
    train, test = stack.train(), stack.part("test")
    with_kept = replace(train, members=dict.fromkeys(ensemble.members, kept(train.ids)))
    np.testing.assert_array_equal(
        ensemble.out_of_fold(with_kept), np.repeat(np.arange(float(len(train))), 2).reshape(-1, 2)
    )
    ensemble.fit(with_kept)
    x = test.features["x"].to_numpy()
    offsets = ensemble.predict(test) - np.column_stack([x, 2 * x])
    np.testing.assert_allclose(offsets, np.tile(offsets[0], (len(test), 1)))


def test_rows_that_a_fold_holds_out_are_looked_up_in_their_order(stack, ensemble):
    train = stack.train()
    held = train.folds == 0
    tables = dict.fromkeys(ensemble.members, kept(train.ids))
    ensemble.fit(replace(train.take(~held), members=tables))
    backwards = np.flatnonzero(held)[::-1]
    said = ensemble.predict(train.take(backwards).without_answers())
    np.testing.assert_array_equal(said[:, 1], backwards)


def test_rows_without_answers_or_folds_are_refused(stack, ensemble):
    with pytest.raises(ModelError, match="two folds or more"):
        ensemble.out_of_fold(stack.part("test"))
