"""A metric's version is what it scores: golden scores hold it, bytes do not."""

import hashlib
import json
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_new import organiser, place  # noqa: F401  a fixture

import podium
from podium.competition import folders as competition
from podium.competition import version
from podium.competition.contract import Score, Target
from podium.creating import facts
from podium.data import dataset as data
from podium.errors import PodiumError
from podium.scoring import golden
from podium.verifying import checks
from podium.verifying.under_test import DatasetUnderTest

HELPED = """
from podium.competitions.mine.helper import SCALE
from podium.competition.metric import Metric
from podium.metrics import regression

plain = regression("value", "rmse", "mae", "r2")
metric = Metric(
    statistics=plain.statistics,
    finish=lambda sums, layout: {k: SCALE * v for k, v in plain.finish(sums, layout).items()},
    layout=plain.layout,
)
"""


@pytest.fixture
def mine(place, own_cache):  # noqa: F811
    """A competition as `podium new` makes it, and a file to hand in."""
    podium.new("mine", table="value.csv", target="value", metric="rmse")
    sample = data.load(*podium.load("mine")).folder / "public" / data.SAMPLE
    (place / "one.csv").write_bytes(sample.read_bytes())
    pd.read_csv(sample).assign(value=0.5).to_csv(place / "two.csv", index=False)
    return place / "competitions" / "mine"


@pytest.fixture
def helped(mine):
    """The same with a metric that imports a helper."""
    (mine / "helper.py").write_text("SCALE = 1.0\n")
    (mine / "metric.py").write_text(HELPED)
    facts.forget(competition.load("mine"))
    return mine


def rewrite(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    facts.forget(competition.load("mine"))


def doubled(monkeypatch):
    """As if RMSE in `podium.metrics` had another definition."""
    formulas = import_module("podium.metrics.regression")._FINISH
    rmse = formulas["rmse"]
    monkeypatch.setitem(formulas, "rmse", lambda of: 2 * rmse(of))


def ranked():
    return {row.name: row.score for row in podium.board("mine") if row.rank}


def test_a_new_competition_has_golden_scores(mine):
    known = json.loads((mine / "golden.json").read_text())
    assert known["metric"] == 1
    assert list(known["scores"]) == ["table"]
    assert list(known["scores"]["table"]) == ["slight", "strong", "level", "ends"]
    assert known["agrees"] == [version.file_sha256(mine / "metric.py")]


@pytest.mark.slow
def test_a_metric_of_podium_that_changed_is_an_error_until_it_has_a_version(
    mine, monkeypatch, podium_cli
):
    first = podium.submit("mine", "one.csv", name="first")
    doubled(monkeypatch)
    done = podium_cli("submit", "mine", "two.csv")
    assert (done.status, ranked()) == (1, {"first": first.row.score})
    assert "other scores than its version 1" in done.err
    assert "rmse of its slight predictions:" in done.err
    assert "podium freeze mine" in done.err
    frozen = podium_cli("freeze", "mine")
    assert (frozen.status, frozen.err) == (0, "")
    assert "metric version 1 -> 2" in frozen.out
    assert "1 submission is outdated" in frozen.out
    assert "podium rescore mine --dataset table" in frozen.out
    assert competition.load("mine").metric_version == 2
    assert ranked() == {}
    assert [one.status for one in podium.rescore("mine")] == ["scored"]
    assert ranked() == {"first": pytest.approx(2 * first.row.score)}
    assert podium.submit("mine", "two.csv").new


def test_a_changed_constant_of_a_helper_is_an_error(helped):
    podium.submit("mine", "one.csv", name="first")
    rewrite(helped / "helper.py", "1.0", "1.25")
    with pytest.raises(PodiumError, match="other scores than its version 1"):
        podium.submit("mine", "two.csv")
    rewrite(helped / "helper.py", "1.25", "1.0  # as it was")
    podium.submit("mine", "two.csv", name="second")
    assert set(ranked()) == {"first", "second"}


def test_a_comment_changes_nothing(helped):
    podium.submit("mine", "one.csv", name="first")
    rewrite(helped / "metric.py", "plain =", "# a remark\nplain =")
    rewrite(helped / "helper.py", "SCALE", "# another\nSCALE")
    podium.submit("mine", "two.csv", name="second")
    assert set(ranked()) == {"first", "second"}
    assert podium.rescore("mine") == []
    frozen = podium.freeze("mine")
    assert (frozen.metric_version, frozen.versions, frozen.outdated) == (1, {}, {})
    agrees = json.loads((helped / "golden.json").read_text())["agrees"]
    assert version.file_sha256(helped / "metric.py") in agrees
    assert podium.freeze("mine").changes == ()


def test_a_version_without_its_golden_scores_is_an_error(mine):
    podium.submit("mine", "one.csv", name="first")
    rewrite(mine / "competition.py", '    title="Mine"', '    metric_version=3,\n    title="Mine"')
    with pytest.raises(PodiumError, match="golden scores of version 1") as error:
        podium.submit("mine", "two.csv")
    assert "podium freeze mine" in error.value.hint
    assert podium.freeze("mine").metric_version == 3
    podium.submit("mine", "two.csv")
    rewrite(mine / "competition.py", "metric_version=3", "metric_version=2")
    with pytest.raises(PodiumError, match="never goes back"):
        podium.freeze("mine")


@pytest.mark.slow
@pytest.mark.parametrize("version", ["0", "1.5", "True", "'1'", "None"])
def test_a_version_is_a_whole_number(mine, version):
    text = (mine / "competition.py").read_text()
    new = text.replace('    title="Mine"', f'    metric_version={version},\n    title="Mine"')
    (mine / "competition.py").write_text(new)
    facts.forget(replace(podium.load("toy")[0], name="mine"))
    with pytest.raises(PodiumError, match="is wrong") as error:
        competition.load("mine")
    assert "metric_version must be a whole number from 1 on" in str(error.value)


def test_what_is_not_committed_is_kept_beside_the_answers(mine, monkeypatch):
    (mine / "golden.json").unlink()
    case = DatasetUnderTest(*podium.load("mine"))
    assert list(checks.metric_is_that_of_its_version(case)) == [
        "no golden scores: podium freeze mine"
    ]
    podium.submit("mine", "one.csv")
    kept = json.loads((case.data.folder / "solution" / "golden.json").read_text())
    assert kept["metric"] == 1
    data.prepare(*podium.load("mine"))  # the same answers: what was kept holds
    doubled(monkeypatch)
    with pytest.raises(PodiumError, match="other scores"):
        podium.submit("mine", "two.csv")
    assert podium.freeze("mine").metric_version == 2


def test_broken_golden_scores_are_said(mine):
    (mine / "golden.json").write_text('{"metric": 1}')
    with pytest.raises(PodiumError, match=r"golden\.json is no JSON of the form"):
        podium.submit("mine", "one.csv")
    (mine / "golden.json").unlink()
    podium.freeze("mine")
    podium.submit("mine", "one.csv")


def test_an_edition_is_of_all_that_a_score_depends_on():
    toy, demo = podium.load("toy")
    present = version.find_version(toy, demo)
    (target,), strata, first = toy.targets, toy.strata, toy.primary
    others = [
        replace(toy, metric_version=2),
        replace(toy, targets=(replace(target, high=10.0),)),
        replace(toy, metric_by=("group",)),
        replace(toy, metric_id="row"),
        replace(toy, halves_by="group"),
        replace(toy, observed=True),
        replace(toy, strata=(replace(strata[0], group="id"), *strata[1:])),
        replace(toy, strata=(replace(strata[0], enough=3), *strata[1:])),
        replace(toy, scores=(replace(first, higher_is_better=True), *toy.scores[1:])),
    ]
    names = {version.find_version(other, demo).name for other in others}
    assert len({present.name, *names}) == len(others) + 1
    assert {version.find_version(other, demo).answers for other in others} == {present.answers}
    same = replace(
        toy, title="x", daily_limit=1, controls=(), targets=(replace(target, unit="km"),)
    )
    assert version.find_version(same, demo) == present


def test_the_successor_of_an_edition_that_hashed_the_file(mine, monkeypatch):
    loaded, table = podium.load("mine")
    present = version.find_version(loaded, table)
    sha256 = version.file_sha256(mine / "metric.py")
    old = {"data": present.data, "split": present.split, "metric": sha256}
    former = hashlib.sha256(f"{present.data}{present.split}{sha256}".encode()).hexdigest()[:16]
    assert version.successor(loaded, "table", old) == present.name
    assert version.former_names(loaded, present) == {former}
    assert version.answers_of(old) == present.answers == version.answers_of(vars(present))
    assert version.answers_of({"seed": 1}) == ""
    for other in ({**old, "metric": "0" * 64}, {**old, "data": "0" * 64}, {}, {"data": [1]}):
        assert version.successor(loaded, "table", other) is None
    assert version.successor(loaded, "nope", old) is None
    (mine / "metric.py").write_text((mine / "metric.py").read_text() + "# a comment\n")
    assert version.successor(loaded, "table", old) == present.name
    doubled(monkeypatch)  # the same file, and other scores
    podium.freeze("mine")
    assert version.successor(podium.load("mine")[0], "table", old) is None


def test_fixed_predictions_keep_to_the_targets():
    toy = podium.load("toy")[0]
    rows = np.arange(5000)
    number = Target(name="n", low=0.0, high=1.0)
    label = Target(name="l", label=True)
    answers = {"n": (rows % 100) / 100, "l": np.array([f"c{r % 3}" for r in rows], object)}
    thin = golden._thin(answers)
    assert len(thin["n"]) == len(thin["l"]) == golden.ROWS
    for how in golden._EIGHTHS:
        numbers = golden._perturbed(number, thin["n"], how)
        assert (numbers >= 0).all()
        assert (numbers <= 1).all()
        assert set(golden._perturbed(label, thin["l"], how)) <= {"c0", "c1", "c2"}
    matrix = Target(name="m", low=0.0, matrix=True)
    wide = golden._thin({"m": np.ones((400, 1000))})["m"]
    assert wide.size <= golden.ENTRIES
    shares = [(golden._perturbed(matrix, wide, how) == 0).mean() for how in golden._EIGHTHS]
    assert shares == [1 / 8, 6 / 8, 7 / 8]

    refused = replace(toy, targets=(number,))
    assert golden.scores(refused, {"n": answers["n"]})["slight"] == {"rmse": None, "mae": None}


def test_probabilities_stay_probabilities():
    truth = np.eye(3)[np.arange(300) % 3]
    rows = [
        golden._perturbed(Target(name="p", low=0, high=1), truth[:, c], "slight") for c in (0, 1, 2)
    ]
    assert np.allclose(np.sum(rows, axis=0), 1.0)


def test_figures_may_differ_by_rounding_only():
    old = {"slight": {"a": 0.1, "b": None}}
    assert golden.changes(old, {"slight": {"a": 0.1 + 1e-13, "b": None}}) == []
    assert golden.changes(old, {"slight": {"a": 0.1 + 1e-9, "b": None}})
    assert golden.changes(old, {"slight": {"a": 0.1, "b": 1.0}}) == [
        "b of its slight predictions: none, now 1"
    ]
    assert golden.changes(old, {"slight": {"a": 0.1}})
    assert golden.changes(old, {"slight": {"a": 0.1, "b": None, "c": 1.0}})


def log_loss_with(epsilon):
    """A competition whose metric clips probabilities."""

    def score(answers, predictions):
        p = np.clip(predictions["p"], epsilon, 1 - epsilon)
        y = answers["p"]
        return {"log_loss": float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))}

    return SimpleNamespace(
        targets=(Target(name="p", low=0.0, high=1.0),),
        scores=(Score(name="log_loss", title="log loss", perfect=0.0),),
        metric=SimpleNamespace(score=score),
    )


def test_the_ends_of_the_range_are_predicted_too():
    """Where a metric clips: no mixture of answers is ever quite wrong there."""
    answers = {"p": np.arange(40) % 3 / 2}
    before, now = (golden.scores(log_loss_with(eps), answers) for eps in (1e-15, 1e-12))
    (line,) = golden.changes(before, now)
    assert line.startswith("log_loss of its ends predictions")


def test_whole_numbers_stay_whole():
    def score(answers, predictions):
        if (predictions["n"] % 1 != 0).any():
            raise ValueError("whole numbers")
        return {"mae": float(np.abs(answers["n"] - predictions["n"]).mean())}

    whole = SimpleNamespace(
        targets=(Target(name="n"),),
        scores=(Score(name="mae", title="MAE"),),
        metric=SimpleNamespace(score=score),
    )
    found = golden.scores(whole, {"n": np.arange(50.0) ** 2})
    assert all(figures["mae"] for figures in found.values())


def test_what_only_one_side_has_says_nothing():
    assert golden.changes({"slight": {"a": 1.0}}, {"slight": {"a": 1.0}, "ends": {"a": 2.0}}) == []
