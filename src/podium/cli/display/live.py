"""What moves on a terminal while a command works."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from podium.errors import in_one_line
from podium.figures import figure

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from podium.competition.part import Report
    from podium.tuning.search import Watch
    from podium.tuning.studies import Standing


@contextmanager
def progress() -> Iterator[Bars | None]:
    """Progress bars on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),  # brackets in names are no markup
        TextColumn("{task.fields[state]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
        yield Bars(drawn)


class Bars:
    """Shows one line a stage, with its latest step and figure."""

    def __init__(self, drawn: RichProgress) -> None:
        self._drawn = drawn

    def stage(self, title: str) -> Report:
        """Begin a stage; the one before it is done."""
        for task in self._drawn.tasks:
            self._drawn.remove_task(task.id)
        line = self._drawn.add_task(in_one_line(title), total=None, state="")

        def report(step: int, value: float, **others: float) -> None:
            shown = "".join(f"  {_named(name)} {other:.4g}" for name, other in others.items())
            self._drawn.update(line, state=f"step {step:,}  {value:.4g}{shown}")

        return report


def _named(name: str) -> str:
    """A figure's name as the model gives it: in quotes where it is more than a word."""
    return name if name.isidentifier() else repr(name)


@contextmanager
def searching(trials: int | None, timeout: float | None) -> Iterator[Watch | None]:
    """Where a search stands, live on a terminal; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live

    shown = _Search(trials, timeout)
    with Live(shown, console=Console(stderr=True), transient=True, refresh_per_second=4):
        yield shown.watch


class _Search:
    """Draws where a search stands, with the time that is left."""

    def __init__(self, trials: int | None, timeout: float | None) -> None:
        self._trials, self._timeout = trials, timeout
        self._begun = time.monotonic()
        self._first: int | None = None
        self._stands: Standing | None = None

    def watch(self, stands: Standing) -> None:
        """Take note."""
        if self._first is None:
            self._first = max(stands.done - 1, 0)
        self._stands = stands

    def __rich__(self) -> str:
        stands, passed = self._stands, time.monotonic() - self._begun
        if stands is None:
            return f"[dim]beginning  {_duration(passed)}[/]"
        of = f" of {self._trials}" if self._trials else ""
        states = f"{stands.complete} complete, {stands.pruned} pruned, {stands.failed} failed"
        best = f"{stands.best[1]:.4f} (trial {stands.best[0]})" if stands.best else "-"
        return (
            f"[bold]{stands.done}{of} trials[/]  {states}, {stands.running} running\n"
            f"best [bold green]{best}[/]  DEFAULTS {figure(stands.defaults)}\n"
            f"{_duration(passed)} passed, {self._left(stands, passed)} left"
        )

    def _left(self, stands: Standing, passed: float) -> str:
        left = [] if self._timeout is None else [max(self._timeout - passed, 0)]
        new = stands.done - (self._first or 0)
        if self._trials is not None and new:
            left.append(max(self._trials - stands.done, 0) * passed / new)
        return _duration(min(left)) if left else "?"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
