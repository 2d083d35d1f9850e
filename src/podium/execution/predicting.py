"""Predict rows of one's own: read and check them, train once (or load), predict.

A fitted model is kept in the cache under a name that follows from all that made it: data, the code
beside the model file, parameters, seed, versions. What cannot be kept, or does not load, is trained
again. A kept model is a pickle, which runs code when it is read: only the walled process of the
model that wrote it does that.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from podium import scratch, workspace
from podium.columns import EXAMPLES, first, many
from podium.competition import model_file
from podium.competition.part import Part
from podium.competition.sequences import Sequences
from podium.competition.version import PUBLIC
from podium.data import formats, h5ad, hdf5
from podium.data.beside import TABLE, unknown
from podium.data.columns import column_problems
from podium.data.formats import SEQUENCE, Expected
from podium.data.parsing import NULLS
from podium.data.reader import read
from podium.errors import DataError, PodiumError, UnknownNameError, note
from podium.execution import provenance, training, views
from podium.execution.views import ROWS
from podium.execution.worker import Done, Limits, Worker
from podium.scoring import submission
from podium.scratch import file_sha256

if TYPE_CHECKING:
    from podium.competition.model_file import ModelFile
    from podium.competition.part import Progress
    from podium.data.dataset import Data

OUTPUTS = (".csv", ".parquet", ".h5", ".h5ad")
ANNOTATED = ".h5ad"
_GAP = "NA"
_NO_VALUE = {text.lower() for text in NULLS}
_TRUTH = {"true": True, "false": False, "1": True, "0": False}
_ROW_NAMES = ("", "X", "V1", "rownames", "row.names", "rowname", "...1", "Unnamed: 0")
"""What R and pandas put above the names of rows."""
_DIGEST = hashlib.sha256().digest_size
_KEPT = 4 << 30  # bytes of a fitted model that is kept


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """Predictions of somebody's own rows.

    Attributes:
        table: `id` and the target columns, in the order of the rows.
        file: Where they were written, if anywhere.
        loaded: Whether the fitted model came from the cache.
        seconds: Wall time.
        left_open: What this system did not guard from the model's code.
    """

    table: pd.DataFrame
    file: Path | None
    loaded: bool
    seconds: float
    left_open: tuple[str, ...] = ()


def predict(
    data: Data,
    model: ModelFile,
    rows: Path | pd.DataFrame,
    *,
    params: Mapping[str, Any],
    tables: Mapping[str, Path | pd.DataFrame] = MappingProxyType({}),
    limits: Limits,
    seed: int = 0,
    output: Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Predicted:
    """Predict the rows of a table, or of a file of any form, with the feature columns.

    Where the competition has sequences, these are a column `sequence`; or the file is FASTA, with
    the other columns as `key=value` behind each name. Where it has tables beside the rows, `tables`
    may give further ones of the same columns, for things that the dataset does not know.

    Raises:
        PodiumError: With everything that is wrong with the rows; or if `output` is there already
            and not forced. Nothing is trained then.
        ModelError: If the model fails on the rows.
    """
    start = time.perf_counter()
    for name in tables:
        if name not in data.tables:
            raise UnknownNameError(f"table of {data.competition.name}", name, data.tables)
    if output is not None:
        _check_output(output, rows, force=force)
    part = _part(data, model, data.train(seed), rows, tables, seed)
    genes = tuple(part.counts.genes.tolist()) if data.genes and part.counts else ()
    expected = Expected.of(data.competition, len(part), genes)
    with scratch.directory("podium-rows-") as folder:
        given = views.with_rows(data, folder, part)
        with Worker(data.competition, model, given, limits=limits) as worker:
            file = worker.model.with_params(params)
            done, loaded = _predicted(worker, data, file, params, expected, seed, progress)
            predictions = read(done.files[ROWS], expected)
    file.note_change()
    aligned = training.aligned(data, predictions, part, genes)
    table = submission.frame(part.ids, aligned, genes)
    if output is not None:
        _write(table, output, data.competition.targets[0].name if genes else "")
    seconds = time.perf_counter() - start
    return Predicted(
        table=table, file=output, loaded=loaded, seconds=seconds, left_open=done.left_open
    )


def _check_output(output: Path, rows: Path | pd.DataFrame, *, force: bool) -> None:
    problems = []
    if output.suffix.lower() not in OUTPUTS:
        problems.append(f"its name must end in {', '.join(OUTPUTS[:-1])} or {OUTPUTS[-1]}")
    if not output.parent.is_dir():
        problems.append(f"the directory {output.parent} does not exist")
    if output.is_dir():
        problems.append("it is a directory")
    elif isinstance(rows, Path) and output.exists() and rows.exists() and output.samefile(rows):
        problems.append("it is the input")
    elif output.exists() and not force:
        problems.append("it is there already: --force overwrites it")
    if problems:
        raise PodiumError(f"The predictions cannot be written to {output}.", problems=problems)


def _write(table: pd.DataFrame, output: Path, matrix: str) -> None:
    """Write predictions in the form that the name says.

    Args:
        table: `id`, and columns of the targets or of the matrix.
        output: Where to.
        matrix: The target's name, where it is a matrix.
    """
    form = output.suffix.lower()
    if form == ".h5ad":
        h5ad.write_predictions(output, table, matrix=bool(matrix))
        return
    with scratch.replacing(output) as made:
        if form == ".csv":
            table.to_csv(made, index=False, lineterminator="\n")
        elif form == ".h5":
            hdf5.write(made, table, matrix)
        else:
            submission.write(table, made)


def _part(
    data: Data,
    model: ModelFile,
    train: Part,
    rows: Path | pd.DataFrame,
    tables: Mapping[str, Path | pd.DataFrame],
    seed: int,
) -> Part:
    """The rows as a model takes them.

    Raises:
        PodiumError: With everything that is wrong.
    """
    own = data.competition.module("rows") if _has_rows(data) else None
    if own and hasattr(own, "taken"):
        return _annotated_part(data, model, rows, train.features, seed)
    expected = train.features
    if train.sequences is not None:
        expected = expected.assign(**{SEQUENCE: ""})
    optional = data.competition.optional
    table, given, features, problems = _columns(rows, expected, optional)
    wanted = train.features.columns
    ids, trouble = _ids(given.get("id"), table.num_rows)
    problems += trouble
    if own and not problems:
        features, problems = own.cleaned(features, ids)
    sequences = None
    if train.sequences is not None and SEQUENCE in given and table.num_rows:
        sequences, trouble = _sequences(given[SEQUENCE], ids, train.sequences.length)
        problems += trouble
    beside, faulty, trouble = _tables(train, tables, features)
    if problems or trouble:
        what = rows if isinstance(rows, Path) else "The table"
        hints = [
            f"The columns of table {name!r} are those of {data.folder / PUBLIC / (name + TABLE)}"
            for name in faulty
        ]
        if problems or not faulty:
            hints = [_hint(data, train, rows), *hints]
        hints += [
            f"Further rows of {n!r}: --table {n}=FILE" for n in train.tables if n not in faulty
        ]
        problems += trouble
        raise PodiumError(
            f"{what} cannot be predicted: {many(len(problems), 'problem')}.",
            problems=problems,
            hint=". ".join(hints),
        )
    rng = np.random.default_rng([seed, *b"rows"])
    frame = pd.DataFrame(features, columns=wanted)
    index = pd.Index(ids, name="id")
    return Part(name="rows", ids=index, features=frame, sequences=sequences, tables=beside, rng=rng)


def _hint(data: Data, train: Part, rows: Path | pd.DataFrame) -> str:
    """Which columns rows of one's own have."""
    if isinstance(rows, Path) and formats.form(rows).kind == "FASTA":
        columns = train.features.columns
        pairs = " ".join(f"{name}={train.features[name].iloc[0]}" for name in columns)
        return f"In FASTA the columns stand behind the name: >name {pairs}"
    optional = ", ".join(["'id'", *data.competition.optional])
    return (
        f"The columns are those of {data.folder / PUBLIC / 'test.parquet'}"
        + ("" if train.sequences is None else f", and {SEQUENCE!r}")
        + f"; a column {optional} may be left out"
    )


def _columns(
    rows: Path | pd.DataFrame,
    expected: pd.DataFrame,
    optional: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[pa.Table, dict[str, pd.Series[Any]], dict[Any, Any], list[str]]:
    """A table of somebody's own, in the types of the expected one.

    Args:
        rows: The table or its file.
        expected: Columns of the train part.
        optional: Those that may be left out, and what stands in each row then.

    Returns:
        The table; its columns as they stand; those that could be converted; what is wrong.
    """
    table = _with_ids(_table(rows, expected), expected, rows)
    problems = _column_problems(table, expected, rows, optional)
    with _reading(rows):
        plain = [name for name in ["id", *expected.columns] if _is_plain(table, name)]
        given = {name: table.column(name).to_pandas() for name in plain}
    features: dict[Any, Any] = {}
    for name in expected.columns:
        if name in given and name != SEQUENCE:
            given[name] = _with_gaps(given[name], expected[name])
            features[name], trouble = _converted(given[name], expected[name])
            problems += [f"column {name!r}: {what}" for what in trouble]
    for name, value in _left_out(table.column_names, expected, optional, rows).items():
        features[name], trouble = stand_in(value, table.num_rows, expected[name])
        problems += [f"what stands for column {name!r}: {what}" for what in trouble]
    return table, given, features, problems


def stand_in(value: Any, count: int, expected: pd.Series[Any]) -> tuple[Any, list[str]]:
    """A column that was left out, with one value in each row; why that value cannot be.

    Args:
        value: None where there is none.
        count: Rows.
        expected: The column of the train part.
    """
    if not pd.isna(value):
        return _converted(pd.Series([value] * count, dtype=object), expected)
    if pd.api.types.is_bool_dtype(expected.dtype) or pd.api.types.is_integer_dtype(expected.dtype):
        return None, [f"a column of {expected.dtype} has a value in each row"]
    return pd.Series([None] * count, dtype=object).astype(_free(expected.dtype)), []


def _left_out(
    names: Collection[str],
    expected: pd.DataFrame,
    optional: Mapping[str, Any],
    rows: Path | pd.DataFrame,
) -> dict[str, Any]:
    """Columns that may be left out and are, and what stands for each; said in one line."""
    lacking = {
        name: value
        for name, value in optional.items()
        if name in expected.columns and name not in names
    }
    if lacking:
        what = rows if isinstance(rows, Path) else "the table"
        told = ("no value" if pd.isna(value) else repr(value) for value in lacking.values())
        pairs = ", ".join(f"{name} ({value})" for name, value in zip(lacking, told, strict=True))
        note(f"{what}: taken for what is left out: {pairs}.")
    return lacking


def _tables(
    train: Part, given: Mapping[str, Path | pd.DataFrame], features: Mapping[Any, Any]
) -> tuple[Mapping[str, pd.DataFrame], list[str], list[str]]:
    """The tables beside somebody's own rows, with what they give added.

    Returns:
        The tables; names of those with something wrong in what was given; all that is wrong.
    """
    tables, faulty, problems = dict[str, pd.DataFrame](), list[str](), list[str]()
    for name, known in train.tables.items():
        key, what = str(known.index.name), f"table {name!r}"
        if name in given:
            own = given[name]
            known, trouble = _joined(known, own, what)
            where = f"{what}, {own}" if isinstance(own, Path) else what
            problems += [f"{where}: {line}" for line in trouble]
            faulty += [name] if trouble else []
        lacking = [] if key not in features else unknown(features[key].dropna(), known.index)
        if lacking and not problems:
            shown = first(lacking, len(lacking))
            problems.append(f"column {key!r}: {what} has no row for {len(lacking):,}: {shown}")
        tables[name] = known
    return (tables if given else train.tables), faulty, problems


def _joined(
    known: pd.DataFrame, given: Path | pd.DataFrame, what: str
) -> tuple[pd.DataFrame, list[str]]:
    """A table with somebody's own rows in the place of those of the same key; what is wrong."""
    key, expected = str(known.index.name), known.reset_index()
    _, _, columns, problems = _columns(given, expected)
    if key in columns and (twice := columns[key][columns[key].duplicated()].map(repr).tolist()):
        listed = first(twice, len(twice))
        problems.append(f"column {key!r}: {many(len(twice), 'key')} there twice: {listed}")
    if problems:
        return known, problems
    own = pd.DataFrame(columns, columns=expected.columns).set_index(key)
    both = known.index.intersection(own.index)
    if len(both):
        listed = first([repr(one) for one in both], len(both))
        note(f"{what}: yours replaces {many(len(both), 'row')} of the dataset: {listed}")
    return pd.concat([known.drop(both), own]), []


def _has_rows(data: Data) -> bool:
    return data.competition.has("rows")


def _sequences(
    given: pd.Series[Any], ids: list[str], length: int
) -> tuple[Sequences | None, list[str]]:
    """A column of sequences as long as those of train, and what is wrong with it."""
    names = ids or [str(row) for row in range(1, len(given) + 1)]
    try:
        sequences = Sequences.written(given, names, f"column {SEQUENCE!r}")
    except DataError as error:
        return None, [f"column {SEQUENCE!r}: {line}" for line in error.problems]
    if sequences.length != length:
        what = f"{sequences.length:,} bases in each row; those of the train part have {length:,}"
        return None, [f"column {SEQUENCE!r}: {what}"]
    return sequences, []


def _annotated_part(
    data: Data, model: ModelFile, rows: Path | pd.DataFrame, expected: pd.DataFrame, seed: int
) -> Part:
    """The rows of a file with counts, as the competition's `rows.py` takes them."""
    own = data.competition.module("rows")
    annotated = _counted(data, rows)
    names = {*annotated.rows, *(() if annotated.places is None else ("x", "y"))}
    _must_be_left_out(names, data.competition.optional, rows)
    filled = _left_out(names, expected, data.competition.optional, rows)
    annotated = annotated._replace(rows=annotated.rows.assign(**filled))
    if data.genes:
        annotated = _with_genes(annotated, data, model, rows)
    features, counts = own.taken(getattr(rows, "stem", "rows"), annotated)
    return Part(
        name="rows",
        ids=pd.Index(annotated.rows.index.astype(str), name="id"),
        features=features,
        counts=counts,
        rng=np.random.default_rng([seed, *b"rows"]),
    )


def _must_be_left_out(
    names: Collection[str], optional: Mapping[str, Any], rows: Path | pd.DataFrame
) -> None:
    """Refuse what may be left out under nearly its name: it would not be read."""
    wanted = {name.casefold(): name for name in optional if name not in names}
    problems = [
        f"obs[{name!r}] is not read: call it {wanted[name.casefold()]!r}"
        for name in sorted(map(str, names))
        if name.casefold() in wanted
    ]
    if problems:
        raise DataError(f"{rows} cannot be predicted.", problems=problems)


def _counted(data: Data, rows: Path | pd.DataFrame) -> h5ad.Annotated:
    """A file with counts: AnnData, or another form that the competition's `rows.py` reads."""
    own = data.competition.module("rows")
    others: Sequence[str] = getattr(own, "FORMS", ())
    if isinstance(rows, Path) and rows.exists():
        if rows.suffix.lower() == ANNOTATED:
            return h5ad.read(rows)
        if others and (rows.is_dir() or rows.name.lower().endswith(tuple(others))):
            annotated: h5ad.Annotated = own.read(rows, data.genes)
            return annotated
    forms = ", ".join([f"{ANNOTATED} (AnnData)", *others])
    what = rows if isinstance(rows, Path) else "The table"
    why = "is not there" if isinstance(rows, Path) and not rows.exists() else "cannot be predicted"
    raise PodiumError(
        f"{what} {why}.",
        hint=f"Rows of {data.competition.name} have counts: give a file that ends in {forms}.",
    )


def _with_genes(
    annotated: h5ad.Annotated, data: Data, model: ModelFile, rows: Path | pd.DataFrame
) -> h5ad.Annotated:
    """The counts of the genes that are predicted, in their order; others are left out.

    Where some are missing, all counts as they are for a model that takes any genes.

    Raises:
        PodiumError: If some are missing, and the model needs them.
    """
    genes = data.genes
    place = {str(gene): number for number, gene in enumerate(annotated.genes)}
    missing = [gene for gene in genes if gene not in place]
    if not missing:
        counts = annotated.counts[:, [place[gene] for gene in genes]]
        return annotated._replace(counts=counts, genes=np.asarray(genes, dtype=np.str_))
    lies = not set(missing) - set(annotated.rows.index)
    few = f"{len(missing):,} of the {len(genes):,} genes of {data.dataset.name}"
    if model.any_genes and not lies:
        note(f"{rows} lacks {few}: {model.name} learns from these cells alone.")
        return annotated
    hint = f"{model.name} learnt from cells of {data.dataset.name}: it needs the genes of "
    hint += f"{data.folder / PUBLIC / 'sample_submission.csv'}, by these names."
    others = [name for name in data.competition.models if _takes_any(data, name)]
    if others:
        hint += f" These take any: {', '.join(others)}."
    if lies:
        hint = "Its rows are called as the genes: it stands the other way round. Turn it."
    raise PodiumError(
        f"{rows} cannot be predicted: it lacks {few}.",
        problems=[first(missing, len(missing))],
        hint=hint,
    )


def _takes_any(data: Data, name: str) -> bool:
    return model_file.find(data.competition, name).any_genes


def _table(rows: Path | pd.DataFrame, expected: pd.DataFrame) -> pa.Table:
    """The rows as they stand: what texts should be is decided by the train part."""
    if isinstance(rows, pd.DataFrame):
        index = rows.index.name
        ids = str(index).strip().casefold() == "id" and not {"id", index} & set(rows.columns)
        with _reading(rows):
            return pa.Table.from_pandas(rows.reset_index(drop=not ids), preserve_index=False)
    names = dict.fromkeys(["id", *map(str, expected.columns), *_ROW_NAMES])
    with _reading(rows):
        table = read(rows, Expected.own(rows, list(names)))
    if text := formats.said(rows):
        note(f"{rows}: {text}")
    return table


@contextmanager
def _reading(rows: Path | pd.DataFrame) -> Iterator[None]:
    """Values that Arrow or pandas cannot take are the user's to mend."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        what = rows if isinstance(rows, Path) else "The table"
        reason = (str(error).strip() or "unreadable").splitlines()[0]
        raise PodiumError(f"{what} cannot be read.", problems=[reason[:300]]) from error


def _with_ids(table: pa.Table, expected: pd.DataFrame, rows: Path | pd.DataFrame) -> pa.Table:
    """The table with the row names that R writes as ids, where it has no others."""
    names = table.column_names
    if not names or names[0] not in _ROW_NAMES or names[0] in expected:
        return table
    what = rows if isinstance(rows, Path) else "the table"
    has_ids = "id" in names
    note(
        f"{what}: the first column, {names[0]!r}, has names of rows: "
        + ("it is left out" if has_ids else "they are the ids")
    )
    return table.drop_columns(names[:1]) if has_ids else table.rename_columns(["id", *names[1:]])


def _column_problems(
    table: pa.Table,
    expected: pd.DataFrame,
    rows: Path | pd.DataFrame,
    optional: Collection[str],
) -> list[str]:
    """What is wrong with the columns; those that the train part has not are left out, and named."""
    kinds = {str(name): _kind(expected[name]) for name in expected if name not in optional}
    wanted, notes = ["id", *map(str, expected)], list[str]()
    problems = column_problems(table.column_names, table.num_rows, wanted, kinds, notes)
    for text in notes:
        note(f"{rows if isinstance(rows, Path) else 'the table'}: {text}")
    return problems + [
        f"column {name!r} has {table.schema.field(name).type} in each row"
        for name in wanted
        if table.column_names.count(name) == 1 and not _is_plain(table, name)
    ]


def _is_plain(table: pa.Table, name: str) -> bool:
    """Whether a column is there once and has one value a row; bytes would pass for text."""
    if table.column_names.count(name) != 1:
        return False
    kind = table.schema.field(name).type
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return not pa.types.is_nested(kind) and not any(is_binary(kind) for is_binary in binary)


def _ids(given: pd.Series[Any] | None, rows: int) -> tuple[list[str], list[str]]:
    """The ids as text, by default the row numbers from 1, and what is wrong with them."""
    if given is None:
        return [str(row) for row in range(1, rows + 1)], []
    if pd.api.types.is_float_dtype(given.dtype):
        return [], ["column 'id': decimals; text or whole numbers are expected"]
    ids = given.astype("str")
    problems = []
    if given.isna().any():
        problems.append(f"column 'id': {_listed(given.isna())} without an id")
    if (twice := ids.duplicated() & given.notna()).any():
        problems.append(f"column 'id': {_listed(twice)} with an id that was there before")
    return ids.to_list(), problems


def _with_gaps(given: pd.Series[Any], expected: pd.Series[Any]) -> pd.Series[Any]:
    """A text column in which `NA`, as R writes gaps, is one, unless train has that text."""
    if pd.api.types.is_numeric_dtype(expected.dtype):
        return given
    gaps = given.eq(_GAP).fillna(value=False).astype(bool)
    if not gaps.any() or expected.eq(_GAP).any():
        return given
    note(f"column {given.name!r}: {_GAP} in {_listed(gaps)} is read as no value")
    return given.mask(gaps)


def _converted(given: pd.Series[Any], expected: pd.Series[Any]) -> tuple[Any, list[str]]:
    """A column with the type of the train part's, and what is wrong with its values."""
    dtype: Any = expected.dtype
    types = pd.api.types
    text = types.is_string_dtype(given.dtype) or types.is_object_dtype(given.dtype)
    numbers = types.is_numeric_dtype(given.dtype) and not types.is_bool_dtype(given.dtype)
    bad = pd.Series(data=False, index=given.index)
    if given.isna().all():  # there is nothing to infer a type from
        converted: pd.Series[Any] = pd.Series(np.nan, index=given.index)
    elif types.is_bool_dtype(dtype):
        if not text and not types.is_bool_dtype(given.dtype):
            return given, [_other_type(given, expected)]
        converted = given.astype("str").str.strip().str.lower().map(_TRUTH) if text else given
        bad = converted.isna() & given.notna()
    elif types.is_numeric_dtype(dtype):
        if not text and not numbers:
            return given, [_other_type(given, expected)]
        converted = given
        if text:
            words = given.astype("str").str.strip()
            converted = pd.to_numeric(words, errors="coerce").astype("float64")
            bad = converted.isna() & given.notna() & ~words.str.lower().isin(_NO_VALUE)
        bad |= np.isinf(converted.astype("float64"))
        if types.is_integer_dtype(dtype):
            bad |= converted.notna() & (converted % 1 != 0)
    elif not text and not isinstance(given.dtype, pd.CategoricalDtype):
        return given, [_other_type(given, expected)]
    else:
        converted = given.astype("str") if text else given
    problems = []
    if bad.any():
        examples = ", ".join(repr(value)[:40] for value in given[bad].head(EXAMPLES))
        problems.append(f"{_kind(expected)} expected: {_listed(bad)} ({examples})")
    if (missing := converted.isna() & ~bad).any() and expected.notna().all():
        problems.append(f"no value in {_listed(missing)}; in the train part every row has one")
    return (given if problems else converted.astype(_free(dtype))), problems


def _free(dtype: Any) -> Any:
    """The type, but for categories: new rows may have new ones."""
    return "category" if isinstance(dtype, pd.CategoricalDtype) else dtype


def _other_type(given: pd.Series[Any], expected: pd.Series[Any]) -> str:
    return f"{_kind(expected)} expected; it has type {given.dtype}"


def _kind(expected: pd.Series[Any]) -> str:
    types = pd.api.types
    if types.is_bool_dtype(expected.dtype):
        return "true or false"
    if types.is_integer_dtype(expected.dtype):
        return "whole numbers"
    return "numbers" if types.is_numeric_dtype(expected.dtype) else "text"


def _listed(mask: pd.Series[bool]) -> str:
    rows = np.flatnonzero(mask.to_numpy(dtype=bool))
    more = ", ..." if len(rows) > EXAMPLES else ""
    first = ", ".join(str(row + 1) for row in rows[:EXAMPLES])
    return f"{len(rows):,} row{'' if len(rows) == 1 else 's'} (row {first}{more})"


def _predicted(
    worker: Worker,
    data: Data,
    file: ModelFile,
    params: Mapping[str, Any],
    expected: Expected,
    seed: int,
    progress: Progress | None,
) -> tuple[Done, bool]:
    """Predictions of the rows, and whether the fitted model came from the cache."""
    names = ("fitted", data.competition.id, data.dataset.name)
    kept = workspace.cache().joinpath(*names, f"{file.name}-{_made_of(data, file, seed)}.pickle")
    done = worker.predict(
        params,
        {ROWS: expected.limit},
        seed=seed,
        report=progress.stage(_training(file.name, file.params)) if progress else None,
        fitted=_whole(kept, worker),
        keep=_KEPT,
    )
    if "fitted" in done.files:
        with suppress(OSError):
            _keep(done.files["fitted"], kept)
    return done, done.train_seconds is None


def _training(name: str, params: Mapping[str, Any]) -> str:
    """What is shown of a training: which model it is of, and how long it may take."""
    epochs = params.get("epochs")
    return f"{name}: training" + (f", {epochs:,} epochs at most" if isinstance(epochs, int) else "")


def _made_of(data: Data, file: ModelFile, seed: int) -> str:
    """A name for all that a fitted model follows from, the code beside its file included."""
    beside = (
        data.competition.folder.rglob("*.py") if file.shipped else file.path.parent.glob("*.py")
    )
    made_of = {
        "edition": vars(data.version),
        "folder": str(data.folder),  # tables that a model keeps lie there
        "model": [file.name, str(file.path.resolve()), file.sha256],
        "code": sorted([str(path), file_sha256(path)] for path in beside if path.is_file()),
        "params": dict(file.params),
        "seed": seed,
        "versions": provenance.versions(),
    }
    text = json.dumps(made_of, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _keep(fitted: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    with scratch.replacing(kept, private=True) as made, made.open("wb") as file:
        file.write(bytes.fromhex(file_sha256(fitted)))
        with fitted.open("rb") as content:
            shutil.copyfileobj(content, file)


def _whole(kept: Path, worker: Worker) -> Path | None:
    """A copy of a kept model that its process sees; None if there is none, or it is not whole."""
    with suppress(OSError):
        if hasattr(os, "getuid") and kept.stat().st_uid != os.getuid():
            return None
        copy = worker.given("fitted")
        with kept.open("rb") as file, copy.open("wb") as content:
            known = file.read(_DIGEST)
            shutil.copyfileobj(file, content)
        return copy if bytes.fromhex(file_sha256(copy)) == known else None
    return None
