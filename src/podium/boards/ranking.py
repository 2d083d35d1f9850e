"""How records rank: the lines of a board, of one part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podium.boards.record import CONTROL, SUBMISSION
from podium.competition import Competition, Score

OUTDATED, WITHDRAWN, UNVERIFIED = "outdated", "withdrawn", "unverified"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the board, of one part. Field names are the JSON of `podium board`.

    Attributes:
        score: The primary score; None where the record came without the part's figures.
        status: `scored`, `control`, `ceiling`; `unverified` where the record was imported without
            its predictions (it ranks all the same); `outdated` for another edition's, and
            `withdrawn`: these do not rank.
    """

    rank: int | None
    tier: int | None
    team: str
    name: str
    model: str | None
    score: float | None
    ci_low: float | None
    ci_high: float | None
    normalised: float | None
    win_next: float | None
    entries: int
    metrics: Mapping[str, float]
    strata: Mapping[str, float]
    submission: str
    created: str
    status: str


def rank(
    found: Sequence[Any], withdrawn: Collection[str], competition: Competition, edition: str
) -> list[Row]:
    """Rank by full precision; equal scores share a rank and stand earliest first.

    Records without a score of this part come after the ranked ones, then those of other editions
    (data, split or metric have changed since), then withdrawn ones: unranked and marked.

    Args:
        found: For each record its `submission`, `edition`, `team`, `name`, `model`, `kind`,
            `created`, `card` (of the part) and `verified`.
        withdrawn: Submissions that are withdrawn.
        competition: Whose scores they are.
        edition: The present one.
    """
    primary = competition.primary
    sign = -1 if primary.higher_is_better else 1
    taken_back = [record for record in found if record.submission in withdrawn]
    valid = [record for record in found if record.submission not in withdrawn]
    old = [r for r in valid if r.edition != edition and r.kind == SUBMISSION]
    current = [record for record in valid if record.edition == edition]
    entries = Counter(record.team for record in current)
    scores = [(_score(record, primary), record) for record in current]
    lacking = [record for score, record in scores if score is None]
    scored = [(score, record) for score, record in scores if score is not None]
    scored.sort(key=lambda pair: sign * pair[0])  # stable: in order of arrival
    zero = _best([score for score, record in scored if record.kind == CONTROL], sign)
    rows, place, last, count = [], 0, None, 0
    for score, record in scored:
        here = None
        if record.kind == SUBMISSION:
            count += 1
            if score != last:
                place, last = count, score
            here = place
        rows.append(_row(record, primary, entries, here, _normalised(score, zero, primary)))
    rows += [_row(record, primary, entries) for record in lacking]
    rows += [_row(record, primary, {}, status=OUTDATED) for record in old]
    return rows + [_row(record, primary, {}, status=WITHDRAWN) for record in taken_back]


def _score(record: Any, primary: Score) -> float | None:
    score = record.card.get("scores", {}).get(primary.name)
    return None if score is None else float(score)


def _best(scores: list[float], sign: int) -> float | None:
    return sign * min(sign * score for score in scores) if scores else None


def _normalised(score: float, zero: float | None, primary: Score) -> float | None:
    if zero is None or primary.perfect is None or primary.perfect == zero:
        return None
    return (score - zero) / (primary.perfect - zero)


def _row(
    record: Any,
    primary: Score,
    entries: Mapping[str, int],
    rank: int | None = None,
    normalised: float | None = None,
    status: str | None = None,
) -> Row:
    card = record.card
    low, high = card.get("ci") or (None, None)
    unverified = UNVERIFIED if record.kind == SUBMISSION and not record.verified else None
    return Row(
        rank=rank,
        tier=None,
        team=record.team,
        name=record.name,
        model=record.model,
        score=_score(record, primary),
        ci_low=low,
        ci_high=high,
        normalised=normalised,
        win_next=None,
        entries=entries.get(record.team, 0),
        metrics=card.get("scores", {}),
        strata={
            name: found
            for name, stratum in card.get("strata", {}).items()
            if (found := stratum["scores"].get(primary.name)) is not None
        },
        submission=record.submission,
        created=record.created,
        status=status or unverified or record.kind,
    )
