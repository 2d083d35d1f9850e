"""Editions: which data, split and metric a score belongs to, and what of it the cache has.

Light on purpose: the board needs no more than this of the data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium import workspace
from podium.competition import Competition, Dataset
from podium.errors import DataError

PUBLIC, SOLUTION = "public", "solution"
MANIFEST = "manifest.json"
FORM = 3
"""Of prepared data: what was prepared in an older form is prepared again."""


@dataclass(frozen=True, kw_only=True)
class Edition:
    """What a score depends on besides the predictions, as sha256 each; boards never mix them."""

    data: str
    split: str
    metric: str

    @property
    def name(self) -> str:
        """One short name for all three."""
        return hashlib.sha256(f"{self.data}{self.split}{self.metric}".encode()).hexdigest()[:16]


def edition_of(competition: Competition, known: Mapping[str, Any]) -> Edition:
    """The edition of known `data` and `split`, with the metric as it is now."""
    metric = file_sha256(competition.folder / "metric.py")
    return Edition(data=known["data"], split=known["split"], metric=metric)


def find_edition(competition: Competition, dataset: Dataset) -> Edition | None:
    """The present edition, as frozen or else as prepared; None if it is neither."""
    frozen = checksums(competition).get(dataset.name)
    known = frozen or read_manifest(cache_folder(competition, dataset))
    return edition_of(competition, known) if known else None


def checksums(competition: Competition) -> dict[str, dict[str, str]]:
    """The committed sha256 of each dataset's `data` and `split`.

    Raises:
        DataError: If the file is not of that form.
    """
    file = competition.folder / "checksums.json"
    if not file.is_file():
        return {}
    try:
        known: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
        whole = all({"data", "split"} <= set(entry) for entry in known.values())
    except (ValueError, AttributeError, TypeError):
        whole = False
    if not whole:
        raise DataError(
            f"competitions/{competition.name}/checksums.json is no JSON of the form "
            '{"demo": {"data": "<sha256>", "split": "<sha256>"}}.',
            hint=f"Mend or remove {file}; `podium.data.freeze` writes it.",
        )
    return known


def differences(
    competition: Competition, dataset: Dataset, manifest: Mapping[str, Any]
) -> list[str]:
    """Where prepared data differ from the committed checksums, one line each."""
    known = checksums(competition).get(dataset.name, {})
    return [
        f"{what}: sha256 {manifest[what][:12]}..., checksums.json has {known[what][:12]}..."
        for what in ("data", "split")
        if what in known and known[what] != manifest[what]
    ]


def is_ready(competition: Competition, dataset: Dataset) -> bool:
    """Whether the cache has the present edition; its files are checked when they are read."""
    manifest = read_manifest(cache_folder(competition, dataset))
    return manifest is not None and not differences(competition, dataset, manifest)


def cache_folder(competition: Competition, dataset: Dataset) -> Path:
    """Where a dataset's prepared data lie: `public/`, `solution/` and the manifest."""
    return workspace.cache() / competition.name / dataset.name


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What was written when the data were prepared; None where nothing whole is."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        manifest: dict[str, Any] = json.loads(text)
        whole = {"data", "split", "files"} <= set(manifest) and manifest.get("form") == FORM
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None
    return manifest if whole else None


def get_command(competition: Competition, dataset: Dataset) -> str:
    """The command that makes a dataset ready."""
    return f"podium data {competition.name} --dataset {dataset.name}"


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
