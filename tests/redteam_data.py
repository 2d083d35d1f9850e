"""Kinds of attack on what Podium keeps and says: answers, exports, records, and bombs of files."""

import json
import shutil
import sqlite3
import time

import numpy as np
import pandas as pd

import redteam_escapes as escapes
from bombs import BOMBS
from podium import api
from podium.verifying import board, checks, verify
from podium.verifying.under_test import DatasetUnderTest
from redteam_attacks import inside
from redteam_home import kind

LOOKS_UP = """
found = {}
for folder, _, files in os.walk("/"):
    if folder.startswith(("/proc", "/sys", "/usr")): continue
    for file in files:
        if file.endswith(".parquet"):
            try: table = pd.read_parquet(os.path.join(folder, file))
            except Exception: continue
            if {"id", "y"} <= set(table.columns): found.update(zip(table["id"], table["y"]))
return good.assign(y=[found.get(row, 0.5) for row in good["id"]])
"""
"""A model's `predict` that looks for the answers of its rows in all files that it sees."""
FIELDS = ("created", "team", "name", "message", "version", "public", "private", "all", "provenance")


@kind("a small file that asks for much is refused in seconds, and stops no other")
def bombs(rng, home):
    place = home.fresh()
    folder = place / "submissions" / "toy" / "demo" / "eve"
    while True:
        name = rng.choice(list(BOMBS))
        BOMBS[name][0](folder / name)
        began = time.monotonic()
        done = home.podium(place, "score-all", "toy", "--json")
        handled = {line["file"].rsplit("/", 1)[-1]: line for line in json.loads(done.stdout)}
        late = time.monotonic() - began > 60
        refused = handled[name]["status"] == "refused" and not late
        (folder / name).unlink()
        yield "" if refused else f"{name}: {handled[name]}"


@kind("a fold's process finds no answer of what the fold holds out")
def answers_of_folds(rng, home):
    place = home.fresh()
    for name, predict in (("looks.py", LOOKS_UP), ("plain.py", "return good")):
        (place / name).write_text(escapes.model(predict=predict))
    while True:
        options = {"seed": rng.randrange(1000), "by": rng.choice([None, "group"])}
        with inside(home, place):
            looked, plain = (
                api.cross_validate("toy", name, **options).card.whole.scores
                for name in ("looks.py", "plain.py")
            )
        yield "" if looked == plain else f"{looked}, and {plain} without looking"


@kind("an export of a sealed board says no more than the board shows")
def sealed_exports(rng, home):
    place = home.fresh()
    table = pd.read_csv(place / "new.csv")
    while True:
        noise = np.random.default_rng(rng.randrange(10**9)).normal(size=len(table))
        with inside(home, place):
            table.assign(y=noise).to_csv("guess.csv", index=False)
            api.submit("toy", "guess.csv", name="guess")
            api.export_records("out.jsonl")
        lines = [json.loads(line) for line in (place / "out.jsonl").read_text().splitlines()]
        told = [line for line in lines if line.get("private") or line.get("public_influence")]
        cards = [line["public"]["scores"] for line in lines if line.get("public")]
        exact = [card for card in cards if any(v != float(f"{v:.4f}") for v in card.values())]
        yield f"{told[:1]} {exact[:1]}" if told or exact else ""


@kind("what is changed by hand in the board is named by `podium verify`")
def tampering(rng, home):
    while True:
        place = home.fresh()
        with inside(home, place):
            with sqlite3.connect(place / "leaderboard" / "board.sqlite") as opened:
                field = rng.choice(FIELDS)
                (number,) = rng.choice(opened.execute("SELECT number FROM records").fetchall())
                change = rng.choice(["'x' || {0}", "replace({0}, '1', '2') || ' '", "NULL"])
                field = f'"{field}"'
                sql = f"UPDATE records SET {field} = {change.format(field)} WHERE number = {number}"
                try:
                    opened.execute(sql)
                except sqlite3.IntegrityError:
                    sql = f"DELETE FROM records WHERE number = {number}"
                    opened.execute(sql)
            opened.close()
            case = DatasetUnderTest(*api.load("toy"))
            judged = [verify.judged(case, c) for c in (checks.board_is_whole, *board.BOARD)]
        yield "" if any(one.problem for one in judged) else sql
        shutil.rmtree(place)
