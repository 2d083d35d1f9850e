"""What became of predictions: scored, kept, imported, or of rows of one's own."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import documents
from podium.cli.display import curves
from podium.cli.display.boards import approximate
from podium.cli.display.printing import Cells, near, out, say, table
from podium.figures import counted, figure, interval, short

if TYPE_CHECKING:
    from podium.competition.contract import Competition, Dataset
    from podium.execution.predicting import Predicted
    from podium.leaderboard.details import Details
    from podium.leaderboard.exchange import Imported
    from podium.leaderboard.rescore import Handled
    from podium.leaderboard.submit import Outcome
    from podium.metrics.stats import Card

_HEAD = 20


def outcome(competition: Competition, dataset: Dataset, done: Outcome) -> None:
    """Print what handing in gave."""
    row = done.row
    if not done.new:
        say(f"The same predictions were handed in before, as {row.submission}: no second row.")
    where = f"{competition.name}/{dataset.name}"
    out(f"{where}, public part")
    _card_table(competition, done.card)
    if done.change is None:
        change = "its first entry" if done.new else "unchanged"
    elif done.change == 0:
        change = "as good as its best before"
    else:
        better = (done.change > 0) == competition.primary.higher_is_better
        change = f"{done.change:+.4f} against its best before, {'better' if better else 'worse'}"
    if row.rank is None:
        out(f"{row.status} on {where}: it does not rank; team {row.team}: {change}")
    else:
        out(f"public rank {row.rank} of {done.ranked} on {where}; team {row.team}: {change}")
    out(f"submission {row.submission}: {near(done.file)}")
    if done.open_file:
        out(f"open part, for its own scorers: {near(done.open_file)}")
    out(f"{done.seconds:.1f} s")


def left_open(holes: Sequence[str]) -> None:
    """Say what this system does not guard from a model's code."""
    if holes:
        say(f"Not guarded from the model on this system: {'; '.join(holes)}.")


def predicted(predictions: Predicted) -> None:
    """Print predictions of somebody's own rows: where they are, or the first of them."""
    how = "loaded from the cache" if predictions.loaded else "trained"
    if predictions.file:
        out(f"{predictions.file}: {len(predictions.table):,} rows")
    else:
        rows = [
            [str(name), *map(figure, values)]
            for name, *values in predictions.table.head(_HEAD).values
        ]
        table(list(predictions.table.columns), rows, right=range(1, len(predictions.table.columns)))
        if len(predictions.table) > _HEAD:
            say(f"The first {_HEAD} of {len(predictions.table):,} rows; --output FILE writes all.")
    say(f"model {how}; {predictions.seconds:.1f} s")


def handled(files: Sequence[Handled]) -> None:
    """Print what became of files: one line each, but for those that were known."""
    from podium.leaderboard.rescore import is_model

    lines = [entry for entry in files if entry.status in ("scored", "refused")]
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
        table(
            ["board", "team", "file", "submission", "score", "verdict"], rows, right=[4], whole=[3]
        )
    ignored = [entry.file for entry in files if entry.status == "ignored"]
    if ignored:
        say(f"no predictions, ignored: {', '.join(ignored)}")
        if any(is_model(Path(name)) for name in ignored):
            say("Model files are run by: podium score-all --models")
    counts = [sum(e.status == s for e in files) for s in ("scored", "refused", "known")]
    say(f"{counts[0]} scored, {counts[1]} refused, {counts[2]} known already.")


def imported(done: Imported) -> None:
    """Print what an import brought."""
    counts = [
        (done.new, "new record"),
        (done.known, "known record"),
        (done.withdrawals, "new withdrawal"),
        (done.picks, "new pick"),
    ]
    out(counted(counts))
    if done.verified:
        out(f"{done.verified} verified: computed again from the predictions")
    if done.unverified:
        out(f"{done.unverified} unverified: their predictions are not here")
    if done.reference:
        out(f"{done.reference} reference: boards that come with Podium")
    for name in done.revealed:
        out(f"{name} came revealed: its private scores are open")
    for submission, team in done.standing.items():
        say(
            f"{submission} was withdrawn elsewhere. Here it stays on the board until its team "
            f"withdraws it: podium withdraw {submission} --team {shlex.quote(team)}"
        )
    for name in done.sealed:
        competition, dataset = name.split("/")
        say(
            f"{name} was revealed elsewhere. Here it stays sealed, since it holds submissions "
            "whose private scores did not come along, or could not be computed again. "
            f"Open it: podium reveal {competition} --dataset {dataset}"
        )


def details(competition: Competition, shown: Details) -> None:
    """Print a submission: what it is, every score, and how it was made."""
    row = shown.row
    rank = f"public rank {row.rank}" if row.rank is not None else row.status
    file = " ".join(filter(None, [shown.file, shown.file_problem])) or "-"
    about = {
        "submission": row.submission,
        "team": row.team,
        "name": row.name,
        "stands": rank + (", picked by its team" if shown.picked else ""),
        "handed in": row.created,
        "model": row.model or "-",
        "message": shown.message or "-",
        "file": file,
        "version": shown.version,
    }
    table([f"{shown.competition}/{shown.dataset}", ""], [[*pair] for pair in about.items()])
    titles = {"public": "public part", "private": "private part", "all": "whole test part"}
    for part, scores in shown.scores.items():
        out(f"\n{titles[part]}")
        _card_table(competition, scores)
    if shown.curve:
        out()
        curves.drawn({row.name: shown.curve})
    how = documents.flat(shown.provenance)
    ordered = sorted(how.items(), key=lambda item: (not item[0].startswith("params."), item[0]))
    out()
    table(["made by", ""], [[name, short(value, 80)] for name, value in ordered])


def card(competition: Competition, scored: Card) -> None:
    """Print a card."""
    from podium.leaderboard.submit import card_json

    _card_table(competition, card_json(scored))


def _card_table(competition: Competition, card: Mapping[str, Any]) -> None:
    approximate(competition, card["strata"] if card["ci"] else [])
    names = [
        score.name for score in competition.scores if score.beside or score.perfect is not None
    ]
    header = ["rows", "groups", "95% interval", *names]

    def cells(name: str, estimate: Mapping[str, Any]) -> Cells:
        figures = [figure(estimate["scores"][name]) for name in names]
        counts = [f"{estimate['rows']:,}", f"{estimate['groups']:,}"]
        return [name, *counts, interval(estimate["ci"] or (None, None)), *figures]

    rows = [cells("all rows", card)]
    if len(card["strata"]) > 1:  # a single one says what the first row says
        rows += [cells(name, estimate) for name, estimate in card["strata"].items()]
    last = len(header)
    table(["", *header], rows, right=range(1, last + 1), spare=[2, *range(last, 4, -1)])
