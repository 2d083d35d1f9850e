"""The board: a database of immutable records, and of what other boards claim.

SQLite in the workspace by default, PostgreSQL by `PODIUM_DB`; one code path. Records are
never changed: a withdrawal or a reveal is a record of its own. What came by `podium import` without
its predictions is a claim: shown and marked until a record of the same submission takes its place.
Private figures stay in the database until the competition is revealed.
"""

from __future__ import annotations

import datetime
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from podium.boards import database, queries, schema
from podium.boards.ranking import Entry, Line, Ranking, Row, rank
from podium.boards.record import SUBMISSION, Record, Reveal, Withdrawal, now
from podium.competition import Competition
from podium.errors import BoardError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is added together, in one transaction: all of it or nothing.

    Attributes:
        claims: Records whose predictions are not at hand. A claim that is there already is
            replaced by one that tells more (the private figures).
        reveals: Added only where all submissions are among `came_open`.
        came_open: Submission and edition of records that came with their private figures.
        primary: The score that ranks, by competition and dataset: of the boards that are indexed,
            so that the next look at them is quick.
    """

    records: Sequence[Record] = ()
    claims: Sequence[Record] = ()
    withdrawals: Sequence[Withdrawal] = ()
    reveals: Sequence[Reveal] = ()
    came_open: Collection[tuple[str, str]] = ()
    primary: Mapping[tuple[str, str], str] = field(default_factory=dict)


class Board:
    """The leaderboard's database."""

    def __init__(self, url: sa.URL) -> None:
        self.url = url
        self._engine = database.engine(url)
        weakref.finalize(self, self._engine.dispose)

    def add(
        self, record: Record, daily_limit: int | None = None, primary: str | None = None
    ) -> bool:
        """Add a record; False if the very same submission is there already.

        Args:
            record: What is added.
            daily_limit: Submissions a team may have in a day.
            primary: The score that ranks; where it is given, the board is indexed, too.

        Raises:
            BoardError: If the team has as many of this day already as the limit allows.
        """
        there = queries.keyed(record.submission, record.edition)
        names = (record.competition, record.dataset)
        with self._write() as connection:
            if connection.execute(there).first():
                return False
            if daily_limit:
                looks = queries.looks(connection, *names, record.edition, since=today())
                refuse_over_limit(record.team, looks.get(record.team, 0), daily_limit)
            connection.execute(schema.RECORDS.insert().values(vars(record)))
            if primary:
                queries.index(connection, *names, primary)
        return True

    def merge(self, batch: Batch) -> None:
        """Add what is not there yet.

        Raises:
            BoardError: If a reveal would open a submission that did not come open.
        """
        with self._write() as connection:
            queries.insert(connection, schema.RECORDS, batch.records, ("submission", "edition"))
            fuller = [claim.key for claim in batch.claims if claim.private]
            queries.drop_partial(connection, fuller)
            queries.insert(connection, schema.CLAIMS, batch.claims, ("submission", "edition"))
            queries.insert(connection, schema.WITHDRAWALS, batch.withdrawals, ("submission",))
            for reveal in batch.reveals:
                queries.refuse_unseen(connection, reveal, batch.came_open)
            queries.insert(connection, schema.REVEALS, batch.reveals, ("competition", "dataset"))
            for names, score in batch.primary.items():
                queries.index(connection, *names, score)

    def records(self, competition: str | None = None, dataset: str | None = None) -> list[Record]:
        """Records in the order in which they came: all, or a competition's, or a dataset's."""
        return self._all(schema.RECORDS, competition, dataset)

    def claims(self, competition: str | None = None, dataset: str | None = None) -> list[Record]:
        """What other boards claim and no record has taken the place of."""
        return self._all(schema.CLAIMS, competition, dataset)

    def withdrawals(self) -> list[Withdrawal]:
        """All withdrawals."""
        with self._read() as connection:
            found = connection.execute(sa.select(schema.WITHDRAWALS)).mappings().all()
        return [Withdrawal(**row) for row in found]

    def reveals(self) -> list[Reveal]:
        """All reveals."""
        with self._read() as connection:
            found = connection.execute(sa.select(schema.REVEALS)).mappings().all()
        return [Reveal(**row) for row in found]

    def names(self, competition: str, dataset: str, *, edition: str, kind: str) -> set[str]:
        """Names of the records of a kind."""
        query = sa.select(schema.RECORDS.c.name).where(
            schema.RECORDS.c.competition == competition,
            schema.RECORDS.c.dataset == dataset,
            schema.RECORDS.c.edition == edition,
            schema.RECORDS.c.kind == kind,
        )
        with self._read() as connection:
            return set(connection.execute(query).scalars())

    def recorded(self, competition: str, dataset: str) -> set[str]:
        """Submissions that have a record in any edition."""
        query = sa.select(schema.RECORDS.c.submission).where(
            schema.RECORDS.c.competition == competition, schema.RECORDS.c.dataset == dataset
        )
        with self._read() as connection:
            return set(connection.execute(query).scalars())

    def ranking(
        self, competition: Competition, dataset: str, *, edition: str, part: str = "public"
    ) -> Ranking:
        """All lines of the board of one part, without their figures: quick at any size.

        Raises:
            BoardError: If the part is sealed.
        """
        if part != "public" and not self.revealed(competition.name, dataset):
            raise BoardError(
                f"The {part} scores of {competition.name}/{dataset} are sealed.",
                hint=f"Open them for good: podium reveal {competition.name} --dataset {dataset}",
            )
        names = (competition.name, dataset, competition.primary.name)
        columns: dict[str, Any] = {name: schema.SCORES.c[name] for name in Entry._fields[1:]}
        # as 0 or 1: what SQLAlchemy converts row by row doubles the time of reading
        columns["claimed"] = sa.type_coerce(columns["claimed"], sa.Integer)
        query = (
            sa.select(schema.SCORES.c[part], *columns.values())
            .where(*queries.indexed(*names))
            .order_by(schema.SCORES.c.claimed, schema.SCORES.c.number)
        )
        taken = sa.exists().where(
            schema.RECORDS.c.submission == schema.SCORES.c.submission,
            schema.RECORDS.c.edition == schema.SCORES.c.edition,
        )
        with self._read() as connection:
            withdrawn = set(
                connection.execute(sa.select(schema.WITHDRAWALS.c.submission)).scalars()
            )
            indexed = connection.execute(query.where(~(schema.SCORES.c.claimed & taken))).all()
            found = list(map(Entry._make, indexed))
            found += queries.late(connection, *names, part)
        found.sort(key=lambda entry: entry.claimed)  # stable: in order of arrival
        return rank(found, withdrawn, competition, edition)

    def rows(
        self,
        competition: Competition,
        dataset: str,
        *,
        edition: str,
        part: str = "public",
        ranking: Ranking | None = None,
        lines: Sequence[Line] | None = None,
    ) -> list[Row]:
        """Lines of the board of one part with their figures; by default all.

        Args:
            competition: Whose.
            dataset: Its name.
            edition: The present one.
            part: `public`, or after reveal `private` and `all`.
            ranking: Where it was made already.
            lines: Which of its lines.

        Raises:
            BoardError: If the part is sealed.
        """
        ranking = ranking or self.ranking(competition, dataset, edition=edition, part=part)
        chosen = list(ranking) if lines is None else lines
        cards: dict[tuple[bool, int], Any] = {}
        with self._read() as connection:
            for table in (schema.RECORDS, schema.CLAIMS):
                claimed = table is schema.CLAIMS
                numbers = [ln.number for ln in chosen if ln.claimed == claimed]
                query = sa.select(table.c.number, table.c.name, table.c.model, table.c[part])
                for some in queries.batched(numbers):
                    for number, *figures in connection.execute(
                        query.where(table.c.number.in_(some))
                    ):
                        cards[claimed, number] = figures
        return [ranking.row(line, *cards[line.claimed, line.number]) for line in chosen]

    def influence(
        self, *, edition: str, part: str, submissions: Sequence[str]
    ) -> dict[str, NDArray[np.float32]]:
        """Influence values of the primary score, by submission; `part` is public or private."""
        import numpy as np  # here: a list of competitions needs none

        found: dict[str, NDArray[np.float32]] = {}
        for table in (schema.CLAIMS, schema.RECORDS):
            # by nothing but its key: else SQLite would go through all records of the board
            query = sa.select(table.c.submission, table.c[f"{part}_influence"]).where(
                table.c.edition == edition, table.c.submission.in_(submissions)
            )
            with self._read() as connection:
                for submission, stored in connection.execute(query):
                    found[submission] = np.frombuffer(stored, np.float32)
        return found

    def looks(
        self, competition: str, dataset: str, *, edition: str, since: str = ""
    ) -> dict[str, int]:
        """How many public scores each team has seen, since a time; withdrawn ones count too."""
        with self._read() as connection:
            return queries.looks(connection, competition, dataset, edition, since)

    def messages(self, competition: str, dataset: str) -> dict[str, str]:
        """Remarks by submission, of those that have one."""
        found: dict[str, str] = {}
        with self._read() as connection:
            for table in (schema.RECORDS, schema.CLAIMS):
                query = queries.selection(table, ("submission", "message"), competition, dataset)
                rows = connection.execute(query.where(table.c.message != ""))
                found.update((row[0], row[1]) for row in rows)
        return found

    def has(self, submission: str, edition: str) -> bool:
        """Whether there is a record of it."""
        with self._read() as connection:
            return connection.execute(queries.keyed(submission, edition)).first() is not None

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of submissions by competition and dataset; controls and withdrawn ones not."""
        names = ("competition", "dataset", "submission")
        gone = sa.select(schema.WITHDRAWALS.c.submission)
        each = sa.union(
            *(
                sa.select(*(table.c[name] for name in names)).where(
                    table.c.kind == SUBMISSION, table.c.submission.not_in(gone)
                )
                for table in (schema.RECORDS, schema.CLAIMS)
            )
        ).subquery()
        query = sa.select(each.c.competition, each.c.dataset, sa.func.count()).group_by(
            each.c.competition, each.c.dataset
        )
        with self._read() as connection:
            return {(row[0], row[1]): int(row[2]) for row in connection.execute(query)}

    def find(self, prefix: str) -> Record:
        """The submission whose short name begins so, in its latest edition.

        Raises:
            BoardError: If there is none, or more than one.
        """
        found: dict[str, Record] = {}
        with self._read() as connection:
            for table in (schema.CLAIMS, schema.RECORDS):
                query = queries.selection(table, queries.RECORD_FIELDS).where(
                    table.c.submission.startswith(prefix.lower(), autoescape=True)
                )
                rows = connection.execute(query).mappings()
                found.update({row["submission"]: Record(**row) for row in rows})
        if not prefix or not found:
            raise BoardError(
                f"No submission's ID begins with {prefix[:60]!r}.",
                hint="IDs are the board's last column: podium board COMP",
            )
        if len(found) > 1:
            raise BoardError(
                f"{prefix!r} begins the IDs of {len(found)} submissions.",
                problems=[f"{r.submission}: {r.name}, team {r.team}" for r in found.values()],
                hint="Give more letters of the ID.",
            )
        return next(iter(found.values()))

    def get(self, submission: str, edition: str) -> Record:
        """The record of a submission in an edition, or what is claimed of it.

        Raises:
            BoardError: If there is none.
        """
        for table in (schema.RECORDS, schema.CLAIMS):
            query = queries.selection(table, queries.RECORD_FIELDS).where(
                table.c.submission == submission, table.c.edition == edition
            )
            with self._read() as connection:
                for row in connection.execute(query).mappings():
                    return Record(**row)
        raise BoardError(f"There is no submission {submission[:60]!r} in the present edition.")

    def withdraw(self, withdrawal: Withdrawal) -> bool:
        """Record a withdrawal; False if the submission is withdrawn already."""
        with self._write() as connection:
            return bool(
                queries.insert(connection, schema.WITHDRAWALS, [withdrawal], ("submission",))
            )

    def withdrawn(self, submission: str) -> bool:
        """Whether a submission is withdrawn."""
        query = sa.select(schema.WITHDRAWALS.c.who).where(
            schema.WITHDRAWALS.c.submission == submission
        )
        with self._read() as connection:
            return connection.execute(query).first() is not None

    def revealed(self, competition: str, dataset: str) -> bool:
        """Whether the private scores are open."""
        query = sa.select(schema.REVEALS.c.who).where(
            schema.REVEALS.c.competition == competition, schema.REVEALS.c.dataset == dataset
        )
        with self._read() as connection:
            return connection.execute(query).first() is not None

    def reveal(self, competition: str, dataset: str, *, who: str, when: str) -> bool:
        """Open the private scores for good; False if they are open already."""
        reveal = Reveal(competition=competition, dataset=dataset, who=who, created=when)
        with self._write() as connection:
            return bool(
                queries.insert(connection, schema.REVEALS, [reveal], ("competition", "dataset"))
            )

    def _all(self, table: sa.Table, competition: str | None, dataset: str | None) -> list[Record]:
        query = queries.selection(table, queries.RECORD_FIELDS, competition, dataset)
        with self._read() as connection:
            return [Record(**row) for row in connection.execute(query).mappings()]

    def damage(self) -> list[str]:
        """What the database itself finds wrong with its file; a server sees to its own."""
        if not database.sqlite_file(self.url):
            return []
        with self._read() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return [] if found == ["ok"] else [str(line) for line in found]

    def kept(self, competition: str, dataset: str) -> list[tuple[str, str]]:
        """File and sha256 of every record of a dataset that has a file."""
        query = sa.select(schema.RECORDS.c.file, schema.RECORDS.c.sha256).where(
            schema.RECORDS.c.competition == competition,
            schema.RECORDS.c.dataset == dataset,
            schema.RECORDS.c.file.is_not(None),
        )
        with self._read() as connection:
            return [(row[0], row[1]) for row in connection.execute(query)]

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
    file = database.sqlite_file(database.parse(url))
    return None if file and not file.is_file() else open_board(url)
