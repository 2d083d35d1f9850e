"""Tables of an organiser: read them as they are, and say all that is wrong with them at once.

`read`, `labels`, `answers` and `periods` are what a generated `data.py` calls; `Checked` is what
`podium new` looks at before it writes anything.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from podium.columns import EXAMPLES, answer_labels, as_read, first, has_fractions, many
from podium.data.memory import limited
from podium.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

PERIODS = 50
"""Stretches of time with equally many rows, which a split by time keeps whole."""
_OTHERS = {
    b"PK\x03\x04": "an Excel or zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"PAR1": "a Parquet file",
}
"""How files begin that are no CSV."""
_COLUMNS, _HEADER = 200_000, 16 << 20  # columns of a table of one's own, and bytes that name them
_ROOM, _RATIO = 1 << 30, 200  # bytes of memory that reading it may take, and for each of the file
_WIDE = f"its first line names more than {_COLUMNS:,} columns"
OWN = ("part", "fold", "stratum")
"""Columns that Podium adds to every table."""


def read(*files: Path, row_id: str | None, text: Sequence[str] = ()) -> pd.DataFrame:
    """Rows of CSV files together, in a random order that is always the same.

    The order tells nothing then, and ids that are given here tell nothing either.

    Args:
        files: One table, or train and test.
        row_id: The column of ids; it comes first, as text, and is called `id`. None numbers rows.
        text: Columns that are read as they stand: `01` is not `1`, and of what is written only the
            empty field is missing, not `NA` or `None`.
    """
    import pandas as pd

    tables = [_read(file, [*([row_id] if row_id else []), *text]) for file in files]
    rows = pd.concat(tables).sample(frac=1, random_state=0).reset_index(drop=True)
    ids = rows.pop(row_id).astype(str) if row_id else pd.Series(np.arange(len(rows))).astype(str)
    rows.insert(0, "id", ids)
    return rows


def labels(column: pd.Series) -> pd.Series:
    """Labels as text, by the rule that those of submissions are read by."""
    import pandas as pd

    return pd.Series(answer_labels(column), index=column.index, name=column.name, dtype=object)


def answers(*rows: pd.DataFrame, label: str | None = None) -> pd.DataFrame:
    """Answer rows as a metric of others takes them: every column in the type of its table.

    Args:
        rows: Tables with the same columns, `id` among them.
        label: The column of labels, which was read as it stands, if it is one; rows without one
            are left out.
    """
    import pandas as pd

    table = pd.concat(rows)
    if label:
        table = table.assign(**{label: labels(table[label])}).dropna(subset=[label])
    own = {name: as_read(table[name]) for name in ["id", *([label] if label else [])]}
    return table.reset_index(drop=True).assign(
        **{name: pd.Series(values.tolist()) for name, values in own.items()}
    )


def moments(column: pd.Series) -> pd.Series:
    """Times as numbers that grow; NaN where there is none. Texts are dates as ISO 8601 has them."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(np.float64)
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
    return (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)


def periods(column: pd.Series) -> pd.Series:
    """The stretch of time that each row is of, as sorted text; rows of one moment stay together."""
    rank = moments(column).rank(method="min", pct=True)
    return rank.map(lambda share: f"p{int(share * (PERIODS - 1e-9)):03d}")


@contextmanager
def bounded(path: Path) -> Iterator[None]:
    """Read a table of one's own, of whatever size, but for what no such file can hold.

    Raises:
        ValueError: If a text has too many columns, before it is read.
        MemoryError: If a file unpacks to more than 200 times its size and a GiB (on Linux).
    """
    if path.suffix.lower() == ".csv":
        with path.open("rb") as file:
            header = file.readline(_HEADER)
        if len(header) == _HEADER or header.count(b",") >= _COLUMNS:
            raise ValueError(_WIDE)
    with limited(_ROOM + _RATIO * path.stat().st_size):
        yield


@dataclass(frozen=True)
class Checked:
    """A CSV file that was read, or what is wrong with it."""

    path: Path
    table: pd.DataFrame
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: Path) -> Checked:
        """Read a file."""
        import pandas as pd

        problems = _file_problems(path)
        if not problems:
            try:
                table = _read(path)
                problems = [] if len(table) else [f"{path.name} has a header and no rows"]
                return cls(path, table, tuple(problems))
            except MemoryError:
                problems = [f"{path.name} takes more memory than a table of its size can need"]
            except (pd.errors.ParserError, ValueError) as error:
                said = str(error).strip().splitlines()[-1]
                problems = [f"{path.name} is no table with commas: {said}"]
        return cls(path, pd.DataFrame(), tuple(problems))

    def with_text(self, columns: Sequence[str]) -> Checked:
        """The same with these columns as they stand in the file, where they are there."""
        if not set(columns) & set(self.table.columns):
            return self
        return Checked(self.path, _read(self.path, columns), self.problems)

    @property
    def text(self) -> list[str]:
        """The columns that are text."""
        from pandas.api.types import is_object_dtype, is_string_dtype

        kinds = {str(name): self.table[name].dtype for name in self.table}
        return [n for n, kind in kinds.items() if is_object_dtype(kind) or is_string_dtype(kind)]

    def lacking(self, columns: Sequence[str]) -> list[str]:
        """A line for each of these columns that is not there."""
        from difflib import get_close_matches

        names = [str(name) for name in self.table.columns]
        lines = []
        for name in columns:
            if name not in names:
                near = get_close_matches(name, names, n=1, cutoff=0.6)
                guess = f"did you mean {near[0]!r}? " if near else ""
                lines.append(
                    f"{self.path.name} has no column {name!r}: {guess}"
                    f"it has {first([repr(n) for n in names], len(names))}"
                )
        return lines

    def id_problems(self, row_id: str) -> list[str]:
        """What is wrong with the column of ids."""
        ids = self.table[row_id]
        lines, where = [], f"{self.path.name}, column {row_id!r}"
        if ids.isna().any():
            lines.append(f"{where}: {_rows(ids.isna(), 'row', 'without an id')}")
        twice = ids[ids.duplicated() & ids.notna()].astype(str).unique().tolist()
        if twice:
            lines.append(f"{where}: {many(len(twice), 'id')} more than once: {_first(twice)}")
        return lines

    def target_problems(self, target: str, *, number: bool) -> list[str]:
        """What is wrong with the column to predict, as numbers or as labels."""
        import pandas as pd

        column = self.table[target]
        where = f"{self.path.name}, column {target!r}"
        lines = []
        if column.isna().any():
            lines.append(f"{where}: {_rows(column.isna(), 'value', 'missing or NaN')}")
        numeric = pd.api.types.is_numeric_dtype(column.dtype)
        if number and not numeric:
            text = column.notna() & pd.to_numeric(column, errors="coerce").isna()
            words = _first(column[text].astype(str).unique().tolist())
            return [*lines, f"{where}: {many(int(text.sum()), 'value')} no number: {words}"]
        if number and np.isinf(column.to_numpy(np.float64)).any():
            lines.append(f"{where}: {_rows(np.isinf(column), 'value', 'infinite')}")
        if not number and has_fractions(pa.array(column, from_pandas=True)):
            lines.append(
                f"{where}: numbers with decimals are no labels; for a metric of numbers "
                "take rmse, mae or r2"
            )
        if len(column.dropna().unique()) == 1:
            lines.append(f"{where}: every row has the same value, {column.dropna().iloc[0]}")
        return lines


def _read(path: Path, text: Collection[str] = ()) -> pd.DataFrame:
    """A CSV file, some columns as they stand; an index that was saved beside it is left out."""
    import pandas as pd

    utf8 = "utf-8-sig"
    with bounded(path):
        table = pd.read_csv(path, encoding=utf8, low_memory=False)
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError("the rows have more fields than the header")  # noqa: TRY004
    if text:
        plain: Any = {"dtype": str, "keep_default_na": False, "na_values": [""]}
        words = pd.read_csv(path, encoding=utf8, usecols=lambda n: n in text, **plain)
        table = table.assign(**words)
    if str(table.columns[0]).startswith("Unnamed: "):
        table = table.iloc[:, 1:]
    for name in table:
        if pd.api.types.is_object_dtype(table[name].dtype):  # true and false beside NaN
            table[name] = table[name].map(str, na_action="ignore")
    return table


def _file_problems(path: Path) -> list[str]:
    """What is wrong with a file before it can be a table."""
    if not path.is_file():
        return [f"there is no file {path}"]
    with path.open("rb") as start:
        begin = start.read(4)
    if begin in _OTHERS:
        return [f"{path.name} is {_OTHERS[begin]}: save the table as CSV"]
    if begin[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return [f"{path.name} is UTF-16: convert it: iconv -f utf-16 -t utf-8 {path.name}"]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline(_HEADER)
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError as error:
        return [
            f"{path.name} is not UTF-8 (byte {error.object[error.start]:#x}): save it as UTF-8, "
            f"or convert it: iconv -f latin1 -t utf-8 {path.name}"
        ]
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    if not header.strip():
        return [f"{path.name} is empty" if not header else f"{path.name} has an empty first line"]
    if "\x00" in header:
        return [f"{path.name} is no text: save the table as CSV"]
    return _header_problems(path, header)


def _header_problems(path: Path, header: str) -> list[str]:
    if len(header) == _HEADER or header.count(",") >= _COLUMNS:
        return [f"{path.name}: {_WIDE}"]
    names = next(csv.reader([header]))
    for mark, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(names) < 3 and header.count(mark) >= max(1, len(names)):
            return [
                f"{path.name} has {word} between its columns: save it with commas (and a point "
                "in decimals)"
            ]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    lines = [f"{path.name} has the column {name!r} more than once" for name in twice]
    if len(names) < 2:
        lines.append(f"{path.name} has one column only, {names[0]!r}")
    own = sorted(set(names) & set(OWN))
    return lines + [f"{path.name}: Podium has a column {n!r} of its own: rename it" for n in own]


def _rows(mask: pd.Series, noun: str, what: str) -> str:
    places = np.flatnonzero(mask)
    return f"{many(len(places), noun)} {what}: {_first([f'row {row + 1}' for row in places])}"


def _first(examples: list[str]) -> str:
    return first(examples[: EXAMPLES + 1], len(examples))
