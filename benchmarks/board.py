"""How long the board and its statistics take with very many submissions.

    python benchmarks/board.py [SUBMISSIONS [TEAMS [GROUPS]]]

Makes a board of sirna/demo in a temporary workspace, with random influence values, and measures
`podium board` as whole processes, and the statistics of the top 200 alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from podium import api, workspace
from podium.boards import leaderboard, tiers
from podium.boards.record import SUBMISSION, Record, now, submission_id
from podium.edition import find_edition

SUBMISSIONS, TEAMS, GROUPS = (
    int(sys.argv[place]) if len(sys.argv) > place else default
    for place, default in ((1, 10_000), (2, 300), (3, 4_096))
)
PODIUM = [str(Path(sys.executable).parent / "podium")]
STRATA = ("unseen_gene", "unseen_guide", "seen")


def card(scores: dict[str, float]) -> dict:
    value = scores["score"]
    part = {
        "rows": 400,
        "groups": 100,
        "scores": scores,
        "se": 0.01,
        "ci": [value - 0.02, value + 0.02],
    }
    return {**part, "strata": {name: dict(part) for name in STRATA}}


def records(edition: str) -> list[Record]:
    """Teams of several strengths; the tries of a team are alike."""
    rng = np.random.default_rng(0)
    names = [score.name for score in api.load("sirna")[0].scores]
    common = rng.normal(size=GROUPS)
    found = []
    for number in range(SUBMISSIONS):
        team = f"team {number % TEAMS}"
        influence = (common + 0.3 * rng.normal(size=GROUPS)).astype(np.float32)
        value = 0.6 + 0.1 * (number % TEAMS) / TEAMS + 0.01 * float(rng.normal())
        sha256 = f"{number:064x}"
        whole = card({**dict.fromkeys(names, 0.5), "score": value})
        found.append(
            Record(
                submission=submission_id("sirna", "demo", team, sha256),
                competition="sirna",
                dataset="demo",
                edition=edition,
                team=team,
                name=f"try {number}",
                model=None,
                message="",
                kind=SUBMISSION,
                created=now(),
                file=None,
                sha256=sha256,
                provenance={"seed": 0},
                public=whole,
                private=whole,
                all=whole,
                public_influence=influence.tobytes(),
                private_influence=influence.tobytes(),
            )
        )
    return found


def seconds(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([*PODIUM, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    competition, dataset = api.load("sirna")
    api.prepare("sirna")
    edition = find_edition(competition, dataset).name
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        start = time.perf_counter()
        board = leaderboard.open_board(workspace.database_url())
        board.merge(leaderboard.Batch(records=records(edition)))
        took = time.perf_counter() - start
        print(f"{SUBMISSIONS:,} records of {GROUPS:,} groups made in {took:.1f} s")
        for options in ([], ["--best-per-team"], ["--json"], ["--team", "team 1"]):
            took = sorted(seconds("board", "sirna", *options) for _ in range(3))[1]
            print(f"podium board sirna {' '.join(options):20}{took:8.2f} s", flush=True)
        os.chdir("/")
    rng = np.random.default_rng(0)
    influence = rng.normal(size=GROUPS) + 0.3 * rng.normal(size=(200, GROUPS))
    scores = 0.05 * rng.normal(size=200)
    start = time.perf_counter()
    number = tiers.tiers(scores, influence).max()
    middle = time.perf_counter()
    tiers.probability(*tiers.differences(scores, influence), GROUPS)
    end = time.perf_counter()
    print(f"top 200: {number} tiers {middle - start:.2f} s, all pairs {end - middle:.2f} s")


if __name__ == "__main__":
    main()
