"""AnnData files (`.h5ad`), as scanpy and its kin write and read them.

Only what a competition needs is read: counts, the tables of rows and genes, and places. The format
is that of https://anndata.readthedocs.io ("On-disk format"); why this is not left to the package
anndata is in docs/decisions/0009.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from podium.competition.counts import hdf5_file
from podium.competition.version import PUBLIC
from podium.data.formats import Expected
from podium.data.hdf5 import column, index, matrix, names, plugins, trouble
from podium.data.memory import limited
from podium.errors import DataError, PodiumError, note, reason
from podium.scratch import replacing

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from podium.data.dataset import Data

__all__ = [
    "SPATIAL",
    "Annotated",
    "column",
    "index",
    "matrix",
    "plugins",
    "read",
    "trouble",
    "write",
]
SPATIAL = "spatial"
_PLACES = (SPATIAL, "X_spatial")  # as scanpy called it at first


class Annotated(NamedTuple):
    """What a file holds.

    Attributes:
        rows: `obs`: a table whose index are the names of the rows.
        counts: `layers["counts"]`, `X` or `raw.X`: the first that has whole numbers, or else the
            first that is there [rows, genes].
        genes: Names of the columns [genes].
        places: `obsm["spatial"]`, an array or a table, if it is there [rows, 2].
        truth: Written as `layers["truth"]`, if there is one [rows, genes].
    """

    rows: pd.DataFrame
    counts: csr_array[Any]
    genes: NDArray[np.str_]
    places: NDArray[np.float64] | None
    truth: csr_array[Any] | None = None


def read(path: Path) -> Annotated:
    """Read a file of any version of AnnData.

    Raises:
        DataError: If it is no AnnData file, or damaged.
    """
    import h5py

    plugins()
    try:
        with limited(Expected.own(path).memory), h5py.File(path, "r") as file:
            if "obs" not in file or "var" not in file:
                raise DataError(f"{path} is no AnnData file: it has no obs and var.")
            counts, genes = _counts(file, path)
            return Annotated(
                rows=_table(file["obs"]),
                counts=counts,
                genes=genes.astype(np.str_),
                places=_places(file),
            )
    except MemoryError as error:
        raise DataError(
            f"{path} takes more memory than a file of its size can need.",
            hint="Save it with a present version of anndata: adata.write_h5ad(FILE)",
        ) from error
    except (OSError, LookupError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise DataError(
            f"{path} cannot be read as an AnnData file: {trouble(path, error)}.",
            hint="Save it with a present version of anndata: adata.write_h5ad(FILE)",
        ) from error


def _counts(file: Any, path: Path) -> tuple[csr_array[Any], NDArray[Any]]:
    """The counts, and the names of their genes."""
    from scipy.sparse import csr_array

    layers, raw = file.get("layers", {}), file.get("raw", {})
    all_of = {
        "layers['counts']": (layers.get("counts"), file["var"]),
        "X": (file.get("X"), file["var"]),
        "raw.X": (raw.get("X", file.get("raw.X")), raw.get("var", file.get("raw.var"))),
    }
    there = {name: one for name, one in all_of.items() if None not in one}
    if not there:
        raise DataError(f"{path} has no counts: neither X nor layers['counts'].")
    first = next(iter(there))
    chosen, counts = first, csr_array(matrix(there[first][0]))
    if not _counted(counts) or counts.data.max() <= 1:  # ones alone may say which genes were seen
        for name, (item, _) in there.items():
            values = csr_array(matrix(item))
            if _counted(values) and (not _counted(counts) or values.data.max() > 1):
                chosen, counts = name, values
                if values.data.max() > 1:
                    break
    if chosen != first:
        note(f"{path}: {first} holds no counts: they are {chosen}.")
    return counts, index(there[chosen][1])


def _counted(values: csr_array[Any]) -> bool:
    """Whether a matrix has whole numbers from 0 on, and not zeros alone."""
    data = values.data
    return bool(data.size and data.min() >= 0 and np.array_equal(data, np.floor(data)))


def _places(file: Any) -> NDArray[np.float64] | None:
    """Places of the rows, from an array or from the first columns of a table."""
    import h5py

    obsm = file.get("obsm", {})
    there = (obsm.dtype.names or ()) if isinstance(obsm, h5py.Dataset) else obsm
    item = next((obsm[name] for name in _PLACES if name in there), None)
    if item is None:
        return None
    if isinstance(item, h5py.Group):
        order = [str(name) for name in item.attrs.get("column-order", names(item))]
        return np.column_stack([column(item, name) for name in order[:2]]).astype(np.float64)
    return np.asarray(item[:], dtype=np.float64)[:, :2]


def write_parts(data: Data, folder: Path) -> list[Path]:
    """Write all parts of a dataset, a file a slice: counts, features, and train's answers.

    Raises:
        DataError: If the competition has no counts, or the disk refuses.
    """
    if not data.has(f"{PUBLIC}/test.h5"):
        raise DataError(f"{data.competition.name} has no counts that AnnData files could hold.")
    files = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {reason(error)}.") from error
    unlabelled = ["test", *(["open"] if data.has_open else [])]
    for part in [data.train(), *map(data.part, unlabelled)]:
        answers = part.targets if part.targets is not None else part.features[[]]
        for one in part.slices():
            rows = one.features.join(answers.iloc[one.rows].reset_index(drop=True))
            rows.index = part.ids[one.rows]
            spatial = {"x", "y"} <= set(rows.columns) and rows[["x", "y"]].notna().all(axis=None)
            places = rows[["x", "y"]].to_numpy(np.float64) if spatial else None
            files.append(folder / f"{part.name}-{one.name}.h5ad")
            write(files[-1], Annotated(rows, one.counts, one.genes, places, one.truth))
    return files


def write(path: Path, annotated: Annotated) -> None:
    """Write a file that anndata reads: `X`, `obs`, `var` and `obsm["spatial"]`.

    Raises:
        PodiumError: If the disk refuses.
    """
    import pandas as pd

    try:
        with replacing(path) as scratch, hdf5_file(scratch) as file:
            _mark(file, "anndata", "0.1.0")
            _write_table(file, "obs", annotated.rows)
            _write_table(file, "var", pd.DataFrame(index=pd.Index(annotated.genes, name="gene")))
            _write_matrix(file, "X", annotated.counts)
            places = file.create_group("obsm")
            _mark(places, "dict", "0.1.0")
            if annotated.places is not None:
                _mark(places.create_dataset(SPATIAL, data=annotated.places), "array", "0.2.0")
            for name in ("varm", "obsp", "varp", "layers", "uns"):
                _mark(file.create_group(name), "dict", "0.1.0")
            if annotated.truth is not None:
                _write_matrix(file["layers"], "truth", annotated.truth)
    except OSError as error:
        raise PodiumError(f"{path} cannot be written: {reason(error)}.") from error


def write_predictions(path: Path, table: pd.DataFrame, *, matrix: bool) -> None:
    """Write predictions: a matrix as `X`, columns of other targets as `obs`.

    Args:
        path: Where to.
        table: `id`, and the columns.
        matrix: Whether these are the genes of a matrix.

    Raises:
        PodiumError: If the disk refuses.
    """
    from scipy.sparse import csr_array

    rows = table.set_index(table["id"].astype(str)).drop(columns="id")
    genes = np.asarray(rows.columns if matrix else [], dtype=np.str_)
    counts = csr_array(rows.to_numpy() if matrix else (len(rows), 0), dtype=np.float32)
    write(path, Annotated(rows[[]] if matrix else rows, counts, genes, places=None))


def _table(group: Any) -> pd.DataFrame:
    import pandas as pd

    columns = {name: column(group, name) for name in names(group)}
    frame = pd.DataFrame(columns, index=pd.Index(index(group).astype(str)))
    return frame.infer_objects()


def _write_table(file: Any, name: str, table: pd.DataFrame) -> None:
    import h5py
    import pandas as pd

    group = file.create_group(name)
    _mark(group, "dataframe", "0.2.0")
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(list(table.columns), dtype=h5py.string_dtype())
    for key, values in [("_index", table.index.to_series()), *table.items()]:
        if pd.api.types.is_numeric_dtype(values.dtype):
            _mark(group.create_dataset(key, data=values.to_numpy()), "array", "0.2.0")
        else:
            texts = [str(value) for value in values]
            made = group.create_dataset(key, data=texts, dtype=h5py.string_dtype())
            _mark(made, "string-array", "0.2.0")


def _write_matrix(parent: Any, name: str, matrix: csr_array[Any]) -> None:
    group = parent.create_group(name)
    _mark(group, "csr_matrix", "0.1.0")
    group.attrs["shape"] = matrix.shape
    for key in ("data", "indices", "indptr"):
        group.create_dataset(key, data=getattr(matrix, key), compression="lzf")


def _mark(item: Any, kind: str, version: str) -> None:
    item.attrs["encoding-type"] = kind
    item.attrs["encoding-version"] = version
