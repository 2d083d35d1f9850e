"""What a search has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from podium.cli.display.printing import near, out, say, table
from podium.figures import age, figure, short

if TYPE_CHECKING:
    from podium.competition.contract import Competition, Dataset
    from podium.tuning.kept import Study, Trial
    from podium.tuning.tuning import Tuned

_REASONS = 5


def tuned(competition: Competition, model: str, search: Tuned) -> None:
    """Print what a search has found."""
    stands = search.standing
    if search.why_new:
        say(search.why_new)
    out(
        f"study {search.study}: {stands.complete} complete, {stands.pruned} pruned, "
        f"{stands.failed} failed"
    )
    name = competition.primary.name
    out(f"best out-of-fold {name} {search.value:.4f} (trial {search.trial})")
    if search.params:
        rows = [
            [key, short(value), figure(search.importances.get(key), 2)]
            for key, value in search.params.items()
        ]
        table(["parameter", "best", "importance"], rows, right=[1, 2])
    else:
        out("No trial is better than DEFAULTS.")
    if search.gain and search.params:
        interval = (
            f", 95% interval {search.gain.ci[0]:+.4f} to {search.gain.ci[1]:+.4f}"
            if (search.gain.ci)
            else ""
        )
        out(f"against DEFAULTS, out of fold, paired: {search.gain.value:+.4f}{interval}")
        say(search.remark)
    for reason in search.failures[:_REASONS]:
        say(f"failed: {reason}")
    if len(search.failures) > _REASONS:
        say(f"and {len(search.failures) - _REASONS} more reasons: --json has them all")
    for path in [*search.predictions[:1], *search.plots]:
        out(str(near(path)))
    say(f"storage: {search.storage}; {search.new} new trials in {search.seconds:.1f} s")
    dataset = search.study.split("/")[1]
    label = search.study.rsplit("/", 1)[1]
    say(f"Train with it: podium run {competition.name} {model} --dataset {dataset} --study {label}")


def tuned_json(competition: Competition, search: Tuned) -> dict[str, Any]:
    """What a search has found, as one JSON document."""
    stands = asdict(search.standing)
    best = {"trial": search.trial, "value": search.value, "params": dict(search.params)}
    counts = {k: stands[k] for k in ("complete", "pruned", "failed", "running", "waiting")}
    return {
        "study": search.study,
        "storage": search.storage,
        "why_new": search.why_new,
        "metric": competition.primary.name,
        "higher_is_better": competition.primary.higher_is_better,
        "trials": counts,
        "new": search.new,
        "best": best,
        "defaults": stands["defaults"],
        "gain": asdict(search.gain) if search.gain else None,
        "remark": search.remark,
        "importances": dict(search.importances),
        "failures": search.failures,
        "predictions": [str(path) for path in search.predictions],
        "plots": [str(path) for path in search.plots],
        "seconds": round(search.seconds, 3),
    }


def studies(competition: Competition, dataset: Dataset, known: Sequence[Study]) -> None:
    """Print the studies of a dataset."""
    if not known:
        controls = {control.model for control in competition.controls}
        model = next((name for name in competition.models if name not in controls), "model.py")
        say(
            f"No study of {competition.name}/{dataset.name} yet. Begin with: podium tune "
            f"{competition.name} {model} --dataset {dataset.name} --trials 50"
        )
        return
    cells = [
        [
            one.study,
            one.model or "-",
            *(str(n) for n in (one.complete, one.pruned, one.failed, one.running)),
            figure(one.value),
            "-" if one.created is None else age(one.created),
        ]
        for one in known
    ]
    header = ["study", "model", "complete", "pruned", "failed", "running", "best", "age"]
    table(header, cells, right=range(2, 8), spare=[5, 4, 3], whole=[0])


def trials(known: Sequence[Trial]) -> None:
    """Print the trials of a study, in order."""
    cells = [
        [
            str(one.number),
            one.state,
            figure(one.value),
            "-" if one.seconds is None else f"{one.seconds:.1f}",
            one.failure or ", ".join(f"{name}={short(v)}" for name, v in one.params.items()) or "-",
        ]
        for one in known
    ]
    table(["trial", "state", "score", "seconds", "parameters"], cells, right=[0, 2, 3])
