"""A live object as a model: classes, objects, scikit-learn's estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import podium
from podium.errors import ModelError, PodiumError


class Line:
    """A straight line, as a notebook would have it."""

    def __init__(self, degree=1, seed=0):
        self.degree, self.seed = degree, seed

    def fit(self, train, report=None):
        self.line = np.polyfit(train.features["x"], train.targets["y"], self.degree)

    def predict(self, part):
        return pd.DataFrame({"id": part.ids, "y": np.polyval(self.line, part.features["x"])})


NUMBERS = make_column_transformer(("passthrough", ["x"]))


def record(submission):
    from podium.leaderboard.board import open_board

    return next(r for r in open_board().records() if r.submission == submission)


@pytest.mark.parametrize("model", [Line, Line(), "estimator"])
def test_live_objects_do_what_a_file_does(toy, model):
    if model == "estimator":
        model = make_pipeline(NUMBERS, LinearRegression())
    made = podium.run("toy", model)
    line = podium.run("toy", "line", team="bo")
    assert made.row.score == pytest.approx(line.row.score, rel=1e-6)
    assert "live object" in made.left_open[0]
    again = podium.run("toy", model)
    assert not again.new


def test_the_record_says_what_it_was(toy):
    ridge = make_pipeline(NUMBERS, StandardScaler(), Ridge(alpha=2.0))
    made = podium.run("toy", ridge, params={"ridge__alpha": 3})
    code = record(made.row.submission).provenance
    assert code["model_file"] == "Pipeline (a live object)"
    assert "Ridge(alpha=2.0)" in code["model_source"]
    assert code["params"]["ridge__alpha"] == 3
    assert made.row.name == "Pipeline ridge__alpha=3"
    assert "live object" in code["left_open"][0]
    source = record(podium.run("toy", Line, team="bo").row.submission).provenance["model_source"]
    assert "np.polyfit" in source


def test_an_estimator_follows_from_the_seed(toy):
    forest = RandomForestRegressor(n_estimators=3)
    first, same, other = (
        podium.run("toy", make_pipeline(NUMBERS, forest), seed=seed, submit=False)
        for seed in (0, 0, 1)
    )
    assert first.file == same.file
    assert first.file != other.file


def test_out_of_fold_as_a_file_does(toy):
    live = podium.cross_validate("toy", Line, seeds=2)
    file = podium.cross_validate("toy", "line", seeds=2)
    assert live.card.whole.scores["rmse"] == pytest.approx(file.card.whole.scores["rmse"], rel=1e-6)
    assert "live object" in live.left_open[0]


def test_labels_and_chances_come_from_classifiers(tmp_path):
    """An estimator of chances gives the second class's, where the target is a chance."""
    from sklearn.linear_model import LogisticRegression

    from podium.competition import Target
    from podium.execution.live import Estimator

    part = type("Part", (), {})()
    part.features = pd.DataFrame({"x": np.arange(10.0)})
    part.ids = pd.Index([str(n) for n in range(10)])
    part.targets = pd.DataFrame({"y": [0.0] * 5 + [1.0] * 5})
    part.__class__.__len__ = lambda self: 10
    competition = type("C", (), {"targets": (Target(name="y", low=0.0, high=1.0),), "name": "c"})()
    model = Estimator.of(competition, LogisticRegression(), {}, 0)
    model.fit(part)
    assert 0 < model.predict(part)["y"].iloc[4] < 1
    competition.targets = (Target(name="y", label=True),)
    assert set(model.predict(part)["y"]) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (3, "is no model: it has no fit and no predict"),
        (type("Half", (), {"fit": lambda self: 0}), "has no predict"),
        (type("Needs", (Line,), {"__init__": lambda self, a: None}), "cannot be built without a"),
    ],
)
def test_what_is_no_model(toy, model, words):
    with pytest.raises(ModelError, match=words):
        podium.run("toy", model)


def test_what_a_live_object_cannot(toy):
    with pytest.raises(PodiumError, match="without limits"):
        podium.run("toy", Line, limit_time=5)
    with pytest.raises(PodiumError, match="one training at a time"):
        podium.cross_validate("toy", Line, jobs=2)
    with pytest.raises(PodiumError, match="a model file"):
        podium.tune("toy", Line, trials=1)
    with pytest.raises(PodiumError, match="parameter of Line"):
        podium.run("toy", Line, params={"degre": 2})


def test_its_errors_name_it(toy):
    class Broken(Line):
        def fit(self, train, report=None):
            raise ValueError("no such luck")

    with pytest.raises(ModelError, match=r"Broken \(a live object\) failed in fit: .*no such luck"):
        podium.run("toy", Broken)


def test_text_in_the_table_is_named(toy):
    with pytest.raises(ModelError, match="could not convert") as refused:
        podium.run("toy", LinearRegression)
    assert "no numbers: kind" in refused.value.hint


def test_features_that_are_no_table(cache):
    podium.prepare("imputation")
    with pytest.raises(ModelError, match="no table of features"):
        podium.run("imputation", Ridge())


class Odd(Line):
    """Defaults that no record can hold as they are."""

    def __init__(self, ends=(1, float("inf")), kinds=frozenset("a"), size=len, degree=1):
        super().__init__(degree)
        assert isinstance(ends, tuple)
        assert isinstance(kinds, frozenset)
        assert size is len

    def fit(self, train):
        super().fit(train)


def test_a_class_gets_its_own_defaults_and_may_leave_the_report_out(toy):
    made = podium.run("toy", Odd)
    assert made.score == podium.run("toy", Line, team="bo").score
    assert podium.run("toy", Odd, params={"degree": 0}, submit=False).file != made.file


def test_an_estimator_takes_what_it_takes(toy):
    from sklearn.svm import SVR

    model = make_pipeline(NUMBERS, SVR())
    assert (
        podium.run("toy", model, params={"svr__gamma": 0.1}).row.name == "Pipeline svr__gamma=0.1"
    )


def test_it_trains_in_the_thread_of_whoever_calls(toy):
    import threading

    seen = []

    class Here(Line):
        def fit(self, train, report=None):
            seen.append(threading.current_thread())
            super().fit(train)

    podium.cross_validate("toy", Here)
    podium.run("toy", Here)
    assert set(seen) == {threading.current_thread()}


def test_a_class_is_known_by_its_source(toy, monkeypatch):
    """As of a notebook's cell; of another body it is another model, and so where none is found."""
    import linecache

    from podium.execution.live import model_of

    def defined(text, cell):
        lines = [line + "\n" for line in text.splitlines()]
        monkeypatch.setitem(linecache.cache, cell, (len(text), None, lines, cell))
        space = {"__name__": "__main__"}
        exec(compile(text, cell, "exec"), space)
        return model_of(toy, space["M"])

    text = "class M:\n    def fit(self, train): pass\n    def predict(self, part): return {}"
    first, same = defined(text, "<cell-1>"), defined(text, "<cell-1>")
    other = defined(text.replace("{}", "None"), "<cell-2>")
    assert first.description == text
    assert first.sha256 == same.sha256 != other.sha256
    monkeypatch.setattr(linecache, "getlines", lambda *_: [])
    assert defined(text, "<cell-3>").sha256 != defined(text, "<cell-3>").sha256


def test_functions_of_an_estimator_count(toy):
    from sklearn.preprocessing import FunctionTransformer

    from podium.execution.live import model_of

    def one(table):
        return table

    def two(table):
        return 2 * table

    of = [model_of(toy, make_pipeline(FunctionTransformer(f), Ridge())) for f in (one, one, two)]
    assert of[0].sha256 == of[1].sha256 != of[2].sha256
    assert " at 0x" not in of[0].description


def test_a_class_that_needs_more_is_told(toy):
    from sklearn.pipeline import Pipeline

    with pytest.raises(ModelError, match="cannot be built without parameters"):
        podium.run("toy", Pipeline)


def test_gaps_are_named_and_descriptions_last(toy):
    """What fits no gaps says where they are; no address of this process gets into a record."""
    from sklearn.preprocessing import FunctionTransformer

    from podium.execution.live import _encoded

    features = pd.DataFrame({"x": [1.0, None], "kind": ["a", "b"]})
    assert "missing values: x." in _encoded(features, "Input X contains NaN.")
    assert "no numbers: kind." in _encoded(features, "could not convert string to float: 'a'")
    assert not _encoded(features, "negative alpha")
    model = make_pipeline(NUMBERS, FunctionTransformer(lambda x: x), LinearRegression())
    code = record(podium.run("toy", model).row.submission).provenance
    assert "<lambda>" in code["model_source"]
    assert " at 0x" not in str(code)
