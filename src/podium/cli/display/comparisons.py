"""Submissions beside each other: compared, or blended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from podium.cli.display.printing import Cells, out, say, table
from podium.figures import chance, figure, interval, short

if TYPE_CHECKING:
    from podium.blending.blending import Blend
    from podium.competition.contract import Competition
    from podium.leaderboard.comparing import Compared, Difference
    from podium.scoring.disagreement import Disagreement

_HEAD = 20


def compared(competition: Competition, comparison: Compared) -> None:
    """Print a comparison: of each pair the differences and where; then how all were made."""
    first = comparison.rows[0]
    score = competition.primary
    way = "more" if score.higher_is_better else "less"
    for row, against in zip(comparison.rows[1:], comparison.against, strict=True):
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
    names = [f"{row.team}/{row.name}" for row in comparison.rows]
    cells = [[key, *map(short, values)] for key, values in comparison.settings.items()]
    if cells:
        table(["", *names], cells)


def _difference_cells(name: str, difference: Difference) -> Cells:
    bounds = interval((difference.ci_low, difference.ci_high))
    p = "-" if difference.p is None else "<0.001" if difference.p < 0.001 else f"{difference.p:.3f}"
    values = [figure(difference.first), figure(difference.second), f"{difference.difference:+.4f}"]
    return [name, *values, bounds, p, chance(difference.win)]


def _disagreement(disagreement: Disagreement | None) -> None:
    if disagreement is None:
        return
    if disagreement.agreement is not None:
        out(f"agreement of the predictions: {figure(disagreement.agreement, 3)}")
    if disagreement.groups:
        most = list(disagreement.groups.items())[:5]
        out("they differ most in " + ", ".join(f"{name} ({value:.3g})" for name, value in most))
    if disagreement.rows:
        header = list(disagreement.rows[0])
        rows = [[short(row[name]) for name in header] for row in disagreement.rows]
        table(header, rows, right=range(1, len(header)))


def _ends(rows: Sequence[Any]) -> Sequence[Any]:
    """The first and the last of many."""
    return rows if len(rows) <= _HEAD else [*rows[: _HEAD // 2], *rows[-_HEAD // 2 :]]


def blended(competition: Competition, blend: Blend) -> None:
    """Print how a blend was made: weights, why, and the score of each member."""
    score = competition.primary
    way = "more" if score.higher_is_better else "less"
    chosen = {
        "greedy": "weights chosen on out-of-fold predictions of the train part",
        "equal": "equal weights",
    }
    out(f"{chosen[blend.weights]}; {score.name}, {way} is better")
    cells = [
        [
            f"{number} {member.team}/{member.name}",
            f"{member.share:.3f}",
            figure(member.score),
            figure(member.fold_score),
        ]
        for number, member in enumerate(blend.members, 1)
    ]
    if blend.fold_score is not None:
        cells.append(["the blend", "1.000", "", figure(blend.fold_score)])
    header = ["", "weight", "public", "out of fold"]
    table(header, cells, right=range(1, len(header)))
    if blend.weights == "equal":
        for line in blend.why:
            say(f"equal weights, since {line}")
