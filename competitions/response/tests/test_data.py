"""Pairs from a matrix, the split, and the raw files of `gdsc`."""

import numpy as np
import pandas as pd
import pytest
from podium.competitions.response.data import prepare, simulate, split
from podium.competitions.response.data.pairs import prepared
from podium.competitions.response.metric import TARGET

from podium import api
from podium.data import dataset as datas
from podium.errors import DataError

LINES = pd.DataFrame(
    {
        "line": ["l1", "l2", "l3", "l4"],
        "context": ["solid", "solid", "solid", "blood"],
        "site": ["x", "x", "y", "z"],
        "G1": [1.0, 2.0, 3.0, 4.0],
    }
)
DRUGS = pd.DataFrame({"drug": ["a", "b"], "pathway": ["p", "q"]})
RESPONSES = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 4.0], [0.0, 1.0]])


def test_a_row_for_each_pair_that_was_measured():
    made = prepared(LINES, DRUGS, RESPONSES, np.array([2.0, np.nan]))
    assert list(made.features["id"][:3]) == ["l1/a", "l1/b", "l2/a"]
    assert list(made.targets[TARGET]) == [1.0, 2.0, 3.0, 5.0, 4.0, 0.0, 1.0]
    assert list(made.groups["call"]) == [
        *("sensitive", "", "resistant", "resistant", "", "sensitive", "")
    ]
    assert set(made.tables) == {"lines", "drugs"}


def test_what_rows_are_given_of_train_follows_from_themselves():
    """A call is the row's own: nothing standardised over other lines tells of hidden answers."""
    other = RESPONSES.copy()
    other[3] = [7.0, -7.0]
    first, second = (
        prepared(LINES, DRUGS, one, np.array([2.0, 2.0])) for one in (RESPONSES, other)
    )
    rows = first.features["line"] != "l4"
    assert first.groups[rows].equals(second.groups[rows])


def test_a_line_of_no_response_stays_in_the_table():
    gaps = RESPONSES.copy()
    gaps[1] = np.nan
    made = prepared(LINES, DRUGS, gaps, np.array([2.0, 2.0]))
    assert "l2" in set(made.tables["lines"]["line"])
    assert "l2" not in set(split.by_line(made)["line"])


@pytest.fixture(scope="module")
def demo():
    return simulate.demo()


def test_the_split_deals_lines_of_each_site(demo):
    table = split.by_line(demo)
    assert table["line"].is_unique
    lines = demo.tables["lines"].merge(table, on="line")
    scored = lines["part"] != "train"
    assert scored[lines["context"] == "blood"].all()
    solid = lines[lines["context"] == "solid"]
    assert (solid["part"] != "train").mean() == 0.2
    for _, site in solid.groupby("site"):
        assert abs((site["part"] != "train").sum() - len(site) / 5) < 1
        folds = site["fold"].value_counts()
        assert folds.max() - folds.min() <= 1
    assert abs((lines["part"][scored] == "public").mean() - 0.3) < 0.01


def test_the_ceiling_is_what_no_shift_of_it_beats(demo):
    """E[y | genes] has the least squared error: neither scaled nor moved does it come nearer."""
    truth, best = demo.targets[TARGET].to_numpy(), demo.ceiling[TARGET].to_numpy()
    for context in ("solid", "blood"):
        rows = (demo.groups["context"] == context).to_numpy()
        y, c = truth[rows], best[rows]
        error = np.mean((y - c) ** 2)
        drug = demo.groups["drug"][rows]
        about = c - pd.Series(c).groupby(drug.to_numpy()).transform("mean").to_numpy()
        for change in (-0.3 * about, 0.3 * about, np.full(len(c), 0.3), np.full(len(c), -0.3)):
            assert np.mean((y - c - change) ** 2) > error


def test_demo_is_like_the_real_data(demo):
    """The figures of the README."""
    rows = demo.groups.assign(y=demo.targets[TARGET])
    solid = rows[rows["context"] == "solid"]
    within = (solid["y"] - solid.groupby("drug")["y"].transform("mean")).var()
    assert 1 - within / solid["y"].var() == pytest.approx(0.70, abs=0.02)
    calls = (rows["call"] == "sensitive").groupby(rows["context"]).mean()
    assert calls["solid"] == pytest.approx(0.074, abs=0.005)
    assert calls["blood"] == pytest.approx(0.294, abs=0.06)


def test_genes_that_differ_between_files_are_counted(tmp_path):
    files = {}
    for name, genes in {"a": "XYZ", "b": "XY", "c": "XYY", "d": "XYZ"}.items():
        lines = "".join(f"{gene},1.5,0\n" for gene in genes)
        file = tmp_path / f"{name}.csv"
        file.write_text(f"Gene_name,gene_expression,copy_number\n{lines}")
        files[file.name] = file
    with pytest.raises(DataError) as error:
        prepare.expression(files)
    assert error.value.problems == (
        "b.csv: 1 genes are missing, 0 are there twice",
        "c.csv: 1 genes are missing, 1 are there twice",
    )
    del files["b.csv"], files["c.csv"]
    assert prepare.expression(files).shape == (2, 3)


@pytest.mark.realdata
@pytest.mark.slow
def test_gdsc_has_the_published_numbers(raw_folder):
    ready = datas.get(*api.load("response", "gdsc"), source=raw_folder("response"))
    train, test = ready.train(), ready.part("test")
    assert len(train) + len(test) == 104_292
    lines = train.tables["lines"]
    assert (len(lines), len(lines.columns) - 2) == (524, 697)
    assert lines["context"].value_counts().to_dict() == {"solid": 436, "blood": 88}
    assert len(train.tables["drugs"]) == 225
    blood = lines["site"][lines["context"] == "blood"].value_counts()
    assert blood.to_dict() == {"DLBC": 25, "LAML": 21, "ALL": 20, "MM": 13, "LCML": 9}
