"""The board: a database of immutable records.

SQLite in the workspace by default, PostgreSQL by `PODIUM_DB`; one code path. Records are
never changed: a withdrawal or a reveal is a record of its own. What came by `podium import` without
its predictions is a claim: shown and marked until a record of the same submission takes its place.
Private figures stay in the database until the answers are revealed.
"""

from __future__ import annotations

import datetime
import json
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from podium.competition.contract import Competition
from podium.competition.version import Version
from podium.errors import BoardError
from podium.leaderboard import database, journal, lines, queries
from podium.leaderboard.ranking import Line, Ranking, Row, rank
from podium.leaderboard.record import (
    CLAIM,
    OWN,
    REFERENCE,
    SUBMISSION,
    Pick,
    Record,
    Reveal,
    Withdrawal,
    now,
)
from podium.leaderboard.schema import PICKS, RECORDS, REVEALS, SCORES, WITHDRAWALS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is added together, in one transaction: all of it or nothing.

    Attributes:
        claims: Records whose predictions are not at hand. A claim that is there already is
            replaced by one that tells more (the private figures).
        references: Lines that Podium ships.
        reveals: Added only where all submissions are among `came_open`.
        came_open: Submission and version of records that came with their private figures, which
            were computed here as well.
        primary: The score that ranks, by competition and dataset, where it is known.
    """

    records: Sequence[Record] = ()
    claims: Sequence[Record] = ()
    references: Sequence[Record] = ()
    withdrawals: Sequence[Withdrawal] = ()
    reveals: Sequence[Reveal] = ()
    picks: Sequence[Pick] = ()
    came_open: Collection[tuple[str, str]] = ()
    primary: Mapping[tuple[str, str], str] = field(default_factory=dict)


class Board:
    """The leaderboard's database."""

    def __init__(self, url: sa.URL, *, reading: bool = False) -> None:
        self.url = url
        self._engine = database.engine(url, reading=reading)
        weakref.finalize(self, self._engine.dispose)

    def add(
        self,
        record: Record,
        *,
        primary: str | None = None,
        daily_limit: int | None = None,
    ) -> bool:
        """Add a record; False if the very same submission was scored here before.

        Args:
            record: What is added.
            primary: The score that ranks, where it is known.
            daily_limit: Submissions a team may have in a day.

        Raises:
            BoardError: If the team has as many of this day already as the limit allows, or no
                export could say the record.
        """
        lines.refuse_unwritable(record)
        names = (record.competition, record.dataset)
        with self._write() as connection:
            if connection.execute(_keyed(record.submission, record.version, OWN)).first():
                return False
            if daily_limit:
                looks = queries.looks(connection, *names, record.version, since=today())
                refuse_over_limit(record.team, looks.get(record.team, 0), daily_limit)
            queries.put(connection, [record], OWN, {names: primary} if primary else {})
        return True

    def merge(self, batch: Batch) -> None:
        """Add what is not there yet.

        Raises:
            BoardError: If a reveal would open a submission that did not come open.
        """
        with self._write() as connection:
            for origin, records in (
                (OWN, batch.records),
                (REFERENCE, batch.references),
                (CLAIM, batch.claims),
            ):
                queries.put(connection, records, origin, batch.primary)
            queries.withdraw(connection, batch.withdrawals, CLAIM)
            for reveal in batch.reveals:
                queries.refuse_unseen(connection, reveal, batch.came_open)
            queries.reveal(connection, batch.reveals)
            queries.pick(connection, batch.picks)

    def records(
        self,
        competition: str | None = None,
        dataset: str | None = None,
        origins: Collection[str] = (),
    ) -> list[Record]:
        """Records in the order in which they came: all, or a competition's, or a dataset's.

        Args:
            competition: Its name.
            dataset: Its name.
            origins: Of these alone: `own`, `claim`, `reference`.
        """
        query = queries.selection(queries.RECORD_FIELDS, competition, dataset, origins)
        with self._read() as connection:
            return [Record(**row) for row in connection.execute(query).mappings()]

    def withdrawals(self, origins: Collection[str] = (OWN, CLAIM)) -> list[Withdrawal]:
        """All withdrawals, or those that were made here (`own`), or elsewhere (`claim`)."""
        columns = [WITHDRAWALS.c[name] for name in Withdrawal.__dataclass_fields__]
        query = sa.select(*columns).where(WITHDRAWALS.c.origin.in_(list(origins)))
        with self._read() as connection:
            return [Withdrawal(**row) for row in connection.execute(query).mappings()]

    def reveals(self) -> list[Reveal]:
        """All reveals."""
        with self._read() as connection:
            rows = connection.execute(sa.select(REVEALS)).mappings().all()
        return [Reveal(**row) for row in rows]

    def picks(self) -> list[Pick]:
        """The picks of all teams."""
        with self._read() as connection:
            rows = connection.execute(sa.select(PICKS)).mappings().all()
        return [Pick(**{**row, "submissions": tuple(row["submissions"])}) for row in rows]

    def names(self, competition: str, dataset: str, *, version: str, kind: str) -> set[str]:
        """Names of the records of a kind that were scored here."""
        query = queries.selection(("name",), competition, dataset, [OWN]).where(
            RECORDS.c.version == version, RECORDS.c.kind == kind
        )
        with self._read() as connection:
            return set(connection.execute(query).scalars())

    def recorded(self, competition: str, dataset: str) -> set[str]:
        """Submissions that were scored here, in any version."""
        query = queries.selection(("submission",), competition, dataset, [OWN])
        with self._read() as connection:
            return set(connection.execute(query).scalars())

    def files(self, competition: str, dataset: str) -> dict[str, str]:
        """The files that records scored here name, relative to the workspace, and their sha256."""
        query = queries.selection(("file", "sha256"), competition, dataset, [OWN])
        with self._read() as connection:
            rows = connection.execute(query.where(RECORDS.c.file.is_not(None)))
            return {row[0]: row[1] for row in rows}

    def scores(self, competition: str, dataset: str) -> dict[tuple[str, str], Sequence[Any]]:
        """The columns that rank each record: the score's name, and its value in each part."""
        columns = ("submission", "version", "score", *SCORES.values())
        query = queries.selection(columns, competition, dataset)
        with self._read() as connection:
            return {(row[0], row[1]): row[2:] for row in connection.execute(query)}

    def ranking(
        self, competition: Competition, dataset: str, *, version: Version, part: str = "public"
    ) -> Ranking:
        """All lines of the board of one part, without their figures: quick at any size.

        Of a sealed part the lines that Podium ships are shown, which are known to everybody.

        Raises:
            BoardError: If the part is sealed and no such line is there.
        """
        names = (competition.name, dataset)
        with self._read() as connection:
            withdrawn = queries.withdrawn(connection)
            revealed = queries.revealed(connection, *names, version.answers)
            entries = queries.entries(connection, *names, competition.primary.name, part)
        if part != "public" and revealed is None:
            entries = [entry for entry in entries if entry.origin == REFERENCE]
            if not any(entry.version == version.name for entry in entries):
                raise BoardError(
                    f"The {part} scores of {competition.name}/{dataset} are sealed.",
                    hint=f"Open them for good: podium reveal {competition.name} "
                    f"--dataset {dataset}",
                )
        return rank(entries, withdrawn, competition, version.name, revealed)

    def rows(
        self,
        competition: Competition,
        dataset: str,
        *,
        version: Version,
        part: str = "public",
        ranking: Ranking | None = None,
        lines: Sequence[Line] | None = None,
    ) -> list[Row]:
        """Lines of the board of one part with their figures; by default all.

        Args:
            competition: Whose.
            dataset: Its name.
            version: The present one.
            part: `public`, or after reveal `private` and `all`.
            ranking: Where it was made already.
            lines: Which of its lines.

        Raises:
            BoardError: If the part is sealed.
        """
        ranking = ranking or self.ranking(competition, dataset, version=version, part=part)
        chosen = list(ranking) if lines is None else lines
        cards: dict[int, Any] = {}
        query = sa.select(*(RECORDS.c[name] for name in ("number", "name", "model", part)))
        with self._read() as connection:
            for some in queries.batched([line.number for line in chosen]):
                asked = query.where(RECORDS.c.number.in_(some))
                cards |= {number: figures for number, *figures in connection.execute(asked)}
        return [ranking.row(line, *cards[line.number]) for line in chosen]

    def influence(
        self, *, version: str, part: str, submissions: Sequence[str]
    ) -> dict[str, NDArray[np.float32]]:
        """Influence values of the primary score, by submission; `part` is public or private."""
        import numpy as np  # here: a list of competitions needs none

        # by nothing but its key: else SQLite would go through all records of the board
        query = sa.select(RECORDS.c.submission, RECORDS.c[f"{part}_influence"]).where(
            RECORDS.c.version == version, RECORDS.c.submission.in_(submissions)
        )
        with self._read() as connection:
            return {
                submission: np.frombuffer(stored, np.float32)
                for submission, stored in connection.execute(query)
            }

    def looks(
        self, competition: str, dataset: str, *, version: str, since: str = ""
    ) -> dict[str, int]:
        """How many public scores each team has seen, since a time; withdrawn ones count too."""
        with self._read() as connection:
            return queries.looks(connection, competition, dataset, version, since)

    def messages(self, competition: str, dataset: str) -> dict[str, str]:
        """Remarks by submission, of those that have one."""
        query = queries.selection(("submission", "message"), competition, dataset)
        with self._read() as connection:
            rows = connection.execute(query.where(RECORDS.c.message != ""))
            return {row[0]: row[1] for row in rows}

    def has(self, submission: str, version: str) -> bool:
        """Whether it was scored here."""
        with self._read() as connection:
            return connection.execute(_keyed(submission, version, OWN)).first() is not None

    def counts(self, *, references: bool = False) -> dict[tuple[str, str], int]:
        """Submissions by competition and dataset: no controls, no withdrawn ones.

        Args:
            references: Whether lines that Podium ships count, too.
        """
        board = (RECORDS.c.competition, RECORDS.c.dataset)
        query = (
            sa.select(*board, sa.func.count(RECORDS.c.submission.distinct()))
            .where(
                RECORDS.c.kind == SUBMISSION,
                RECORDS.c.submission.not_in(queries.gone()),
                *([] if references else [RECORDS.c.origin != REFERENCE]),
            )
            .group_by(*board)
        )
        with self._read() as connection:
            return {(row[0], row[1]): int(row[2]) for row in connection.execute(query)}

    def find(self, prefix: str) -> Record:
        """The submission whose short name begins so, in its latest version.

        Raises:
            BoardError: If there is none, or more than one.
        """
        query = queries.selection(queries.RECORD_FIELDS).where(
            RECORDS.c.submission.startswith(prefix.lower(), autoescape=True)
        )
        with self._read() as connection:
            rows = connection.execute(query).mappings()
            known = {row["submission"]: Record(**row) for row in rows}
        if not prefix or not known:
            raise BoardError(
                f"No submission's ID begins with {prefix[:60]!r}.",
                hint="IDs are the board's last column: podium board COMP",
            )
        if len(known) > 1:
            raise BoardError(
                f"{prefix!r} begins the IDs of {len(known)} submissions.",
                problems=[f"{r.submission}: {r.name}, team {r.team}" for r in known.values()],
                hint="Give more letters of the ID.",
            )
        return next(iter(known.values()))

    def get(self, submission: str, version: str) -> Record:
        """The record of a submission in a version, or what is claimed of it.

        Raises:
            BoardError: If there is none.
        """
        query = queries.selection(queries.RECORD_FIELDS).where(
            RECORDS.c.submission == submission, RECORDS.c.version == version
        )
        with self._read() as connection:
            for row in connection.execute(query).mappings():
                return Record(**row)
        raise BoardError(f"There is no submission {submission[:60]!r} in the present version.")

    def withdraw(self, withdrawal: Withdrawal) -> bool:
        """Record a withdrawal; False if the submission is withdrawn already."""
        lines.refuse_unwritable(withdrawal)
        with self._write() as connection:
            return bool(queries.withdraw(connection, [withdrawal]))

    def withdrawn(self, submission: str) -> bool:
        """Whether a submission was withdrawn here."""
        return submission in {withdrawal.submission for withdrawal in self.withdrawals([OWN])}

    def gone(self) -> set[str]:
        """Submissions that are withdrawn, here or (where they are claims) elsewhere."""
        with self._read() as connection:
            return queries.withdrawn(connection)

    def revealed(self, competition: str, dataset: str, answers: str) -> str | None:
        """When the private scores of an answers' version were opened; None if they are sealed."""
        with self._read() as connection:
            return queries.revealed(connection, competition, dataset, answers)

    def reveal(self, reveal: Reveal) -> bool:
        """Open private scores for good; False if they are open already."""
        lines.refuse_unwritable(reveal)
        with self._write() as connection:
            return bool(queries.reveal(connection, [reveal]))

    def pick(self, pick: Pick) -> None:
        """Note what a team picks here, instead of what it picked before, whatever its clock said.

        Raises:
            BoardError: If the answers were revealed meanwhile.
        """
        lines.refuse_unwritable(pick)
        with self._write() as connection:
            before = queries.picked(connection, pick)
            created = pick.created if before is None else max(pick.created, before)
            if not queries.pick(connection, [replace(pick, created=created)]) and before is None:
                raise BoardError("The private scores are open now: it is too late to pick.")

    def damage(self) -> list[str]:
        """What the database itself finds wrong with its file; a server sees to its own."""
        if not database.sqlite_file(self.url):
            return []
        with self._read() as connection:
            lines = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return [] if lines == ["ok"] else [str(line) for line in lines]

    def tampering(self, competition: str, dataset: str) -> list[str]:
        """What of a dataset is not as it was written: see `podium.leaderboard.journal`."""
        with self._read() as connection:
            return list(journal.contradictions(connection, competition, dataset))

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with self._guarded(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        writer = self._engine.execution_options(**{database.WRITES: True})
        with self._guarded(), writer.begin() as connection:
            yield connection

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise database.refusal(self.url, "refused", error) from error
        except json.JSONDecodeError as error:
            raise BoardError(
                f"The board's database {database.shown(self.url)} has a record that was changed by "
                "hand: it is no JSON.",
                hint="Put back a copy, or begin anew and podium import an export.",
            ) from error


def _keyed(submission: str, version: str, origin: str) -> sa.Select[Any]:
    return sa.select(RECORDS.c.number).where(
        RECORDS.c.submission == submission,
        RECORDS.c.version == version,
        RECORDS.c.origin == origin,
    )


def today() -> str:
    """The present day in UTC, as the times of records begin."""
    return now()[: len("2026-01-31")]


def refuse_over_limit(team: str, looks: int, limit: int) -> None:
    """Refuse one more of a day; failures are never recorded and so never count.

    Raises:
        BoardError: With when the next is possible.
    """
    if looks < limit:
        return
    day = datetime.date.fromisoformat(today()) + datetime.timedelta(days=1)
    many = f"{looks} submission{'s' if looks > 1 else ''}"
    raise BoardError(
        f"Team {team} has handed in {many} today; the limit is {limit} a day.",
        hint=f"The next is possible from {day} 00:00 UTC. Choose among models meanwhile: podium cv",
    )


def open_board(url: str) -> Board:
    """Open the board; its database and tables are created where they are missing.

    Raises:
        BoardError: If the address is none, or what it names cannot be opened.
    """
    where = database.parse(url)
    if file := database.sqlite_file(where):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BoardError(
                f"The board's folder {file.parent} cannot be made: {error.strerror}.",
                hint=database.NAME_ONE,
            ) from error
        database.refuse_network(file)
    return Board(where)


def find_board(url: str) -> Board | None:
    """Open the board for reading; None if there is none yet."""
    where = database.parse(url)
    if file := database.sqlite_file(where):
        if not file.is_file():
            return None
        database.refuse_network(file)
    return Board(where, reading=True)
