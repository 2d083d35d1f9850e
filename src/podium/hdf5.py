"""HDF5 in a process of its own: its C library may crash or never end on a damaged file.

    python -m podium.hdf5 FILE ROWS LIMIT COLUMN...

writes the columns to stdout as an Arrow stream. The process has little memory and little time.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

_SECONDS, _PER_SECOND = 20, 4 << 20  # seconds in any case, and bytes that each second more is for
_MEMORY = 2 << 30  # bytes of address space: libraries, and a few copies of the columns
_COPIES = 8


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
    command = [sys.executable, "-m", __spec__.name, str(path.resolve()), str(rows), str(limit)]
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
    table = pa.ipc.open_stream(done.stdout).read_all()
    names = table.schema.metadata[b"names"].decode().split("\0")
    return names if names != [""] else [], table


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


def _main(path: str, rows: str, limit: str, *wanted: str) -> None:
    if sys.platform != "win32":
        import resource

        memory = _MEMORY + _COPIES * int(limit)
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        seconds = _seconds(int(limit))  # in case that nobody is left to end it
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    names, table = columns(Path(path), wanted, int(rows), int(limit))
    table = table.replace_schema_metadata({"names": "\0".join(names)})
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as out:
        out.write_table(table)


if __name__ == "__main__":
    _main(*sys.argv[1:])
