"""Boards as JSON lines: the same bytes again, nothing private, nothing forged, nothing twice."""

import base64
import hashlib
import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import podium
from podium import workspace
from podium.competition import version
from podium.competition.folders import load
from podium.errors import BoardError
from podium.leaderboard import exchange, jsonl
from podium.leaderboard.board import Batch, Board, open_board
from podium.leaderboard.record import Record, submission_id
from podium.leaderboard.submit import Scorer


@pytest.fixture
def at(tmp_path, monkeypatch, sample):
    """Goes to another workspace: another laptop."""
    here = tmp_path / "workspace"

    def go(name):
        folder = here if name == "here" else tmp_path / name
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        return folder

    return go


@pytest.fixture(scope="module")
def made(made_once, sample_once):
    """A workspace whose board has two teams' submissions."""

    def fill():
        for team, shift in (("ana", 0.0), ("bob", 1.0)):
            sample_once.assign(y=sample_once["y"] + shift).to_csv(f"{team}.csv", index=False)
            podium.submit("toy", f"{team}.csv", team=team)

    return made_once(fill)


@pytest.fixture
def filled(made, workspace):
    """A copy of it."""
    shutil.copytree(made, workspace, dirs_exist_ok=True)
    return workspace


def export(name="board.jsonl", folder=None):
    file = Path(folder or Path.cwd()) / name
    podium.export_records(file)
    return file


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def write(name, entries):
    Path(name).write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return Path(name)


def board(part="public"):
    return [
        (row.rank, row.team, row.name, row.score, row.ci_low, row.strata, row.created)
        for row in podium.board("toy", part=part)
    ]


def unranked(rows):
    """What a board says where nobody could compute the scores again."""
    return sorted((None, *row[1:]) for row in rows)


def submissions(file):
    return {line["submission"] for line in lines(file) if line["type"] == "record"}


def test_export_import_export_gives_the_same_bytes(filled, at):
    file = export()
    there = board()
    at("other")
    found = podium.import_records(file)
    assert (found.new, found.known, found.verified, found.unverified) == (4, 0, 2, 2)
    assert export().read_bytes() == file.read_bytes()
    assert sorted(board(), key=str) == sorted(unranked(there), key=str)
    again = podium.import_records(file)
    assert (again.new, again.known, again.verified, again.unverified) == (0, 4, 0, 0)
    assert export().read_bytes() == file.read_bytes()


def test_lines_are_sorted_and_their_keys_are_too(filled):
    text = export().read_text().splitlines()
    entries = [json.loads(line) for line in text]
    assert [list(entry) for entry in entries] == [sorted(entry) for entry in entries]
    keys = [(e["competition"], e["dataset"], e["type"], e["submission"]) for e in entries]
    assert keys == sorted(keys)
    podium.reveal("toy")
    entries = lines(export())
    influence = np.frombuffer(base64.b64decode(entries[0]["public_influence"]), "<f4")
    assert len(influence) == entries[0]["public"]["groups"]


def test_a_board_without_data_or_predictions_shows_what_was_imported(filled, at, own_cache):
    file = export()
    there = board()
    at("other")
    found = podium.import_records(file)
    assert (found.verified, found.unverified) == (0, 4)
    assert sorted(board(), key=str) == sorted(unranked(there), key=str)
    assert not list(own_cache.rglob("*"))


def test_what_is_not_verified_says_so(filled, at, podium_cli):
    file = export()
    at("other")
    podium.import_records(file)
    done = podium_cli("board", "toy")
    assert [line.split()[:2] for line in done.out.splitlines() if " ana " in line] == [
        ["unverified", "-"]
    ]
    assert "2 unverified: imported without their predictions" in done.err
    assert {row.status for row in podium.board("toy")} == {"unverified", "control", "ceiling"}
    assert podium_cli("list", "--json").json[-2]["submissions"] == 2


def test_predictions_at_hand_verify_a_record_now_or_later(filled, at):
    file = export()
    at("other")
    podium.import_records(file)
    ana = next(row for row in podium.board("toy") if row.team == "ana")
    kept = next((filled / "submissions/toy/demo/ana").iterdir())
    place = Path("submissions/toy/demo/ana") / kept.name
    place.parent.mkdir(parents=True)
    place.write_bytes(kept.read_bytes())
    assert podium.import_records(file).verified == 1
    now = {row.team: row for row in podium.board("toy")}
    assert now["ana"].status == "scored"
    assert now["bob"].status == "unverified"
    assert (now["ana"].name, now["ana"].created) == (ana.name, ana.created)
    assert export().read_bytes() == file.read_bytes()


def test_score_all_verifies_what_was_imported(filled, at):
    file = export()
    other = at("other")
    podium.import_records(file)
    (other / "submissions").symlink_to(filled / "submissions")
    assert [entry.status for entry in podium.score_all()] == ["scored", "scored"]
    assert {row.status for row in podium.board("toy")} == {"scored", "control", "ceiling"}
    assert export().read_bytes() == file.read_bytes()


def test_a_false_claim_gives_way_to_what_is_computed(filled, at):
    forged = [better(e) for e in lines(export()) if e["kind"] == "scored"]
    true = {row.team: row.score for row in podium.board("toy")}
    other = at("other")
    podium.import_records(write("forged.jsonl", forged))
    assert {row.score for row in podium.board("toy")} == {0.001}
    podium.submit("toy", filled / "ana.csv", team="ana", name="handed in")
    shutil.copytree(filled / "submissions/toy/demo/bob", other / "submissions/toy/demo/bob")
    assert {entry.status for entry in podium.score_all()} == {"known", "scored"}
    found = {row.team: (row.score, row.status) for row in podium.board("toy")}
    assert found["ana"] == (true["ana"], "scored")
    assert found["bob"] == (true["bob"], "scored")


def test_a_false_claim_does_not_keep_the_true_record_out(filled, at):
    file = export()
    true = board()
    forged = [better(e) for e in lines(file) if e["kind"] == "scored"]
    other = at("other")
    podium.import_records(write("forged.jsonl", forged))
    with pytest.raises(BoardError, match="other public figures than on this board"):
        podium.import_records(file)
    (other / "submissions").symlink_to(filled / "submissions")
    assert podium.import_records(file).verified == 4
    assert board() == true


def test_union_of_two_boards_is_both(filled, at, sample):
    ours = export()
    other = at("other")
    sample.assign(y=sample["y"] - 2).to_csv("eve.csv", index=False)
    podium.submit("toy", "eve.csv", team="eve")
    sample.to_csv("ana.csv", index=False)
    podium.submit("toy", "ana.csv", team="ana", name="on another laptop")
    theirs = export(folder=other)
    union = sorted({*ours.read_text().splitlines(), *theirs.read_text().splitlines()})
    boards = []
    for name, order in (("third", union), ("fourth", union[::-1])):
        at(name)
        Path("union.jsonl").write_text("\n".join(order) + "\n")
        podium.import_records("union.jsonl")
        assert submissions(export("out.jsonl")) == submissions(ours) | submissions(theirs)
        boards.append(board())
    assert boards[0] == boards[1]
    at("here")
    podium.import_records(theirs)
    assert submissions(export("all.jsonl")) == submissions(ours) | submissions(theirs)


def test_a_sealed_export_holds_nothing_private(filled, podium_cli):
    text = export().read_text()
    for line in lines(Path("board.jsonl")):
        assert [line[name] for name in ("private", "all", "private_influence")] == [None] * 3
    record = open_board(workspace.database_url()).records()[-1]
    hidden = [base64.b64encode(record.private_influence).decode()]
    for card in (record.private, record.all):
        for part in (card, *card["strata"].values()):
            hidden += [*map(repr, part["scores"].values()), *map(repr, part["ci"] or ())]
    assert not [word for word in hidden if word[:9] in text]
    podium.reveal("toy")
    text = export().read_text()
    assert [word for word in hidden if word in text] == hidden


def test_a_revealed_board_travels_whole(filled, at):
    podium.reveal("toy")
    file = export()
    private = board("private")
    other = at("other")
    (other / "submissions").symlink_to(filled / "submissions")
    assert podium.import_records(file).revealed == ["toy/demo"]
    assert sorted(board("private"), key=str) == sorted(private, key=str)
    assert export().read_bytes() == file.read_bytes()


def test_a_reveal_of_what_nobody_here_can_score_opens_nothing(filled, at):
    """Whoever makes one up can make up submissions for it: it opened a board before its first."""
    podium.reveal("toy")
    file = export()
    at("other")
    found = podium.import_records(file)
    assert (found.unverified, found.revealed, found.sealed) == (2, [], ["toy/demo"])
    with pytest.raises(BoardError, match="sealed"):
        podium.board("toy", part="private")
    assert export("again.jsonl").read_bytes() != file.read_bytes()
    podium.export_records(file)  # over it: the reveal that was not applied stays
    assert "reveal" in {line["type"] for line in lines(file)}


def test_a_foreign_reveal_opens_no_board_of_ones_own(filled, at, sample, podium_cli):
    podium.reveal("toy")
    file = export()
    at("other")
    sample.assign(y=sample["y"] - 2).to_csv("eve.csv", index=False)
    podium.submit("toy", "eve.csv", team="eve")
    done = podium_cli("import", file)
    assert "toy/demo was revealed elsewhere. Here it stays sealed" in done.err
    assert podium_cli("board", "toy", "--part", "private").status == 1
    sealed = export()
    assert all(line.get("private") is None for line in lines(sealed))
    assert podium_cli("import", file, "--json").json["sealed"] == ["toy/demo"]
    podium.reveal("toy")
    assert all(row[3] is not None for row in board("private"))


def test_what_is_handed_in_during_an_import_stays_sealed(filled, at, sample, monkeypatch):
    podium.reveal("toy")
    file = export()
    other = at("other")
    shutil.copytree(filled / "submissions", other / "submissions")
    merge = exchange.merge

    def slow(*arguments):
        weighed = merge(*arguments)
        sample.assign(y=sample["y"] - 2).to_csv("eve.csv", index=False)
        podium.submit("toy", "eve.csv", team="eve")
        return weighed

    monkeypatch.setattr(exchange, "merge", slow)
    with pytest.raises(BoardError, match=r"during the import. Nothing was imported"):
        podium.import_records(file)
    with pytest.raises(BoardError, match="sealed"):
        podium.board("toy", part="private")


def test_what_is_computed_here_came_sealed_and_stays_so(filled, at):
    """Predictions are at hand, so private scores are known here; no reveal came with them."""
    sealed = lines(export())
    podium.reveal("toy")
    (reveal,) = [line for line in lines(export()) if line["type"] == "reveal"]
    other = at("other")
    (other / "submissions").symlink_to(filled / "submissions")
    found = podium.import_records(write("forged.jsonl", [*sealed, reveal]))
    assert (found.verified, found.revealed, found.sealed) == (4, [], ["toy/demo"])
    at("third")
    alone = podium.import_records(write("alone.jsonl", [reveal]))
    assert (alone.revealed, alone.sealed) == ([], ["toy/demo"])


def test_private_scores_that_did_not_come_are_said_to_lack(filled, at, podium_cli):
    sealed = export("sealed.jsonl")
    podium.reveal("toy")
    whole = export()
    at("other")
    podium.import_records(sealed)
    podium.reveal("toy")
    done = podium_cli("board", "toy", "--part", "private")
    assert done.status == 0
    assert "2 without private scores" in done.err
    rows = podium.board("toy", part="private")
    assert [(r.rank, r.score) for r in rows if r.team in ("ana", "bob")] == [(None, None)] * 2
    podium.import_records(whole)  # says more of the same records
    at("here")
    private = board("private")
    at("other")
    assert sorted(board("private"), key=str) == sorted(unranked(private), key=str)


def test_an_old_line_beside_the_fuller_one_does_no_harm(filled, at):
    """What git's union merge leaves of a line that both sides had."""
    sealed = export("sealed.jsonl").read_text()
    podium.reveal("toy")
    whole = export()
    private = board("private")
    other = at("other")
    (other / "submissions").symlink_to(filled / "submissions")
    Path("union.jsonl").write_text(sealed + whole.read_text())
    podium.import_records("union.jsonl")
    assert sorted(board("private"), key=str) == sorted(private, key=str)
    assert export().read_bytes() == whole.read_bytes()


def test_withdrawals_travel(filled, at):
    ana = next(row for row in podium.board("toy") if row.team == "ana")
    podium.withdraw(ana.submission, team="ana")
    file = export()
    at("other")
    assert podium.import_records(file).withdrawals == 1
    assert [r.name for r in podium.board("toy") if r.status == "withdrawn"] == ["ana"]
    assert export().read_bytes() == file.read_bytes()
    assert podium.import_records(file).withdrawals == 0


def test_a_foreign_withdrawal_takes_nothing_from_the_board_that_was_scored_here(
    filled, at, sample, podium_cli
):
    ana = next(row for row in podium.board("toy") if row.team == "ana")
    podium.withdraw(ana.submission, team="ana")
    file = export()
    at("other")
    sample.to_csv("ana.csv", index=False)
    podium.submit("toy", "ana.csv", team="ana")
    done = podium_cli("import", file)
    assert f"{ana.submission} was withdrawn elsewhere. Here it stays on the board" in done.err
    assert f"podium withdraw {ana.submission} --team ana" in done.err
    assert [r.rank for r in podium.board("toy") if r.team == "ana"] == [1]
    assert podium.rescore("toy") == []
    assert podium.import_records(file).standing == {ana.submission: "ana"}
    assert podium.withdraw(ana.submission, team="ana")[1]
    assert [r.status for r in podium.board("toy") if r.team == "ana"] == ["withdrawn"]
    assert podium.import_records(file).standing == {}
    assert [w["type"] for w in lines(export()) if w["type"] == "withdrawal"] == ["withdrawal"]


def test_a_foreign_withdrawal_keeps_nobody_from_handing_in(filled, at, sample):
    ana = next(row for row in podium.board("toy") if row.team == "ana")
    podium.withdraw(ana.submission, team="ana")
    file = export()
    other = at("other")
    podium.import_records(file)
    assert [r.status for r in podium.board("toy") if r.team == "ana"] == ["withdrawn"]
    sample.to_csv("ana.csv", index=False)
    assert podium.submit("toy", "ana.csv", team="ana").row.rank == 1
    shutil.copytree(filled / "submissions/toy/demo/bob", other / "submissions/toy/demo/bob")
    podium.score_all()
    assert {r.status for r in podium.board("toy")} == {"scored", "control", "ceiling"}


def change(line, **values):
    return {**line, **values}


def better(line, part="public"):
    """A forged score that fits its own interval."""
    card = line[part]
    gain = card["scores"]["rmse"] - 0.001
    ci = [end - gain for end in card["ci"]]
    return {**line, part: {**card, "scores": {**card["scores"], "rmse": 0.001}, "ci": ci}}


def outside(line, part="public"):
    """A forged score, and all else as it was."""
    scores = {**line[part]["scores"], "rmse": 0.001}
    return {**line, part: {**line[part], "scores": scores}}


def with_card(part="public", **values):
    return lambda line: {**line, part: {**line[part], **values}}


@pytest.mark.parametrize(
    ("forge", "words"),
    [
        (outside, "public: the score is not in the middle of its interval"),
        (with_card(se=1e-9), "public: the interval is not that of its standard error"),
        (with_card(se=None), "an interval without a standard error"),
        (with_card(rows=1), "more groups than rows"),
        (lambda e: with_card(rows=e["public"]["rows"] + 1)(e), "the rows of the strata are not"),
        (lambda e: better(with_card(scores={"rmse": -1.0, "mae": 1.0})(e)), "not in the middle"),
        (lambda e: with_card(scores={**e["public"]["scores"], "mae": -1.0})(e), "than perfect, 0"),
    ],
)
def test_a_line_that_contradicts_itself_is_refused(forge, words, filled, at, podium_cli):
    """Without predictions nobody could tell it from a true one else."""
    forged = [forge(e) if e["kind"] == "scored" else e for e in lines(export())]
    at("other")
    done = podium_cli("import", write("forged.jsonl", forged))
    assert done.status == 1
    assert words in done.err
    assert not Path("leaderboard").exists()


def test_figures_that_are_not_those_of_influence_values_are_refused(filled, at, podium_cli):
    podium.reveal("toy")
    forged = [with_card(se=1e-9)(e) if e["type"] == "record" else e for e in lines(export())]
    at("other")
    done = podium_cli("import", write("forged.jsonl", forged))
    assert "public: the standard error is not that of the influence values" in done.err


def test_answers_are_those_of_the_data_that_were_scored(filled, at, podium_cli):
    """A reveal of other answers would open what is sealed."""
    forged = [{**e, "answers": "0" * 16} for e in lines(export())]
    at("other")
    done = podium_cli("import", write("forged.jsonl", forged))
    assert done.status == 1
    assert "'answers' does not follow from data and split of its provenance" in done.err


def test_a_forged_claim_keeps_no_reference_out(filled, at, ships):
    file = ships(export())
    forged = [better(e) for e in lines(file) if e["team"] == "ana"]
    at("other")
    podium.import_records(write("forged.jsonl", forged))
    assert podium.import_records(file).reference == 3
    assert {row.status for row in podium.board("toy") if row.team == "ana"} == {"reference"}


def test_reveals_of_before_answers_had_names_stay_in_the_file(filled, at, sample):
    podium.reveal("toy")
    file = export()
    old = [
        {k: v for k, v in e.items() if k != "answers"} if e["type"] == "reveal" else e
        for e in lines(file)
    ]
    other = at("other")
    sample.assign(y=sample["y"] - 2).to_csv("eve.csv", index=False)
    podium.submit("toy", "eve.csv", team="eve")
    write("board.jsonl", old)
    assert podium.import_records("board.jsonl").sealed == ["toy/demo"]
    podium.export_records(other / "board.jsonl")
    assert [e["type"] for e in lines(other / "board.jsonl")].count("reveal") == 1


def test_halves_that_are_not_the_whole_are_refused(filled, at, podium_cli):
    podium.reveal("toy")
    forged = [with_card("all", rows=7, strata={})(e) if e["type"] == "record" else e
              for e in lines(export())]  # fmt: skip
    at("other")
    done = podium_cli("import", write("forged.jsonl", forged))
    assert "the rows of both halves are not those of the whole" in done.err


@pytest.fixture
def ships(monkeypatch):
    """Makes lines those that Podium ships with the toy."""

    def ship(file):
        known = frozenset(map(jsonl.sha256_of, lines(file)))
        monkeypatch.setattr(jsonl, "shipped", lambda competition: known)
        return file

    return ship


def test_lines_that_podium_ships_are_references(filled, at, sample, ships, podium_cli):
    """They rank among themselves, and their reveal opens only them."""
    podium.reveal("toy")
    file = ships(export())
    private = {row.team: row.score for row in podium.board("toy", part="private")}
    at("other")
    sample.assign(y=sample["y"] + 0.5).to_csv("eve.csv", index=False)
    podium.submit("toy", "eve.csv", team="eve")
    found = podium.import_records(file)
    assert (found.reference, found.unverified, found.revealed, found.sealed) == (2, 0, [], [])
    shown = [(r.rank, r.reference_rank, r.team, r.status) for r in podium.board("toy")]
    assert [row for row in shown if row[2] != "podium"] == [
        *((None, 1, "ana", "reference"), (1, None, "eve", "scored")),
        (None, 2, "bob", "reference"),
    ]
    assert all(row.tier is None for row in podium.board("toy") if row.status == "reference")
    shown = podium_cli("board", "toy", "--part", "private")
    assert "The private scores are sealed: only what comes with Podium is shown." in shown.err
    assert "eve" not in shown.out
    open_now = {row.team: row.score for row in podium.board("toy", part="private")}
    assert open_now == {team: private[team] for team in ("ana", "bob")}
    forged = [better(e) if e.get("team") == "ana" else e for e in lines(file)]
    at("third")
    assert podium.import_records(write("forged.jsonl", forged)).unverified == 1


def test_an_export_keeps_a_reveal_that_was_not_applied(filled, at, sample, podium_cli):
    podium.reveal("toy")
    file = export()
    at("other")
    sample.assign(y=sample["y"] - 2).to_csv("eve.csv", index=False)
    podium.submit("toy", "eve.csv", team="eve")
    podium.import_records(file)
    assert podium_cli("export", file).status == 0
    kept = lines(file)
    assert [line["type"] for line in kept].count("reveal") == 1
    assert {line["team"] for line in kept if line.get("private")} == {"ana", "bob"}
    assert len(kept) == 6
    at("here")
    assert podium.import_records(file).new == 1


def test_forged_scores_are_refused_where_the_predictions_are(filled, at, podium_cli):
    forged = [better(e) if e["team"] == "ana" else e for e in lines(export())]
    other = at("other")
    (other / "submissions").symlink_to(filled / "submissions")
    done = podium_cli("import", write("forged.jsonl", forged))
    assert done.status == 1
    assert "its public figures are not those of its predictions: forged" in done.err
    assert podium.board("toy") == []


def test_whatever_one_record_raises_is_its_own_line(filled, at, podium_cli, monkeypatch):
    entries = lines(export())
    other = at("other")
    (other / "submissions").symlink_to(filled / "submissions")
    verified = Scorer.verified

    def odd(scorer, record):
        if record.team == "ana":
            raise ZeroDivisionError("odd")
        return verified(scorer, record)

    monkeypatch.setattr(Scorer, "verified", odd)
    forged = [better(e) if e["team"] == "bob" else e for e in entries]
    done = podium_cli("import", write("forged.jsonl", forged))
    assert done.status == 1
    assert "2 problems. Nothing was imported." in done.err
    assert "team ana): unexpected: ZeroDivisionError: odd (worth a report" in done.err
    assert "not those of its predictions" in done.err


def test_forged_private_scores_are_refused_without_telling_the_true_ones(filled, at, podium_cli):
    sealed = export()
    podium.reveal("toy")
    forged = [better(e, "private") if e.get("team") == "ana" else e for e in lines(export())]
    other = at("other")
    (other / "submissions").symlink_to(filled / "submissions")
    done = podium_cli("import", write("forged.jsonl", forged))
    assert "its private figures are not those of its predictions" in done.err
    true = str(lines(filled / "board.jsonl")[0]["private"]["scores"]["rmse"])
    assert true[:6] not in done.err
    assert sealed.is_file()


def test_what_contradicts_the_board_is_refused(filled, podium_cli):
    forged = [better(e) for e in lines(export()) if e["team"] == "ana"]
    done = podium_cli("import", write("forged.jsonl", forged))
    assert "other public figures than on this board" in done.err


def test_a_forged_control_is_refused(filled, at, podium_cli):
    forged = [better(e) if e["kind"] == "control" else e for e in lines(export())]
    at("other")
    done = podium_cli("import", write("forged.jsonl", forged))
    assert done.status == 1
    assert "(zero, team podium): its public figures are not those" in done.err


@pytest.mark.parametrize("name", ["ceiling", "SOTA"])
def test_no_ceiling_but_the_simulators(name, filled, podium_cli):
    """One of another name, or of real data, could never be told from a true one."""
    ceiling = next(e for e in lines(export()) if e["kind"] == "ceiling")
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    dataset = "demo" if name == "SOTA" else "table"
    toy = load("toy")
    present = version.find_version(toy, toy.dataset(dataset))
    short = submission_id("toy", dataset, "podium", sha256)
    forged = {**ceiling, "name": name, "dataset": dataset, "version": present.name}
    forged |= {"sha256": sha256, "answers": present.answers, "provenance": vars(present)}
    done = podium_cli("import", write("forged.jsonl", [{**forged, "submission": short}]))
    assert done.status == 1
    assert "a ceiling named 'SOTA'" in done.err or "it has no ceiling" in done.err


def test_reveals_of_what_can_be_no_board(podium_cli, toy):
    reveal = {"type": "reveal", "who": "x", "created": "2026-01-01T00:00:00+00:00"}
    for name in ("a/b", "a\x1b[31m", ""):
        line = {**reveal, "competition": name, "dataset": "demo"}
        done = podium_cli("import", write("reveal.jsonl", [line]))
        assert done.status == 1
        assert "'competition' must be a name" in done.err
        assert "\x1b" not in done.err


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda e: "<<<<<<< HEAD", "a mark of a merge conflict"),
        (lambda e: "[1]", "no record, pick, reveal, withdrawal"),
        (lambda e: "[" * 100_000, "no JSON"),
        (lambda e: json.dumps({**e, "type": "study"}), "no record, pick, reveal, withdrawal"),
        (lambda e: json.dumps({**e, "more": 1}), "'more' is unknown"),
        (lambda e: json.dumps({k: v for k, v in e.items() if k != "team"}), "'team' is missing"),
        (lambda e: json.dumps({**e, "name": 1}), "'name' must be text"),
        (lambda e: json.dumps({**e, "name": "a\nb"}), "cannot be printed"),
        (lambda e: json.dumps({**e, "name": "a" * 121}), "cannot be used"),
        (lambda e: json.dumps({**e, "name": "a\0b"}), "'name' must be text"),
        (lambda e: json.dumps({**e, "message": "\ud800"}), "cannot be printed"),
        (lambda e: json.dumps({**e, "team": "../x"}), "does not follow from"),
        (lambda e: json.dumps({**e, "team": "podium"}), "belongs to the controls"),
        (lambda e: json.dumps({**e, "created": "yesterday"}), "'created' must be a time"),
        (lambda e: json.dumps({**e, "file": "/etc/passwd"}), "'file' does not lie in"),
        (lambda e: json.dumps({**e, "file": "submissions/toy/demo/ana/.."}), "'file' does not"),
        (lambda e: json.dumps({**e, "kind": "control"}), "a control of team 'ana'"),
        (lambda e: json.dumps({**e, "kind": "best"}), "unknown kind"),
        (lambda e: json.dumps({**e, "sha256": "x"}), "'sha256' is none"),
        (lambda e: json.dumps({**e, "public": None}), "'public' is no card"),
        (lambda e: json.dumps({**e, "private": e["public"]}), "must all be there, or none"),
        (lambda e: json.dumps({**e, "public_influence": "AAAA"}), "float32 a group"),
        (lambda e: json.dumps({**e, "public_influence": 1}), "float32 a group"),
        (lambda e: json.dumps({**e, "provenance": []}), "'provenance' must be"),
        (lambda e: json.dumps(better(e)).replace("0.001", "NaN"), "no JSON"),
        (lambda e: json.dumps(better(e)).replace("0.001", "1e999"), "figure that is infinite"),
        (lambda e: json.dumps({**e, "type": []}), "no record, pick, reveal, withdrawal"),
        (lambda e: json.dumps({**e, "provenance": nested(60)}), "more than 50 objects"),
        (lambda e: json.dumps(better(e)).replace("0.001", "9" * 400), "no card of finite"),
        (lambda e: json.dumps({**e, "public": {**e["public"], "rows": 10**400}}), "no card"),
        (lambda e: json.dumps({**e, "competition": "a/b"}), "'competition' must be a name"),
        (lambda e: json.dumps({**e, "model": "\x1b[31m"}), "'model' has characters"),
        (lambda e: json.dumps({**e, "message": "\x9b31m"}), "'message' has characters"),
        (lambda e: json.dumps(e).replace('"mae"', '"mea"'), "scores must be mae, rmse"),
        (lambda e: json.dumps(e).replace('"seen"', '"sene"'), "strata must be among"),
    ],
)
def test_broken_lines_are_all_told_and_nothing_is_imported(broken, words, filled, at, podium_cli):
    text = export().read_text().splitlines()
    place = next(i for i, line in enumerate(text) if json.loads(line)["team"] == "ana")
    text[place] = broken(json.loads(text[place]))
    at("other")
    Path("broken.jsonl").write_text("\n".join([*text, "", "{"]))
    done = podium_cli("import", "broken.jsonl")
    assert (done.status, done.out) == (1, "")
    told = [line for line in done.err.splitlines() if line.startswith("  - line")]
    assert words in "".join(line for line in told if line.startswith(f"  - line {place + 1}: "))
    assert told[-1].startswith("  - line 6: no JSON")
    assert not Path("leaderboard").exists()


def test_withdrawals_must_be_of_something(filled, at, podium_cli):
    entries = lines(export())
    ana, zero = (next(e for e in entries if e["name"] == name) for name in ("ana", "zero"))

    def withdrawal(record, **values):
        names = ("submission", "competition", "dataset", "team", "created")
        line = {"type": "withdrawal", "who": "x", **{name: record[name] for name in names}}
        return {**line, **values}

    bad = [
        withdrawal(ana, team="eve"), withdrawal(zero), withdrawal(ana, submission="0" * 12),
        withdrawal(ana, dataset="table"),
    ]  # fmt: skip
    told = ("for team eve", "zero", "is nowhere", "from another board")
    for line, words in zip(bad, told, strict=True):
        done = podium_cli("import", write("bad.jsonl", [*entries, line]))
        assert done.status == 1
        assert words in done.err


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b" \n"])
def test_what_is_no_file_of_lines(content, podium_cli, toy):
    if content:
        Path("x.jsonl").write_bytes(content)
    done = podium_cli("import", "x.jsonl")
    assert done.status == 1
    assert "x.jsonl" in done.err


def test_an_export_loses_nothing_that_only_the_file_has(filled, at, podium_cli):
    file = export()
    at("other")
    podium.run("toy", "line", team="eve")
    done = podium_cli("export", file)
    assert done.status == 1
    assert "holds 2 lines that this export would lose" in done.err
    podium.import_records(file)
    assert podium_cli("export", file, "--json").json["records"] == 5
    Path("notes.txt").write_text("mine")
    assert "no does not exist" in podium_cli("export", "no/x.jsonl").err
    assert "is no whole export" in podium_cli("export", "notes.txt").err
    assert Path("notes.txt").read_text() == "mine"


def test_export_of_some_competitions(filled, podium_cli):
    assert podium_cli("export", "toy", "toy.jsonl", "--json").json == {
        "file": "toy.jsonl", "records": 4, "withdrawals": 0, "reveals": 0, "picks": 0,
    }  # fmt: skip
    assert "Did you mean 'toy'?" in podium_cli("export", "toi", "toy.jsonl").err
    assert podium_cli("export").status == 2


def test_a_competition_is_no_file_to_export_to(filled, podium_cli):
    done = podium_cli("export", "toy")
    assert done.status == 1
    assert "podium export toy board.jsonl" in done.err
    assert not Path("toy").exists()


def test_nothing_to_export(podium_cli, workspace):
    assert "no board here yet" in podium_cli("export", "x.jsonl").err
    assert not Path("x.jsonl").exists()


def test_records_of_other_versions_and_unknown_competitions_are_kept(filled, at):
    entries = lines(export())
    foreign = [change(e, competition="moon", file=None, submission=_id(e, "moon")) for e in entries]
    names = {name: entries[0]["provenance"][name] for name in ("data", "split", "facts")}
    former = version.Version(**names, metric=0)
    old = [
        change(e, version=former.name, provenance=vars(former))
        for e in entries
        if e["kind"] == "scored"
    ]
    at("other")
    file = write("mixed.jsonl", [*foreign, *old])
    assert podium.import_records(file).unverified == 6
    assert [row.status for row in podium.board("toy")] == ["outdated", "outdated"]
    assert submissions(export()) == submissions(file)


def _id(line, competition):
    return submission_id(competition, line["dataset"], line["team"], line["sha256"])


OLD_SCHEMA = """
CREATE TABLE records (
    number INTEGER NOT NULL, submission VARCHAR(64) NOT NULL, competition VARCHAR(64) NOT NULL,
    dataset VARCHAR(64) NOT NULL, edition VARCHAR(64) NOT NULL, team VARCHAR(64) NOT NULL,
    name VARCHAR(200) NOT NULL, model VARCHAR(200), message TEXT NOT NULL,
    kind VARCHAR(16) NOT NULL, created VARCHAR(32) NOT NULL, file TEXT, sha256 VARCHAR(64) NOT NULL,
    provenance JSON NOT NULL, public JSON NOT NULL, private JSON NOT NULL, "all" JSON NOT NULL,
    public_influence BLOB NOT NULL, private_influence BLOB NOT NULL,
    PRIMARY KEY (number), UNIQUE (submission, edition));
CREATE INDEX board ON records (competition, dataset, edition);
CREATE TABLE reveals (
    competition VARCHAR(64) NOT NULL, dataset VARCHAR(64) NOT NULL, who VARCHAR(64) NOT NULL,
    created VARCHAR(32) NOT NULL, PRIMARY KEY (competition, dataset));
"""


def test_a_board_made_by_version_0_1_opens(filled, at, podium_cli):
    """Its tables as they were made before there were claims and withdrawals."""
    file = export()
    other = at("other")
    (other / "leaderboard").mkdir()
    columns = [name for name in Record.__dataclass_fields__ if name != "answers"]
    names = ", ".join(f'"{name}"' for name in columns)
    with (
        sqlite3.connect(filled / "leaderboard/board.sqlite") as made,
        sqlite3.connect(other / "leaderboard/board.sqlite") as old,
    ):
        old.executescript(OLD_SCHEMA)
        rows = made.execute(f"select {names} from records order by number").fetchall()
        marks, names = ", ".join("?" * len(columns)), names.replace("version", "edition")
        old.executemany(f"insert into records ({names}) values ({marks})", rows)
    made.close()
    old.close()
    assert export().read_bytes() == file.read_bytes()
    ana = next(row for row in podium.board("toy") if row.team == "ana")
    assert podium_cli("withdraw", ana.submission[:6], "--yes").status == 0
    podium.reveal("toy")
    assert board("private")


def many(count):
    """Records as a course's board has them."""
    toy = load("toy")
    now = version.find_version(toy, toy.dataset("demo"))
    card = {"rows": 54, "groups": 24, "se": None, "ci": None}
    whole = {**card, "scores": {"rmse": 1.0, "mae": 1.0}}
    influence = np.zeros(24, np.float32).tobytes()
    first = Record(
        submission="", competition="toy", dataset="demo", version=now.name, answers=now.answers,
        team="ana",
        name="x", model="line", message="", kind="scored", created="2026-01-01T00:00:00+00:00",
        file=None,
        sha256="", provenance={"data": now.data, "split": now.split},
        public={**whole, "strata": {"new": whole}}, private={},
        all={}, public_influence=influence, private_influence=b"",
    )  # fmt: skip
    for number in range(count):
        team, sha256 = f"team {number % 300}", f"{number:064x}"
        short = submission_id("toy", "demo", team, sha256)
        scores = {**first.public, "scores": {"rmse": 1 + number / count, "mae": 1.0}}
        yield replace(first, team=team, sha256=sha256, submission=short, public=scores)


@pytest.mark.slow
def test_a_large_board_is_moved_in_one_transaction(at, toy, monkeypatch):
    at("first")
    made = open_board(workspace.database_url())
    made.merge(Batch(claims=list(many(1000))))
    file = export()
    at("second")
    writes = []
    real = Board.write
    monkeypatch.setattr(Board, "write", lambda self: writes.append(1) or real(self))
    assert podium.import_records(file).new == 1000
    assert len(writes) == 1
    assert podium.import_records(file).new == 0
    assert export().read_bytes() == file.read_bytes()
    assert len(podium.board("toy")) == 1000


@pytest.mark.slow
def test_a_real_competition_is_verified_whole(at):
    """Three strata of different groups, three controls and a ceiling, all computed again."""
    here = at("here")
    podium.run("sirna", "ridge", team="ana")
    file = export()
    other = at("other")
    (other / "submissions").symlink_to(here / "submissions")
    found = podium.import_records(file)
    assert (found.new, found.verified) == (5, 5)
    assert export().read_bytes() == file.read_bytes()


def test_of_two_lines_of_the_same_the_earlier_stays_if_it_says_the_same(filled):
    file = export()
    whole = file.read_bytes()
    early = {"created": "2020-01-01T00:00:00+00:00"}
    entries = lines(file)
    for changed, stays in (
        (lambda e: change(e, **early), True),
        (lambda e: change(e, created="2999-01-01T00:00:00+00:00"), False),
        (lambda e: change(better(e), **early), False),
        (lambda e: change(e, name="\n", **early), False),
        (lambda e: change(e, private=e["public"], all=e["public"], **early), False),
    ):
        write(file, [changed(e) if e.get("team") == "ana" else e for e in entries])
        export()
        found = {e["created"] for e in lines(file) if e.get("team") == "ana"}
        assert (found == {early["created"]}) is stays
        assert stays or file.read_bytes() == whole
