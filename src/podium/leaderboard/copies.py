"""Predictions that equal, or nearly equal, earlier ones of another team: for an organiser to judge.

Equal files are told by their sha256, which every record has; each other file is read once. Two
teams may honestly have the same: both trained a shipped model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from podium.competition.version import get_command
from podium.errors import PodiumError, one_line
from podium.figures import shown
from podium.leaderboard.record import CLAIM, OWN, SUBMISSION
from podium.leaderboard.submit import Scorer
from podium.results import Result
from podium.scoring.likeness import Likeness

if TYPE_CHECKING:
    import pandas as pd

    from podium.leaderboard.contest import Contest
    from podium.leaderboard.record import Record
    from podium.scoring.likeness import Alike, Sketch

FILE, VALUES, NEARLY = "same file", "same values", "nearly"
_TRAINED = ("model_sha256", "params", "seed")


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A submission that equals, or nearly equals, an earlier one of another team.

    Attributes:
        submission, team, name, model, created: The later one.
        first, first_team, first_name, first_model, first_created: The one that was there before.
        how: `same file`, `same values` (in another file), or `nearly`.
        agreement: Of numbers Pearson's correlation or that of their ranks, whichever is higher; of
            labels the share that is equal once clusters are named alike.
        same: Share of values that are equal, of numbers without what is commonest in both.
        trained_alike: Whether their records name one model file with the same parameters and seed,
            which explains it.
    """

    submission: str
    team: str
    name: str
    model: str | None
    created: str
    first: str
    first_team: str
    first_name: str
    first_model: str | None
    first_created: str
    how: str
    agreement: float
    same: float
    trained_alike: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class Copies(Result):
    """What was compared.

    Attributes:
        rows: In the order in which they came.
        compared: Submissions of the present version, withdrawn ones too.
        missing: Submissions that were compared by their sha256 alone, and why.
    """

    rows: Sequence[Copy]
    compared: int
    missing: Mapping[str, str]

    def to_frame(self) -> pd.DataFrame:
        """A row for each copy."""
        import pandas as pd

        names = [field.name for field in fields(Copy)]
        return pd.DataFrame([vars(row) for row in self.rows], columns=names)

    def _line(self) -> str:
        return f"{len(self.rows)} of {self.compared} submissions equal another team's"


def copies(contest: Contest) -> Copies:
    """Submissions whose predictions equal, or nearly equal, earlier ones of another team.

    Each is shown beside the earliest of those that it equals, or else of those that it nearly
    equals. Where the earliest of all these is of the same team, it is no copy.
    """
    every = contest.records([OWN, CLAIM])
    records = [r for r in every if r.kind == SUBMISSION and r.version == contest.version.name]
    records.sort(key=lambda record: record.created)  # stable: within a second by arrival
    compared = _compared(contest, records)
    rows = []
    for place, record in enumerate(records):
        before = records[:place]
        equal = next((one for one in before if compared.equal(record, one)), None)
        near = next((one for one in before if compared.near(record, one)), None)
        origin = near or equal
        if origin and origin.team != record.team:
            source = equal if equal and equal.team != record.team else origin
            rows.append(_copy(record, source, compared))
    return Copies(
        rows=rows,
        compared=len(records),
        missing={
            record.submission: compared.missing[record.sha256]
            for record in records
            if record.sha256 in compared.missing
        },
    )


@dataclass(frozen=True, kw_only=True)
class _Compared:
    """What is known of files, by their sha256.

    Attributes:
        place: Of what is in it, in `alike`: equal predictions have the same.
        missing: Why it could not be read.
    """

    place: Mapping[str, int]
    alike: Alike | None
    missing: Mapping[str, str]

    def equal(self, first: Record, second: Record) -> bool:
        """Whether both have the same predictions."""
        same = first.sha256 == second.sha256
        return same or self.places(first) == self.places(second) != -1

    def near(self, first: Record, second: Record) -> bool:
        """Whether they are equal or nearly so."""
        one, other = self.places(first), self.places(second)
        return self.alike is not None and min(one, other) >= 0 and bool(self.alike.near[one, other])

    def places(self, record: Record) -> int:
        """-1 for what could not be read."""
        return self.place.get(record.sha256, -1)


def _compared(contest: Contest, records: Sequence[Record]) -> _Compared:
    """All that can be read, each file once."""
    scorer = Scorer.find(contest)
    if scorer is None:
        why = f"the data are not here: {get_command(contest.competition, contest.dataset)}"
        return _Compared(place={}, alike=None, missing={one.sha256: why for one in records})
    names = "\n".join(sorted({record.sha256 for record in records}))
    seed = int.from_bytes(hashlib.sha256(names.encode()).digest()[:8], "big")
    likeness = Likeness(scorer.data, seed)
    sketches: dict[str, Sketch] = {}
    digest: dict[str, str] = {}
    missing: dict[str, str] = {}
    for record in records:
        if record.sha256 not in digest:
            try:
                sketch = likeness.sketch(scorer.predictions(record))
            except PodiumError as error:
                missing[record.sha256] = one_line(error)
            else:
                digest[record.sha256] = sketch.digest
                sketches.setdefault(sketch.digest, sketch)
    place = {one: number for number, one in enumerate(sketches)}
    return _Compared(
        place={sha256: place[one] for sha256, one in digest.items()},
        alike=likeness.compare(list(sketches.values())) if sketches else None,
        missing={sha256: why for sha256, why in missing.items() if sha256 not in digest},
    )


def _copy(record: Record, first: Record, compared: _Compared) -> Copy:
    agreement = same = 1.0
    how = FILE if record.sha256 == first.sha256 else VALUES
    if not compared.equal(record, first) and compared.alike is not None:
        pair = compared.places(record), compared.places(first)
        agreement, same = float(compared.alike.agreement[pair]), float(compared.alike.same[pair])
        how = NEARLY
    trained = [[one.provenance.get(name) for name in _TRAINED] for one in (record, first)]
    return Copy(
        submission=record.submission,
        team=record.team,
        name=record.name,
        model=record.model,
        created=record.created,
        first=first.submission,
        first_team=first.team,
        first_name=first.name,
        first_model=first.model,
        first_created=first.created,
        how=how,
        agreement=shown(agreement),
        same=shown(same),
        trained_alike=trained[0] == trained[1] and trained[0][0] is not None,
    )
