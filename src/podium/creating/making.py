"""A competition from an organiser's table: `podium new`.

    NewOptions --specify--> Spec --write--> folder --load--> split --freeze--> competitions/NAME

Nothing is written before all is checked, and the folder appears whole or not at all.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copyfile, copyfileobj
from typing import TYPE_CHECKING

from podium import scratch, workspace
from podium.columns import among
from podium.competition import folders as competitions
from podium.creating import freezing
from podium.creating.kit import look
from podium.creating.spec import GIVEN_PARTS, Spec, part_names, specify
from podium.creating.splits import How, draw, folds, halves
from podium.creating.writer import write
from podium.data import dataset as data
from podium.data import tables
from podium.data.formats import Expected, content
from podium.errors import DataError, reason

if TYPE_CHECKING:
    import pandas as pd

    from podium.creating.options import NewOptions
    from podium.data.dataset import Prepared

TABLE = "table"
"""The dataset of a new competition."""


@dataclass(frozen=True, kw_only=True)
class Created:
    """What `podium new` made.

    Attributes:
        rows: How many rows each part has.
        notes: What was decided on the way and should be known.
        found: Whether the competition is among those that Podium looks at from here.
        model: A model to begin with.
    """

    name: str
    folder: Path
    rows: Mapping[str, int]
    notes: tuple[str, ...]
    found: bool
    model: str


def make(options: NewOptions) -> Created:
    """Write a complete competition folder into the workspace.

    Raises:
        DataError: With everything that is wrong with the name, the flags and the tables.
    """
    root = workspace.root() / "competitions"
    if options.source is not None:
        options = look(options.source).options(options)
    spec = specify(options, name_problems(options.name, root))
    try:
        root.mkdir(parents=True, exist_ok=True)
        with scratch.directory(".new-", root) as place:
            folder = place / spec.name
            spec = _copy(spec, folder / "raw")
            with scratch.sealed(folder / "raw"):
                write(spec, folder)
                with _loadable(place, spec.name):
                    rows = _freeze(spec)
            folder.rename(root / spec.name)
    except OSError as error:
        raise DataError(f"{root / spec.name} cannot be written: {reason(error)}.") from error
    importlib.invalidate_caches()
    return Created(
        name=spec.name,
        folder=root / spec.name,
        rows=rows,
        notes=spec.notes,
        found=root.resolve() in workspace.competition_roots(),
        model="lightgbm" if spec.learnable else "constant",
    )


def name_problems(name: str, root: Path, *, key: str = "") -> list[str]:
    """Why a competition cannot be called so.

    Args:
        name: What it is to be called.
        root: The folder that its own folder is to lie in.
        key: Its id, where it has one: that name is its own.
    """
    from keyword import iskeyword

    if not name.isidentifier() or iskeyword(name) or not name.isascii():
        return [f"NAME {name!r} must be a Python name: letters, digits and _, no digit first"]
    if workspace.is_device(name):
        return [f"NAME {name!r} is that of a device of Windows, which has no such folder"]
    if name != name.lower():
        return [f"NAME {name!r} must be in small letters: {name.lower()!r}"]
    if (root / name).exists():
        return [f"{root / name} is there already, and is left as it is: take another NAME"]
    if name in competitions.names():
        return [f"NAME {name!r} is that of a competition that there is: take another"]
    owner = competitions.name_of(name)
    if name not in (key, owner):
        return [f"NAME {name!r} was that of {owner!r}, whose board has it for good: take another"]
    return []


def _copy(spec: Spec, folder: Path) -> Spec:
    """Keep the raw files as plain CSV, whatever archive and separator they came in."""
    import pandas as pd

    folder.mkdir(parents=True)
    for name, path in spec.files.items():
        with (
            content(path, Expected.own(path)) as (file, separator),
            (folder / name).open("wb") as raw,
        ):
            if separator == ",":
                copyfileobj(file, raw)
            else:
                spec.read.pop(name)  # what is written may be read otherwise
                table = pd.read_csv(file, sep=separator, dtype=str, keep_default_na=False)
                table.to_csv(raw, index=False, lineterminator="\n")
    for pattern, paths in spec.beside.items():
        for path in paths:
            place = folder / path.parent.name if "/" in pattern else folder
            place.mkdir(exist_ok=True)
            copyfile(path, place / path.name)
    return replace(spec, files={name: folder / name for name in spec.files})


@contextmanager
def _loadable(place: Path, name: str) -> Iterator[None]:
    """Let the folder be loaded from where it is written; forget it afterwards."""
    import podium.competitions

    podium.competitions.__path__.insert(0, str(place))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        podium.competitions.__path__.remove(str(place))
        competitions.forget(name)


def _freeze(spec: Spec) -> dict[str, int]:
    """Draw the split, write it, checksums and golden scores; gives the rows of each part."""
    made = competitions.load(spec.name)
    dataset = made.dataset(TABLE)
    read = {made.folder / "raw" / name: one for name, one in spec.read.items()}
    spec.read.clear()  # whoever takes a table is the last to have it
    with tables.known(read):
        prepared = data.build(made, dataset)
    split = _split(spec, prepared, made.targets[0].name)
    _check_strata(spec, split)
    file = made.folder / "splits" / f"{TABLE}.csv"
    file.parent.mkdir()
    split.to_csv(file, index=False, lineterminator="\n")
    freezing.freeze(made, dataset.name, prepared={dataset.name: prepared})
    return {str(part): int(count) for part, count in split["part"].value_counts().items()}


def _split(spec: Spec, prepared: Prepared, target: str) -> pd.DataFrame:
    """Part, fold and stratum of each row, in the order of the features."""
    import pandas as pd

    answers = prepared.targets.drop(columns="id")
    classes = answers.idxmax(axis=1) if spec.kind == "probabilities" else answers[target]
    unit = prepared.groups[spec.unit] if spec.unit != "row" else None
    ids = prepared.targets["id"]
    given = None if spec.test_ids is None else ids.map(spec.test_ids)
    if spec.how == How.GIVEN:
        said = part_names(ids.map(_column(spec, str(spec.by))))
        given = said.map(GIVEN_PARTS).mask(said == "train")
    if given is None:
        part, fold = draw(spec.how, classes, unit)
        drawn = pd.DataFrame({"id": ids, "part": part, "fold": fold})
    else:
        test = given.notna()
        drawn = pd.DataFrame({"id": ids, "part": given.fillna("train"), "fold": float("nan")})
        undrawn = given == ""
        if undrawn.any():
            drawn.loc[undrawn, "part"] = halves(classes[undrawn])
        drawn.loc[~test, "fold"] = folds(
            spec.how, classes[~test], None if unit is None else unit[~test]
        )
    drawn["stratum"] = _strata(spec, ids)
    rest = prepared.features.loc[~among(prepared.features["id"], ids), ["id"]].assign(part="open")
    split = pd.concat([drawn, rest])
    return split.assign(fold=split["fold"].astype("Int64"))


def _strata(spec: Spec, ids: pd.Series) -> pd.Series | str:
    """The stratum of each of these rows."""
    if spec.stratum_by is None:
        return spec.stratum
    return tables.labels(ids.map(_column(spec, spec.stratum_by))).map(spec.strata)


def _column(spec: Spec, name: str) -> pd.Series:
    """A column of the raw files as it stands, by id."""
    files = [spec.files[file] for file in ("train.csv", "test.csv") if file in spec.files]
    return tables.read(*files, row_id=spec.row_id, text=[name], only=[name]).set_index("id")[name]


def _check_strata(spec: Spec, split: pd.DataFrame) -> None:
    """Every stratum has rows in both halves of the test part.

    Raises:
        DataError: If one has none.
    """
    counts = split.groupby(["stratum", "part"]).size()
    lacking = [
        f"{value!r} has no {half} rows"
        for value, name in spec.strata.items()
        for half in ("public", "private")
        if (name, half) not in counts
    ]
    if lacking:
        raise DataError(
            f"No competition was written: --stratum {spec.stratum_by} has too few rows of a value.",
            problems=lacking,
        )
