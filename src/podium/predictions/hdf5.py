"""HDF5 in a process of its own: its C library may crash or never end on a damaged file.

    python -m podium.predictions.hdf5 columns FILE ROWS LIMIT COLUMN...
    python -m podium.predictions.hdf5 matrix FILE ROWS LIMIT NAME

write the columns, or a matrix, to stdout as an Arrow stream. The process has little memory and
little time.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from podium.machine import python
from podium.predictions.wide import Wide

_SECONDS, _PER_SECOND = 20, 4 << 20  # seconds in any case, and bytes that each second more is for
_MEMORY = 2 << 30  # bytes of address space: libraries, and a few copies of the columns
_COPIES = 8
_NAMES = ("ids", "genes")


def read(path: Path, wanted: Sequence[str], rows: int, limit: int) -> tuple[list[str], pa.Table]:
    """Names of all columns, and those wanted ones that are there.

    Args:
        path: An HDF5 file.
        wanted: Columns to read: datasets at the top of the file or in its group `predictions`.
        rows: How many rows are expected; far more are refused.
        limit: Bytes that the columns may take.

    Raises:
        ValueError: If the file is damaged, or is no table of plain columns.
    """
    table = _child("columns", path, rows, limit, wanted)
    names = table.schema.metadata[b"names"].decode().split("\0")
    return names if names != [""] else [], table


def matrix(path: Path, name: str, rows: int, limit: int) -> Wide | None:
    """The matrix of a file, with its ids and genes; None if the file has none.

    An AnnData file has it as `X`. In any other file it is `name` or `X`, at the top or in the
    group `predictions`: a dataset [ids, genes], or a group with `data`, `indices` and `indptr` of
    sparse rows; `id` and `genes` lie beside it.

    Args:
        path: An HDF5 file.
        name: Of the target.
        rows: How many rows are expected; far more are refused.
        limit: Bytes that the matrix may take.

    Raises:
        ValueError: If the file is damaged, or what it holds does not fit together.
    """
    table = _child("matrix", path, rows, limit, [name])
    return _unpacked(table) if table.num_rows else None


def _child(what: str, path: Path, rows: int, limit: int, wanted: Sequence[str]) -> pa.Table:
    command = python("-m", __spec__.name, what, str(path.resolve()), str(rows), str(limit))
    seconds = _seconds(limit)
    try:
        done = subprocess.run(
            [*command, *wanted], capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"it is damaged: reading took longer than {seconds} seconds") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said and done.returncode > 0 else "it is damaged: the library crashed"
        raise ValueError(reason.partition("Error: ")[2] or reason)
    return pa.ipc.open_stream(done.stdout).read_all()


def columns(path: Path, wanted: Sequence[str], rows: int, limit: int) -> tuple[list[str], pa.Table]:
    """What `read` gives, in this process.

    Raises:
        ValueError: If it is no table of plain columns; h5py raises errors of many other kinds.
    """
    import h5py

    with h5py.File(path, "r") as file:
        if file.attrs.get("encoding-type") == "anndata":
            return _annotations(hard(file, "obs"), wanted, rows, limit)
        group = hard(file, "predictions") if "predictions" in file else file
        if not isinstance(group, h5py.Group):
            raise ValueError("`predictions` is not a group")  # noqa: TRY004  shown to the user
        names = list(group)
        found = {name: hard(group, name) for name in wanted if name in names}
        sizes = {name: _rows(name, item) for name, item in found.items()}
        if len(set(sizes.values())) > 1:
            listed = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
            raise ValueError(f"columns differ in length: {listed}")
        length = max(sizes.values(), default=rows)
        if length > 2 * rows + 1000:
            raise ValueError(f"it has {length:,} rows, {rows:,} are expected")
        if sum(item.dtype.itemsize * length for item in found.values()) > limit:
            raise ValueError("its columns have values of too many bytes")
        return names, pa.table({name: _array(name, item) for name, item in found.items()})


def _annotations(
    group: Any, wanted: Sequence[str], rows: int, limit: int
) -> tuple[list[str], pa.Table]:
    """The table of rows of an AnnData file, whose index are the ids; other columns are its own."""
    from podium.h5ad import column, index

    size = _length(group)
    if size > 2 * rows + 1000:
        raise ValueError(f"it has {size:,} rows, {rows:,} are expected")
    if size * 8 * len(wanted) > limit:
        raise ValueError("its columns have values of too many bytes")
    found = {"id": pa.array(index(group).astype(str), pa.string())}
    for name in wanted[1:]:
        if name in group:
            found[name] = pa.array(column(group, name), from_pandas=True)
            if len(found[name]) != len(found["id"]):
                raise ValueError(f"column {name!r} has {len(found[name]):,} rows, not {size:,}")
    return list(found), pa.table(found)


def packed(path: Path, name: str, rows: int, limit: int) -> pa.Table:
    """What `matrix` unpacks, in this process: one row of lists, or none.

    Raises:
        ValueError: If the file's content does not fit together; h5py raises errors of other kinds.
    """
    import h5py
    import numpy as np

    from podium import h5ad

    with h5py.File(path, "r") as file:
        if file.attrs.get("encoding-type") == "anndata":
            item, ids, genes = hard(file, "X"), hard(file, "obs"), hard(file, "var")
            names = [h5ad.index(ids), h5ad.index(genes)]
        else:
            group = hard(file, "predictions") if "predictions" in file else file
            found = [key for key in (name, "X") if key in group]
            if not found:
                return pa.table({})
            item = hard(group, found[0])
            names = [h5ad.column(group, "id"), h5ad.column(group, "genes")]
        if len(names[0]) > 2 * rows + 1000:
            raise ValueError(f"it has {len(names[0]):,} rows, {rows:,} are expected")
        if _bytes(item) > limit:
            raise ValueError("its matrix takes too many bytes")
        values = h5ad.matrix(item, (len(names[0]), len(names[1])))
    if values.shape != (len(names[0]), len(names[1])):
        shape = f"{values.shape[0]:,} x {values.shape[1]:,}"
        turned = values.shape == (len(names[1]), len(names[0]))
        raise ValueError(
            f"{len(names[0]):,} ids and {len(names[1]):,} genes, but {shape} values"
            + (": save them the other way round" if turned else "")
        )
    small = values.dtype in (np.float16, np.float32)
    values = values.astype(np.float32 if small else np.float64, copy=False)
    lists = {
        key: pa.array(texts.astype(str), pa.string())
        for key, texts in zip(_NAMES, names, strict=True)
    }
    if isinstance(values, np.ndarray):
        lists["data"] = pa.array(values.reshape(-1))
    else:
        values.sum_duplicates()
        lists |= {key: pa.array(getattr(values, key)) for key in ("data", "indices", "indptr")}
    return pa.table(
        {key: pa.LargeListArray.from_arrays([0, len(v)], v) for key, v in lists.items()}
    )


def _unpacked(table: pa.Table) -> Wide:
    from scipy.sparse import csr_array

    lists = {name: table.column(name).chunk(0).values for name in table.column_names}
    ids, genes = (lists[name] for name in _NAMES)
    data = lists["data"].to_numpy()
    shape = len(ids), len(genes)
    if "indptr" in lists:
        indices, ends = lists["indices"].to_numpy(), lists["indptr"].to_numpy()
        values: Any = csr_array((data, indices, ends), shape=shape)
    else:
        values = data.reshape(shape)
    return Wide(pa.chunked_array([ids]), genes.to_pylist(), values, [])


def _bytes(item: Any) -> int:
    """Bytes of a matrix in memory."""
    import h5py

    if isinstance(item, h5py.Dataset):
        return int(item.size) * 8
    return sum(int(hard(item, key).size) * 8 for key in ("data", "indices", "indptr"))


def _length(group: Any) -> int:
    import h5py

    item = hard(group, str(group.attrs.get("_index", "_index")))
    if not isinstance(item, h5py.Dataset):
        item = hard(item, "codes" if "codes" in item else "values")
    return int(item.shape[0])


def _seconds(limit: int) -> int:
    return _SECONDS + limit // _PER_SECOND


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


def _main(what: str, path: str, rows: str, limit: str, *wanted: str) -> None:
    if sys.platform != "win32":
        import resource

        memory = _MEMORY + _COPIES * int(limit)
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        seconds = _seconds(int(limit))  # in case that nobody is left to end it
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    if what == "matrix":
        table = packed(Path(path), wanted[0], int(rows), int(limit))
    else:
        names, table = columns(Path(path), wanted, int(rows), int(limit))
        table = table.replace_schema_metadata({"names": "\0".join(names)})
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as out:
        out.write_table(table)


if __name__ == "__main__":
    _main(*sys.argv[1:])
