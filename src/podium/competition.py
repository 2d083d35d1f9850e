"""What a competition is: a folder of facts. How folders are found and loaded.

Every competition imports as `podium.competitions.<name>` and its `competition.py` ends in
`competition = Competition(...)`. The rest of the folder follows from its file names:
`metric.py` has `metric`, `data.py` one function for each real dataset, `simulate.py` a function
`demo`, `models/` one file a model, `splits/<dataset>.csv` the frozen split.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from podium.errors import PodiumError, UnknownNameError

if TYPE_CHECKING:
    from podium.metric import Metric


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where raw files come from.

    Attributes:
        url: Public address of one file or of a zip archive.
        members: The files that are needed and the sha256 of each; these decide, not the archive.
        licence: Licence or terms, in words.
        citation: Who made it, with DOI where there is one.
    """

    url: str
    members: Mapping[str, str]
    licence: str
    citation: str


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One edition of a competition's data, with its own frozen split, fingerprint and board.

    Attributes:
        sources: Raw files; none for a simulated dataset, which `simulate.py` makes.
        open_with_features: Whether the file for the open part repeats the features (some official
            sites want their whole table back) or has ids and targets only.
    """

    name: str
    title: str
    sources: tuple[Source, ...] = ()
    open_with_features: bool = False

    @property
    def simulated(self) -> bool:
        """Whether `simulate.py` makes this dataset."""
        return not self.sources


@dataclass(frozen=True, kw_only=True)
class Target:
    """A column to predict and the range that predictions must lie in, both ends included."""

    name: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Score:
    """One figure that `finish` returns."""

    name: str
    title: str
    higher_is_better: bool = True
    perfect: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Stratum:
    """A named slice of the test rows, scored by itself.

    Attributes:
        group: The kind of group that is its independent unit.
        unseen: Kinds of groups that its rows share with no train row; in cross-validation, with
            no row of another fold.
    """

    name: str
    title: str
    group: str
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Control:
    """A trivial model that every board shows; the best of them is 0 on the normalised scale."""

    name: str
    model: str
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True)
class Competition:
    """The facts of a competition; its code lies beside them in the same folder.

    Attributes:
        targets: Columns of a submission, after the column `id`.
        scores: What the metric returns; the first is the primary score, which ranks.
        datasets: The first is the default and is simulated.
        strata: Every test row belongs to one.
        controls: Trivial models.
        halves_by: A kind of group that lies whole in the public or the private half.
        transductive: Whether `predict` may learn from the features it is given.
    """

    name: str
    title: str
    summary: str
    targets: tuple[Target, ...]
    scores: tuple[Score, ...]
    datasets: tuple[Dataset, ...]
    strata: tuple[Stratum, ...]
    controls: tuple[Control, ...]
    halves_by: str | None = None
    transductive: bool = False

    @property
    def primary(self) -> Score:
        """The score that ranks."""
        return self.scores[0]

    @property
    def folder(self) -> Path:
        """Where the competition's files are."""
        return Path(next(iter(import_module(f"podium.competitions.{self.name}").__path__)))

    @property
    def metric(self) -> Metric:
        """The official metric, from `metric.py`."""
        metric: Metric = self.module("metric").metric
        return metric

    @property
    def models(self) -> list[str]:
        """Names of the shipped models."""
        files = (self.folder / "models").glob("*.py")
        return sorted(file.stem for file in files if not file.stem.startswith(("_", "test_")))

    def module(self, name: str) -> ModuleType:
        """Import one of the folder's modules, when it is needed and not before."""
        return import_module(f"podium.competitions.{self.name}.{name}")

    def dataset(self, name: str | None = None) -> Dataset:
        """The dataset of that name, or the default one.

        Raises:
            UnknownNameError: With the nearest name.
        """
        if name is None:
            return self.datasets[0]
        for dataset in self.datasets:
            if dataset.name == name:
                return dataset
        raise UnknownNameError(f"dataset of {self.name}", name, [d.name for d in self.datasets])


def names() -> list[str]:
    """Names of all competitions: folders with a `competition.py` on the path of competitions."""
    import podium.competitions

    folders = [Path(root) for root in podium.competitions.__path__]
    return sorted({file.parent.name for root in folders for file in root.glob("*/competition.py")})


def load(name: str) -> Competition:
    """Load a competition's facts.

    Raises:
        UnknownNameError: With the nearest name.
        PodiumError: If its `competition.py` does not keep the contract.
    """
    known = names()
    if name not in known:
        raise UnknownNameError("competition", name, known, hint="See them all: podium list")
    module = import_module(f"podium.competitions.{name}.competition")
    competition = getattr(module, "competition", None)
    if not isinstance(competition, Competition) or competition.name != name:
        raise PodiumError(
            f"competitions/{name}/competition.py must end in "
            f"`competition = Competition(name={name!r}, ...)`."
        )
    return competition


def try_load(name: str) -> Competition | str:
    """A competition, or in one line why its folder cannot be loaded."""
    outcome: list[Competition] = []
    reason = _Reason()
    with reason:
        outcome.append(load(name))
    return outcome[0] if outcome else reason.text


class _Reason:
    """Keeps why somebody's code failed: one broken folder must not hide the others."""

    text = ""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if isinstance(error, Exception):
            self.text = (
                f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            )
            return True
        return False
