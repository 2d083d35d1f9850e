"""What there is: competitions, datasets, models, files. Reads facts, loads no data."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium import workspace
from podium.competition import folders as competitions
from podium.competition.contract import Competition, Dataset, Target
from podium.competition.version import PUBLIC, cache_folder, checksums, find_version, is_ready
from podium.errors import PodiumError
from podium.leaderboard import leaderboard


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One dataset of one competition; a folder that cannot be loaded is one entry too."""

    competition: str
    dataset: str
    title: str
    metric: str
    status: str
    submissions: int


def listing() -> list[Entry]:
    """All competitions and datasets."""
    board = leaderboard.find_board(workspace.database_url())
    counts = board.counts() if board else {}
    entries = []
    for name in competitions.names():
        try:
            entries += _entries(competitions.load(name), counts)
        except PodiumError as error:
            entries.append(_broken(name, error.message))
    for folder in competitions.shadowed():
        why = f"{folder} is not used: a competition before it has this name; rename the folder"
        entries.append(_broken(folder.name, why))
    return sorted(entries, key=lambda entry: entry.competition)


def _entries(found: Competition, counts: Mapping[tuple[str, str], int]) -> list[Entry]:
    checksums(found)  # raises where they cannot be read
    return [
        Entry(
            competition=found.name,
            dataset=dataset.name,
            title=f"{found.title}: {dataset.title}",
            metric=found.primary.name,
            status=_status(found, dataset),
            submissions=counts.get((found.name, dataset.name), 0),
        )
        for dataset in found.datasets
    ]


def _broken(name: str, why: str) -> Entry:
    return Entry(
        competition=name, dataset="-", title=why, metric="-", status="broken", submissions=0
    )


def facts(competition: Competition, dataset: Dataset) -> dict[str, Any]:
    """All that a competitor needs to know of a competition, as JSON."""
    folder = cache_folder(competition, dataset) / PUBLIC
    version = find_version(competition, dataset)
    return {
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
        "models": {name: _summary(competition, name) for name in competition.models},
    }


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


def _summary(competition: Competition, model: str) -> str:
    """First line of a model file's docstring, without running it."""
    file: Path = competition.folder / "models" / f"{model}.py"
    try:
        doc = ast.get_docstring(ast.parse(file.read_bytes())) or ""
    except (SyntaxError, ValueError) as error:
        return f"broken: {error}"
    return doc.split("\n\n")[0].replace("\n", " ")
