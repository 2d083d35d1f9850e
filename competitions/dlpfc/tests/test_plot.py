"""Pictures show what they may, with the colours of what overlaps best."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from podium.competitions.dlpfc import plot
from podium.competitions.dlpfc.metric import TARGET

from podium import api
from podium.competition.part import Part
from podium.competition.view import View
from podium.errors import BoardError
from podium.leaderboard.submit import Scorer
from podium.reporting import plotting


@pytest.fixture
def view():
    places = np.stack(np.meshgrid(range(6), range(6)), axis=-1).reshape(-1, 2)
    frame = pd.DataFrame({"slice": np.repeat(["a", "b"], 18), "x": places[:, 0], "y": places[:, 1]})
    part = Part(name="test", ids=pd.Index(range(36)).astype(str), features=frame)
    truth = np.array(["L1", "L2", "WM"] * 12, dtype=object)
    scores = {"a": {"ari": 0.5, "nmi": 0.6}, "b": {"ari": 0.25, "nmi": 0.3}}
    predictions = {TARGET: np.where(truth == "WM", "0", "1").astype(object)}
    return View(
        title="m (t)", part=part, predictions=predictions, truth={TARGET: truth}, scores=scores
    )


def titles(figure):
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def test_truth_stands_beside_the_prediction(view):
    figures = plot.draw([view])
    assert set(figures) == {"1-m-t", "scores"}
    assert titles(figures["1-m-t"]) == [
        *("a: ARI 0.50, NMI 0.60", "a: truth"),
        *("b: ARI 0.25, NMI 0.30", "b: truth"),
    ]
    lines = figures["scores"].axes[0].get_lines()
    assert [line.get_ydata().tolist() for line in lines] == [[0.5, 0.25], [0.6, 0.3]]


def test_without_the_truth_there_is_none(view):
    hidden = View(title="m", part=view.part, predictions=view.predictions, truth=None, scores={})
    figures = plot.draw([hidden])
    assert set(figures) == {"1-m"}
    assert titles(figures["1-m"]) == ["a", "b"]


def test_slices_without_positions_say_so(view, tmp_path):
    features = view.part.features.astype({"x": float, "y": float})
    features.loc[features["slice"] == "b", ["x", "y"]] = np.nan
    part = dataclasses.replace(view.part, features=features)
    figure = plot.draw([dataclasses.replace(view, part=part, truth=None)])["1-m-t"]
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [
        [],
        ["no positions"],
    ]
    figure.savefig(tmp_path / "picture.png")


def test_colours_go_to_the_best_overlap():
    truth = np.array(["L1"] * 5 + ["L2"] * 5)
    labels = np.array(["7"] * 4 + ["3"] * 6)
    colours = plot.matched(labels, truth, {"L1": "red", "L2": "blue"})
    assert colours == {"7": "red", "3": "blue"}
    assert plot.matched(np.array(["7", "3"] * 5), np.array(["L1"] * 10), {"L1": "red"}) in (
        {"7": "red", "3": "0.3"},
        {"3": "red", "7": "0.3"},
    )


@pytest.mark.slow
def test_from_the_board(workspace):
    first = api.run("dlpfc", "random").row.submission
    second = api.run("dlpfc", "random", seed=1).row.submission
    (sealed, scores) = api.plot("dlpfc", first, out="sealed")
    assert sealed.stat().st_size > 10_000
    assert scores.name == "dlpfc-demo-scores.png"
    api.reveal("dlpfc")
    files = api.plot("dlpfc", first[:8], second, out=workspace / "open")
    assert [file.name for file in files] == [
        "dlpfc-demo-1-random-ana.png",
        "dlpfc-demo-2-random-ana.png",
        "dlpfc-demo-scores.png",
    ]
    assert files[0].read_bytes() != sealed.read_bytes()
    ready = api.prepare("dlpfc")
    other = dataclasses.replace(ready, dataset=ready.competition.dataset("151510"))
    with pytest.raises(BoardError, match="not to dlpfc/151510"):
        plotting.plot(Scorer.of(other), [first], workspace)
    next((workspace / "submissions").rglob("*.parquet")).unlink()
    with pytest.raises(BoardError, match="is missing"):
        api.plot("dlpfc", first, second)


def test_before_reveal_a_view_holds_nothing_private(monkeypatch):
    seen = []
    monkeypatch.setattr(plotting, "draw", lambda data, views, *_: seen.extend(views) or [])
    name = api.run("dlpfc", "random").row.submission
    api.plot("dlpfc", name)
    assert seen[0].truth is None
    assert set(seen[0].scores) == {f"d2s{number}" for number in range(1, 5)}
    api.reveal("dlpfc")
    api.plot("dlpfc", name)
    assert seen[1].truth is not None
    assert len(seen[1].scores) == 8


@pytest.mark.slow
def test_out_of_fold(workspace):
    api.cross_validate("dlpfc", "random", plots="folds")
    assert {file.name for file in (workspace / "folds").iterdir()} == {
        "dlpfc-demo-1-random-out-of-fold.png",
        "dlpfc-demo-scores.png",
    }


def test_what_cannot_be_drawn_is_said_before_the_work(workspace, podium_cli):
    (workspace / "file").write_text("")
    done = podium_cli("cv", "dlpfc", "random", "--plot", "file")
    assert done.status == 1
    assert "it is no folder" in done.err


def test_spots_at_one_place_are_drawn(view):
    features = view.part.features.assign(x=1.0, y=2.0)
    still = dataclasses.replace(view, part=dataclasses.replace(view.part, features=features))
    assert "1-m-t" in plot.draw([still])
