"""`score-all`: every form of file, what is ignored, and students' model files."""

import gzip
import zipfile
from pathlib import Path

import pytest
from test_batch import drop  # noqa: F401  a fixture

import podium
from podium.errors import ModelError, PodiumError
from podium.execution import policy, running

MODEL = """
from pathlib import Path

import pandas as pd

DEFAULTS = {"slope": 2.0}

def build(params, seed):
    return Line(params["slope"])

def space(trial):
    return {}

class Line:
    def __init__(self, slope):
        self.slope = slope

    def fit(self, train, report=None):
        #fit
        pass

    def predict(self, part):
        return pd.DataFrame({"id": part.ids, "y": self.slope * part.features["x"]})
"""


def test_every_form_that_submit_reads(sample, workspace, podium_cli):
    place = workspace / "submissions" / "toy" / "demo"
    for team in ("csv", "gz", "tsv", "zip", "parquet", "feather", "h5"):
        (place / team).mkdir(parents=True)
    text = sample.to_csv(index=False)
    (place / "csv" / "p.csv").write_text(text)
    (place / "gz" / "p.csv.gz").write_bytes(gzip.compress(text.encode()))
    (place / "tsv" / "p.tsv").write_text(text.replace(",", "\t"))
    with zipfile.ZipFile(place / "zip" / "p.zip", "w") as archive:
        archive.writestr("p.csv", text)
    sample.to_parquet(place / "parquet" / "p.parquet")
    sample.to_feather(place / "feather" / "p.feather")
    found = podium_cli("score-all", "--json")
    assert {one["team"]: one["status"] for one in found.json} == dict.fromkeys(
        ("csv", "gz", "tsv", "zip", "parquet", "feather"), "scored"
    )
    assert found.status == 0
    assert {row.name for row in podium.board("toy") if row.status == "scored"} == {"p"}


@pytest.mark.parametrize(
    ("name", "status"), [("notes.txt", 1), ("model.py", 1), ("_helper.py", 1), (".notes", 0)]
)
def test_what_is_ignored_ends_with_1(name, status, drop, podium_cli):  # noqa: F811
    drop("toy/demo/bob/first.csv").with_name(name).write_text("x")
    done = podium_cli("score-all")
    assert done.status == status
    assert (f"ignored: submissions/toy/demo/bob/{name}" in done.err) == bool(status)
    assert ("score-all --models" in done.err) == (name == "model.py")


def test_pages_above_teams_are_nobodys(drop, podium_cli, workspace):  # noqa: F811
    drop("toy/demo/bob/first.csv")
    for place in ("README.md", "toy/README.md", "toy/demo/README.md", "toy/demo/bob/pkg/more.py"):
        (workspace / "submissions" / place).parent.mkdir(exist_ok=True)
        (workspace / "submissions" / place).write_text("x")
    assert podium_cli("score-all", "--models").status == 0


def model(workspace, team, fit="pass", name="line.py", slope=2.0):
    file = workspace / "submissions" / "toy" / "demo" / team / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(MODEL.replace("#fit", fit).replace("2.0", str(slope)))
    return file


@pytest.mark.slow
def test_model_files_are_run_in_the_sandbox(toy, workspace, podium_cli, tmp_path):
    other = model(workspace, "ana", slope=1.5)
    model(workspace, "bob", f"Path({str(other)!r}).read_text()")  # another team's folder
    model(workspace, "eve", "raise ValueError('my own fault')")
    model(workspace, "joe", "import time; time.sleep(600)")
    model(workspace, "joe", name="_helper.py")
    model(workspace, "kim", slope=1.0)
    assert podium.score_all()[0].status == "ignored"
    done = podium_cli("score-all", "--models", "--limit-time", "15", "--json")
    assert done.status == 1
    found = {one["team"]: one for one in done.json if "_helper" not in one["file"]}
    assert {team: one["status"] for team, one in found.items()} == {
        "ana": "scored", "bob": "refused", "eve": "refused", "joe": "refused", "kim": "scored"
    }  # fmt: skip
    assert "line.py" in found["bob"]["problem"]
    assert "my own fault" in found["eve"]["problem"]
    assert "15" in found["joe"]["problem"]
    rows = {row.team: row for row in podium.board("toy") if row.status == "scored"}
    assert {team: row.name for team, row in rows.items()} == {"ana": "line", "kim": "line"}
    assert found["ana"]["score"] == rows["ana"].score
    record = podium.show("toy", rows["ana"].submission)
    assert record.provenance["model_file"] == "submissions/toy/demo/ana/line.py"
    mine = podium.run("toy", other, team="ana")
    assert (mine.row.submission, mine.new) == (rows["ana"].submission, False)
    again = {
        one.file.split("/")[3]: one.status
        for one in podium.score_all(models=True, limit_time=15)[:1]
    }
    assert again == {"ana": "known"}


def test_limits_are_looked_at_before(workspace):
    with pytest.raises(PodiumError, match="time limit"):
        podium.score_all(models=True, limit_time=-1)


def test_a_model_sees_what_its_team_put_beside_it(toy, workspace):
    mine, other = model(workspace, "ana"), model(workspace, "bob")
    for file in (mine, other):
        for name in ("weights.txt", "mine.csv", "line/more.txt", "else/more.txt"):
            (file.parent / name).parent.mkdir(exist_ok=True)
            (file.parent / name).write_text("1")
    seen = policy.of(toy, mine, [], workspace / "scratch", 1).read
    there = mine.resolve().parent
    below = {str(one) for one in map(there.parent.joinpath, seen) if there.parent in one.parents}
    assert below == {str(there / name) for name in ("line.py", "weights.txt", "line")}


@pytest.fixture
def runs(toy, sample, monkeypatch, tmp_path):
    """Models that say the same, or fail, without a process; gives the names of those that ran."""
    ran = []

    def predict(_, __, file, **___):
        ran.append(file.path.parent.name)
        if "fail" in file.source.decode():
            raise ModelError("my own fault")
        sample.to_csv(tmp_path / "said.csv", index=False)
        code = {"model_sha256": file.sha256}
        return running.Made(path=tmp_path / "said.csv", code=code, open_table=None, left_open=())

    monkeypatch.setattr(running, "predict_test", predict)
    return ran


def test_no_model_is_run_twice(runs, workspace):
    first = model(workspace, "ana")
    model(workspace, "ana", name="same.py")
    bad = model(workspace, "eve", "fail()")
    first.with_name("weights.txt").write_text("1")
    assert [one.status for one in podium.score_all(models=True)] == ["scored", "scored", "refused"]
    assert runs == ["ana", "ana", "eve"]
    again = podium.score_all(models=True)
    table = {Path(one.file).name: one.status for one in again if one.file.endswith(".csv")}
    assert set(table.values()) == {"known"}
    assert [one.status for one in again if one.file.endswith(".py")] == [
        "known", "known", "refused"
    ]  # fmt: skip
    assert "my own fault" in again[-1].problem
    assert runs == ["ana", "ana", "eve"]
    first.with_name("weights.txt").write_text("2")
    bad.write_text(MODEL)
    assert podium.score_all(models=True)[-1].status == "scored"
    assert runs[3:] == ["ana", "ana", "eve"]
