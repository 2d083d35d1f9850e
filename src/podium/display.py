"""What a person sees: tables and progress on a terminal, plain text in a pipe.

With `cli`, the only module that prints. Messages go to stderr, results to stdout.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.boards.ranking import UNVERIFIED
from podium.competition import Competition, Dataset
from podium.errors import PodiumError, visible

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from podium.blending.blending import Blend
    from podium.boards.batch import Handled
    from podium.boards.comparing import Compared, Difference
    from podium.boards.disagreement import Disagreement
    from podium.boards.entry import Outcome
    from podium.boards.exchange import Imported
    from podium.boards.ranking import Row
    from podium.boards.standings import Standings
    from podium.creating.making import Created
    from podium.creating.plans import Wish
    from podium.model import Report
    from podium.runs.predicting import Predicted
    from podium.stats import Card
    from podium.tuning.search import Watch
    from podium.tuning.studies import Standing
    from podium.tuning.tuning import Tuned
    from podium.verifying.verify import Verdict

Cells = Sequence[str]
_HEAD = 20
_REASONS = 5


def out(text: str = "") -> None:
    """Print a result."""
    sys.stdout.write(visible(text) + "\n")


def say(text: str) -> None:
    """Print a message beside the results."""
    sys.stderr.write(visible(text) + "\n")


def document(value: Any) -> None:
    """Print one JSON document."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    out("\n".join(line if line.isprintable() else _escaped(line) for line in text.split("\n")))


def _escaped(text: str) -> str:
    """Characters that cannot be printed as JSON writes them."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def error(problem: PodiumError, *, as_json: bool) -> None:
    """Print what was refused and what to do next."""
    if as_json:
        known = {"message": problem.message, "problems": problem.problems, "hint": problem.hint}
        document({"error": known})
    say(f"error: {problem}")


def table(
    header: Cells, rows: Sequence[Cells], *, right: Sequence[int] = (), spare: Sequence[int] = ()
) -> None:
    """Print a table: drawn on a terminal, aligned plain text in a pipe.

    Args:
        header: Column titles.
        rows: Cells as text.
        right: Columns that are aligned to the right.
        spare: Columns that a narrow terminal may do without, the first to go first.
    """
    rows = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    if sys.stdout.isatty():
        _drawn(header, rows, right, _fitting(widths, spare))
        return
    for row in [header, *rows]:
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        out("  ".join(cells).rstrip())


def _fitting(widths: Sequence[int], spare: Sequence[int]) -> list[int]:
    """The columns that fit the terminal's width."""
    room = shutil.get_terminal_size().columns
    shown = list(range(len(widths)))
    for place in spare:
        if sum(widths[left] + 2 for left in shown) - 2 > room:
            shown.remove(place)
    return shown


def _drawn(
    header: Cells, rows: Sequence[Cells], right: Sequence[int], shown: Sequence[int]
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold cyan")
    for place in shown:
        number = place in right
        drawn.add_column(Text(header[place]), justify="right" if number else "left", no_wrap=number)
    for row in rows:
        drawn.add_row(*(Text(row[place]) for place in shown))  # brackets in names are no markup
    Console().print(drawn)
    if len(shown) < len(header):
        hidden = ", ".join(title for place, title in enumerate(header) if place not in shown)
        say(f"A wider terminal, or a pipe, shows also: {hidden}")


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
        TextColumn("{task.fields[state]}"),
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
        line = self._drawn.add_task(title, total=None, state="")

        def report(step: int, value: float, **others: float) -> None:
            shown = "".join(f"  {name} {other:.4g}" for name, other in others.items())
            self._drawn.update(line, state=f"step {step:,}  {value:.4g}{shown}")

        return report


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


def tuned(competition: Competition, model: str, found: Tuned) -> None:
    """Print what a search has found."""
    stands = found.standing
    if found.why_new:
        say(found.why_new)
    out(
        f"study {found.study}: {stands.complete} complete, {stands.pruned} pruned, "
        f"{stands.failed} failed"
    )
    name = competition.primary.name
    out(f"best out-of-fold {name} {found.value:.4f} (trial {found.trial})")
    if found.params:
        rows = [
            [key, _short(value), figure(found.importances.get(key), 2)]
            for key, value in found.params.items()
        ]
        table(["parameter", "best", "importance"], rows, right=[1, 2])
    else:
        out("No trial is better than DEFAULTS.")
    if found.gain and found.params:
        interval = (
            f", 95% interval {found.gain.ci[0]:+.4f} to {found.gain.ci[1]:+.4f}"
            if (found.gain.ci)
            else ""
        )
        out(f"against DEFAULTS, out of fold, paired: {found.gain.value:+.4f}{interval}")
        say(found.remark)
    for reason in found.failures[:_REASONS]:
        say(f"failed: {reason}")
    if len(found.failures) > _REASONS:
        say(f"and {len(found.failures) - _REASONS} more reasons: --json has them all")
    for path in [*found.predictions[:1], *found.plots]:
        out(str(_near(path)))
    say(f"storage: {found.storage}; {found.new} new trials in {found.seconds:.1f} s")
    dataset = found.study.split("/")[1]
    label = found.study.rsplit("/", 1)[1]
    say(f"Train with it: podium run {competition.name} {model} --dataset {dataset} --study {label}")


def tuned_json(competition: Competition, found: Tuned) -> dict[str, Any]:
    """What a search has found, as one JSON document."""
    stands = asdict(found.standing)
    best = {"trial": found.trial, "value": found.value, "params": dict(found.params)}
    counts = {k: stands[k] for k in ("complete", "pruned", "failed", "running", "waiting")}
    return {
        "study": found.study,
        "storage": found.storage,
        "why_new": found.why_new,
        "metric": competition.primary.name,
        "higher_is_better": competition.primary.higher_is_better,
        "trials": counts,
        "new": found.new,
        "best": best,
        "defaults": stands["defaults"],
        "gain": asdict(found.gain) if found.gain else None,
        "remark": found.remark,
        "importances": dict(found.importances),
        "failures": found.failures,
        "predictions": [str(path) for path in found.predictions],
        "plots": [str(path) for path in found.plots],
        "seconds": round(found.seconds, 3),
    }


def board(competition: Competition, dataset: str, found: Standings, part: str, form: str) -> None:
    """Print a leaderboard as `table`, `json`, `csv` or `markdown`."""
    if form == "json":
        document(board_json(competition, dataset, found, part))
        return
    header, cells = _board_cells(competition, found)
    if form != "table":
        _notes(competition, found, part)
    if form == "csv":
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows([header, *cells])
        out(buffer.getvalue().rstrip())
    elif form == "markdown":
        for row in [header, ["---"] * len(header), *cells]:
            out("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    else:
        parts = {"public": "public part", "private": "private part", "all": "whole test part"}
        out(f"{competition.title} ({competition.name}/{dataset}), {parts[part]}")
        last = len(header) - 1
        table(header, cells, right=[0, 1, *range(4, last)], spare=range(last, 5, -1))
        _notes(competition, found, part)


def board_json(
    competition: Competition, dataset: str, found: Standings, part: str
) -> dict[str, Any]:
    """The board as one JSON document."""
    return {
        "competition": competition.name,
        "dataset": dataset,
        "metric": competition.primary.name,
        "higher_is_better": competition.primary.higher_is_better,
        "part": part,
        "rows": [vars(row) for row in found.rows],
        "looks": found.looks,
        "flattery": found.flattery and vars(found.flattery),
        "groups": found.groups,
        "public_ranks": found.public_ranks,
    }


def _board_cells(competition: Competition, found: Standings) -> tuple[list[str], list[list[str]]]:
    there = {name for row in found.rows for name in row.strata}
    strata = [stratum.name for stratum in competition.strata if stratum.name in there]
    strata = strata if len(strata) > 1 else []  # a single one says what the score says
    beside = [score.name for score in competition.scores[1:] if score.beside]
    age = cache(_age)  # many rows of one second
    shaken = ["public rank"] if found.public_ranks else []
    header = [
        *("rank", "tier", "team", "name", competition.primary.name, "95% interval"),
        *("beats next", *shaken, "normalised"),
        *beside,
        *strata,
        *("entries", "age", "submission"),
    ]
    cells = [
        [
            _place(row),
            "-" if row.tier is None else str(row.tier),
            row.team,
            row.name,
            figure(row.score),
            interval((row.ci_low, row.ci_high)),
            chance(row.win_next),
            *(moved(row, found.public_ranks) for _ in shaken),
            figure(row.normalised, 3),
            *(figure(row.metrics.get(name)) for name in beside),
            *(figure(row.strata.get(name)) for name in strata),
            "-" if row.rank is None else f"{row.entries:,}",
            age(row.created),
            row.submission,
        ]
        for row in found.rows
    ]
    return header, cells


def _place(row: Row) -> str:
    if row.rank is None:
        return row.status
    return f"{row.rank} {row.status}" if row.status == UNVERIFIED else str(row.rank)


def chance(probability: float | None) -> str:
    """A probability in percent, never rounded to a certainty."""
    if probability is None:
        return "-"
    return ">99.9%" if probability > 0.999 else f"{100 * probability:.1f}%"


def moved(row: Row, before: Mapping[str, int]) -> str:
    """The public rank, and by how many places a row has risen or fallen since."""
    if row.rank is None or row.submission not in before:
        return "-"
    return f"{before[row.submission]} ({before[row.submission] - row.rank:+d})"


def _age(created: str) -> str:
    """How long ago, in the largest whole unit."""
    span = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(created)
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes >= 2 * 1440:
        return f"{minutes // 1440} d"
    return f"{minutes // 60} h" if minutes >= 120 else f"{minutes} min"


def _notes(competition: Competition, found: Standings, part: str) -> None:
    """What a reader of the board should know of some of its rows."""
    from podium.boards.tiers import FEWEST

    rows = found.rows
    if found.groups is not None and found.groups < FEWEST:
        say(
            f"No tiers: of {found.groups} independent groups nobody can tell who is really ahead; "
            f"{FEWEST} are needed."
        )
    elif any(row.tier for row in rows):
        say("Rows of one tier cannot be told from its first, by the test rows that there are.")
    if flattery := found.flattery:
        say(
            f"Team {flattery.team} has seen {flattery.looks} public scores: the best of them is "
            f"flattered by about {figure(flattery.expected)}, at most {figure(flattery.bound)}."
        )
    _approximate(competition, {name for r in rows if r.ci_low is not None for name in r.strata})
    unverified = sum(row.status == UNVERIFIED for row in rows)
    if unverified:
        say(
            f"{unverified} unverified: imported without their predictions, so that nobody here "
            "could compute the scores again."
        )
    lacking = [row.submission for row in rows if row.score is None]
    if lacking:
        say(f"{len(lacking)} without {part} scores: {', '.join(lacking)}")


def _approximate(competition: Competition, strata: Collection[str]) -> None:
    """Say of which strata the intervals are less sure than they look."""
    for stratum in competition.strata:
        if stratum.approximate and stratum.name in strata:
            say(f"Intervals are approximate: {stratum.title} are not quite independent.")


def compared(competition: Competition, found: Compared) -> None:
    """Print a comparison: of each pair the differences and where; then how all were made."""
    first = found.rows[0]
    score = competition.primary
    way = "more" if score.higher_is_better else "less"
    for row, against in zip(found.rows[1:], found.against, strict=True):
        out(f"{first.team}/{first.name} against {row.team}/{row.name}")
        out(f"{score.name}, {way} is better")
        lines = [_difference_cells(f"{part} rows", d) for part, d in against.parts.items()]
        if len(against.strata) > 1:
            lines += [_difference_cells(name, d) for name, d in against.strata.items()]
        for kind, groups in against.groups.items():
            ordered = sorted(groups.items(), key=lambda item: item[1].difference)
            shown = ordered if score.higher_is_better is False else ordered[::-1]
            lines += [_difference_cells(f"{kind} {name}", d) for name, d in _ends(shown)]
        header = ["", "first", "second", "difference", "95% interval", "p", "first better"]
        table(header, lines, right=range(1, len(header)))
        _disagreement(against.disagreement)
        if against.missing:
            say(against.missing)
        out()
    names = [f"{row.team}/{row.name}" for row in found.rows]
    cells = [[key, *map(_short, values)] for key, values in found.settings.items()]
    if cells:
        table(["", *names], cells)


def blended(competition: Competition, found: Blend) -> None:
    """Print how a blend was made: weights and why, what each member gives, how like they are."""
    score = competition.primary
    way = "more" if score.higher_is_better else "less"
    chosen = {
        "greedy": "weights chosen on out-of-fold predictions of the train part",
        "equal": "equal weights",
    }
    out(f"{chosen[found.weights]}; {score.name}, {way} is better")
    cells = [
        [
            f"{number} {member.team}/{member.name}",
            f"{member.share:.3f}",
            figure(member.score),
            figure(member.fold_score),
            "-" if member.without is None else f"{member.without:+.4f}",
        ]
        for number, member in enumerate(found.members, 1)
    ]
    if found.fold_score is not None:
        cells.append(["the blend", "1.000", "", figure(found.fold_score), ""])
    header = ["", "weight", "public", "out of fold", "without it"]
    table(header, cells, right=range(1, len(header)))
    if found.weights == "equal":
        for line in found.why:
            say(f"equal weights, since {line}")
    target = competition.targets[0]
    kind = "r" if not (target.label or target.matrix) else "ARI" if target.label else "MCC of calls"
    rows = [
        [f"{number} {member.name}", *map(figure, likeness)]
        for number, (member, likeness) in enumerate(
            zip(found.members, found.likeness, strict=True), 1
        )
    ]
    numbers = [str(number) for number in range(1, len(rows) + 1)]
    table([f"{kind} between members", *numbers], rows, right=range(1, len(rows) + 1))


def _ends(rows: Sequence[Any]) -> Sequence[Any]:
    """The first and the last of many."""
    return rows if len(rows) <= _HEAD else [*rows[: _HEAD // 2], *rows[-_HEAD // 2 :]]


def _difference_cells(name: str, found: Difference) -> Cells:
    bounds = interval((found.ci_low, found.ci_high))
    p = "-" if found.p is None else "<0.001" if found.p < 0.001 else f"{found.p:.3f}"
    values = [figure(found.first), figure(found.second), f"{found.difference:+.4f}"]
    return [name, *values, bounds, p, chance(found.win)]


def _disagreement(found: Disagreement | None) -> None:
    if found is None:
        return
    if found.agreement is not None:
        out(f"agreement of the predictions: {figure(found.agreement, 3)}")
    if found.groups:
        most = list(found.groups.items())[:5]
        out("they differ most in " + ", ".join(f"{name} ({value:.3g})" for name, value in most))
    if found.rows:
        header = list(found.rows[0])
        rows = [[_short(row[name]) for name in header] for row in found.rows]
        table(header, rows, right=range(1, len(header)))


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "-" if value is None else str(value).replace("\n", " ")
    return text if len(text) <= 40 else f"{text[:39]}…"


def facts(found: Mapping[str, Any]) -> None:
    """Print the facts of a competition."""
    out(f"{found['title']} ({found['name']}/{found['dataset']}): {found['summary']}")
    out(f"data: {found['data']}; read more: {found['readme']}")
    if found["daily_limit"]:
        out(f"a team may hand in {found['daily_limit']} submissions a day (UTC)")
    for title, rows in (
        ("submission column", found["columns"]),
        ("score", found["scores"]),
        ("stratum", found["strata"]),
        ("dataset", found["datasets"]),
        ("model", found["models"]),
    ):
        out()
        table([title, ""], [[name, text] for name, text in rows.items()])
    for source in found["sources"]:
        out(f"\nsource: {source['url']}\nlicence: {source['licence']}")
    for file in found["files"]:
        out(file)


def outcome(competition: Competition, dataset: Dataset, found: Outcome) -> None:
    """Print what handing in gave."""
    row = found.row
    if not found.new:
        say(f"The same predictions were handed in before, as {row.submission}: no second row.")
    where = f"{competition.name}/{dataset.name}"
    out(f"{where}, public part")
    _card_table(competition, found.card)
    if found.change is None:
        change = "its first entry" if found.new else "unchanged"
    elif found.change == 0:
        change = "equal to its best before"
    else:
        better = (found.change > 0) == competition.primary.higher_is_better
        change = f"{found.change:+.4f} against its best before, {'better' if better else 'worse'}"
    out(f"public rank {row.rank} of {found.ranked} on {where}; team {row.team}: {change}")
    out(f"submission {row.submission}: {_near(found.file)}")
    if found.open_file:
        out(f"open part, for its own scorers: {_near(found.open_file)}")
    out(f"{found.seconds:.1f} s")


def left_open(found: Sequence[str]) -> None:
    """Say what this system does not guard from a model's code."""
    if found:
        say(f"Not guarded from the model on this system: {'; '.join(found)}.")


def predicted(found: Predicted) -> None:
    """Print predictions of somebody's own rows: where they are, or the first of them."""
    how = "loaded from the cache" if found.loaded else "trained"
    if found.file:
        out(f"{found.file}: {len(found.table):,} rows")
    else:
        rows = [
            [str(name), *map(figure, values)] for name, *values in found.table.head(_HEAD).values
        ]
        table(list(found.table.columns), rows, right=range(1, len(found.table.columns)))
        if len(found.table) > _HEAD:
            say(f"The first {_HEAD} of {len(found.table):,} rows; --output FILE writes all.")
    say(f"model {how}; {found.seconds:.1f} s")


def handled(found: Sequence[Handled]) -> None:
    """Print what became of files: one line each, but for those that were known."""
    lines = [entry for entry in found if entry.status in ("scored", "refused")]
    if lines:
        rows = [
            [
                f"{entry.competition}/{entry.dataset}",
                entry.team,
                entry.file,
                entry.submission or "-",
                figure(entry.score),
                entry.problem or "scored",
            ]
            for entry in lines
        ]
        table(["board", "team", "file", "submission", "score", "verdict"], rows, right=[4])
    ignored = [entry.file for entry in found if entry.status == "ignored"]
    if ignored:
        say(f"no predictions, ignored: {', '.join(ignored)}")
    counts = [sum(e.status == s for e in found) for s in ("scored", "refused", "known")]
    say(f"{counts[0]} scored, {counts[1]} refused, {counts[2]} known already.")


def imported(found: Imported) -> None:
    """Print what an import brought."""
    counts = [
        (found.new, "new record"),
        (found.known, "known record"),
        (found.withdrawals, "new withdrawal"),
    ]
    out(counted(counts))
    if found.verified:
        out(f"{found.verified} verified: computed again from the predictions")
    if found.unverified:
        out(f"{found.unverified} unverified: their predictions are not here")
    for name in found.revealed:
        out(f"{name} came revealed: its private scores are open")
    for name in found.sealed:
        competition, dataset = name.split("/")
        say(
            f"{name} was revealed elsewhere. Here it stays sealed, since it holds submissions that "
            f"did not come revealed. Open it: podium reveal {competition} --dataset {dataset}"
        )


def verdicts(found: Sequence[Verdict]) -> None:
    """Say what each check found, and below what to do."""

    def said(one: Verdict) -> str:
        return one.problem or one.skipped or (f"note: {one.note}" if one.note else "ok")

    rows = [[one.competition, one.dataset, one.check, said(one)] for one in found]
    table(["competition", "dataset", "check", "verdict"], rows)
    for one in found:
        if one.advice:
            out(f"{one.competition}/{one.dataset}, {one.check}: {one.advice}")
    failed = sum(bool(one.problem) for one in found)
    say(f"{len(found)} checks, {failed} failed.")


def asked(wish: Wish, missing: Sequence[str]) -> Wish:
    """Ask on a terminal for what is missing."""
    import typer

    from podium.creating.plans import NEEDED

    if not missing:
        return wish
    say("Press Ctrl-C to stop; nothing is written before all is known.")
    answers = {name: typer.prompt(NEEDED[name].partition(": ")[2], err=True) for name in missing}
    return replace(
        wish,
        table=Path(answers["table"]) if "table" in answers else wish.table,
        target=answers.get("target", wish.target),
        metric=answers.get("metric", wish.metric),
    )


def created(found: Created) -> None:
    """Say what `podium new` made and what comes next."""
    parts = ", ".join(f"{name} {count:,}" for name, count in sorted(found.rows.items()))
    out(f"{found.name} is made: {_near(found.folder)} ({parts} rows)")
    for note in found.notes:
        out(f"  {note}")
    if not found.found:
        root = found.folder.parents[1]
        out(f"Podium looks there once you name the workspace: export PODIUM_WORKSPACE={root}")
    out("Next:")
    for command in ("verify {}", "run {} lightgbm", "board {}"):
        out(f"  podium {command.format(found.name)}")


def counted(counts: Sequence[tuple[int, str]]) -> str:
    """Numbers with their nouns."""
    return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in counts)


def card(competition: Competition, found: Card) -> None:
    """Print a card."""
    from podium.boards.entry import card_json

    _card_table(competition, card_json(found))


def _card_table(competition: Competition, found: Mapping[str, Any]) -> None:
    _approximate(competition, found["strata"] if found["ci"] else [])
    names = [score.name for score in competition.scores if score.perfect is not None]
    header = ["rows", "groups", "95% interval", *names]

    def cells(name: str, estimate: Mapping[str, Any]) -> Cells:
        figures = [figure(estimate["scores"][name]) for name in names]
        counts = [f"{estimate['rows']:,}", f"{estimate['groups']:,}"]
        return [name, *counts, interval(estimate["ci"] or (None, None)), *figures]

    rows = [cells("all rows", found)]
    if len(found["strata"]) > 1:  # a single one says what the first row says
        rows += [cells(name, estimate) for name, estimate in found["strata"].items()]
    last = len(header)
    table(["", *header], rows, right=range(1, last + 1), spare=[2, *range(last, 4, -1)])


def figure(value: float | None, digits: int = 4) -> str:
    """A figure, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def _near(path: Path) -> Path:
    """A path as seen from here, where it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def interval(bounds: Sequence[float | None]) -> str:
    """Both ends, or a dash where there is no interval."""
    low, high = bounds
    return "-" if low is None or high is None else f"{low:.3f} to {high:.3f}"
