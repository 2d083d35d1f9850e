"""Earlier cross-validations: the log of a dataset, each paired with the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.execution import out_of_fold
from podium.execution.training import Folds
from podium.figures import shown
from podium.leaderboard.comparing import paired
from podium.leaderboard.record import now

if TYPE_CHECKING:
    from podium.data.dataset import Data
    from podium.execution.folds import CrossValidation
    from podium.leaderboard.comparing import Difference


@dataclass(frozen=True, kw_only=True)
class Validation:
    """A cross-validation that was made before.

    Attributes:
        name: The model and its changed parameters.
        by: The kind of group that was held out whole; None for the fixed folds.
        seeds: How many training seeds; `score` is of the first.
        behind: The best one of the list minus this one, paired; None for the best itself, and
            where the predictions are gone.
        file: Its out-of-fold predictions, where they are kept.
    """

    name: str
    created: str
    seed: int
    seeds: int
    by: str | None
    score: float
    ci: tuple[float, float] | None
    by_fold: Mapping[str, float | None]
    file: Path | None
    behind: Difference | None = None


def note(data: Data, name: str, validation: CrossValidation, *, seed: int, by: str | None) -> None:
    """Write a cross-validation into the dataset's log."""
    whole = validation.card.whole
    out_of_fold.note(
        data,
        {
            "created": now(),
            "version": data.version.name,
            "name": name,
            "model_sha256": validation.model_sha256,
            "params": dict(validation.params),
            "seed": seed,
            "seeds": len(validation.by_seed),
            "by": by,
            "score": shown(float(whole.scores[data.competition.primary.name])),
            "ci": whole.ci and [shown(end) for end in whole.ci],
            "by_fold": {str(fold): score for fold, score in validation.by_fold.items()},
            "file": validation.file and validation.file.name,
            "curves": {str(fold): curve.as_json for fold, curve in validation.curves.items()},
        },
    )


def earlier(data: Data) -> list[Validation]:
    """The cross-validations of the dataset in its present version, best first.

    One that was made again counts once. Those on the fixed folds come first, compared with the
    best of them.
    """
    latest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for line in out_of_fold.noted(data):
        if line.get("version") == data.version.name:
            facts = ("model_sha256", "name", "seed", "seeds", "by")
            latest[tuple(line.get(fact) for fact in facts)] = line
    primary = data.competition.primary
    sign = -1 if primary.higher_is_better else 1
    ordered = sorted(latest.values(), key=lambda line: (line["by"] or "", sign * line["score"]))
    folder = out_of_fold.folder(data)
    files = {id(line): folder / line["file"] for line in ordered if line["file"]}
    behind = _behind(data, [file for file in files.values() if file.is_file()])
    return [
        Validation(
            **{name: line[name] for name in ("name", "created", "seed", "seeds", "by", "score")},
            ci=line["ci"] and tuple(line["ci"]),
            by_fold=line["by_fold"],
            file=files.get(id(line)),
            behind=behind.get(files.get(id(line))),
        )
        for line in ordered
    ]


def _behind(data: Data, files: list[Path]) -> dict[Path | None, Difference]:
    """The best minus each of the others, from their predictions; the best comes first."""
    if len(files) < 2:
        return {}
    folds = Folds.of(data)
    kept = {file: table for file in files if (table := out_of_fold.read(data, file)) is not None}
    estimates = {file: folds.estimate(table) for file, table in kept.items()}
    if not estimates:
        return {}
    best, *others = estimates
    score = data.competition.primary
    return {file: paired(estimates[best], estimates[file], score) for file in others}
