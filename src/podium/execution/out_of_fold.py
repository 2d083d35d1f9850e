"""Out-of-fold predictions that `podium cv` and `tune` made, kept in the workspace for blends.

A file is named after all that its content follows from: model file, parameters, seed and version
of the dataset.
It may be removed at any time: it is made again when it is asked for.
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


def place(data: Data, *, model_sha256: str, params: Mapping[str, Any], seed: int) -> Path:
    """Where the out-of-fold predictions of a model with these parameters and seed lie.

    Those that were made when the same version had another name stay good.
    """
    facts = {"model_sha256": model_sha256, "params": dict(params), "seed": seed}
    folder = workspace.root() / FOLDER / data.competition.name / data.dataset.name
    names = [data.version.name, *sorted(former_names(data.competition, data.version))]
    files = [folder / f"{_hash({**facts, 'edition': name})}.parquet" for name in names]
    return next((file for file in files if file.is_file()), files[0])


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
