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

from podium import documents
from podium.errors import BoardError
from podium.execution.curves import without_curve
from podium.figures import decimals, shown
from podium.leaderboard import naming
from podium.leaderboard.contest import Contest
from podium.leaderboard.submit import Scorer
from podium.metrics.stats import MIN_GROUPS, Estimate, interval
from podium.results import Result
from podium.scoring import tiers
from podium.scoring.disagreement import Disagreement, disagreement

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.contract import Score
    from podium.competition.metric import Table
    from podium.leaderboard.ranking import Row
    from podium.leaderboard.record import Record


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


@dataclass(frozen=True, kw_only=True, repr=False)
class Compared(Result):
    """What was compared.

    Attributes:
        rows: The submissions as they stand on the public board.
        settings: Parameters and provenance: for each entry its value in each submission.
        against: The first against each of the others.
    """

    rows: Sequence[Row]
    settings: Mapping[str, Sequence[Any]]
    against: Sequence[Comparison]

    def to_frame(self) -> pd.DataFrame:
        """A row for each of the others and each part or stratum that both have."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"against": against.submission, "rows": name, **vars(difference)}
                for against in self.against
                for name, difference in (*against.parts.items(), *against.strata.items())
            ]
        )

    def _line(self) -> str:
        first, *others = (row.name for row in self.rows)
        return f"{first} against {', '.join(others)}"


@dataclass(frozen=True, kw_only=True)
class _Scored:
    """A record, and where its predictions are at hand, what the shown rows of them score."""

    record: Record
    predictions: Table | None = None
    strata: Mapping[str, Estimate] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)


def compare(contest: Contest, names: Sequence[str]) -> Compared:
    """Compare the first named submission with each of the others.

    Args:
        contest: Where they are.
        names: IDs or how they begin, names, `team/name`, or teams for their best.

    Raises:
        BoardError: If a name fits none or several, or fewer than two submissions are named.
    """
    ranking, command = contest.ranking(), contest.command("compare", *names)
    lines = [naming.find(contest, name, ranking, command) for name in names]
    rows = contest.rows(ranking, lines)
    if len({row.submission for row in rows}) < max(2, len(rows)):
        raise BoardError(
            "Two submissions or more are compared, each named once.",
            problems=[f"{r.submission}: {r.team}/{r.name}" for r in rows],
        )
    records = [contest.record(row.submission) for row in rows]
    revealed = contest.revealed() is not None
    scorer = Scorer.find(contest)
    first, *others = [_scored(scorer, record, revealed=revealed) for record in records]
    return Compared(
        rows=rows,
        settings=_settings(records),
        against=[_against(contest, scorer, (first, other), revealed=revealed) for other in others],
    )


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


def _scored(scorer: Scorer | None, record: Record, *, revealed: bool) -> _Scored:
    """The record, and its predictions scored again where they are here."""
    if scorer is None:
        return _Scored(record=record)
    try:
        predictions = scorer.predictions(record)
    except BoardError:
        return _Scored(record=record)
    return _Scored(
        record=record,
        predictions=predictions,
        strata=scorer.score(predictions)["all" if revealed else "public"].strata,
        groups=scorer.solution.estimates_by_group(predictions, private=revealed),
    )


def _against(
    contest: Contest, scorer: Scorer | None, pair: tuple[_Scored, _Scored], *, revealed: bool
) -> Comparison:
    """The first submission against another one."""
    score, strata = contest.competition.primary, contest.competition.strata
    first, second = pair
    shown_parts = ("public", "private") if revealed else ("public",)
    parts = {part: _of_part(pair, part, score) for part in shown_parts}
    comparison = Comparison(
        submission=second.record.submission,
        parts={part: difference for part, difference in parts.items() if difference},
    )
    if scorer is None or first.predictions is None or second.predictions is None:
        lacking = " and ".join(one.record.name for one in pair if one.predictions is None)
        missing = f"The predictions of {lacking} cannot be scored again here."
        return replace(comparison, missing=missing)
    by_kind = {
        kind: _paired(by_name, second.groups[kind], score, {})
        for kind, by_name in first.groups.items()
    }
    return replace(
        comparison,
        strata=_paired(first.strata, second.strata, score, {s.name: s.enough for s in strata}),
        # of one line alone there is no correlation within a drug: such a kind says nothing
        groups={
            kind: by_name
            for kind, by_name in by_kind.items()
            if any(gap.first != gap.second for gap in by_name.values())
        },
        disagreement=disagreement(scorer.data, first.predictions, second.predictions),
    )


def _paired(
    first: Mapping[str, Estimate],
    second: Mapping[str, Estimate],
    score: Score,
    enough: Mapping[str, int],
) -> dict[str, Difference]:
    """The differences of what both have, by name."""
    return {
        name: paired(one, second[name], score, enough.get(name, MIN_GROUPS))
        for name, one in first.items()
        if name in second
    }


def _of_part(pair: tuple[_Scored, _Scored], part: str, score: Score) -> Difference | None:
    """From what the records hold; None where one came without the part's figures."""
    records = [one.record for one in pair]
    cards = [getattr(record, part) for record in records]
    if not all(cards):
        return None
    values = [np.frombuffer(getattr(r, f"{part}_influence"), np.float32) for r in records]
    enough = MIN_GROUPS if all(card["ci"] is None for card in cards) else 2  # as it was shown
    scores = [card["scores"][score.name] for card in cards]
    return _difference((scores[0], scores[1]), (values[0], values[1]), score, enough)


def _settings(records: Sequence[Record]) -> dict[str, list[Any]]:
    """Parameters, and what else of the provenance is not the same in all, side by side."""
    flat = [documents.flat(without_curve(record.provenance)) for record in records]
    settings: dict[str, list[Any]] = {}
    for name in ("model", "message"):
        if any(values := [getattr(record, name) for record in records]):
            settings[name] = values
    for key in sorted({key for entry in flat for key in entry}):
        values = [entry.get(key) for entry in flat]
        none, same = values == [None] * len(values), values == values[:1] * len(values)
        if not none and (key.startswith("params.") or not same):
            settings[key] = values
    return settings
