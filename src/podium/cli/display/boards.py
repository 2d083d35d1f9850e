"""The leaderboard: as a table, CSV, Markdown or JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from podium import figures
from podium.cli.display.printing import document, out, say, table
from podium.figures import chance, figure, interval

if TYPE_CHECKING:
    from podium.competition.contract import Competition
    from podium.leaderboard.copies import Copies
    from podium.leaderboard.details import Mine
    from podium.leaderboard.ranking import Row
    from podium.leaderboard.standings import Standings

_FORMULA = re.compile("(^|;)(?=[\t\r\n]|\\s*[-=+@\uff0d\uff1d\uff0b\uff20])")
"""Where what a spreadsheet computes begins, in full width too; somewhere `;` ends a cell."""
_MARKDOWN = str.maketrans(
    {c: f"\\{c}" for c in "\\`*_~|[]()!$"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", ":": "&#58;", "\n": " "}
)
"""Entities where a backslash would not do: some readers heed none, and links need no brackets."""


def board(competition: Competition, dataset: str, standings: Standings, form: str) -> None:
    """Print a leaderboard as `table`, `json`, `csv` or `markdown`."""
    if form == "json":
        document(board_json(competition, dataset, standings))
        return
    if form != "table":
        _notes(competition, standings)
    if form == "csv":
        out(_csv(competition, standings))
        return
    header, cells = _board_cells(competition, standings)
    last = len(header) - 1
    if form == "markdown":
        _markdown(header, cells)
    else:
        parts = {"public": "public part", "private": "private part", "all": "whole test part"}
        out(f"{competition.title} ({competition.name}/{dataset}), {parts[standings.part]}")
        right, spare = [0, 1, *range(4, last)], range(last - 1, 5, -1)
        table(header, cells, right=right, spare=spare, whole=[last])
        _notes(competition, standings)


def _csv(competition: Competition, standings: Standings) -> str:
    """The board for programs: JSON's names and figures, one value a column, empty where none is."""
    beside, strata = _columns(competition, standings)
    before = ("rank", "status", "reference_rank", "tier", "team", "name", "model")
    scores = ("ci_low", "ci_high", "win_next", "public_rank", "normalised")
    after = ("entries", "created", "submission")
    header = [*before, competition.primary.name, *scores, *beside, *strata, *after]
    rows = []
    for row in standings.rows:
        known = {**vars(row), "public_rank": standings.public_ranks.get(row.submission)}
        cells = [known[name] for name in (*before, "score", *scores)]
        cells += [row.metrics.get(name) for name in beside]
        cells += [row.strata.get(name) for name in strata]
        rows.append([*cells, *(known[name] for name in after)])
    return _as_csv(header, rows)


def _as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in (header, *rows):
        writer.writerow(inert(cell) if isinstance(cell, str) else cell for cell in row)
    return buffer.getvalue().rstrip("\n")


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for row in [header, ["---"] * len(header), *rows]:
        out("| " + " | ".join(map(literal, row)) + " |")


def copies(copies: Copies, form: str) -> None:
    """Print what `podium board --copies` gives as `table`, `json`, `csv` or `markdown`."""
    if form == "json":
        document(asdict(copies))
        return
    if form == "csv":
        from podium.leaderboard.copies import Copy

        names = [field.name for field in fields(Copy)]
        out(_as_csv(names, ([getattr(row, name) for name in names] for row in copies.rows)))
    else:
        header = ["submission", "team/name", "agreement", "same", "how", "first", "its team/name"]
        cells = [
            [
                row.submission,
                f"{row.team}/{row.name}",
                figure(row.agreement),
                f"{100 * row.same:.0f} %",
                f"{row.how}, trained alike" if row.trained_alike else row.how,
                row.first,
                f"{row.first_team}/{row.first_name}",
            ]
            for row in copies.rows
        ]
        if form == "markdown":
            _markdown(header, cells)
        elif cells:
            table(header, cells, right=[2, 3], spare=[3, 2], whole=[0, 5])
    say(
        f"{len(copies.rows):,} of {copies.compared:,} submissions equal, or nearly, an earlier one "
        "of another team."
    )
    if any(row.trained_alike for row in copies.rows):
        say("trained alike: the records name one model file, parameters and seed.")
    for submission, why in copies.missing.items():
        say(f"{submission} was compared by its sha256 alone: {why}")


def inert(cell: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula: an apostrophe marks it as text."""
    return _FORMULA.sub(r"\1'", cell)


def literal(text: str) -> str:
    """A text as Markdown that shows it as it stands: no HTML, no link, no new cell."""
    return text.translate(_MARKDOWN).replace("www.", "www&#46;")


def board_json(competition: Competition, dataset: str, standings: Standings) -> dict[str, Any]:
    """The board as one JSON document."""
    return {
        "competition": competition.name,
        "dataset": dataset,
        "metric": competition.primary.name,
        "higher_is_better": competition.primary.higher_is_better,
        "part": standings.part,
        "rows": [vars(row) for row in standings.rows],
        "looks": standings.looks,
        "flattery": standings.flattery and vars(standings.flattery),
        "shake_up": standings.shake_up and vars(standings.shake_up),
        "groups": standings.groups,
        "public_ranks": standings.public_ranks,
        "more": standings.more,
    }


def _columns(competition: Competition, standings: Standings) -> tuple[list[str], list[str]]:
    """Names of the scores beside the first, and of the strata."""
    there = {name for row in standings.rows for name in row.strata}
    strata = [stratum.name for stratum in competition.strata if stratum.name in there]
    strata = strata if len(strata) > 1 else []  # a single one says what the score says
    beside = [score.name for score in competition.scores[1:] if score.beside]
    return beside, strata


def _board_cells(
    competition: Competition, standings: Standings
) -> tuple[list[str], list[list[str]]]:
    from podium.leaderboard.ranking import LATE, UNVERIFIED, moved

    beside, strata = _columns(competition, standings)
    age = cache(figures.age)  # many rows of one second
    shaken = ["public rank"] if standings.public_ranks else []
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
            *(moved(row, standings.public_ranks) for _ in shaken),
            figure(row.normalised, 3),
            *(figure(row.metrics.get(name)) for name in beside),
            *(figure(row.strata.get(name)) for name in strata),
            f"{row.entries:,}" if row.rank is not None or row.status in (LATE, UNVERIFIED) else "-",
            age(row.created),
            row.submission,
        ]
        for row in standings.rows
    ]
    return header, cells


def mine(boards: Sequence[Mine]) -> None:
    """Print what a team has on each board."""
    if not boards:
        say("Nothing was submitted by this team here. See what there is: podium list")
        return
    header = ["board", "submissions", "last", "rank", "score", "name", "submission"]
    cells = [
        [
            f"{one.competition}/{one.dataset}",
            f"{one.submissions:,}",
            figures.age(one.last),
            "-" if one.rank is None else f"{one.rank} of {one.ranked}",
            figure(one.score),
            one.name or "-",
            one.best or "-",
        ]
        for one in boards
    ]
    table(header, cells, right=[1, 2, 3, 4], whole=[6])
    for one in boards:
        if one.picked:
            say(f"{one.competition}/{one.dataset}: picked {', '.join(one.picked)}")
        if one.problem:
            say(f"{one.competition}/{one.dataset}: {one.problem}")


def _place(row: Row) -> str:
    if row.rank is not None:
        return str(row.rank)
    return row.status if row.reference_rank is None else f"{row.status} {row.reference_rank}"


def _notes(competition: Competition, standings: Standings) -> None:
    """What a reader of the board should know of some of its rows."""
    from podium.leaderboard.ranking import LATE, UNVERIFIED
    from podium.leaderboard.record import REFERENCE
    from podium.leaderboard.standings import shaken
    from podium.scoring.tiers import FEWEST

    rows, part = standings.rows, standings.part
    if standings.more:
        rows_more = "1 more row" if standings.more == 1 else f"{standings.more:,} more rows"
        say(f"{rows_more}: --top 0 shows all, --team T those of a team.")
    if standings.groups is not None and standings.groups < FEWEST:
        say(
            f"No tiers: of {standings.groups} independent groups nobody can tell who is really "
            f"ahead; {FEWEST} are needed."
        )
    elif any(row.tier for row in rows):
        say("Rows of one tier cannot be told from its first, by the test rows that there are.")
    if standings.shake_up:
        say(shaken(standings.shake_up))
    if flattery := standings.flattery:
        say(
            f"Team {flattery.team} has seen {flattery.looks} public scores: the best of them is "
            f"flattered by about {figure(flattery.expected)}, at most {figure(flattery.bound)}."
        )
    approximate(competition, {name for r in rows if r.ci_low is not None for name in r.strata})
    unverified = sum(row.status == UNVERIFIED for row in rows)
    if unverified:
        say(
            f"{unverified} unverified: imported without their predictions, so that nobody here "
            "could compute the scores again. They do not rank."
        )
    if late := sum(row.status == LATE for row in rows):
        say(f"{late} late: handed in when the private scores were open. They do not rank.")
    if any(row.status == REFERENCE for row in rows):
        say("reference: boards that come with Podium, ranked among themselves.")
    if standings.sealed:
        say(f"The {part} scores are sealed: only what comes with Podium is shown.")
    lacking = [row.submission for row in rows if row.score is None]
    if lacking:
        say(f"{len(lacking)} without {part} scores: {', '.join(lacking)}")


def approximate(competition: Competition, strata: Collection[str]) -> None:
    """Say of which strata the intervals are less sure than they look."""
    for stratum in competition.strata:
        if stratum.approximate and stratum.name in strata:
            say(f"Intervals are approximate: {stratum.title} are not quite independent.")
