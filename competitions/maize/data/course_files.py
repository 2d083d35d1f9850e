"""The course's format: folders train, validation and test of `.npz` files; or FASTA and a table.

arr_0  one-hot sequences [n, 4, length] or [n, length, 4], in the order A, C, G, T; 0 0 0 0 is N
arr_1  expression [n] or [n, 1]

Instead of a folder: `train.fasta` (or another ending of FASTA, packed by gzip or not) with
`train.csv`, which has `id` and `expression` and may have `species`; in the same way `validation`
(which may be missing in both forms) and `test`.
"""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.competition import Sequences
from podium.data import fasta
from podium.errors import DataError

from ..metric import TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

PARTS = ("train", "validation", "test")
NEEDED = ("train", "test")
KNOWN = ("maize", "sorghum", "arabidopsis")
OTHER = "other"
_CHUNK = 256 << 20
"""Bytes of a one-hot array that are in memory at a time."""
_EXAMPLES = 5
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, KeyError, SyntaxError)

Rows = tuple[pd.DataFrame, Sequences]


def read(raw: Mapping[str, Path]) -> Rows:
    """Rows (`id`, `species`, `assay`, `expression`) and sequences of all parts.

    Raises:
        DataError: With everything that is wrong in all files.
    """
    contents: list[tuple[str, Rows]] = []
    problems = _missing(raw)
    for name, path in sorted(raw.items()):
        if name.endswith(".csv"):
            continue  # read with its sequences
        try:
            if name.endswith(".npz"):
                contents.append((name, _arrays(path, name.removesuffix(".npz"))))
            elif (part := _part(name)) and (table := f"{part}.csv") in raw:
                contents.append((name, _texts(path, raw[table], part)))
        except DataError as error:
            problems += [f"{name}: {line}" for line in error.problems or [error.message]]
    problems += _length_problems({name: sequences.length for name, (_, sequences) in contents})
    if problems:
        raise DataError(
            "The files cannot be used.",
            problems=problems,
            hint="What is expected: competitions/maize/README.md",
        )
    tables, sequences = zip(*(one for _, one in contents), strict=True)
    codes = np.concatenate([one.codes for one in sequences])
    return pd.concat(tables, ignore_index=True).assign(assay=OTHER), Sequences(codes)


def _part(name: str) -> str:
    """The part whose FASTA file this is; empty for another file."""
    endings = [end for end in fasta.ENDINGS if name.lower().endswith(end)]
    return name[: -len(endings[0])] if endings else ""


def _missing(raw: Mapping[str, Path]) -> list[str]:
    problems = []
    for part in PARTS:
        table, text = f"{part}.csv", f"{part}.fasta"
        texts = [name for name in raw if _part(name) == part]
        if part in NEEDED and not texts and not any(n.startswith(f"{part}/") for n in raw):
            problems.append(f"{part}: neither a folder with .npz files nor {text} was found")
        if len(texts) > 1:
            problems.append(f"{part}: one FASTA file is expected, not {' and '.join(texts)}")
        if bool(texts) != (table in raw):
            there, lacking = (texts[0], table) if texts else (table, text)
            problems.append(f"{there}: {lacking} is missing beside it")
    return problems


def _length_problems(lengths: Mapping[str, int]) -> list[str]:
    """Files whose sequences are longer or shorter than most."""
    kinds, counts = np.unique(list(lengths.values()), return_counts=True)
    if len(kinds) < 2:
        return []
    most = kinds[counts.argmax()]
    odd = [f"{name} has {length:,}" for name, length in lengths.items() if length != most]
    more = ", ..." if len(odd) > _EXAMPLES else ""
    return [f"sequences of different lengths: most {most:,}, {', '.join(odd[:_EXAMPLES])}{more}"]


def _arrays(path: Path, name: str) -> Rows:
    """Sequences and expression of an `.npz` file."""
    problems: list[str] = []
    try:
        with zipfile.ZipFile(path) as file:
            lacking = {"arr_0.npy", "arr_1.npy"} - set(file.namelist())
            if lacking:
                there = ", ".join(member.removesuffix(".npy") for member in file.namelist())
                names = " and ".join(sorted(n.removesuffix(".npy") for n in lacking))
                raise DataError(f"{names} is missing; it has {there or 'nothing'}")
            codes = [_codes(chunk, first, problems) for first, chunk in _chunks(file)]
            with file.open("arr_1.npy") as member:
                answers = np.lib.format.read_array(member, allow_pickle=False)
    except _BROKEN as error:
        raise DataError(f"it cannot be read as .npz: {str(error)[:200]}") from error
    problems += _answer_problems(answers, sum(map(len, codes)))
    if problems:
        raise DataError("wrong arrays", problems=problems)
    whole = np.concatenate(codes)
    rows = pd.DataFrame({"id": [f"{name}:{row}" for row in range(1, len(whole) + 1)]})
    rows[TARGET] = answers.reshape(-1).astype(np.float64)
    return rows.assign(species=OTHER), Sequences(whole)


def _chunks(file: zipfile.ZipFile) -> Iterator[tuple[int, NDArray[Any]]]:
    """Rows of `arr_0`, some at a time with the number of the first: it may be larger than memory.

    Raises:
        DataError: If it is no array of three sides.
    """
    with file.open("arr_0.npy") as member:
        version = np.lib.format.read_magic(member)
        head = np.lib.format.read_array_header_1_0 if version == (1, 0) else _later_header
        shape, by_column, dtype = head(member)
        if len(shape) != 3 or dtype.hasobject:
            listed = " x ".join(map(str, shape))
            raise DataError(
                f"arr_0 has shape {listed or 'of one number'} and type {dtype}: numbers, "
                "n x 4 x length or n x length x 4, are expected"
            )
        if not shape[0]:
            raise DataError("arr_0 has no sequences")
        rows, size = shape[0], int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
        step = rows if by_column else max(1, _CHUNK // max(1, size))
        for first in range(0, rows, step):
            count = min(step, rows - first)
            content = member.read(count * size)
            if len(content) < count * size:
                raise EOFError("arr_0 ends early")
            flat = np.frombuffer(content, dtype=dtype)
            yield first, flat.reshape((count, *shape[1:]), order="F" if by_column else "C")


def _later_header(member: Any) -> Any:
    return np.lib.format.read_array_header_2_0(member)


def _codes(values: NDArray[Any], first: int, problems: list[str]) -> NDArray[np.uint8]:
    try:
        return Sequences.of_one_hot(values).codes
    except DataError as error:
        before = f"from row {first + 1:,} on, " if first else ""
        problems += [f"arr_0: {before}{line}" for line in error.problems if not problems]
        return np.zeros((len(values), 1), dtype=np.uint8)


def _answer_problems(answers: NDArray[Any], rows: int) -> list[str]:
    shape = " x ".join(map(str, answers.shape)) or "a single number"
    if answers.shape not in ((rows,), (rows, 1)):
        return [f"arr_1 has shape {shape} for {rows:,} sequences of arr_0"]
    if answers.dtype.kind not in "iuf":
        return [f"arr_1 has values of type {answers.dtype}: numbers are expected"]
    wrong = np.flatnonzero(~np.isfinite(answers.reshape(-1)))
    if not len(wrong):
        return []
    shown = ", ".join(str(row + 1) for row in wrong[:_EXAMPLES])
    more = ", ..." if len(wrong) > _EXAMPLES else ""
    return [f"arr_1: {len(wrong):,} values missing or infinite: row {shown}{more}"]


def _texts(path: Path, answers: Path, name: str) -> Rows:
    """Sequences of a FASTA file, expression and species of the table beside it."""
    given = fasta.read(path)
    try:
        table = pd.read_csv(answers, dtype={"id": str, "species": str}, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise DataError(f"{answers.name} cannot be read: {str(error)[:200]}") from error
    lacking = [column for column in ("id", TARGET) if column not in table]
    if lacking:
        raise DataError(f"{answers.name} lacks the column {' and '.join(map(repr, lacking))}")
    problems = [
        *_repeated(given["id"], path.name),
        *_repeated(table["id"], answers.name),
        *_listed(given.loc[~given["id"].isin(table["id"]), "id"], f"not in {answers.name}"),
        *_listed(table.loc[~table["id"].isin(given["id"]), "id"], f"in {answers.name} alone"),
    ]
    numbers = pd.to_numeric(table[TARGET], errors="coerce").to_numpy(np.float64)
    problems += _listed(table.loc[~np.isfinite(numbers), "id"], f"whose {TARGET} is no number")
    try:
        sequences = Sequences.written(given[fasta.SEQUENCE], given["id"], path.name)
    except DataError as error:
        raise DataError("wrong", problems=[*problems, *error.problems]) from error
    if problems:
        raise DataError("wrong", problems=problems)
    table[TARGET] = numbers
    rows = table.set_index("id").loc[given["id"]].reset_index()
    species = rows["species"].str.lower() if "species" in rows else pd.Series(OTHER, rows.index)
    return (
        pd.DataFrame(
            {
                "id": f"{name}/" + rows["id"],
                TARGET: rows[TARGET],
                "species": species.where(species.isin(KNOWN), OTHER),
            }
        ),
        sequences,
    )


def _repeated(ids: pd.Series[str], where: str) -> list[str]:
    return _listed(ids[ids.duplicated()], f"more than once in {where}")


def _listed(ids: pd.Series[str], what: str) -> list[str]:
    shown = ", ".join(repr(name) for name in ids.head(_EXAMPLES))
    more = ", ..." if len(ids) > _EXAMPLES else ""
    return [f"{len(ids):,} ids {what}: {shown}{more}"] if len(ids) else []
