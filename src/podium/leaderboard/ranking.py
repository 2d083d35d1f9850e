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

from podium.competition.contract import Competition, Score
from podium.leaderboard.record import CEILING, CLAIM, CONTROL, REFERENCE, SUBMISSION
from podium.rounding import shown

OUTDATED, WITHDRAWN, UNVERIFIED, LATE = "outdated", "withdrawn", "unverified", "late"
HOUSE = (CONTROL, CEILING)


class Entry(NamedTuple):
    """What ranks a record, and where the rest of it is found.

    Attributes:
        score: The primary score; None where the record came without the part's figures.
        origin: `own`, `claim` or `reference`: see `podium.leaderboard.record`.
        number: Of the record.
    """

    score: float | None
    submission: str
    version: str
    team: str
    kind: str
    created: str
    origin: str
    number: int


_SCORE, _TEAM, _KIND, _ORIGIN = map(Entry._fields.index, ("score", "team", "kind", "origin"))


class Line(NamedTuple):
    """Where a record stands on a board of one part: the first three fields are those of `Row`.

    The rest is its `Entry`; a large board makes one object of each.
    """

    rank: int | None
    reference_rank: int | None
    status: str
    score: float | None
    submission: str
    version: str
    team: str
    kind: str
    created: str
    origin: str
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
        placed: Records with a score, in order; controls and references stand among them.
        rest: Lines that stand apart, after these: unverified, late, outdated, withdrawn.
        house: Lines of the controls, in order.
        zero: Score of the best control, which is 0 on the normalised scale.
        ranked: How many rank.
        entries: Records of this version by team; withdrawn ones do not count.
        looks: Public scores that each team has seen; withdrawn submissions count too.
    """

    placed: Sequence[Entry]
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
        yield from _lines(self.placed)
        yield from self.rest

    def of(self, team: str) -> list[Line]:
        """A team's lines, in order, without their ranks."""
        own = (entry for entry in self.placed if entry.team == team)
        unranked = [line for line in self.rest if line.team == team]
        return [Line(None, None, entry.kind, *entry) for entry in own] + unranked

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
                name: shown(found)
                for name, stratum in card.get("strata", {}).items()
                if (found := stratum["scores"].get(primary)) is not None
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
    entries: Iterable[Entry],
    withdrawn: Collection[str],
    competition: Competition,
    version: str,
    revealed: str | None = None,
) -> Ranking:
    """Rank by full precision; equal scores share a rank and stand earliest first.

    After the ranked ones come those whose scores nobody here could compute, those handed in late,
    those without a score of this part, those of other versions and those that were withdrawn.

    Args:
        entries: In order of arrival.
        withdrawn: Submissions that are withdrawn.
        competition: Whose scores they are.
        version: The present one.
        revealed: When its answers were revealed; None if they are sealed.
    """
    everything = list(entries)
    current = [entry for entry in everything if entry.version == version]
    old = [e for e in everything if e.version != version and e.kind == SUBMISSION]
    taken_back: list[Entry] = []
    if withdrawn:  # each pass over a large board counts
        taken_back = [entry for entry in everything if entry.submission in withdrawn]
        current = [entry for entry in current if entry.submission not in withdrawn]
        old = [entry for entry in old if entry.submission not in withdrawn]
    by_team = Counter(map(itemgetter(_TEAM), current))
    seen = [e.team for e in taken_back if e.version == version and e.kind == SUBMISSION]
    lacking = [entry for entry in current if entry[_SCORE] is None]
    scored = [entry for entry in current if entry[_SCORE] is not None] if lacking else current
    primary = competition.primary
    # stable, so that equal scores stay in order of arrival
    scored.sort(key=itemgetter(_SCORE), reverse=primary.higher_is_better)
    claims = [e for e in scored if e[_ORIGIN] == CLAIM and e[_KIND] == SUBMISSION]
    late = [] if revealed is None else [e for e in scored if _is_late(e, revealed)]
    apart = {entry.number for entry in (*claims, *late)}
    placed = [entry for entry in scored if entry.number not in apart] if apart else scored
    rest = [
        *(Line(None, None, UNVERIFIED, *entry) for entry in claims),
        *(Line(None, None, LATE, *entry) for entry in late),
        *(Line(None, None, _status(entry), *entry) for entry in lacking),
        *(Line(None, None, OUTDATED, *entry) for entry in old),
        *(Line(None, None, WITHDRAWN, *entry) for entry in taken_back),
    ]
    ours = [Line(None, None, e.kind, *e) for e in (*placed, *lacking) if e[_KIND] != SUBMISSION]
    controls = [line.score for line in ours if line.kind == CONTROL and line.score is not None]
    best = max if primary.higher_is_better else min
    return Ranking(
        placed=placed,
        rest=rest,
        house=ours,
        primary=primary,
        zero=best(controls, default=None),
        ranked=sum(e[_KIND] == SUBMISSION and e[_ORIGIN] != REFERENCE for e in placed),
        entries=by_team,
        looks=by_team + Counter(seen) - Counter(line.team for line in ours),
    )


def best_per_team(lines: Iterable[Line]) -> Iterator[Line]:
    """Controls and references, and of each team its best line: ranked among each other."""
    teams: set[str] = set()
    last: Line | None = None
    for line in lines:
        if line.rank is None:
            if line.is_house or line.status == REFERENCE:
                yield line
        elif line.team not in teams:
            teams.add(line.team)
            same = last is not None and last.score == line.score
            last = line._replace(rank=last.rank if last and same else len(teams))
            yield last


def _lines(placed: Iterable[Entry]) -> Iterator[Line]:
    """Lines with their ranks: submissions among each other, and references among each other."""
    place, last, count = 0, None, 0
    other_place, other_last, other_count = 0, None, 0
    for entry in placed:
        if entry[_KIND] != SUBMISSION:
            yield Line(None, None, entry.kind, *entry)
        elif entry[_ORIGIN] == REFERENCE:
            other_count += 1
            if entry[_SCORE] != other_last:
                other_place, other_last = other_count, entry[_SCORE]
            yield Line(None, other_place, REFERENCE, *entry)
        else:
            count += 1
            if entry[_SCORE] != last:
                place, last = count, entry[_SCORE]
            yield Line(place, None, SUBMISSION, *entry)


def _is_late(entry: Entry, revealed: str) -> bool:
    """Whether a submission scored here came when the answers were known."""
    return (
        entry.kind == SUBMISSION
        and entry.origin not in (CLAIM, REFERENCE)
        and (entry.created > revealed)
    )


def _status(entry: Entry) -> str:
    """Of an entry without a score of this part."""
    if entry.kind != SUBMISSION:
        return entry.kind
    return {CLAIM: UNVERIFIED, REFERENCE: REFERENCE}.get(entry.origin, SUBMISSION)


def moved(row: Row, before: Mapping[str, int]) -> str:
    """The public rank, and by how many places a row has risen or fallen since."""
    if row.rank is None or row.submission not in before:
        return "-"
    return f"{before[row.submission]} ({before[row.submission] - row.rank:+d})"
