"""Data: fetch the raw files, prepare them once, split, verify, load.

    raw files --locate--> checked members --prepare--> Prepared --write--> public/ + solution/

Prepared data lies in the cache, `public/` for everybody and `solution/` for `podium.scoring`
alone. Every file that is read is checked against the sha256 written when it was made, and the
whole against the competition's committed `checksums.json`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from podium import scratch
from podium.columns import among
from podium.competition.counts import Counts
from podium.competition.metric import ANSWERS
from podium.competition.part import Part
from podium.competition.sequences import Sequences
from podium.competition.version import (
    FORM,
    KEPT,
    MANIFEST,
    PUBLIC,
    SOLUTION,
    Version,
    cache_folder,
    differences,
    get_command,
    read_manifest,
    version_of,
    whole,
)
from podium.data import beside, raw
from podium.data.beside import TABLE, Tables
from podium.errors import DataError, UnknownNameError, reason, require_extra
from podium.scratch import LINE_ENDS, file_sha256, other_line_ends

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from podium.competition.contract import Competition, Dataset
    from podium.competition.part import Progress
    from podium.data.formats import Expected

    Columns = pd.DataFrame | Mapping[str, NDArray[Any]]

SAMPLE = "sample_submission.csv"
SPLIT = "split.csv"
TRUTH = "train.truth.h5"
ANSWER_ROWS = "train.answers.parquet"
SEQUENCES = ".sequences.npy"
FILES = "files"
"""The folder of what lies beside the tables."""
FOLDS = {"train": "folds.parquet", "extra": "extra.folds.parquet"}
"""Parts that are learnt from, and the file of each one's folds and groups."""
_FROM = "--from DIR"
_VALUES = 1 << 22  # that are written at a time
_SPLIT_COLUMNS = ["id", "part", "fold", "stratum"]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a competition's `data.py` or `simulate.py` hands to the harness, all rows together.

    Attributes:
        features: `id` (text) and the feature columns; labelled rows and open rows.
        targets: `id` and the target columns; labelled rows only. Labels may be of any type: they
            are compared as the texts that a submission would say.
        groups: `id` and one column for each kind of independent unit (text); labelled rows.
        ceiling: `id` and the target columns as the simulator's Bayes-optimal predictor gives
            them, or the matrix; None for real data.
        counts: A sparse matrix with the rows of `features`, where the competition has one.
        sequences: DNA of the rows of `features`, where the competition has it.
        truth: The matrix to predict with the rows of `targets`, where the target is one; its
            blocks are those of `counts`.
        tables: What belongs to things that rows name, as the genes of a cell line, by a name: one
            row for each thing; the first column is its key and the name of a feature. Public, those
            of test rows too (docs/decisions/0027).
        files: What lies beside the tables, as pictures, by a name that may have folders. Public:
            models find them as `part.files`.
        answers: For a metric of others the organiser's answer rows as they are: `id` and the
            columns that it is given, in their own types; of the test rows at least. Without it the
            metric is given the targets, and the columns of `groups` that `metric_by` names.

    Which rows train and which are scored, the split alone says. Labelled rows may also be `extra`:
    given to learn from, never scored; or `unused`: given to nobody, since they would tell answers.
    """

    features: pd.DataFrame
    targets: pd.DataFrame
    groups: pd.DataFrame
    ceiling: pd.DataFrame | Counts | None = None
    counts: Counts | None = None
    sequences: Sequences | None = None
    truth: Counts | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    answers: pd.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class Data:
    """A prepared dataset in the cache; parts are read when asked for."""

    competition: Competition
    dataset: Dataset
    folder: Path
    manifest: Mapping[str, Any]

    def __repr__(self) -> str:
        rows = ", ".join(
            f"{name} {count:,}" for name, count in self.manifest.get("rows", {}).items()
        )
        return f"<Data: {self.competition.name}/{self.dataset.name}, rows {rows}>"

    @property
    def version(self) -> Version:
        """Which data, split and metric scores on it belong to."""
        return version_of(self.competition, self.manifest)

    def file(self, name: str) -> Path:
        """A prepared file, checked.

        Raises:
            DataError: If it is missing, changed or truncated, or may not be read.
        """
        path, sha256 = self.folder / name, self.manifest["files"].get(name)
        return whole(path, sha256, again=get_command(self.competition, self.dataset))

    def has(self, name: str) -> bool:
        """Whether this dataset has that file."""
        return name in self.manifest["files"]

    def table(self, name: str) -> pd.DataFrame:
        """A prepared Parquet table, checked."""
        import pandas as pd

        return pd.read_parquet(self.file(name))

    def ids(self, part: str) -> Any:
        """Ids of a part, in its order, as a pyarrow string array (no pandas needed)."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.file(f"{PUBLIC}/{part}.parquet")) as file:  # imports no pandas
            table = file.read(columns=["id"], use_threads=False)
        return table.column("id").combine_chunks().cast("string")

    def expected(self, rows: int) -> Expected:
        """What predictions of so many rows should hold."""
        from podium.data.formats import Expected

        return Expected.of(self.competition, rows, self.genes)

    def rows(self, part: str) -> int:
        """How many rows a part has."""
        import pyarrow.parquet as pq

        return int(pq.read_metadata(self.file(f"{PUBLIC}/{part}.parquet")).num_rows)

    def train(self, seed: int = 0) -> Part:
        """The train part: features, targets, folds, groups, and extra rows where there are any."""
        extra = self._labelled("extra", seed) if self.has(f"{PUBLIC}/extra.parquet") else None
        return replace(self._labelled("train", seed), extra=extra)

    def _labelled(self, name: str, seed: int) -> Part:
        """Rows with their answers: `train`, or `extra`."""
        part, folds = self.part(name, seed), self.table(f"{PUBLIC}/{FOLDS[name]}")
        targets = [target.name for target in self.competition.targets if not target.matrix]
        return replace(
            part,
            targets=part.features[targets],
            features=part.features.drop(columns=targets),
            truth=self.counts(f"{PUBLIC}/{TRUTH}") if name == "train" else None,
            folds=folds["fold"].to_numpy(np.int64),
            strata=folds["stratum"].to_numpy(object),
            groups=folds.drop(columns=["id", "fold", "stratum"]),
        )

    def part(self, name: str, seed: int = 0) -> Part:
        """`test` (public and private rows together, unmarked) or `open`: features only."""
        import pandas as pd

        features = self.table(f"{PUBLIC}/{name}.parquet")
        return Part(
            name=name,
            ids=pd.Index(features.pop("id"), name="id"),
            features=features,
            counts=self.counts(f"{PUBLIC}/{name}.h5"),
            sequences=self.sequences(f"{PUBLIC}/{name}{SEQUENCES}"),
            tables=self.tables,
            files=self.files,
            rng=np.random.default_rng([seed, *name.encode()]),
        )

    def counts(self, name: str) -> Counts | None:
        """The matrix of a prepared file, where the dataset has it."""
        return Counts.open(self.file(name)) if self.has(name) else None

    def sequences(self, name: str) -> Sequences | None:
        """The sequences of a prepared file, where the dataset has them."""
        return Sequences.open(self.file(name)) if self.has(name) else None

    @property
    def tables(self) -> Tables:
        """The tables beside the rows by name, read when one is asked for."""
        files = {
            name.removeprefix(f"{PUBLIC}/").removesuffix(TABLE): (self.folder / name, sha256)
            for name, sha256 in self.manifest["files"].items()
            if name.endswith(TABLE)
        }
        return Tables(files, get_command(self.competition, self.dataset))

    @property
    def files(self) -> dict[str, Path]:
        """What lies beside the tables, by name."""
        place = f"{PUBLIC}/{FILES}/"
        named = [name for name in self.manifest["files"] if name.startswith(place)]
        return {name.removeprefix(place): self.folder / name for name in named}

    @cached_property
    def genes(self) -> tuple[str, ...]:
        """Columns of the matrix to predict; none where the target is no matrix."""
        truth = self.counts(f"{PUBLIC}/{TRUTH}") if self.competition.matrix else None
        return () if truth is None else tuple(truth.genes.tolist())

    @cached_property
    def retired(self) -> tuple[str, ...]:
        """Ids that were test rows in an earlier split and are scored no longer."""
        return retired(self.competition, self.dataset)

    @property
    def labels(self) -> dict[str, list[str]]:
        """The labels that rows to learn from have, by target; none where any will do."""
        known = self.manifest.get("labels", {})
        targets = [target for target in self.competition.targets if target.label]
        return {t.name: [] if t.free else known.get(t.name, []) for t in targets}

    @property
    def has_open(self) -> bool:
        """Whether there are rows whose answers nobody here knows."""
        return self.has(f"{PUBLIC}/open.parquet")


def load(competition: Competition, dataset: Dataset) -> Data:
    """Open a prepared dataset; one that is at hand is made on first use.

    Raises:
        DataError: If it is not prepared, or was prepared from another version, or if raw files
            beside `competition.py` have changed since they were frozen.
    """
    ready, problems = _cached(competition, dataset)
    if ready:
        with suppress(OSError):  # one of an older Podium: its answers were open to all
            if (ready.folder / SOLUTION).stat().st_mode & 0o007:
                scratch.close(ready.folder / SOLUTION)
        return ready
    if dataset.at_hand:
        return prepare(competition, dataset)
    raise DataError(
        f"The data of {competition.name}/{dataset.name} is not ready.",
        problems=problems,
        hint=f"Get it: {get_command(competition, dataset)}",
    )


def get(
    competition: Competition,
    dataset: Dataset,
    *,
    source: Path | None = None,
    options: Mapping[str, Any] = MappingProxyType({}),
    progress: Progress | None = None,
) -> Data:
    """Make a dataset ready: what is whole stays, everything else is fetched and prepared.

    Args:
        competition: Whose data.
        dataset: Which one.
        source: A folder or zip that holds the raw files; None fetches them.
        options: What the user says of the raw files; see `Dataset.options`.
        progress: Shows what is fetched and prepared.

    Raises:
        DataError: If raw files are missing, changed, or cannot be fetched.
        UnknownNameError: For an option, or a value of one, that the dataset does not have.
    """
    if source is None:
        ready, _ = _cached(competition, dataset)
        if ready and not options and not damaged(ready):
            return ready
    return prepare(competition, dataset, source=source, options=options, progress=progress)


def _cached(competition: Competition, dataset: Dataset) -> tuple[Data | None, list[str]]:
    """What the cache has of a dataset, if it is of the present files; else why it is of no use.

    Raises:
        DataError: If raw files beside `competition.py` have changed since they were frozen.
    """
    folder = cache_folder(competition, dataset)
    manifest = _of_these_files(competition, dataset, read_manifest(folder))
    if manifest is None:
        return None, ["not prepared yet"]
    ready = Data(competition=competition, dataset=dataset, folder=folder, manifest=manifest)
    problems = differences(competition, dataset, manifest)
    return (None if problems else ready), problems


def damaged(data: Data) -> list[str]:
    """Names of prepared files that are missing or changed."""
    files = {**data.manifest["files"], f"{SOLUTION}/{SPLIT}": data.manifest["split"]}
    return [
        name
        for name, expected in files.items()
        if not (data.folder / name).is_file() or file_sha256(data.folder / name) != expected
    ]


def prepare(
    competition: Competition,
    dataset: Dataset,
    *,
    source: Path | None = None,
    options: Mapping[str, Any] = MappingProxyType({}),
    progress: Progress | None = None,
) -> Data:
    """Prepare a dataset from its raw files (or simulate it) and replace what the cache has."""
    prepared = build(competition, dataset, source=source, options=options, progress=progress)
    if progress:
        progress.stage(f"{competition.name}/{dataset.name}: verifying and writing")
    table = split_table(competition, dataset, prepared)
    known = content(prepared, table)
    problems = differences(competition, dataset, known)
    if problems:
        raise DataError(
            f"{competition.name}/{dataset.name} does not match its checksums.json.",
            problems=problems,
        )
    with staged(competition, dataset, prepared, table, known) as ready:
        pass
    return replace(ready, folder=cache_folder(competition, dataset))


def content(prepared: Prepared, table: bytes) -> dict[str, str]:
    """The sha256 of prepared data and of their split, as `checksums.json` has them."""
    return {"data": fingerprint(prepared), "split": hashlib.sha256(table).hexdigest()}


@contextmanager
def staged(
    competition: Competition,
    dataset: Dataset,
    prepared: Prepared,
    table: bytes,
    known: Mapping[str, str],
) -> Iterator[Data]:
    """Prepared data that take the place of what the cache has at the end, or after an error never.

    Args:
        competition: Whose data.
        dataset: Which one.
        prepared: What it is prepared to.
        table: Its split as CSV.
        known: Their `content`.

    Raises:
        DataError: If the split does not fit, or the disk refuses.
    """
    folder = cache_folder(competition, dataset)
    before = read_manifest(folder)
    manifest: dict[str, Any] = {
        "form": FORM,
        "competition": competition.name,
        "dataset": dataset.name,
        **known,
        "raw": raw.beside(competition, dataset),
    }
    split = _read_split(table, f"{competition.name}/{dataset.name}", prepared)
    prepared = with_plain_labels(competition, prepared)
    with _replacing(folder) as new:
        _write(new, competition, prepared, split)
        manifest["labels"] = _labels(competition, prepared, split)
        (new / SOLUTION / SPLIT).write_bytes(table)
        files = sorted(path for path in new.rglob("*") if path.is_file())
        manifest["rows"] = _rows(split["part"])
        manifest["files"] = {str(f.relative_to(new).as_posix()): file_sha256(f) for f in files}
        (new / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8", newline="\n")
        if before and known.items() <= before.items():  # the same answers: what was kept holds
            with suppress(FileNotFoundError, PermissionError):
                (new / KEPT).write_bytes((folder / KEPT).read_bytes())
        scratch.close(new / SOLUTION)
        yield Data(competition=competition, dataset=dataset, folder=new, manifest=manifest)


def _of_these_files(
    competition: Competition, dataset: Dataset, manifest: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The manifest, if it was made of the raw files as they lie beside `competition.py` now.

    None where they are others and may be, so that they are prepared.

    Raises:
        DataError: If they are others than those that were frozen.
    """
    if manifest is None or dataset.simulated or not dataset.at_hand:
        return manifest
    known = manifest.get("raw", {})
    now = raw.beside(competition, dataset, known)
    if now.items() <= known.items():
        return manifest
    frozen = {
        f"{entry.url}/{name}": sha256
        for entry in dataset.sources
        for name, sha256 in entry.members.items()
    }
    changed = [
        f"{name}: sha256 is {fact['sha256'][:12]}..., expected {expected[:12]}..."
        + f": {LINE_ENDS}" * (expected in other_line_ends(competition.folder / name))
        for name, fact in now.items()
        if (expected := frozen[name]) not in (None, fact["sha256"])
    ]
    if changed:
        raise DataError(
            f"Raw files of {competition.name}/{dataset.name} have changed since they were frozen.",
            problems=changed,
            hint=f"If that is meant: podium freeze {competition.name}; "
            "else put back what was there.",
        )
    if any(known.get(name, fact)["sha256"] != fact["sha256"] for name, fact in now.items()):
        return None
    manifest["raw"] = {**known, **now}  # the same content, written at another time
    with suppress(OSError):
        folder = cache_folder(competition, dataset)
        with scratch.replacing(folder / MANIFEST) as made:
            made.write_text(json.dumps(manifest, indent=1), encoding="utf-8", newline="\n")
    return manifest


def _rows(part: pd.Series[str]) -> dict[str, int]:
    """How many rows each part has, public and private ones together as `test`."""
    counts = part.replace({"public": "test", "private": "test"}).value_counts()
    return {str(name): int(count) for name, count in counts.items()}


def build(
    competition: Competition,
    dataset: Dataset,
    *,
    source: Path | None = None,
    options: Mapping[str, Any] = MappingProxyType({}),
    progress: Progress | None = None,
) -> Prepared:
    """Run the competition's own preparation (or simulator) and give its tables.

    Raises:
        DataError: If there is something wrong with raw files or tables.
    """
    prepared = _built(competition, dataset, source, options, progress=progress)
    beside.check(prepared, ["part", "stratum", "fold", *(t.name for t in competition.targets)])
    return prepared


def _built(
    competition: Competition,
    dataset: Dataset,
    source: Path | None,
    options: Mapping[str, Any],
    *,
    progress: Progress | None,
) -> Prepared:
    _check_options(dataset, f"{competition.name}/{dataset.name}", options)
    if dataset.simulated:
        if source is not None:
            raise DataError(
                f"{competition.name}/{dataset.name} is simulated: it takes no files.",
                hint="Name a real dataset with --dataset; see them: podium list",
            )
        simulate = getattr(competition.module("simulate"), dataset.function)
        if progress:
            progress.stage(f"{competition.name}/{dataset.name}: simulating")
        with competition.telling("simulate"):
            return cast("Prepared", simulate())
    prepare_raw = getattr(competition.module("data"), dataset.function)
    name = f"The data of {competition.name}/{dataset.name}"
    with (
        raw.members(competition, dataset, source=source, progress=progress) as files,
        competition.telling("data"),
        require_extra(name),
    ):
        if progress:
            progress.stage(f"{competition.name}/{dataset.name}: preparing")
        try:
            return cast("Prepared", prepare_raw(files, **options))
        except DataError as error:  # a hint that names the command can be run as it is
            hint = error.hint.replace(_FROM, f"--from {shlex.quote(str(source or 'DIR'))}")
            raise DataError(error.message, problems=error.problems, hint=hint) from error


def _check_options(dataset: Dataset, place: str, options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if name not in dataset.options:
            raise UnknownNameError(f"option of {place}", name, dataset.options)
        if value not in dataset.options[name]:
            raise UnknownNameError(f"{name} of {place}", str(value), dataset.options[name])


def retired(competition: Competition, dataset: Dataset) -> tuple[str, ...]:
    """Ids of test rows that are scored no longer: `podium freeze` lists them, one a line."""
    file = competition.data_folder / "splits" / f"{dataset.name}.retired.txt"
    return tuple(file.read_text(encoding="utf-8").splitlines()) if file.is_file() else ()


def split_table(competition: Competition, dataset: Dataset, prepared: Prepared) -> bytes:
    """A dataset's split as CSV: the frozen one, or for files that only their owners have by rule.

    Raises:
        DataError: If there is neither.
    """
    file = competition.data_folder / "splits" / f"{dataset.name}.csv"
    if file.is_file():
        return split_of_rows(file.read_bytes().replace(b"\r\n", b"\n"), prepared)
    if dataset.frozen:
        raise DataError(f"{file} is missing: the split of {competition.name}/{dataset.name}.")
    split: Callable[[Prepared], pd.DataFrame]
    split = getattr(competition.module("split"), dataset.function)
    return split_of_rows(_csv(split(prepared)), prepared)


def split_of_rows(table: bytes, prepared: Prepared) -> bytes:
    """A split as CSV with a line for each row.

    Args:
        table: That; or one by a feature, which its first column names instead of `id`: all rows of
            one value lie together then, and those without an answer are open.
        prepared: The rows.
    """
    import pandas as pd

    key = table.partition(b",")[0].decode()
    if key == "id" or key not in prepared.features:
        return table
    parts = pd.read_csv(BytesIO(table), dtype=str, keep_default_na=False)
    rows = prepared.features[["id", key]].merge(parts, on=key, how="left", validate="many_to_one")
    labelled = among(rows["id"], prepared.targets["id"])
    rows["part"] = rows["part"].where(labelled | rows["part"].isna(), "open")
    return _csv(rows[_SPLIT_COLUMNS])


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()


def fingerprint(prepared: Prepared) -> str:
    """sha256 of the content of all tables, whatever the file format or library version."""
    digest = hashlib.sha256()
    named = ("features", "targets", "groups", "ceiling", "answers")
    tables = {name: getattr(prepared, name) for name in named}
    tables |= {f"table {name}": table for name, table in prepared.tables.items()}
    for name, table in tables.items():
        if table is not None and not isinstance(table, Counts):
            digest.update(f"[{name}:{len(table)}]".encode())
            for column in table.columns:
                digest.update(f"[{column}]".encode())
                for chunk in _content(table[column]):
                    digest.update(chunk)
    for name, file in sorted(prepared.files.items()):
        digest.update(f"[file {name}:{scratch.file_sha256(file)}]".encode())
    for matrix in (prepared.counts, prepared.sequences, prepared.truth, prepared.ceiling):
        if isinstance(matrix, Counts | Sequences):
            for chunk in matrix.content():
                digest.update(chunk)
    return digest.hexdigest()


def _content(column: pd.Series[Any]) -> Iterator[Any]:
    """Canonical bytes of a column: numbers as they are, anything else as codes and texts."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        floats = pd.api.types.is_float_dtype(column.dtype)
        numbers = column.to_numpy().astype("<f8" if floats else "<i8", copy=False)
        if floats and (missing := np.isnan(numbers)).any():
            numbers = np.where(missing, np.nan, numbers)
        yield np.ascontiguousarray(numbers)
        return
    codes, values = pd.factorize(column)
    yield codes.astype("<i8", copy=False)
    if isinstance(values.dtype, pd.StringDtype):
        yield _sized(values)
        return
    texts = (str(value).encode() for value in values)
    yield b"".join(b"%d:%b" % (len(text), text) for text in texts)


def _sized(texts: Any) -> Any:
    """Bytes of texts, each after its length: as above, without a look at each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    given = pa.array(texts, pa.large_string())
    given = given.combine_chunks() if isinstance(given, pa.ChunkedArray) else given
    sizes = pc.binary_length(given).cast(pa.large_string())
    joined = pc.binary_join_element_wise(sizes, given, pa.scalar(":", pa.large_string()))
    whole = pa.LargeListArray.from_arrays([0, len(joined)], joined)
    return pc.binary_join(whole, pa.scalar("", pa.large_string()))[0].as_buffer()


def _write(folder: Path, competition: Competition, prepared: Prepared, split: pd.DataFrame) -> None:
    """Write the public tables and, in their own directory, the solution."""
    part = split["part"].to_numpy()
    labelled, test = part != "open", np.isin(part, ["public", "private"])
    rows_of = {"train": part == "train", "test": test, "open": ~labelled, "extra": part == "extra"}
    targets, groups = (t.drop(columns="id") for t in (prepared.targets, prepared.groups))
    for name in (PUBLIC, SOLUTION):
        (folder / name).mkdir(parents=True)

    def save(table: pd.DataFrame, name: str) -> None:
        _save(table, np.arange(len(table)), folder / name)

    for name, rows in rows_of.items():
        if not rows.any() and name in ("open", "extra"):
            continue
        answers = None
        if name in FOLDS:
            answers, units = (t[rows[labelled]].reset_index(drop=True) for t in (targets, groups))
            folds = split.loc[rows, ["id", "fold", "stratum"]].reset_index(drop=True)
            save(folds.astype({"fold": np.int64}).join(units), f"{PUBLIC}/{FOLDS[name]}")
        file = folder / PUBLIC / f"{name}.parquet"
        _save(prepared.features, np.flatnonzero(rows), file, answers)
        for matrix, ending in ((prepared.counts, ".h5"), (prepared.sequences, SEQUENCES)):
            if matrix is not None and rows.any():
                matrix.take(rows).write(folder / PUBLIC / f"{name}{ending}")
    for name, file in prepared.files.items():
        (folder / PUBLIC / FILES / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / PUBLIC / FILES / name)
    for name, one in prepared.tables.items():
        save(one, f"{PUBLIC}/{name}{beside.TABLE}")
    learnt, scored = rows_of["train"][labelled], test[labelled]
    labels = [target.name for target in competition.targets if target.label]
    _write_sample(folder / PUBLIC / SAMPLE, prepared, test, targets[learnt], labels)
    solution = split.loc[test, ["id", "part", "stratum"]].reset_index(drop=True)
    save(solution.join(targets[scored].reset_index(drop=True)), f"{SOLUTION}/solution.parquet")
    save(prepared.groups[scored], f"{SOLUTION}/groups.parquet")
    if prepared.truth is not None:
        prepared.truth.take(learnt).write(folder / PUBLIC / TRUTH)
        prepared.truth.take(scored).write(folder / SOLUTION / "solution.h5")
    if isinstance(prepared.ceiling, Counts):
        prepared.ceiling.take(scored).write(folder / SOLUTION / "ceiling.h5")
    elif prepared.ceiling is not None:
        ceiling = prepared.ceiling.set_index("id").loc[solution["id"]].reset_index()
        save(ceiling, f"{SOLUTION}/ceiling.parquet")
    if prepared.answers is not None:
        whole = prepared.answers.set_index(prepared.answers["id"].astype(str))
        lacking = ~among(solution["id"], whole.index)
        if lacking.any() or not whole.index.is_unique:
            raise DataError(
                f"`answers` of data.py must have each test row once: {int(lacking.sum())} are not "
                f"there, {int(whole.index.duplicated().sum())} are there again.",
                hint="Its column `id` has the ids of `targets`, as text or as whole numbers.",
            )
        save(whole.loc[solution["id"]], f"{SOLUTION}/answers.parquet")
        ids = prepared.targets.loc[learnt, "id"]
        if among(ids, whole.index).all():
            save(whole.loc[ids], f"{PUBLIC}/{ANSWER_ROWS}")


def _save(
    table: pd.DataFrame, rows: NDArray[np.int64], file: Path, beside: pd.DataFrame | None = None
) -> None:
    """Write some rows of a table as Parquet, many values at a time: it may be most of the memory.

    Args:
        table: Its index is of no account.
        rows: Which.
        file: Where to.
        beside: Further columns, of these rows alone.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    def part(start: int, end: int) -> pd.DataFrame:
        some = table.iloc[rows[start:end]].reset_index(drop=True)
        return some if beside is None else some.join(beside[start:end].reset_index(drop=True))

    kinds = dict(part(0, 0).dtypes)
    # numbers hardly repeat: a dictionary of them takes a third of the time, and no less room
    repeat = [str(name) for name, kind in kinds.items() if kind.kind != "f"]
    step = max(1, _VALUES // max(1, len(kinds)))
    objects = [name for name, kind in kinds.items() if kind.kind == "O" and kind != "str"]
    own = pd.DataFrame() if beside is None else beside
    columns = (own[name] if name in own else table[name].iloc[rows] for name in objects)
    by_value = any(pd.api.types.infer_dtype(column) != "string" for column in columns)
    if len(rows) <= step or by_value:  # what they are takes all values to say
        part(0, len(rows)).to_parquet(file, index=False, compression="zstd", use_dictionary=repeat)
        return
    schema = pa.Table.from_pandas(part(0, 1), preserve_index=False).schema
    for name in objects:
        schema = schema.set(schema.get_field_index(str(name)), pa.field(str(name), pa.string()))
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=repeat) as writer:
        for start in range(0, len(rows), step):
            some = part(start, start + step)
            writer.write_table(pa.Table.from_pandas(some, schema=schema, preserve_index=False))


def _write_sample(
    file: Path,
    prepared: Prepared,
    test: NDArray[np.bool_],
    answers: pd.DataFrame,
    labels: Sequence[str],
) -> None:
    """A file of the right form: every row has the same guess, or the counts as they are."""
    ids = prepared.features.loc[test, ["id"]]
    if prepared.truth is None or prepared.counts is None:
        import pandas as pd

        guess = pd.DataFrame(_plain_guess(answers, labels), index=ids.index)
        pd.concat([ids, guess], axis=1).to_csv(file, index=False, lineterminator="\n")
        return
    import pyarrow as pa
    from pyarrow import csv

    counts = prepared.counts.take(test)
    names, columns = counts.genes.tolist(), list(counts.matrix().toarray().T)
    if all((column == np.floor(column)).all() for column in columns):
        columns = [column.astype(np.int64) for column in columns]
    csv.write_csv(
        pa.table({"id": ids["id"].to_list(), **dict(zip(names, columns, strict=True))}), file
    )


def target_columns(
    competition: Competition, table: Columns, matrix: Counts | None = None
) -> dict[str, Any]:
    """The targets of a table as the metric takes them: float64, labels as text, or a matrix."""
    if competition.matrix and matrix is not None:
        return {competition.targets[0].name: matrix.matrix()}
    return {
        t.name: _texts(table[t.name]) if t.label else np.asarray(table[t.name], np.float64)
        for t in competition.targets
    }


def _texts(labels: Any) -> NDArray[np.object_]:
    """Labels as text, as those of submissions are read; what is text already stays as it is."""
    if np.asarray(labels).dtype == object:
        return np.asarray(labels, object)
    from podium.columns import answer_labels

    return cast("NDArray[np.object_]", answer_labels(labels))


def metric_columns(
    competition: Competition,
    targets: Columns,
    groups: Columns,
    *,
    truth: Counts | None = None,
    counts: Counts | None = None,
) -> dict[str, Any]:
    """What the metric compares predictions with: targets, and what else it asks for.

    Raises:
        DataError: If it asks for groups that are missing.
    """
    columns = target_columns(competition, targets, truth)
    if unknown := [kind for kind in competition.metric_by if kind not in groups]:
        raise DataError(
            f"metric_by of {competition.name} names {', '.join(map(repr, unknown))}: `groups` of "
            "data.py has no such column.",
            hint="Put it there, or take it out of metric_by, and freeze the data: "
            f"podium freeze {competition.name}",
        )
    for kind in competition.metric_by:
        columns[kind] = np.asarray(groups[kind], object)
    if competition.observed and counts is not None:
        columns["observed"] = counts.matrix()
    return columns


def train_columns(data: Data, train: Part) -> dict[str, Any]:
    """What the metric compares predictions of train rows with.

    Raises:
        DataError: If there are no train rows.
    """
    if train.targets is None or train.groups is None or not len(train):
        raise DataError(
            f"{data.competition.name}/{data.dataset.name} has no train rows to score on.",
            hint="Take a dataset that has some, such as "
            f"--dataset {data.competition.datasets[0].name}.",
        )

    both, name = (train.targets, train.groups), f"{PUBLIC}/{ANSWER_ROWS}"
    columns = metric_columns(data.competition, *both, truth=train.truth, counts=train.counts)
    if data.competition.metric.others is not None:
        rows = None
        if data.has(name):
            rows = data.table(name).set_index(data.ids("train").to_pandas()).loc[train.ids]
        columns |= given_to_others(data.competition, train.ids, *both, rows)
    return columns


def given_to_others(
    competition: Competition,
    ids: Any,
    targets: pd.DataFrame,
    groups: pd.DataFrame,
    rows: pd.DataFrame | None,
) -> dict[str, Any]:
    """What a metric of others is given beside this: the organiser's rows, or as if they were."""
    from podium.competition.foreign import answer_rows

    names = [target.name for target in competition.targets]
    more = groups[[kind for kind in competition.metric_by if kind in groups]]
    return {ANSWERS: answer_rows(ids, targets[names], more, rows)}


def _plain_guess(answers: pd.DataFrame, labels: Sequence[str]) -> dict[str, Any]:
    """The same value for every row of the sample: the mean, or the most common label."""
    import pandas as pd

    def of(column: pd.Series[Any]) -> Any:
        if column.name not in labels and pd.api.types.is_numeric_dtype(column.dtype):
            return round(float(column.mean()), 4)
        return column.mode().iloc[0] if len(column) else "1"

    return {str(name): of(answers[name]) for name in answers}


def with_plain_labels(competition: Competition, prepared: Prepared) -> Prepared:
    """The same with labels as text, read once for all answers, or as the integers that they are.

    Whether `2.0` says `2` depends on all labels of a target: a part of them cannot tell.
    """
    import pandas as pd

    from podium.columns import answer_labels

    sides: dict[str, Any] = {"targets": prepared.targets}
    if isinstance(prepared.ceiling, pd.DataFrame):
        sides["ceiling"] = prepared.ceiling
    for target in competition.targets:
        if target.label:
            column = pd.concat({side: table[target.name] for side, table in sides.items()})
            if target.text:
                column = column.fillna("").astype(str).astype(object)
            elif not (isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub"):
                column = pd.Series(answer_labels(column), column.index, dtype=object)
            sides = {side: t.assign(**{target.name: column[side]}) for side, t in sides.items()}
    return replace(prepared, **sides)


def _labels(
    competition: Competition, prepared: Prepared, split: pd.DataFrame
) -> dict[str, list[str]]:
    """The labels of rows to learn from, by target."""
    learnt = split.loc[split["part"].isin(FOLDS), "id"]
    targets = prepared.targets[among(prepared.targets["id"], learnt)]
    names = [target.name for target in competition.targets if target.label]
    return {name: sorted(_texts(targets[name].dropna().unique())) for name in names}


def _read_split(table: bytes, dataset: str, prepared: Prepared) -> pd.DataFrame:
    """The frozen split, in the order of the features.

    Raises:
        DataError: If its ids are not those of the prepared data.
    """
    name = f"The split of {dataset}"
    split = read_split(BytesIO(table))
    if list(split.columns) != _SPLIT_COLUMNS:
        raise DataError(f"{name} must have the columns {', '.join(_SPLIT_COLUMNS)}.")
    split = split.set_index("id").reindex(prepared.features["id"]).reset_index()
    lost = split["part"].isna()
    labelled, ids = split.loc[split["part"] != "open", "id"], prepared.targets["id"]
    if lost.any() or not np.array_equal(labelled.to_numpy(object), ids.to_numpy(object)):
        raise DataError(
            f"{name} does not fit this data: {int(lost.sum())} ids have no part, "
            f"{len(labelled)} are split, {len(ids)} have targets."
        )
    return split


def read_split(file: Any) -> pd.DataFrame:
    """A split as it was written: `NA` is an id like any other."""
    import pandas as pd

    texts = dict.fromkeys(["id", "part", "stratum"], str)
    nothing = {"fold": [""], "part": [""], "stratum": [""]}
    return pd.read_csv(file, dtype=texts, keep_default_na=False, na_values=nothing)


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A new directory that takes the place of `folder` once it is whole, and not before."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch.directory(f".{folder.name}-", folder.parent) as place:
            new, old = place / "new", place / "old"
            new.mkdir()
            yield new
            with suppress(FileNotFoundError):
                folder.rename(old)
            try:
                new.rename(folder)
            except OSError as error:  # two may prepare the same data at once: either result will do
                known = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
                if not known or read_manifest(folder) is None:
                    raise
    except OSError as error:
        raise DataError(
            f"The prepared data cannot be written to {folder}: {reason(error)}.",
            hint="Make room there, or name another place: PODIUM_DATA=DIR",
        ) from error
