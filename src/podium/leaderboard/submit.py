"""Handing in: check, score and record predictions, and keep their file (see `files`).

A refusal at any step leaves nothing behind: no file, no record.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from podium import scratch, workspace
from podium.competition import model_file as model
from podium.competition.version import is_ready
from podium.data.dataset import Data, load
from podium.data.formats import Expected, ending
from podium.data.reader import Reader
from podium.errors import BoardError, PodiumError, note, one_line
from podium.execution import provenance, training
from podium.figures import agree, shown
from podium.leaderboard import files
from podium.leaderboard.board import Board, open_board
from podium.leaderboard.contest import Contest
from podium.leaderboard.ranking import Row
from podium.leaderboard.record import (
    CEILING,
    CONTROL,
    OWN,
    PARTS,
    SUBMISSION,
    SUBMITTED,
    Record,
    now,
    submission_id,
)
from podium.metrics.stats import Card, Estimate
from podium.results import Result, scored, scores_frame
from podium.scoring import submission
from podium.scoring.scoring import Scorecard, Solution, open_solution

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.contract import Control
    from podium.competition.metric import Table

PUT_ASIDE = "predictions"
_LEFT_OUT: set[tuple[str, ...]] = set()
"""Controls that could not be scored in this process: a later one may find them mended."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Kept(Result):
    """Predictions that were written.

    Attributes:
        file: Where the predictions are kept.
        open_file: Predictions of the open part, for whoever can score them.
        seconds: Wall time.
        left_open: What this system did not guard from the model's code.
    """

    file: Path
    open_file: Path | None
    seconds: float
    left_open: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Where they are."""
        import pandas as pd

        return pd.DataFrame({"file": [str(self.file)], "seconds": [self.seconds]})

    def _line(self) -> str:
        return f"predictions in {self.file}"


@dataclass(frozen=True, kw_only=True, repr=False)
class Outcome(Kept):
    """What handing in predictions gave.

    Attributes:
        row: Their line of the public board; nothing is compared with others for it, so without
            `tier` and `win_next`.
        card: Their public figures, rounded: see `card_json`.
        change: Public score minus the team's best before it, both as they are shown; None for a
            first entry.
        ranked: How many submissions have a rank.
        new: False if the team handed in the very same predictions before.
    """

    row: Row
    card: Mapping[str, Any]
    change: float | None
    ranked: int
    new: bool

    @property
    def score(self) -> float:
        """The public score, rounded as boards show it."""
        return float(self.row.score or 0.0)

    @property
    def ci(self) -> tuple[float, float] | None:
        """Its 95 % interval; None with too few groups."""
        low, high = self.row.ci_low, self.row.ci_high
        return None if low is None or high is None else (low, high)

    def to_frame(self) -> pd.DataFrame:
        """All public rows and each stratum: rows, groups, interval, every score."""
        return scores_frame(self.card)

    def _line(self) -> str:
        place = f"rank {self.row.rank} of {self.ranked}" if self.row.rank else self.row.status
        again = "" if self.new else ", handed in before"
        return f"{scored(self.score, self.ci)}, {place}; submission {self.row.submission}{again}"


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """A predictions file, and where it comes from.

    Attributes:
        path: The file.
        team: Who hands it in.
        name: What the board shows.
        start: `time.perf_counter()` when the work began.
        model: The model's name, if Podium trained it.
        message: A remark.
        code: Parameters, seed and the like, for the provenance.
        open_table: Predictions of the open part in the form in which they are handed on.
    """

    path: Path
    team: str
    name: str
    start: float
    model: str | None = None
    message: str = ""
    code: Mapping[str, Any] | None = None
    open_table: pd.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """Scores predictions of one contest, whoever hands them in; made once for many files."""

    data: Data
    contest: Contest

    @classmethod
    def of(cls, data: Data, board: Board | None = None) -> Scorer:
        """The scorer of a prepared dataset, whose version is that of the data."""
        contest = Contest(
            competition=data.competition,
            dataset=data.dataset,
            version=data.version,
            board=board or open_board(),
        )
        return cls(data=data, contest=contest)

    @classmethod
    def find(cls, contest: Contest) -> Scorer | None:
        """The scorer of a contest; None where its data are not prepared here."""
        if not is_ready(contest.competition, contest.dataset):
            return None
        return cls(data=load(contest.competition, contest.dataset), contest=contest)

    @cached_property
    def solution(self) -> Solution:
        """The answers; opened only once there is something to score."""
        return open_solution(self.data)

    @cached_property
    def expected(self) -> Expected:
        """What a predictions file should hold."""
        return self.data.expected(self.data.rows("test"))

    @cached_property
    def _surroundings(self) -> Mapping[str, Any]:
        return provenance.collect()

    @cached_property
    def _reader(self) -> Reader:
        """Reads files of others; it ends with this object."""
        return Reader()

    def check(self, path: Path, *, new: bool = False, foreign: bool = False) -> Table:
        """The predictions of a file, aligned with the test ids.

        Args:
            path: The file.
            new: Whether it is about to be handed in: then what is no fault is said, once.
            foreign: Whether it comes from others.

        Raises:
            SubmissionError: With everything that is wrong.
        """
        notes: list[str] = []
        table = submission.check(path, self.data, notes, self._reader if foreign else None)
        for text in notes if new else ():
            note(f"{path.name}: {text}")
        return table

    def predictions(self, record: Record, *, foreign: bool = False) -> Table:
        """The predictions of a record's file, aligned with the test ids.

        Raises:
            BoardError: If the file is not here, or has changed since it was handed in.
            SubmissionError: If it cannot be scored.
        """
        with files.taken(record, self.expected) as copy:
            return self.check(copy, foreign=foreign)

    def score(self, predictions: Table) -> Scorecard:
        """Score aligned predictions.

        Raises:
            PodiumError: If a score is not finite.
        """
        return self.solution.score(predictions)

    def control(self, control: Control) -> Scorecard | None:
        """Train and score a trivial model; None if that cannot be, which is said."""

        def scored() -> Scorecard:
            file = model.load(self.data.competition, control.model).with_params(control.params)
            return self.score(training.predict_test(self.data, file))

        return self._if_scorable(f"control {control.name!r}", scored)

    def ceiling(self) -> Scorecard | None:
        """The score of the simulator's Bayes-optimal predictor; None if there is none to score."""
        return self._if_scorable(CEILING, self.solution.ceiling)

    def _if_scorable(self, what: str, score: Callable[[], Scorecard | None]) -> Scorecard | None:
        """What a control or the ceiling scores; None if it fails, which is said once a process."""
        key = *self.contest.names, self.contest.version.name, what
        if key in _LEFT_OUT:
            return None
        try:
            return score()
        except Exception as error:  # noqa: BLE001  model and metric are anybody's code
            _LEFT_OUT.add(key)
            why = one_line(error)
            note(f"{self.contest.title}: {what} cannot be scored and is left out: {why}")
            return None

    def record(
        self,
        scored: Scorecard,
        *,
        team: str,
        name: str,
        sha256: str,
        code: Mapping[str, Any],
        file: str | None = None,
        kind: str = SUBMISSION,
        model: str | None = None,
        message: str = "",
    ) -> Record:
        """A record of scored predictions; see `Record`."""
        version = self.contest.version
        competition, dataset = self.contest.place
        return Record(
            submission=submission_id(competition, dataset, team, sha256),
            competition=competition,
            dataset=dataset,
            version=version.name,
            answers=version.answers,
            team=team,
            name=name,
            model=model,
            message=message,
            kind=kind,
            created=now(),
            file=file,
            sha256=sha256,
            provenance={
                **vars(version),
                "peak_memory_mb": provenance.peak_memory_mb(),
                **code,
                **{name: fact for name, fact in self._surroundings.items() if name not in code},
            },
            **cards(scored),
        )

    def again(self, record: Record) -> dict[str, Any] | None:
        """What a record of the present version keeps of its scores, computed again: see `cards`.

        None for another version, or where the predictions are not here.

        Raises:
            PodiumError: If they are refused.
        """
        if record.version != self.contest.version.name:
            return None
        if record.kind == CEILING:
            scored = self.ceiling()
        elif record.kind == CONTROL:
            named = [c for c in self.data.competition.controls if c.name == record.name]
            scored = self.control(named[0]) if named else None
        else:
            try:
                predictions = self.predictions(record, foreign=True)
            except BoardError:
                return None
            scored = self.score(predictions)
        return cards(scored) if scored else None

    def verified(self, record: Record) -> Record | None:
        """A claimed record with all figures computed again; None if that cannot be.

        Raises:
            PodiumError: If its predictions cannot be scored, or give other figures. Which ones, and
                the true ones, is not said: an import is no look at the score.
        """
        computed = self.again(record)
        if computed is None:
            return None
        for part in PARTS[:2] if record.private else PARTS[:1]:
            influence = getattr(record, f"{part}_influence")  # a sealed export has none
            holds = agree(computed[part], getattr(record, part)) and (
                not influence or near_influence(computed[f"{part}_influence"], influence)
            )
            if not holds:
                raise BoardError(
                    f"its {part} figures are not those of its predictions: forged, or scored by "
                    "other code"
                )
        return replace(record, answers=self.contest.version.answers, **computed)

    def record_controls(self) -> None:
        """Score the trivial models and, on simulated data, the ceiling: once a version.

        One that cannot be scored is left out, so that it keeps no submission from the board.
        """
        names = {"version": self.contest.version.name, "origin": OWN}
        there = set(self.contest.select("kind", "name", team=workspace.HOUSE, **names))
        for control in self.data.competition.controls:
            if (CONTROL, control.name) not in there and (scored := self.control(control)):
                file = model.load(self.data.competition, control.model).with_params(control.params)
                code = {"params": file.params, "seed": 0, "model_sha256": file.sha256}
                self._record_control(scored, CONTROL, control.name, control.model, code)
        if (CEILING, CEILING) not in there and (ceiling := self.ceiling()):
            self._record_control(ceiling, CEILING, CEILING, None, {})

    def _record_control(
        self, scored: Scorecard, kind: str, name: str, model: str | None, code: Mapping[str, Any]
    ) -> None:
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        who = {"team": workspace.HOUSE, "name": name, "sha256": sha256}
        self.contest.board.add(self.record(scored, **who, kind=kind, model=model, code=code))


def submit(scorer: Scorer, predictions: Predictions) -> Outcome:
    """Check, score, keep, record.

    Raises:
        PodiumError: If the predictions are refused; nothing is written then.
    """
    contest, team = scorer.contest, predictions.team
    folder = _folder(contest, team, SUBMITTED)
    with files.copied(predictions.path, scorer.expected, folder) as copy:
        aligned = scorer.check(copy.path, new=True)  # what is refused opens no board
        copy, short = _as_before(contest, team, copy)
        if short in _withdrawn(contest):
            raise PodiumError(
                f"These predictions were withdrawn, as {short}.",
                hint="A withdrawal is for good: hand in other predictions.",
            )
        if not contest.has(short):
            contest.refuse_over_limit(team)
        scored = scorer.score(aligned)
        scorer.record_controls()
        seconds = time.perf_counter() - predictions.start
        kept = folder / (short + ending(predictions.path))
        record = scorer.record(
            scored,
            team=team,
            name=predictions.name,
            sha256=copy.sha256,
            code={**(predictions.code or {}), "seconds": round(seconds, 3)},
            file=kept.relative_to(workspace.root()).as_posix(),
            model=predictions.model,
            message=predictions.message,
        )
        files.tidy(folder, contest.files)
        with files.staged(copy, kept, lambda: contest.has(short)):
            limit = contest.competition.daily_limit
            new = contest.board.add(record, daily_limit=limit)
    open_file = _keep_open(predictions, folder, short, contest.dataset.open_file)
    ranking = contest.ranking()
    line = next(line for line in ranking if line.submission == short)
    (row,) = contest.rows(ranking, [line])
    others = [ln for ln in ranking.of(team) if ln.kind == SUBMISSION and ln.number != line.number]
    before = others[0].score if others else None
    score = record.public["scores"][contest.competition.primary.name]
    return Outcome(
        row=row,
        card=shown(record.public),
        change=None if before is None or not new else shown(shown(score) - shown(before)),
        ranked=ranking.ranked,
        new=new,
        file=kept,
        open_file=open_file,
        seconds=seconds,
    )


def _withdrawn(contest: Contest) -> set[str]:
    return {withdrawal.submission for withdrawal in contest.board.withdrawals([OWN])}


def _as_before(contest: Contest, team: str, copy: files.Copy) -> tuple[files.Copy, str]:
    """A copy, and its submission, with the line ends that its team handed in before, if it did."""

    def known(short: str) -> bool:
        return contest.has(short) or short in _withdrawn(contest)

    short = submission_id(*contest.place, team, copy.sha256)
    if known(short) or copy.path.stat().st_size > files.LARGE:
        return copy, short
    for sha256 in scratch.other_line_ends(copy.path):
        if known(before := submission_id(*contest.place, team, sha256)):
            note(f"{copy.path.name} was handed in before: {scratch.LINE_ENDS}")
            copy.path.write_bytes(scratch.with_line_ends(copy.path, sha256))
            return files.Copy(copy.path, sha256), before
    return copy, short


def keep(scorer: Scorer, predictions: Predictions) -> Kept:
    """Check predictions and keep them without scoring."""
    contest = scorer.contest
    folder = _folder(contest, predictions.team, PUT_ASIDE)
    with files.copied(predictions.path, scorer.expected, folder) as copy:
        scorer.check(copy.path)
        short = submission_id(*contest.place, predictions.team, copy.sha256)
        kept = submission.keep(copy.path, folder, short + ending(predictions.path))
    open_file = _keep_open(predictions, folder, short, contest.dataset.open_file)
    return Kept(file=kept, open_file=open_file, seconds=time.perf_counter() - predictions.start)


def _folder(contest: Contest, team: str, kind: str) -> Path:
    """Where the files of a team lie."""
    return workspace.root().joinpath(kind, *contest.place, team)


def _keep_open(predictions: Predictions, folder: Path, short: str, name: str) -> Path | None:
    """Keep the predictions of the open part beside the others."""
    if predictions.open_table is None:
        return None
    with scratch.directory(scratch.INCOMING, folder) as place:
        predictions.open_table.to_csv(place / "open.csv", index=False, lineterminator="\n")
        return submission.keep(place / "open.csv", folder, f"{short}.{name}")


def cards(scored: Scorecard) -> dict[str, Any]:
    """What a record keeps of its scores: the fields of `Record` of that name."""
    return {
        **{part: card_json(scored[part]) for part in PARTS},
        "public_influence": scored["public"].whole.influence.tobytes(),
        "private_influence": scored["private"].whole.influence.tobytes(),
    }


def card_json(card: Card) -> dict[str, Any]:
    """A card as it is stored: rows, groups, scores, se, ci; and for each stratum the same."""
    strata = {name: _estimate_json(estimate) for name, estimate in card.strata.items()}
    return {**_estimate_json(card.whole), "strata": strata}


def _estimate_json(estimate: Estimate) -> dict[str, Any]:
    return {
        "rows": estimate.rows,
        "groups": estimate.groups,
        "scores": dict(estimate.scores),
        "se": estimate.se,
        "ci": list(estimate.ci) if estimate.ci else None,
    }


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
