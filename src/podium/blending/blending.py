"""Blends: the predictions of several submissions made one, handed in like any other.

    names --> members --> out-of-fold predictions of all? --yes--> greedy weights on train rows
                                                          --no---> equal weights
          --> mixture of their predictions of the test part (podium.blending.mixing) --> submission

Weights are chosen by greedy selection with replacement (Caruana et al. 2004, Ensemble selection
from libraries of models) on out-of-fold predictions of the train part. Test rows choose nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.blending.mixing import Mixer, Votes, added
from podium.competition.version import PUBLIC
from podium.errors import BoardError, PodiumError
from podium.execution import out_of_fold
from podium.execution.training import Folds
from podium.figures import shown
from podium.leaderboard import files, naming
from podium.leaderboard.record import SUBMISSION
from podium.leaderboard.submit import Scorer
from podium.results import Result
from podium.scratch import file_sha256

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.contract import Score
    from podium.competition.metric import Table
    from podium.competition.part import Progress
    from podium.data.dataset import Data
    from podium.leaderboard.record import Record
    from podium.leaderboard.submit import Kept

GREEDY, EQUAL = "greedy", "equal"
ROUNDS = 30
"""Votes that the greedy selection adds at most to those that it starts with."""
PATIENCE = 6
"""Votes without a better score after which it ends."""
_LISTED = 60
"""Letters of the members' names from which a blend is named by their number."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """What one submission gives to a blend.

    Attributes:
        submission, team, name, score: As on the public board.
        weight: Its votes.
        share: Its part of all votes.
        fold_score: Of its out-of-fold predictions; None where the weights are equal.
    """

    submission: str
    team: str
    name: str
    score: float | None
    weight: int
    share: float
    fold_score: float | None = None


@dataclass(frozen=True, kw_only=True)
class Blend:
    """How submissions were blended.

    Attributes:
        members: In the order in which they were named.
        weights: `greedy` (chosen on out-of-fold predictions) or `equal`.
        why: Why so, one line each.
        fold_score: Out-of-fold score of the blend; None where the weights are equal.
        table: Predictions of the test part.
    """

    members: Sequence[Member]
    weights: str
    why: Sequence[str]
    fold_score: float | None
    table: Table

    @property
    def name(self) -> str:
        """What the board shows where nobody names it."""
        names = [member.name for member in self.members if member.weight]
        listed = " + ".join(names)
        return listed if len(listed) <= _LISTED else f"blend of {len(names)}"

    @property
    def as_json(self) -> dict[str, Any]:
        """All of it but the predictions."""
        members = [asdict(member) for member in self.members]
        return {"members": members, **self._how}

    @property
    def provenance(self) -> dict[str, Any]:
        """What the record of the blend keeps."""
        kept = ("submission", "team", "name", "weight")
        members = [{key: getattr(member, key) for key in kept} for member in self.members]
        return {"blend": {"members": members, **self._how}}

    @property
    def _how(self) -> dict[str, Any]:
        return {"weights": self.weights, "why": list(self.why), "fold_score": self.fold_score}


@dataclass(frozen=True, kw_only=True, repr=False)
class Blended(Result):
    """A blend and what handing it in gave."""

    blend: Blend
    outcome: Kept

    def to_frame(self) -> pd.DataFrame:
        """A row for each member: its weight, its share and its scores."""
        import pandas as pd

        return pd.DataFrame([asdict(member) for member in self.blend.members])

    def _line(self) -> str:
        return f"{self.blend.name}, {self.blend.weights} weights; {self.outcome!r}"


def blend(
    scorer: Scorer,
    names: Sequence[str],
    *,
    equal: bool = False,
    cv: bool = False,
    team: str,
    progress: Progress | None = None,
) -> Blend:
    """Blend submissions of one board.

    Args:
        scorer: Of the contest that they are in.
        names: IDs or how they begin, names, `team/name`, or teams for their best.
        equal: Equal weights in any case.
        cv: Make out-of-fold predictions that are missing. Model files that are not shipped are
            only run if the submission is of `team`.
        team: Who acts.
        progress: Shows the folds.

    Raises:
        BoardError: With every name that cannot be blended.
        PodiumError: If greedy selection finds a member better alone than any blend.
    """
    records = _members(scorer, names)
    data, primary = scorer.data, scorer.data.competition.primary.name
    chosen, lacking = None, ["equal weights were asked for"] if equal else []
    if not equal:
        places = []
        for record in records:
            try:
                places.append(_folds_of(data, record, cv=cv, team=team, progress=progress))
            except _NoFoldsError as error:
                lacking.append(f"{record.team}/{record.name}: {error}")
        if not lacking:
            chosen = _Choice.of(data, places)
            _refuse_alone(records, chosen)
    weights = chosen.weights if chosen else [1] * len(records)
    members = [
        Member(
            submission=record.submission,
            team=record.team,
            name=record.name,
            score=shown(record.public["scores"].get(primary)),
            weight=weight,
            share=weight / sum(weights),
            fold_score=chosen.scores[place] if chosen else None,
        )
        for place, (record, weight) in enumerate(zip(records, weights, strict=True))
    ]
    return Blend(
        members=members,
        weights=GREEDY if chosen else EQUAL,
        why=lacking or ["all members have out-of-fold predictions of the train part"],
        fold_score=chosen.score if chosen else None,
        table=_mixture(scorer, records, weights),
    )


def _members(scorer: Scorer, names: Sequence[str]) -> list[Record]:
    """The named submissions; all problems are reported at once."""
    contest = scorer.contest
    records: list[Record] = []
    problems: list[str] = []
    ranking, command = contest.ranking(), contest.command("blend", *names)
    for name in names:
        try:
            line = naming.find(contest, name, ranking, command)
            records.append(_member(contest.record(line.submission), name))
        except BoardError as error:
            problems += [error.message.rstrip("."), *(f"  {problem}" for problem in error.problems)]
    counts = Counter(record.submission for record in records)
    problems += [f"{short} is named {count} times" for short, count in counts.items() if count > 1]
    if len(names) < 2:
        problems.append("two submissions or more make a blend")
    if problems:
        raise BoardError(
            "These cannot be blended.",
            problems=problems,
            hint="Choose from: podium board {} --dataset {}".format(*contest.names),
        )
    return records


def _member(record: Record, name: str) -> Record:
    """The record that a name means, if it can be blended."""
    if record.kind != SUBMISSION:
        raise BoardError(
            f"{name[:60]!r} is the {record.kind} {record.name!r}, no team's submission"
        )
    try:
        files.checked(record)  # before anything is trained
    except BoardError as error:
        raise BoardError(f"{name[:60]!r}: {error.message}") from error
    return record


def _refuse_alone(records: Sequence[Record], chosen: _Choice) -> None:
    """A blend of one is that one: handing it in again would only cost a look."""
    if sum(weight > 0 for weight in chosen.weights) > 1:
        return
    names = [f"{record.team}/{record.name}" for record in records]
    alone = names[int(np.argmax(chosen.weights))]
    score = chosen.folds.data.competition.primary.name
    raise PodiumError(
        f"Out of fold, {alone} alone is better than any blend of these: nothing was handed in.",
        problems=[
            f"{name}: out-of-fold {score} {value:.4f}"
            for name, value in zip(names, chosen.scores, strict=True)
        ],
        hint="Blend others with it, or take equal weights all the same: --equal",
    )


class _NoFoldsError(Exception):
    """Says why a member has no out-of-fold predictions."""


def _folds_of(
    data: Data, record: Record, *, cv: bool, team: str, progress: Progress | None
) -> Path:
    """Where the out-of-fold predictions of a record's model lie.

    Raises:
        _NoFoldsError: If there are none.
    """
    if not data.has(f"{PUBLIC}/train.parquet") or not len(data.ids("train")):
        raise _NoFoldsError("this dataset has no train rows to predict out of fold")
    code = record.provenance
    sha256, params, seed = (code.get(key) for key in ("model_sha256", "params", "seed"))
    if not isinstance(sha256, str) or not isinstance(params, dict) or not isinstance(seed, int):
        raise _NoFoldsError(
            "it was not trained by Podium, so that it has no out-of-fold predictions"
        )
    place = out_of_fold.place(data, model_sha256=sha256, params=params, seed=seed)
    if out_of_fold.read(data, place) is not None:
        return place
    if not cv:
        raise _NoFoldsError("no out-of-fold predictions yet (podium cv, or --cv here, makes them)")
    from podium.competition import model_file as models
    from podium.execution import folds
    from podium.execution.worker import Limits

    validation = folds.cross_validate(
        data,
        models.find(data.competition, _model_of(data, record, team)),
        params=params,
        seed=seed,
        limits=Limits(),
        progress=progress,
    )
    if validation.model_sha256 != sha256:
        raise _NoFoldsError("its model file changed before it was run: run it again")
    out_of_fold.keep(place, validation.predictions)
    return place


def _model_of(data: Data, record: Record, team: str) -> str | Path:
    """The model of a record, if it is here, unchanged, and may be run.

    Raises:
        _NoFoldsError: If not.
    """
    competition = data.competition
    named = str(record.provenance.get("model_file", ""))
    sha256 = record.provenance["model_sha256"]
    if record.model in competition.models and named == f"{competition.id}/{record.model}":
        if file_sha256(competition.folder / "models" / f"{record.model}.py") != sha256:
            raise _NoFoldsError("its model has changed since it was trained")
        return str(record.model)
    if record.team != team:
        raise _NoFoldsError(f"its model file is team {record.team}'s: their podium cv makes them")
    path = Path(named)
    if path.suffix != ".py" or not path.is_file() or file_sha256(path) != sha256:
        raise _NoFoldsError(f"its model file {named[:200]} is not here as it was")
    return path


def _mixture(scorer: Scorer, records: Sequence[Record], weights: Sequence[int]) -> Table:
    """The blended predictions of the test part."""
    first = scorer.predictions(records[0])
    mixer = Mixer(competition=scorer.data.competition, part=scorer.data.part("test"), first=first)
    sums: Votes = {}
    for record, weight in zip(records, weights, strict=True):
        if weight:
            predictions = first if record is records[0] else scorer.predictions(record)
            sums = added(sums, mixer.votes(predictions), weight)
    return mixer.mixture(sums, sum(weights))


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """Greedy selection with replacement on the train part.

    Attributes:
        votes: What each member's out-of-fold predictions add to the sums.
    """

    folds: Folds
    mixer: Mixer
    votes: Sequence[Callable[[], Votes]]

    @classmethod
    def of(cls, data: Data, files: Sequence[Path]) -> _Choice:
        """The choice between members whose out-of-fold predictions lie in these files.

        Those of matrices are read on demand, one at a time; others stay in memory.
        """
        folds = Folds.of(data)
        part = folds.train.without_answers()
        mixer = Mixer(competition=data.competition, part=part, first=_read(data, files[0]))
        held: dict[Path, Votes] = {}

        def votes(file: Path) -> Votes:
            if file in held:
                return held[file]
            counted = mixer.votes(_read(data, file))
            if not data.competition.matrix:
                held[file] = counted
            return counted

        return cls(
            folds=folds,
            mixer=mixer,
            votes=[partial(votes, file) for file in files],
        )

    @cached_property
    def scores(self) -> list[float]:
        """Out-of-fold score of each member by itself."""
        return [self._score(votes(), 1) for votes in self.votes]

    @cached_property
    def weights(self) -> list[int]:
        """Votes of each member: those of the best mixture that was met on the way.

        The way begins with the best members in equal parts, as many as are best together: where a
        majority decides, a second vote changes nothing, so that a single one would stay alone.
        """
        best, sums, chosen = self._start()
        length = len(chosen)
        for _ in range(ROUNDS):
            reached, number, sums = self._next(sums, len(chosen) + 1)
            chosen.append(number)
            if reached > best:
                best, length = reached, len(chosen)
            if len(chosen) - length >= PATIENCE:
                break
        counts = Counter(chosen[:length])
        return [counts[number] for number in range(len(self.votes))]

    @cached_property
    def score(self) -> float:
        """Out-of-fold score of the blend."""
        return self._score(self._sums, sum(self.weights))

    @cached_property
    def _sums(self) -> Votes:
        sums: Votes = {}
        for votes, weight in zip(self.votes, self.weights, strict=True):
            sums = added(sums, votes(), weight) if weight else sums
        return sums

    def _start(self) -> tuple[float, Votes, list[int]]:
        """The best members that are best together: what they reach, their sums, their numbers."""
        order = np.argsort([-self._sign * score for score in self.scores], kind="stable").tolist()
        best: tuple[float, Votes, list[int]] = -np.inf, {}, []
        sums: Votes = {}
        for count, number in enumerate(order, 1):
            sums = added(sums, self.votes[number]())
            reached = self._sign * self._score(sums, count)
            if reached > best[0]:  # in a tie the fewest
                best = reached, sums, order[:count]
        if not np.isfinite(best[0]):
            raise PodiumError("No out-of-fold score is finite: no weights can be chosen on them.")
        return best

    def _next(self, sums: Votes, total: int) -> tuple[float, int, Votes]:
        """The member whose next vote helps most: what is reached, its number, the sums then."""
        best = -np.inf, 0, sums
        for number, votes in enumerate(self.votes):
            with_it = added(sums, votes())
            reached = self._sign * self._score(with_it, total)
            if number == 0 or reached > best[0]:  # in a tie the first
                best = reached, number, with_it
        return best

    @property
    def _primary(self) -> Score:
        return self.folds.data.competition.primary

    @property
    def _sign(self) -> int:
        return 1 if self._primary.higher_is_better else -1

    def _score(self, sums: Votes, total: int) -> float:
        """Out-of-fold primary score of a mixture; the worst where it is not finite."""
        score = self.folds.scores(self.mixer.mixture(sums, total))[self._primary.name]
        return score if np.isfinite(score) else -self._sign * np.inf


def _read(data: Data, file: Path) -> Table:
    predictions = out_of_fold.read(data, file)
    if predictions is None:
        raise PodiumError(f"{file} was there and is not any more.", hint="Try again.")
    return predictions
