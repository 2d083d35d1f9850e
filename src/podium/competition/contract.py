"""What a competition is: a folder of facts.

Every competition imports as `podium.competitions.<name>` and its `competition.py` ends in
`competition = Competition(...)`. The rest of the folder follows from its file names:
`metric.py` has `metric`, `data.py` one function for each real dataset (`Dataset.function`),
`simulate.py` a function `demo`, `models/` one file a model, `splits/<dataset>.csv` the frozen
split. Where a dataset is made of files that only their owners have, `split.py` has a function that
splits it. `check.py`, if it is there, says what else is wrong with predictions, and `plot.py` draws
them. `rows.py` takes rows of one's own: `taken` from an AnnData file, or `cleaned` from a table.

A folder with many files may keep what makes its data in a folder `data/`: `prepare.py` (what
`data.py` is elsewhere), `simulate.py`, `split.py`, `rows.py`, `check.py`, `splits/` and what
`podium freeze` writes. One property, `Competition.data_folder`, decides where they are.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from podium.competition.importing import import_part, translate_errors
from podium.errors import UnknownNameError

if TYPE_CHECKING:
    from podium.competition.metric import Metric, Table
    from podium.competition.part import Part


OF_DATA = ("data", "simulate", "split", "rows", "check")
"""Modules that make a competition's data, or know what data of people must be like."""
FROZEN = ("splits", "checksums.json", "golden.json", "reference.sha256")
"""What is frozen of data, and lies with them."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where raw files come from.

    Attributes:
        url: Public address of one file or of an archive (zip, tar); a folder beside
            `competition.py`, such as `raw`; or empty for files that only their owners have: they
            are given with `--from`.
        members: The files that are needed and the sha256 of each; these decide, not the archive.
            A name may be a pattern (`sample_*.h5`), for one file or more: the sha256 of several is
            that of the lines that `sha256sum` prints of them, by name. A sha256 of None takes any
            content: what was prepared from it has its own fingerprint and so its own board.
        optional: Patterns of files that are taken where they are there, whatever their content.
            Here and in `members`, `train/*.npz` names files in a folder of that name.
        licence: Licence or terms, in words.
        citation: Who made it, with DOI where there is one.
        limit_mb: MiB that the download may have; what is larger is refused.
    """

    url: str
    members: Mapping[str, str | None]
    licence: str
    citation: str
    optional: tuple[str, ...] = ()
    limit_mb: float = 4096

    @property
    def beside(self) -> bool:
        """Whether the files lie in the competition's own folder."""
        return bool(self.url) and "://" not in self.url


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One set of a competition's data, with its own frozen split, fingerprint and board.

    Attributes:
        sources: Raw files; none for a simulated dataset, which `simulate.py` makes.
        open_with_features: Whether the file for the open part repeats the features (some official
            sites want their whole table back) or has ids and targets only.
        open_file: What that file is called, after the submission's ID.
        options: What the user may say of the raw files where these do not tell it: names, and the
            values of each. A named value is a keyword argument of the dataset's function.
        ceiling: Whether there is a ceiling although there are raw files: they tell what a simulator
            knew. A dataset without raw files may have one in any case.
    """

    name: str
    title: str
    sources: tuple[Source, ...] = ()
    open_with_features: bool = False
    open_file: str = "open.csv"
    options: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    ceiling: bool = False

    @property
    def function(self) -> str:
        """Its function in `data.py`, `simulate.py` and `split.py`: the name as Python takes it."""
        name = re.sub(r"\W", "_", self.name)
        return f"dataset_{name}" if name[0].isdigit() else name

    @property
    def frozen(self) -> bool:
        """Whether its content is known beforehand, so that checksums are committed."""
        return not any(
            source.optional or None in source.members.values() for source in self.sources
        )

    @property
    def simulated(self) -> bool:
        """Whether `simulate.py` makes this dataset."""
        return not self.sources

    @property
    def at_hand(self) -> bool:
        """Whether nothing is to be fetched or given: it is made on first use."""
        return all(source.beside for source in self.sources)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What to predict: a column of numbers in a range with both ends, of labels, or a matrix.

    Attributes:
        label: Whether it is a label: whole numbers or text, kept as text.
        free: Whether labels may be any, as the names of clusters; else those of train are meant.
        text: Whether it is any text, the empty one and long ones too, kept as it stands; it is a
            free label then.
        matrix: Whether it is a matrix: a submission has a column for each gene of the dataset
            instead of one with the target's name. It is the only target then.
    """

    name: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    label: bool = False
    free: bool = False
    text: bool = False
    matrix: bool = False

    def __post_init__(self) -> None:
        """A text is a free label."""
        if self.text:
            object.__setattr__(self, "label", True)
            object.__setattr__(self, "free", True)


@dataclass(frozen=True, kw_only=True)
class Score:
    """One figure that `finish` returns.

    Attributes:
        beside: Whether the board shows it beside the primary score.
        perfect: What the answers themselves reach; None where that differs between datasets, or
            for a count that is neither good nor bad: those stand in JSON alone, unless `beside`.
    """

    name: str
    title: str
    beside: bool = False
    higher_is_better: bool = True
    perfect: float | None = 1.0


@dataclass(frozen=True, kw_only=True)
class Stratum:
    """A named slice of the test rows, scored by itself.

    Attributes:
        group: The kind of group that is its independent unit.
        unseen: Kinds of groups that its rows share with no train row; in cross-validation, with
            no row of another fold.
        enough: Groups from which an interval is shown: fewer than the usual 5 only where the
            coverage was measured.
        approximate: Whether its groups are known to be less than independent.
    """

    name: str
    title: str
    group: str
    unseen: tuple[str, ...] = ()
    enough: int = 5
    approximate: bool = False


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
        datasets: The first is the default, which is at hand.
        strata: Every test row belongs to one.
        controls: Trivial models.
        halves_by: A kind of group that lies whole in the public or the private half.
        metric_by: Kinds of groups that the metric is given as columns beside the targets.
        metric_id: What the organiser calls the column of ids: a metric of others is given it so,
            and submissions may have it so.
        accepted: Probes of `podium verify` whose findings are meant to be, and why.
        optional: Features that rows to predict of somebody's own may lack, and what stands in each
            row then; None or NaN for no value.
        observed: Whether the metric is given the counts of the rows too, as `observed`.
        transductive: Whether `predict` may learn from the features it is given.
        daily_limit: Submissions that a team may hand in on a day (UTC); None for any number.
        metric_version: Raised when the metric gives other scores: scores of different versions
            never stand beside each other. Golden scores hold it; `podium freeze` raises it.
        id: What boards, studies and the cache know it by, for good: its first name, which
            `podium rename` notes here. It is written as text.
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
    metric_by: tuple[str, ...] = ()
    metric_id: str = "id"
    accepted: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    optional: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    observed: bool = False
    transductive: bool = False
    daily_limit: int | None = None
    metric_version: int = 1
    id: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", self.id or self.name)

    @property
    def primary(self) -> Score:
        """The score that ranks."""
        return self.scores[0]

    @property
    def matrix(self) -> bool:
        """Whether the target is a matrix."""
        return self.targets[0].matrix

    @property
    def folder(self) -> Path:
        """Where the competition's files are."""
        return Path(next(iter(import_module(f"podium.competitions.{self.name}").__path__)))

    @property
    def data_folder(self) -> Path:
        """Where data are made and what is frozen of them lies: splits, checksums, golden scores.

        It is `data/` where that has code, else the folder itself, as in most organisers' folders.
        """
        inner = self.folder / "data"
        laid_out = any((inner / f"{name}.py").is_file() for name in ("prepare", "simulate"))
        return inner if laid_out else self.folder

    def shown(self, file: Path) -> str:
        """A file of the folder as messages name it."""
        return f"competitions/{self.name}/{file.relative_to(self.folder).as_posix()}"

    def has(self, name: str) -> bool:
        """Whether the folder has a module: see `module`."""
        return (self.folder / self._dotted(name).replace(".", "/")).with_suffix(".py").is_file()

    def _dotted(self, name: str) -> str:
        """Where a module lies: those of data in `data/` if there is one, `data.py` as `prepare`."""
        if name not in OF_DATA or self.data_folder == self.folder:
            return name
        return f"data.{'prepare' if name == 'data' else name}"

    @property
    def metric(self) -> Metric:
        """The official metric, from `metric.py`: our own kind, Kaggle's or that of mle-bench."""
        from podium.competition.foreign import metric_of, stub_modules

        with stub_modules():
            module = self.module("metric")
        return metric_of(module, name=self.primary.name, row_id=self.metric_id)

    @property
    def check(self) -> Callable[[Part, Table], list[str]] | None:
        """What else is wrong with aligned predictions of a part, from `check.py` if it is there."""
        if not self.has("check"):
            return None
        problems: Callable[[Part, Table], list[str]] = self.module("check").problems
        return problems

    @property
    def models(self) -> list[str]:
        """Names of the shipped models."""
        files = (self.folder / "models").glob("*.py")
        return sorted(file.stem for file in files if not file.stem.startswith(("_", "test_")))

    def module(self, name: str) -> ModuleType:
        """Import one of the folder's modules, when it is needed and not before.

        Args:
            name: `metric`, `plot`, `models.NAME`, or one of `OF_DATA`, wherever that lies.

        Raises:
            PodiumError: If it fails; with its lines.
        """
        return import_part(self.name, self._dotted(name))

    def telling(self, module: str) -> contextlib.AbstractContextManager[None]:
        """Turn whatever a module's code raises inside into an error that shows its own lines."""
        return translate_errors(self.name, self._dotted(module))

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
