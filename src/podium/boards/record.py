"""Records: what a board keeps of each submission. They are never changed once they are written.

A withdrawal and a reveal are records of their own.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CONTROL, CEILING, SUBMISSION = "control", "ceiling", "scored"
PARTS = ("public", "private", "all")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One scored submission, and all that a stranger needs to reproduce it.

    Attributes:
        submission: Short name that follows from team and content: see `submission_id`.
        edition: Hash of dataset content, split and metric; other editions never mix.
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
    edition: str
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
    def key(self) -> tuple[str, str]:
        """What no second record of a board has."""
        return self.submission, self.edition


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """Says that a submission, in whatever edition, is out of the ranking for good."""

    submission: str
    competition: str
    dataset: str
    team: str
    who: str
    created: str


@dataclass(frozen=True, kw_only=True)
class Reveal:
    """Says that the private scores of a competition's dataset are open for good."""

    competition: str
    dataset: str
    who: str
    created: str


def submission_id(competition: str, dataset: str, team: str, sha256: str) -> str:
    """A submission's short name: the same for the same bytes of the same team."""
    names = (competition, dataset, team, sha256)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]


def now() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
