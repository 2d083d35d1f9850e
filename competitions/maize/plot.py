"""Pictures of submissions: truth against prediction, a colour for each species.

Where the truth may not be shown there is the distribution of the predictions instead.
`draw_motifs` draws what `motifs` and `motif_net` begin with.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from .metric import TARGET, metric
from .shared import kmers
from .shared import motifs as elements
from .shared.sites import FLANK, REACH, matching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from podium.competition import View

    from .shared.sites import Motif

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:gray")
MOST = 20_000
"""Points that are drawn; of more some are taken, evenly."""
BINS = 60
BASES = dict(zip("ACGT", ("tab:green", "tab:blue", "tab:orange", "tab:red"), strict=True))


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


def draw_motifs(motifs: Sequence[Motif], codes: NDArray[np.uint8], start: int) -> Figure:
    """A line for each motif: its logo, where its word is in these rows, and what it is worth.

    Args:
        motifs: Of a fitted `motifs` or `motif_net`.
        codes: Bases of the rows that trained [rows, length].
        start: Base of the start site, counted from 0.
    """
    lines = max(1, len(motifs))
    figure = Figure(figsize=(9, 0.6 + 0.75 * lines), layout="constrained")
    panels = figure.subplots(lines, 3, squeeze=False, width_ratios=(2, 4, 2), sharex="col")
    widest = max((abs(motif.worth) for motif in motifs), default=1.0)
    for (logo, places, worth), motif in zip(panels, motifs, strict=False):
        _logo(logo, motif)
        _places(places, motif, codes, start)
        worth.barh(0, motif.worth, color=COLOURS[0] if motif.worth > 0 else COLOURS[1])
        worth.set(xlim=(-1.1 * widest, 1.1 * widest), ylim=(-1, 1), yticks=[])
        worth.axvline(0, color="black", linewidth=0.8)
        worth.text(0.02, 0.8, f"z = {motif.word.z:.1f}", transform=worth.transAxes, fontsize=7)
    panels[-1, 1].set_xlabel("bases from the start site; shaded: the window", fontsize=8)
    panels[-1, 2].set_xlabel(f"{TARGET} that a site goes with", fontsize=8)
    for panel in panels.flat:
        panel.tick_params(labelsize=7)
    return figure


def _logo(panel: Axes, motif: Motif) -> None:
    """Letters as high as the bits that they tell (Schneider and Stephens 1990)."""
    share = np.exp2(motif.matrix) / 4
    tall = share * (share * motif.matrix).sum(axis=1, keepdims=True)
    font = FontProperties(family="DejaVu Sans Mono", weight="bold")
    for place, heights in enumerate(tall):
        floor = 0.0
        for base in np.argsort(heights):
            height, letter = float(heights[base]), "ACGT"[base]
            if height > 0.02:
                path = TextPath((0, 0), letter, size=1, prop=font)
                box = path.get_extents()
                fitted = (
                    Affine2D()
                    .translate(-box.x0, -box.y0)
                    .scale(0.95 / box.width, height / box.height)
                    .translate(place, floor)
                )
                panel.add_patch(PathPatch(path.transformed(fitted), color=BASES[letter], lw=0))
            floor += height
    panel.set(xlim=(0, len(tall)), ylim=(0, 2), xticks=[], yticks=[0, 2])
    word = motif.word
    element = elements.name(word.letters, both=word.both)
    title = f"{element} {'either strand' if word.both else ''}".strip()
    panel.set_ylabel("bits", fontsize=7)
    panel.text(FLANK, 2.1, title, fontsize=7)
    for line, partner in enumerate(motif.partners):
        away = f"with {partner.letters} at {partner.first - REACH:+d} to {partner.last - REACH:+d}"
        panel.text(0, -0.45 - 0.45 * line, away, fontsize=6)


def _places(panel: Axes, motif: Motif, codes: NDArray[np.uint8], start: int) -> None:
    """How often the word begins where, over the whole sequence."""
    word = motif.word
    numbers = kmers.words(codes, len(word.letters))
    anywhere = matching(numbers, replace(word, first=0, last=numbers.shape[1]))
    at = np.nonzero(anywhere)[1] - start
    panel.hist(at, bins=BINS, range=(-start, codes.shape[1] - start), color=COLOURS[3])
    panel.axvspan(word.first - start, word.last - start, color=COLOURS[0], alpha=0.15, linewidth=0)
    panel.set_xlim(-start, codes.shape[1] - start)
    panel.set_ylabel("sites", fontsize=7)
