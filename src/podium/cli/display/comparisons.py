"""Submissions beside each other: compared, or blended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from podium.cli.display.printing import Cells, out, say, table
from podium.competition.contract import Competition
from podium.figures import chance, figure, interval, short

if TYPE_CHECKING:
    from podium.blending.blending import Blend
    from podium.leaderboard.comparing import Compared, Difference
    from podium.scoring.disagreement import Disagreement

_HEAD = 20


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
    cells = [[key, *map(short, values)] for key, values in found.settings.items()]
    if cells:
        table(["", *names], cells)


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
        rows = [[short(row[name]) for name in header] for row in found.rows]
        table(header, rows, right=range(1, len(header)))


def _ends(rows: Sequence[Any]) -> Sequence[Any]:
    """The first and the last of many."""
    return rows if len(rows) <= _HEAD else [*rows[: _HEAD // 2], *rows[-_HEAD // 2 :]]


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
