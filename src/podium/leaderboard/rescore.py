"""Many at once: score the workspace's files, score old records again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import workspace
from podium.competition import folders as competitions
from podium.data import dataset as data
from podium.data import formats
from podium.errors import BoardError, ModelError, PodiumError, SubmissionError, note
from podium.execution import policy, provenance
from podium.figures import shown
from podium.leaderboard import files
from podium.leaderboard.board import Board, open_board
from podium.leaderboard.record import (
    CLAIM,
    OWN,
    SUBMISSION,
    SUBMITTED,
    Record,
    label,
    now,
    submission_id,
)
from podium.leaderboard.submit import (
    PUT_ASIDE,
    Predictions,
    Scorer,
    cards,
    refusal,
    submit,
)
from podium.scratch import LINE_ENDS, file_sha256, other_line_ends

if TYPE_CHECKING:
    from podium.competition.contract import Competition, Dataset
    from podium.competition.model_file import ModelFile
    from podium.competition.part import Progress
    from podium.execution.worker import Limits
    from podium.leaderboard.submit import Outcome

_PLACE = f"{SUBMITTED}/<competition>/<dataset>/<team>/"
_RAN = "models-run.jsonl"
"""What came of each model file that was run; without it they are run once more."""


@dataclass(frozen=True, kw_only=True)
class Handled:
    """What became of one file. Field names are the JSON of `score-all` and `rescore`.

    Attributes:
        file: Relative to the workspace.
        score: The public primary score, rounded.
        status: `scored`; `known` (scored or withdrawn before); `ignored` (no predictions, or a
            model file where none are run); `refused`.
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


def score_all(
    name: str | None = None, models: Limits | None = None, progress: Progress | None = None
) -> list[Handled]:
    """Score every file under `submissions/` that has no record: one that fails stops no other.

    Args:
        name: Of one competition alone.
        models: What model files may take, which are run then, each in a process with walls.
        progress: Shows how far it is.
    """
    known = None if name is None else competitions.load(name)
    top, board = workspace.root() / SUBMITTED, open_board()
    paths = [path.relative_to(top) for path in sorted(top.rglob("*")) if _is_file(path)]
    paths = [
        path
        for path in paths
        if len(path.parts) > 1
        and (known is None or path.parts[0] in (known.name, known.id))
        and not any(part.startswith(".") for part in path.parts)  # not meant for us
    ]
    handled: list[Handled] = []
    for (competition, dataset), group in groupby(paths, lambda path: path.parts[:2]):
        folder = _Folder(named=competition, dataset=dataset, board=board, models=models)
        title = f"{SUBMITTED}/{competition}/{dataset}"
        handled += _each(folder.files(group), folder.score, title, progress)
    return handled


def rescore(
    competition: Competition, dataset: Dataset, progress: Progress | None = None
) -> list[Handled]:
    """Score the stored files of other versions' records in the present one.

    Raises:
        BoardError: If nothing was ever submitted.
    """
    board, place = open_board(), (competition.id, dataset.name)
    title = f"{competition.name}/{dataset.name}"
    if place not in board.counts():
        raise BoardError(f"Nothing was submitted to {title} yet.")
    scorer = Scorer.of(data.load(competition, dataset), board)
    scorer.solution.check_metric()  # one that changed in the same version would outdate nothing
    old = {r.submission: r for r in outdated(board, *place, scorer.contest.version.name)}
    kept = [
        Handled(
            competition=competition.name,
            dataset=record.dataset,
            team=record.team,
            file=record.file or "-",
            status="refused",
            submission=record.submission,
        )
        for record in old.values()
    ]
    return list(_each(kept, partial(_rescored, scorer, old), title, progress))


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
        competition: Its id.
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


def _each(
    some: Iterable[Handled],
    work: Callable[[Handled], Handled],
    title: str,
    progress: Progress | None,
) -> Iterator[Handled]:
    """What became of files: whatever goes wrong with one is its own line, and stops no other."""
    report = progress.stage(title) if progress else None
    for step, handled in enumerate(some, 1):
        try:
            done = work(handled)
        except Exception as error:  # noqa: BLE001  of one file, whatever it is
            done = replace(handled, status="refused", problem=refusal(error))
        if report and done.score is not None:
            report(step, done.score)
        yield done


def _is_table(path: Path) -> bool:
    return formats.ending(path) in formats.TABLES


def is_model(path: Path) -> bool:
    """Whether it is a model file, as among those that a competition ships."""
    return path.suffix == ".py" and not path.stem.startswith(("_", "test_"))


def _is_file(path: Path) -> bool:
    """Whether it is a file; one that may not be looked at is told as such when it is scored."""
    try:
        return path.is_file()
    except OSError:
        return True


def _rescored(scorer: Scorer, old: Mapping[str, Record], handled: Handled) -> Handled:
    """Score the file of one of the old records again and record that.

    Raises:
        PodiumError: If it is refused.
    """
    before = old[str(handled.submission)]
    version = scorer.contest.version
    figures = cards(scorer.score(scorer.predictions(before, foreign=True)))
    again = {"rescored": {"created": now(), "versions": provenance.versions()}}
    record = replace(
        before,
        version=version.name,
        answers=version.answers,
        provenance={**before.provenance, **vars(version), **again},
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

    Attributes:
        named: The folder's name: that of its competition, or its id.
        models: What model files may take; None runs none.
    """

    named: str
    dataset: str
    board: Board
    models: Limits | None

    def files(self, paths: Iterable[Path]) -> Iterator[Handled]:
        """Its files, relative to those of all, as far as they may be submissions."""
        known = self._loaded
        # predictions of open parts are no submissions
        own = [] if isinstance(known, str) else [f".{d.open_file.lower()}" for d in known.datasets]
        for path in paths:
            if path.name.lower().endswith((".open.csv", *own)):
                continue
            if not _is_table(path) and (len(path.parts) != 4 or self._is_beside(path)):
                continue  # a page, or beside a model file
            yield Handled(
                competition=self.named if isinstance(known, str) else known.name,
                dataset=self.dataset,
                team=path.parts[2] if len(path.parts) == 4 else "-",
                file=(Path(SUBMITTED) / path).as_posix(),
                status="ignored",
            )

    def _is_beside(self, path: Path) -> bool:
        """Whether a file is no model and lies beside one that is run."""
        team = workspace.root() / SUBMITTED / path.parent
        return bool(self.models) and not is_model(path) and any(map(is_model, team.iterdir()))

    @cached_property
    def _loaded(self) -> Competition | str:
        return competitions.try_load(self.named)

    @property
    def _place(self) -> tuple[str, str]:
        """Where its records are."""
        known = self._loaded
        return self.named if isinstance(known, str) else known.id, self.dataset

    @cached_property
    def _known(self) -> set[str]:
        gone = {withdrawal.submission for withdrawal in self.board.withdrawals([OWN])}
        names = dict(zip(("competition", "dataset"), self._place, strict=True))
        return gone | {row[0] for row in self.board.select("submission", **names, origin=OWN)}

    @cached_property
    def _opened(self) -> Scorer | Exception:
        """The scorer, or why there is none; asked once."""
        known = self._loaded
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

    def score(self, handled: Handled) -> Handled:
        """Score and record a file as it lies, unless its team has handed in the same before.

        A model file is run, where these are.

        Raises:
            PodiumError: If it is refused.
        """
        start, path = time.perf_counter(), workspace.root() / handled.file
        limits = self.models if is_model(path) else None
        if not (_is_table(path) or limits):
            return handled
        if len(Path(handled.file).parts) != 5:
            raise PodiumError(f"it must lie in {_PLACE}")
        if path.is_symlink():
            raise PodiumError("it is a link: hand in the file itself")
        team = workspace.team(handled.team)
        if limits:
            return self._run(replace(handled, team=team), path, limits)
        if path.stat().st_size > files.LARGE:
            with formats.opened(path, self._scorer.expected):  # far too large is told at once
                pass
        sha256 = file_sha256(path)
        short = submission_id(*self._place, team, sha256)
        handled = replace(handled, submission=short, team=team)
        if short in self._known:
            return replace(handled, status="known")
        for other in other_line_ends(path) if path.stat().st_size <= files.LARGE else ():
            if (same := submission_id(*self._place, team, other)) in self._known:
                note(f"{handled.file} was handed in before: {LINE_ENDS}")
                return replace(handled, submission=same, status="known")
            if self.board.select("number", submission=same, origin=CLAIM):
                handled = replace(handled, submission=same)  # to be verified by it
        scorer = self._scorer
        scorer.contest.refuse_over_limit(team)
        with files.copied(path, scorer.expected, workspace.root()) as copy:
            record = _record(scorer, handled, copy, start)
            scorer.record_controls()
            if not sha256 == copy.sha256 == file_sha256(path):
                raise PodiumError("it has changed while it was scored: podium score-all")
            limit = scorer.contest.competition.daily_limit
            self.board.add(record, daily_limit=limit)
        self._known.add(record.submission)
        return _scored(replace(handled, submission=record.submission), record, scorer)

    def _run(self, handled: Handled, path: Path, limits: Limits) -> Handled:
        """Run a model file and hand its predictions in, unless that was done in this version.

        Raises:
            PodiumError: If the model fails or takes too much, or its predictions are refused.
        """
        from podium.competition import model_file

        scorer = self._scorer
        contest = scorer.contest
        file = model_file.find(scorer.data.competition, path)
        code = {"model_file": handled.file, "model_beside": _beside(path)}
        facts = {**code, "model_sha256": file.sha256}
        where = {"team": handled.team, "version": contest.version.name, "origin": OWN}
        for short, came_from in contest.select("submission", "provenance", **where):
            if {name: came_from.get(name) for name in facts} == facts:
                return replace(handled, status="known", submission=short)
        run: dict[str, Any] = {**where, **facts, "limits": [limits.seconds, limits.memory]}
        if limits.see:  # what failed for want of it is run again
            run["see"] = [str(one) for one in limits.see]
        if known := self._ran(run):
            if known.get("problem"):
                raise PodiumError(f"{known['problem']} (as before: run again once it is changed)")
            return replace(handled, status="known", submission=known.get("submission"))
        contest.refuse_over_limit(handled.team)
        try:
            outcome = self._outcome(scorer, file, handled, limits, code)
        except (ModelError, SubmissionError) as error:  # the model's own fault
            self._note({**run, "problem": refusal(error)})
            raise
        row = outcome.row
        self._note({**run, "submission": row.submission})
        return replace(handled, status="scored", submission=row.submission, score=outcome.score)

    @staticmethod
    def _outcome(
        scorer: Scorer, file: ModelFile, handled: Handled, limits: Limits, code: Mapping[str, Any]
    ) -> Outcome:
        """Train a model, and hand in what it predicts."""
        from podium.execution import executors, running
        from podium.execution.jobs import Trainings

        start, ready = time.perf_counter(), scorer.data
        with (
            executors.opened(None, None) as executor,
            Trainings(ready, file, limits=limits, executor=executor) as trainings,
        ):
            made = running.predict_test(trainings, ready, file, params={}, seed=0)
            return submit(
                scorer,
                Predictions(
                    path=made.path,
                    team=handled.team,
                    name=label(file.name),
                    start=start,
                    model=file.name,
                    code={**made.code, **{name: fact for name, fact in code.items() if fact}},
                    open_table=made.open_table,
                ),
            )

    @property
    def _log(self) -> Path:
        return workspace.root().joinpath(PUT_ASIDE, *self._place, _RAN)

    def _ran(self, run: Mapping[str, Any]) -> dict[str, Any] | None:
        """What came of the very same model file when it was run; None if it was not."""
        with suppress(OSError, UnicodeDecodeError):
            for line in self._log.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError, AttributeError):  # a damaged line
                    if (known := json.loads(line)).items() >= run.items():
                        return dict(known)
        return None

    def _note(self, run: Mapping[str, Any]) -> None:
        """Note what came of a model file; where the disk refuses, it is run once more."""
        with suppress(OSError):
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("a", encoding="utf-8", newline="\n") as log:
                log.write(json.dumps(run) + "\n")


def _beside(model: Path) -> str | None:
    """The sha256 of all that a model file sees beside it; None where there is nothing."""
    model, digest = model.resolve(), hashlib.sha256()
    tops = sorted(path for path in policy.beside(model) if path != model)
    files = [file for top in tops for file in (top, *sorted(top.rglob("*"))) if file.is_file()]
    for file in files:
        digest.update(f"{file.relative_to(model.parent)}\n{file_sha256(file)}\n".encode())
    return digest.hexdigest() if files else None


def _record(scorer: Scorer, handled: Handled, copy: files.Copy, start: float) -> Record:
    """The record of a file as it was copied; a claim of it is taken if it is true."""
    board, version = scorer.contest.board, scorer.contest.version.name
    for claim in board.records([CLAIM], submission=handled.submission or "", version=version):
        with suppress(BoardError):  # a false claim gives way to what is found here
            if record := scorer.verified(replace(claim, file=handled.file)):
                return record
    return scorer.record(
        scorer.score(scorer.check(copy.path, new=True, foreign=True)),
        team=handled.team,
        name=label(formats.stem(Path(handled.file))),
        sha256=copy.sha256,
        code={"seconds": round(time.perf_counter() - start, 3)},
        file=handled.file,
    )
