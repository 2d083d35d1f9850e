"""What became of predictions: scored, kept, imported, or of rows of one's own."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from podium.cli.display.boards import approximate
from podium.cli.display.printing import Cells, out, say, table
from podium.competition.contract import Competition, Dataset
from podium.figures import counted, figure, interval, near

if TYPE_CHECKING:
    from podium.execution.predicting import Predicted
    from podium.leaderboard.batch import Handled
    from podium.leaderboard.entry import Outcome
    from podium.leaderboard.exchange import Imported
    from podium.metrics.stats import Card

_HEAD = 20


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
        change = "as good as its best before"
    else:
        better = (found.change > 0) == competition.primary.higher_is_better
        change = f"{found.change:+.4f} against its best before, {'better' if better else 'worse'}"
    if row.rank is None:
        out(f"{row.status} on {where}: it does not rank; team {row.team}: {change}")
    else:
        out(f"public rank {row.rank} of {found.ranked} on {where}; team {row.team}: {change}")
    out(f"submission {row.submission}: {near(found.file)}")
    if found.open_file:
        out(f"open part, for its own scorers: {near(found.open_file)}")
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
        (found.picks, "new pick"),
    ]
    out(counted(counts))
    if found.verified:
        out(f"{found.verified} verified: computed again from the predictions")
    if found.unverified:
        out(f"{found.unverified} unverified: their predictions are not here")
    if found.reference:
        out(f"{found.reference} reference: boards that come with Podium")
    for name in found.revealed:
        out(f"{name} came revealed: its private scores are open")
    for submission, team in found.standing.items():
        say(
            f"{submission} was withdrawn elsewhere. Here it stays on the board until its team "
            f"withdraws it: podium withdraw {submission} --team {shlex.quote(team)}"
        )
    for name in found.sealed:
        competition, dataset = name.split("/")
        say(
            f"{name} was revealed elsewhere. Here it stays sealed, since it holds submissions "
            "whose private scores did not come along, or could not be computed again. "
            f"Open it: podium reveal {competition} --dataset {dataset}"
        )


def card(competition: Competition, found: Card) -> None:
    """Print a card."""
    from podium.leaderboard.entry import card_json

    _card_table(competition, card_json(found))


def _card_table(competition: Competition, found: Mapping[str, Any]) -> None:
    approximate(competition, found["strata"] if found["ci"] else [])
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
