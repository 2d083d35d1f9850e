"""Pictures show how well each drug is predicted where they may, else the predictions alone."""

import numpy as np
import pandas as pd
from podium.competitions.response import plot
from podium.competitions.response.metric import TARGET

from podium.competition.part import Part
from podium.competition.view import View

LINES = pd.DataFrame(
    {"context": ["solid"] * 20 + ["blood"] * 10, "site": "x"},
    index=pd.Index([f"l{number}" for number in range(30)], name="line"),
)


def view(*, known=True):
    rng = np.random.default_rng(0)
    named, drugs = np.repeat(LINES.index.to_numpy(object), 3), np.tile(["a", "b", "c"], 30)
    truth = rng.normal(size=90)
    part = Part(
        name="test",
        ids=pd.Index([f"{one}/{other}" for one, other in zip(named, drugs, strict=True)]),
        features=pd.DataFrame({"line": named, "drug": drugs}),
        tables={"lines": LINES},
    )
    said = np.where(drugs == "c", 0.0, truth + rng.normal(size=90))
    truths = {TARGET: truth} if known else None
    return View(title="m (t)", part=part, predictions={TARGET: said}, truth=truths, scores={})


def test_with_the_truth(tmp_path):
    figures = plot.draw([view(), view()])
    assert sorted(figures) == ["1-m-t", "2-m-t"]
    panel = figures["1-m-t"].axes[0]
    labels = [text.get_text() for text in panel.get_legend().get_texts()]
    assert [label.split(":")[0] for label in labels] == ["blood", "solid"]
    assert all(label.endswith("3 drugs") for label in labels)
    figures["1-m-t"].savefig(tmp_path / "a.png")


def test_without_the_truth_there_is_none():
    panel = plot.draw([view(known=False)])["1-m-t"].axes[0]
    assert panel.get_ylabel() == "rows"
