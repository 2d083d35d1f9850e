"""Pictures of submissions: truth against prediction, a colour for each species.

Where the truth may not be shown there is the distribution of the predictions instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from .metric import TARGET, metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from podium.competition import View

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:gray")
MOST = 20_000
"""Points that are drawn; of more some are taken, evenly."""
BINS = 60


def draw(views: Sequence[View]) -> dict[str, Figure]:
    """A figure for each view."""
    return {view.file(place): _figure(view) for place, view in enumerate(views, start=1)}


def _figure(view: View) -> Figure:
    figure = Figure(figsize=(4.8, 4.6), layout="constrained")
    panel = figure.subplots()
    panel.set_title(view.title)
    panel.set_xlabel(f"predicted {TARGET}")
    if view.truth is None:
        panel.hist(np.asarray(view.predictions[TARGET]), bins=BINS, color=COLOURS[0])
        panel.set_ylabel("rows")
    else:
        _scatter(panel, view)
    return figure


def _scatter(panel: Axes, view: View) -> None:
    """Points with the line on which they would lie; the legend has r of each species."""
    assert view.truth is not None
    truth, predicted = (np.asarray(t[TARGET]) for t in (view.truth, view.predictions))
    species = view.part.features["species"].to_numpy(object)
    step = -(-len(truth) // MOST)
    size = float(np.clip(6000 / max(1, len(truth)), 1.0, 12.0))
    for colour, name in zip(COLOURS, sorted(set(species)), strict=False):
        rows = np.flatnonzero(species == name)
        r = metric.score({TARGET: truth[rows]}, {TARGET: predicted[rows]})["pearson"]
        label = f"{name}: r = {r:.3f}, n = {len(rows):,}"
        shown = rows[::step]
        points = panel.scatter(predicted[shown], truth[shown], s=size, label=label)
        points.set(color=colour, alpha=0.5, linewidths=0)
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    panel.plot(ends, ends, color="black", linewidth=0.8)
    panel.set_ylabel(f"measured {TARGET}")
    panel.legend(fontsize=7, markerscale=2)
