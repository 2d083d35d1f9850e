"""Line ends that git for Windows changes: no checksum says that somebody changed a file."""

import shutil
from pathlib import Path

import pytest
from test_freeze import made, mine, organiser  # noqa: F401  fixtures
from test_teams import git  # noqa: F401  a fixture

import podium
from podium.errors import PodiumError
from podium.scratch import other_line_ends

ROOT = Path(__file__).parents[2]
OTHER = "only its line ends are others"


def windows(file):
    """A file as git for Windows checks it out."""
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))


@pytest.fixture
def handed_in(sample, workspace, monkeypatch, tmp_path):
    """A workspace with an export of another one, its file of predictions changed on the way."""
    sample.to_csv("first.csv", index=False)
    file = podium.submit("toy", "first.csv", team="bob").file
    podium.export_records(tmp_path / "board.jsonl")
    copy = tmp_path / "copy" / file.relative_to(workspace)
    copy.parent.mkdir(parents=True)
    shutil.copy(file, copy)
    windows(copy)
    windows(tmp_path / "board.jsonl")
    monkeypatch.chdir(tmp_path / "copy")
    return copy


def test_what_is_imported_is_verified(handed_in, tmp_path, caplog):
    done = podium.import_records(tmp_path / "board.jsonl")
    assert (done.verified, done.unverified) == (3, 0)
    assert OTHER in caplog.text
    (row,) = [row for row in podium.board("toy") if row.team == "bob"]
    assert row.status == "scored"
    assert podium.show("toy", row.submission).file_problem is None
    assert [one.status for one in podium.score_all()] == ["known"]
    handed_in.write_text(handed_in.read_text() + "\n\n")
    assert "has changed since" in podium.show("toy", row.submission).file_problem


def test_no_second_record_of_a_claim(handed_in, tmp_path):
    away = handed_in.rename(tmp_path / "away.csv")
    assert podium.import_records(tmp_path / "board.jsonl").unverified == 1
    away.rename(handed_in)
    (found,) = podium.score_all()
    assert found.status == "scored"
    (row,) = [row for row in podium.board("toy") if row.team == "bob"]
    assert (row.status, row.submission) == ("scored", found.submission)


def test_submit_makes_no_second_record(sample, workspace, caplog):
    sample.to_csv("first.csv", index=False)
    before = podium.submit("toy", "first.csv", team="bob")
    kept = before.file.read_bytes()
    windows(Path("first.csv"))
    again = podium.submit("toy", "first.csv", team="bob")
    assert (again.row.submission, again.new) == (before.row.submission, False)
    assert OTHER in caplog.text
    assert (again.file, again.file.read_bytes()) == (before.file, kept)
    assert b"\r\n" in Path("first.csv").read_bytes()
    assert podium.submit("toy", "first.csv", team="eve").new
    podium.withdraw(before.row.submission, team="bob")
    with pytest.raises(PodiumError, match="were withdrawn"):
        podium.submit("toy", "first.csv", team="bob")


def test_binary_files_have_none(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"a\0\r\n\n")
    assert not other_line_ends(file)
    file.write_bytes(b"a\r\nb\n")
    assert len(other_line_ends(file)) == 2


def test_raw_files_say_so(mine, workspace, podium_cli):  # noqa: F811
    windows(mine / "raw" / "train.csv")
    with pytest.raises(PodiumError) as error:
        podium.submit("mine", "ana.csv", team="joe")
    assert OTHER in str(error.value.problems)
    assert OTHER in podium_cli("verify", "mine").out.replace("\n", " ")


def test_a_split_is_the_same(mine, monkeypatch, tmp_path):  # noqa: F811
    windows(mine / "splits" / "table.csv")
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path / "new cache"))
    assert podium.prepare("mine").manifest["split"]


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_git_changes_nothing_where_it_is_told(git, mine, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.chdir(mine)
    git("init", "--quiet", ".")
    git("add", "--all", "--force")
    git("commit", "--quiet", "--message", "as podium new wrote it")
    git("clone", "--quiet", "--config", "core.autocrlf=true", ".", str(tmp_path / "clone"))
    for file in [one for one in mine.rglob("*") if one.is_file() and ".git/" not in str(one)]:
        assert (tmp_path / "clone" / file.relative_to(mine)).read_bytes() == file.read_bytes()
    assert "* -text\n" in (mine / ".gitattributes").read_text()
    assert "* -text\n" in (ROOT / ".gitattributes").read_text()


def test_a_file_larger_than_texts_are_is_not_read(tmp_path, monkeypatch):
    file = tmp_path / "a.csv"
    file.write_bytes(b"a\nb\n")
    monkeypatch.setattr("podium.scratch._LARGEST_TEXT", 3)
    assert other_line_ends(file) == frozenset()
