"""Lines, JSON documents, errors and tables: results go to stdout, messages to stderr."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from podium.documents import finite
from podium.errors import PodiumError, visible

Cells = Sequence[str]
_CLIPPED = 24
"""Characters of a clipped column for which others that are spare go."""


def out(text: str = "") -> None:
    """Print a result."""
    sys.stdout.write(visible(text) + "\n")


def say(text: str) -> None:
    """Print a message beside the results."""
    sys.stderr.write(visible(text) + "\n")


def document(value: Any) -> None:
    """Print one JSON document; a figure that is not finite is null, as JSON has none."""
    plain = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    form: dict[str, Any] = {"indent": 2, "ensure_ascii": plain, "allow_nan": False}
    try:
        text = json.dumps(value, **form)
    except ValueError:
        text = json.dumps(finite(value), **form)
    out("\n".join(line if line.isprintable() else _escaped(line) for line in text.split("\n")))


def _escaped(text: str) -> str:
    """Characters that cannot be printed as JSON writes them."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def error(problem: PodiumError, *, as_json: bool) -> None:
    """Print what was refused and what to do next."""
    say(f"error: {problem}")
    if as_json:
        document({"error": problem.as_json})


def table(
    header: Cells,
    rows: Sequence[Cells],
    *,
    right: Sequence[int] = (),
    spare: Sequence[int] = (),
    whole: Sequence[int] = (),
    clip: int | None = None,
) -> None:
    """Print a table: drawn on a terminal, aligned plain text in a pipe.

    Args:
        header: Column titles.
        rows: Cells as text.
        right: Columns that are aligned to the right.
        spare: Columns that a narrow terminal may do without, the first to go first.
        whole: Columns whose cells are copied, as IDs are: they stay on one line.
        clip: A column that a terminal shows on one line, as many of its words as there is room.
    """
    header, *rows = [[visible(cell).replace("\n", " ") for cell in row] for row in [header, *rows]]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    if sys.stdout.isatty():
        if clip is not None:
            widths[clip] = min(widths[clip], _CLIPPED)
        shown = _fitting(widths, spare)
        if clip is not None:
            taken = sum(widths[place] + 2 for place in shown if place != clip)
            room = max(shutil.get_terminal_size().columns - taken, len(header[clip]))
            rows = [[*row[:clip], _clipped(row[clip], room), *row[clip + 1 :]] for row in rows]
        _drawn(header, rows, right, shown, whole)
        return
    for row in [header, *rows]:
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        out("  ".join(cells).rstrip())


def _clipped(text: str, room: int) -> str:
    """As many words of a text as there is room for."""
    return textwrap.shorten(text, room, placeholder="…", break_on_hyphens=False)


def _fitting(widths: Sequence[int], spare: Sequence[int]) -> list[int]:
    """The columns that fit the terminal's width."""
    room = shutil.get_terminal_size().columns
    shown = list(range(len(widths)))
    for place in spare:
        if sum(widths[left] + 2 for left in shown) - 2 > room:
            shown.remove(place)
    return shown


def _drawn(
    header: Cells,
    rows: Sequence[Cells],
    right: Sequence[int],
    shown: Sequence[int],
    whole: Sequence[int],
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    words = [
        max(len(word) for row in [header, *rows] for word in row[place].split() or [""])
        for place in range(len(header))
    ]
    fit = sum(words[place] + 2 for place in shown) - 2 <= shutil.get_terminal_size().columns
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold cyan")
    for place in shown:
        number = place in right
        least = words[place] if fit else None  # no word is cut
        if place in whole:
            least = max(len(row[place]) for row in [header, *rows])
        drawn.add_column(
            Text(header[place]),
            justify="right" if number else "left",
            no_wrap=number or place in whole,
            min_width=least,
        )
    for row in rows:
        drawn.add_row(*(Text(row[place]) for place in shown))  # brackets in names are no markup
    Console().print(drawn)
    if len(shown) < len(header):
        hidden = ", ".join(title for place, title in enumerate(header) if place not in shown)
        say(f"A wider terminal, or a pipe, shows also: {hidden}")


def near(path: Path) -> Path:
    """A path as seen from here, where it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
