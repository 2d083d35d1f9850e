"""Submissions: read a predictions file, check it, keep it under the name of its content.

Every submission passes one validated join by id before any metric sees it. Everything that is
wrong is said at once, with counts and the first five examples, and nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from podium import scratch
from podium.columns import EXAMPLES, as_numpy, first, listed, many
from podium.data import formats
from podium.data.columns import Wide, column_problems, labels, numbers
from podium.data.formats import wanted
from podium.data.reader import Reader, read
from podium.errors import SubmissionError, reason
from podium.scoring.matching import permutation
from podium.scratch import file_sha256

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.contract import Competition
    from podium.competition.metric import Table
    from podium.competition.part import Part
    from podium.data.dataset import Data


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A predictions file that can be scored.

    Attributes:
        rows: How many are scored.
        notes: What whoever made it should look at.
    """

    rows: int
    notes: tuple[str, ...] = ()


def check(
    path: Path, data: Data, notes: list[str] | None = None, reader: Reader | None = None
) -> Table:
    """The predictions of a file, aligned with the test ids.

    Args:
        path: The file.
        data: Whose test part it predicts.
        notes: Gets a sentence for each thing that is allowed but should be looked at.
        reader: Reads it, where it is a file of others.

    Raises:
        SubmissionError: With everything that is wrong.
    """
    with ThreadPoolExecutor(1) as pool:  # both files are read at once
        known = pool.submit(data.ids, "test")
        table = read(path, data.expected(data.rows("test")), reader)
        ids = known.result()
    if notes is not None and (text := formats.said(path)):
        notes.append(text)
    return align(
        *(table, data.competition, ids, lambda: data.part("test"), data.genes),
        known=data.labels,
        dataset=data.dataset.name,
        retired=data.retired,
        unscored=partial(data.ids, "open") if data.has_open else None,
        notes=notes,
    )


def align(
    table: pa.Table | Wide,
    competition: Competition,
    ids: pa.StringArray,
    part: Callable[[], Part] | None = None,
    genes: Sequence[str] = (),
    *,
    known: Mapping[str, Collection[str]] | None = None,
    dataset: str | None = None,
    retired: Sequence[str] = (),
    unscored: Callable[[], pa.StringArray] | None = None,
    notes: list[str] | None = None,
) -> Table:
    """Check a predictions table and give its columns in the order of `ids`.

    Args:
        table: As `podium.data.reader.read` gives it.
        competition: Whose columns and ranges are expected.
        ids: The ids to predict, each once.
        part: Gives the rows of these ids, for what the competition itself checks.
        genes: Columns of the matrix, where the target is one.
        known: The labels that train has, by target.
        dataset: The one that the rows are of, for the hint; None for the default one.
        retired: Ids that are scored no longer: their rows are left out.
        unscored: Gives the ids of open rows: theirs, too.
        notes: Gets a sentence for each thing that is allowed but should be looked at.

    Returns:
        float64, labels, or a matrix [ids, genes], by the names of the targets.

    Raises:
        SubmissionError: With everything that is wrong.
    """
    columns_wanted = wanted(competition, genes)
    problems = column_problems(table.column_names, table.num_rows, columns_wanted, notes=notes)
    problems += _transposed(table, ids, genes)
    rows: Any = None
    if table.column_names.count("id") == 1:
        given, trouble = _text_ids(table.column("id"))
        if given is not None:
            left_out = {"no longer scored": lambda: pa.array(retired, pa.string())}
            if unscored is not None:
                left_out["open, not scored"] = unscored
            rows, trouble = _id_problems(given, ids, left_out, notes)
        problems += trouble
    if genes:
        columns, trouble = _matrix(table, competition, genes)
    else:
        columns, trouble = _columns(table, competition, known or {}, notes)
    problems += trouble
    aligned = {} if problems else {name: _in_order(v, rows) for name, v in columns.items()}
    check = competition.check
    if part is not None and check is not None and not problems:
        problems = check(part(), aligned)
    if problems:
        names = f"{competition.name} --dataset {dataset or competition.datasets[0].name}"
        raise SubmissionError(
            f"The submission cannot be scored: {len(problems)} "
            f"problem{'s' if len(problems) > 1 else ''}.",
            problems=problems,
            hint=f"What is expected: podium show {names}; "
            f"as a file, the sample_submission.csv of: podium data {names}",
        )
    return aligned


def frame(ids: Any, predictions: Table, genes: Sequence[str] = ()) -> pd.DataFrame:
    """Aligned predictions as a table: id, and the target columns or those of the matrix."""
    import pandas as pd

    if not genes:
        return pd.DataFrame({"id": ids, **predictions})
    (matrix,) = predictions.values()
    dense: Any = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    table = pd.DataFrame(dense, columns=list(genes))
    table.insert(0, "id", np.asarray(ids))
    return table


def from_pandas(table: Any, source: str = "predict() returned") -> pa.Table:
    """Predictions as a table.

    Args:
        table: A DataFrame of them.
        source: How a refusal of its columns begins: where they are from.

    Raises:
        SubmissionError: If `table` is no DataFrame of plain columns.
    """
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        shape = f" of shape {table.shape}" if isinstance(table, np.ndarray) else ""
        raise SubmissionError(
            f"predict() returned {type(table).__name__}{shape}; it must return a pandas DataFrame.",
            hint='For example: pd.DataFrame({"id": part.ids, ...})',
        )
    named = table.index.name == "id" and "id" not in table.columns
    columns = table.reset_index(drop=not named)
    names = [str(name) for name in columns.columns]
    arrays, problems = [], []
    for place, name in enumerate(names):
        values = columns.iloc[:, place]
        try:
            arrays.append(pa.array(values, from_pandas=True))
            if pa.types.is_nested(arrays[-1].type):
                problems.append(f"column {name!r} has {arrays[-1].type} in each row")
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            problems.append(f"column {name!r} of type {values.dtype}: {reason}")
    if problems:
        raise SubmissionError(f"{source} columns that are no plain values.", problems=problems)
    return pa.Table.from_arrays(arrays, names=names)


def write(table: Any, path: Path, source: str = "predict() returned") -> None:
    """Write predictions as Parquet: the same bytes for the same content; see `from_pandas`."""
    import pyarrow.parquet as pq

    pq.write_table(from_pandas(table, source), path, compression="zstd")


def keep(made: Path, folder: Path, name: str) -> Path:
    """Move a file of one's own to `folder` under `name`, unless the same is there.

    Raises:
        SubmissionError: If the disk refuses.
    """
    target = folder / name
    if target.is_file() and file_sha256(target) == file_sha256(made):
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch.place(made, target)
    except OSError as error:
        raise SubmissionError(
            f"{target} cannot be written: {reason(error)}.",
            hint="Make room there, or work in another folder: PODIUM_WORKSPACE=DIR",
        ) from error
    return target


def _columns(
    table: pa.Table,
    competition: Competition,
    known: Mapping[str, Collection[str]],
    notes: list[str] | None,
) -> tuple[dict[str, Any], list[str]]:
    """The target columns as they are, and what is wrong with their values."""
    columns: dict[str, Any] = {}
    problems: list[str] = []
    for target in competition.targets:
        if table.column_names.count(target.name) == 1:
            if target.label:
                values, trouble = labels(table, target, known.get(target.name), notes)
            else:
                values, trouble = numbers(table, target)
            problems += trouble
            columns[target.name] = values
    return columns, problems


def _matrix(
    table: pa.Table | Wide, competition: Competition, genes: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """The matrix as it is, if all its columns are there, and what is wrong with its values."""
    times = Counter(table.column_names)
    if any(times[gene] != 1 for gene in genes):
        return {}, []
    wide = table.take(genes) if isinstance(table, Wide) else Wide.of(table, genes)
    target = competition.targets[0]
    return {target.name: wide.values}, wide.problems(target)  # noqa: PD011


def _in_order(values: Any, rows: Any) -> Any:
    """The rows that are asked for; without a copy where they are in order, as they mostly are."""
    same = len(rows) == values.shape[0] and (rows == np.arange(len(rows))).all()
    return values if same else values[rows]


def _transposed(table: pa.Table | Wide, ids: pa.StringArray, genes: Sequence[str]) -> list[str]:
    """Say so where the columns are what should be the rows."""
    others = set(table.column_names).difference(["id"], genes)
    if not genes or others.isdisjoint(ids.to_pylist()):
        return []
    return ["the columns are named after ids: save the matrix the other way round"]


def _text_ids(column: pa.ChunkedArray) -> tuple[pa.StringArray | None, list[str]]:
    """Ids as text, and what is wrong with their type."""
    given = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_dictionary(given.type):
        given = given.dictionary_decode()
    try:
        return given.cast(pa.string()), []
    except pa.ArrowException:
        return None, [f"column 'id' has type {column.type}; text or whole numbers are expected"]


def _id_problems(
    given: pa.StringArray,
    ids: pa.StringArray,
    left_out: Mapping[str, Callable[[], pa.StringArray]],
    notes: list[str] | None,
) -> tuple[Any, list[str]]:
    """The row of each expected id, and what is wrong with the given ones."""
    if given.equals(ids):
        return np.arange(len(ids)), []
    rows = permutation(given, ids)
    return (rows, []) if rows is not None else _careful(given, ids, left_out, notes)


def _careful(
    given: pa.StringArray,
    ids: pa.StringArray,
    left_out: Mapping[str, Callable[[], pa.StringArray]],
    notes: list[str] | None,
) -> tuple[Any, list[str]]:
    """The same for ids that cannot be matched quickly, mostly because they are wrong."""
    problems = []
    given = pc.if_else(pc.equal(given, ""), None, given)
    if given.null_count:
        problems.append(f"{many(given.null_count, 'row')} without an id")
    position = pc.index_in(given, value_set=ids)
    unknown = pc.filter(given, pc.and_(pc.is_null(position), pc.is_valid(given)))
    for why, known in left_out.items():
        if not len(unknown):
            break
        theirs = pc.is_in(unknown, value_set=known())
        out, unknown = pc.filter(unknown, theirs), pc.filter(unknown, pc.invert(theirs))
        if len(out) and notes is not None:
            are, were = ("is", "was") if len(out) == 1 else ("are", "were")
            notes.append(f"{many(len(out), 'row')} {are} {why} and {were} left out: {listed(out)}")
    if len(unknown):
        problems.append(f"{many(len(unknown), 'unknown id')}: {listed(unknown)}")
        if pc.all(pc.ends_with(unknown, ".0")).as_py():
            problems.append("the ids were saved as decimals (7.0 for 7): save them as text")
        bare = pc.utf8_trim(unknown, " \t\r'\"")
        if pc.all(pc.is_in(bare, value_set=ids)).as_py():
            problems.append("the ids have spaces or quotes around them: save them without")
        for form, what in (("NFC", "composed (NFC)"), ("NFD", "decomposed (NFD)")):
            if pc.any(pc.is_in(pc.utf8_normalize(unknown, form), value_set=ids)).as_py():
                problems.append(
                    f"some ids look the same but have other characters: write accents {what}, as "
                    "the test ids have them"
                )
    rows = pc.index_in(ids, value_set=given)
    missing = pc.filter(ids, pc.is_null(rows))
    if len(missing):
        problems.append(f"{many(len(missing), 'id')} missing: {listed(missing)}")
    count = np.bincount(as_numpy(position.drop_null()), minlength=len(ids))
    twice = np.flatnonzero(count > 1)
    if len(twice):
        names = [ids[int(row)].as_py() for row in twice[:EXAMPLES]]
        problems.append(f"{many(len(twice), 'id')} more than once: {first(names, len(twice))}")
    return as_numpy(rows), problems
