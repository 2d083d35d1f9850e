"""What there is: competitions, datasets, models, files. Reads facts, loads no data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import documents
from podium.competition import folders as competitions
from podium.competition.contract import Competition, Dataset, Target
from podium.competition.parameters import summary
from podium.competition.version import PUBLIC, cache_folder, checksums, find_version, is_ready
from podium.errors import PodiumError
from podium.leaderboard.board import open_board
from podium.results import Result, Results

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.model_file import ModelFile


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One dataset of one competition; a folder that cannot be loaded is one entry too."""

    competition: str
    dataset: str
    title: str
    metric: str
    status: str
    submissions: int


class Facts(dict[str, Any], Result):
    """What a competitor needs to know of a competition: the JSON of `podium show COMP`."""

    def to_frame(self) -> pd.DataFrame:
        """A row for each fact; one within a fact has a row of its own."""
        import pandas as pd

        rows = [(name, _words(fact)) for name, fact in documents.flat(self).items()]
        return pd.DataFrame(rows, columns=["fact", "value"])

    def _line(self) -> str:
        return f"{self['name']}/{self['dataset']}, {self['title']}; data: {self['data']}"

    __repr__ = Result.__repr__


class Models(list[dict[str, Any]], Result):
    """What models declare: the JSON of `podium models COMP`."""

    def to_frame(self) -> pd.DataFrame:
        """A row for each model; of a single one a row for each parameter."""
        import pandas as pd

        if len(self) == 1:
            return pd.DataFrame(self[0]["parameters"])
        return pd.DataFrame([{**model, "parameters": len(model["parameters"])} for model in self])

    def _line(self) -> str:
        return f"{len(self)} model{'s' * (len(self) != 1)}: {', '.join(m['model'] for m in self)}"

    __repr__ = Result.__repr__


def _words(fact: Any) -> str:
    return ", ".join(map(str, fact)) if isinstance(fact, list) else str(fact)


def listing() -> Results[Entry]:
    """All competitions and datasets."""
    counts = open_board().counts()
    entries = []
    for name in competitions.names():
        try:
            entries += _entries(competitions.load(name), counts)
        except PodiumError as error:
            entries.append(_broken(name, error.message))
    for folder in competitions.shadowed():
        why = f"{folder} is not used: a competition before it has this name; rename the folder"
        entries.append(_broken(folder.name, why))
    entries.sort(key=lambda entry: entry.competition)
    return Results(entries, "datasets of competitions")


def _entries(competition: Competition, counts: Mapping[tuple[str, str], int]) -> list[Entry]:
    checksums(competition)  # raises where they cannot be read
    return [
        Entry(
            competition=competition.name,
            dataset=dataset.name,
            title=f"{competition.title}: {dataset.title}",
            metric=competition.primary.name,
            status=_status(competition, dataset),
            submissions=counts.get((competition.id, dataset.name), 0),
        )
        for dataset in competition.datasets
    ]


def _broken(name: str, why: str) -> Entry:
    return Entry(
        competition=name, dataset="-", title=why, metric="-", status="broken", submissions=0
    )


def facts(competition: Competition, dataset: Dataset) -> Facts:
    """All that a competitor needs to know of a competition, as JSON."""
    folder = cache_folder(competition, dataset) / PUBLIC
    version = find_version(competition, dataset)
    known = {
        "name": competition.name,
        "title": competition.title,
        "summary": competition.summary,
        "readme": str(competition.folder / "README.md"),
        "dataset": dataset.name,
        "data": _status(competition, dataset),
        "version": version.name if version else None,
        "files": sorted(str(file) for file in folder.glob("*")) if folder.is_dir() else [],
        "columns": {
            "id": "text",
            **{_column(target): _values(target) for target in competition.targets},
        },
        "scores": {s.name: s.title for s in competition.scores},
        "higher_is_better": competition.primary.higher_is_better,
        "daily_limit": competition.daily_limit,
        "strata": {s.name: s.title for s in competition.strata},
        "datasets": {d.name: d.title for d in competition.datasets},
        "sources": [
            {"url": s.url, "licence": s.licence, "citation": s.citation} for s in dataset.sources
        ],
        "models": {
            name: summary((competition.folder / "models" / f"{name}.py").read_bytes())
            for name in competition.models
        },
    }
    return Facts(known)


def _status(competition: Competition, dataset: Dataset) -> str:
    if is_ready(competition, dataset):
        return "ready"
    if dataset.at_hand:
        return "made on first use"
    return "to fetch" if all(source.url for source in dataset.sources) else "yours to give"


def _column(target: Target) -> str:
    return "one for each gene" if target.matrix else target.name


def _values(target: Target) -> str:
    """What a column may hold, in words."""
    if target.label:
        return "a label: whole numbers or text"
    return f"{target.low:g} to {target.high:g} {target.unit}".strip()


def models(competition: Competition, dataset: Dataset, model: str | Path | None) -> Models:
    """What models declare, as JSON: of all shipped ones, or of a named one; none is run.

    Args:
        competition: Whose models.
        dataset: On which it is said what they cost.
        model: A shipped model's name, or a file's path; None for all that are shipped.

    Raises:
        UnknownNameError: With the nearest name.
        ModelError: If there is no such file, or its declarations are broken.
    """
    from podium.competition import model_file

    names = competition.models if model is None else [model]
    costs = _costs(competition, dataset)
    return Models(_model(model_file.shown(competition, name), costs) for name in names)


def _model(file: ModelFile, costs: Mapping[str, float]) -> dict[str, Any]:
    place = f"{file.path}"
    return {
        "model": file.name if file.shipped else place,
        "summary": file.summary,
        "file": place,
        "train_seconds": costs.get(file.name) if file.shipped else None,
        "parameters": [
            {
                "name": name,
                "default": parameter.default,
                "allowed": parameter.allowed,
                "search": parameter.searched,
                "what": parameter.what,
            }
            for name, parameter in file.parameters.items()
        ],
    }


def _costs(competition: Competition, dataset: Dataset) -> dict[str, float]:
    """Seconds that the last training of each shipped model took, of those on this board."""
    board = open_board()
    if not board.exists:
        return {}
    where = {"competition": competition.id, "dataset": dataset.name}
    costs = {}
    for model, provenance in board.select("model", "provenance", **where):
        seconds = provenance.get("train_seconds")
        if seconds is not None and provenance.get("model_file") == f"{competition.id}/{model}":
            costs[model] = float(seconds)
    return costs
