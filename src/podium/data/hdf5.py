"""HDF5: tables of datasets, matrices, AnnData; and the columns and matrices that they lie in.

AnnData of every version: before 0.8 the categories of a column lie beside it, and nothing says that
the file is one; before 0.7 a table is one compound dataset, and categories are in `uns`.

The C library may crash or never end on a damaged file: those of others are read by the process of
`podium.data.reader` alone.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from podium.data.columns import Wide

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from podium.data.formats import Expected


def read(path: Path, expected: Expected) -> tuple[list[str], pa.Table | Wide]:
    """Names of all columns, and those expected ones that are there; or the matrix.

    An AnnData file has its matrix as `X`. In any other file it is `expected.matrix` or `X`, at the
    top or in the group `predictions`: a dataset [ids, genes], or a group with `data`, `indices` and
    `indptr` of sparse rows; `id` and `genes` lie beside it. Columns are datasets there.

    Raises:
        ValueError: If it is no table of plain columns, or what it holds does not fit together; h5py
            raises errors of many other kinds.
    """
    import h5py

    plugins()
    with h5py.File(path, "r") as file:
        declared = file.attrs.get("encoding-type") == "anndata"
        annotated = declared or {"obs", "var"} <= set(file)
        group = hard(file, "predictions") if not annotated and "predictions" in file else file
        if expected.matrix and (wide := _matrix(group, expected, annotated=annotated)):
            return wide.column_names, wide
        return _annotations(hard(file, "obs"), expected) if annotated else _columns(group, expected)


def write(path: Path, table: pd.DataFrame, matrix: str = "") -> None:
    """Write predictions as `read` takes them.

    Args:
        path: Where to.
        table: `id`, and the columns.
        matrix: The target's name, where these are the genes of a matrix.

    Raises:
        OSError: If the disk refuses.
    """
    import h5py

    from podium.competition.counts import hdf5_file

    text = h5py.string_dtype()
    with hdf5_file(path) as file:
        values = table.drop(columns="id")
        file.create_dataset("id", data=table["id"].astype(str).to_list(), dtype=text)
        if matrix:
            file.create_dataset("genes", data=list(values.columns), dtype=text)
            file.create_dataset(matrix, data=values.to_numpy(np.float32), compression="lzf")
            return
        for name, column in values.items():
            numbers = column.dtype.kind in "iuf"
            content = column.to_numpy() if numbers else column.astype(str).to_list()
            file.create_dataset(str(name), data=content, dtype=None if numbers else text)


def _columns(group: Any, expected: Expected) -> tuple[list[str], pa.Table]:
    """The table of a group whose datasets are columns."""
    import h5py

    if not isinstance(group, h5py.Group):
        raise ValueError("`predictions` is not a group")  # noqa: TRY004  shown to the user
    expected.check_columns(len(group))
    names = list(group)
    items = {name: hard(group, name) for name in expected.names if name in names}
    sizes = {name: _rows(name, item) for name, item in items.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
        raise ValueError(f"columns differ in length: {listed}")
    length = max(sizes.values(), default=expected.rows or 0)
    expected.check_rows(length)
    if sum(map(_size, items.values())) > expected.limit:
        raise ValueError("its columns have values of too many bytes")
    return names, pa.table({name: _array(name, item) for name, item in items.items()})


def _annotations(group: Any, expected: Expected) -> tuple[list[str], pa.Table]:
    """The table of rows of an AnnData file, whose index are the ids; other columns are its own."""
    size = _length(group)
    expected.check_rows(size)
    columns = {"id": pa.array(index(group).astype(str), pa.string())}
    for name in expected.names[1:]:
        if name in names(group):
            columns[name] = pa.array(column(group, name), from_pandas=True)
            if len(columns[name]) != size:
                raise ValueError(f"column {name!r} has {len(columns[name]):,} rows, not {size:,}")
    return list(columns), pa.table(columns)


def _matrix(group: Any, expected: Expected, *, annotated: bool) -> Wide | None:
    """The matrix with its ids and genes; None if there is none."""
    if annotated:
        item, ids, genes = hard(group, "X"), hard(group, "obs"), hard(group, "var")
        expected.check_rows(_length(ids))
        expected.check_columns(_length(genes))
        names = [index(ids), index(genes)]
    else:
        keys = [key for key in (expected.matrix, "X") if key in group]
        if not keys:
            return None
        item = hard(group, keys[0])
        names = [column(group, "id"), column(group, "genes")]
        expected.check_rows(len(names[0]))
    shape = len(names[0]), len(names[1])
    if _matrix_size(item) > expected.limit:
        raise ValueError("its matrix takes too many bytes")
    values = matrix(item, shape)
    if values.shape != shape:
        turned = values.shape == shape[::-1]
        raise ValueError(
            f"{shape[0]:,} ids and {shape[1]:,} genes, but "
            f"{values.shape[0]:,} x {values.shape[1]:,} values"
            + (": save them the other way round" if turned else "")
        )
    small = values.dtype in (np.float16, np.float32)
    values = values.astype(np.float32 if small else np.float64, copy=False)
    if not isinstance(values, np.ndarray):
        values.sum_duplicates()
    ids, genes = (texts.astype(str) for texts in names)
    return Wide(pa.chunked_array([pa.array(ids, pa.string())]), genes.tolist(), values, [])


def _size(item: Any, width: int = 0) -> int:
    """Bytes of a dataset in memory, or of a chunk of it, which may be larger."""
    values = max(int(item.size), prod(item.chunks or (0,)))
    return values * (width or int(item.dtype.itemsize))


def _matrix_size(item: Any) -> int:
    """Bytes of a matrix in memory."""
    import h5py

    if isinstance(item, h5py.Dataset):
        return _size(item, 8)
    return sum(_size(hard(item, key), 8) for key in ("data", "indices", "indptr"))


def _length(table: Any) -> int:
    import h5py

    if isinstance(table, h5py.Dataset):
        return _rows("obs", table)
    item = hard(table, _index_name(table))
    if not isinstance(item, h5py.Dataset):
        item = hard(item, "codes" if "codes" in item else "values")
    return int(item.shape[0])


def _rows(name: str, item: Any) -> int:
    import h5py

    if not isinstance(item, h5py.Dataset):
        raise ValueError(f"column {name!r} is a group, not a dataset")  # noqa: TRY004
    if item.ndim != 1:
        raise ValueError(f"columns must have one dimension: {name}")
    return int(item.shape[0])


def _array(name: str, item: Any) -> pa.Array:
    import h5py

    if h5py.check_string_dtype(item.dtype):
        return pa.array([_text(name, value) for value in item[:]], pa.string())
    if item.dtype.kind not in "iufb":
        raise ValueError(f"column {name!r} has type {item.dtype}; numbers or text are expected")
    if item.dtype.kind == "f" and item.dtype.itemsize > 8:
        return pa.array(item[:].astype(float))
    return pa.array(item[:].astype(item.dtype.newbyteorder("=")))


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError(f"column {name!r} has a text that is no UTF-8: {value[:40]!r}") from None


def hard(group: Any, name: str) -> Any:
    """An item that lies in the file itself: a link could show another file's content.

    Raises:
        ValueError: If it does not, or is not there.
    """
    import h5py

    link = group.get(name, getlink=True) if isinstance(group, h5py.Group) else None
    if link is None:
        raise ValueError(f"{name!r} is missing")
    if not isinstance(link, h5py.HardLink):
        raise ValueError(f"{name!r} is a link to other data; save the values themselves")  # noqa: TRY004
    item = group[name]
    if isinstance(item, h5py.Dataset) and (item.is_virtual or item.external):
        raise ValueError(f"{name!r} lies in another file; save the values themselves")
    return item


def column(group: Any, name: str) -> NDArray[Any]:
    """The values of a column: plain, categorical, or with a mask of what is missing.

    Args:
        group: A table, or what else has datasets.
        name: Of the column.

    Raises:
        ValueError: If they do not lie in the file itself, or do not fit together.
    """
    import h5py

    if isinstance(group, h5py.Dataset):
        return _field(group, name)
    item = hard(group, name)
    if _CATEGORIES in group and name in group[_CATEGORIES]:
        return _labelled(name, np.asarray(item[:]), column(hard(group, _CATEGORIES), name))
    if isinstance(item, h5py.Dataset):
        if item.ndim != 1:
            raise ValueError(f"{name!r} must have one dimension")
        text = h5py.check_string_dtype(item.dtype) is not None
        return np.asarray(item.asstr()[:], dtype=object) if text else np.asarray(item[:])
    if "codes" in item:
        return _labelled(name, column(item, "codes"), column(item, "categories"))
    values, mask = column(item, "values"), column(item, "mask").astype(bool)
    if not mask.any():
        return values
    masked = values.astype(object)
    masked[mask] = None
    return masked


_CATEGORIES = "__categories"


def _labelled(name: str, codes: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Labels by their numbers; none where the number is below 0."""
    if len(codes) and codes.max() >= len(values):
        raise ValueError(f"{name!r} has a code beyond its {len(values)} categories")
    labels = np.empty(len(codes), dtype=object)
    labels[codes >= 0] = values[codes[codes >= 0]]
    return labels


def _field(table: Any, name: str) -> NDArray[Any]:
    """A column of a compound dataset."""
    import h5py

    values = np.asarray(table[name])
    if values.dtype.kind in "SO":
        texts = [v.decode() if isinstance(v, bytes) else str(v) for v in values]
        return np.array(texts, dtype=object)
    uns = hard(table.file, "uns") if "uns" in table.file else {}
    kept = f"{name}_categories"
    if isinstance(uns, h5py.Group) and kept in uns and values.dtype.kind in "iu":
        return _labelled(name, values, column(uns, kept))
    return values


def index(table: Any) -> NDArray[Any]:
    """The names of the rows of a table."""
    return column(table, _index_name(table))


def names(table: Any) -> list[str]:
    """The names of the columns of a table."""
    import h5py

    there = table.dtype.names or () if isinstance(table, h5py.Dataset) else table
    return [name for name in there if name not in (_index_name(table), _CATEGORIES)]


def _index_name(table: Any) -> str:
    import h5py

    if not isinstance(table, h5py.Dataset):
        return str(table.attrs.get("_index", "_index"))
    if not table.dtype.names:
        raise ValueError(f"{table.name} is no table")
    return str(table.dtype.names[0])


def matrix(item: Any, shape: tuple[int, int] | None = None) -> NDArray[Any] | csr_array[Any]:
    """A matrix of numbers, as it was saved: dense, or sparse by rows or columns.

    Args:
        item: A dataset, or a group with `data`, `indices` and `indptr`.
        shape: Of a sparse one that does not state its own.

    Raises:
        ValueError: If it is no such matrix, or its parts do not fit together.
    """
    import h5py
    from scipy.sparse import csc_array, csr_array

    if isinstance(item, h5py.Dataset):
        if item.ndim != 2 or item.dtype.kind not in "iufb":
            raise ValueError("counts must be numbers of two dimensions")
        return np.asarray(item[:])
    size = [int(size) for size in item.attrs.get("shape", item.attrs.get("h5sparse_shape", shape))]
    parts = tuple(hard(item, name)[:] for name in ("data", "indices", "indptr"))
    kind = item.attrs.get("encoding-type", item.attrs.get("h5sparse_format", ""))
    form = csc_array if str(kind).startswith("csc") else csr_array
    sparse = form(parts, shape=(size[0], size[1]))
    sparse.check_format(full_check=True)  # an index beyond the matrix would read foreign memory
    if sparse.dtype.kind not in "iufb":
        raise ValueError("counts must be numbers")
    return csr_array(sparse)


_FILTERS = {
    4: "szip",
    307: "bzip2",
    32000: "lzf",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32013: "zfp",
    32015: "zstd",
    32017: "sz",
    32018: "fcidecomp",
    32024: "sz3",
    32026: "blosc2",
    32028: "sperr",
}
"""Registered filters that files are packed by, by their number."""
_NOT_IN_PLUGIN = (4, 32000)


@cache
def plugins() -> None:
    """Let HDF5 unpack what hdf5plugin knows, where that is installed."""
    with suppress(ImportError):
        import_module("hdf5plugin")


def trouble(path: Path, error: BaseException) -> str:
    """Why a file could not be read: the filters that are not installed, or what HDF5 says."""
    lacking = _lacking(path)
    if not lacking:
        return str(error)[:200]
    listed = " and ".join(f"{_FILTERS.get(code, 'a filter')} ({code})" for code in lacking)
    known = all(code in _FILTERS and code not in _NOT_IN_PLUGIN for code in lacking)
    way = "pip install hdf5plugin, or save it" if known else "save it"
    lacks = f"it is packed by the HDF5 filter {listed}, which is not installed"
    return f"{lacks}: {way} anew packed by gzip"


def _lacking(path: Path) -> list[int]:
    """Numbers of the filters that datasets of a file need and that are not there."""
    import h5py

    needed: set[int] = set()

    def look(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            listed = item.id.get_create_plist()
            needed.update(listed.get_filter(n)[0] for n in range(listed.get_nfilters()))

    with suppress(OSError, RuntimeError, ValueError), h5py.File(path, "r") as file:
        file.visititems(look)
    return sorted(code for code in needed if not h5py.h5z.filter_avail(code))
