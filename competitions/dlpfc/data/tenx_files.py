"""The public files of the 12 Visium slices: 10x matrices, layer map, places of the barcodes.

The barcode of a spot tells its row and column on every slide of this kind, so the positions file of
one slide does for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from podium.data import h5ad
from podium.errors import DataError

from .tissue import Tissue, hexagonal

if TYPE_CHECKING:
    from pathlib import Path


ENDING = "_filtered_feature_bc_matrix.h5"


def layers(path: Path) -> pd.DataFrame:
    """The layer map: `barcode`, `slice`, `layer`, tab-separated without a header."""
    names = ["barcode", "slice", "layer"]
    return pd.read_csv(path, sep="\t", names=names, dtype=str)


def positions(path: Path) -> pd.DataFrame:
    """`row` and `column` of each barcode, from a tissue_positions_list file.

    Raises:
        DataError: If it has other columns than barcode, in tissue, row, column and two of pixels.
    """
    try:
        table = pd.read_csv(path, header=None, dtype=str)
    except ValueError as error:
        raise DataError(f"{path.name} is no table: {str(error)[:200]}") from error
    if table.shape[1] != 6:
        raise DataError(
            f"{path.name} has {table.shape[1]} columns; 6 are expected: barcode, in tissue, row, "
            "column, and the place in pixels."
        )
    table = table[table[0] != "barcode"].set_index(0)
    numbers = table[[2, 3]].apply(pd.to_numeric, errors="coerce")
    if numbers.isna().any(axis=None):
        raise DataError(f"{path.name}: rows and columns of spots must be numbers.")
    return pd.DataFrame({"row": numbers[2].astype(int), "column": numbers[3].astype(int)})


def all_spots(path: Path) -> Tissue:
    """All barcodes of a matrix, without places and labels.

    Raises:
        DataError: If the file has another form.
    """
    import h5py
    from scipy.sparse import csc_array, csr_array

    h5ad.plugins()
    try:
        with h5py.File(path, "r") as file:
            matrix = file["matrix"]
            size = [int(size) for size in matrix["shape"][:]]
            parts = tuple(matrix[part][:] for part in ("data", "indices", "indptr"))
            barcodes = list(matrix["barcodes"].asstr()[:])
            genes = list(matrix["features"]["id"].asstr()[:])
        sparse = csc_array(parts, shape=(size[0], size[1]))
        sparse.check_format(full_check=True)  # an index beyond it would read foreign memory
        counts = csr_array(sparse.T)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"it is no 10x matrix: {h5ad.trouble(path, error)}") from error
    labels = np.full(len(barcodes), "", dtype=object)
    return Tissue(spots=barcodes, places=None, labels=labels, counts=counts, genes=genes)


def read(path: Path, layers: pd.DataFrame, positions: pd.DataFrame) -> Tissue:
    """The annotated spots of a slice, with all genes.

    Raises:
        DataError: If the file has another form, or spots without a place.
    """
    name = path.name.removesuffix(ENDING)
    whole = all_spots(path)
    layer = layers[layers["slice"] == name].set_index("barcode")["layer"]
    spots = pd.Index(whole.spots).intersection(layer.index, sort=False)
    lost = spots.difference(positions.index)
    if not len(spots):
        raise DataError(f"no barcode of it is among those of slice {name} in the layer map")
    if len(lost):
        raise DataError(f"{len(lost)} barcodes have no position, the first is {lost[0]}")
    place = positions.loc[spots]
    return Tissue(
        spots=list(spots),
        places=hexagonal(place["row"].to_numpy(float), place["column"].to_numpy(float)),
        labels=layer.loc[spots].to_numpy(object),
        counts=whole.counts[pd.Index(whole.spots).get_indexer(spots)],
        genes=whole.genes,
    )
