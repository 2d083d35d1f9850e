"""What a command shows while it works: what moves on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from podium.cli.display.printing import say
from podium.errors import in_one_line
from podium.figures import figure

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from podium.competition.part import Report
    from podium.tuning.search import Watch
    from podium.tuning.studies import Standing


QUIET = 5.0
"""Seconds of work that need no word where there is no terminal."""
MINUTE = 60.0
"""Seconds between two lines of a stage that goes on, where there is no terminal."""


@contextmanager
def progress(*, silent: bool = False) -> Iterator[Bars | Lines | None]:
    """Progress bars on a terminal; elsewhere plain lines, as a log wants them; or nothing."""
    if silent:
        yield None
        return
    if not sys.stderr.isatty():
        lines = Lines()
        try:
            yield lines
        finally:
            lines.end()
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
    """Shows one line for each thread that is at a stage, with its latest step and figure."""

    def __init__(self, drawn: RichProgress) -> None:
        self._drawn, self._lines, self._begun = drawn, dict[int, Any](), time.monotonic()
        self._whole: Any = None
        self._stages = dict[int, float]()

    def stage(self, title: str) -> Report:
        """Begin a stage; the one before it in the same thread is done."""
        thread = threading.get_ident()
        if thread in self._lines:
            self._drawn.remove_task(self._lines[thread])
        line = self._drawn.add_task(in_one_line(title), total=None, state="")
        self._lines[thread], self._stages[thread] = line, time.monotonic()

        def report(step: int, value: float, **others: float) -> None:
            self._drawn.update(line, state=_step(step, value, others))

        return report

    def amount(self, done: float, total: float | None, unit: str) -> None:
        """Show how much of the stage is done, and about how long the rest takes."""
        thread = threading.get_ident()
        passed = time.monotonic() - self._stages[thread]
        self._drawn.update(self._lines[thread], state=_amount(done, total, unit, passed))

    def count(self, done: int, total: int) -> None:
        """Show how much of the whole is done, and about how long the rest takes."""
        if self._whole is None:
            self._whole = self._drawn.add_task("in all", total=None, state="")
        state = _counted(done, total, time.monotonic() - self._begun)
        self._drawn.update(self._whole, state=state)


class Lines:
    """Says on stderr what is being done: a line a stage, and one a minute while it goes on."""

    def __init__(self) -> None:
        self._begun, self._state, self._over = time.monotonic(), "", threading.Event()
        self._counts = False  # where stages are counted, a line a stage is enough
        self._title, self._stage = "", self._begun
        threading.Thread(target=self._repeat, daemon=True).start()

    def stage(self, title: str) -> Report:
        """Begin a stage."""
        self._state = self._title = title = in_one_line(title)
        self._stage = time.monotonic()
        if not self._counts:
            self._say(title)

        def report(step: int, value: float, **others: float) -> None:
            self._state = f"{title}: {_step(step, value, others)}"

        return report

    def amount(self, done: float, total: float | None, unit: str) -> None:
        """Say once a minute how much of the stage is done, and about how long the rest takes."""
        passed = time.monotonic() - self._stage
        self._state = f"{self._title}: {_amount(done, total, unit, passed)}"

    def count(self, done: int, total: int) -> None:
        """Say how much of the whole is done, and about how long the rest takes."""
        self._counts = True
        if done:
            self._say(_counted(done, total, time.monotonic() - self._begun))

    def end(self) -> None:
        """Say no more."""
        self._over.set()

    def _repeat(self) -> None:
        while not self._over.wait(MINUTE):
            if self._state:
                self._say(self._state)

    def _say(self, text: str) -> None:
        self._state, passed = text, time.monotonic() - self._begun
        if passed >= QUIET:
            say(f"{_duration(passed)}  {text}")


def _step(step: int, value: float, others: Mapping[str, float]) -> str:
    shown = "".join(f"  {_named(name)} {other:.4g}" for name, other in others.items())
    return f"step {step:,}  {value:.4g}{shown}"


def _counted(done: int, total: int, passed: float) -> str:
    return f"{done} of {total} done{_left(done, total, passed)}"


def _amount(done: float, total: float | None, unit: str, passed: float) -> str:
    if total is None or done > total:
        return f"{done:,.1f} {unit}"
    return f"{done:,.1f} of {total:,.1f} {unit}{_left(done, total, passed)}"


def _left(done: float, total: float, passed: float) -> str:
    """About how long the rest takes, if it goes on as it went."""
    return f", about {_duration((total - done) * passed / done)} left" if 0 < done < total else ""


def _named(name: str) -> str:
    """A figure's name as the model gives it: in quotes where it is more than a word."""
    return name if name.isidentifier() else repr(name)


@contextmanager
def searching(trials: int | None, timeout: float | None) -> Iterator[Watch]:
    """Where a search stands: live on a terminal, elsewhere a line after a trial."""
    shown = _Search(trials, timeout)
    if not sys.stderr.isatty():
        yield shown.say
        return
    from rich.console import Console
    from rich.live import Live

    with Live(shown, console=Console(stderr=True), transient=True, refresh_per_second=4):
        yield shown.watch


class _Search:
    """Draws where a search stands, with the time that is left."""

    def __init__(self, trials: int | None, timeout: float | None) -> None:
        self._trials, self._timeout = trials, timeout
        self._begun, self._said, self._told = time.monotonic(), 0.0, 0
        self._first: int | None = None
        self._stands: Standing | None = None

    def watch(self, stands: Standing) -> None:
        """Take note."""
        if self._first is None:
            self._first = max(stands.done - 1, 0)
        self._stands = stands

    def say(self, stands: Standing) -> None:
        """Say where it stands after a trial, but at most once a second; and once a minute."""
        self.watch(stands)
        passed = time.monotonic() - self._begun
        wait = 1 if stands.done > self._told else MINUTE
        if passed < max(QUIET, self._said + wait):
            return
        self._said, self._told = passed, stands.done
        of = f" of {self._trials}" if self._trials else ""
        best = f"{stands.best[1]:.4f} (trial {stands.best[0]})" if stands.best else "-"
        say(
            f"{_duration(passed)}  {stands.done}{of} trials, best {best}, "
            f"DEFAULTS {figure(stands.defaults)}, about {self._left(stands, passed)} left"
        )

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
