"""Pictures show how well each stratum is predicted where they may, else the predictions alone."""

import numpy as np
import pandas as pd
from podium.competitions.dti import plot
from podium.competitions.dti.metric import TARGET

from podium.competition.part import Part
from podium.competition.view import View


def view(*, known=True):
    rng = np.random.default_rng(0)
    truth = (rng.random(60) < 0.5).astype(float)
    strata = np.repeat(np.array(["seen", "new_drug", "one"], dtype=object), [40, 19, 1])
    part = Part(
        name="test", ids=pd.RangeIndex(60).astype(str), features=pd.DataFrame(index=range(60))
    )
    return View(
        title="m (t)",
        part=part,
        predictions={TARGET: np.where(strata == "seen", truth, rng.random(60))},
        truth={TARGET: truth} if known else None,
        scores={},
        strata=strata if known else None,
    )


def test_with_the_truth_each_stratum_with_both_answers_has_a_curve(tmp_path):
    figures = plot.draw([view(), view()])
    assert sorted(figures) == ["1-m-t", "2-m-t"]
    panel = figures["1-m-t"].axes[0]
    labels = [text.get_text() for text in panel.get_legend().get_texts()]
    assert labels[1] == "seen: 1.000, 40 pairs"
    assert [label.split(":")[0] for label in labels] == ["new_drug", "seen"]
    figures["1-m-t"].savefig(tmp_path / "a.png")


def test_without_the_truth_there_is_none():
    panel = plot.draw([view(known=False)])["1-m-t"].axes[0]
    assert panel.get_ylabel() == "pairs"
    assert panel.get_legend() is None


def test_attention_names_atoms_and_the_residues_that_are_attended_to_most(tmp_path):
    weights = np.zeros((3, 20))
    weights[1, 7], weights[2, 19] = 2.0, -1.0
    figure = plot.attention("CCO", "ACDEFGHIKLMNPQRSTVWY" * 4, weights, "a pair")
    panel = figure.axes[0]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["C 1", "C 2", "O 3"]
    assert {"KLMN 29", "TVWY 77"} <= {text.get_text() for text in panel.get_xticklabels()}
    figure.savefig(tmp_path / "a.png")
