"""The figures of the README on the real data, made again: slow."""

import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from podium.competitions.sirna.metric import TARGET

from podium import api

README = Path(api.load("sirna")[0].folder / "README.md").read_text(encoding="utf-8")
TOLERANCE = 0.01
"""Other numbers of threads and other libraries sum in another order."""


@pytest.fixture
def shanghai(raw_folder):
    return api.prepare("sirna", "shanghai", source=raw_folder("sirna"))


def figures(row):
    """The numbers of the README's line that begins so."""
    line = next(line for line in README.splitlines() if line.startswith(row))
    return [float(number) for number in re.findall(r"(?<=\| )-?\d?\.\d+(?= \|)", line)]


@pytest.mark.slow
@pytest.mark.realdata
def test_lightgbm_on_the_test_part(shanghai):
    api.run("sirna", "lightgbm", dataset="shanghai")
    api.reveal("sirna", "shanghai")
    rows = {row.name: row for row in api.board("sirna", "shanghai", part="all")}
    found = rows["lightgbm"]
    assert found.strata["seen"] >= 0.80
    assert found.strata["unseen_guide"] >= 0.75
    score, normalised, *strata = figures("| 1 | lightgbm |")
    assert found.score == pytest.approx(score, abs=TOLERANCE)
    assert found.normalised == pytest.approx(normalised, abs=TOLERANCE)
    assert list(found.strata.values()) == pytest.approx(strata, abs=TOLERANCE)
    for name in ("constant mean", "constant 29.9", "shuffled"):
        assert rows[name].score == pytest.approx(figures(f"| control | {name} |")[0], abs=1e-4)


@pytest.mark.realdata
def test_open_rows_are_the_organisers_table_with_the_target_filled_in(shanghai, raw_folder):
    found = api.run("sirna", "constant", dataset="shanghai").open_file
    with zipfile.ZipFile(next(raw_folder("sirna").glob("*.zip"))) as archive:
        official = pd.read_csv(archive.open("sample_submission.csv"), dtype=str)
    filled = pd.read_csv(found, dtype=str)
    assert list(filled.columns) == list(official.columns)
    assert filled.drop(columns=TARGET).equals(official.drop(columns=TARGET))
    assert filled[TARGET].notna().all()


@pytest.mark.slow
@pytest.mark.realdata
def test_whole_genes_left_out(shanghai):
    general = {"preset": "general"}
    settings = {"dataset": "shanghai", "params": general, "by": "gene"}
    found = api.cross_validate("sirna", "lightgbm", **settings).card.whole.scores["score"]
    assert found >= 0.54
    assert found == pytest.approx(figures("| `lightgbm --set preset=general`")[-1], abs=TOLERANCE)
