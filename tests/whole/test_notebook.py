"""What a notebook meets: tables in and out, short reprs, results that are tables."""

import json
from pathlib import Path

import pandas as pd
import pytest

import podium
from podium.errors import PodiumError, SubmissionError


@pytest.fixture
def table(toy, sample):
    """Predictions as a notebook has them."""
    return sample.assign(y=[n % 90 for n in range(len(sample))])


def test_a_table_is_checked_and_handed_in(table):
    assert podium.check("toy", table).rows == len(table)
    made = podium.submit("toy", table, message="from a notebook")
    assert made.row.name == "table"
    assert made.file.suffix == ".parquet"
    assert made.file.is_file()
    assert podium.submit("toy", table.set_index("id"), name="again").new is False
    with pytest.raises(SubmissionError, match="missing"):
        podium.submit("toy", table.iloc[1:])
    with pytest.raises(SubmissionError):
        podium.check("toy", table.rename(columns={"y": "z"}))


def test_results_are_short_and_have_tables(table):
    made = podium.submit("toy", table)
    validation = podium.cross_validate("toy", "line")
    compared = podium.compare("toy", podium.run("toy", "line").row.submission, made.row.submission)
    board = podium.board("toy")
    tuned = podium.tune("toy", "line", trials=2)
    for result in (made, validation, compared, board, tuned, podium.validations("toy")):
        assert len(repr(result)) < 250
        assert isinstance(result.to_frame(), pd.DataFrame)
        assert "<table" in result._repr_html_()
    assert made.score == made.row.score
    low, high = made.ci
    assert low < made.score < high
    assert validation.score == validation.by_seed[0]
    assert validation.ci == validation.card.whole.ci
    assert list(validation.to_frame()["rows of"]) == ["all rows", *validation.card.strata]
    assert [row.name for row in board][:1] == [board[0].name]
    assert {"name", "score", "metrics.mae"} <= set(board.to_frame().columns)
    assert "rank" in repr(made)
    assert tuned.score == tuned.value


def test_what_there_is_is_short_and_has_tables(table):
    made = podium.submit("toy", table, name="table")
    there, facts, declared = podium.list_competitions(), podium.show("toy"), podium.models("toy")
    shown = podium.show("toy", "table")
    for result in (there, facts, declared, podium.models("toy", "line"), shown, podium.mine()):
        assert len(repr(result)) < 250
        assert len(result.to_frame())
        assert "<table" in result._repr_html_()
    assert {"toy", "sirna"} <= {entry.competition for entry in there}
    assert facts["name"] == "toy"
    assert "scores.rmse" in set(facts.to_frame()["fact"])
    assert list(declared.to_frame()["model"]) == [one["model"] for one in declared]
    assert shown.score == made.row.score
    assert "rmse" in shown.to_frame()
    assert set(shown.to_frame()["part"]) == {"public"}
    assert json.loads(json.dumps([facts, declared])) == [facts, declared]


def test_data_and_blends_are_one_line(table):
    data = podium.prepare("toy")
    assert repr(data).startswith("<Data: toy/demo, rows train ")
    assert repr(data.train()).startswith("<Part: train, ")
    podium.submit("toy", table, name="table")
    podium.run("toy", "line")
    blend = podium.blend("toy", "line", "table", equal=True)
    assert len(repr(blend)) < 250
    assert list(blend.to_frame()["name"]) == ["line", "table"]
    assert "<table" in blend._repr_html_()


def test_tables_are_plain(table):
    podium.submit("toy", table)
    assert str(podium.board("toy").to_frame()["rank"].dtype) == "Int64"
    for jitter in (0.0, 0.1):
        podium.cross_validate("toy", "line", params={"jitter": jitter})
    assert "behind.difference" in podium.validations("toy").to_frame()


def test_every_call_is_seen_and_the_version_too():
    assert podium.__version__.count(".") >= 1
    assert set(podium.__all__) <= set(dir(podium))


@pytest.mark.parametrize(
    "call",
    [
        lambda: podium.submit("toy", 3),
        lambda: podium.check("toy", ["a"]),
        lambda: podium.run("toy", None),
        lambda: podium.board(7),
        lambda: podium.prepare("toy", 7),
        lambda: podium.submit("toy", {"id": [1]}),
    ],
)
def test_wrong_types_are_told(toy, call):
    with pytest.raises(PodiumError):
        call()


def test_paths_may_be_text(table, tmp_path):
    file = str(tmp_path / "a.csv")
    table.to_csv(file, index=False)
    podium.submit("toy", file)
    podium.export_records(str(tmp_path / "board.jsonl"), "toy")
    podium.report("toy", out=str(tmp_path / "site"))
    podium.tune("toy", "line", trials=1, plots=str(tmp_path / "plots"))
    podium.prepare("toy", "table", source=str(Path(__file__).parents[1] / "toy" / "raw"))
    assert (tmp_path / "site" / "index.html").is_file()
    assert isinstance(podium.board("toy").to_frame(), pd.DataFrame)
