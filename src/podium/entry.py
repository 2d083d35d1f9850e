"""Handing in: check, score, keep and record a submission, in this order.

A refusal at any step leaves nothing behind: no file, no record.
"""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import leaderboard, model, provenance, scratch, submission, training, workspace
from podium.data import Data
from podium.edition import Edition, file_sha256
from podium.errors import PodiumError
from podium.leaderboard import Board, Record, Row
from podium.scoring import Scorecard, Solution, open_solution
from podium.stats import Card, Estimate

if TYPE_CHECKING:
    import pandas as pd

    from podium.metric import Table

SUBMITTED, PUT_ASIDE = "submissions", "predictions"
_LABEL_LENGTH, _MESSAGE_LENGTH = 120, 10_000


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What handing in a submission gave.

    Attributes:
        row: Its line of the public board.
        card: Its public figures in full: see `card_json`.
        change: Public score minus the team's best before it; None for a first entry.
        ranked: How many submissions have a rank.
        new: False if the team handed in the very same predictions before.
        file: Where the predictions are kept.
        open_file: Predictions of the open part, for whoever can score them.
        seconds: Wall time.
    """

    row: Row
    card: Mapping[str, Any]
    change: float | None
    ranked: int
    new: bool
    file: Path
    open_file: Path | None
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Predictions that were written but not handed in."""

    file: Path
    open_file: Path | None
    seconds: float


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
class Entries:
    """A team's way to one board."""

    data: Data
    edition: Edition
    team: str

    @classmethod
    def of(cls, data: Data, team: str | None) -> Entries:
        """The way of a team; of the default one if None."""
        return cls(data=data, edition=data.edition, team=workspace.team(team))

    @cached_property
    def board(self) -> Board:
        """The board; opened (and so made) only once there is something to record."""
        return leaderboard.open_board(workspace.database_url())

    def hand_in(self, predictions: Predictions) -> Outcome:
        """Check, score, keep, record.

        Raises:
            PodiumError: If the predictions are refused; nothing is written then.
        """
        aligned = self._check(predictions.path)
        solution = open_solution(self.data)
        scored = solution.score(aligned)
        self._record_controls(solution)
        before = self._own_best()
        sha256 = file_sha256(predictions.path)
        kept, open_file = self._keep(predictions, sha256, SUBMITTED)
        seconds = time.perf_counter() - predictions.start
        record = self._record(
            scored,
            submission=self._short(sha256),
            team=self.team,
            name=predictions.name,
            model=predictions.model,
            message=predictions.message,
            kind=leaderboard.SUBMISSION,
            file=str(kept.relative_to(workspace.root())),
            sha256=sha256,
            code={**(predictions.code or {}), "seconds": round(seconds, 3)},
        )
        new = self.board.add(record)
        rows = self._rows()
        row = next(row for row in rows if row.submission == record.submission)
        return Outcome(
            row=row,
            card=record.public,
            change=None if before is None or not new else row.score - before,
            ranked=sum(row.rank is not None for row in rows),
            new=new,
            file=kept,
            open_file=open_file,
            seconds=seconds,
        )

    def put_aside(self, predictions: Predictions) -> Kept:
        """Check predictions and keep them without scoring."""
        self._check(predictions.path)
        kept, open_file = self._keep(predictions, file_sha256(predictions.path), PUT_ASIDE)
        seconds = time.perf_counter() - predictions.start
        return Kept(file=kept, open_file=open_file, seconds=seconds)

    def _check(self, path: Path) -> Table:
        table = submission.read(path, self.data.competition)
        return submission.align(table, self.data.competition, self.data.ids("test"))

    def _keep(self, predictions: Predictions, sha256: str, where: str) -> tuple[Path, Path | None]:
        names = (where, self.data.competition.name, self.data.dataset.name, self.team)
        folder = workspace.root().joinpath(*names)
        short = self._short(sha256)
        kept = submission.keep(predictions.path, folder, short + predictions.path.suffix.lower())
        if predictions.open_table is None:
            return kept, None
        with scratch.directory(".incoming-", folder) as place:
            predictions.open_table.to_csv(place / "open.csv", index=False)
            return kept, submission.keep(place / "open.csv", folder, f"{short}.open.csv")

    def _short(self, sha256: str, owner: str | None = None) -> str:
        names = (self.data.competition.name, self.data.dataset.name, owner or self.team, sha256)
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]

    def _rows(self) -> list[Row]:
        names = (self.data.competition, self.data.dataset.name)
        return self.board.rows(*names, edition=self.edition.name)

    def _own_best(self) -> float | None:
        ranked = [row.score for row in self._rows() if row.team == self.team and row.rank]
        return ranked[0] if ranked else None

    def _record_controls(self, solution: Solution) -> None:
        """Score the trivial models and, on simulated data, the ceiling: once an edition."""
        there = self._house_names(leaderboard.CONTROL)
        for control in self.data.competition.controls:
            if control.name not in there:
                file = model.load(self.data.competition, control.model).with_params(control.params)
                scored = solution.score(training.predict_test(self.data, file))
                code = {"params": file.params, "seed": 0, "model_sha256": file.sha256}
                self._record_house(scored, leaderboard.CONTROL, control.name, control.model, code)
        if not self._house_names(leaderboard.CEILING) and (ceiling := solution.ceiling()):
            self._record_house(ceiling, leaderboard.CEILING, leaderboard.CEILING, None, {})

    def _house_names(self, kind: str) -> set[str]:
        names = (self.data.competition.name, self.data.dataset.name)
        return self.board.names(*names, edition=self.edition.name, kind=kind)

    def _record_house(
        self, scored: Scorecard, kind: str, name: str, model: str | None, code: Mapping[str, Any]
    ) -> None:
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        record = self._record(
            scored,
            submission=self._short(sha256, workspace.HOUSE),
            team=workspace.HOUSE,
            name=name,
            model=model,
            message="",
            kind=kind,
            file=None,
            sha256=sha256,
            code=code,
        )
        self.board.add(record)

    def _record(self, scored: Scorecard, *, code: Mapping[str, Any], **fields: Any) -> Record:
        return Record(
            competition=self.data.competition.name,
            dataset=self.data.dataset.name,
            edition=self.edition.name,
            created=now(),
            provenance={
                **vars(self.edition),
                **code,
                "peak_memory_mb": provenance.peak_memory_mb(),
                **provenance.collect(),
            },
            public=card_json(scored["public"]),
            private=card_json(scored["private"]),
            all=card_json(scored["all"]),
            public_influence=scored["public"].whole.influence.tobytes(),
            private_influence=scored["private"].whole.influence.tobytes(),
            **fields,
        )


def card_json(card: Card) -> dict[str, Any]:
    """A card as it is stored: rows, groups, scores, se, ci; and for each stratum the same."""
    strata = {name: _estimate_json(estimate) for name, estimate in card.strata.items()}
    return {**_estimate_json(card.whole), "strata": strata}


def now() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _estimate_json(estimate: Estimate) -> dict[str, Any]:
    return {
        "rows": estimate.rows,
        "groups": estimate.groups,
        "scores": dict(estimate.scores),
        "se": estimate.se,
        "ci": list(estimate.ci) if estimate.ci else None,
    }


def label(name: str) -> str:
    """A name for the board, checked.

    Raises:
        PodiumError: If it could not stand in one line of a table.
    """
    if not name.strip() or len(name) > _LABEL_LENGTH or not name.isprintable():
        raise PodiumError(
            f"The name {name[:60]!r} cannot be used.",
            problems=[f"1 to {_LABEL_LENGTH} printable characters"],
            hint="Name another: --name NAME",
        )
    return name


def remark(message: str) -> str:
    """A remark for the board, checked.

    Raises:
        PodiumError: If no database could keep it.
    """
    if len(message) > _MESSAGE_LENGTH or "\0" in message or not _is_unicode(message):
        raise PodiumError(
            f"The message cannot be used: {message[:60]!r}.",
            problems=[f"at most {_MESSAGE_LENGTH:,} characters of whole Unicode, none of them NUL"],
            hint="Give another: --message TEXT",
        )
    return message


def _is_unicode(text: str) -> bool:
    """Whether it has no halves of characters: what the shell passes on of bytes that are none."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
