"""What a search has found."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from podium.cli.display.printing import near, out, say, table
from podium.competition.contract import Competition
from podium.figures import figure, short

if TYPE_CHECKING:
    from podium.tuning.tuning import Tuned

_REASONS = 5


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
            [key, short(value), figure(found.importances.get(key), 2)]
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
        out(str(near(path)))
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
