"""Pictures of submissions: the ROC curve of each stratum; and of one pair: who attends to whom.

Where the truth may not be shown there is the distribution of the predictions instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score, roc_curve

from .metric import TARGET
from .shared.molecules import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from podium.competition import View

    Floats = NDArray[np.floating]

GREY = "0.55"
SHOWN = 15
"""Residues that are named, those that are attended to most."""


def draw(views: Sequence[View]) -> dict[str, Figure]:
    """A figure for each view."""
    return {view.file(place): _figure(view) for place, view in enumerate(views, start=1)}


def _figure(view: View) -> Figure:
    figure = Figure(figsize=(4.6, 4.4), layout="constrained")
    panel = figure.subplots()
    panel.set_title(view.title)
    said = np.asarray(view.predictions[TARGET], dtype=np.float64)
    if view.truth is None:
        panel.hist(said, bins=50, color=GREY)
        panel.set_xlabel("predicted probability")
        panel.set_ylabel("pairs")
    else:
        _curves(panel, said, np.asarray(view.truth[TARGET]) > 0.5, view.strata)
    return figure


def _curves(
    panel: Axes, said: Floats, binds: NDArray[np.bool_], strata: NDArray[np.object_] | None
) -> None:
    """ROC curves; the legend has AUROC and pairs of each stratum with both answers."""
    names = np.full(len(said), "all", dtype=object) if strata is None else strata
    for name in np.unique(names):
        rows = names == name
        if 0 < binds[rows].sum() < rows.sum():
            area = roc_auc_score(binds[rows], said[rows])
            label = f"{name}: {area:.3f}, {rows.sum():,} pairs"
            panel.plot(*roc_curve(binds[rows], said[rows])[:2], linewidth=1.4, label=label)
    panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    panel.set_xlabel("false positive rate")
    panel.set_ylabel("true positive rate")
    panel.legend(fontsize=8, loc="lower right")


def attention(smiles: str, protein: str, weights: Floats, title: str = "") -> Figure:
    """Which atoms and residues of a pair attend to each other.

    Args:
        smiles: The drug.
        protein: Its residues.
        weights: What each atom's attention to each position of residues is [atoms, positions],
            as `Drugban.attention` gives it.
        title: Above the map.
    """
    atoms, positions = weights.shape
    symbols = parse(smiles).symbols[:atoms]
    each = -(-len(protein) // positions)
    figure = Figure(figsize=(9.5, 1.8 + 0.14 * atoms), layout="constrained")
    panel = figure.subplots()
    panel.set_title(title, loc="left")
    most = float(np.abs(weights).max()) or 1.0
    image = panel.imshow(weights, aspect="auto", cmap="RdBu_r", vmin=-most, vmax=most)
    panel.set_yticks(range(atoms), [f"{s} {n}" for n, s in enumerate(symbols, start=1)], fontsize=6)
    top = np.sort(np.argsort(-np.abs(weights).sum(axis=0), kind="stable")[:SHOWN])
    labels = [f"{protein[each * p : each * (p + 1)]} {each * p + 1}" for p in top]
    panel.set_xticks(top, labels, rotation=90, fontsize=6, family="monospace")
    panel.set_ylabel("atoms of the drug")
    panel.set_xlabel(f"residues of the protein, {each} a column; named: the most attended to")
    figure.colorbar(image, ax=panel, label="attention", shrink=0.9)
    return figure
