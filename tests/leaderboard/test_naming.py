"""Submissions by name: one resolver for all commands, what is told of one, and what is for good."""

import json
import re
import shlex
import shutil
import sys
from dataclasses import replace

import pytest
import typer

import podium
from podium.errors import BoardError
from podium.figures import shown
from podium.leaderboard.board import open_board
from podium.verifying import verify


@pytest.fixture(scope="module")
def made(made_once, sample_once):
    def fill():
        for number, (team, name) in enumerate(
            [("ana", "good"), ("ana", "same"), ("bob", "same"), ("bob", "bad")]
        ):
            table = sample_once.assign(y=sample_once["y"] + number)
            table.to_csv("x.csv", index=False)
            podium.submit("toy", "x.csv", team=team, name=name, message=f"number {number}")
        podium.run("toy", "constant", params={"value": 20.0}, name="trained")

    return made_once(fill)


@pytest.fixture
def ids(made, workspace):
    shutil.copytree(made, workspace, dirs_exist_ok=True)
    return {f"{row.team}/{row.name}": row.submission for row in podium.board("toy")}


@pytest.mark.slow
def test_every_command_takes_the_same_names(ids, podium_cli):
    good, bad = ids["ana/good"], ids["bob/bad"]
    for name in (good, good[:5].upper(), "good", "ana/good"):
        assert podium.show("toy", name).row.submission == good
        assert podium.compare("toy", name, bad).rows[0].submission == good
        assert podium.pick("toy", name, team="ana")[0].submission == good
        assert podium.remark(name, "as before", team="ana").submission == good
        blend = podium.blend("toy", name, "bad", equal=True, submit=False).blend
        assert [member.submission for member in blend.members] == [good, bad]
    assert podium.show("toy", "bob").row.rank == min(
        row.rank for row in podium.board("toy") if row.team == "bob"
    )  # a team means its best
    for command in (
        ["show", "toy", "same"], ["compare", "toy", "good", "same"], ["plot", "toy", "same"],
        ["blend", "toy", "good", "same"], ["withdraw", "same", "--yes"], ["remark", "same", "x"],
    ):  # fmt: skip
        done = podium_cli(*command)
        assert (done.status, done.out) == (1, "")
        assert "'same' fits 2 submissions" in done.err
        for team in ("ana", "bob"):
            assert f"{ids[f'{team}/same']}: {team}/same" in done.err


def test_the_hint_picks_one(ids, podium_cli):
    for command in (["show", "toy", "same"], ["compare", "toy", "same", "good"]):
        said = podium_cli(*command).err
        (hint,) = re.findall("Give the ID of the one that you mean: podium (.*)", said)
        assert podium_cli(*shlex.split(hint)).status == 0


def test_what_is_nowhere_names_what_there_is(ids, podium_cli):
    done = podium_cli("show", "toy", "goood")
    assert "'goood' is no submission of this board; did you mean 'good'?" in done.err
    assert f"{ids['ana/good']}: ana/good" in done.err
    assert "podium board toy --dataset demo" in done.err
    assert "'table' is a dataset" in podium_cli("show", "toy", "table").err


def test_show_tells_all_of_a_submission(ids, podium_cli):
    told = podium.show("toy", "trained")
    assert (told.competition, told.dataset, told.row.name) == ("toy", "demo", "trained")
    assert told.provenance["params"]["value"] == 20.0
    assert set(told.scores) == {"public"}
    assert set(told.scores["public"]["strata"]) == {"new", "seen"}
    assert told.scores["public"] == shown(told.scores["public"])
    assert told.file_problem is None
    document = podium_cli("show", "toy", "trained", "--json").json
    assert document == json.loads(json.dumps(told.as_json))
    said = podium_cli("show", "toy", "ana/good")
    for text in (ids["ana/good"], "number 0", "public part", "new", "versions."):
        assert text in said.out
    assert "params.value" in podium_cli("show", "toy", "trained").out
    control = podium.show("toy", "zero")
    assert (control.row.status, control.file, control.file_problem) == ("control", None, None)
    podium.pick("toy", "good", team="ana")
    assert podium.show("toy", "good").picked
    podium.withdraw("good", team="ana")
    assert "withdrawn" in podium_cli("show", "toy", "good").out
    podium.reveal("toy")
    opened = podium.show("toy", "trained").scores
    assert set(opened) == {"public", "private", "all"}
    assert opened == shown(opened)
    assert "private part" in podium_cli("show", "toy", "trained").out


def test_show_says_what_became_of_the_file(ids, workspace):
    file = workspace / podium.show("toy", "good").file
    file.write_text("changed")
    assert "has changed since" in podium.show("toy", "good").file_problem
    file.unlink()
    assert "is missing" in podium.show("toy", "good").file_problem


def test_what_is_shown_before_the_reveal_holds_nothing_private(ids, podium_cli):
    (record,) = open_board().records(submission=ids["ana/good"])
    hidden = {f"{record.private['scores']['rmse']:.4f}", f"{record.all['scores']['rmse']:.4f}"}
    for arguments in (["--json"], []):
        done = podium_cli("show", "toy", "good", *arguments)
        assert not [value for value in hidden if value in done.out]


def test_mine_is_what_a_team_has_everywhere(ids, sample, podium_cli):
    sample.to_csv("x.csv", index=False)
    (one,) = podium.mine("ana")
    assert (one.competition, one.dataset, one.submissions, one.ranked) == ("toy", "demo", 3, 5)
    best = next(row for row in podium.board("toy") if row.team == "ana" and row.rank)
    assert (one.best, one.name, one.score, one.rank) == (
        best.submission, best.name, best.score, best.rank,
    )  # fmt: skip
    podium.pick("toy", "good", team="ana")
    assert podium_cli("mine", "--team", "ana", "--json").json[0]["picked"] == [ids["ana/good"]]
    said = podium_cli("mine")
    assert best.submission in said.out
    assert f"{best.rank} of 5" in said.out
    assert ids["ana/good"] in said.err
    nobody = podium_cli("mine", "--team", "eve")
    assert (nobody.status, nobody.out) == (0, "")
    assert "Nothing was submitted by this team" in nobody.err
    board = open_board()
    (record,) = board.records(submission=ids["ana/good"])
    board.add(replace(record, competition="lost", submission="feedfacefeed"))
    lost, _ = podium.mine("ana")
    assert (lost.competition, lost.rank) == ("lost", None)
    assert "Unknown competition 'lost'" in lost.problem


@pytest.mark.slow
def test_a_remark_is_changed_by_its_team_alone(ids, podium_cli):
    before = podium.export_records("before.jsonl")
    done = podium_cli("remark", "good", "better than it looks", "--team", "ana")
    assert done.status == 0
    assert "better than it looks" in done.out
    assert podium.show("toy", "good").message == "better than it looks"
    assert podium_cli("remark", "good", "", "--json").json["message"] == ""
    for names, words in (
        (["bad", "x"], "belongs to team bob, you are ana"),
        (["zero", "x"], "is the control 'zero'"),
        (["good", "x" * 1001], "cannot be used"),
        (["nothing", "x"], "is no submission of any board here"),
    ):
        done = podium_cli("remark", *names)
        assert (done.status, done.out) == (1, "")
        assert words in done.err
    assert not [one.problem for one in verify.verify("toy", "demo") if one.problem]
    assert before.records == podium.export_records("after.jsonl").records


def test_an_edited_remark_travels_and_is_edited_where_it_was_scored(
    ids, workspace, tmp_path, monkeypatch, own_cache
):
    file = workspace / "board.jsonl"
    podium.export_records(file)
    podium.remark("good", "zzz", team="ana")
    podium.export_records(file)
    assert '"message":"zzz"' in file.read_text()
    podium.remark("good", "aaa", team="ana")
    podium.export_records(file)  # whichever comes first in the alphabet
    text = file.read_text()
    assert '"message":"aaa"' in text
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    podium.import_records(file)
    with pytest.raises(BoardError, match="was scored on another board"):
        podium.remark("good", "mine", team="ana")
    podium.export_records(file)
    assert file.read_text() == text


def test_what_is_for_good_asks_first(ids, podium_cli, monkeypatch):
    mine = ids["ana/good"]
    for command in (["reveal", "toy"], ["withdraw", "good", "--json"]):
        done = podium_cli(*command)
        assert done.status == 1
        assert "nothing was done" in done.err
        assert f"podium {shlex.join(command)} --yes" in done.err
    assert podium.show("toy", "good").row.rank
    answered = iter("nyny")
    monkeypatch.setattr("podium.cli.answers.typer.confirm", confirm := Confirm(answered))
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(type(stream), "isatty", lambda _: True, raising=False)
    assert podium_cli("withdraw", "good").status == 1
    assert podium.show("toy", "good").row.rank
    assert podium_cli("withdraw", "good").status == 0
    assert f"{mine} (good, team ana) on toy/demo will never rank again" in confirm.asked[-1]
    assert podium_cli("reveal", "toy").status == 1
    assert podium_cli("reveal", "toy").status == 0
    assert "The private scores of toy/demo will be open to everybody" in confirm.asked[-1]
    assert "were open already" in podium_cli("reveal", "toy").out  # nothing is left to ask
    assert "was withdrawn already" in podium_cli("withdraw", "good").out
    assert len(confirm.asked) == 4


class Confirm:
    """Answers as a person would, in place of `typer.confirm`."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def __call__(self, text, *, abort, err):
        assert abort
        assert err
        self.asked.append(text)
        if next(self.answers) == "n":
            raise typer.Abort


def test_ids_stay_on_the_narrowest_terminal(ids, podium_cli, monkeypatch):
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    for columns in ("60", "80"):
        monkeypatch.setenv("COLUMNS", columns)
        for command in (["board", "toy"], ["mine"]):
            done = podium_cli(*command)
            plain = re.sub(r"\x1b\[[0-9;]*m", "", done.out)
            shown_ids = [one for one in ids.values() if one in plain]
            assert len(shown_ids) == (len(ids) if command[0] == "board" else 1)
            assert "submission" not in done.err.partition("shows also: ")[2]
