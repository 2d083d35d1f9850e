"""Out-of-fold predictions that `podium cv` and `tune` made, kept in the workspace for blends.

A file is named after all that its content follows from: model file, parameters, seed and version
of the dataset.
It may be removed at any time: it is made again when it is asked for.

Beside them a log has a line of JSON for each cross-validation: see `noted`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import scratch, workspace
from podium.competition.version import former_names
from podium.data import reader
from podium.errors import SubmissionError
from podium.scoring import submission

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.metric import Table
    from podium.data.dataset import Data

FOLDER = "out-of-fold"
LOG = "log.jsonl"


def place(data: Data, *, model_sha256: str, params: Mapping[str, Any], seed: int) -> Path:
    """Where the out-of-fold predictions of a model with these parameters and seed lie.

    Those that were made when the same version had another name stay good.
    """
    facts = {"model_sha256": model_sha256, "params": dict(params), "seed": seed}
    names = [data.version.name, *sorted(former_names(data.competition, data.version))]
    files = [folder(data) / f"{_hash({**facts, 'edition': name})}.parquet" for name in names]
    return next((file for file in files if file.is_file()), files[0])


def folder(data: Data) -> Path:
    """Where all of a dataset lies."""
    return workspace.root() / FOLDER / data.competition.id / data.dataset.name


def note(data: Data, facts: Mapping[str, Any]) -> None:
    """Add a cross-validation to the dataset's log; where the disk refuses, it goes unnoted."""
    line = json.dumps(facts, allow_nan=False) + "\n"
    with suppress(OSError):
        folder(data).mkdir(parents=True, exist_ok=True)
        with (folder(data) / LOG).open("a", encoding="utf-8") as log:  # whole, beside others
            log.write(line)


def noted(data: Data) -> list[dict[str, Any]]:
    """The cross-validations in the dataset's log, oldest first; damaged lines are left out."""
    lines: list[dict[str, Any]] = []
    with suppress(OSError):
        for line in (folder(data) / LOG).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                lines.append(json.loads(line))
    return [line for line in lines if isinstance(line, dict)]


def _hash(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def keep(file: Path, predictions: pd.DataFrame) -> None:
    """Keep predictions of the train part; where the disk refuses, there are none."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with scratch.replacing(file) as made:
            submission.write(predictions, made)


def copy(file: Path, source: Path) -> None:
    """Keep a copy of predictions that a search has kept; where there are none, nothing."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with scratch.replacing(file) as made:
            shutil.copyfile(source, made)


def read(data: Data, file: Path) -> Table | None:
    """Kept predictions in the order of the train part; None if there are none or broken ones."""
    ids = data.ids("train")
    with suppress(SubmissionError):
        table = reader.read(file, data.expected(len(ids)))
        known = data.labels
        return submission.align(table, data.competition, ids, None, data.genes, known=known)
    return None
