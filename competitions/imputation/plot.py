"""Pictures of submissions: imputed against true counts, and how calls meet dropouts.

Where the truth may be shown there is also the curve of precision over recall, with the imputed
value as the score of an entry: a zero imputed with a higher count is the more certain dropout. The
curve ends, with a dot, where the calls end. Without truth a picture shows the imputed counts and
which genes' zeros were called. Where there are many cells, an even sample is shown.
`reliability` is a picture of probabilities, which submissions do not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from .metric import TARGET, dense

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from podium.competition import View
    from podium.metrics import Floats


MOST = 1 << 22
"""Entries that are drawn."""
GENES = 20
"""Groups of genes, by how much of them was seen."""
CURVE = 1000
"""Points of a curve."""
COLOURS = ("tab:blue", "tab:red", "tab:green", "tab:purple", "tab:orange", "tab:brown")
TICKS = (0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)


class Zeros(NamedTuple):
    """The zero entries of a view's cells.

    Attributes:
        imputed: Imputed count of each [zeros].
        true: True count of each, where it may be shown [zeros].
        seen: Observed mean of the gene of each [zeros].
    """

    imputed: Floats
    true: Floats | None
    seen: Floats


def draw(views: Sequence[View]) -> dict[str, Figure]:
    """A figure for each view, and one of all curves if any truth may be shown."""
    titled = [(view.title, zeros(view)) for view in views]
    names = [view.file(place) for place, view in enumerate(views, start=1)]
    figures = {name: _figure(*one) for name, one in zip(names, titled, strict=True)}
    if any(one.true is not None for _, one in titled):
        figures["precision-recall"] = _curves([pair for pair in titled if pair[1].true is not None])
    return figures


def zeros(view: View) -> Zeros:
    """The zeros of the cells; where there are too many, of evenly spaced cells."""
    (one,) = view.part.slices()
    step = -(-one.counts.shape[0] * one.counts.shape[1] // MOST)
    rows = one.rows[::step]
    observed = one.counts[::step].toarray()
    zero = observed == 0
    true = None
    if view.truth is not None:
        true = dense(view.truth[TARGET][rows])[zero].astype(np.float64)
    return Zeros(
        imputed=dense(view.predictions[TARGET][rows])[zero].astype(np.float64),
        true=true,
        seen=np.broadcast_to(observed.mean(axis=0), observed.shape)[zero],
    )


def precision_recall(called: Zeros) -> tuple[Floats, Floats]:
    """Recall and precision of calling the zeros above each imputed value, the highest first.

    The last point is that of all calls; both are empty where there are none.
    """
    dropout = (called.true if called.true is not None else called.imputed * np.nan) > 0
    order = np.argsort(-called.imputed, kind="stable")[: int((called.imputed > 0).sum())]
    last = np.flatnonzero(np.diff(called.imputed[order], append=0.0))  # of equal ones
    hits = dropout[order].cumsum()[last]
    return hits / max(1, dropout.sum()), hits / (last + 1)


def reliability(said: Mapping[str, tuple[Floats, NDArray[np.bool_]]]) -> Figure:
    """How often zeros are dropouts, over how probable a model says that they are.

    Args:
        said: By a title, probabilities of zeros [zeros] and which of them are dropouts.

    Returns:
        The share of dropouts in groups of as many zeros each, with an interval of 95 % as if zeros
        were independent; below, how many zeros have which probability.
    """
    figure = Figure(figsize=(6.0, 6.4), layout="constrained")
    shares, sizes = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for place, (title, (probability, dropout)) in enumerate(said.items()):
        colour = COLOURS[place % len(COLOURS)]
        order = np.argsort(probability, kind="stable")
        groups = [group for group in np.array_split(order, GENES) if len(group)]
        mean = np.array([probability[group].mean() for group in groups])
        share = np.array([dropout[group].mean() for group in groups])
        error = 1.96 * np.sqrt(share * (1 - share) / [len(group) for group in groups])
        shares.errorbar(mean, share, error, color=colour, marker="o", ms=3, lw=1, label=title)
        sizes.hist(probability, np.linspace(0, 1, 41).tolist(), color=colour, histtype="step")
    shares.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--")
    shares.set_ylabel("share that are dropouts")
    shares.set_title("zeros by their probability to be a dropout", fontsize=9)
    shares.legend(fontsize=8, loc="upper left")
    shares.grid(alpha=0.3)
    sizes.set_xlabel("probability")
    sizes.set_ylabel("zeros")
    sizes.set_yscale("log")
    return figure


def _figure(title: str, entries: Zeros) -> Figure:
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    figure.suptitle(title)
    counts, genes = figure.subplots(1, 2)
    if entries.true is None:
        _histogram(counts, entries)
    else:
        _against_truth(figure, counts, entries.imputed, entries.true)
    _by_gene(genes, entries)
    return figure


def _against_truth(figure: Figure, panel: Axes, imputed: Floats, true: Floats) -> None:
    """How many zeros have which true and imputed count; those right in both are left out."""
    shown = (imputed > 0) | (true > 0)
    x, y = np.log1p(true[shown]), np.log1p(imputed[shown])
    top = max(1.0, x.max(initial=0.0), y.max(initial=0.0)) * 1.02
    if shown.any():
        drawn = panel.hexbin(x, y, gridsize=45, extent=(0, top, 0, top), bins="log", mincnt=1)
        figure.colorbar(drawn, ax=panel, label="zeros", pad=0.02)
    panel.plot([0, top], [0, top], color="black", linewidth=0.8, linestyle="--")
    panel.set_xlabel("true count")
    panel.set_ylabel("imputed count")
    panel.set_title("called zeros and dropouts", fontsize=9)
    margin = 0.03 * top
    panel.set_xlim(-margin, top)
    panel.set_ylim(-margin, top)
    ticks = [tick for tick in TICKS if np.log1p(tick) < top]
    panel.set_xticks(np.log1p(ticks), [f"{tick:,}" for tick in ticks], rotation=45)
    panel.set_yticks(np.log1p(ticks), [f"{tick:,}" for tick in ticks])
    panel.set_aspect("equal")


def _histogram(panel: Axes, entries: Zeros) -> None:
    called = entries.imputed[entries.imputed > 0]
    share = len(called) / max(1, len(entries.imputed))
    if len(called):
        low, high = called.min(), called.max()
        edges = np.geomspace(low / 1.1, high * 1.1, 40)
        panel.hist(called, bins=edges.tolist(), color=COLOURS[0])
        panel.set_xscale("log")
    panel.set_xlabel("imputed count")
    panel.set_ylabel("zeros")
    panel.set_title(f"{share:.0%} of {len(entries.imputed):,} zeros are called", fontsize=9)


def _by_gene(panel: Axes, entries: Zeros) -> None:
    """Share of the zeros that are called, and that are dropouts, over what was seen of a gene."""
    seen, code = np.unique(entries.seen, return_inverse=True)
    many = np.bincount(code, minlength=len(seen))
    # Groups of about as many zeros each; genes of which nothing was seen are one of them.
    share = (many.cumsum() - many / 2) / max(1, many.sum())
    group = np.where(seen > 0, 1 + np.minimum(share * GENES, GENES - 1).astype(int), 0)[code]
    size = np.bincount(group, minlength=GENES + 1)
    filled = size > 0
    place = np.bincount(group, entries.seen, minlength=GENES + 1)[filled] / size[filled]

    def line(values: NDArray[np.bool_], colour: str, label: str) -> None:
        height = np.bincount(group, values, minlength=GENES + 1)[filled] / size[filled]
        panel.plot(place, height, color=colour, marker="o", ms=3, label=label)

    line(entries.imputed > 0, COLOURS[0], "called")
    if entries.true is not None:
        line(entries.true > 0, "black", "dropouts")
    smallest, largest = place[place > 0].min(initial=1.0), place.max(initial=1.0)
    panel.set_xscale("symlog", linthresh=smallest)
    powers = 10.0 ** np.arange(np.ceil(np.log10(smallest)), np.log10(largest) + 0.01)
    panel.set_xticks([0.0, *powers], ["0", *(f"{power:g}" for power in powers)])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_ylim(-0.03, 1.03)
    panel.set_xlabel("observed mean of the gene")
    panel.set_ylabel("share of the zeros")
    panel.set_title("by gene", fontsize=9)
    panel.legend(fontsize=8)
    panel.grid(alpha=0.3)


def _curves(known: Sequence[tuple[str, Zeros]]) -> Figure:
    figure = Figure(figsize=(5.2, 4.4), layout="constrained")
    panel = figure.subplots()
    for place, (title, one) in enumerate(known):
        colour = COLOURS[place % len(COLOURS)]
        recall, precision = precision_recall(one)
        if len(recall):
            points = np.unique(np.linspace(0, len(recall) - 1, CURVE).astype(int))
            panel.plot(recall[points], precision[points], color=colour, label=title)
            panel.plot(recall[-1:], precision[-1:], "o", color=colour)
        else:
            panel.plot([], [], color=colour, label=f"{title}: no calls")
    rates = {float((one.true > 0).mean()) for _, one in known if one.true is not None}
    for rate in rates:
        panel.axhline(rate, color="black", linewidth=0.8, linestyle="--")
        panel.annotate("share of dropouts", (0.02, rate + 0.01), fontsize=8)
    panel.set_xlim(0, 1.02)
    panel.set_ylim(0, 1.02)
    panel.set_xlabel("recall")
    panel.set_ylabel("precision")
    panel.set_title("zeros by imputed count, the highest first", fontsize=9)
    panel.legend(fontsize=8, loc="lower left")
    panel.grid(alpha=0.3)
    return figure
