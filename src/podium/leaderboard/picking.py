"""Picks: what a team wants to be ranked by on the private part, as on Kaggle."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING

from podium.errors import BoardError
from podium.leaderboard.comparing import find
from podium.leaderboard.record import MOST_PICKS, Pick, now

if TYPE_CHECKING:
    from podium.competition.contract import Competition
    from podium.competition.version import Version
    from podium.leaderboard.leaderboard import Board
    from podium.leaderboard.ranking import Row


def pick(
    board: Board,
    competition: Competition,
    dataset: str,
    version: Version,
    team: str,
    names: Sequence[str] | None,
) -> list[Row]:
    """Note what a team picks (None: only look); gives the rows of what is picked.

    Raises:
        BoardError: If one is not the team's or does not rank, or the answers are revealed.
    """
    ranking = board.ranking(competition, dataset, version=version)
    lines = [line for line in ranking if line.team == team]  # to read all figures takes long
    rows = board.rows(competition, dataset, version=version, ranking=ranking, lines=lines)
    where = (competition.name, dataset, version.answers)
    if names is None:
        picked = {
            submission
            for one in board.picks()
            if (one.competition, one.dataset, one.answers, one.team) == (*where, team)
            for submission in one.submissions
        }
        return [row for row in rows if row.submission in picked]
    if board.revealed(*where) is not None:
        raise BoardError(
            f"The private scores of {competition.name}/{dataset} are open: it is too late to pick."
        )
    if len(names) > MOST_PICKS:
        raise BoardError(f"A team picks at most {MOST_PICKS} submissions, not {len(names)}.")
    own = [row for row in rows if row.rank is not None]
    if names and not own:
        raise BoardError(
            f"Team {team} has no submission that ranks on {competition.name}/{dataset}.",
            hint=f"See them: podium board {competition.name} --dataset {dataset}",
        )
    chosen = list({row.submission: row for row in (find(own, name) for name in names)}.values())
    board.pick(
        Pick(
            competition=competition.name,
            dataset=dataset,
            answers=version.answers,
            team=team,
            submissions=tuple(row.submission for row in chosen),
            who=getpass.getuser(),
            created=now(),
        )
    )
    return chosen
