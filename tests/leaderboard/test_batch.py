"""Many files at once: a course by pull request, another version, withdrawals."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_exchange import better

import podium
from podium import workspace
from podium.competition.contract import Competition
from podium.errors import BoardError, PodiumError
from podium.leaderboard import rescore
from podium.leaderboard.board import open_board
from podium.leaderboard.submit import Scorer
from podium.scoring.scoring import Solution
from suites import mostly_slow


@pytest.fixture
def drop(sample, workspace):
    """Puts the sample, shifted, where a student would."""

    def put(name, shift=0.0, *, table=None):
        path = workspace / "submissions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (sample if table is None else table).assign(y=lambda t: t["y"] + shift).to_csv(
            path, index=False
        )
        return path

    return put


@pytest.fixture
def new_metric(toy, monkeypatch, tmp_path):
    """Begins another version: the metric has another version."""

    def change():
        folder = tmp_path / "other version"
        shutil.copytree(toy.folder, folder)
        golden = json.loads((folder / "golden.json").read_text())
        (folder / "golden.json").write_text(json.dumps({**golden, "metric": 2}))
        monkeypatch.setattr(Competition, "folder", property(lambda self: folder))
        monkeypatch.setattr(
            toy.module("competition"), "competition", replace(toy, metric_version=2)
        )

    return change


def statuses(handled):
    return {entry.file: entry.status for entry in handled}


def board(**options):
    return {row.name: row for row in podium.board("toy", **options)}


def test_every_new_file_is_scored_and_one_that_fails_stops_no_other(drop, podium_cli, workspace):
    drop("toy/demo/bob/first.csv", 1.0)
    drop("toy/demo/eve/second.csv", 2.0)
    drop("toy/demo/eve/bad.csv", 1000.0)
    drop("toy/demo/../x/no-team.csv")
    drop("toy/demo/podium/house.csv", 3.0)
    drop("nope/demo/bob/x.csv")
    drop("toy/dmo/bob/x.csv")
    drop("toy/demo/bob/abc.open.csv")
    (workspace / "submissions" / "toy" / "demo" / "bob" / "notes.txt").write_text("hi")
    (workspace / "submissions" / "README.md").write_text("hi")
    (workspace / "submissions" / "toy" / "demo" / "bob" / "link.csv").symlink_to("first.csv")
    done = podium_cli("score-all", "--json")
    assert done.status == 1
    found = {entry["file"].removeprefix("submissions/"): entry for entry in done.json}
    assert {name: entry["status"] for name, entry in found.items()} == {
        "nope/demo/bob/x.csv": "refused",
        "toy/demo/bob/first.csv": "scored",
        "toy/demo/bob/link.csv": "refused",
        "toy/demo/bob/notes.txt": "ignored",
        "toy/demo/eve/bad.csv": "refused",
        "toy/demo/eve/second.csv": "scored",
        "toy/demo/podium/house.csv": "refused",
        "toy/dmo/bob/x.csv": "refused",
        "toy/x/no-team.csv": "refused",
    }
    problems = {name: entry["problem"] for name, entry in found.items()}
    assert "Unknown competition 'nope'" in problems["nope/demo/bob/x.csv"]
    assert "Did you mean 'demo'?" in problems["toy/dmo/bob/x.csv"]
    assert "108 values outside" in problems["toy/demo/eve/bad.csv"]
    assert "belongs to the controls" in problems["toy/demo/podium/house.csv"]
    assert "must lie in submissions/<competition>" in problems["toy/x/no-team.csv"]
    assert {"first", "second", "zero", "ceiling"} == set(board())
    assert not list((workspace / "submissions").rglob("*.parquet"))  # kept as they lie


class UnforeseenError(Exception):
    """What a metric, a check or a library may raise; nothing is known of it."""


@pytest.fixture
def breaks(monkeypatch):
    """Scoring of some predictions fails in a way that nobody foresaw."""
    score = Solution.score

    def scored(self, predictions):
        if predictions["y"].min() > 1.5:  # and not the ceiling's, which a failure would leave out
            raise error
        return score(self, predictions)

    def begin(what):
        nonlocal error
        error = what
        monkeypatch.setattr(Solution, "score", scored)

    error = None
    return begin


FAULTS = [
    UnforeseenError("odd\nand \x1b[31m"), StopIteration(), RecursionError("deep"), MemoryError(),
    KeyError("y"), AssertionError(), OSError("no errno"),
]  # fmt: skip


@pytest.mark.parametrize(
    "error", mostly_slow(FAULTS, 0, -1), ids=lambda error: type(error).__name__
)
def test_whatever_one_file_raises_is_its_own_line(error, drop, breaks, podium_cli):
    for name, shift in (("ana/first", 0), ("bob/bad", 2), ("bob/good", 1), ("eve/last", 0.5)):
        drop(f"toy/demo/{name}.csv", float(shift))
    breaks(error)
    done = podium_cli("score-all", "--json")
    assert done.status == 1
    found = {Path(entry["file"]).stem: entry for entry in done.json}
    assert [found[name]["status"] for name in ("first", "bad", "good", "last")] == [
        *("scored", "refused", "scored", "scored")
    ]
    problem = found["bad"]["problem"]
    if isinstance(error, OSError):
        assert problem == "The system refused: no errno."
    else:
        assert problem.startswith(f"unexpected: {type(error).__name__}: ")
        assert problem.endswith("(worth a report to whoever keeps it, with this file)")
    assert problem.isprintable()
    assert {"first", "good", "last"} <= set(board())
    assert "bad" not in board()
    again = podium_cli("score-all")
    assert "0 scored, 1 refused, 3 known already." in again.err


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_none_of_a_file(stop, drop, breaks):
    drop("toy/demo/bob/bad.csv", 2.0)
    breaks(stop())
    with pytest.raises(stop):
        podium.score_all()


@pytest.mark.slow
def test_odd_parquet_stops_nobody(drop, podium_cli, sample):
    place = drop("toy/demo/bob/good.csv").parent
    table = pa.Table.from_pandas(sample)
    view = table.set_column(0, "id", table["id"].cast(pa.string_view()))
    pq.write_table(view.slice(0, 50), place / "half a view.parquet")
    for name, groups in (("no group", 0), ("an empty group", 1)):
        with pq.ParquetWriter(place / f"{name}.parquet", table.schema) as file:
            for _ in range(groups):
                file.write_table(table.slice(0, 0))
    found = {Path(e["file"]).stem: e for e in podium_cli("score-all", "--json").json}
    assert found.pop("good")["status"] == "scored"
    assert {name: entry["problem"].split(";")[0] for name, entry in found.items()} == {
        "an empty group": "The submission cannot be scored: 2 problems: the table has no rows",
        "half a view": found["half a view"]["problem"],
        "no group": "The submission cannot be scored: 2 problems: the table has no rows",
    }
    assert "58 ids missing" in found["half a view"]["problem"]


def test_data_that_cannot_be_opened_is_the_line_of_each_file(drop, monkeypatch):
    drop("toy/demo/ana/first.csv")
    drop("toy/demo/bob/second.csv")
    calls = []

    def load(*_):
        calls.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr(rescore.data, "load", load)
    problems = [entry.problem for entry in podium.score_all()]
    assert [text.partition(" (")[0] for text in problems] == ["unexpected: ZeroDivisionError:"] * 2
    assert len(calls) == 1


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_names_of_files_steer_no_terminal(drop, podium_cli):
    names = ("red\x1b[31m.csv", "no utf8 \udcff.csv", "c1 \x9b.csv", "notes \udcff.txt")
    for shift, name in enumerate(names, 1):
        made = drop("toy/demo/bob/made.csv", shift)
        made.rename(made.with_name(name))
    drop("toy/demo/bob/first.csv")
    done = podium_cli("score-all", "--json")
    assert done.status == 1
    assert {Path(entry["file"]).name: entry["status"] for entry in done.json} == {
        "first.csv": "scored",
        "red\x1b[31m.csv": "refused",
        "no utf8 \udcff.csv": "refused",
        "c1 \x9b.csv": "refused",
        "notes \udcff.txt": "ignored",
    }
    table = podium_cli("score-all")
    assert table.status == 1
    assert "red\\x1b[31m.csv" in table.out
    for text in (done.out, done.err, table.out, table.err):
        assert text.replace("\n", "").isprintable()


@pytest.mark.slow
def test_a_claim_that_cannot_be_verified_is_no_record(drop, monkeypatch, tmp_path):
    """As where its file changes while it is read."""
    drop("toy/demo/bob/first.csv")
    podium.score_all()
    (true,) = (r for r in podium.board("toy") if r.team == "bob")
    file = tmp_path / "board.jsonl"
    podium.export_records(file)
    lines = map(json.loads, file.read_text().splitlines())
    file.write_text("\n".join(json.dumps(better(line)) for line in lines))
    (tmp_path / "other" / "submissions" / "toy").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "other")
    podium.import_records(_submissions_alone(file))
    shutil.copytree(tmp_path / "workspace/submissions/toy/demo", "submissions/toy/demo")
    monkeypatch.setattr(Scorer, "verified", lambda *_: None)
    assert [entry.score for entry in podium.score_all()] == [true.score]


def _submissions_alone(file):
    lines = [line for line in file.read_text().splitlines() if '"scored"' in line]
    file.write_text("\n".join(lines))
    return file


def test_what_was_scored_is_known(drop, podium_cli):
    file = drop("toy/demo/bob/first.csv")
    drop("toy/demo/bob/copy.csv")
    drop("toy/demo/eve/same.csv")
    podium.submit("toy", file, team="ana")
    assert list(statuses(podium.score_all()).values()) == ["known", "scored", "known", "scored"]
    again = podium_cli("score-all", "toy")
    assert (again.status, again.out) == (0, "")
    assert "0 scored, 0 refused, 4 known already." in again.err
    assert len([row for row in board().values() if row.rank]) == 3
    assert podium_cli("score-all", "toi").status == 1


def test_a_link_is_refused_since_it_may_lead_anywhere(drop, workspace):
    drop("toy/demo/bob/first.csv")
    (workspace / "submissions" / "toy" / "demo" / "bob" / "x.csv").symlink_to("first.csv")
    assert [e.problem for e in podium.score_all()] == [
        None,
        "it is a link: hand in the file itself",
    ]


def test_nothing_to_score(podium_cli):
    assert podium_cli("score-all", "--json").json == []


def test_a_withdrawn_entry_stands_last_and_does_not_rank(drop, podium_cli):
    drop("toy/demo/ana/best.csv")
    drop("toy/demo/ana/second.csv", 1.0)
    podium.score_all()
    best = board()["best"]
    done = podium_cli("withdraw", best.submission[:5], "--yes", "--json")
    assert done.json == {
        "submission": best.submission, "competition": "toy", "dataset": "demo", "team": "ana",
        "name": "best", "new": True,
    }  # fmt: skip
    rows = podium.board("toy")
    assert (rows[-1].name, rows[-1].status, rows[-1].rank) == ("best", "withdrawn", None)
    assert board()["second"].rank == 1
    assert board()["second"].entries == 1
    with pytest.raises(PodiumError, match="bob"):  # it has nothing there
        podium.board("toy", team="bob")
    counts = open_board(workspace.database_url()).counts()
    assert counts == {("toy", "demo"): 1}
    assert "was withdrawn already" in podium_cli("withdraw", best.submission).out
    with pytest.raises(PodiumError, match=f"were withdrawn, as {best.submission}"):
        podium.submit("toy", "submissions/toy/demo/ana/best.csv")
    assert set(statuses(podium.score_all()).values()) == {"known"}


@pytest.mark.slow
def test_what_cannot_be_withdrawn(drop, podium_cli):
    for shift in range(20):
        drop(f"toy/demo/bob/{shift}.csv", shift / 100)
    podium.score_all()
    rows = podium.board("toy")
    bobs = {row.submission for row in rows if row.team == "bob"}
    first = next(iter(bobs))
    for command, words in (
        ([first], "belongs to team bob, you are ana"),
        ([first, "--team", "eve"], "--team bob"),
        ([next(r.submission for r in rows if r.status == "control")], "is the control 'zero'"),
        (["zzz"], "'zzz' is no submission of any board here"),
        (["%%%%"], "is no submission"),
        ([""], "is no submission"),
        ([first[:3]], "its first 4 letters or more"),
    ):
        done = podium_cli("withdraw", *command)
        assert (done.status, done.out) == (1, "")
        assert words in done.err
    assert podium_cli("withdraw", first.upper(), "--yes", "--team", "bob").status == 0


def test_withdrawing_where_there_is_no_board(podium_cli):
    done = podium_cli("withdraw", "abc")
    assert done.status == 1
    assert "no board here yet" in done.err


@pytest.mark.slow
def test_rescoring_another_edition(drop, new_metric, podium_cli, workspace):
    kept = drop("toy/demo/ana/kept.csv")
    drop("toy/demo/bob/changed.csv", 1.0)
    drop("toy/demo/bob/lost.csv", 2.0)
    drop("toy/demo/eve/gone.csv", 3.0)
    podium.score_all()
    before = board()
    podium.withdraw(before["gone"].submission, team="eve")
    assert podium.rescore("toy") == []
    new_metric()
    assert {row.status for row in board().values()} == {"outdated", "withdrawn"}
    (workspace / "submissions/toy/demo/bob/changed.csv").write_text("id,y\n")
    (workspace / "submissions/toy/demo/bob/lost.csv").unlink()
    done = podium_cli("rescore", "toy", "--json")
    assert done.status == 1
    folder = "submissions/toy/demo/bob"
    assert {Path(e["file"]).name: (e["status"], e["problem"]) for e in done.json} == {
        "kept.csv": ("scored", None),
        "changed.csv": (
            "refused",
            f"{folder}/changed.csv has changed since it was handed in (sha256).",
        ),
        "lost.csv": ("refused", f"{folder}/lost.csv is missing."),
    }
    rows = podium.board("toy")
    (ranked,) = [row for row in rows if row.rank]
    assert (ranked.name, ranked.score) == ("kept", before["kept"].score)
    assert ranked.created == before["kept"].created
    assert [row.name for row in rows if row.status == "outdated"] == ["kept", "changed", "lost"]
    assert {row.name for row in rows} >= {"zero", "ceiling"}
    records = open_board(workspace_url()).records()
    old, new = [r for r in records if r.name == "kept"]
    assert new.provenance["metric"] != old.provenance["metric"]
    assert {"created", "versions"} <= set(new.provenance["rescored"])
    again = podium_cli("rescore", "toy", "--json")
    assert [e["status"] for e in again.json] == ["refused", "refused"]
    assert open_board(workspace_url()).counts() == {("toy", "demo"): 3}
    assert kept.is_file()


def workspace_url():
    return workspace.database_url()


def test_rescoring_what_is_now_refused(drop, new_metric, monkeypatch):
    drop("toy/demo/ana/kept.csv")
    podium.score_all()
    new_metric()
    from podium.errors import SubmissionError
    from podium.scoring import submission

    def refuse(*_, **__):
        raise SubmissionError("It is refused.", problems=["a", "b"])

    monkeypatch.setattr(submission, "align", refuse)
    (found,) = podium.rescore("toy")
    assert (found.status, found.problem) == ("refused", "It is refused: a; b")


def test_whatever_an_old_record_raises_is_its_own_line(drop, new_metric, breaks):
    drop("toy/demo/ana/first.csv")
    drop("toy/demo/bob/bad.csv", 2.0)
    drop("toy/demo/eve/last.csv", 1.0)
    podium.score_all()
    new_metric()
    breaks(UnforeseenError("odd"))
    found = {Path(e.file).stem: e for e in podium.rescore("toy")}
    assert {name: entry.status for name, entry in found.items()} == {
        "first": "scored", "bad": "refused", "last": "scored"
    }  # fmt: skip
    assert found["bad"].problem.startswith("unexpected: UnforeseenError: odd (")
    assert found["bad"].submission


def test_rescoring_nothing(podium_cli):
    with pytest.raises(BoardError, match="Nothing was submitted"):
        podium.rescore("toy")
