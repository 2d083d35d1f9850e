"""Checks of this workspace's board of a dataset: what contradicts something else is named.

Records are held to the journal of what was written, to themselves, and to the predictions that are
kept. Nothing here says a private figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from podium.errors import one_line
from podium.figures import near, shown
from podium.leaderboard import jsonl, schema
from podium.leaderboard.board import row_of
from podium.leaderboard.record import CONTROL, OWN, PARTS, Record
from podium.leaderboard.submit import Scorer, near_influence
from podium.workspace import HOUSE

if TYPE_CHECKING:
    from podium.leaderboard.contest import Contest
    from podium.verifying.under_test import Check, DatasetUnderTest

_SHOWN = 20


def board_is_as_it_was_written(tested: DatasetUnderTest) -> Iterator[str]:
    """Records, withdrawals, reveals and picks are those of the board's journal, which is whole."""
    yield from tested.contest.tampering()


def records_agree_with_themselves(tested: DatasetUnderTest) -> Iterator[str]:
    """IDs, versions, intervals and ranking columns of records follow from what else they say."""
    yield from _first(_faults(tested.contest))


def records_are_what_their_predictions_score(tested: DatasetUnderTest) -> Iterator[str]:
    """Kept predictions, controls and the ceiling give all figures of their records again."""
    yield from _first(_other_figures(tested))


BOARD: tuple[Check, ...] = (
    board_is_as_it_was_written,
    records_agree_with_themselves,
    records_are_what_their_predictions_score,
)


def _first(problems: Iterator[str]) -> Iterator[str]:
    yield from islice(problems, _SHOWN)
    if more := sum(1 for _ in problems):
        yield f"and {more} more"


def _faults(contest: Contest) -> Iterator[str]:
    primary = contest.competition.primary.name
    controls = {control.name for control in contest.competition.controls}
    records = contest.records()
    # after them: of a record that comes in between there are scores
    rows = contest.select("submission", "version", "score", *schema.SCORES.values())
    ranked = {(row[0], row[1]): row[2:] for row in rows}
    for record in records:
        if record.team == HOUSE and record.kind == CONTROL and record.name not in controls:
            continue  # one of before: controls are no part of a version
        wrong = jsonl.problems(jsonl.line_of(record), contest)
        if not wrong:
            row, (score, *values) = row_of(record, OWN, primary), ranked[record.key]
            others = values != [row[name] for name in schema.SCORES.values()]
            wrong = ["it ranks by other scores than it has"] * (score == primary and others)
        yield from (f"{record.named}: {problem}" for problem in wrong)
    known = {record.submission: record for record in records}
    board, place = contest.board, contest.place
    withdrawals = [w for w in board.withdrawals() if (w.competition, w.dataset) == place]
    picks = [pick for pick in board.picks() if (pick.competition, pick.dataset) == place]
    strays = (
        *jsonl.wrong_withdrawals(enumerate(withdrawals), known),
        *jsonl.wrong_picks(enumerate(picks), known),
    )
    yield from (f"it {text}" for _, text in strays)
    scored = {record.answers for record in records}
    for reveal in board.reveals():
        if (reveal.competition, reveal.dataset) == place and reveal.answers not in scored:
            yield f"a reveal is of answers that no record has: {reveal.answers[:40]}"


def _other_figures(tested: DatasetUnderTest) -> Iterator[str]:
    own = tested.contest.records([OWN])
    scorer = Scorer(data=tested.data, contest=tested.contest)
    progress = tested.progress if own else None
    report = progress.stage(f"scoring {len(own):,} records again") if progress else None
    for step, record in enumerate(own, 1):
        try:
            wrong = _wrong_parts(scorer, record)
            if report:
                report(step, shown(record.public["scores"][tested.competition.primary.name]))
        except Exception as error:  # noqa: BLE001  metric, model and file are anybody's
            yield f"{record.named}: it cannot be scored again: {one_line(error)}"
            continue
        if wrong:
            place = record.file or "its predictions"
            yield f"{record.named}: its {', '.join(wrong)} figures are not those of {place}"


def _wrong_parts(scorer: Scorer, record: Record) -> list[str]:
    right = scorer.again(record)
    if right is None:
        return []
    wrong = [part for part in PARTS if not near(right[part], getattr(record, part))]
    wrong += [
        f"{part} influence"
        for part in ("public", "private")
        if not near_influence(right[f"{part}_influence"], getattr(record, f"{part}_influence"))
    ]
    return wrong
