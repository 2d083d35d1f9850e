"""One submission with all that its board may tell, and what a team has on all boards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from podium.competition import folders as competitions
from podium.errors import BoardError, PodiumError
from podium.execution.curves import KEPT, Curve, without_curve
from podium.figures import figure, shown
from podium.leaderboard import files, naming
from podium.leaderboard.board import Board, select_revealed
from podium.leaderboard.contest import Contest
from podium.leaderboard.ranking import OUTDATED, WITHDRAWN, Row
from podium.leaderboard.record import PARTS, REFERENCE, SUBMISSION
from podium.leaderboard.schema import RECORDS
from podium.results import Result, Results, scores_frame

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, repr=False)
class Details(Result):
    """A submission.

    Attributes:
        row: As it stands on the public board.
        version: Of the data, split and metric that it was scored by.
        file: Its predictions, relative to the workspace; None where they never were here, and of
            controls.
        file_problem: Why they cannot be scored again; None if they are as they were handed in.
        picked: Whether its team picked it.
        scores: By part the figures that may be shown, rounded: `rows`, `groups`, `scores`, `se`,
            `ci`, and `strata` with the same for each stratum.
        provenance: Parameters, seed, code, versions, time and memory.
        curve: What the model reported while it was trained, its own claim; None where it did not.
    """

    competition: str
    dataset: str
    row: Row
    message: str
    version: str
    file: str | None
    file_problem: str | None
    picked: bool
    scores: Mapping[str, Mapping[str, Any]]
    provenance: Mapping[str, Any]
    curve: Curve | None = None

    @property
    def as_json(self) -> dict[str, Any]:
        """One flat document: the row's fields, then the others."""
        document = asdict(self)
        curve = self.curve and self.curve.as_json
        return {**document.pop("row"), **document, "curve": curve}

    @property
    def score(self) -> float | None:
        """The public score."""
        return self.row.score

    def to_frame(self) -> pd.DataFrame:
        """All rows and each stratum of the parts that may be shown: interval, every score."""
        import pandas as pd

        tables = {part: scores_frame(card) for part, card in self.scores.items()}
        return pd.concat(tables, names=["part"]).reset_index(level=0)

    def _line(self) -> str:
        row = self.row
        stands = f"public rank {row.rank}" if row.rank is not None else row.status
        where = f"{self.competition}/{self.dataset}"
        return f"{row.submission} of {where}, {row.team}/{row.name}: {figure(row.score)}, {stands}"


@dataclass(frozen=True, kw_only=True)
class Mine:
    """What a team has on one board. Field names are the JSON of `podium mine`.

    Attributes:
        submissions: Of all versions; withdrawn ones count, too.
        last: When the last of them came.
        best: ID of the one with the best public rank; None where none ranks.
        name, score, rank: Of that one.
        ranked: How many submissions rank on this board.
        picked: IDs that the team picked.
        problem: Why no ranks can be told.
    """

    competition: str
    dataset: str
    team: str
    submissions: int
    last: str
    best: str | None = None
    name: str | None = None
    score: float | None = None
    rank: int | None = None
    ranked: int | None = None
    picked: Sequence[str] = ()
    problem: str | None = None


def details(contest: Contest, name: str) -> Details:
    """All that a board may tell of a submission, outdated and withdrawn ones too.

    Args:
        contest: Where it is.
        name: What a person calls it: see `podium.leaderboard.naming`.

    Raises:
        BoardError: If the name means none, or several.
    """
    ranking = contest.ranking()
    command = contest.command("show", name)
    line = naming.find(contest, name, ranking, command, [OUTDATED, WITHDRAWN])
    (row,) = contest.rows(ranking, [line])
    (record,) = contest.board.records(submission=line.submission, version=line.version)
    opened = contest.board.all(select_revealed(*contest.place, record.answers))
    parts = PARTS if opened or line.origin == REFERENCE else PARTS[:1]
    problem = None
    try:
        if record.kind == SUBMISSION:
            files.checked(record)
    except BoardError as error:
        problem = error.message
    return Details(
        competition=contest.competition.name,
        dataset=record.dataset,
        row=row,
        message=record.message,
        version=record.version,
        file=record.file,
        file_problem=problem,
        picked=any(record.submission in pick.submissions for pick in contest.picks()),
        scores={part: shown(figures) for part in parts if (figures := getattr(record, part))},
        provenance=without_curve(record.provenance),
        curve=Curve.read(record.provenance.get(KEPT)),
    )


def mine(board: Board, team: str) -> Results[Mine]:
    """What a team has on each board, by the names of competition and dataset."""
    names = (RECORDS.c.competition, RECORDS.c.dataset)
    query = sa.select(
        *names, sa.func.count(RECORDS.c.submission.distinct()), sa.func.max(RECORDS.c.created)
    ).where(RECORDS.c.team == team, RECORDS.c.kind == SUBMISSION)
    counted = board.all(query.group_by(*names).order_by(*names))
    return Results([_mine(board, team, *row) for row in counted], f"boards of team {team}")


def _mine(board: Board, team: str, key: str, dataset: str, count: int, last: str) -> Mine:
    name = competitions.name_of(key)
    known = Mine(competition=name, dataset=dataset, team=team, submissions=count, last=last)
    try:
        competition = competitions.load(name)
        contest = Contest.find(competition, competition.dataset(dataset), board)
    except PodiumError as error:
        return replace(known, problem=error.message)
    if contest is None:
        get = f"podium data {name} --dataset {dataset}"
        return replace(known, problem=f"The data are not here: {get}")
    ranking = contest.ranking()
    best = next((ln for ln in ranking if ln.team == team and ln.rank is not None), None)
    picked = [one for pick in contest.picks() if pick.team == team for one in pick.submissions]
    known = replace(known, ranked=ranking.ranked, picked=picked)
    if best is None:
        return known
    (row,) = contest.rows(ranking, [best])
    return replace(known, best=row.submission, name=row.name, score=row.score, rank=row.rank)
