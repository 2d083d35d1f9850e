"""Names, files and clocks as people have them."""

import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from test_leaderboard import record

import podium
from podium import workspace
from podium.errors import BoardError, PodiumError
from podium.leaderboard import board as boards
from podium.leaderboard.board import open_board

TEAMS = ["हिन्दी", "ไทยที่", "می\u200cخواهم", "ක්\u200dර", "தமிழ்", "Zoë", "команда", "漢字", "x\u0301y"]
NO_TEAMS = [
    "an\u200da",
    "a\u200c",
    "می\u200c",
    "\u0301a",
    "a\u202eb",
    "漢 ",
    "-\u0301",
    "a\u200c\u200cb",
    "an\u034fa",
    "ana\ufe0f",
    "a\u180bna",
    "a\u3164na",
    "\u115fana",
    "ana\U000e0100",
    "a" + "\u0323" * 6,
]


@pytest.mark.parametrize("name", TEAMS)
def test_teams_of_any_script(name, sample, workspace, tmp_path, monkeypatch):
    sample.to_csv("first.csv", index=False)
    row = podium.submit("toy", "first.csv", team=name).row
    assert row.team == unicodedata.normalize("NFC", name)
    podium.export_records(tmp_path / "board.jsonl")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    podium.import_records(tmp_path / "board.jsonl")
    assert row.team in {one.team for one in podium.board("toy")}


@pytest.mark.parametrize("name", NO_TEAMS)
def test_what_nobody_sees_is_no_team(name):
    with pytest.raises(PodiumError, match="cannot be used"):
        workspace.team(name)


def test_a_byte_order_mark_in_settings(workspace):
    (workspace / "podium.toml").write_bytes(b'\xef\xbb\xbfteam = "eve"\n')
    assert podium.workspace.team("eve") == "eve"


@pytest.mark.parametrize(("form", "word"), [("NFC", "(NFC)"), ("NFD", "(NFD)")])
def test_ids_that_look_the_same_are_told_apart(form, word, toy, sample):
    import pyarrow as pa

    from podium.scoring.submission import _id_problems

    ids = [unicodedata.normalize(form, name) for name in ("é1", "ü2")]
    given = [unicodedata.normalize({"NFC": "NFD", "NFD": "NFC"}[form], name) for name in ids]
    _, problems = _id_problems(pa.array(given), pa.array(ids), {}, None)
    assert any(word in problem for problem in problems)
    _, problems = _id_problems(pa.array(["a", "b"]), pa.array(ids), {}, None)
    assert not any("look the same" in problem for problem in problems)


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n"


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.parquet", "p.h5"])
def test_a_pointer_is_named(name, workspace, podium_cli):
    (workspace / name).write_text(LFS)
    done = podium_cli("check", "toy", name)
    assert "a pointer of Git LFS" in done.err
    assert "git lfs pull" in done.err


def test_pointers_and_conflicts_of_exports_are_named(workspace, podium_cli):
    (workspace / "b.jsonl").write_text(LFS)
    assert "git lfs pull" in podium_cli("import", "b.jsonl").err
    (workspace / "b.jsonl").write_text("<<<<<<< HEAD\n=======\n>>>>>>> other\n")
    done = podium_cli("import", "b.jsonl")
    assert done.err.count("a mark of a merge conflict") == 3
    (workspace / "p.csv").write_text("<<<<<<< HEAD\nid,y\n=======\n")
    assert "marks of a merge conflict" in podium_cli("check", "toy", "p.csv").err


def test_a_record_from_ahead_is_not_of_every_day(workspace, monkeypatch):
    board = open_board()
    ahead = replace(record("a", 1.0), created="2026-05-03T10:00:00+00:00")
    board.add(ahead)
    for day, refused in (("01", False), ("02", False), ("03", True), ("04", False)):
        monkeypatch.setattr(boards, "now", lambda day=day: f"2026-05-{day}T12:00:00+00:00")
        with board.read() as connection:
            where = (ahead.team, ahead.competition, ahead.dataset, ahead.version)
            try:
                boards.refuse_over_limit(connection, 1, *where)
                assert not refused
            except BoardError:
                assert refused


@pytest.mark.parametrize("value", [1e9, 123456789012.0, 1e150, -1.7e308, 1e300])
def test_a_figure_of_any_size_fits_a_table(value):
    from podium import figures

    assert len(figures.figure(value)) <= 12
    assert float(figures.figure(value)) == pytest.approx(value, rel=1e-4)
    assert len(figures.interval((value, value))) <= 26


@pytest.mark.parametrize("value", [1e100, 1e150, 1e154, 1e160, 1e307])
@pytest.mark.filterwarnings("error")
def test_very_large_predictions_are_refused_with_the_reason(value, toy, sample):
    from podium.data.dataset import load
    from podium.scoring.scoring import open_solution

    solution = open_solution(load(*podium.load("toy")))
    predictions = {"y": np.full(len(sample), value)}
    with pytest.raises(PodiumError, match=f"as large as {value:.0e}".replace("+", r"\+")):
        solution.score(predictions)
    assert solution.score({"y": np.full(len(sample), 1e20)})["all"].whole.scores["rmse"] > 1e19
