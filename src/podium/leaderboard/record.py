"""Records: what a board keeps of each submission. They are never changed once they are written.

A withdrawal and a reveal are records of their own. A team may change two things: its picks, of
which the latest count, and the remark on a submission.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from podium.errors import PodiumError
from podium.figures import shown

CONTROL, CEILING, SUBMISSION = "control", "ceiling", "scored"
OWN, CLAIM, REFERENCE = "own", "claim", "reference"
"""Where a record is from: scored here, imported without its predictions, shipped by Podium."""
MOST_PICKS = 2
"""Submissions that a team may name as its own choice, as on Kaggle."""
PARTS = ("public", "private", "all")
SUBMITTED = "submissions"
"""The folder of a workspace that has the predictions of records."""
_LABEL_LENGTH, _REMARK_LENGTH = 120, 1000


@dataclass(frozen=True, kw_only=True)
class Record:
    """One scored submission, and all that a stranger needs to reproduce it.

    Attributes:
        submission: Short name that follows from team and content: see `submission_id`.
        version: Short name of data, split and metric; other versions never mix.
        answers: The same of data and split alone: what a reveal opens.
        kind: `scored`, `control` or `ceiling`.
        file: Where the predictions are kept, relative to the workspace.
        provenance: Parameters, seed, code, versions, time and memory.
        public, private, all: The cards as JSON: `rows`, `groups`, `scores`, `ci`, `strata`.
            `private` and `all` are empty in a record that came from a board still sealed.
        public_influence, private_influence: float32 influence values of the primary score.
    """

    submission: str
    competition: str
    dataset: str
    version: str
    answers: str
    team: str
    name: str
    model: str | None
    message: str
    kind: str
    created: str
    file: str | None
    sha256: str
    provenance: Mapping[str, Any]
    public: Mapping[str, Any]
    private: Mapping[str, Any]
    all: Mapping[str, Any]
    public_influence: bytes
    private_influence: bytes

    @property
    def named(self) -> str:
        """As messages name it."""
        return f"{self.submission} ({self.name[:40]}, team {self.team[:40]})"

    @property
    def key(self) -> tuple[str, str]:
        """What no second record of a board has."""
        return self.submission, self.version


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """Says that a submission, in whatever version, is out of the ranking for good."""

    submission: str
    competition: str
    dataset: str
    team: str
    who: str
    created: str


@dataclass(frozen=True, kw_only=True)
class Reveal:
    """Says that the private scores of a dataset are open for good.

    Attributes:
        answers: Data and split that it opens: those of another version stay sealed.
    """

    competition: str
    dataset: str
    answers: str
    who: str
    created: str


@dataclass(frozen=True, kw_only=True)
class Pick:
    """Names the submissions that a team wants to be ranked by on the private part.

    Attributes:
        submissions: At most two; none takes an earlier pick back.
    """

    competition: str
    dataset: str
    answers: str
    team: str
    submissions: Sequence[str]
    who: str
    created: str


def sealed(record: Record) -> Record:
    """A record as others may have it before the reveal: rounded, and nothing of single groups.

    Influence values would tell who is in the public half, and of each of its groups the mean of the
    answers.
    """
    public = shown(record.public)
    nothing: dict[str, Any] = {"private": {}, "all": {}, "private_influence": b""}
    return replace(record, public=public, public_influence=b"", **nothing)


def submission_id(competition: str, dataset: str, team: str, sha256: str) -> str:
    """A submission's short name: the same for the same bytes of the same team."""
    names = (competition, dataset, team, sha256)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]


def now() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


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
    """A remark on a submission, checked.

    Raises:
        PodiumError: If it is long or could steer a terminal.
    """
    if len(message) > _REMARK_LENGTH or not message.replace("\n", " ").isprintable():
        raise PodiumError(
            f"The message {message[:60]!r} cannot be used.",
            problems=[f"at most {_REMARK_LENGTH:,} printable characters"],
            hint="Write another: --message TEXT",
        )
    return message
