"""Pictures: each slice at its spots' places, and ARI and NMI over the slices.

Colours follow the truth: each cluster has the colour of the domain that it overlaps best, one to
one. Without the truth they follow the order of the labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .metric import SLICE, TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from podium.competition import View

ACROSS = 4
"""Slices side by side."""
PANEL = 2.6
"""Width of a panel, inches."""
COLOURS = "tab20"
STYLES = (("tab:red", "o"), ("tab:blue", "s"), ("tab:green", "^"), ("tab:purple", "D"))
Colours = dict[str, Any]


def draw(views: Sequence[View]) -> dict[str, Figure]:
    """A figure of the slices for each view, and one of their scores if there are any."""
    figures = {view.file(place): _slices(view) for place, view in enumerate(views, start=1)}
    if any(view.scores for view in views):
        figures["scores"] = _scores(views)
    return figures


def _slices(view: View) -> Figure:
    """Prediction of each slice, with the truth at its right where it may be shown."""
    places = view.part.features.groupby(SLICE, sort=False).indices
    kinds = 1 if view.truth is None else 2
    columns = min(len(places), ACROSS)
    rows = -(-len(places) // columns)
    spread = view.part.features.groupby(SLICE)[["x", "y"]].agg(np.ptp)
    ratio = (spread["y"] / spread["x"].where(spread["x"] > 0)).fillna(1.0).max()
    height = PANEL * float(np.clip(ratio, 0.3, 2.0)) + 0.4
    figure = Figure(figsize=(PANEL * columns * kinds, height * rows + 0.4), layout="constrained")
    figure.suptitle(view.title)
    panels = figure.subplots(rows, columns * kinds, squeeze=False)
    for panel in panels.flat:
        panel.set_axis_off()
    for place, (name, chosen) in enumerate(places.items()):
        row, first = divmod(place, columns)
        labels = np.asarray(view.predictions[TARGET])[chosen]
        spots = view.part.features.iloc[chosen]
        truth = None if view.truth is None else np.asarray(view.truth[TARGET])[chosen]
        colours = _palette(labels if truth is None else truth)
        predicted = colours if truth is None else matched(labels, truth, colours)
        _panel(panels[row, first * kinds], spots, labels, predicted)
        panels[row, first * kinds].set_title(_title(str(name), view), fontsize=9)
        if truth is not None:
            _panel(panels[row, first * kinds + 1], spots, truth, colours)
            panels[row, first * kinds + 1].set_title(f"{name}: truth", fontsize=9)
            _legend(panels[row, first * kinds + 1], colours)
    return figure


def _title(name: str, view: View) -> str:
    scores = view.scores.get(name)
    return f"{name}: ARI {scores['ari']:.2f}, NMI {scores['nmi']:.2f}" if scores else name


def _panel(panel: Axes, spots: pd.DataFrame, labels: NDArray[Any], colours: Colours) -> None:
    size = max(1.0, 12000 / len(spots))
    shown = [colours[label] for label in labels]
    if spots["x"].isna().all():
        panel.text(0.5, 0.5, "no positions", transform=panel.transAxes, ha="center")
    panel.scatter(spots["x"], spots["y"], c=shown, s=size, linewidths=0)
    panel.set_aspect("equal")
    panel.invert_yaxis()  # as slides are seen: the first row on top


def _legend(panel: Axes, colours: Colours) -> None:
    for label, colour in colours.items():
        panel.scatter([], [], color=colour, label=label, s=12)
    panel.legend(fontsize=6, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _palette(labels: NDArray[Any]) -> Colours:
    colours = mpl.color_sequences[COLOURS]
    names = sorted(set(labels))
    # Every second colour first: neighbours in the list are light and dark of one hue.
    order = [*range(0, len(colours), 2), *range(1, len(colours), 2)]
    return {name: colours[order[place % len(order)]] for place, name in enumerate(names)}


def matched(labels: NDArray[Any], truth: NDArray[Any], colours: Colours) -> Colours:
    """A colour for each cluster: that of the domain matched to it, one to one, by overlap.

    Clusters that are left over, where there are more than domains, have greys.
    """
    from scipy.optimize import linear_sum_assignment

    table = pd.crosstab(labels, truth)
    clusters, domains = linear_sum_assignment(-table.to_numpy())
    pairs = {
        str(name): colours[str(domain)]
        for name, domain in zip(table.index[clusters], table.columns[domains], strict=True)
    }
    left = [str(name) for name in table.index if name not in pairs]
    greys = {name: str(0.3 + 0.5 * place / len(left)) for place, name in enumerate(left)}
    return {**pairs, **greys}


def _scores(views: Sequence[View]) -> Figure:
    """ARI and NMI over the slices, a colour for each view."""
    names = list(dict.fromkeys(name for view in views for name in view.scores))
    figure = Figure(figsize=(max(4.5, 0.7 * len(names) + 2), 3.6), layout="constrained")
    panel = figure.subplots()
    for place, view in enumerate(views):
        colour, marker = STYLES[place % len(STYLES)]
        for score, line in (("ari", "-"), ("nmi", "--")):
            heights = [_height(view.scores.get(name), score) for name in names]
            label = f"{score.upper()} {view.title}"
            panel.plot(names, heights, line, color=colour, marker=marker, ms=4, label=label)
    panel.set_ylim(bottom=min(0.0, panel.get_ylim()[0]))
    panel.set_xlabel("slice")
    panel.tick_params(axis="x", rotation=45)
    panel.legend(fontsize=7)
    panel.grid(alpha=0.3)
    return figure


def _height(scores: Mapping[str, float] | None, score: str) -> float:
    return float("nan") if scores is None else scores[score]
