"""Counts: a sparse matrix whose rows are those of a part, kept by block and read when asked for.

A block is a slice, a plate, a batch: it has its own columns (genes), so blocks need not agree on
them. In HDF5 a file has one group for each block (`indptr`, `indices`, `data`, `genes`) and says
which row of which block each row of the part is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

_ROWS = "rows"


class Block(Protocol):
    """Counts of some rows that share their genes."""

    @property
    def genes(self) -> NDArray[np.str_]:
        """Names of the columns [genes]."""

    def read(self) -> csr_array[Any]:
        """The counts [rows of the block, genes], not to be changed in place."""


@dataclass(frozen=True)
class Held:
    """A block in memory."""

    matrix: csr_array[Any]
    genes: NDArray[np.str_]

    def read(self) -> csr_array[Any]:
        """The matrix itself."""
        return self.matrix


@dataclass(frozen=True)
class Stored:
    """A block in a file; nothing of it is in memory until it is read."""

    file: Path
    name: str

    @property
    def genes(self) -> NDArray[np.str_]:
        """Names of the columns [genes]."""
        import h5py

        with h5py.File(self.file, "r") as file:
            return np.asarray(file[self.name]["genes"].asstr()[:], dtype=np.str_)

    def read(self) -> csr_array[Any]:
        """The counts of the block."""
        import h5py
        from scipy.sparse import csr_array

        with h5py.File(self.file, "r") as file:
            group = file[self.name]
            shape = len(group["indptr"]) - 1, len(group["genes"])
            parts = [group[name][:] for name in ("data", "indices", "indptr")]
        return _narrow(csr_array(tuple(parts), shape=shape))


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Counts of rows.

    Attributes:
        blocks: By name, in the order in which they are gone through.
        block: Place of each row's block in `blocks` [rows].
        place: Row of each row in its block [rows].
    """

    blocks: Mapping[str, Block]
    block: NDArray[np.int32]
    place: NDArray[np.int32]

    @classmethod
    def of(cls, blocks: Mapping[str, tuple[Any, Sequence[str]]]) -> Counts:
        """Counts in memory: rows of the blocks one after the other.

        Args:
            blocks: By name, a matrix [rows, genes], sparse or dense, and the names of the genes;
                names that repeat are made unique.

        Raises:
            ValueError: If a matrix has not one column a gene.
        """
        from scipy.sparse import csr_array

        held: dict[str, Block] = {}
        sizes = []
        for name, (matrix, genes) in blocks.items():
            if matrix.shape[1] != len(genes):
                raise ValueError(f"{name}: {matrix.shape[1]} columns, {len(genes)} genes")
            counts = _narrow(csr_array(matrix))
            counts.sum_duplicates()
            counts.eliminate_zeros()
            held[name] = Held(counts, _unique(genes))
            sizes.append(counts.shape[0])
        return cls(
            blocks=held,
            block=np.repeat(np.arange(len(sizes), dtype=np.int32), sizes),
            place=np.concatenate([np.arange(size, dtype=np.int32) for size in sizes]),
        )

    @classmethod
    def open(cls, file: Path) -> Counts:
        """Counts that were written to a file; only the numbering of the rows is read."""
        import h5py

        with h5py.File(file, "r") as opened:
            rows = opened[_ROWS]
            names = list(rows["blocks"].asstr()[:])
            return cls(
                blocks={name: Stored(file, f"blocks/{i}") for i, name in enumerate(names)},
                block=rows["block"][:],
                place=rows["place"][:],
            )

    def __len__(self) -> int:
        return len(self.block)

    def take(self, rows: NDArray[Any]) -> Counts:
        """Those of some rows only (positions or a mask)."""
        return Counts(blocks=self.blocks, block=self.block[rows], place=self.place[rows])

    def read(self) -> Iterator[tuple[str, NDArray[np.int64], csr_array[Any], NDArray[np.str_]]]:
        """Go through the blocks that have rows, one in memory at a time.

        Yields:
            Name, rows [n] (which of these counts' rows), counts [n, genes], names of the genes.
        """
        for code, (name, block) in enumerate(self.blocks.items()):
            rows = np.flatnonzero(self.block == code)
            if len(rows):
                matrix = block.read()
                place = self.place[rows]
                whole = len(place) == matrix.shape[0] and (np.diff(place) == 1).all()
                yield name, rows, matrix if whole else matrix[place], block.genes

    @property
    def genes(self) -> NDArray[np.str_]:
        """Names of the columns, where all rows are of one block.

        Raises:
            ValueError: If there are more blocks.
        """
        if len(self.blocks) > 1:
            raise ValueError(f"{len(self.blocks)} blocks, each with its own genes, are no matrix")
        return next(iter(self.blocks.values())).genes

    def matrix(self) -> csr_array[Any]:
        """All rows of the one block [rows, genes].

        Raises:
            ValueError: If there are more blocks.
        """
        from scipy.sparse import csr_array

        genes = self.genes
        blocks = [matrix for _, _, matrix, _ in self.read()]
        return blocks[0] if blocks else csr_array((0, len(genes)))

    def write(self, file: Path) -> None:
        """Write these rows, and no others, to an HDF5 file.

        Raises:
            OSError: If the disk refuses.
        """
        import h5py

        names = []
        block, place = np.empty_like(self.block), np.empty_like(self.place)
        with hdf5_file(file) as out:
            for code, (name, rows, matrix, genes) in enumerate(self.read()):
                names.append(name)
                block[rows], place[rows] = code, np.arange(len(rows))
                group = out.create_group(f"blocks/{code}")
                for key, values in _arrays(matrix).items():
                    group.create_dataset(
                        key, data=values, compression="lzf" if values.size else None
                    )
                group.create_dataset("genes", data=list(genes), dtype=h5py.string_dtype())
            _number(out, names, block, place)

    def link(self, file: Path) -> None:
        """Write which rows these are to an HDF5 file; their blocks stay in the files they are in.

        Raises:
            ValueError: If a block is in no file.
        """
        import h5py

        with hdf5_file(file) as out:
            for code, (name, block) in enumerate(self.blocks.items()):
                if not isinstance(block, Stored):
                    raise ValueError(f"{name} is in memory alone")  # noqa: TRY004  of its state
                out[f"blocks/{code}"] = h5py.ExternalLink(str(block.file.absolute()), block.name)
            _number(out, list(self.blocks), self.block, self.place)

    def content(self) -> Iterator[bytes]:
        """Canonical bytes of all rows, whatever the file format, for a fingerprint."""
        for name, rows, matrix, genes in self.read():
            yield f"[{name}:{len(rows)}]".encode()
            yield "\0".join(genes).encode()
            yield rows.astype("<i8").tobytes()
            matrix.sort_indices()
            yield matrix.indptr.astype("<i8").tobytes()
            yield matrix.indices.astype("<i8").tobytes()
            yield matrix.data.astype("<f8").tobytes()


def _number(
    file: Any, names: list[str], block: NDArray[np.int32], place: NDArray[np.int32]
) -> None:
    """Write which row of which block each row is."""
    import h5py

    rows = file.create_group(_ROWS)
    rows.create_dataset("blocks", data=names, dtype=h5py.string_dtype())
    rows.create_dataset("block", data=block)
    rows.create_dataset("place", data=place)


@contextmanager
def hdf5_file(path: Path) -> Iterator[h5py.File]:
    """A new HDF5 file, made in memory and written at the end.

    The library ends the process with a segmentation fault where a disk turns out to be full.

    Raises:
        OSError: If the disk refuses.
    """
    import h5py

    made = BytesIO()
    with h5py.File(made, "w") as file:
        yield file
    path.write_bytes(made.getbuffer())


def _unique(genes: Sequence[str]) -> NDArray[np.str_]:
    """Names of genes; a repeated one gets `-1`, `-2` and so on, as in scanpy."""
    names = np.asarray(genes, dtype=np.str_)
    if len(np.unique(names)) == len(names):
        return names
    there = set(names.tolist())
    seen: dict[str, int] = {}
    unique = []
    for name in names.tolist():
        number = seen.get(name, 0)
        shown = name
        while number and (shown := f"{name}-{number}") in there:
            number += 1
        seen[name] = number + 1
        there.add(shown)
        unique.append(shown)
    return np.asarray(unique, dtype=np.str_)


def _narrow(matrix: csr_array[Any]) -> csr_array[Any]:
    """With 32-bit indices where they do, which some libraries insist on."""
    if matrix.nnz < np.iinfo(np.int32).max:
        matrix.indices = matrix.indices.astype(np.int32, copy=False)
        matrix.indptr = matrix.indptr.astype(np.int32, copy=False)
    return matrix


def _arrays(matrix: csr_array[Any]) -> dict[str, NDArray[Any]]:
    """What a matrix is made of, in the smallest type that holds it."""
    data = matrix.data
    if (data == data.astype(np.int64)).all():
        data = data.astype(np.min_scalar_type(int(data.max(initial=0))))
    return {
        "data": data,
        "indices": matrix.indices.astype(np.int32),
        "indptr": matrix.indptr.astype(np.int64),
    }
