"""Earlier cross-validations as a table."""

from __future__ import annotations

from dataclasses import asdict

from podium import api
from podium.cli.display.printing import document, near, out, say, table
from podium.figures import age, chance, figure, interval


def earlier(competition: str, dataset: str | None, *, as_json: bool) -> None:
    """Print what was cross-validated before, best first."""
    known = api.validations(competition, dataset)
    if as_json:
        document([{**asdict(e), "file": e.file and str(near(e.file))} for e in known])
        return
    chosen = api.load(competition, dataset)[1].name
    if not known:
        command = f"podium cv {competition} MODEL -d {chosen}"
        say(f"No cross-validation of {competition}/{chosen} yet: {command}")
        return
    out(f"{competition}/{chosen}, out of fold")
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
