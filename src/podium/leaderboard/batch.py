"""Many at once: score the workspace's files, score old records again, verify what others claim."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from podium import workspace
from podium.competition import folders as competitions
from podium.data import dataset as data
from podium.data import formats
from podium.data.expected import FORMATS
from podium.errors import BoardError, PodiumError, one_line
from podium.execution import provenance
from podium.leaderboard import files, leaderboard
from podium.leaderboard.entry import Desk, cards
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
from podium.rounding import agree, shown
from podium.scratch import file_sha256

if TYPE_CHECKING:
    from podium.competition.contract import Competition, Dataset
    from podium.execution.training import Progress
    from podium.scoring.scoring import Scorecard

_PLACE = f"{SUBMITTED}/<competition>/<dataset>/<team>/"


_LARGE = 64 << 20  # bytes of a file whose size is looked at before it is read
_NEAR = 1e-9
"""Two machines may add in another order; what differs by more is another score."""


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


def score_all(name: str | None = None, progress: Progress | None = None) -> list[Handled]:
    """Score every file under `submissions/` that has no record: one that fails stops no other."""
    if name is not None:
        competitions.load(name)
    top = workspace.root() / SUBMITTED
    paths = [path.relative_to(top) for path in sorted(top.rglob("*")) if _is_file(path)]
    paths = [path for path in paths if len(path.parts) > 1 and name in (None, path.parts[0])]
    visible = [path for path in paths if not _is_hidden(path)]
    handled: list[Handled] = []
    for folder, group in groupby(visible, lambda path: path.parts[:2]):
        report = progress.stage(f"{SUBMITTED}/{'/'.join(folder)}") if progress else None
        for step, found in enumerate(_score_folder(top, list(group)), 1):
            handled.append(found)
            if report and found.score is not None:
                report(step, found.score)
    return handled


def rescore(
    competition: Competition, dataset: Dataset, progress: Progress | None = None
) -> list[Handled]:
    """Score the stored files of other versions' records in the present one.

    Raises:
        BoardError: If nothing was ever submitted.
    """
    board = leaderboard.find_board(workspace.database_url())
    if board is None or (competition.name, dataset.name) not in board.counts():
        raise BoardError(f"Nothing was submitted to {competition.name}/{dataset.name} yet.")
    desk = Desk.of(data.load(competition, dataset))
    desk.check_metric()  # one that changed under the same version would outdate nothing
    names = (competition.name, dataset.name)
    present = desk.version.name
    gone = board.gone()
    own = board.records(*names, [OWN])
    gone |= {record.submission for record in own if record.version == present}
    old = {
        record.submission: record
        for record in [*board.records(*names, [CLAIM]), *own]
        if record.kind == SUBMISSION and record.version != present
    }
    report = progress.stage(f"{competition.name}/{dataset.name}") if progress else None
    handled = []
    for step, record in enumerate((r for name, r in old.items() if name not in gone), 1):
        found = _handled(_file_of(record), partial(_rescored, desk, record))
        handled.append(found)
        if report and found.score is not None:
            report(step, found.score)
    return handled


def verified(desk: Desk, record: Record) -> Record | None:
    """A claimed record with all figures computed again; None if that cannot be.

    Raises:
        PodiumError: If its predictions cannot be scored, or give other figures. Which ones, and the
            true ones, is not said: an import is no look at the score.
    """
    scored = scored_again(desk, record)
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
    return replace(record, answers=desk.version.answers, **computed)


def near(a: Any, b: Any) -> bool:
    """Whether two cards are the same but for the order in which machines add."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(near(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(near, a, b))
    if isinstance(a, float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=_NEAR, abs_tol=_NEAR)
    return bool(a == b)


def _is_file(path: Path) -> bool:
    """Whether it is a file; one that may not be looked at is told as such when it is scored."""
    try:
        return path.is_file()
    except OSError:
        return True


def _is_hidden(path: Path) -> bool:
    """Not meant for us: what begins with a dot."""
    return any(p.startswith(".") for p in path.parts)


def _open_files(competition: str) -> tuple[str, ...]:
    """Endings of the names of predictions of open parts: they are no submissions."""
    found = competitions.try_load(competition)
    own = [] if isinstance(found, str) else [f".{d.open_file.lower()}" for d in found.datasets]
    return (".open.csv", *own)


def near_influence(a: bytes, b: bytes) -> bool:
    """Whether influence values are the same but for rounding."""
    if len(a) != len(b):
        return False
    first, second = np.frombuffer(a, np.float32), np.frombuffer(b, np.float32)
    scale = float(np.abs(first).max(initial=0))
    return bool(np.allclose(first, second, rtol=1e-4, atol=1e-5 * scale))


def scored_again(desk: Desk, record: Record) -> Scorecard | None:
    """What a record's predictions score; None for another version, or where they are not here.

    Raises:
        PodiumError: If they are refused.
    """
    if record.version != desk.version.name:
        return None
    if record.kind == CEILING:
        return desk.ceiling()
    if record.kind == CONTROL:
        named = [c for c in desk.data.competition.controls if c.name == record.name]
        return desk.score_control(named[0]) if named else None
    with ExitStack() as stack:
        try:
            copy = stack.enter_context(files.taken(record, desk.expected))
        except BoardError:
            return None
        return desk.score(desk.check(copy, foreign=True))


def refusal(error: Exception) -> str:
    """Why a file is refused, in one line; a file may be anything, and so may a metric's code."""
    if isinstance(error, PodiumError | OSError):
        return one_line(error)
    return f"unexpected: {one_line(error)} (worth a report to whoever keeps it, with this file)"


def _handled(handled: Handled, work: Callable[[Handled], Handled]) -> Handled:
    """What became of a file: whatever goes wrong with it is its own line, and stops no other."""
    try:
        return work(handled)
    except Exception as error:  # noqa: BLE001  of one file, whatever it is
        return replace(handled, status="refused", problem=refusal(error))


def _file_of(record: Record) -> Handled:
    return Handled(
        competition=record.competition,
        dataset=record.dataset,
        team=record.team,
        file=record.file or "-",
        status="refused",
        submission=record.submission,
    )


def _rescored(desk: Desk, old: Record, handled: Handled) -> Handled:
    """Score a record's file again and record that.

    Raises:
        PodiumError: If it is refused.
    """
    with files.taken(old, desk.expected) as copy:
        found = cards(desk.score(desk.check(copy, foreign=True)))
    rescored = {"created": now(), "versions": provenance.versions()}
    code = {**old.provenance, **vars(desk.version), "rescored": rescored}
    desk.record_controls()
    version, answers = desk.version.name, desk.version.answers
    desk.board.add(
        replace(old, version=version, answers=answers, provenance=code, **found),
        primary=desk.data.competition.primary.name,
    )
    score = found["public"]["scores"][desk.data.competition.primary.name]
    return replace(handled, status="scored", score=shown(score))


def _score_folder(top: Path, paths: list[Path]) -> Iterator[Handled]:
    """Files of one dataset, or of what is named as if it were one."""
    competition, dataset = paths[0].parts[:2]
    folder = _Folder(competition=competition, dataset=dataset)
    others = _open_files(competition)
    for path in paths:
        if path.name.lower().endswith(others):
            continue
        team = path.parts[2] if len(path.parts) == 4 else "-"
        handled = Handled(
            competition=competition,
            dataset=dataset,
            team=team,
            file=(Path(SUBMITTED) / path).as_posix(),
            status="ignored",
        )
        if path.suffix.lower() not in FORMATS:
            yield handled
            continue
        yield _handled(handled, partial(folder.score, top / path))


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """The files of one dataset; its data are opened for the first file that is new."""

    competition: str
    dataset: str

    @cached_property
    def _known(self) -> set[str]:
        board = leaderboard.find_board(workspace.database_url())
        if board is None:
            return set()
        gone = {withdrawal.submission for withdrawal in board.withdrawals([OWN])}
        return gone | board.recorded(self.competition, self.dataset)

    @cached_property
    def _desk(self) -> Desk | Exception:
        """The desk, or why there is none; asked once."""
        found = competitions.try_load(self.competition)
        if isinstance(found, str):
            return PodiumError(found.removeprefix("UnknownNameError: "))
        try:
            return Desk.of(data.load(found, found.dataset(self.dataset)))
        except Exception as error:  # noqa: BLE001  for each file to say
            return error

    @cached_property
    def _claims(self) -> dict[tuple[str, str], Record]:
        board = leaderboard.find_board(workspace.database_url())
        claims = board.records(self.competition, self.dataset, [CLAIM]) if board else []
        return {claim.key: claim for claim in claims}

    @property
    def _ready(self) -> Desk:
        if isinstance(self._desk, Exception):
            raise self._desk
        return self._desk

    def score(self, path: Path, handled: Handled) -> Handled:
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
            with formats.opened(path, self._ready.expected):  # far too large is told at once
                pass
        sha256 = file_sha256(path)
        short = submission_id(self.competition, self.dataset, team, sha256)
        handled = replace(handled, submission=short, team=team)
        if short in self._known:
            return replace(handled, status="known")
        desk = self._ready
        desk.refuse_over_limit(team)
        with files.copied(path, desk.expected, workspace.root()) as copy:
            record = self._record(desk, path, copy, team, start)
            desk.record_controls()
            if not sha256 == copy.sha256 == file_sha256(path):
                raise PodiumError("it has changed while it was scored: podium score-all")
            desk.add(record)
        self._known.add(short)
        score = record.public["scores"][desk.data.competition.primary.name]
        return replace(handled, status="scored", score=shown(score))

    def _record(self, desk: Desk, path: Path, copy: files.Copy, team: str, start: float) -> Record:
        file = path.relative_to(workspace.root()).as_posix()
        claim = self._claims.get((desk.submission_id(team, copy.sha256), desk.version.name))
        if claim:  # a false claim gives way to what is found here
            with suppress(BoardError):
                if found := verified(desk, replace(claim, file=file)):
                    return found
        name = label(path.stem)
        scored = desk.score(desk.check(copy.path, new=True, foreign=True))
        return desk.record(
            scored,
            team=team,
            name=name,
            model=None,
            message="",
            kind=SUBMISSION,
            created=now(),
            file=file,
            sha256=copy.sha256,
            code={"seconds": round(time.perf_counter() - start, 3)},
        )
