"""What a model's process is given of a dataset: all of its public part, some rows, or nothing.

A fold is a dataset whose test rows are those that it holds out: its train rows have the others'
answers, and the process sees no other file with answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import scratch
from podium.competition.version import PUBLIC
from podium.data.beside import TABLE, Tables
from podium.data.dataset import FILES, FOLDS, SEQUENCES, TRUTH, Data
from podium.scratch import file_sha256

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from podium.competition.part import Part
    from podium.execution.training import Folds

    Rows = NDArray[np.bool_]

ROWS = "rows"
"""The part that a user's own rows are."""


@dataclass(frozen=True, kw_only=True)
class View:
    """Data as a model's process is given them.

    Attributes:
        data: Where its files lie, and which there are.
        more: Further files that it sees, since files of `data` lead to them.
        rows: Folder and files of a user's own rows.
    """

    data: Data
    more: tuple[Path, ...] = ()
    rows: Mapping[str, Any] | None = None

    @property
    def given(self) -> list[Path]:
        """Files and folders that it may see."""
        beside = [Path(self.rows["folder"])] if self.rows else []
        has_files = [self.data.folder / PUBLIC] if self.data.manifest["files"] else []
        return [*has_files, *self.more, *beside]

    @property
    def message(self) -> dict[str, Any]:
        """What the process is told of it."""
        return {
            "dataset": self.data.dataset.name,
            "folder": str(self.data.folder.absolute()),
            "manifest": dict(self.data.manifest),
        }


def whole(data: Data) -> View:
    """All of the public part."""
    return View(data=data)


def nothing(data: Data) -> View:
    """No rows at all: what a process sees that only says what a model would like to try."""
    return View(data=replace(data, manifest={**data.manifest, "files": {}}))


def of_fold(folds: Folds, fold: int, folder: Path) -> View:
    """A fold, written to an empty folder: its test part is what it holds out."""
    held = folds.fold == fold
    return cut(
        *(folds.data, folder), train=~held, test=("train", held), extra=folds.extra_rows(fold)
    )


def cut(
    data: Data, folder: Path, *, train: Rows, test: tuple[str, Rows], extra: Rows | None
) -> View:
    """Some rows, written to a folder as a dataset of their own.

    Args:
        data: The dataset.
        folder: An empty folder.
        train: Which train rows it has, with their answers.
        test: A part, and which of its rows are to be predicted.
        extra: Which extra rows it has, where there are any.
    """
    if folder.exists():  # what is left of one that a fault of the disk ended
        scratch.remove(folder)
    (folder / PUBLIC).mkdir(parents=True)
    more: list[Path] = []
    for part, source, rows in (
        ("train", "train", train),
        ("test", *test),
        ("extra", "extra", extra),
    ):
        if rows is not None and data.has(f"{PUBLIC}/{source}.parquet"):
            more += _cut_part(data, folder, source, rows, part)
    for name in data.tables:
        scratch.link(data.tables.file(name), folder / PUBLIC / f"{name}{TABLE}")
    more += _link_files(data, folder)
    return View(
        data=replace(data, folder=folder, manifest=_manifest(data, folder)), more=tuple(more)
    )


def with_rows(data: Data, folder: Path, part: Part) -> View:
    """All of the public part, and rows of a user's own."""
    place = folder / PUBLIC
    place.mkdir(parents=True)
    part.features.assign(id=part.ids).to_parquet(place / f"{ROWS}.parquet", index=False)
    if part.counts is not None:
        part.counts.write(place / f"{ROWS}.h5")
    if part.sequences is not None:
        part.sequences.write(place / f"{ROWS}{SEQUENCES}")
    for name in part.tables:
        file = place / f"{name}{TABLE}"
        if isinstance(part.tables, Tables):
            scratch.link(part.tables.file(name), file)
        else:
            part.tables[name].reset_index().to_parquet(file, index=False)
    _link_files(data, folder)
    files = _manifest(data, folder)
    return View(data=data, rows={"folder": str(folder), **files})


def _cut_part(data: Data, folder: Path, source: str, rows: Rows, part: str) -> list[Path]:
    """Write some rows of a part under a name; gives the files that what is written leads to."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [f"{source}.parquet"]
    if part in FOLDS:
        names.append(FOLDS[part])
    answers = [target.name for target in data.competition.targets] if part not in FOLDS else []
    for name in names:
        with pq.ParquetFile(data.file(f"{PUBLIC}/{name}")) as file:
            table = file.read(use_threads=False)
        table = table.drop_columns([name for name in answers if name in table.column_names])
        place = folder / PUBLIC / name.replace(f"{source}.parquet", f"{part}.parquet")
        pq.write_table(table.filter(pa.array(rows)), place)
    if sequences := data.sequences(f"{PUBLIC}/{source}{SEQUENCES}"):
        sequences.take(rows).write(folder / PUBLIC / f"{part}{SEQUENCES}")
    if part == "train" and (truth := data.counts(f"{PUBLIC}/{TRUTH}")):
        truth.take(rows).write(folder / PUBLIC / TRUTH)
    if counts := data.counts(f"{PUBLIC}/{source}.h5"):
        counts.take(rows).link(folder / PUBLIC / f"{part}.h5")
        return [data.folder / PUBLIC / f"{source}.h5"]
    return []


def _link_files(data: Data, folder: Path) -> list[Path]:
    """Let what lies beside the tables be found here, too; gives the folder where it is."""
    if not data.files:
        return []
    beside = (data.folder / PUBLIC / FILES).absolute()
    (folder / PUBLIC / FILES).symlink_to(beside, target_is_directory=True)
    return [beside]


def _manifest(data: Data, folder: Path) -> dict[str, Any]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    known = {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}
    place = f"{PUBLIC}/{FILES}/"
    known |= {n: s for n, s in data.manifest["files"].items() if n.startswith(place)}
    return {**data.manifest, "files": known}
