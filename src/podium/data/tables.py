"""Tables of an organiser: read them as they are, and say all that is wrong with them at once.

`read`, `labels`, `answers` and `periods` are what a generated `data.py` calls; `Checked` is what
`podium new` looks at before it writes anything.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from csv import QUOTE_ALL
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pyarrow as pa

from podium.columns import EXAMPLES, answer_labels, as_read, first, has_fractions, many
from podium.data import formats
from podium.data.formats import Expected, form
from podium.data.parsing import header
from podium.errors import DataError, PodiumError, note, one_line

if TYPE_CHECKING:
    import pandas as pd

PERIODS = 50
"""Stretches of time with equally many rows, which a split by time keeps whole."""
NULLS = [
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
]
"""What pandas takes for a missing value."""
_FIRST = 1000  # rows by which texts are told
_CHUNK = 16 << 20  # bytes of a table that are read at a time
_LARGE = 1 << 24  # values from which a table's columns are left where they are
_SPARE = 1.1  # times the rows that a table has if all of it is like what was read
_NUMBERS = {np.dtype(np.int64), np.dtype(np.float64)}
_EXACT = 2**53  # up to which a float is any whole number
Numbers = np.ndarray[tuple[int], np.dtype[Any]]
Stand = Callable[[Sequence[str], Sequence[str]], Collection[str]]
OWN = ("part", "fold", "stratum")
"""Columns that Podium adds to every table."""


def read(
    *files: Path, row_id: str | None, text: Sequence[str] = (), only: Sequence[str] | None = None
) -> pd.DataFrame:
    """Rows of CSV files together, in a random order that is always the same.

    The order tells nothing then, and ids that are given here tell nothing either.

    Args:
        files: One table, or train and test.
        row_id: The column of ids; it comes first, as text, and is called `id`. None numbers rows.
        text: Columns that are read as they stand: `01` is not `1`, and of what is written only the
            empty field is missing, not `NA` or `None`.
        only: Columns that are wanted, beside the ids; None for all.

    Raises:
        DataError: If a file cannot be read, or another column is called `id`.
    """
    import pandas as pd

    named = [row_id] if row_id else []
    wanted = None if only is None else {*named, *only}
    tables = [_read(file, [*named, *text], wanted)[1] for file in files]
    table = pd.concat(tables) if len(tables) > 1 else tables.pop()
    order = pd.Series(np.arange(len(table))).sample(frac=1, random_state=0).to_numpy()
    rows = {name: table[name] for name in table}
    del table, tables
    for name in rows:  # one after the other, so that they never are there twice
        rows[name] = rows[name].iloc[order].reset_index(drop=True)
    ids = rows.pop(row_id) if row_id else pd.Series(np.arange(len(order)))
    if "id" in rows:
        beside = f"the ids {row_id!r}" if row_id else "row numbers"
        raise DataError(f"{files[0].name}: there is a column 'id' beside {beside}: rename it.")
    small = len(order) * len(rows) < _LARGE
    return pd.DataFrame({"id": ids.astype(str), **rows}, copy=small)


def labels(column: pd.Series) -> pd.Series:
    """Labels as text, by the rule that those of submissions are read by."""
    import pandas as pd

    return pd.Series(answer_labels(column), index=column.index, name=column.name, dtype=object)


def one_hot(column: pd.Series, classes: Mapping[str, str]) -> pd.DataFrame:
    """1 in the column of each label, else 0, as float64.

    Args:
        column: Of labels.
        classes: The label of each column by its name.
    """
    import pandas as pd

    label = labels(column)
    hot = {name: (label == of).astype("float64") for name, of in classes.items()}
    return pd.DataFrame(hot, index=column.index)


def answers(
    *rows: pd.DataFrame,
    label: str | Sequence[str] | None = None,
    text: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Answer rows as a metric of others takes them: every column in the type of its table.

    Args:
        rows: Tables with the same columns, `id` among them.
        label: The column of labels, which was read as it stands, if it is one, or several; rows
            without one are left out.
        text: The column of any texts, or several; where there is none it is empty, as in a
            submission.
    """
    import pandas as pd

    named, texts = ([one] if isinstance(one, str) else [*(one or ())] for one in (label, text))
    table = pd.concat(rows).fillna(dict.fromkeys(texts, ""))
    table = table.assign(**{name: labels(table[name]) for name in named}).dropna(subset=named)
    own = {name: as_read(table[name]) for name in ["id", *named]}
    table = table.reset_index(drop=True)
    typed = pd.DataFrame({name: pd.Series(values.tolist()) for name, values in own.items()})
    return pd.concat([table.drop(columns=list(typed)), typed], axis=1)[list(table)]


def moments(column: pd.Series) -> pd.Series:
    """Times as numbers that grow; NaN where there is none. Texts are dates as ISO 8601 has them."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(np.float64)
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
    dates = dates.dt.as_unit("us")  # whose years are all that may be written, nanoseconds' not
    return (dates - pd.Timestamp(0, tz="UTC").as_unit("us")) / pd.Timedelta(days=1)


def periods(column: pd.Series) -> pd.Series:
    """The stretch of time that each row is of, as sorted text; rows of one moment stay together."""
    rank = moments(column).rank(method="min", pct=True)
    return rank.map(lambda share: f"p{int(share * (PERIODS - 1e-9)):03d}")


@dataclass(frozen=True)
class Checked:
    """A CSV file that was read, or what is wrong with it.

    Attributes:
        stood: Columns that are as they stand in the file.
    """

    path: Path
    table: pd.DataFrame
    problems: tuple[str, ...] = ()
    stood: frozenset[str] = frozenset()

    @classmethod
    def of(cls, path: Path, may: Collection[str] = (), stand: Stand | None = None) -> Checked:
        """Read a file.

        Args:
            path: Of the file.
            may: Columns that Podium has, too, and that it may have.
            stand: Which columns are read as they stand, of all and of those that begin as texts.
        """
        import pandas as pd

        try:
            names, table, stood = _read(path, stand=stand)
        except PodiumError as error:
            error.rename(path, Path(path.name))
            return cls(path, pd.DataFrame(), (f"{one_line(error)} {error.hint}",))
        if text := formats.said(path):
            note(f"{path.name}: {text}")
        problems = _header_problems(path, names, may)
        if not problems and not len(table):
            problems = [f"{path.name} has a header and no rows"]
        return cls(path, table, tuple(problems), frozenset(stood) & set(table))

    def with_text(self, columns: Sequence[str]) -> Checked:
        """The same with these columns as they stand in the file, where they are there."""
        again = [name for name in columns if name in self.table and name not in self.stood]
        if not again:
            return self
        texts = _read(self.path, again, again)[1]
        table = self.table.assign(**{str(name): texts[name] for name in texts})
        return replace(self, table=table, stood=self.stood | set(again))

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


_KNOWN: list[dict[Path, Checked]] = []


@contextmanager
def known(tables: dict[Path, Checked]) -> Iterator[None]:
    """Let `read` take what was read already of these files; a table that it has taken is gone."""
    _KNOWN.append(tables)
    try:
        yield
    finally:
        _KNOWN.pop()


def _taken(
    path: Path, text: Collection[str], only: Collection[str] | None
) -> tuple[list[str], pd.DataFrame, Collection[str]] | None:
    """What `_read` gives, of a file that is known; all of it is given once."""
    tables = next((tables for tables in _KNOWN if path in tables), None)
    if tables is None:
        return None
    one = tables[path]
    wanted = [str(name) for name in one.table if only is None or name in only]
    if any((name in text) != (name in one.stood) for name in wanted):
        return None
    if only is None:
        del tables[path]
        return wanted, one.table, one.stood
    return wanted, one.table[wanted], one.stood


def _read(
    path: Path,
    text: Collection[str] = (),
    only: Collection[str] | None = None,
    stand: Stand | None = None,
) -> tuple[list[str], pd.DataFrame, Collection[str]]:
    """The names of all columns of a CSV file, its table, and which columns are as they stand.

    An index that was saved beside the columns is left out.

    Args:
        path: Of the file.
        text: Columns that are read as they stand.
        only: Columns that are wanted; None for all.
        stand: Says instead of `text` which are read as they stand.

    Raises:
        DataError: If it cannot be read.
    """
    import pandas as pd

    if taken := _taken(path, text, only):
        return taken
    own = Expected.own(path)
    with formats.content(path, own) as (file, separator):
        if (kind := form(path).kind) != "CSV":
            raise DataError(f"{path} is {kind}: save the table as CSV.")
        names, lines = header(file, path, separator, own)
        how: dict[str, Any] = {"sep": separator, "encoding": "utf-8-sig", "low_memory": False}
        if stand:
            start = pd.read_csv(file, **how, nrows=_FIRST)
            text = stand(names, Checked(path, start).text)
        stands = [place for place, name in enumerate(names) if name in text]
        how |= {
            "usecols": None if only is None else (lambda name: name in only),
            "dtype": {names[place]: str for place in stands},
            "na_values": {place: [""] if place in stands else NULLS for place in range(len(names))},
            "keep_default_na": False,
        }
        size = file.seek(0, os.SEEK_END)
        table = _joined(file, how, max(_FIRST, _CHUNK * lines // max(1, size)))
    if str(table.columns[0]).startswith("Unnamed: "):
        table = table.iloc[:, 1:]
    for name in table:
        if pd.api.types.is_object_dtype(table[name].dtype):  # true and false beside NaN
            table[name] = table[name].map(str, na_action="ignore")
    return names, table, text


def _joined(file: BinaryIO, how: Mapping[str, Any], rows: int) -> pd.DataFrame:
    """The table of an open CSV file, read so many rows at a time.

    A column whose parts have different types is read again: only as a whole has it the type that
    all its values say. Of whole numbers and floats a whole read makes floats, which it reads as
    the one or as the other: numbers that are the same either way need no more than that.
    """
    import pandas as pd

    columns, types = _columns(file, how, rows)
    several = {name for name, kinds in types.items() if len(kinds) > 1}
    numbers = {name for name in several if types[name] == _NUMBERS}
    if numbers:
        as_floats = {"usecols": numbers.__contains__, "dtype": dict.fromkeys(numbers, np.float64)}
        with closing(_parts(file, {**how, **as_floats}, rows)) as chunks:
            several -= numbers - {
                name
                for chunk in chunks
                for name, part in chunk.items()
                if not _same(columns[name].loc[chunk.index], part)
            }
    if several:
        as_texts = {
            "usecols": several.__contains__,
            "dtype": dict.fromkeys(several, str),
            "na_filter": False,
        }
        for name, text in _columns(file, {**how, **as_texts}, rows)[0].items():
            alone = text.to_csv(index=False, lineterminator="\n", quoting=QUOTE_ALL).encode()
            whole = pd.read_csv(
                BytesIO(alone), keep_default_na=False, na_values=NULLS, low_memory=False
            )
            columns[name] = whole.iloc[:, 0]
    small = all(len(column) <= rows for column in columns.values())
    return pd.DataFrame(columns, copy=small)


def _same(first: pd.Series[float], second: pd.Series[float]) -> bool:
    """Whether numbers are the same to the last bit, and whole ones among them are exact."""
    bits, others = (column.to_numpy(np.float64).view(np.int64) for column in (first, second))
    return np.array_equal(bits, others) and not (first.abs() >= _EXACT).any()


def _parts(
    file: BinaryIO, how: Mapping[str, Any], rows: int
) -> Generator[pd.DataFrame, None, None]:
    """Parts of a table, of so many rows.

    Raises:
        ValueError: If it is none.
    """
    import pandas as pd

    file.seek(0)
    done = 0
    with pd.read_csv(file, **how, chunksize=rows) as chunks:
        for chunk in chunks:
            rows_of = pd.RangeIndex(done, done := done + len(chunk))
            if chunk.index.dtype != rows_of.dtype or not chunk.index.equals(rows_of):
                raise ValueError("the rows have more fields than the header")
            yield chunk


def _columns(
    file: BinaryIO, how: Mapping[str, Any], rows: int
) -> tuple[dict[Any, pd.Series[Any]], dict[Any, set[Any]]]:
    """The columns of all parts of a table, and the types that each has in them.

    Numbers go where they stay, so that they never are there twice; a column that has other types
    beside numbers lacks rows.
    """
    import pandas as pd

    columns: dict[Any, Any] = {}
    types: dict[Any, set[Any]] = {}
    done, size = 0, file.seek(0, os.SEEK_END)
    with closing(_parts(file, how, rows)) as chunks:
        for chunk in chunks:
            end = done + len(chunk)
            room = max(end, int(_SPARE * end * size / max(1, file.tell())))
            for name, part in chunk.items():
                number = part.dtype.kind in "if"
                types.setdefault(name, set()).add(part.dtype)
                if name not in columns:
                    columns[name] = part.to_numpy() if number else [part]
                elif isinstance(columns[name], list):
                    columns[name].append(part)
                elif number:
                    columns[name] = _with(columns[name], done, part.to_numpy(), room)
            done = end
    for name, known in columns.items():
        if not isinstance(known, list):
            columns[name] = pd.Series(known[:done], copy=False)
        else:
            columns[name] = known[0] if len(known) == 1 else pd.concat(known, ignore_index=True)
    return columns, types


def _with(known: Numbers, done: int, part: Numbers, room: int) -> Numbers:
    """So many numbers and more behind them, in a larger place for so many if this one is full."""
    end, kind = done + len(part), np.result_type(known, part)
    if len(known) < end or known.dtype != kind:
        held, known = known[:done], np.empty(max(len(known), room), kind)
        known[: len(held)] = held
    known[done:end] = part
    return known


def _header_problems(path: Path, names: Sequence[str], may: Collection[str]) -> list[str]:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    lines = [f"{path.name} has the column {name!r} more than once" for name in twice]
    if len(names) < 2:
        lines.append(f"{path.name} has one column only, {names[0]!r}")
    own = sorted((set(names) & set(OWN)) - set(may))
    return lines + [f"{path.name}: Podium has a column {n!r} of its own: rename it" for n in own]


def _rows(mask: pd.Series, noun: str, what: str) -> str:
    places = np.flatnonzero(mask)
    return f"{many(len(places), noun)} {what}: {_first([f'row {row + 1}' for row in places])}"


def _first(examples: list[str]) -> str:
    return first(examples[: EXAMPLES + 1], len(examples))
