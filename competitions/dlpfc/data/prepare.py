"""The real datasets: raw files to slices.

Run `podium data dlpfc --dataset 151510`, or another of those in `competition.py`.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.errors import DataError, note

from ..shared.expression import GENES, log_normalised, most_variable
from . import course_files, tenx_files
from .tissue import NO_PLACES, Tissue, assemble, hexagonal, spaced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from podium.data import Prepared


def dataset_151510(raw: Mapping[str, Path]) -> Prepared:
    """Slice 151510 as DR.SC ships it: a Seurat object of 500 genes."""
    from scipy.sparse import csc_array, csr_array

    seurat = _read_r(raw["dlpfc151510.rda"])["dlpfc151510"]
    spots, matrix = vars(seurat)["meta.data"], seurat.assays["RNA"].counts
    counts = csr_array(csc_array((matrix.x, matrix.i, matrix.p), shape=tuple(matrix.Dim)).T)
    layer = spots["annotation"].astype(object)
    tissue = Tissue(
        spots=list(spots.index),
        places=hexagonal(spots["row"].to_numpy(float), spots["col"].to_numpy(float)),
        labels=layer.where(layer.notna(), "").to_numpy(object),
        counts=counts,
        genes=list(matrix.Dimnames[0]),
    )
    return assemble({"151510": tissue})


def starmap(raw: Mapping[str, Path]) -> Prepared:
    """The three STARmap sections as BASS ships them, with the four domains that it defined."""
    from scipy.sparse import csr_array

    r = _read_r(raw["starmap_mpfc.RData"])
    tissues = {}
    for name, matrix in r["starmap_cnts"].items():
        cells = r["starmap_info"][name]
        tissues[name.split("_")[1]] = Tissue(
            spots=list(cells.index),
            places=spaced(cells[["x", "y"]].to_numpy(np.float64)),
            labels=cells["z"].astype(int).astype(str).to_numpy(object),
            counts=csr_array(matrix.to_numpy().T),
            genes=[str(gene) for gene in matrix.coords["dim_0"].to_numpy()],
        )
    return assemble(tissues)


def course(raw: Mapping[str, Path]) -> Prepared:
    """A folder of `sample_*.h5`: X, Y and pos of one slice each; see `course_files.py`.

    Raises:
        DataError: With everything that is wrong in all files.
    """
    tissues = _all(raw, course_files.read)
    for name, one in tissues.items():
        if (one.labels == "").all():
            note(f"slice {name}: nobody annotated its spots, so that they are open: not scored")
        if one.places is None:
            note(f"slice {name}: {NO_PLACES}")
    return assemble(tissues)


def libd12(raw: Mapping[str, Path]) -> Prepared:
    """The 12 public 10x files, the layer map and the positions of the barcodes.

    Of all genes those are kept that vary most between the spots of a slice, by mean rank over the
    slices; labels play no part in it.

    Raises:
        DataError: With everything that is wrong in all files.
    """
    matrices = {n: p for n, p in raw.items() if n.endswith(tenx_files.ENDING)}
    others = {n: p for n, p in raw.items() if n not in matrices}
    layers = tenx_files.layers(next(p for n, p in others.items() if "layer_map" in n))
    places = tenx_files.positions(next(p for n, p in others.items() if "positions" in n))
    tissues = _all(matrices, lambda path: tenx_files.read(path, layers, places))
    tables = (log_normalised(t.counts) for t in tissues.values())
    kept = most_variable(tables, GENES)
    return assemble(
        {
            name: t._replace(counts=t.counts[:, kept], genes=[t.genes[gene] for gene in kept])
            for name, t in tissues.items()
        }
    )


def _all(files: Mapping[str, Path], read: Callable[[Path], Tissue]) -> dict[str, Tissue]:
    """Read all files, and say at once what is wrong in any."""
    tissues, problems = {}, []
    for name, path in sorted(files.items(), key=lambda item: _in_order(item[0])):
        try:
            tissues[_slice_name(name)] = read(path)
        except DataError as error:
            problems += [f"{name}: {line}" for line in error.problems or [error.message]]
    if problems:
        raise DataError("The files cannot be used.", problems=problems)
    return tissues


def _in_order(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names as numbers: 2 before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _slice_name(file: str) -> str:
    stem = file.removesuffix(tenx_files.ENDING).removesuffix(".h5")
    return stem.removeprefix("sample_")


def _read_r(path: Path) -> dict[str, Any]:
    import rdata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of R classes that it gives as plain namespaces
        objects: dict[str, Any] = rdata.conversion.convert(rdata.parser.parse_file(path))
    return objects
