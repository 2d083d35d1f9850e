"""Tables beside the rows: what belongs to a thing that many rows name, kept once.

The expression of a cell line belongs to the line, not to each of its rows. A table has one row for
each such thing. Its first column is its key, and has the name of the feature column that names the
things (docs/decisions/0027).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.columns import first, many
from podium.competition.version import whole
from podium.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import pandas as pd

    from podium.data.dataset import Prepared

TABLE = ".table.parquet"
"""Ending of a table's file in `public/`."""


@dataclass(frozen=True)
class Tables(Mapping[str, "pd.DataFrame"]):
    """The tables of prepared data by name, each read from its file whenever it is asked for.

    So nothing is read that a model does not use, and what it does to its copy stays with it.

    Attributes:
        files: Where each lies, and its sha256 when it was made.
        again: The command that prepares them again.
    """

    files: Mapping[str, tuple[Path, str]]
    again: str

    def file(self, name: str) -> Path:
        """Where a table lies, for those who read some of its rows or columns; checked.

        Raises:
            KeyError: If there is no such table.
            DataError: If it is missing, changed or truncated, or may not be read.
        """
        if name not in self.files:
            raise KeyError(f"there is no table {name!r}: {', '.join(self) or 'there are none'}")
        path, sha256 = self.files[name]
        return whole(path, sha256, again=self.again)

    def __getitem__(self, name: str) -> pd.DataFrame:
        """A table, its key as the index."""
        import pandas as pd

        return keyed(pd.read_parquet(self.file(name)))

    def __contains__(self, name: object) -> bool:
        return name in self.files

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        return f"<Tables: {', '.join(self) or 'none'}>"


def keyed(table: pd.DataFrame) -> pd.DataFrame:
    """A table with its first column, the key, as the index."""
    return table.set_index(table.columns[0])


def check(prepared: Prepared, hidden: Iterable[str]) -> None:
    """Look whether tables fit the features.

    Args:
        prepared: With tables.
        hidden: Names that no public table may have as a column.

    Raises:
        DataError: With all that is wrong.
    """
    problems = []
    for name, table in prepared.tables.items():
        what = f"table {name!r}"
        names = [str(column) for column in table.columns]
        if twice := sorted({column for column in names if names.count(column) > 1}):
            problems.append(
                f"{what} has {many(len(twice), 'column')} twice: {first(twice, len(twice))}"
            )
        if told := sorted(set(hidden) & set(names)):
            problems.append(f"{what} is public and has {', '.join(told)}")
        if not names or names[0] == "id" or names[0] not in prepared.features:
            problems.append(f"the first column of {what} must be one of the features: its key")
            continue
        keys = table.iloc[:, 0]
        if again := keys[keys.duplicated()].map(repr).tolist():
            problems.append(
                f"{what} has {many(len(again), 'key')} twice: {first(again, len(again))}"
            )
        if lacking := unknown(prepared.features[names[0]], keys):
            problems.append(
                f"{what} lacks {many(len(lacking), 'key')}: {first(lacking, len(lacking))}"
            )
    if problems:
        raise DataError("The tables beside the rows do not fit.", problems=problems)


def unknown(named: pd.Series[Any], keys: Iterable[Any]) -> list[str]:
    """What rows name and the keys do not have, as messages show it."""
    there = set(keys)
    return [repr(key) for key in named.drop_duplicates() if key not in there]


def _counted(what: str, names: list[str], kind: str, how: str = "") -> str:
    return f"{what} {many(len(names), kind)}{how}: {first(names, len(names))}"
