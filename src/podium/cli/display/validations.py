"""Earlier cross-validations as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from podium.cli.display.printing import document, near, out, say, table
from podium.competition import folders
from podium.figures import age, chance, figure, interval

if TYPE_CHECKING:
    from podium.leaderboard.validations import Validation


def earlier(title: str, known: Sequence[Validation], *, as_json: bool) -> None:
    """Print what was cross-validated before, best first; `title` names competition and dataset."""
    if as_json:
        document([{**asdict(e), "file": e.file and str(near(e.file))} for e in known])
        return
    if not known:
        competition, dataset = title.split("/")
        model = folders.load(competition).controls[0].model
        command = f"podium cv {competition} {model} --dataset {dataset}"
        say(f"No cross-validation of {title} yet. Begin with: {command}")
        return
    out(f"{title}, out of fold")
    rows = []
    for entry in known:
        behind = entry.behind
        rows.append(
            [
                entry.name,
                str(entry.seed),
                entry.by or "-",
                figure(entry.score),
                interval(entry.ci or (None, None)),
                "-" if behind is None else f"{behind.difference:+.4f}",
                "-" if behind is None else interval((behind.ci_low, behind.ci_high)),
                "-" if behind is None else chance(behind.win),
                age(entry.created),
            ]
        )
    header = ["model", "seed", "by", "score", "95% interval", "best less this", "95% interval"]
    table([*header, "best is better", "age"], rows, right=range(3, 9))
