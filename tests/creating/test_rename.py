"""`podium rename`: what was kept under the old name comes along, untouched."""

import shutil

import pytest
from test_freeze import made, mine, organiser  # noqa: F401  fixtures

import podium
from podium import scratch
from podium.competition import folders
from podium.creating import renaming
from podium.errors import DataError, PodiumError
from podium.leaderboard.board import open_board

TREES = """
import pandas as pd

DEFAULTS = {"a": 0.0}

def build(params, seed):
    return Constant(params["a"])

def space(trial):
    return {"a": trial.suggest_float("a", -1, 1)}

class Constant:
    def __init__(self, value):
        self.value = value

    def fit(self, train, report=None):
        pass

    def predict(self, part):
        return pd.DataFrame({"id": part.ids, "value": self.value})
"""


def rows(name, **view):
    return [(r.submission, r.team, r.name, r.score, r.rank) for r in podium.board(name, **view)]


@pytest.mark.slow
def test_all_comes_along(mine, workspace, tmp_path):  # noqa: F811
    (workspace / "model.py").write_text(TREES)
    podium.tune("mine", "model.py", trials=1)
    podium.cross_validate("mine", "model.py")
    ana, bob = (next(r for r in podium.board("mine") if r.team == team) for team in ("ana", "bob"))
    podium.pick("mine", ana.submission, team="ana")
    podium.withdraw(bob.submission, team="bob")
    podium.reveal("mine")
    podium.export_records(tmp_path / "before.jsonl")
    before, private = rows("mine"), rows("mine", part="private")

    renamed = podium.rename("mine", "ours")

    assert (renamed.name, renamed.id, renamed.left) == ("ours", "mine", ())
    assert not mine.exists()
    assert "competition.py" in renamed.written
    assert rows("ours") == before
    assert rows("ours", part="private") == private
    assert [s.model for s in podium.studies("ours")] == ["model"]
    assert len(podium.validations("ours")) == 1
    assert [r.submission for r in podium.pick("ours", team="ana")] == [ana.submission]
    assert {(m.competition, m.submissions) for m in podium.mine("ana")} == {("ours", 1)}
    assert podium.show("ours", "ana").competition == "ours"
    again = podium.submit("ours", "ana.csv", team="ana")
    assert (again.row.submission, again.new) == (ana.submission, False)
    assert podium.submit("ours", "ana.csv", team="joe").new
    assert not [v for v in podium.verify("ours") if v.problem]
    assert {e.competition for e in podium.list_competitions()} >= {"ours"}
    assert podium.load("mine")[0].name == "ours"
    imported = podium.import_records(tmp_path / "before.jsonl")
    assert imported.new == 0
    podium.export_records(tmp_path / "after.jsonl", "ours")
    old, new = ((tmp_path / f"{n}.jsonl").read_text().splitlines() for n in ("before", "after"))
    assert set(old) < set(new)


@pytest.mark.slow
def test_files_of_students_lie_under_either_name(mine, workspace):  # noqa: F811
    podium.rename("mine", "ours")
    for number, name in enumerate(("mine", "ours")):
        place = workspace / "submissions" / name / "table" / "joe"
        place.mkdir(parents=True, exist_ok=True)
        lines = (workspace / "ana.csv").read_text().splitlines()
        lines[1] = f"{lines[1].split(',')[0]},{number}"
        (place / f"by_{name}.csv").write_text("\n".join(lines))
    found = [one for one in podium.score_all("ours") if one.team == "joe"]
    assert {(one.competition, one.status) for one in found} == {("ours", "scored")}
    assert {"by_mine", "by_ours"} < {r.name for r in podium.board("ours", team="joe")}
    assert {one.status for one in podium.score_all()} == {"known"}
    assert not [v for v in podium.verify("ours") if v.problem]


def test_files_say_the_new_name(mine, podium_cli):  # noqa: F811
    page = mine / "README.md"
    page.write_text(page.read_text() + "\nThis is mine.\n", newline="")
    last = len(page.read_text().splitlines())
    done = podium_cli("rename", "mine", "ours")
    assert done.status == 0
    assert f"README.md:{last}" in done.out
    text = (mine.with_name("ours") / "README.md").read_text()
    assert "podium board ours" in text
    assert 'load("ours")' in (mine.with_name("ours") / "test_metric.py").read_text()
    facts = (mine.with_name("ours") / "competition.py").read_text()
    assert '    name="ours",\n    id="mine",\n' in facts
    assert podium.rename("ours", "mine").left == ()
    assert podium.load("mine")[0].id == "mine"


def test_other_peoples_names_stay(mine):  # noqa: F811
    page = mine / "README.md"
    foreign = ["https://www.kaggle.com/competitions/mine", 'read_csv(load("mine-x.csv"))']
    ours = ["see competitions/mine/README.md", "`podium board mine`."]
    page.write_text("\n".join([*foreign, *ours]), newline="")
    done = podium.rename("mine", "ours")
    text = (mine.with_name("ours") / "README.md").read_text()
    assert text.split("\n") == [*foreign, *(line.replace("mine", "ours") for line in ours)]
    assert {"README.md:1", "README.md:2"} <= set(done.left)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("toy", "that of a competition that there is"),
        ("a-b", "must be a Python name"),
        ("class", "must be a Python name"),
        ("Ours", "small letters"),
        ("mine", "there already"),
    ],
)
def test_names_that_cannot_be_used(new, said, mine):  # noqa: F811
    with pytest.raises(DataError, match=said):
        podium.rename("mine", new)
    assert podium.load("mine")


def test_a_name_stays_that_of_its_board(mine):  # noqa: F811
    podium.rename("mine", "ours")
    table = {"table": "value.csv", "target": "value", "metric": "rmse"}
    with pytest.raises(PodiumError, match="was that of 'ours'"):
        podium.new("mine", **table)
    shutil.copytree(mine.with_name("ours"), mine)
    file = mine / "competition.py"
    file.write_text(file.read_text().replace('name="ours"', 'name="mine"'))
    with pytest.raises(PodiumError, match=r"its id 'mine' is that of competitions/\w+, too"):
        podium.load("ours")


def test_what_the_disk_refuses_leaves_all_as_it_was(mine, monkeypatch):  # noqa: F811
    before = {file: file.read_bytes() for file in mine.rglob("*.py")}
    replacing = scratch.replacing

    def full(path, **_):
        if path.name == "competition.py" and "ours" in path.parts:
            monkeypatch.setattr(scratch, "replacing", replacing)
            raise OSError(28, "No space left on device")
        return replacing(path)

    monkeypatch.setattr(renaming.scratch, "replacing", full)
    with pytest.raises(DataError, match="No space left"):
        podium.rename("mine", "ours")
    assert {file: file.read_bytes() for file in mine.rglob("*.py")} == before
    assert rows("mine")


def test_facts_that_cannot_be_edited(mine):  # noqa: F811
    file = mine / "competition.py"
    file.write_text('NAME = "mine"\n' + file.read_text().replace('name="mine"', "name=NAME"))
    folders.forget("mine")
    with pytest.raises(PodiumError, match="does not have 'mine' as a text"):
        podium.rename("mine", "ours")
    assert rows("mine")


def test_a_kill_is_completed_by_the_same_call(mine, monkeypatch):  # noqa: F811
    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(renaming, "_write", killed)
        with pytest.raises(Killed):
            podium.rename("mine", "ours")
    with pytest.raises(PodiumError, match="podium rename OLD ours"):
        podium.load("ours")
    before = len(open_board().records())
    assert podium.rename("mine", "ours").id == "mine"
    assert len(rows("ours")) == before
