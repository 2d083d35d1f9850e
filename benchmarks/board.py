"""How long the board and its statistics take with very many submissions.

    python benchmarks/board.py [SUBMISSIONS [TEAMS [GROUPS]]]

Makes a board of sirna/demo in a temporary workspace, with random influence values (100,000
submissions of 4,096 groups take 3.7 GB of disk), and measures `podium board` as whole processes
with their memory, how long one more record takes to be added for good, and the statistics of the
top 200 alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from subprocess import DEVNULL

import numpy as np
from measuring import Result, seconds

from podium import api, workspace
from podium.competition.version import Version, find_version
from podium.leaderboard.board import Batch, Board, open_board
from podium.leaderboard.record import SUBMISSION, Record, now, submission_id
from podium.scoring import tiers

SUBMISSIONS, TEAMS, GROUPS = (
    int(sys.argv[place]) if len(sys.argv) > place else default
    for place, default in ((1, 10_000), (2, 300), (3, 4_096))
)
PODIUM = [str(Path(sys.executable).parent / "podium")]
CHUNK = 10_000
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


def records(version: Version, numbers: range) -> list[Record]:
    """Teams of several strengths; the tries of a team are alike."""
    rng = np.random.default_rng(numbers.start)
    names = [score.name for score in api.load("sirna")[0].scores]
    common = rng.normal(size=GROUPS)
    tries = []
    for number in numbers:
        team = f"team {number % TEAMS}"
        influence = (common + 0.3 * rng.normal(size=GROUPS)).astype(np.float32)
        value = 0.6 + 0.1 * (number % TEAMS) / TEAMS + 0.01 * float(rng.normal())
        sha256 = f"{number:064x}"
        whole = card({**dict.fromkeys(names, 0.5), "score": value})
        tries.append(
            Record(
                submission=submission_id("sirna", "demo", team, sha256),
                competition="sirna",
                dataset="demo",
                version=version.name,
                answers=version.answers,
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
    return tries


def measured(*arguments: str) -> tuple[float, float, float]:
    """Seconds, seconds of CPU and MB of a whole process."""
    start = time.perf_counter()
    process = subprocess.Popen([*PODIUM, *arguments], stdout=DEVNULL, stderr=DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"podium {' '.join(arguments)} failed")
    cpu = usage.ru_utime + usage.ru_stime
    return time.perf_counter() - start, cpu, usage.ru_maxrss / 1024


def add_more(board: Board, version: Version) -> float:
    """Median seconds of adding a record, as `podium submit` does."""
    took = []
    for record in records(version, range(SUBMISSIONS, SUBMISSIONS + 50)):
        start = time.perf_counter()
        board.add(record)
        took.append(time.perf_counter() - start)
    return sorted(took)[len(took) // 2]


def fill() -> tuple[float, float]:
    """Make the board; seconds that it took, and those of one record more."""
    competition, dataset = api.load("sirna")
    api.prepare("sirna")
    version = find_version(competition, dataset)
    assert version is not None
    board = open_board(workspace.database_url())
    start = time.perf_counter()
    for first in range(0, SUBMISSIONS, CHUNK):
        some = records(version, range(first, min(first + CHUNK, SUBMISSIONS)))
        board.merge(Batch(records=some))
    return time.perf_counter() - start, add_more(board, version)


def shown(*options: str) -> list[str]:
    """A row of the table: `podium board`, the middle of five."""
    took, cpu, memory = sorted(measured("board", "sirna", *options) for _ in range(5))[2]
    words = " ".join(["podium board sirna", *options])
    return [f"`{words}`", seconds(took), seconds(cpu), f"{memory:.0f}"]


def statistics() -> str:
    """How long the statistics of the top 200 take."""
    rng = np.random.default_rng(0)
    influence = rng.normal(size=GROUPS) + 0.3 * rng.normal(size=(200, GROUPS))
    scores = 0.05 * rng.normal(size=200)
    start = time.perf_counter()
    number = tiers.tiers(scores, influence).max()
    middle = time.perf_counter()
    tiers.probability(*tiers.differences(scores, influence), GROUPS)
    end = time.perf_counter()
    return (
        f"Of the top 200, {number} tiers are found in {seconds(middle - start)}, and how probably "
        f"each is better than each other in {seconds(end - middle)}."
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with get_context("spawn").Pool(1) as pool:  # its memory would count in children's
            filled, one = pool.apply(fill)
        ways = ([], ["--best-per-team"], ["--team", "team 1"], ["--json"])
        rows = [shown(*options) for options in ways]
        os.chdir("/")
    Result(
        title="The board",
        text=(
            f"`podium board` with {SUBMISSIONS:,} submissions of {GROUPS:,} groups each, whole "
            "processes, in SQLite; a table shows the first 200 rows, JSON all. Asked for are, at "
            "100,000, less than 1 s and 300 MB, and less than 10 ms for one more, for good."
        ),
        header=["command", "seconds", "of CPU time", "MiB"],
        rows=rows,
        notes=[
            f"One more submission takes {seconds(one)}, for good (the middle of 50).",
            f"All of them were added, in batches, in {seconds(filled)}.",
            statistics(),
        ],
    ).write("board")


if __name__ == "__main__":
    main()
