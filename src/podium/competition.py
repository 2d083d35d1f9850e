"""What a competition is: a folder of facts. How folders are found and loaded.

Every competition imports as `podium.competitions.<name>` and its `competition.py` ends in
`competition = Competition(...)`. The rest of the folder follows from its file names:
`metric.py` has `metric`, `data.py` one function for each real dataset (`Dataset.function`),
`simulate.py` a function `demo`, `models/` one file a model, `splits/<dataset>.csv` the frozen
split. Where a dataset is made of files that only their owners have, `split.py` has a function that
splits it. `check.py`, if it is there, says what else is wrong with predictions, and `plot.py` draws
them. `rows.py` takes rows of one's own: `taken` from an AnnData file, or `cleaned` from a table.
"""

from __future__ import annotations

import contextlib
import math
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module, invalidate_caches
from itertools import pairwise
from keyword import iskeyword
from pathlib import Path
from types import MappingProxyType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from podium.errors import PodiumError, UnknownNameError, needing_extras

if TYPE_CHECKING:
    from podium.metric import Metric, Table
    from podium.model import Part


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where raw files come from.

    Attributes:
        url: Public address of one file or of a zip archive; a folder beside `competition.py`, such
            as `raw`; or empty for files that only their owners have: they are given with `--from`.
        members: The files that are needed and the sha256 of each; these decide, not the archive.
            A name may be a pattern (`sample_*.h5`), for one file or more. A sha256 of None takes
            any content: what was prepared from it has its own fingerprint and so its own board.
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
    """

    name: str
    title: str
    sources: tuple[Source, ...] = ()
    open_with_features: bool = False
    open_file: str = "open.csv"
    options: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

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
        matrix: Whether it is a matrix: a submission has a column for each gene of the dataset
            instead of one with the target's name. It is the only target then.
    """

    name: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    label: bool = False
    free: bool = False
    matrix: bool = False


@dataclass(frozen=True, kw_only=True)
class Score:
    """One figure that `finish` returns.

    Attributes:
        beside: Whether the board shows it beside the primary score.
        perfect: What the answers themselves reach; None for a count that is neither good nor bad,
            which stands in JSON alone.
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
        metric_id: What a metric of others calls the column of ids.
        accepted: Probes of `podium verify` whose findings are meant to be, and why.
        observed: Whether the metric is given the counts of the rows too, as `observed`.
        transductive: Whether `predict` may learn from the features it is given.
        daily_limit: Submissions that a team may hand in on a day (UTC); None for any number.
        metric_version: Raised when the metric gives other scores: scores of different versions
            never stand beside each other. Golden scores hold it; `podium freeze` raises it.
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
    observed: bool = False
    transductive: bool = False
    daily_limit: int | None = None
    metric_version: int = 1

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
    def metric(self) -> Metric:
        """The official metric, from `metric.py`: our own kind, Kaggle's or that of mle-bench."""
        from podium.metrics.foreign import metric_of, standing_in

        with standing_in():
            module = self.module("metric")
        return metric_of(module, name=self.primary.name, row_id=self.metric_id)

    @property
    def check(self) -> Callable[[Part, Table], list[str]] | None:
        """What else is wrong with aligned predictions of a part, from `check.py` if it is there."""
        if not (self.folder / "check.py").is_file():
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

        Raises:
            PodiumError: If it fails; with its lines.
        """
        return _import(self.name, name)

    def telling(self, module: str) -> contextlib.AbstractContextManager[None]:
        """Turn whatever a module's code raises inside into an error that shows its own lines."""
        return _Told(self.name, module)

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


def folders() -> list[Path]:
    """All folders of competitions, sorted by name; of those of one name the first is used."""
    import podium.competitions

    roots = [Path(root) for root in dict.fromkeys(podium.competitions.__path__)]
    found = [folder for root in roots if root.is_dir() for folder in root.iterdir()]
    return sorted(filter(_holds_something, found), key=lambda folder: folder.name)  # stable


def names() -> list[str]:
    """Names of all competitions, whether they load or not."""
    return list(dict.fromkeys(folder.name for folder in folders()))


def load(name: str) -> Competition:
    """Load a competition's facts.

    Raises:
        UnknownNameError: With the nearest name.
        PodiumError: If its folder does not keep the contract; with the lines that fail.
    """
    known = names()
    if name not in known:
        raise UnknownNameError("competition", name, known, hint="See them all: podium list")
    if problem := _unusable(next(folder for folder in folders() if folder.name == name)):
        raise PodiumError(f"The competition {name!r} cannot be loaded: {problem}.")
    found = getattr(_import(name, "competition"), "competition", None)
    if not isinstance(found, Competition) or found.name != name:
        raise PodiumError(
            f"competitions/{name}/competition.py must end in "
            f"`competition = Competition(name={name!r}, ...)`."
        )
    if problems := _wrong_facts(found):
        raise PodiumError(f"competitions/{name}/competition.py is wrong.", problems=problems)
    return found


def at(path: Path) -> str:
    """The name of the competition in a folder, which is found from now on: its path was typed.

    Raises:
        PodiumError: If it is no folder of a competition.
    """
    import podium.competitions

    folder = path.resolve()
    if problem := _unusable(folder):
        raise PodiumError(f"{path} is no competition: {problem}.")
    if str(folder.parent) not in podium.competitions.__path__:
        podium.competitions.__path__.insert(0, str(folder.parent))
        invalidate_caches()
    first = next(other for other in folders() if other.name == folder.name)
    if first.resolve() != folder:
        raise PodiumError(
            f"{path} is not used: {first} comes before it.", hint="Rename one of the folders."
        )
    return folder.name


def shadowed() -> list[Path]:
    """Folders that are not used, because another one before them has their name."""
    found = folders()
    return [b for a, b in pairwise(found) if a.name == b.name]


def try_load(name: str) -> Competition | str:
    """A competition, or in one line why its folder cannot be loaded."""
    try:
        return load(name)
    except PodiumError as error:
        return error.message


def _holds_something(folder: Path) -> bool:
    """Whether it is a folder with more than what Python leaves of one that was removed."""
    if folder.name.startswith((".", "__")) or not folder.is_dir():
        return False
    return any(path.name != "__pycache__" for path in folder.iterdir())


def _unusable(folder: Path) -> str:
    """Why a folder can be no competition, whatever its code does."""
    if not folder.name.isidentifier() or iskeyword(folder.name):
        return "a folder's name must be a Python name: letters, digits and _, no digit first"
    if not (folder / "competition.py").is_file():
        return f"{folder} has no competition.py"
    return ""


def _wrong_facts(found: Competition) -> list[str]:
    """What of a competition's facts has another type than it must have, or is empty."""
    kinds = {
        "targets": Target,
        "scores": Score,
        "datasets": Dataset,
        "strata": Stratum,
        "controls": Control,
    }
    texts = [name for name in ("title", "summary") if not isinstance(getattr(found, name), str)]
    problems = [f"{name} must be text" for name in texts]
    for name, kind in kinds.items():
        entries = getattr(found, name)
        whole = isinstance(entries, tuple) and all(isinstance(entry, kind) for entry in entries)
        if not whole or not entries:
            problems.append(f"{name} must be a tuple of one {kind.__name__} or more")
    limit = found.daily_limit
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        problems.append("daily_limit must be a whole number from 1 on, or None")
    version = found.metric_version
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        problems.append("metric_version must be a whole number from 1 on")
    if not problems and len(found.targets) > 1 and any(t.matrix for t in found.targets):
        problems.append("a target that is a matrix must be the only one")
    return problems


def _import(name: str, module: str) -> ModuleType:
    """Import a module of a competition; what it prints goes to stderr, stdout is for results."""
    where = f"podium.competitions.{name}.{module}"
    told = _Told(name, module)
    with contextlib.redirect_stdout(sys.stderr), told, needing_extras(told.file):
        return import_module(where)


class _Told:
    """Turns whatever a folder's code raises into an error that shows the folder's own lines."""

    def __init__(self, name: str, module: str) -> None:
        self.name, self.file = name, f"competitions/{name}/{module.replace('.', '/')}.py"

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if not isinstance(error, Exception | SystemExit) or isinstance(error, PodiumError):
            return
        own = [
            f"{Path(frame.filename).name}, line {frame.lineno}: {frame.line}"
            for frame in traceback.extract_tb(trace)
            if self.name in Path(frame.filename).parts
        ]
        if isinstance(error, SyntaxError):
            own.append(f"{Path(error.filename or self.file).name}, line {error.lineno}")
        said = (str(error).splitlines() or [""])[0]
        raise PodiumError(
            f"{self.file} fails: {type(error).__name__}: {said}",
            problems=own,
            hint="The other competitions are not affected.",
        ) from error
