"""A contest: a competition's dataset in its present version, and the board that it is on.

This one object is handed from call to call; whatever needs several of its parts is asked of it.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from podium import workspace
from podium.competition.contract import Competition, Dataset
from podium.competition.version import Version, find_version, get_command, is_ready
from podium.errors import BoardError
from podium.leaderboard import journal, naming, schema
from podium.leaderboard.board import (
    AT_ONCE,
    Board,
    open_board,
    refuse_over_limit,
    score_of,
    select_revealed,
    select_withdrawn,
)
from podium.leaderboard.ranking import Line, Ranking, Row, rank
from podium.leaderboard.record import MOST_PICKS, OWN, REFERENCE, Pick, Record, Reveal, now
from podium.leaderboard.schema import RECORDS
from podium.machine import user

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Contest:
    """A competition's dataset in its present version, and its board."""

    competition: Competition
    dataset: Dataset
    version: Version
    board: Board

    @classmethod
    def find(
        cls, competition: Competition, dataset: Dataset, board: Board | None = None
    ) -> Contest | None:
        """The contest of a dataset; None where neither its data nor their checksums are here."""
        version = find_version(competition, dataset)
        if version is None:
            return None
        board = board or open_board()
        return cls(competition=competition, dataset=dataset, version=version, board=board)

    @property
    def title(self) -> str:
        """As people are told it: sirna/demo."""
        return f"{self.competition.name}/{self.dataset.name}"

    @property
    def names(self) -> tuple[str, str]:
        """Of competition and dataset, as people call them."""
        return self.competition.name, self.dataset.name

    @property
    def place(self) -> tuple[str, str]:
        """Id of the competition and name of the dataset: where its records and files lie."""
        return self.competition.id, self.dataset.name

    def command(self, name: str, *words: str) -> list[str]:
        """The words of a command about this dataset, for hints."""
        return [name, self.competition.name, *words, "--dataset", self.dataset.name]

    @property
    def _where(self) -> dict[str, str]:
        return {"competition": self.competition.id, "dataset": self.dataset.name}

    def records(self, origins: Collection[str] = ()) -> list[Record]:
        """Records of all versions in the order in which they came; see `Board.records`."""
        return self.board.records(origins, **self._where)

    def record(self, submission: str) -> Record:
        """The record of a submission in the present version, or what is claimed of it.

        Raises:
            BoardError: If there is none.
        """
        records = self.board.records(submission=submission, version=self.version.name)
        if not records:
            raise BoardError(f"There is no submission {submission[:60]!r} in the present version.")
        return records[0]

    def select(self, *columns: str, **where: str) -> Sequence[Any]:
        """Columns of the records that hold these values, of all versions: see `Board.select`."""
        return self.board.select(*columns, **self._where, **where)

    def has(self, submission: str) -> bool:
        """Whether a submission was scored here in the present version."""
        where = {"submission": submission, "version": self.version.name, "origin": OWN}
        return bool(self.board.select("number", **where))

    def files(self) -> dict[str, str]:
        """The files that records scored here name, relative to the workspace, and their sha256."""
        rows = self.select("file", "sha256", origin=OWN)
        return {file: sha256 for file, sha256 in rows if file}

    def influence(self, part: str, submissions: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Influence values of the primary score, by submission; `part` is public or private."""
        import numpy as np  # here: a list of competitions needs none

        # by nothing but its key: else SQLite would go through all records of the board
        query = sa.select(RECORDS.c.submission, RECORDS.c[f"{part}_influence"]).where(
            RECORDS.c.version == self.version.name, RECORDS.c.submission.in_(submissions)
        )
        return {row[0]: np.frombuffer(row[1], np.float32) for row in self.board.all(query)}

    def revealed(self) -> str | None:
        """When the private scores of its answers were opened; None if they are sealed."""
        rows = self.board.all(select_revealed(*self.place, self.version.answers))
        return rows[0][0] if rows else None

    def refuse_over_limit(self, team: str) -> None:
        """Refuse what would be more looks at the public score than a day has, in UTC.

        Raises:
            BoardError: With when the next is possible.
        """
        if limit := self.competition.daily_limit:
            with self.board.read() as connection:
                refuse_over_limit(connection, limit, team, *self.place, self.version.name)

    def ranking(self, part: str = "public") -> Ranking:
        """All lines of the board of one part, without their figures: quick at any size.

        Of a sealed part the lines that Podium ships are shown, which are known to everybody.

        Raises:
            BoardError: If the part is sealed and no such line is there.
        """
        with self.board.read() as connection:
            withdrawn = set(connection.execute(select_withdrawn()).scalars())
            query = select_revealed(*self.place, self.version.answers)
            revealed = connection.execute(query).scalar()
            lines = self._lines(connection, part)
        if part != "public" and revealed is None:
            lines = [line for line in lines if line.origin == REFERENCE]
            if not any(line.version == self.version.name for line in lines):
                raise BoardError(
                    f"The {part} scores of {self.title} are sealed.",
                    hint=f"Open them for good: podium reveal {self.competition.name} "
                    f"--dataset {self.dataset.name}",
                )
        return rank(part, lines, withdrawn, self.competition, self.version.name, revealed)

    def rows(self, ranking: Ranking, lines: Sequence[Line]) -> list[Row]:
        """Lines of a ranking with their figures."""
        cards: dict[int, Any] = {}
        query = sa.select(*(RECORDS.c[name] for name in ("number", "name", "model", ranking.part)))
        with self.board.read() as connection:
            for start in range(0, len(lines), AT_ONCE):
                numbers = [line.number for line in lines[start : start + AT_ONCE]]
                asked = query.where(RECORDS.c.number.in_(numbers))
                cards |= {number: figures for number, *figures in connection.execute(asked)}
        return [ranking.row(line, *cards[line.number]) for line in lines]

    def _lines(self, connection: sa.Connection, part: str) -> list[Line]:
        """What ranks the records, in order of arrival.

        The score of those whose columns are of another one, or that came when the competition was
        unknown, is in their figures. Two ranges of the index find them: `!=` would go through all
        of it.
        """
        primary, score = self.competition.primary.name, RECORDS.c.score
        columns = [RECORDS.c[name] for name in schema.RANKS]
        mine = [RECORDS.c[name] == value for name, value in self._where.items()]
        query = sa.select(RECORDS.c[schema.SCORES[part]], *columns).where(*mine, score == primary)
        lines = [Line(*row) for row in connection.execute(query).all()]
        query = sa.select(RECORDS.c[part], *columns).where(
            *mine, sa.or_(score.is_(None), score < primary, score > primary)
        )
        for card, *row in connection.execute(query):
            lines.append(Line(score_of(card, primary), *row))
        return sorted(lines, key=attrgetter("number"))

    def picks(self) -> list[Pick]:
        """What teams picked of its answers."""
        where = (*self.place, self.version.answers)
        picks = self.board.picks()
        return [one for one in picks if (one.competition, one.dataset, one.answers) == where]

    def pick(self, team: str, names: Sequence[str] | None) -> list[Row]:
        """Note what a team picks (None: only look); gives the rows of what is picked.

        Raises:
            BoardError: If one is not the team's or does not rank, or the answers are revealed.
        """
        ranking = self.ranking()
        own = [line for line in ranking if line.team == team and line.rank is not None]
        if names is None:
            picked = {name for one in self.picks() if one.team == team for name in one.submissions}
            mine = [line for line in ranking if line.team == team and line.submission in picked]
            return self.rows(ranking, mine)
        if self.revealed() is not None:
            raise BoardError(
                f"The private scores of {self.title} are open: it is too late to pick."
            )
        if len(names) > MOST_PICKS:
            raise BoardError(f"A team picks at most {MOST_PICKS} submissions, not {len(names)}.")
        if names and not own:
            raise BoardError(
                f"Team {team} has no submission that ranks on {self.title}.",
                hint="See them: podium board {} --dataset {}".format(*self.names),
            )
        command = self.command("pick", *names)
        lines = {ln.submission: ln for ln in (naming.find(self, n, own, command) for n in names)}
        self.board.pick(Pick(**self._signed, team=team, submissions=tuple(lines)))
        return self.rows(ranking, list(lines.values()))

    def reveal(self) -> bool:
        """Open the private scores of its answers for good; False if they are open already."""
        return self.board.reveal(Reveal(**self._signed))

    @property
    def _signed(self) -> dict[str, str]:
        """What every reveal and pick says."""
        return {
            **self._where,
            "answers": self.version.answers,
            "who": user(),
            "created": now(),
        }

    def must_have(self, team: str) -> None:
        """Refuse a team that has nothing on this board, with the nearest one that has.

        Raises:
            BoardError: If there is nothing of it.
        """
        teams = sorted({row.team for row in self.select("team")})
        if team not in teams:
            near = difflib.get_close_matches(team, teams, n=1, cutoff=0.5)
            raise BoardError(
                f"Team {team[:60]!r} has nothing on {self.title}"
                + (f"; did you mean {near[0]!r}?" if near else "."),
                hint="See all teams: podium board {} --dataset {}".format(*self.names),
            )

    def tampering(self) -> list[str]:
        """What of the dataset is not as it was written: see `podium.leaderboard.journal`."""
        with self.board.read() as connection:
            return list(journal.contradictions(connection, *self.place))


def nothing_submitted(competition: Competition, dataset: Dataset) -> BoardError:
    """Says so, in which workspace, and how to begin."""
    if dataset.at_hand or is_ready(competition, dataset):
        run = f"podium run {competition.name} {competition.controls[0].model}"
        hint = f"Begin with: {run} --dataset {dataset.name}"
    else:
        hint = f"Get the data first: {get_command(competition, dataset)}"
    return BoardError(
        f"Nothing was submitted to {competition.name}/{dataset.name} yet.",
        problems=[f"The workspace is {workspace.root()}; PODIUM_WORKSPACE names another."],
        hint=hint,
    )
