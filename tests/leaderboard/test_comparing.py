"""Submissions against each other: what is shown, by whom it can be named, and what stays sealed."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

import podium
from podium.data import dataset as data
from podium.errors import BoardError
from podium.scoring.disagreement import _of_labels, _of_matrices, disagreement
from podium.scoring.scoring import Solution, open_solution


@pytest.fixture
def handed_in(toy, sample):
    """Two submissions of ana's and one of bob's; the predictions of all."""
    rng = np.random.default_rng(0)
    truth = open_solution(data.load(*podium.load("toy"))).targets["y"]
    tables = {}
    for team, name, spread in (("ana", "good", 0.5), ("ana", "bad", 2.0), ("bob", "other", 2.0)):
        tables[name] = sample.assign(y=truth + spread * rng.normal(size=len(truth)))
        tables[name].to_csv(f"{name}.csv", index=False)
        podium.submit("toy", f"{name}.csv", team=team, name=name, message=f"spread {spread}")
    return tables


def test_the_difference_is_that_of_the_scores(handed_in):
    found = podium.compare("toy", "good", "bad")
    assert [row.name for row in found.rows] == ["good", "bad"]
    (against,) = found.against
    whole = against.parts["public"]
    scores = {row.name: row.score for row in podium.board("toy")}
    assert (whole.first, whole.second) == (scores["good"], scores["bad"])
    assert whole.difference == scores["good"] - scores["bad"]
    assert whole.ci_low < whole.difference < whole.ci_high < 0  # a smaller RMSE is better
    assert whole.p < 0.01
    assert whole.win > 0.99
    back = podium.compare("toy", "bad", "good").against[0].parts["public"]
    assert (back.difference, back.win) == (-whole.difference, pytest.approx(1 - whole.win))
    assert set(against.parts) == {"public"}
    assert set(against.strata) == {"new", "seen"}
    strata = {row.name: row.strata for row in podium.board("toy")}
    assert against.strata["new"].first == pytest.approx(strata["good"]["new"])
    assert found.settings["message"] == ["spread 0.5", "spread 2.0"]
    assert found.settings.get("versions.numpy") is None  # the same in both


def test_p_and_win_agree_with_the_board(handed_in):
    rows = [row for row in podium.board("toy") if row.rank]
    for row, following in pairwise(rows):
        found = podium.compare("toy", row.submission, following.submission).against[0]
        assert found.parts["public"].win == pytest.approx(row.win_next, abs=1e-6)


def test_predictions_that_differ_most_are_named_whatever_the_part(handed_in):
    found = podium.compare("toy", "good", "other").against[0].disagreement
    a, b = handed_in["good"], handed_in["other"]
    gap = (a["y"] - b["y"]).abs()
    assert [row["id"] for row in found.rows] == list(a["id"][gap.nlargest(10).index])
    assert found.agreement == pytest.approx(scipy_stats.pearsonr(a["y"], b["y"]).statistic)


def test_groups_are_shown_from_20_public_rows_on(handed_in, toy, monkeypatch):
    assert not any(podium.compare("toy", "good", "bad").against[0].groups.values())
    ready = data.load(*podium.load("toy"))
    solution = open_solution(ready)
    public = (solution.cells.labels["part"] == "public")[solution.cells.code]
    monkeypatch.setattr("podium.scoring.scoring.FEWEST", 3)
    found = podium.compare("toy", "good", "bad").against[0].groups["group"]
    counts = solution.groups["group"][public].value_counts()
    assert set(found) == set(counts.index[counts >= 3])
    name = next(iter(found))
    rows = public & (solution.groups["group"] == name).to_numpy()
    error = (handed_in["good"]["y"] - solution.targets["y"])[rows]
    assert found[name].first == pytest.approx(np.sqrt((error**2).mean()), abs=5e-5)
    assert found[name].ci_low is None  # one independent group


def test_kinds_of_groups_that_say_nothing_are_left_out(handed_in, monkeypatch):
    """As where one line alone has no correlation within a drug: 0 for everybody."""
    monkeypatch.setattr("podium.scoring.scoring.FEWEST", 3)
    assert podium.compare("toy", "good", "bad").against[0].groups["group"]
    estimates = Solution.estimates_by_group

    def same(self, predictions, *, private):
        return {
            kind: {name: replace(one, scores={"rmse": 0.0}) for name, one in by_name.items()}
            for kind, by_name in estimates(self, predictions, private=private).items()
        }

    monkeypatch.setattr(Solution, "estimates_by_group", same)
    assert podium.compare("toy", "good", "bad").against[0].groups == {}


def test_groups_that_lie_whole_in_one_half_are_not_named_before_reveal(toy, monkeypatch):
    monkeypatch.setattr("podium.scoring.scoring.FEWEST", 3)
    solution = open_solution(data.load(*podium.load("toy")))
    halved = replace(solution.data, competition=replace(toy, halves_by="group"))
    whole = replace(solution, data=halved)
    assert solution.estimates_by_group(solution.targets, private=False)["group"]
    assert whole.estimates_by_group(solution.targets, private=False) == {}
    assert whole.estimates_by_group(solution.targets, private=True)["group"]


def test_after_reveal_both_parts_are_compared(handed_in):
    podium.reveal("toy")
    found = podium.compare("toy", "good", "bad").against[0]
    private = {row.name: row.score for row in podium.board("toy", part="private")}
    whole = {row.name: row.strata for row in podium.board("toy", part="all")}
    assert found.parts["private"].first == private["good"]
    assert found.strata["new"].first == pytest.approx(whole["good"]["new"])


@pytest.mark.slow
@pytest.mark.usefixtures("handed_in")
def test_names_ids_and_teams(podium_cli):
    ids = {row.name: row.submission for row in podium.board("toy")}
    for name in ("good", "ana/good", "ana", ids["good"], ids["good"][:6].upper()):
        assert podium.compare("toy", name, "bob").rows[0].submission == ids["good"]
    assert podium.compare("toy", "good", "zero").against[0].missing  # a control has no file
    assert len(podium.compare("toy", "bob", "good", "bad").against) == 2
    podium.submit("toy", "other.csv", team="cem", name="other")
    for names, message in (
        (["good"], "Two submissions or more"),
        (["good", "ana"], "Two submissions or more"),
        (["good", "nothing"], "'nothing' is no submission of this board"),
        (["good", "other"], "fits 2 submissions"),
    ):
        with pytest.raises(BoardError, match=message):
            podium.compare("toy", *names)
    assert podium_cli("compare", "toy", "good", "nothing").status == 1


def test_without_the_files_the_whole_is_compared_still(handed_in, workspace, podium_cli):
    for file in (workspace / "submissions").rglob("*.csv"):
        file.unlink()
    found = podium.compare("toy", "good", "bad").against[0]
    assert found.parts["public"].p < 0.01
    assert (found.strata, found.disagreement) == ({}, None)
    assert "cannot be scored again here" in podium_cli("compare", "toy", "good", "bad").err


@pytest.mark.usefixtures("handed_in")
def test_what_a_person_sees(podium_cli):
    done = podium_cli("compare", "toy", "good", "bad", "bob")
    assert "ana/good against ana/bad" in done.out
    assert "rmse, less is better" in done.out
    assert "spread 0.5" in done.out
    lines = [line.split() for line in done.out.splitlines()]
    assert [line[:2] for line in lines].count(["public", "rows"]) == 2
    assert podium_cli("compare", "toy", "good", "bad", "--json").json["against"][0]["parts"]


def test_clusters_have_no_names():
    a = np.array(["1", "1", "2", "2", "3", "3"] * 2, dtype=object)
    b = np.array(["x", "x", "y", "y", "z", "z", "y", "y", "x", "x", "z", "x"], dtype=object)
    ids = np.arange(12).astype(str).astype(object)
    found = _of_labels(ids, a, b, np.repeat(["s", "t"], 6))
    assert found.groups == {"t": pytest.approx(1 / 6), "s": 0.0}
    assert [row["id"] for row in found.rows] == ["11"]
    assert found.agreement == pytest.approx(11 / 12)


def test_matrices_differ_by_row_and_column():
    rng = np.random.default_rng(1)
    a, b = rng.poisson(1, (5, 4)).astype(float), rng.poisson(1, (5, 4)).astype(float)
    found = _of_matrices(np.array(list("abcde"), dtype=object), a, b, ["g1", "g2", "g3", "g4"])
    assert found.agreement == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    gap = pd.DataFrame(np.abs(a - b), index=list("abcde"), columns=["g1", "g2", "g3", "g4"])
    assert {row["id"]: row["distance"] for row in found.rows} == gap.sum(axis=1)[
        lambda sums: sums > 0
    ].to_dict()
    assert found.groups == gap.sum()[lambda sums: sums > 0].to_dict()


def test_constant_predictions_have_no_correlation(toy):
    ready = data.load(*podium.load("toy"))
    count = len(ready.ids("test"))
    found = disagreement(ready, {"y": np.zeros(count)}, {"y": np.arange(count, dtype=float)})
    assert found.agreement is None
    assert found.rows[0]["second"] == count - 1
