"""Pictures show the truth where they may, and the predictions alone elsewhere."""

import numpy as np
import pandas as pd
from podium.competitions.maize import plot

from podium.competition.part import Part
from podium.competition.view import View


def view(*, known=True, rows=300):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=rows)
    species = np.where(np.arange(rows) % 3, "maize", "sorghum")
    part = Part(
        name="test",
        ids=pd.Index([str(row) for row in range(rows)]),
        features=pd.DataFrame({"species": species}),
    )
    predictions = {"expression": truth + rng.normal(size=rows)}
    return View(
        title="m (t)",
        part=part,
        predictions=predictions,
        truth={"expression": truth} if known else None,
        scores={},
    )


def test_with_the_truth(tmp_path):
    figures = plot.draw([view(), view()])
    assert sorted(figures) == ["1-m-t", "2-m-t"]
    panel = figures["1-m-t"].axes[0]
    labels = [text.get_text() for text in panel.get_legend().get_texts()]
    assert labels[0].startswith("maize: r = 0.7")
    assert labels[1].endswith("n = 100")
    assert sum(len(points.get_offsets()) for points in panel.collections) == 300
    figures["1-m-t"].savefig(tmp_path / "a.png")


def test_without_the_truth_there_is_none(tmp_path):
    panel = plot.draw([view(known=False)])["1-m-t"].axes[0]
    assert len(panel.collections) == 0
    assert panel.get_ylabel() == "rows"


def test_of_many_rows_some_are_drawn(monkeypatch):
    monkeypatch.setattr(plot, "MOST", 100)
    panel = plot.draw([view()])["1-m-t"].axes[0]
    assert sum(len(points.get_offsets()) for points in panel.collections) == 101
