"""Two laptops, one git repository: what docs/teams.md says, done with git itself."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from test_exchange import better

import podium
from podium.errors import BoardError

ROOT = Path(__file__).parents[2]
BOARD = "leaderboard/board.jsonl"

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


@pytest.fixture
def git(monkeypatch):
    """Runs git in the current directory, whatever the user's own settings are."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "ana")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ana@example.org")

    def run(*arguments):
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        assert not done.returncode, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def laptops(git, sample, tmp_path, monkeypatch):
    """A shared repository and two clones of it; gives a function that goes to one."""
    monkeypatch.chdir(tmp_path)
    git("init", "--bare", "--initial-branch=main", "shared.git")
    for name in ("first", "second"):
        git("clone", "shared.git", name)
        monkeypatch.chdir(tmp_path / name)
        if name == "first":
            Path(".gitattributes").write_text("* -text\n*.jsonl merge=union\n")
            Path(".gitignore").write_text((ROOT / ".gitignore").read_text())
            git("add", ".")
            git("commit", "-m", "begin")
            git("push", "origin", "HEAD:main")
        git("checkout", "-B", "main")
        monkeypatch.chdir(tmp_path)
    return lambda name: monkeypatch.chdir(tmp_path / name)


def hand_in(sample, team, shift):
    sample.assign(y=sample["y"] + shift).to_csv("mine.csv", index=False)
    found = podium.submit("toy", "mine.csv", team=team, name=f"{team} {shift}")
    Path("mine.csv").unlink()
    return found.row.submission


def save(git, message):
    """What docs/teams.md says: export, commit."""
    Path("leaderboard").mkdir(exist_ok=True)
    podium.export_records(BOARD)
    git("add", "submissions", BOARD)
    if git("status", "--porcelain"):
        git("commit", "-m", message)


def exchange(git, message):
    """What docs/teams.md says: export and commit, pull, import, export, push."""
    save(git, message)
    git("pull", "--no-rebase", "--no-edit", "origin", "main")
    found = podium.import_records(BOARD)
    save(git, f"{message}, merged")
    git("push", "origin", "main")
    return found


def board():
    return [
        (row.rank, row.team, row.name, row.score, row.tier, row.strata, row.status)
        for row in podium.board("toy")
    ]


def test_two_laptops_show_the_same_board(git, laptops, sample):
    laptops("first")
    for shift in (0.0, 1.0):
        hand_in(sample, "ana", shift)
    exchange(git, "ana's")
    laptops("second")
    mine = hand_in(sample, "bob", -0.5)
    found = exchange(git, "bob's")
    assert (found.new, found.verified, found.unverified) == (2, 2, 0)
    laptops("first")
    hand_in(sample, "ana", 2.0)
    found = exchange(git, "ana's again")
    assert (found.new, found.verified) == (1, 1)
    assert git("log", "--merges", "--oneline")
    boards = [board()]
    lines = Path(BOARD).read_text()
    laptops("second")
    exchange(git, "nothing new")
    boards.append(board())
    assert boards[0] == boards[1]
    assert {row[1] for row in boards[0]} == {"ana", "bob", "podium"}
    assert {row[-1] for row in boards[0]} == {"scored", "control", "ceiling"}
    assert Path(BOARD).read_text() == lines
    assert not git("status", "--porcelain")

    podium.withdraw(mine, team="bob")
    exchange(git, "bob takes one back")
    laptops("first")
    found = exchange(git, "nothing new")
    assert found.standing == {mine: "bob"}  # anybody can write such a line
    assert [row.submission for row in podium.board("toy") if row.status == "withdrawn"] == []
    podium.withdraw(mine, team="bob")
    assert [row.submission for row in podium.board("toy") if row.status == "withdrawn"] == [mine]


@pytest.mark.slow
def test_a_late_clone_begins_with_what_is_there(git, laptops, sample, tmp_path, monkeypatch):
    laptops("first")
    hand_in(sample, "ana", 0.0)
    exchange(git, "ana's")
    monkeypatch.chdir(tmp_path)
    git("clone", "--branch=main", "shared.git", "late")
    monkeypatch.chdir(tmp_path / "late")
    hand_in(sample, "bob", 1.0)
    with pytest.raises(BoardError, match="that this export would lose") as refused:
        podium.export_records(BOARD)
    assert f"podium import {BOARD}" in refused.value.hint
    assert podium.import_records(BOARD).verified == 1
    exchange(git, "bob's")
    there = board()
    laptops("first")
    exchange(git, "nothing new")
    assert board() == there
    assert {row[1] for row in there} == {"ana", "bob", "podium"}


def test_nothing_private_is_committed_before_reveal(git, laptops, sample):
    laptops("first")
    hand_in(sample, "ana", 0.0)
    exchange(git, "ana's")
    for line in map(json.loads, Path(BOARD).read_text().splitlines()):
        assert line.get("private") is None
    assert not [name for name in git("ls-files").split() if "sqlite" in name]


@pytest.mark.slow
def test_damaged_lines_are_refused_one_by_one_and_nothing_comes_of_the_rest(git, laptops, sample):
    laptops("first")
    hand_in(sample, "ana", 0.0)
    exchange(git, "ana's")
    whole = Path(BOARD).read_text().splitlines()
    forged = json.loads(whole[-1])
    forged["public"] = better(forged)["public"]
    broken = [*whole[:1], "<<<<<<< HEAD", *whole[1:-1], json.dumps(forged), whole[-2][:-40]]
    laptops("second")
    git("pull", "--no-rebase", "origin", "main")
    Path(BOARD).write_text("\n".join(broken) + "\n")
    with pytest.raises(BoardError, match="Nothing was imported") as refused:
        podium.import_records(BOARD)
    numbers = [problem.split(":")[0] for problem in refused.value.problems]
    assert numbers == ["line 2", f"line {len(broken)}"]
    Path(BOARD).write_text("\n".join([*whole[:-1], json.dumps(forged)]) + "\n")
    with pytest.raises(BoardError, match="cannot be imported") as refused:
        podium.import_records(BOARD)
    assert "not those of its predictions" in str(refused.value)
    assert podium.board("toy") == []
