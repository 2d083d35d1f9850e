"""Files of counts that are no AnnData files: tables, 10x's matrices, this competition's own.

.csv .tsv .txt (.gz)      cells in rows or in columns: see `matrix_files`
.parquet .feather         the same, with names
.mtx (.gz), or a folder   Matrix Market, with barcodes and genes (features) beside it
.h5 .hdf5                 10x's, or `count` or `X` with `id` and `genes`, as `--output` writes
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from podium.data import Annotated, h5ad
from podium.errors import DataError, note

from ..metric import TARGET
from . import matrix_files
from .matrix_files import Matrix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TEXT = (".csv", ".tsv", ".txt")
_TABLES = (".parquet", ".feather")
_MATRIX = (".mtx", ".mtx.gz")
_HDF5 = (".h5", ".hdf5")
FORMS = (*_TEXT, *(f"{end}.gz" for end in _TEXT), *_TABLES, *_MATRIX, *_HDF5)
"""Endings of names."""
_GENES = ("features.tsv", "genes.tsv")
_CELLS = ("barcodes.tsv",)


def read(path: Path, known: Sequence[str] = ()) -> Annotated:
    """Read counts with cells in rows.

    Args:
        path: The file, or a folder with `matrix.mtx`.
        known: Genes of the dataset, which may tell which side the genes are on.

    Raises:
        DataError: If it is no such file, or nothing tells which side the genes are on.
    """
    name = path.name.lower()
    try:
        if path.is_dir() or name.endswith(_MATRIX):
            return _market(path)
        if name.endswith(_HDF5):
            return _hdf5(path)
        return _stood(path, _table(path) if name.endswith(_TABLES) else _text(path), known)
    except DataError:
        raise
    except (OSError, LookupError, ValueError, TypeError, AttributeError, MemoryError) as error:
        raise DataError(
            f"{path} cannot be read as counts: {_why(path, error)}.",
            hint=f"What can be read: .h5ad, {', '.join(FORMS)}.",
        ) from error


def _why(path: Path, error: BaseException) -> str:
    """What kept a file from being read."""
    hdf5 = path.name.lower().endswith(_HDF5)
    return h5ad.trouble(path, error) if hdf5 else str(error)[:200]


def _text(path: Path) -> Matrix:
    try:
        return matrix_files.read(path)
    except DataError as error:
        raise DataError(f"{path}: {error.message}.", problems=error.problems) from error


def _table(path: Path) -> Matrix:
    """A table of which the first column may have names."""
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_feather(path)
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index()
    names, corner = None, ""
    if len(table.columns) and not pd.api.types.is_numeric_dtype(table.dtypes.iloc[0]):
        corner = str(table.columns[0])
        names = table.pop(table.columns[0]).astype(str).tolist()
    return Matrix(table.to_numpy(np.float64), names, [str(n) for n in table.columns], corner)


def _stood(path: Path, one: Matrix, known: Sequence[str]) -> Annotated:
    """A matrix whose sides may be either."""
    dataset = {} if not known else {"": Matrix(np.empty((0, len(known))), [], list(known))}
    turned, reasons = matrix_files.turned({path.name: one, **dataset})
    cells, why = turned[path.name], reasons[path.name]
    if not why:
        rows, columns = one.numbers.shape
        raise DataError(
            f"{path}: are the {rows:,} rows cells, or the {columns:,} columns? Its names do not "
            "tell it.",
            hint="Give it as .h5ad, or call the first column 'cell' (cells in rows) or 'gene'.",
        )
    side = matrix_files.CELLS if cells is one else matrix_files.GENES
    count, genes = cells.numbers.shape
    note(f"{path.name}: {count:,} cells x {genes:,} genes, {side} in rows ({why})")
    if problems := matrix_files.wrong(cells.numbers):
        raise DataError(f"The counts of {path.name} cannot be used.", problems=problems)
    names = cells.columns or [f"gene{number}" for number in range(1, genes + 1)]
    ids = cells.rows or [f"cell{number}" for number in range(1, count + 1)]
    return _annotated(ids, names, cells.numbers)


def _market(path: Path) -> Annotated:
    """A Matrix Market file; names lie beside it."""
    from scipy.io import mmread

    folder = path if path.is_dir() else path.parent
    file = _beside(folder, ("matrix.mtx",)) if path.is_dir() else path
    if file is None:
        raise DataError(f"{path} has no matrix.mtx or matrix.mtx.gz.")
    matrix = csr_array(mmread(file))
    genes, cells = _names(folder, _GENES), _names(folder, _CELLS)
    if genes is None or cells is None:
        raise DataError(
            f"{file} tells no names of cells and genes.",
            hint="Put barcodes.tsv and features.tsv (or genes.tsv), as 10x writes them, beside it.",
        )
    if matrix.shape == (len(genes), len(cells)):  # as 10x writes it; ambiguous if square
        matrix = csr_array(matrix.T)
    if matrix.shape != (len(cells), len(genes)):
        sizes = f"{len(cells):,} cells and {len(genes):,} genes"
        raise DataError(f"{file} is {matrix.shape[0]:,} x {matrix.shape[1]:,}, beside it {sizes}.")
    return _annotated(cells, genes, matrix)


def _names(folder: Path, names: tuple[str, ...]) -> list[str] | None:
    """Names in a file of one a line; of genes the second column, if there is one."""
    file = _beside(folder, names)
    if file is None:
        return None
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8") as lines:
        rows = [line.rstrip("\r\n").split("\t") for line in lines if line.strip()]
    column = int(names == _GENES and min(map(len, rows), default=1) > 1)
    return [row[column] for row in rows]


def _beside(folder: Path, names: tuple[str, ...]) -> Path | None:
    there = (folder / f"{name}{end}" for name in names for end in ("", ".gz"))
    return next((file for file in there if file.is_file()), None)


def _hdf5(path: Path) -> Annotated:
    """A file of 10x, or a matrix with `id` and `genes`."""
    import h5py

    h5ad.plugins()
    with h5py.File(path, "r") as file:
        if "matrix" in file and "barcodes" in file["matrix"]:
            group = file["matrix"]
            features = group["features/name"] if "features" in group else group["gene_names"]
            cells = group["barcodes"].asstr()[:].tolist()
            return _annotated(cells, features.asstr()[:].tolist(), _sparse(group, len(cells)))
        group = file.get("predictions", file)
        key = next((key for key in (TARGET, "X") if key in group), None)
        if key is None or not {"id", "genes"} <= set(group):
            raise DataError(
                f"{path} is neither 10x's (matrix, barcodes) nor has it {TARGET}, id and genes."
            )
        cells, genes = ([str(n) for n in group[name].asstr()[:]] for name in ("id", "genes"))
        item = group[key]
        matrix = item[:] if isinstance(item, h5py.Dataset) else _sparse(item, len(cells))
        return _annotated(cells, genes, matrix)


def _sparse(group: Any, cells: int) -> csr_array[Any]:
    """Rows of cells from `data`, `indices` and `indptr`."""
    parts = tuple(group[name][:] for name in ("data", "indices", "indptr"))
    if len(parts[2]) != cells + 1:
        raise ValueError("`indptr` does not go by cells")
    genes = int(group["shape"][0]) if "shape" in group else None
    sparse = csr_array(parts, shape=(cells, genes) if genes else None)
    sparse.check_format(full_check=True)  # an index beyond it would read foreign memory
    return sparse


def _annotated(cells: Sequence[str], genes: Sequence[str], matrix: Any) -> Annotated:
    return Annotated(
        rows=pd.DataFrame(index=pd.Index([str(name) for name in cells])),
        counts=csr_array(matrix),
        genes=np.asarray(genes, dtype=np.str_),
        places=None,
    )
