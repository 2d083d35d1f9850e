"""How long a report takes with very many submissions, and how large its pages become.

    python benchmarks/report.py [SUBMISSIONS [TEAMS [GROUPS]]]

Makes the board of `benchmarks/board.py` in a temporary workspace, spread over three weeks and
revealed, and measures `podium report` as a whole process.
"""

from __future__ import annotations

import datetime
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from board import GROUPS, SUBMISSIONS, TEAMS, measured, records

from podium import api, workspace
from podium.competition.version import find_version
from podium.leaderboard.board import Batch, open_board
from podium.leaderboard.record import Reveal, now

BEGAN = datetime.datetime(2026, 1, 5, tzinfo=datetime.UTC)
SPAN = datetime.timedelta(weeks=3)


def main() -> None:
    competition, dataset = api.load("sirna")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ.pop("PODIUM_DB", None)
        board = open_board(workspace.database_url())
        version = find_version(competition, dataset)
        assert version is not None
        tries = records(version, range(SUBMISSIONS))
        step = SPAN / len(tries)
        spread = [
            replace(record, created=(BEGAN + step * place).isoformat(timespec="seconds"))
            for place, record in enumerate(tries)
        ]
        board.merge(Batch(records=spread))
        print(f"{SUBMISSIONS:,} submissions of {TEAMS} teams, {GROUPS:,} groups")
        for state in ("sealed", "revealed"):
            took, cpu, _ = measured("report", "sirna", "--out", state)
            size = Path(state, "sirna-demo.html").stat().st_size / 1024
            print(f"{state}: {took:.1f} s ({cpu:.1f} s of CPU), page of {size:,.0f} KiB")
            names = {"competition": "sirna", "dataset": "demo", "answers": version.answers}
            board.reveal(Reveal(**names, who="benchmark", created=now()))


if __name__ == "__main__":
    main()
