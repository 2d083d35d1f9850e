"""The board is no oracle: what anybody is shown of scores on test answers tells little of them."""

import base64
import json
import math
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import podium
from podium import workspace
from podium.data import dataset as data
from podium.figures import agree, decimals, shown, unit
from podium.leaderboard.board import open_board

FINITE = st.floats(allow_nan=False, allow_infinity=False)
OTHERS = {"seconds", "settings", "disagreement"}
"""What no answer enters."""


@pytest.fixture
def handed_in(sample):
    """A board with submissions of three teams."""
    noise = np.random.default_rng(0).normal(size=(3, len(sample)))
    for team, error in zip(("ana", "bob", "eve"), noise, strict=True):
        sample.assign(y=sample["y"] + error).to_csv(f"{team}.csv", index=False)
        podium.submit("toy", f"{team}.csv", team=team)


def record(team):
    board = open_board(workspace.database_url())
    return next(one for one in board.records() if one.team == team)


def figures(document):
    """All floats of a document but those that no answer enters."""
    if isinstance(document, dict):
        return [f for name, part in document.items() if name not in OTHERS for f in figures(part)]
    if isinstance(document, list | tuple):
        return [f for part in document for f in figures(part)]
    return [document] if isinstance(document, float) else []


def lines(file):
    return [json.loads(line) for line in Path(file).read_text().splitlines()]


@given(FINITE)
def test_what_is_rounded_stays_as_it_is(value):
    assert shown(shown(value)) == shown(value)
    assert agree(shown(value), value)
    assert math.isclose(shown(value), value, abs_tol=0.5 * unit(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.87654321, 0.8765), (-0.00004, 0.0), (9.99996, 10.0), (29.33664, 29.337),
     (31234.5678, 31235.0), (1234567.0, 1234600.0), (43416, 43416), (None, None)],
)  # fmt: skip
def test_four_decimals_and_never_more_than_five_digits_of_a_large_figure(value, expected):
    assert shown({"a": [value]}) == {"a": [expected]}


def test_the_same_to_the_last_digit_that_is_shown():
    card = {"rows": 54, "scores": {"rmse": 0.87654}, "ci": [0.7, 0.9], "se": None}
    assert agree(card, shown(card))
    assert not agree(card, {**card, "rows": 53})
    assert not agree(card, {**card, "scores": {"rmse": 0.8768}})
    assert not agree(card, {**card, "scores": {}})
    assert not agree(card, {**card, "ci": None})
    assert agree(31234.5678, 31235.0)
    assert not agree(31234.5678, 31237.0)


@pytest.mark.usefixtures("handed_in")
def test_every_way_out_rounds_alike(podium_cli, sample):
    sample.to_csv("four.csv", index=False)
    documents = [
        podium_cli("submit", "toy", "four.csv", "--json").json,
        podium_cli("board", "toy", "--json").json,
        podium_cli("compare", "toy", "ana/ana", "bob", "eve", "--json").json,
        *map(asdict, podium.board("toy")),
    ]
    podium.reveal("toy")
    documents += [
        podium_cli("board", "toy", "--part", part, "--json").json for part in ("private", "all")
    ]
    documents.append(podium_cli("compare", "toy", "bob", "eve", "--json").json)
    place = Path("submissions/toy/demo/cem/five.csv")
    place.parent.mkdir()
    sample.assign(y=sample["y"] + 0.123456789).to_csv(place, index=False)
    documents.append(podium_cli("score-all", "--json").json)
    for document in documents:
        assert figures(document)
        assert [figure for figure in figures(document) if figure != shown(figure)] == []
    outcome = podium.submit("toy", "ana.csv", team="fay")
    assert figures([outcome.card, outcome.change or 0.0]) == figures(
        shown([outcome.card, outcome.change or 0.0])
    )


@pytest.mark.usefixtures("handed_in")
def test_tables_and_pages_hold_no_more_digits(podium_cli):
    ana = record("ana")
    whole = [repr(figure)[:7] for figure in figures([ana.public, ana.private])]
    texts = [
        podium_cli("board", "toy", "--format", form).out for form in ("csv", "markdown", "table")
    ]
    texts.append(podium_cli("compare", "toy", "ana/ana", "bob").out)
    podium.report("toy", out="site")
    texts += [file.read_text() for file in Path("site").glob("*.html")]
    assert [word for word in whole for text in texts if word in text] == []


def test_ranks_are_those_of_full_precision(sample, podium_cli):
    for team, shift in (("ana", 3e-7), ("bob", 2e-7), ("eve", 1e-7)):
        sample.assign(y=sample["y"] + shift).to_csv(f"{team}.csv", index=False)
        podium.submit("toy", f"{team}.csv", team=team)
    rows = [row for row in podium.board("toy") if row.rank]
    assert len({row.score for row in rows}) == 1
    assert [row.rank for row in rows] == [1, 2, 3]
    assert [row.team for row in podium.board("toy", sort="score") if row.rank] == [
        row.team for row in rows
    ]
    podium.report("toy", out="site")
    best = sample.assign(y=sample["y"] + 4e-7)
    best.to_csv("best.csv", index=False)
    told = podium_cli("submit", "toy", "best.csv", "--team", "eve").out
    assert "as good as its best before" in told


def test_one_submission_decodes_no_row_a_bit(sample):
    """Bits of the mean error are rows: 2^-k on row k tells at full precision which are public."""
    guess = 100 * (1 - 0.5 ** np.arange(1, len(sample) + 1))
    for name, values in (("level", np.full(len(sample), 100.0)), ("rows", guess)):
        sample.assign(y=values).to_csv(f"{name}.csv", index=False)
    cards = [podium.submit("toy", f"{name}.csv", team=name).card for name in ("level", "rows")]
    split = data.load(*podium.load("toy"))
    parts = split.table("solution/solution.parquet").set_index("id")["part"]
    public = (parts.loc[sample["id"]] == "public").to_numpy()
    assert decoded([record(name).public for name in ("level", "rows")], public) > 40
    assert decoded(cards, public) < 20


def decoded(cards, public):
    """How many rows of the public half two cards tell, one after the other."""
    level, rows = (card["scores"]["mae"] for card in cards)
    left, count = (level - rows) * cards[0]["rows"] / 100, 0
    for count, there in enumerate(public):
        bit = left >= 0.5 ** (count + 1) * (1 - 1e-9)
        if bit != there:
            break
        left -= bit * 0.5 ** (count + 1)
    return count


def test_a_small_scale_tells_no_more_digits(toy, sample, monkeypatch):
    """Normalised scores, and differences of large ones."""
    sample.assign(y=90.123456).to_csv("a.csv", index=False)
    sample.assign(y=90.123999).to_csv("b.csv", index=False)
    for name in ("a", "b"):
        podium.submit("toy", f"{name}.csv", name=name)
    whole = podium.compare("toy", "a", "b").against[0].parts["public"]
    assert decimals(whole.first) == 3
    for value in (whole.difference, whole.ci_low, whole.ci_high):
        assert round(value, 3) == value
    scores = {row.name: row.score for row in podium.board("toy")}
    for row in podium.board("toy"):
        if row.normalised is not None:
            assert row.normalised == shown(1 - row.score / scores["zero"])


@pytest.mark.usefixtures("handed_in")
def test_a_sealed_export_tells_of_no_group():
    """Two submissions and influence values told the half of every guide, and means of labels."""
    podium.export_records("board.jsonl")
    for line in lines("board.jsonl"):
        assert line["public_influence"] is None
        assert line["private_influence"] is None
        assert figures(line["public"]) == figures(shown(line["public"]))
    ana = record("ana")
    assert len(ana.public_influence) == 4 * ana.public["groups"]
    assert figures(ana.public) != figures(shown(ana.public))


@pytest.mark.usefixtures("handed_in")
def test_a_revealed_export_is_the_record():
    podium.reveal("toy")
    podium.export_records("board.jsonl")
    ana = record("ana")
    (line,) = [line for line in lines("board.jsonl") if line.get("team") == "ana"]
    assert (line["public"], line["private"]) == (ana.public, ana.private)
    assert base64.b64decode(line["public_influence"]) == ana.public_influence


@pytest.mark.usefixtures("handed_in")
def test_sealed_lines_of_an_older_podium_are_taken_and_not_handed_on(tmp_path, monkeypatch):
    """They have influence values and all digits."""
    podium.export_records("board.jsonl")
    new = Path("board.jsonl").read_bytes()
    board = open_board(workspace.database_url())
    whole = {one.submission: one for one in board.records()}
    old = [
        {
            **line,
            "public": whole[line["submission"]].public,
            "public_influence": base64.b64encode(
                whole[line["submission"]].public_influence
            ).decode(),
        }
        for line in lines("board.jsonl")
    ]
    text = "".join(json.dumps(line) + "\n" for line in old)
    Path("board.jsonl").write_text(text)
    podium.export_records("board.jsonl")
    assert Path("board.jsonl").read_bytes() == new
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    Path("board.jsonl").write_text(text)
    assert podium.import_records("board.jsonl").unverified == 3
    podium.export_records("board.jsonl")
    assert Path("board.jsonl").read_bytes() == new
    Path("new.jsonl").write_bytes(new)
    assert podium.import_records("new.jsonl").new == 0


@pytest.mark.usefixtures("handed_in")
def test_claims_without_influence_values_stand_on_every_board(
    tmp_path, monkeypatch, podium_cli, sample
):
    podium.export_records("board.jsonl")
    file = Path("board.jsonl").resolve()
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    podium.import_records(file)
    sample.to_csv("own.csv", index=False)
    podium.submit("toy", "own.csv", team="own")
    rows = {row.team: row for row in podium.board("toy")}
    assert (rows["ana"].status, rows["ana"].tier, rows["ana"].win_next) == (
        "unverified",
        None,
        None,
    )
    assert rows["ana"].ci_low < rows["ana"].score < rows["ana"].ci_high
    assert rows["own"].rank == 1
    claims = podium.compare("toy", "ana/ana", "bob/bob").against[0].parts["public"]
    assert claims.ci_low is None
    assert claims.difference == pytest.approx(claims.first - claims.second)
    assert podium.compare("toy", "own", "bob/bob").against[0].parts["public"].p is None
    assert podium_cli("withdraw", rows["ana"].submission[:6], "--yes", "--team", "ana").status == 0
    assert podium_cli("board", "toy", "--team", "ana").status == 0
    podium.report("toy", out="site")


@pytest.mark.usefixtures("handed_in")
def test_a_refused_import_is_no_look(podium_cli):
    """It said the true score of any file that lay in its place, and was not counted."""
    podium.export_records("board.jsonl")
    true = record("ana").public
    Path("leaderboard/board.sqlite").rename("hidden.sqlite")
    forged = []
    for line in lines("board.jsonl"):
        if line["team"] == "ana":
            card = line["public"]
            scores = {name: value + 0.25 for name, value in card["scores"].items()}
            ends = [end + 0.25 for end in card["ci"]]
            line = {**line, "public": {**card, "scores": scores, "ci": ends}}
        forged.append(line)
    Path("forged.jsonl").write_text("".join(json.dumps(line) + "\n" for line in forged))
    done = podium_cli("import", "forged.jsonl", "--json")
    assert done.status == 1
    assert "its public figures are not those of its predictions" in done.err
    told = re.findall(r"\d+\.\d+", done.out + done.err)
    assert [word for figure in figures(true) for word in told if word in repr(figure)] == []
    assert podium.board("toy") == []


@pytest.mark.usefixtures("handed_in")
def test_what_is_verified_ranks_by_what_is_computed_here():
    """A line that is better than true by less than the rounding would win a tie."""
    podium.reveal("toy")
    podium.export_records("board.jsonl")
    true = record("ana").public
    Path("leaderboard/board.sqlite").rename("hidden.sqlite")
    entries = lines("board.jsonl")
    for line in entries:
        if line["type"] == "record":
            card = line["public"]
            scores = {name: value - 2e-5 for name, value in card["scores"].items()}
            line["public"] = {**card, "scores": scores}
    entries = [line for line in entries if line.get("team") in ("ana", "bob")]
    Path("forged.jsonl").write_text("".join(json.dumps(line) + "\n" for line in entries))
    assert podium.import_records("forged.jsonl").verified == 2
    assert record("ana").public == true


def test_what_is_withdrawn_is_named_and_nothing_more(handed_in):
    short = next(row.submission for row in podium.board("toy") if row.team == "ana")
    gone, new = podium.withdraw(short, team="ana")
    assert (gone.submission, new) == (short, True)
    assert (gone.private, gone.all, gone.public_influence, gone.private_influence) == (
        {}, {}, b"", b"",
    )  # fmt: skip
    assert gone.public == shown(record("ana").public)
