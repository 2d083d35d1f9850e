"""Model files: shipped or one's own, loaded by the same contract."""

import pytest

from podium.competition import model_file as model
from podium.errors import ModelError, PodiumError, UnknownNameError
from podium.scratch import file_sha256

GOOD = """
import pandas as pd
DEFAULTS = {"shift": 0.0}
def build(params, seed):
    return Zero(params)
def space(trial):
    return {}
class Zero:
    def __init__(self, params): self.params = params
    def fit(self, train, report=None): pass
    def predict(self, part):
        return pd.DataFrame({"id": part.ids, "y": self.params["shift"]})
"""


def write(workspace, text, name="mine.py"):
    (workspace / name).write_text(text)
    return name


def test_a_shipped_model_and_a_file_are_alike(toy, workspace):
    shipped, own = model.load(toy, "line"), model.load(toy, write(workspace, GOOD))
    assert (shipped.name, shipped.shipped) == ("line", True)
    assert (own.name, own.shipped) == ("mine", False)
    assert own.params == {"shift": 0.0}
    assert own.sha256 != shipped.sha256


def test_the_nearest_name_is_suggested(toy):
    with pytest.raises(UnknownNameError, match="Did you mean 'line'"):
        model.load(toy, "lines")
    with pytest.raises(ModelError, match="no model file"):
        model.load(toy, "nowhere.py")


@pytest.mark.parametrize("part", ["DEFAULTS", "build", "space"])
def test_what_is_missing_is_named(part, toy, workspace):
    name = write(workspace, GOOD.replace(part, "other"))
    with pytest.raises(ModelError, match=rf"{part}.* is missing"):
        model.load(toy, name)


def test_errors_show_the_lines_of_the_users_file(toy, workspace):
    with pytest.raises(ModelError, match="line 2: invalid syntax"):
        model.load(toy, write(workspace, "import os\nx = = 1\n", "a.py"))
    with pytest.raises(ModelError, match=r"line 1: import no_such_thing"):
        model.load(toy, write(workspace, "import no_such_thing\n", "b.py"))
    file = model.load(toy, write(workspace, GOOD.replace("return Zero(params)", "1 / 0"), "c.py"))
    with pytest.raises(ModelError, match="ZeroDivisionError") as error:
        file.build(0)
    assert error.value.problems == ("c.py, line 5 in build: 1 / 0",)


def test_parameters(toy):
    file = model.load(toy, "line")
    assert file.with_params({"jitter": 1}).params == {"slope": True, "jitter": 1}
    with pytest.raises(UnknownNameError, match="Did you mean 'jitter'"):
        file.with_params({"jiter": 1})
    with pytest.raises(ModelError, match="jitter of line is a number, as in") as error:
        file.with_params({"jitter": "big", "slope": 3})
    assert len(error.value.problems) == 2


def test_settings_are_json_where_they_can_be():
    found = model.parse_settings(["a=1", "b=0.5", "c=true", "d=None", "e=l1", 'f=["x"]', "g=a=b"])
    assert found == {"a": 1, "b": 0.5, "c": True, "d": None, "e": "l1", "f": ["x"], "g": "a=b"}
    with pytest.raises(PodiumError, match="sets no parameter"):
        model.parse_settings(["rounds"])


def test_a_file_must_be_what_another_process_has_looked_at(toy, workspace):
    seen = model.load(toy, write(workspace, GOOD)).sha256
    assert model.load(toy, "mine.py", sha256=seen).sha256 == seen
    write(workspace, "raise SystemExit('this must not run')")
    with pytest.raises(ModelError, match=r"mine\.py has changed since this began"):
        model.load(toy, "mine.py", sha256=seen)


def test_a_shipped_model_is_what_this_process_loaded(toy, workspace, monkeypatch, capsys):
    before = model.load(toy, "constant").sha256
    edited = workspace / "models" / "constant.py"
    edited.parent.mkdir()
    edited.write_text((toy.folder / "models/constant.py").read_text() + "\n# edited\n")
    monkeypatch.setattr(type(toy), "folder", workspace)
    found = model.load(toy, "constant")
    assert found.sha256 == before
    found.note_change()
    assert "constant.py has changed since it was loaded" in capsys.readouterr().err
    with pytest.raises(ModelError, match="has changed since this began"):
        model.load(toy, "constant", sha256=file_sha256(edited))
