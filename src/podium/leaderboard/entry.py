"""Handing in: check, score and record a submission, and keep its file (see `files`).

A refusal at any step leaves nothing behind: no file, no record.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import scratch, workspace
from podium.competition import model_file as model
from podium.competition.version import Version
from podium.data.dataset import Data
from podium.data.expected import Expected
from podium.data.reader import Reader
from podium.errors import PodiumError, note, one_line
from podium.execution import provenance, training
from podium.leaderboard import files, leaderboard
from podium.leaderboard.leaderboard import Board, refuse_over_limit, today
from podium.leaderboard.ranking import Row
from podium.leaderboard.record import (
    CEILING,
    CONTROL,
    PARTS,
    SUBMISSION,
    SUBMITTED,
    Record,
    now,
    submission_id,
)
from podium.leaderboard.standings import Standings, View, standings
from podium.metrics.stats import Card, Estimate
from podium.rounding import shown
from podium.scoring import submission
from podium.scoring.scoring import Scorecard, Solution, open_solution

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.contract import Control
    from podium.competition.metric import Table
    from podium.competition.model_file import LoadedModel

PUT_ASIDE = "predictions"
_LEFT_OUT: set[tuple[str, ...]] = set()
"""Controls that could not be scored in this process: a later one may find them mended."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What handing in a submission gave.

    Attributes:
        row: Its line of the public board.
        card: Its public figures, rounded: see `card_json`.
        change: Public score minus the team's best before it, both as they are shown; None for a
            first entry.
        ranked: How many submissions have a rank.
        new: False if the team handed in the very same predictions before.
        file: Where the predictions are kept.
        open_file: Predictions of the open part, for whoever can score them.
        seconds: Wall time.
        left_open: What this system did not guard from the model's code.
    """

    row: Row
    card: Mapping[str, Any]
    change: float | None
    ranked: int
    new: bool
    file: Path
    open_file: Path | None
    seconds: float
    left_open: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Predictions that were written but not handed in."""

    file: Path
    open_file: Path | None
    seconds: float
    left_open: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """A predictions file and where it comes from.

    Attributes:
        path: The file.
        name: What the board shows.
        model: The model's name, if Podium trained it.
        message: A remark.
        code: Parameters, seed and the like, for the provenance.
        open_table: Predictions of the open part in the form in which they are handed on.
        start: `time.perf_counter()` when the work began.
    """

    path: Path
    name: str
    start: float
    model: str | None = None
    message: str = ""
    code: Mapping[str, Any] | None = None
    open_table: pd.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where predictions for one dataset are scored and recorded, whoever hands them in."""

    data: Data
    version: Version

    @classmethod
    def of(cls, data: Data) -> Desk:
        """The desk of a prepared dataset."""
        return cls(data=data, version=data.version)

    @cached_property
    def board(self) -> Board:
        """The board; opened (and so made) only once there is something to record."""
        return leaderboard.open_board(workspace.database_url())

    @cached_property
    def _solution(self) -> Solution:
        return open_solution(self.data)

    @cached_property
    def _surroundings(self) -> Mapping[str, Any]:
        return provenance.collect()

    @cached_property
    def _reader(self) -> Reader:
        """Reads files of others; it ends with the desk."""
        return Reader()

    @cached_property
    def expected(self) -> Expected:
        """What a predictions file should hold."""
        data = self.data
        return Expected.of(data.competition, data.rows("test"), data.genes)

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

    def check_metric(self) -> None:
        """Hold the metric to the golden scores of its version.

        Raises:
            PodiumError: With the scores that are others.
        """
        self._solution.check_metric()

    def score(self, predictions: Table) -> Scorecard:
        """Score aligned predictions.

        Raises:
            PodiumError: If a score is not finite.
        """
        return self._solution.score(predictions)

    def answers(self) -> Table:
        """The answers of the test part: for whoever may see them, once the board is revealed."""
        return self._solution.targets

    def scores_by_group(self, predictions: Table, *, private: bool) -> dict[str, dict[str, float]]:
        """Scores of each group; see `Solution.scores_by_group`."""
        return self._solution.scores_by_group(predictions, private=private)

    def estimates_by_group(
        self, predictions: Table, *, private: bool
    ) -> dict[str, dict[str, Estimate]]:
        """Scores of groups of every kind; see `Solution.estimates_by_group`."""
        return self._solution.estimates_by_group(predictions, private=private)

    def score_control(self, control: Control) -> Scorecard | None:
        """Train and score a trivial model; None if that cannot be, which is said."""
        return self._if_scorable(
            f"control {control.name!r}",
            lambda: self.score(training.predict_test(self.data, self._control_file(control))),
        )

    def ceiling(self) -> Scorecard | None:
        """The score of the simulator's Bayes-optimal predictor; None if there is none to score."""
        return self._if_scorable(CEILING, self._solution.ceiling)

    def best(self, team: str) -> float | None:
        """A team's best public score."""
        names = (self.data.competition, self.data.dataset.name)
        own = self.board.ranking(*names, version=self.version).of(team)
        return next((line.score for line in own if line.kind == SUBMISSION), None)

    def standings(self, team: str) -> Standings:
        """The public board with tiers and probabilities, as far as a team is concerned."""
        names = (self.board, self.data.competition, self.data.dataset.name)
        return standings(*names, version=self.version, view=View(team=team))

    def recorded_files(self) -> dict[str, str]:
        """The files that records of the dataset name, and their sha256."""
        names = (self.data.competition.name, self.data.dataset.name)
        return self.board.files(*names)

    def has_record(self, short: str) -> bool:
        """Whether these bytes of this team have a record in this version: no new look."""
        board = leaderboard.find_board(workspace.database_url())
        return board is not None and board.has(short, self.version.name)

    def refuse_over_limit(self, team: str) -> None:
        """Refuse what would be more looks at the public score than a day has, in UTC.

        Raises:
            BoardError: With when the next is possible.
        """
        limit = self.data.competition.daily_limit
        board = leaderboard.find_board(workspace.database_url()) if limit else None
        if board and limit:
            names = (self.data.competition.name, self.data.dataset.name)
            looks = board.looks(*names, version=self.version.name, since=today())
            refuse_over_limit(team, looks.get(team, 0), limit)

    def add(self, record: Record) -> bool:
        """Record a submission; False if it is there already.

        Raises:
            BoardError: If others of the team came in between, and the day's limit is reached.
        """
        competition = self.data.competition
        return self.board.add(
            record, primary=competition.primary.name, daily_limit=competition.daily_limit
        )

    def submission_id(self, team: str, sha256: str) -> str:
        """The short name of some bytes of a team."""
        return submission_id(self.data.competition.name, self.data.dataset.name, team, sha256)

    def record(self, scored: Scorecard, *, code: Mapping[str, Any], **fields: Any) -> Record:
        """A record of a scored submission; its name follows from `team` and `sha256`."""
        return Record(
            submission=self.submission_id(fields["team"], fields["sha256"]),
            competition=self.data.competition.name,
            dataset=self.data.dataset.name,
            version=self.version.name,
            answers=self.version.answers,
            provenance={
                **vars(self.version),
                "peak_memory_mb": provenance.peak_memory_mb(),
                **code,
                **self._surroundings,
            },
            **fields,
            **cards(scored),
        )

    def record_controls(self) -> None:
        """Score the trivial models and, on simulated data, the ceiling: once a version.

        One that cannot be scored is left out, so that it keeps no submission from the board.
        """
        there = self._house_names(CONTROL)
        for control in self.data.competition.controls:
            if control.name not in there and (scored := self.score_control(control)):
                file = self._control_file(control)
                code = {"params": file.params, "seed": 0, "model_sha256": file.sha256}
                self._record_house(scored, CONTROL, control.name, control.model, code)
        if not self._house_names(CEILING) and (ceiling := self.ceiling()):
            self._record_house(ceiling, CEILING, CEILING, None, {})

    def _if_scorable(self, what: str, score: Callable[[], Scorecard | None]) -> Scorecard | None:
        """What a control or the ceiling scores; None if it fails, which is said once a process."""
        key = self.data.competition.name, self.data.dataset.name, self.version.name, what
        if key in _LEFT_OUT:
            return None
        try:
            return score()
        except Exception as error:  # noqa: BLE001  model and metric are anybody's code
            _LEFT_OUT.add(key)
            note(f"{key[0]}/{key[1]}: {what} cannot be scored and is left out: {one_line(error)}")
            return None

    def _control_file(self, control: Control) -> LoadedModel:
        return model.load(self.data.competition, control.model).with_params(control.params)

    def _house_names(self, kind: str) -> set[str]:
        names = (self.data.competition.name, self.data.dataset.name)
        return self.board.names(*names, version=self.version.name, kind=kind)

    def _record_house(
        self, scored: Scorecard, kind: str, name: str, model: str | None, code: Mapping[str, Any]
    ) -> None:
        record = self.record(
            scored,
            team=workspace.HOUSE,
            name=name,
            model=model,
            message="",
            kind=kind,
            created=now(),
            file=None,
            sha256=hashlib.sha256(name.encode()).hexdigest(),
            code=code,
        )
        self.board.add(record, primary=self.data.competition.primary.name)


@dataclass(frozen=True, kw_only=True)
class Entries:
    """A team's way to one board."""

    desk: Desk
    team: str

    @classmethod
    def of(cls, data: Data, team: str | None) -> Entries:
        """The way of a team; of the default one if None."""
        return cls(desk=Desk.of(data), team=workspace.team(team))

    def hand_in(self, predictions: Predictions) -> Outcome:
        """Check, score, keep, record.

        Raises:
            PodiumError: If the predictions are refused; nothing is written then.
        """
        desk, folder = self.desk, self._place(SUBMITTED)
        with files.copied(predictions.path, desk.expected, folder) as copy:
            aligned = desk.check(copy.path, new=True)
            short = desk.submission_id(self.team, copy.sha256)
            self._refuse_withdrawn(short)
            if not desk.has_record(short):
                desk.refuse_over_limit(self.team)
            scored = desk.score(aligned)
            desk.record_controls()
            before = desk.best(self.team)
            seconds = time.perf_counter() - predictions.start
            kept = folder / (short + predictions.path.suffix.lower())
            record = desk.record(
                scored,
                team=self.team,
                name=predictions.name,
                model=predictions.model,
                message=predictions.message,
                kind=SUBMISSION,
                created=now(),
                file=kept.relative_to(workspace.root()).as_posix(),
                sha256=copy.sha256,
                code={**(predictions.code or {}), "seconds": round(seconds, 3)},
            )
            files.tidy(folder, desk.recorded_files)
            with files.staged(copy, kept, lambda: desk.has_record(short)):
                new = desk.add(record)
        open_file = self._keep_open(predictions, short, SUBMITTED)
        board = desk.standings(self.team)
        row = next(row for row in board.rows if row.submission == record.submission)
        score = record.public["scores"][desk.data.competition.primary.name]
        return Outcome(
            row=row,
            card=shown(record.public),
            change=None if before is None or not new else shown(shown(score) - shown(before)),
            ranked=board.ranked,
            new=new,
            file=kept,
            open_file=open_file,
            seconds=seconds,
        )

    def put_aside(self, predictions: Predictions) -> Kept:
        """Check predictions and keep them without scoring."""
        folder = self._place(PUT_ASIDE)
        with files.copied(predictions.path, self.desk.expected, folder) as copy:
            self.desk.check(copy.path)
            short = self.desk.submission_id(self.team, copy.sha256)
            kept = submission.keep(copy.path, folder, short + predictions.path.suffix.lower())
        open_file = self._keep_open(predictions, short, PUT_ASIDE)
        seconds = time.perf_counter() - predictions.start
        return Kept(file=kept, open_file=open_file, seconds=seconds)

    def _place(self, where: str) -> Path:
        data = self.desk.data
        return workspace.root() / where / data.competition.name / data.dataset.name / self.team

    def _keep_open(self, predictions: Predictions, short: str, where: str) -> Path | None:
        if predictions.open_table is None:
            return None
        folder = self._place(where)
        with scratch.directory(scratch.INCOMING, folder) as place:
            predictions.open_table.to_csv(place / "open.csv", index=False)
            name = f"{short}.{self.desk.data.dataset.open_file}"
            return submission.keep(place / "open.csv", folder, name)

    def _refuse_withdrawn(self, short: str) -> None:
        board = leaderboard.find_board(workspace.database_url())
        if board and board.withdrawn(short):
            raise PodiumError(
                f"These predictions were withdrawn, as {short}.",
                hint="A withdrawal is for good: hand in other predictions.",
            )


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
