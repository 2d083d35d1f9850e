"""Pictures show truth, calls and errors where they may, and the predictions alone elsewhere."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from podium.competitions.sirna import plot
from podium.competitions.sirna.metric import TARGET

from podium.competition.part import Part
from podium.competition.view import View
from podium.reporting import plotting

ROWS = 300
STRATA = ("unseen_gene", "unseen_guide", "seen")


@pytest.fixture
def view():
    """Three genes, one a stratum; the last row has a dose of its own."""
    rng = np.random.default_rng(0)
    kind = np.arange(ROWS) % 3
    guides = np.array(["VP u Uf a (Agn) u", "u Uf Uf Uf a", "u dA a s a u"], object)
    features = pd.DataFrame(
        {
            "publication_id": np.where(kind == 2, "p2", "p1"),
            "gene_target_symbol_name": np.array(["Abc", "XYZ", None], object)[kind],
            "siRNA_concentration": np.append(np.tile([0.1, 10.0], ROWS // 2)[:-1], 50.0),
            "modified_siRNA_antisense_seq_list": guides[kind],
            "modified_siRNA_sense_seq_list": "a a (Ahd) u L96",
        }
    )
    truth = rng.uniform(0.0, 200.0, ROWS)
    return View(
        title="m (t)",
        part=Part(name="test", ids=pd.Index([str(row) for row in range(ROWS)]), features=features),
        predictions={TARGET: np.clip(truth + rng.normal(0.0, 10.0, ROWS), 0.0, 300.0)},
        truth={TARGET: truth},
        scores={},
        strata=np.array(STRATA, object)[kind],
    )


def constant(view, value):
    return dataclasses.replace(view, predictions={TARGET: np.full(ROWS, value)})


def saved(figures, folder):
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png")
    return figures


@pytest.mark.slow
def test_with_the_truth(view, tmp_path):
    figures = saved(plot.draw([view, constant(view, 29.9)]), tmp_path)
    assert list(figures) == ["1-m-t", "2-m-t", "errors"]
    *strata, _, calls = figures["2-m-t"].axes
    assert [panel.get_title().split(",")[0] for panel in strata] == list(STRATA)
    assert [panel.collections[0].get_array().sum() for panel in strata] == [100, 100, 100]
    truth = view.truth[TARGET][view.strata == "seen"]
    effective = int((truth < 30).sum())
    texts = [text.get_text() for text in calls.texts]
    assert texts[-3:] == [
        f"{effective}",
        f"{100 - effective}",
        f"recall 100%\nprecision {effective / 100:.0%}",
    ]


def test_what_is_far_above_is_drawn_at_the_edge(view):
    (panel, *_) = plot.draw([constant(view, 299.0)])["1-m-t"].axes
    assert panel.collections[0].get_offsets()[:, 1].tolist() == pytest.approx(
        [plot.TOP] * len(panel.collections[0].get_offsets()), abs=3.0
    )


def test_errors_of_groups_of_twenty_rows(view):
    truth = view.truth[TARGET]
    groups = {**plot.doses(view.part.features), "some": np.arange(ROWS) < 30}
    got = plot.errors([view, constant(view, 0.0)], groups)
    assert list(got) == ["0.1 nM", "10 nM", "some"]  # one row at 50 nM
    assert got["10 nM"].rows == ROWS / 2 - 1
    own = np.abs(view.predictions[TARGET] - truth)[:30].mean()
    assert got["some"].views == pytest.approx([own, truth[:30].mean()])
    assert got["some"].spread == pytest.approx(np.abs(truth[:30] - np.median(truth[:30])).mean())


def test_genes_that_do_not_train_are_marked(view):
    assert {name: rows.sum() for name, rows in plot.genes(view).items()} == {
        "ABC *": 100,
        "P2": 100,
        "XYZ": 100,
    }


def test_modifications(view):
    groups = plot.modifications(view.part.features.head(3))
    assert {name: rows.tolist() for name, rows in groups.items() if rows.any()} == {
        "2'-F in guide: 0 to 2": [True, False, True],
        "2'-F in guide: 3 to 5": [False, True, False],
        "DNA in guide": [False, False, True],
        "glycol (GNA) in guide": [True, False, False],
        "lipid (C16) in sense": [True, True, True],
        "vinyl phosphonate (VP)": [True, False, False],
        "GalNAc (L96)": [True, True, True],
        "phosphorothioate": [False, False, True],
    }


def test_all_marks_are_inside(view):
    (panel, *_) = plot.draw([constant(view, 290.0)])["errors"].axes
    assert panel.get_xlim()[1] > max(
        points.get_offsets()[:, 0].max() for points in panel.collections
    )


def test_without_the_truth_there_is_none(view, tmp_path):
    figures = saved(plot.draw([dataclasses.replace(view, truth=None, strata=None)]), tmp_path)
    assert list(figures) == ["1-m-t"]
    spread, by_dose = figures["1-m-t"].axes
    assert spread.get_ylabel() == "rows"
    called = (view.predictions[TARGET] < 30).mean()
    assert spread.get_title() == f"{called:.0%} of 300 rows are called"
    assert [text.get_text() for text in by_dose.get_yticklabels()] == [
        "0.1 nM (150)",
        "10 nM (149)",
    ]


def test_the_board_gives_truth_and_strata_when_it_is_revealed(monkeypatch, workspace):
    from podium import api

    seen = []
    monkeypatch.setattr(plotting, "draw", lambda competition, views, *_: seen.extend(views) or [])
    name = api.run("sirna", "constant").row.submission
    api.plot("sirna", name)
    api.reveal("sirna")
    api.plot("sirna", name)
    api.cross_validate("sirna", "constant", plots="folds")
    sealed, revealed, folds = seen
    assert sealed.truth is sealed.strata is None
    for one in (revealed, folds):
        assert len(one.strata) == len(one.truth[TARGET]) == len(one.part)
        assert set(one.strata) == set(STRATA)
