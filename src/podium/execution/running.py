"""Runs: have a model predict the test part in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.data.reader import read
from podium.execution.curves import KEPT
from podium.execution.live import LiveModel
from podium.execution.training import aligned
from podium.scoring import submission

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.model_file import ModelFile
    from podium.data.dataset import Data
    from podium.execution.jobs import Trainings


@dataclass(frozen=True, kw_only=True)
class Made:
    """Predictions of the test part.

    Attributes:
        path: The file.
        open_table: Those of the open part, where there is one.
        code: Parameters, seed and the like, for the provenance.
        left_open: What this system did not guard.
    """

    path: Path
    open_table: pd.DataFrame | None
    code: Mapping[str, Any]
    left_open: tuple[str, ...]


def predict_test(
    trainings: Trainings, data: Data, model: ModelFile, *, params: Mapping[str, Any], seed: int
) -> Made:
    """Have a model fitted, and the test part and the open one predicted.

    Args:
        trainings: Jobs of this model.
        data: The dataset.
        model: The model's file.
        params: Changes to its `DEFAULTS`.
        seed: Everything random follows from it.

    Raises:
        PodiumError: If the model fails, or takes too much.
    """
    done = trainings.result(trainings.submit(None, params, seed, None))
    model.note_change()
    name = f"{data.competition.id}/{model.name}" if model.shipped else str(model.path)
    code = {
        "model_file": name,
        "model_sha256": model.sha256,
        **({"model_source": model.description} if isinstance(model, LiveModel) else {}),
        "params": done["params"],
        "seed": seed,
        "train_seconds": done["train_seconds"],
        "peak_memory_mb": done["peak_memory_mb"],
        "left_open": list(done["left_open"]),
        **({"see": [Path(one).name for one in done["see"]]} if done["see"] else {}),
        **({KEPT: done["curve"]} if done["curve"] else {}),
        **done.get("machine", {}),
    }
    files = done["files"]
    return Made(
        path=files["test"],
        open_table=_open_table(data, files["open"], seed) if data.has_open else None,
        code=code,
        left_open=tuple(done["left_open"]),
    )


def _open_table(data: Data, file: Path, seed: int) -> pd.DataFrame:
    """Predictions of the open part as its scorers take them."""
    import pandas as pd

    part = data.part("open", seed)
    table = read(file, data.expected(len(part)))
    predicted = submission.frame(part.ids, aligned(data, table, part), data.genes)
    features = pd.DataFrame(index=range(len(part)))
    if data.dataset.open_with_features:  # whole numbers without a point, as in the raw table
        features = part.features.convert_dtypes()
    return pd.concat([predicted[["id"]], features, predicted.drop(columns="id")], axis=1)
