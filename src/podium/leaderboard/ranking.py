"""How records rank: the lines of a board, of one part.

A line is little, so that a board of very many submissions is ranked at once; the figures of a row
are read for those lines that somebody wants to see. So a record has three forms: stored (`Record`),
ranked (`Line`) and shown (`Row`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from podium.competition.contract import Competition, Score
from podium.figures import shown
from podium.leaderboard.record import CEILING, CLAIM, CONTROL, REFERENCE, SUBMISSION

OUTDATED, WITHDRAWN, UNVERIFIED, LATE = "outdated", "withdrawn", "unverified", "late"
HOUSE = (CONTROL, CEILING)
_KNOWN = 8
"""Fields of a line before it is ranked."""


class Line(NamedTuple):
    """What ranks a record, and where it stands on a board of one part.

    Attributes:
        score: The primary score; None where the record came without the part's figures.
        origin: `own`, `claim` or `reference`: see `podium.leaderboard.record`.
        number: Of the record.
        status, rank, reference_rank: As those of `Row`; not known before it is ranked.
    """

    score: float | None
    submission: str
    version: str
    team: str
    kind: str
    created: str
    origin: str
    number: int
    status: str = ""
    rank: int | None = None
    reference_rank: int | None = None


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """All lines of a board of one part, in its order.

    Lines get their ranks when they are asked for: most of a very large board is never looked at.

    Attributes:
        part: `public`, `private` or `all`.
        placed: Lines with a score, in order; controls and references stand among them.
        rest: Lines that stand apart, after these: unverified, late, outdated, withdrawn.
        house: Lines of the controls, in order.
        zero: Score of the best control, which is 0 on the normalised scale.
        ranked: How many rank.
        entries: Records of this version by team; withdrawn ones do not count.
        looks: Public scores that each team has seen; withdrawn submissions count too.
    """

    part: str
    placed: Sequence[Line]
    rest: Sequence[Line]
    house: Sequence[Line]
    primary: Score
    zero: float | None
    ranked: int
    entries: Mapping[str, int]
    looks: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.placed) + len(self.rest)

    def __iter__(self) -> Iterator[Line]:
        """Lines with their ranks: submissions among each other, references among each other."""
        count, place, last = 0, 0, None
        other_count, other_place, other_last = 0, 0, None
        for line in self.placed:
            known = line[:_KNOWN]  # `_replace` would take three times as long
            if line.kind != SUBMISSION:
                yield Line._make((*known, line.kind, None, None))
            elif line.origin == REFERENCE:
                other_count += 1
                if line.score != other_last:
                    other_place, other_last = other_count, line.score
                yield Line._make((*known, REFERENCE, None, other_place))
            else:
                count += 1
                if line.score != last:
                    place, last = count, line.score
                yield Line._make((*known, SUBMISSION, place, None))
        yield from self.rest

    def of(self, team: str) -> list[Line]:
        """A team's lines, in order, without their ranks."""
        own = [line._replace(status=line.kind) for line in self.placed if line.team == team]
        return own + [line for line in self.rest if line.team == team]

    def row(self, line: Line, name: str, model: str | None, card: Mapping[str, Any]) -> Row:
        """A line with the figures of its card, as they may be shown."""
        low, high = shown(card.get("ci") or (None, None))
        primary, score = self.primary.name, shown(line.score)
        counts = line.status not in (OUTDATED, WITHDRAWN)
        return Row(
            rank=line.rank,
            reference_rank=line.reference_rank,
            tier=None,
            team=line.team,
            name=name,
            model=model,
            score=score,
            ci_low=low,
            ci_high=high,
            normalised=self._normalised(score) if counts else None,
            win_next=None,
            entries=self.entries.get(line.team, 0) if counts else 0,
            metrics=shown(card.get("scores", {})),
            strata={
                name: shown(stratum["scores"][primary])
                for name, stratum in card.get("strata", {}).items()
                if stratum["scores"].get(primary) is not None
            },
            submission=line.submission,
            created=line.created,
            status=line.status,
        )

    def _normalised(self, score: float | None) -> float | None:
        """Of scores as they are shown: a small scale would tell more digits of them."""
        perfect, zero = self.primary.perfect, shown(self.zero)
        if score is None or zero is None or perfect is None or perfect == zero:
            return None
        return shown((score - zero) / (perfect - zero))


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the board, of one part, rounded. Field names are the JSON of `podium board`.

    Attributes:
        rank: Of a submission that was scored here; no other has one.
        reference_rank: Of a line that Podium ships: its rank among these.
        score: The primary score; None where the record came without the part's figures.
        status: `scored`; `control` and `ceiling`; `reference` for a line that Podium ships, which
            stands where it would rank. Apart from the ranks stand `unverified` (imported without
            its predictions), `late` (handed in when the answers were revealed), `outdated`
            (of another version) and `withdrawn`.
    """

    rank: int | None
    reference_rank: int | None
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
    part: str,
    lines: Sequence[Line],
    withdrawn: Collection[str],
    competition: Competition,
    version: str,
    revealed: str | None = None,
) -> Ranking:
    """Rank by full precision; equal scores share a rank and stand earliest first.

    After the ranked ones come those whose scores nobody here could compute, those handed in late,
    those without a score of this part, those of other versions and those that were withdrawn.

    Args:
        part: Which the scores are of.
        lines: In order of arrival.
        withdrawn: Submissions that are withdrawn.
        competition: Whose scores they are.
        version: The present one.
        revealed: When its answers were revealed; None if they are sealed.
    """
    stay = [ln for ln in lines if ln.submission not in withdrawn] if withdrawn else lines
    taken_back = [ln for ln in lines if ln.submission in withdrawn] if withdrawn else []
    current = [line for line in stay if line.version == version]
    old = [ln for ln in stay if ln.version != version and ln.kind == SUBMISSION]
    primary = competition.primary
    # stable, so that equal scores stay in order of arrival
    scored = sorted(
        (line for line in current if line.score is not None),
        key=attrgetter("score"),
        reverse=primary.higher_is_better,
    )
    placed, claims, late = list[Line](), list[Line](), list[Line]()
    for line in scored:
        if line.kind != SUBMISSION or line.origin == REFERENCE:
            placed.append(line)
        elif line.origin == CLAIM:
            claims.append(line._replace(status=UNVERIFIED))
        elif revealed is not None and line.created > revealed:
            late.append(line._replace(status=LATE))
        else:
            placed.append(line)
    lacking = [_without_score(line) for line in current if line.score is None]
    house = [line._replace(status=line.kind) for line in placed if line.kind != SUBMISSION]
    house += [line for line in lacking if line.kind != SUBMISSION]
    controls = [ln.score for ln in house if ln.kind == CONTROL and ln.score is not None]
    best = max if primary.higher_is_better else min
    entries = Counter(line.team for line in current)
    gone = Counter(
        line.team for line in taken_back if line.version == version and line.kind == SUBMISSION
    )
    return Ranking(
        part=part,
        placed=placed,
        rest=[
            *claims,
            *late,
            *lacking,
            *(line._replace(status=OUTDATED) for line in old),
            *(line._replace(status=WITHDRAWN) for line in taken_back),
        ],
        house=house,
        primary=primary,
        zero=best(controls, default=None),
        ranked=sum(ln.kind == SUBMISSION and ln.origin != REFERENCE for ln in placed),
        entries=entries,
        looks=entries + gone - Counter(line.team for line in house),
    )


def _without_score(line: Line) -> Line:
    """A line without a score of this part."""
    origins = {CLAIM: UNVERIFIED, REFERENCE: REFERENCE}
    status = line.kind if line.kind != SUBMISSION else origins.get(line.origin, SUBMISSION)
    return line._replace(status=status)


def best_per_team(lines: Iterable[Line]) -> Iterator[Line]:
    """Controls and references, and of each team its best line: ranked among each other."""
    teams: set[str] = set()
    last: Line | None = None
    for line in lines:
        if line.rank is None:
            if line.status in (*HOUSE, REFERENCE):
                yield line
        elif line.team not in teams:
            teams.add(line.team)
            same = last is not None and last.score == line.score
            last = line._replace(rank=last.rank if last and same else len(teams))
            yield last


def moved(row: Row, before: Mapping[str, int]) -> str:
    """The public rank, and by how many places a row has risen or fallen since."""
    if row.rank is None or row.submission not in before:
        return "-"
    return f"{before[row.submission]} ({before[row.submission] - row.rank:+d})"
