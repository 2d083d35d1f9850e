"""What a team picks to be ranked by, and what stands for it where it picks nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import podium
from podium.errors import BoardError


@pytest.fixture
def board(sample):
    """Public and private scores that disagree: of ana's three the worst on public is best."""
    ready = podium.prepare("toy")
    private = ready.table("solution/solution.parquet")
    answers = private.set_index("id")["y"].reindex(sample["id"]).to_numpy()
    hidden = (private.set_index("id")["part"].reindex(sample["id"]) == "private").to_numpy()

    def submit(team, name, public, private):
        """Errors of so much on public and private rows."""
        y = answers + public * ~hidden + private * hidden
        sample.assign(y=y.clip(-100, 100)).to_csv("x.csv", index=False)
        return podium.submit("toy", "x.csv", team=team, name=name).row.submission

    return {
        "first": submit("ana", "first", 1, 5),
        "second": submit("ana", "second", 2, 3),
        "third": submit("ana", "third", 3, 1),
        "bob": submit("bob", "bob", 2.5, 2),
    }


def private(**view):
    rows = podium.board("toy", part="private", **view)
    return [(row.rank, row.name) for row in rows if row.rank is not None]


def test_a_team_is_ranked_by_its_best_public_submission(board):
    podium.reveal("toy")
    assert private(best_per_team=True) == [(1, "bob"), (2, "first")]
    assert private(best_of_all=True) == [(1, "third"), (2, "bob")]
    assert [name for _, name in private()] == ["third", "bob", "second", "first"]


def test_or_by_the_better_of_its_picks(board, podium_cli):
    done = podium_cli("pick", "toy", "first", board["third"][:6], "--team", "ana")
    assert done.status == 0
    assert done.out.count("picked: ") == 2
    assert podium_cli("pick", "toy", "--team", "ana", "--json").json["picks"] == [
        board["first"], board["third"],
    ]  # fmt: skip
    podium.pick("toy", "second", "third", team="ana")
    podium.reveal("toy")
    assert private(best_per_team=True) == [(1, "third"), (2, "bob")]
    late = podium_cli("pick", "toy", "first", "--team", "ana")
    assert late.status == 1
    assert "it is too late to pick" in late.err


def test_picks_can_be_taken_back(board, podium_cli):
    podium.pick("toy", "third", team="ana")
    assert (
        "best public submission counts" in podium_cli("pick", "toy", "--none", "--team", "ana").out
    )
    assert podium.pick("toy", team="ana") == []
    podium.reveal("toy")
    assert private(best_per_team=True) == [(1, "bob"), (2, "first")]


def test_what_was_picked_and_withdrawn_stands_for_nobody(board):
    podium.pick("toy", "third", team="ana")
    podium.withdraw(board["third"], team="ana")
    podium.reveal("toy")
    assert private(best_per_team=True) == [(1, "bob"), (2, "first")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["first", "second", "third"], "picks at most 2 submissions, not 3"),
        (["bob"], "'bob' is no submission"),
        (["zero"], "'zero' is no submission"),
        (["nothing"], "'nothing' is no submission"),
    ],
)
def test_what_cannot_be_picked(names, words, board):
    with pytest.raises(BoardError, match=words):
        podium.pick("toy", *names, team="ana")


def test_a_team_without_submissions_picks_nothing(board):
    with pytest.raises(BoardError, match="Team eve has no submission that ranks"):
        podium.pick("toy", "first", team="eve")


def test_picks_travel_and_the_latest_counts(board, tmp_path, monkeypatch):
    podium.pick("toy", "second", team="ana")
    file = Path("board.jsonl").resolve()
    assert podium.export_records(file).picks == 1
    (line,) = [entry for entry in map(json.loads, file.read_text().splitlines())
               if entry["type"] == "pick"]  # fmt: skip
    assert line["submissions"] == [board["second"]]
    ahead = datetime.now(UTC) + timedelta(hours=1)
    later = {
        **line,
        "submissions": [board["third"]],
        "created": ahead.isoformat(timespec="seconds"),
    }
    Path("later.jsonl").write_text(json.dumps(later))
    assert podium.import_records("later.jsonl").picks == 1
    assert [row.name for row in podium.pick("toy", team="ana")] == ["third"]
    assert podium.import_records(file).picks == 0  # it is the older one
    assert [row.name for row in podium.pick("toy", team="ana")] == ["third"]
    assert [row.name for row in podium.pick("toy", "first", team="ana")] == ["first"]
    assert [row.name for row in podium.pick("toy", team="ana")] == ["first"]  # whatever clocks say
    podium.export_records(file)
    assert json.dumps([board["first"]]).replace(" ", "") in file.read_text()
    for wrong, words in (
        ({**line, "submissions": ["0" * 12]}, "picks 000000000000, which is nowhere"),
        ({**line, "submissions": [board["bob"]]}, "bob.* for team ana"),
        ({**line, "submissions": [board["first"]] * 3}, "at most 2 IDs"),
        ({**line, "submissions": "first"}, "at most 2 IDs"),
        ({**line, "created": "2999-01-01T00:00:00+00:00"}, "more than a day ahead"),
    ):
        Path("wrong.jsonl").write_text(json.dumps(wrong))
        with pytest.raises(BoardError, match=words):
            podium.import_records("wrong.jsonl")


def test_a_pick_made_elsewhere_after_the_reveal_holds_no_export_up(board, podium_cli):
    podium.reveal("toy")
    podium.export_records("board.jsonl")
    (reveal,) = [line for line in map(json.loads, Path("board.jsonl").read_text().splitlines())
                 if line["type"] == "reveal"]  # fmt: skip
    names = {"competition": "toy", "dataset": "demo", "answers": reveal["answers"], "who": "x"}
    late = {"type": "pick", **names, "team": "ana", "submissions": [board["third"]]}
    ahead = datetime.now(UTC) + timedelta(hours=1)
    for created in (ahead.isoformat(timespec="seconds"), "yesterday"):
        with Path("board.jsonl").open("a") as file:
            file.write(json.dumps({**late, "created": created}) + "\n")
        assert podium_cli("export", "board.jsonl").status == 0
        assert podium.import_records("board.jsonl").picks == 0
    assert "yesterday" not in Path("board.jsonl").read_text()
    assert private(best_per_team=True) == [(1, "bob"), (2, "first")]
