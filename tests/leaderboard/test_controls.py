"""A control that cannot be scored is named and left out; it keeps no submission from the board."""

import numpy as np
import pandas as pd
import pytest

from podium import api
from podium.competition import folders as competition
from podium.competition.contract import Control, Score
from podium.data.dataset import load
from podium.errors import PodiumError
from podium.leaderboard import submit
from podium.leaderboard.submit import Scorer
from podium.metrics import kaggle
from podium.scoring import golden
from podium.scoring.scoring import Solution
from podium.verifying import checks, verify
from podium.verifying.probes import scores
from podium.verifying.under_test import DatasetUnderTest
from suites import mostly_slow

ZERO = Control(name="constant mean", model="constant")
LINE = Control(name="straight", model="line")
ABSENT = Control(name="absent", model="nowhere")


def correlation(solution, submission, row_id_column_name):
    """As others write it: NaN where a column is constant."""
    with np.errstate(all="ignore"):
        return float(np.corrcoef(solution["y"], submission["y"])[0, 1])


def picky(solution, submission, row_id_column_name):
    if np.ptp(submission["y"]) == 0:
        raise ValueError("an input array is constant")
    return correlation(solution, submission, row_id_column_name)


@pytest.fixture
def pearson(toy, monkeypatch):
    """Makes the toy's metric a correlation of others, with these controls."""

    def make(*controls, metric=correlation):
        found = competition.load("toy")
        facts = {
            "scores": (Score(name="pearson", title="Pearson's r", perfect=1.0),),
            "controls": controls,
        }
        for name, value in facts.items():
            monkeypatch.setitem(found.__dict__, name, value)
        made = kaggle(metric, name="pearson")
        monkeypatch.setattr(found.module("metric"), "metric", made)
        monkeypatch.setattr(submit, "_LEFT_OUT", set())
        monkeypatch.setattr(golden, "check", lambda *_: None)  # another metric, and meant so

    return make


@pytest.mark.slow
@pytest.mark.parametrize(
    ("control", "metric", "why"),
    mostly_slow(
        [
            (ZERO, correlation, "The metric gives no finite figure for pearson: it cannot rank."),
            (ZERO, picky, "The competition's metric fails: ValueError: an input array is constant"),
            (ABSENT, correlation, "Unknown model of toy 'nowhere'"),
        ],
        2,
    ),
)
def test_good_submissions_are_taken_and_the_control_is_named_once(
    pearson, caplog, podium_cli, control, metric, why
):
    pearson(control, metric=metric)
    first = api.run("toy", "line")
    api.run("toy", "line", params={"jitter": 0.1})
    assert first.row.rank == 1
    assert first.row.normalised is None
    said = [record.getMessage() for record in caplog.records if record.name == "podium"]
    assert len(said) == 1
    name = control.name
    assert said[0].startswith(f"toy/demo: control {name!r} cannot be scored and is left out: {why}")
    shown = podium_cli("board", "toy")
    assert "line" in shown.out
    assert name not in shown.out


@pytest.mark.slow
def test_the_scale_starts_from_the_controls_that_there_are(pearson):
    pearson(ZERO, LINE)
    found = api.run("toy", "line", params={"jitter": 3.0})
    board = api.board("toy")
    assert [row.name for row in board if row.status == "control"] == ["straight"]
    straight = next(row.score for row in board if row.status == "control")
    expected = (found.row.score - straight) / (1 - straight)
    assert found.row.normalised == pytest.approx(expected, abs=5e-5)


def test_a_submission_that_cannot_be_scored_is_refused_all_the_same(pearson, sample):
    pearson(LINE)
    sample.to_csv("mine.csv", index=False)
    with pytest.raises(PodiumError, match="no finite figure for pearson"):
        api.submit("toy", "mine.csv")


@pytest.mark.slow
def test_files_are_scored_and_a_control_is_asked_again_by_a_later_process(pearson, caplog):
    pearson(ZERO)
    made = api.run("toy", "line", submit=False)
    table = pd.read_parquet(made.file)
    place = made.file.parents[4] / "submissions" / "toy" / "demo" / "bo"
    place.mkdir(parents=True)
    table.to_csv(place / "line.csv", index=False)
    assert [one.status for one in api.score_all("toy")] == ["scored"]
    submit._LEFT_OUT.clear()
    desk = Scorer.of(load(*api.load("toy")))
    desk.record_controls()
    desk.record_controls()
    assert len([r for r in caplog.records if "left out" in r.getMessage()]) == 2


@pytest.mark.slow
def test_a_ceiling_that_cannot_be_scored_is_left_out(pearson, caplog, monkeypatch):
    pearson(LINE)

    def broken(self):
        raise PodiumError("no finite figure")

    monkeypatch.setattr(Solution, "ceiling", broken)
    assert api.run("toy", "line").row.rank == 1
    assert "toy/demo: ceiling cannot be scored and is left out: no finite figure" in caplog.text


@pytest.mark.slow
def test_verifying_notes_it_and_goes_on(pearson):
    pearson(ZERO)
    case = DatasetUnderTest(*api.load("toy"))
    verdict = verify.judged(case, checks.perfect_beats_controls)
    assert verdict.problem == ""
    assert verdict.note.startswith("control 'constant mean' cannot be scored and is left out")
    assert case.best_control is None
    list(scores.worse_predictions_score_worse(case))
    list(scores.no_constant_beats_the_controls(case))
    pearson(ZERO, LINE)
    case = DatasetUnderTest(*api.load("toy"))
    assert list(case.controls) == ["straight"]
    assert case.best_control == case.controls["straight"]
