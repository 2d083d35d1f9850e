"""Many at once: score the workspace's files, score old records again, verify what others claim."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from podium import workspace
from podium.competition import folders as competitions
from podium.data import dataset as data
from podium.data import formats
from podium.errors import BoardError, PodiumError, one_line
from podium.execution import provenance
from podium.figures import agree, shown
from podium.leaderboard import files
from podium.leaderboard.board import Board, open_board
from podium.leaderboard.record import (
    CEILING,
    CLAIM,
    CONTROL,
    OWN,
    PARTS,
    SUBMISSION,
    SUBMITTED,
    Record,
    label,
    now,
    submission_id,
)
from podium.leaderboard.submit import Scorer, cards
from podium.scratch import file_sha256

if TYPE_CHECKING:
    from podium.competition.contract import Competition, Dataset
    from podium.execution.training import Progress
    from podium.scoring.scoring import Scorecard

_PLACE = f"{SUBMITTED}/<competition>/<dataset>/<team>/"
_LARGE = 64 << 20  # bytes of a file whose size is looked at before it is read


@dataclass(frozen=True, kw_only=True)
class Handled:
    """What became of one file. Field names are the JSON of `score-all` and `rescore`.

    Attributes:
        file: Relative to the workspace.
        score: The public primary score, rounded.
        status: `scored`; `known` (scored or withdrawn before); `ignored` (no predictions);
            `refused`.
        problem: Why it was refused, in one line; `unexpected: ...` where nobody foresaw it.
    """

    competition: str
    dataset: str
    team: str
    file: str
    status: str
    submission: str | None = None
    score: float | None = None
    problem: str | None = None


_Work = Callable[[Handled], Handled]


def score_all(name: str | None = None, progress: Progress | None = None) -> list[Handled]:
    """Score every file under `submissions/` that has no record: one that fails stops no other."""
    if name is not None:
        competitions.load(name)
    top, board = workspace.root() / SUBMITTED, open_board()
    paths = [path.relative_to(top) for path in sorted(top.rglob("*")) if _is_file(path)]
    paths = [
        path
        for path in paths
        if len(path.parts) > 1
        and name in (None, path.parts[0])
        and not any(part.startswith(".") for part in path.parts)  # not meant for us
    ]
    handled: list[Handled] = []
    for (competition, dataset), group in groupby(paths, lambda path: path.parts[:2]):
        folder = _Folder(competition=competition, dataset=dataset, board=board)
        title = f"{SUBMITTED}/{competition}/{dataset}"
        handled += _each(folder.works(top, list(group)), title, progress)
    return handled


def rescore(
    competition: Competition, dataset: Dataset, progress: Progress | None = None
) -> list[Handled]:
    """Score the stored files of other versions' records in the present one.

    Raises:
        BoardError: If nothing was ever submitted.
    """
    board, names = open_board(), (competition.name, dataset.name)
    if names not in board.counts():
        raise BoardError(f"Nothing was submitted to {'/'.join(names)} yet.")
    scorer = Scorer.of(data.load(competition, dataset), board)
    scorer.solution.check_metric()  # one that changed in the same version would outdate nothing
    old = outdated(board, *names, scorer.contest.version.name)
    works = [(_file_of(record), partial(_rescored, scorer, record)) for record in old]
    return list(_each(works, "/".join(names), progress))


def outdated(
    board: Board,
    competition: str,
    dataset: str,
    version: str | None,
    done_by: Collection[str] = (OWN,),
) -> list[Record]:
    """The latest record of each submission that has none in a version; no withdrawn ones.

    Args:
        board: Whose records.
        competition: Its name.
        dataset: Its name.
        version: The name of the version; None if there is none.
        done_by: Origins of records in the version that count.
    """
    where = {"competition": competition, "dataset": dataset, "kind": SUBMISSION}
    own = board.records([OWN], **where)
    present = board.records(done_by, **where, version=version) if version else []
    done = board.withdrawn() | {record.submission for record in present}
    records = [*board.records([CLAIM], **where), *own]  # of both what was scored here counts
    old = {record.submission: record for record in records if record.version != version}
    return [record for submission, record in old.items() if submission not in done]


def verified(scorer: Scorer, record: Record) -> Record | None:
    """A claimed record with all figures computed again; None if that cannot be.

    Raises:
        PodiumError: If its predictions cannot be scored, or give other figures. Which ones, and the
            true ones, is not said: an import is no look at the score.
    """
    scored = scored_again(scorer, record)
    if scored is None:
        return None
    computed = cards(scored)
    for part in PARTS[:2] if record.private else PARTS[:1]:
        influence = getattr(record, f"{part}_influence")  # a sealed export has none
        holds = agree(computed[part], getattr(record, part)) and (
            not influence or near_influence(computed[f"{part}_influence"], influence)
        )
        if not holds:
            raise BoardError(
                f"its {part} figures are not those of its predictions: forged, or scored by other "
                "code"
            )
    return replace(record, answers=scorer.contest.version.answers, **computed)


def scored_again(scorer: Scorer, record: Record) -> Scorecard | None:
    """What a record's predictions score; None for another version, or where they are not here.

    Raises:
        PodiumError: If they are refused.
    """
    if record.version != scorer.contest.version.name:
        return None
    if record.kind == CEILING:
        return scorer.ceiling()
    if record.kind == CONTROL:
        named = [c for c in scorer.data.competition.controls if c.name == record.name]
        return scorer.control(named[0]) if named else None
    try:
        predictions = scorer.predictions(record, foreign=True)
    except BoardError:
        return None
    return scorer.score(predictions)


def near_influence(a: bytes, b: bytes) -> bool:
    """Whether influence values are the same but for rounding."""
    if len(a) != len(b):
        return False
    first, second = np.frombuffer(a, np.float32), np.frombuffer(b, np.float32)
    scale = float(np.abs(first).max(initial=0))
    return bool(np.allclose(first, second, rtol=1e-4, atol=1e-5 * scale))


def refusal(error: Exception) -> str:
    """Why a file is refused, in one line; a file may be anything, and so may a metric's code."""
    if isinstance(error, PodiumError | OSError):
        return one_line(error)
    return f"unexpected: {one_line(error)} (worth a report to whoever keeps it, with this file)"


def _each(
    works: Iterable[tuple[Handled, _Work | None]], title: str, progress: Progress | None
) -> Iterator[Handled]:
    """What became of files: whatever goes wrong with one is its own line, and stops no other."""
    report = progress.stage(title) if progress else None
    for step, (handled, work) in enumerate(works, 1):
        try:
            done = work(handled) if work else handled
        except Exception as error:  # noqa: BLE001  of one file, whatever it is
            done = replace(handled, status="refused", problem=refusal(error))
        if report and done.score is not None:
            report(step, done.score)
        yield done


def _is_file(path: Path) -> bool:
    """Whether it is a file; one that may not be looked at is told as such when it is scored."""
    try:
        return path.is_file()
    except OSError:
        return True


def _file_of(record: Record) -> Handled:
    return Handled(
        competition=record.competition,
        dataset=record.dataset,
        team=record.team,
        file=record.file or "-",
        status="refused",
        submission=record.submission,
    )


def _rescored(scorer: Scorer, old: Record, handled: Handled) -> Handled:
    """Score a record's file again and record that.

    Raises:
        PodiumError: If it is refused.
    """
    version = scorer.contest.version
    figures = cards(scorer.score(scorer.predictions(old, foreign=True)))
    again = {"rescored": {"created": now(), "versions": provenance.versions()}}
    record = replace(
        old,
        version=version.name,
        answers=version.answers,
        provenance={**old.provenance, **vars(version), **again},
        **figures,
    )
    scorer.record_controls()
    scorer.contest.board.add(record)
    return _scored(handled, record, scorer)


def _scored(handled: Handled, record: Record, scorer: Scorer) -> Handled:
    score = record.public["scores"][scorer.data.competition.primary.name]
    return replace(handled, status="scored", score=shown(score))


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """The files of one dataset, or of what is named as if it were one.

    Its data are opened for the first file that is new.
    """

    competition: str
    dataset: str
    board: Board

    def works(self, top: Path, paths: list[Path]) -> Iterator[tuple[Handled, _Work | None]]:
        """Its files, and what is to be done with each."""
        known = competitions.try_load(self.competition)
        # predictions of open parts are no submissions
        own = [] if isinstance(known, str) else [f".{d.open_file.lower()}" for d in known.datasets]
        for path in paths:
            if path.name.lower().endswith((".open.csv", *own)):
                continue
            handled = Handled(
                competition=self.competition,
                dataset=self.dataset,
                team=path.parts[2] if len(path.parts) == 4 else "-",
                file=(Path(SUBMITTED) / path).as_posix(),
                status="ignored",
            )
            is_table = formats.ending(path) in formats.TABLES
            yield handled, partial(self._score, top / path) if is_table else None

    @cached_property
    def _known(self) -> set[str]:
        gone = {withdrawal.submission for withdrawal in self.board.withdrawals([OWN])}
        names = {"competition": self.competition, "dataset": self.dataset}
        return gone | {row[0] for row in self.board.select("submission", **names, origin=OWN)}

    @cached_property
    def _claims(self) -> dict[tuple[str, str], Record]:
        names = {"competition": self.competition, "dataset": self.dataset}
        return {claim.key: claim for claim in self.board.records([CLAIM], **names)}

    @cached_property
    def _opened(self) -> Scorer | Exception:
        """The scorer, or why there is none; asked once."""
        known = competitions.try_load(self.competition)
        if isinstance(known, str):
            return PodiumError(known.removeprefix("UnknownNameError: "))
        try:
            return Scorer.of(data.load(known, known.dataset(self.dataset)), self.board)
        except Exception as error:  # noqa: BLE001  for each file to say
            return error

    @property
    def _scorer(self) -> Scorer:
        if isinstance(self._opened, Exception):
            raise self._opened
        return self._opened

    def _score(self, path: Path, handled: Handled) -> Handled:
        """Score and record a file as it lies, unless its team has handed in the same before.

        Raises:
            PodiumError: If it is refused.
        """
        start = time.perf_counter()
        if len(Path(handled.file).parts) != 5:
            raise PodiumError(f"it must lie in {_PLACE}")
        if path.is_symlink():
            raise PodiumError("it is a link: hand in the file itself")
        team = workspace.team(handled.team)
        if path.stat().st_size > _LARGE:
            with formats.opened(path, self._scorer.expected):  # far too large is told at once
                pass
        sha256 = file_sha256(path)
        short = submission_id(self.competition, self.dataset, team, sha256)
        handled = replace(handled, submission=short, team=team)
        if short in self._known:
            return replace(handled, status="known")
        scorer = self._scorer
        scorer.contest.refuse_over_limit(team)
        with files.copied(path, scorer.expected, workspace.root()) as copy:
            record = self._record(scorer, path, copy, team, start)
            scorer.record_controls()
            if not sha256 == copy.sha256 == file_sha256(path):
                raise PodiumError("it has changed while it was scored: podium score-all")
            scorer.add(record)
        self._known.add(short)
        return _scored(handled, record, scorer)

    def _record(
        self, scorer: Scorer, path: Path, copy: files.Copy, team: str, start: float
    ) -> Record:
        file = path.relative_to(workspace.root()).as_posix()
        short = submission_id(self.competition, self.dataset, team, copy.sha256)
        claim = self._claims.get((short, scorer.contest.version.name))
        if claim:  # a false claim gives way to what is found here
            with suppress(BoardError):
                if record := verified(scorer, replace(claim, file=file)):
                    return record
        return scorer.record(
            scorer.score(scorer.check(copy.path, new=True, foreign=True)),
            team=team,
            name=label(formats.stem(path)),
            sha256=copy.sha256,
            code={"seconds": round(time.perf_counter() - start, 3)},
            file=file,
        )
