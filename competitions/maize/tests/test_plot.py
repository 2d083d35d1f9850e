"""Pictures show the truth where they may, and the predictions alone elsewhere."""

import numpy as np
import pandas as pd
from podium.competitions.maize import plot
from podium.competitions.maize.shared.sites import Motif, Word

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


def test_motifs_are_drawn_a_line_each():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (50, 170)).astype(np.uint8)
    codes[:, 130:138] = [3, 0, 3, 0, 0, 0, 3, 0]
    bits = rng.normal(0, 0.5, (14, 4)).astype(np.float32)
    partner = Word("TTGACC", 40, 80, both=False, z=6.0)
    tata = Motif(Word("TATAAATA", 120, 140, both=False, z=9.0), bits, (partner,), worth=1.5)
    other = Motif(Word("GTCGAAGA", 0, 160, both=True, z=-7.0), bits, worth=-0.5)
    panels = np.reshape(plot.draw_motifs([tata, other], codes, 165).axes, (2, 3))
    texts = [[text.get_text() for text in panel.texts] for panel in panels[:, 0]]
    assert texts == [["tata", "with TTGACC at -20 to +20"], ["either strand"]]
    counts = [bar.get_height() for bar in panels[0, 1].patches[: plot.BINS]]
    assert sum(counts) >= 50
    assert counts[int(130 / 170 * plot.BINS)] >= 50
    assert [panel.patches[0].get_width() for panel in panels[:, 2]] == [1.5, -0.5]
    assert plot.draw_motifs([], codes, 165).axes
