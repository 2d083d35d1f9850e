"""Lines of others, changed at random: refused with a sentence, or shown by every command."""

import base64
import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pytest

import podium
from podium.boards.record import submission_id
from podium.errors import PodiumError

FIGURES = (0, 1, -1, 0.0, -0.0, 1e-320, 1e17, 1.7e308, -1.7e308, 10**300, -(10**300), 2**63, 0.5)
TEXTS = ("", "x", "=1+1", "<b>", "a" * 70, "\x1b[2J", "2026-01-31T12:00:00+00:00", "demo", "podium")
OTHERS = (None, True, [], {}, [1], {"a": 1}, *FIGURES, *TEXTS)
COMMANDS = (
    ("board", "toy", "--json"),
    ("board", "toy", "--format", "csv", "--best-per-team", "--sort", "mae"),
    ("board", "toy"),
    ("board", "toy", "--part", "private", "--json"),
    ("board", "toy", "--part", "all", "--json"),
    ("list", "--json"),
    ("compare", "toy", "ana", "bob", "--json"),
    ("export", "again.jsonl", "--json"),
)


@pytest.fixture
def entries(sample, workspace):
    """Lines of every kind, private figures too."""
    for shift, team in enumerate(("ana", "bob", "carl", "dora")):
        sample.assign(y=sample["y"] + shift).to_csv(f"{team}.csv", index=False)
        podium.submit("toy", f"{team}.csv", team=team)
    rows = {row.team: row.submission for row in podium.board("toy")}
    podium.withdraw(rows["dora"], team="dora")
    podium.pick("toy", rows["ana"], team="ana")
    podium.reveal("toy")
    podium.export_records("board.jsonl")
    return [json.loads(line) for line in Path("board.jsonl").read_text().splitlines()]


def forged(line, chance):
    """A record whose figures fit each other, however far they are from all that is true."""
    cards = {}
    for part in ("public", "private", "all"):
        value = chance.choice([v for v in FIGURES if v >= 0])
        sure = chance.random() < 0.5
        interval = {"se": 0.0, "ci": [value, value]} if sure else {"se": None, "ci": None}
        scores = {"rmse": value, "mae": chance.choice(FIGURES)}
        strata = {
            name: {**of, "scores": {name: chance.choice(FIGURES) for name in scores}, **interval}
            for name, of in line[part]["strata"].items()
        }
        cards[part] = {**line[part], "scores": scores, "strata": strata, **interval}
        if part != "all":
            zeros = np.zeros(line[part]["groups"], np.float32)
            cards[f"{part}_influence"] = base64.b64encode(zeros.tobytes()).decode()
    return {**line, **cards}


def renamed(line, chance):
    """A record of another file, which nobody here has."""
    if line["kind"] != "scored":
        return line
    sha256 = hashlib.sha256(str(chance.random()).encode()).hexdigest()
    short = submission_id(line["competition"], line["dataset"], line["team"], sha256)
    return {**line, "sha256": sha256, "submission": short, "file": None}


def mutant(line, chance):
    """A line with some value somewhere replaced."""
    line = json.loads(json.dumps(line))
    place = line
    while True:
        name = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
        inner = place[name]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.9:
            place = inner
            continue
        place[name] = chance.choice(OTHERS)
        return line


def changed(entries, chance):
    for line in entries:
        kind = chance.random()
        if line["type"] == "record" and kind < 0.6:
            line = forged(line, chance)
            line = renamed(line, chance) if chance.random() < 0.5 else line
        if kind > 0.9:
            line = mutant(line, chance)
        if kind < 0.95:
            yield line


@pytest.mark.parametrize("seed", range(8))
def test_nothing_that_is_imported_stops_a_command(
    seed, entries, podium_cli, tmp_path, monkeypatch, own_cache
):
    """Without prepared data and predictions: nothing can be computed again."""
    chance, taken = random.Random(seed), 0
    for number in range(6):
        place = tmp_path / str(number)
        place.mkdir()
        monkeypatch.chdir(place)
        for line in changed(entries, chance):  # line by line, so that one refusal hides no other
            Path("line.jsonl").write_text(json.dumps(line) + "\n")
            try:
                podium.import_records("line.jsonl")
                taken += 1
            except PodiumError:
                continue
        for command in COMMANDS:
            done = podium_cli(*command)
            assert done.status in (0, 1), done.err
            if "--json" in command and done.status == 0:
                json.loads(done.out, parse_constant=pytest.fail)
        podium.report("toy", out="site")
    assert taken > 6
