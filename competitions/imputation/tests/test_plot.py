"""Pictures show what they may, and their curves are those of scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from podium.competitions.imputation import plot
from podium.competitions.imputation.plot import Zeros, precision_recall, zeros
from scipy.sparse import csr_array
from sklearn.metrics import precision_recall_curve

from podium.competition.counts import Counts
from podium.competition.part import Part
from podium.competition.view import View
from suites import mostly_slow


def view(*, known=True, form=np.asarray, calls=0.5, title="m (t)", cells=40):
    rng = np.random.default_rng(0)
    truth = rng.negative_binomial(1, 0.1, (cells, 30)) * (np.arange(30) > 2)
    observed = np.where(rng.random(truth.shape) < 0.4, 0, truth)
    guess = np.where(rng.random(truth.shape) < calls, truth.mean(axis=0).round() + 1, 0)
    ids = pd.Index([str(cell) for cell in range(cells)])
    counts = Counts.of({"cells": (observed, [f"g{gene}" for gene in range(30)])})
    part = Part(name="test", ids=ids, features=pd.DataFrame(index=range(cells)), counts=counts)
    return View(
        title=title,
        part=part,
        predictions={"count": form(np.where(observed == 0, guess, observed))},
        truth={"count": csr_array(truth), "observed": csr_array(observed)} if known else None,
        scores={},
    )


def saved(figures, path):
    for name, figure in figures.items():
        figure.savefig(path / f"{name}.png")
        assert (path / f"{name}.png").stat().st_size > 5000
    return sorted(figures)


def titles(figure):
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


@pytest.mark.slow
@pytest.mark.parametrize("form", mostly_slow([np.asarray, csr_array], 1))
def test_with_the_truth(tmp_path, form):
    figures = plot.draw([view(form=form), view(title="m (t)", calls=0.2)])
    assert saved(figures, tmp_path) == ["1-m-t", "2-m-t", "precision-recall"]
    assert titles(figures["1-m-t"]) == ["called zeros and dropouts", "by gene"]
    legend = figures["precision-recall"].axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["m (t)", "m (t)"]


def test_without_the_truth_there_is_none(tmp_path):
    figures = plot.draw([view(known=False)])
    assert saved(figures, tmp_path) == ["1-m-t"]
    assert titles(figures["1-m-t"])[0].endswith("zeros are called")
    lines = figures["1-m-t"].axes[1].get_lines()
    assert [line.get_label() for line in lines] == ["called"]


@pytest.mark.parametrize("known", mostly_slow([True, False], 1))
def test_nothing_is_called(tmp_path, known):
    saved(plot.draw([view(calls=0.0, known=known)]), tmp_path)


def test_one_cell(tmp_path):
    saved(plot.draw([view(cells=1)]), tmp_path)


def test_the_curve_is_that_of_scikit_learn():
    entries = zeros(view())
    recall, precision = precision_recall(entries)
    expected, heard, cuts = precision_recall_curve(entries.true > 0, entries.imputed)
    called = cuts > 0
    assert precision == pytest.approx(expected[:-1][called][::-1])
    assert recall == pytest.approx(heard[:-1][called][::-1])
    assert (
        recall[-1] == ((entries.imputed > 0) & (entries.true > 0)).sum() / (entries.true > 0).sum()
    )


def test_no_dropouts_no_calls():
    empty = Zeros(imputed=np.zeros(5), true=np.zeros(5), seen=np.ones(5))
    recall, precision = precision_recall(empty)
    assert len(recall) == len(precision) == 0


def test_of_many_cells_some_are_taken(monkeypatch):
    monkeypatch.setattr(plot, "MOST", 300)
    one = view()
    entries = zeros(one)
    observed = one.part.counts.matrix().toarray()[::4]
    assert len(entries.imputed) == (observed == 0).sum()
    assert (entries.true == one.truth["count"].toarray()[::4][observed == 0]).all()
    assert entries.seen.max() == observed.mean(axis=0).max()


def test_reliability_of_probabilities():
    rng = np.random.default_rng(0)
    probability = rng.random(20_000)
    true, flat = rng.random(20_000) < probability, rng.random(20_000) < 0.5
    panel, _ = plot.reliability({"true": (probability, true), "flat": (probability, flat)}).axes
    lines = {c.get_label(): c.lines[0] for c in panel.containers}
    x, y = (np.asarray(lines["true"].get_data()[side]) for side in (0, 1))
    assert np.abs(x - y).max() < 0.06
    assert np.asarray(lines["flat"].get_ydata()) == pytest.approx(0.5, abs=0.06)
    assert plot.reliability({"few": (probability[:3], true[:3]), "none": (x[:0], true[:0])}).axes
