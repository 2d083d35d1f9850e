"""What a predictions file should hold, and so how much it may declare of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from podium.competition.contract import Competition
from podium.data.columns import wanted
from podium.errors import SubmissionError

FORMATS = {".csv": "CSV", ".parquet": "Parquet", ".h5": "HDF5", ".hdf5": "HDF5", ".h5ad": "HDF5"}
_SECONDS, _PER_SECOND = 20, 4 << 20  # seconds in any case, and bytes that each second more is for
_ROOM, _VALUE = 16 << 20, 64  # bytes that a file may take in any case, and for each value
_MATRIX_VALUE = 32  # the same in a matrix: a number with all its digits, no texts
_SPARE = 1000  # rows beyond twice those that are expected
_LIBRARIES, _COPIES = 64 << 20, 6  # bytes of memory in any case, and so often those of the columns
_COLUMNS = 100_000  # beyond twice those that are expected: a table may lie on its side


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The rows and columns of a predictions file; JSON can hold it.

    Attributes:
        names: Its columns, `id` first.
        rows: How many it has.
        labels: Those of its columns that are labels.
        matrix: The target's name, where that is a matrix.
    """

    names: Sequence[str]
    rows: int
    labels: Sequence[str] = ()
    matrix: str = ""

    @classmethod
    def of(cls, competition: Competition, rows: int, genes: Sequence[str] = ()) -> Expected:
        """What a competition expects for so many rows."""
        return cls(
            names=wanted(competition, genes),
            rows=rows,
            labels=[target.name for target in competition.targets if target.label],
            matrix=competition.targets[0].name if competition.matrix else "",
        )

    @property
    def limit(self) -> int:
        """Bytes that the file may have, and its columns once they are unpacked."""
        value = _MATRIX_VALUE if self.matrix else _VALUE
        return _ROOM + value * self.rows * len(self.names)

    @property
    def memory(self) -> int:
        """Bytes of memory that reading the file may take."""
        return _LIBRARIES + _COPIES * self.limit

    @property
    def seconds(self) -> int:
        """Seconds that reading the file may take."""
        return _SECONDS + self.limit // _PER_SECOND

    def check_rows(self, count: int, spare: int = _SPARE) -> None:
        """Refuse far more rows than are expected.

        Raises:
            ValueError: If there are; of fewer the ids tell more.
        """
        if count > 2 * self.rows + spare:
            raise ValueError(f"it has {count:,} rows, {self.rows:,} are expected")

    def check_columns(self, count: int) -> None:
        """Refuse more columns than any mistake makes.

        Raises:
            ValueError: If there are.
        """
        if count > 2 * len(self.names) + _COLUMNS:
            raise ValueError(f"it has {count:,} columns, {len(self.names):,} are expected")

    def check_size(self, size: int) -> None:
        """Refuse columns that a small file unpacks to more than memory may hold.

        Raises:
            ValueError: If they take so many bytes.
        """
        if size > self.limit:
            raise ValueError(
                f"its columns unpack to {size >> 20:,} MiB, far more than {self.rows:,} rows need"
            )


def unreadable(path: Path, reason: str) -> SubmissionError:
    """The refusal of a file that cannot be read as what its name says."""
    return SubmissionError(
        f"{path} cannot be read as {FORMATS[path.suffix.lower()]}.",
        problems=[(reason.strip() or "unreadable").splitlines()[0][:300]],
        hint="Is the file whole, and is its content what its name says?",
    )
