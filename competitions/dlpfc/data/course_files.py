"""The course's format: an HDF5 file a slice, with X, Y and pos.

X      counts [spots, genes]; the other way round is understood where it can be told
Y      domain of each spot, whole numbers or text, -1, NaN or empty where nobody annotated it; also
       as AnnData saves a categorical column; may be missing: the slice is open then
pos    positions [2, spots] or [spots, 2]; also `Pos`; may be missing: the slice has none then
genes  names of the genes; may be missing: then no gene is shared with another slice
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from podium.data import h5ad
from podium.errors import DataError, note

from .tissue import Tissue, hexagonal, spaced

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAMES = ("X", "Y", "pos", "Pos", "genes", "gene")
UNKNOWN = ("", "nan", "NaN", "NA", "None", "-1")
"""What stands for a spot that nobody annotated."""


def read(path: Path) -> Tissue:
    """Read a slice.

    Raises:
        DataError: With everything that is wrong with the file's form.
    """
    import h5py

    h5ad.plugins()
    try:
        with h5py.File(path, "r") as file:
            arrays = {name: _values(file, name) for name in NAMES if name in set(file)}
    except (OSError, RuntimeError, KeyError) as error:
        raise DataError(f"it cannot be read as HDF5: {h5ad.trouble(path, error)}") from error
    return _tissue(arrays, path.stem)


def _values(file: Any, name: str) -> Any:
    """An array; of a group what AnnData saved in it: a sparse X, a categorical Y.

    Raises:
        DataError: If it is neither: what is there is never taken for missing.
    """
    import h5py

    item = file[name]
    try:
        if isinstance(item, h5py.Group):
            return h5ad.matrix(item) if name == "X" else h5ad.column(file, name)
        if h5py.check_string_dtype(item.dtype) is not None:
            return np.asarray(item.asstr(errors="replace")[()], dtype=object)
        values = np.asarray(item[()])
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{name} is neither numbers nor text: {str(error)[:200]}") from error
    if values.dtype.kind not in "iufbS":
        raise DataError(f"{name} is neither numbers nor text: it has the type {values.dtype}")
    return values


def _tissue(arrays: dict[str, Any], name: str) -> Tissue:
    from scipy.sparse import csr_array

    places = arrays.get("pos", arrays.get("Pos"))
    matrix = arrays.get("X")
    if matrix is None:
        raise DataError("incomplete", problems=["'X' is missing"])
    problems = []
    if matrix.ndim != 2 or matrix.dtype.kind not in "iufb":
        problems.append(f"X must be numbers [spots, genes], it has shape {matrix.shape}")
    if places is not None and (
        places.ndim != 2 or 2 not in places.shape or places.dtype.kind not in "iuf"
    ):
        problems.append(f"pos must be numbers [2, spots], it has shape {places.shape}")
    if problems:
        raise DataError("wrong shapes", problems=problems)
    spots = {}
    if places is not None:
        places = _by_spot(places)
        spots["pos"] = len(places)
    if "Y" in arrays:
        spots["Y"] = arrays["Y"].size
    count = next(iter(spots.values()), matrix.shape[0])
    labels = arrays.get("Y", np.full(count, "", dtype=object)).reshape(-1)
    if len(set(spots.values())) > 1 or count not in matrix.shape:
        listed = ", ".join(f"{what} {many:,} spots" for what, many in spots.items())
        raise DataError(
            "wrong shapes",
            problems=[f"{listed}, X {matrix.shape[0]:,} x {matrix.shape[1]:,}: they do not fit"],
        )
    turned, square = matrix.shape[0] != count, len(set(matrix.shape)) == 1
    if turned:
        matrix = matrix.T
    if turned or square or not spots:
        side = "genes" if turned else "spots"
        note(f"{name}: {matrix.shape[0]:,} spots x {matrix.shape[1]:,} genes, {side} in rows of X")
    genes = arrays.get("genes", arrays.get("gene"))
    if genes is not None and genes.size != matrix.shape[1]:
        problem = f"genes has {genes.size:,} names for {matrix.shape[1]:,} columns of X"
        raise DataError("wrong names", problems=[problem])
    if genes is None:
        names = [f"{name}:{gene}" for gene in range(1, matrix.shape[1] + 1)]
    else:
        names = [str(gene) for gene in genes.reshape(-1)]
    return Tissue(
        spots=[str(spot) for spot in range(1, count + 1)],
        places=None if places is None else _lattice(places.astype(np.float64)),
        labels=_texts(labels),
        counts=csr_array(matrix).astype(np.float64),
        genes=names,
    )


def _by_spot(places: NDArray[Any]) -> NDArray[Any]:
    return places if places.shape[1] == 2 else places.T


def _lattice(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows and columns of a Visium lattice are stretched to it; any other places only scaled."""
    whole = np.isfinite(places).all() and (places == np.floor(places)).all()
    if whole and len(np.unique(places.sum(axis=1) % 2)) == 1 and len(places) > 1:
        row, column = sorted(places.T, key=np.ptp)
        return hexagonal(row, column)
    return spaced(places)


def _texts(labels: NDArray[Any]) -> NDArray[np.object_]:
    """Labels as text; decimals that are whole without their point; empty where there is none."""
    if labels.dtype.kind == "f":
        known = np.isfinite(labels)
        if (labels[known] != np.floor(labels[known])).any():
            raise DataError("wrong labels", problems=["Y has fractions; labels are whole or text"])
        whole = labels[known].astype(np.int64)
        labels = np.full(len(labels), "", dtype=object)
        labels[known] = whole
    texts = np.array([str(label) for label in labels], dtype=object)
    texts[np.isin(texts.astype(str), UNKNOWN)] = ""
    return texts
