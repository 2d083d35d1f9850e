"""Lines of others, changed at random: refused with a sentence, or shown by every command."""

import base64
import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import podium
from podium.data import dataset as data
from podium.errors import PodiumError
from podium.leaderboard.record import submission_id
from suites import mostly_slow

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
    ("report", "toy", "--out", "site"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Lines of every kind, private figures too."""
    place = tmp_path_factory.mktemp("mutants")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("PODIUM_DATA", str(place / "cache"))
        for name in ("PODIUM_DB", "PODIUM_WORKSPACE"):
            patch.delenv(name, raising=False)
        ready = data.load(*podium.load("toy"))
        sample = pd.read_csv(ready.folder / "public" / data.SAMPLE, dtype={"id": str})
        for shift, team in enumerate(("ana", "bob", "carl", "dora")):
            sample.assign(y=sample["y"] + shift).to_csv(f"{team}.csv", index=False)
            podium.submit("toy", f"{team}.csv", team=team)
        rows = {row.team: row.submission for row in podium.board("toy")}
        podium.withdraw(rows["dora"], team="dora")
        podium.pick("toy", rows["ana"], team="ana")
        podium.reveal("toy")
        podium.export_records("board.jsonl")
        return [json.loads(line) for line in Path("board.jsonl").read_text().splitlines()]


@pytest.fixture
def entries(made, workspace):
    """These lines, in a workspace that has none of what they are of."""
    return made


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


def holds(podium_cli):
    for command in COMMANDS:
        done = podium_cli(*command)
        assert done.status in (0, 1), done.err
        if "--json" in command and done.status == 0:
            json.loads(done.out, parse_constant=pytest.fail)


MORE = [pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(12, 40)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*mostly_slow(range(12), 0, 1), *MORE])
def test_nothing_that_is_imported_stops_a_command(seed, entries, podium_cli, tmp_path, monkeypatch):
    """Without prepared data and predictions: nothing can be computed again."""
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path / "cache"))
    taken = 0
    for line in changed(entries, random.Random(seed)):
        Path("line.jsonl").write_text(json.dumps(line) + "\n")  # so that one refusal hides no other
        try:
            podium.import_records("line.jsonl")
            taken += 1
        except PodiumError:
            continue
    assert taken
    holds(podium_cli)


@pytest.mark.slow
def test_figures_at_both_ends(entries, podium_cli, tmp_path, monkeypatch):
    """What is normalised by a control of others that is all but perfect is beyond all floats."""
    monkeypatch.setenv("PODIUM_DATA", str(tmp_path / "cache"))
    records = [line for line in entries if line["type"] == "record"]
    whole = [
        forged(line, Least(10**300 if line["kind"] == "scored" else 1e-320)) for line in records
    ]
    Path("ends.jsonl").write_text("".join(json.dumps(line) + "\n" for line in whole))
    podium.import_records("ends.jsonl")
    holds(podium_cli)
    rows = podium_cli("board", "toy", "--json").json["rows"]
    assert {row["normalised"] for row in rows if row["status"] == "unverified"} == {None}


class Least(random.Random):
    """Chooses one and the same figure."""

    def __init__(self, value):
        super().__init__(0)
        self.value = value

    def choice(self, _):
        return self.value
