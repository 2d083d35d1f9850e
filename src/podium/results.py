"""What calls give, as a notebook shows it: a short line, and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

from podium.figures import figure, interval

if TYPE_CHECKING:
    import pandas as pd

Item = TypeVar("Item")


class Result:
    """What a call gives: it prints as one line, and a notebook shows its table below."""

    def to_frame(self) -> pd.DataFrame:
        """Its figures as a table."""
        raise NotImplementedError

    def _line(self) -> str:
        """What it says of itself in one line."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._line()}>"

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        table = frame.to_html(index=False, na_rep="", float_format=figure, border=0)
        return f"<p>{escape(self._line())}</p>\n{table}"


class Results(list[Item], Result):
    """A list of rows that is a table in a notebook."""

    def __init__(self, rows: Sequence[Item], title: str) -> None:
        super().__init__(rows)
        self._title = title

    def to_frame(self) -> pd.DataFrame:
        """A row for each entry, with its plain attributes as columns."""
        import pandas as pd

        frame = pd.DataFrame([_flat(row) for row in self])
        for name in frame:
            cells = frame[name].dropna()
            if len(cells) < len(frame) and pd.api.types.is_integer_dtype(cells.convert_dtypes()):
                frame[name] = frame[name].astype("Int64")  # a rank stays whole beside none
        return frame

    def _line(self) -> str:
        return f"{self._title}, {len(self)} rows"

    __repr__ = Result.__repr__


def scores_frame(card: Mapping[str, Any]) -> pd.DataFrame:
    """A card as a table: all rows and each stratum, with interval and every score.

    Args:
        card: `rows`, `groups`, `scores`, `ci`, and `strata` with the same for each.
    """
    import pandas as pd

    rows = {"all rows": card, **card["strata"]}
    return pd.DataFrame(
        [
            {"rows of": name, "rows": one["rows"], "groups": one["groups"]}
            | dict(zip(("ci_low", "ci_high"), one["ci"] or (None, None), strict=True))
            | dict(one["scores"])
            for name, one in rows.items()
        ]
    )


def scored(score: float, ci: Sequence[float] | None) -> str:
    """A score with its interval, in words."""
    return figure(score) + (f" (95 %: {interval(ci)})" if ci else "")


def _flat(row: object) -> dict[str, object]:
    """Attributes of a row; those of a mapping or of a dataclass become columns of their own."""
    cells: dict[str, object] = {}
    for name, value in vars(row).items():
        parts = vars(value) if is_dataclass(value) else value
        if isinstance(parts, dict):
            cells |= {f"{name}.{key}": entry for key, entry in parts.items()}
        else:
            cells[name] = value
    return cells
