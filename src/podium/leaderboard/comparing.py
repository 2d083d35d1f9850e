"""Two submissions or more against the first: how much better, where, and how they were made.

Before a board is revealed every figure comes from public rows, and those of groups from groups with
at least 20 of them. Where predictions differ is told of all test rows: no answer enters there, and
nothing says which half a row is of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from podium.competition.version import Version, is_ready
from podium.errors import BoardError
from podium.leaderboard import files
from podium.leaderboard.entry import Desk
from podium.leaderboard.ranking import OUTDATED, WITHDRAWN
from podium.metrics.stats import MIN_GROUPS, Card, Estimate, interval
from podium.rounding import decimals, shown
from podium.scoring import tiers
from podium.scoring.disagreement import Disagreement, disagreement

if TYPE_CHECKING:
    from podium.competition.contract import Competition, Dataset, Score
    from podium.competition.metric import Table
    from podium.leaderboard.leaderboard import Board
    from podium.leaderboard.ranking import Row
    from podium.leaderboard.record import Record

_NAMED = 10
"""Submissions that an error names."""
SHORTEST = 4
"""Letters of an ID that may stand for it."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Two scores of the same rows, paired by their independent groups, rounded to be shown.

    Attributes:
        difference: `first` minus `second`; whether more is better is the score's own matter.
        ci_low, ci_high: 95 % interval of the difference; None with too few groups.
        p: Two-sided, of no difference.
        win: How probable it is that the first is better.
    """

    first: float
    second: float
    difference: float
    ci_low: float | None = None
    ci_high: float | None = None
    p: float | None = None
    win: float | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The first submission against another one.

    Attributes:
        parts: `public`, and after reveal `private`.
        strata: Of public rows, after reveal of all test rows.
        groups: The same by kind of group and its name.
        missing: Why there is nothing but `parts`.
    """

    submission: str
    parts: Mapping[str, Difference]
    strata: Mapping[str, Difference] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Difference]] = field(default_factory=dict)
    disagreement: Disagreement | None = None
    missing: str | None = None


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What was compared.

    Attributes:
        rows: The submissions as they stand on the public board.
        settings: Parameters and provenance: for each entry its value in each submission.
        against: The first against each of the others.
    """

    rows: Sequence[Row]
    settings: Mapping[str, Sequence[Any]]
    against: Sequence[Comparison]


@dataclass(frozen=True, kw_only=True)
class _Scored:
    """Predictions at hand, and what the shown rows of them score."""

    predictions: Table
    card: Card
    groups: Mapping[str, Mapping[str, Estimate]]


def compare(
    board: Board, competition: Competition, dataset: Dataset, version: Version, names: Sequence[str]
) -> Compared:
    """Compare the first named submission with each of the others.

    Args:
        board: Where they are.
        competition: Whose they are.
        dataset: Likewise.
        version: The present one.
        names: IDs or how they begin, names, `team/name`, or teams for their best.

    Raises:
        BoardError: If a name fits none or several, or fewer than two submissions are named.
    """
    standing = board.rows(competition, dataset.name, version=version)
    rows = [find(standing, name) for name in names]
    if len({row.submission for row in rows}) < max(2, len(rows)):
        raise BoardError(
            "Two submissions or more are compared, each named once.",
            problems=[f"{r.submission}: {r.team}/{r.name}" for r in rows],
        )
    records = [board.get(row.submission, version.name) for row in rows]
    revealed = board.revealed(competition.name, dataset.name, version.answers) is not None
    desk = _desk(competition, dataset, version)
    scored = [_scored(desk, record, revealed=revealed) for record in records]
    return Compared(
        rows=rows,
        settings=_settings(records),
        against=[
            _against(competition, desk, records, scored, place, revealed=revealed)
            for place in range(1, len(rows))
        ],
    )


def find(rows: Sequence[Row], name: str) -> Row:
    """The row that a person means by an ID, the beginning of one, a name, team/name or a team.

    Raises:
        BoardError: If there is none, or more than one.
    """
    known = [row for row in rows if row.status not in (OUTDATED, WITHDRAWN)]
    found = [row for row in known if name in (row.submission, f"{row.team}/{row.name}")]
    found = found or [row for row in known if row.name == name]
    if not found and len(name) >= SHORTEST:
        found = [row for row in known if row.submission.startswith(name.lower())]
    found = found or [row for row in known if row.team == name][:1]  # the best of a team
    if not found:
        raise BoardError(
            f"{name[:60]!r} is no submission of this board.",
            problems=[f"{r.submission}: {r.team}/{r.name}" for r in known[:_NAMED]],
            hint="Give an ID (the board's last column), a name, TEAM/NAME, or a team for its best.",
        )
    if len(found) > 1:
        raise BoardError(
            f"{name[:60]!r} fits {len(found)} submissions.",
            problems=[f"{r.submission}: {r.team}/{r.name}, {r.created}" for r in found[:_NAMED]],
            hint="Give the ID, or TEAM/NAME.",
        )
    return found[0]


def paired(first: Estimate, second: Estimate, score: Score, enough: int = MIN_GROUPS) -> Difference:
    """Two estimates of the same rows; see docs/statistics.md."""
    return _difference(
        (first.scores[score.name], second.scores[score.name]),
        (first.influence, second.influence),
        score,
        enough,
    )


def _difference(
    scores: tuple[float, float],
    influence: tuple[NDArray[np.float32], NDArray[np.float32]],
    score: Score,
    enough: int,
) -> Difference:
    digits = decimals(max(map(abs, scores)))  # a difference tells no more digits than the scores
    gap = scores[0] - scores[1]
    first, second = map(shown, scores)
    plain = Difference(first=first, second=second, difference=round(gap, digits))
    groups = len(influence[0])
    if groups != len(influence[1]):
        return plain
    se, ci = interval(gap, influence[0].astype(np.float64) - influence[1], enough)
    if se is None or ci is None:
        return plain
    better = gap if score.higher_is_better else -gap
    win = shown(float(tiers.probability(np.array(better), np.array(se), groups)))
    return replace(
        plain,
        ci_low=round(ci[0], digits),
        ci_high=round(ci[1], digits),
        p=shown(2 * min(win, 1 - win)),
        win=win,
    )


def _desk(competition: Competition, dataset: Dataset, version: Version) -> Desk | None:
    """Where predictions can be scored again; None where the data are not prepared here."""
    from podium.data.dataset import load

    if not is_ready(competition, dataset):
        return None
    desk = Desk.of(load(competition, dataset))
    return desk if desk.version == version else None


def _scored(desk: Desk | None, record: Record, *, revealed: bool) -> _Scored | None:
    """The record's predictions, scored again; None where they are not here."""
    if desk is None:
        return None
    try:
        predictions = desk.check(files.checked(record))
    except BoardError:
        return None
    return _Scored(
        predictions=predictions,
        card=desk.score(predictions)["all" if revealed else "public"],
        groups=desk.estimates_by_group(predictions, private=revealed),
    )


def _against(
    competition: Competition,
    desk: Desk | None,
    records: Sequence[Record],
    scored: Sequence[_Scored | None],
    place: int,
    *,
    revealed: bool,
) -> Comparison:
    """The first submission against that of a place."""
    score = competition.primary
    first, second = scored[0], scored[place]
    pair = (records[0], records[place])
    parts = {
        part: found
        for part in (("public", "private") if revealed else ("public",))
        if (found := _of_part(pair, part, score)) is not None
    }
    if desk is None or first is None or second is None:
        lacking = [r.name for r, s in zip(pair, (first, second), strict=True) if s is None]
        return Comparison(
            submission=pair[1].submission,
            parts=parts,
            missing=f"The predictions of {' and '.join(lacking)} cannot be scored again here.",
        )
    enough = {stratum.name: stratum.enough for stratum in competition.strata}
    return Comparison(
        submission=pair[1].submission,
        parts=parts,
        strata={
            name: paired(estimate, second.card.strata[name], score, enough[name])
            for name, estimate in first.card.strata.items()
            if name in second.card.strata
        },
        groups={
            kind: {
                name: paired(estimate, second.groups[kind][name], score)
                for name, estimate in by_name.items()
                if name in second.groups[kind]
            }
            for kind, by_name in first.groups.items()
        },
        disagreement=disagreement(desk.data, first.predictions, second.predictions),
    )


def _of_part(pair: tuple[Record, Record], part: str, score: Score) -> Difference | None:
    """From what the records hold; None where one came without the part's figures."""
    cards = [getattr(record, part) for record in pair]
    if not all(cards):
        return None
    values = [np.frombuffer(getattr(r, f"{part}_influence"), np.float32) for r in pair]
    enough = MIN_GROUPS if all(card["ci"] is None for card in cards) else 2  # as it was shown
    scores = [card["scores"][score.name] for card in cards]
    return _difference((scores[0], scores[1]), (values[0], values[1]), score, enough)


def _settings(records: Sequence[Record]) -> dict[str, list[Any]]:
    """Parameters, and what else of the provenance is not the same in all, side by side."""
    flat = [dict(_flat(record.provenance)) for record in records]
    keys = sorted({key for entry in flat for key in entry})
    found = {key: [entry.get(key) for entry in flat] for key in keys}
    shown: dict[str, list[Any]] = {
        "model": [record.model for record in records],
        "message": [record.message for record in records],
    }
    keep = {
        key: values
        for key, values in found.items()
        if values != [None] * len(values)
        and (key.startswith("params.") or values != values[:1] * len(values))
    }
    return {**{key: v for key, v in shown.items() if any(v)}, **keep}


def _flat(entries: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in entries.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{above}{key}.")
        else:
            found.append((f"{above}{key}", value))
    return found
