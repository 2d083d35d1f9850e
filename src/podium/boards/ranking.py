"""How records rank: the lines of a board, of one part.

A line is little, so that a board of very many submissions is ranked at once; the figures of a row
are read for those lines that somebody wants to see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from podium.boards.record import CEILING, CONTROL, SUBMISSION
from podium.competition import Competition, Score

OUTDATED, WITHDRAWN, UNVERIFIED = "outdated", "withdrawn", "unverified"
HOUSE = (CONTROL, CEILING)


class Entry(NamedTuple):
    """What ranks a record, and where the rest of it is found.

    Attributes:
        score: The primary score; None where the record came without the part's figures.
        claimed: Whether it is a claim: imported without its predictions.
        number: Of the record, or of the claim.
    """

    score: float | None
    submission: str
    edition: str
    team: str
    kind: str
    created: str
    claimed: bool
    number: int


_SCORE, _TEAM, _KIND = map(Entry._fields.index, ("score", "team", "kind"))


class Line(NamedTuple):
    """Where a record stands on a board of one part: `rank` and `status` are those of `Row`.

    The rest is its `Entry`; a large board makes one object of each.
    """

    rank: int | None
    status: str
    score: float | None
    submission: str
    edition: str
    team: str
    kind: str
    created: str
    claimed: bool
    number: int

    @property
    def is_house(self) -> bool:
        """Whether it is a control or the ceiling, which stand on every board."""
        return self.status in HOUSE


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """All lines of a board of one part, in its order.

    Lines are made when they are asked for: most of a very large board is never looked at.

    Attributes:
        placed: Records with a score, in order; controls stand among them.
        rest: Lines without a rank, which come after these.
        house: Lines of the controls, in order.
        zero: Score of the best control, which is 0 on the normalised scale.
        entries: Records of this edition by team; withdrawn ones do not count.
        looks: Public scores that each team has seen; withdrawn submissions count too.
    """

    placed: Sequence[Entry]
    rest: Sequence[Line]
    house: Sequence[Line]
    primary: Score
    zero: float | None
    entries: Mapping[str, int]
    looks: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.placed) + len(self.rest)

    def __iter__(self) -> Iterator[Line]:
        yield from _lines(self.placed)
        yield from self.rest

    @property
    def ranked(self) -> int:
        """How many rank."""
        return len(self.placed) - sum(line.score is not None for line in self.house)

    def of(self, team: str) -> list[Line]:
        """A team's lines, in order, without their ranks."""
        own = (entry for entry in self.placed if entry.team == team)
        unranked = [line for line in self.rest if line.team == team]
        return [Line(None, entry.kind, *entry) for entry in own] + unranked

    def row(self, line: Line, name: str, model: str | None, card: Mapping[str, Any]) -> Row:
        """A line with the figures of its card."""
        low, high = card.get("ci") or (None, None)
        primary = self.primary.name
        ranks = line.rank is not None or line.is_house
        counts = line.status not in (OUTDATED, WITHDRAWN)
        return Row(
            rank=line.rank,
            tier=None,
            team=line.team,
            name=name,
            model=model,
            score=line.score,
            ci_low=low,
            ci_high=high,
            normalised=self._normalised(line.score) if ranks else None,
            win_next=None,
            entries=self.entries.get(line.team, 0) if counts else 0,
            metrics=card.get("scores", {}),
            strata={
                name: found
                for name, stratum in card.get("strata", {}).items()
                if (found := stratum["scores"].get(primary)) is not None
            },
            submission=line.submission,
            created=line.created,
            status=line.status,
        )

    def _normalised(self, score: float | None) -> float | None:
        perfect = self.primary.perfect
        if score is None or self.zero is None or perfect is None or perfect == self.zero:
            return None
        return (score - self.zero) / (perfect - self.zero)


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
    found: Iterable[Entry], withdrawn: Collection[str], competition: Competition, edition: str
) -> Ranking:
    """Rank by full precision; equal scores share a rank and stand earliest first.

    Records without a score of this part come after the ranked ones, then those of other editions
    (data, split or metric have changed since), then withdrawn ones: unranked and marked.

    Args:
        found: In order of arrival.
        withdrawn: Submissions that are withdrawn.
        competition: Whose scores they are.
        edition: The present one.
    """
    everything = list(found)
    current = [entry for entry in everything if entry.edition == edition]
    old = [e for e in everything if e.edition != edition and e.kind == SUBMISSION]
    taken_back: list[Entry] = []
    if withdrawn:  # each pass over a large board counts
        taken_back = [entry for entry in everything if entry.submission in withdrawn]
        current = [entry for entry in current if entry.submission not in withdrawn]
        old = [entry for entry in old if entry.submission not in withdrawn]
    entries = Counter(map(itemgetter(_TEAM), current))
    seen = [e.team for e in taken_back if e.edition == edition and e.kind == SUBMISSION]
    lacking = [entry for entry in current if entry[_SCORE] is None]
    scored = [entry for entry in current if entry[_SCORE] is not None] if lacking else current
    primary = competition.primary
    # stable, so that equal scores stay in order of arrival
    scored.sort(key=itemgetter(_SCORE), reverse=primary.higher_is_better)
    rest = [
        *(Line(None, _status(entry), *entry) for entry in lacking),
        *(Line(None, OUTDATED, *entry) for entry in old),
        *(Line(None, WITHDRAWN, *entry) for entry in taken_back),
    ]
    ours = [Line(None, e.kind, *e) for e in (*scored, *lacking) if e[_KIND] != SUBMISSION]
    controls = [line.score for line in ours if line.kind == CONTROL and line.score is not None]
    best = max if primary.higher_is_better else min
    return Ranking(
        placed=scored,
        rest=rest,
        house=ours,
        primary=primary,
        zero=best(controls, default=None),
        entries=entries,
        looks=entries + Counter(seen) - Counter(line.team for line in ours),
    )


def best_per_team(lines: Iterable[Line]) -> Iterator[Line]:
    """Controls, and of each team its best line: ranked among each other."""
    teams: set[str] = set()
    last: Line | None = None
    for line in lines:
        if line.rank is None:
            if line.is_house:
                yield line
        elif line.team not in teams:
            teams.add(line.team)
            same = last is not None and last.score == line.score
            last = line._replace(rank=last.rank if last and same else len(teams))
            yield last


def _lines(placed: Iterable[Entry]) -> Iterator[Line]:
    place, last, count = 0, None, 0
    for entry in placed:
        if entry[_KIND] != SUBMISSION:
            yield Line(None, entry.kind, *entry)
            continue
        count += 1
        if entry[_SCORE] != last:
            place, last = count, entry[_SCORE]
        yield Line(place, UNVERIFIED if entry.claimed else SUBMISSION, *entry)


def _status(entry: Entry) -> str:
    return UNVERIFIED if entry.claimed and entry.kind == SUBMISSION else entry.kind
