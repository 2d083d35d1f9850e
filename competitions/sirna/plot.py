"""Pictures of submissions: truth against prediction, calls, and where the errors are.

Where the truth may be shown there is a figure for each view, its strata apart, and one of all views
with their errors by dose, gene and modification. Elsewhere a view's figure has the predictions
alone: how they spread, and how many are called effective at each dose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from matplotlib.transforms import blended_transform_factory

from .metric import TARGET, THRESHOLD, metric
from .shared import features as tabulated
from .shared.chemistry import CAPS, DEOXY, FLUORO, GNA, HEXADECYL, RIBO, THIO, TWO_PRIME, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from numpy.typing import NDArray

    from podium.competition import View
    from podium.metrics import Floats

    Groups = Mapping[str, NDArray[np.bool_]]
    """Rows of each group, a mask [rows], by what it is called."""

TOP = 150
"""Percent; what is above is drawn there."""
FEWEST = 20
"""Rows of a group that has a mean error."""
GENES = 12
"""Genes that are shown, those with the largest errors."""
UNSEEN = "unseen_gene"
STRATA = (UNSEEN, "unseen_guide", "seen")
"""The hardest first."""
STYLES = (
    ("#0072B2", "o"),
    ("#D55E00", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#E69F00", "v"),
    ("#56B4E9", "P"),
)
"""Colours that the colour-blind tell apart (Okabe and Ito), each with a mark of its own."""
CALLS = (("missed", "#56B4E9"), ("hit", "#0072B2"), ("false call", "#E69F00"))
GREY = "0.55"
TICKS = {tick: f"≥{tick}" if tick == TOP else f"{tick}" for tick in (0, 30, 60, 90, 120, TOP)}


class Errors(NamedTuple):
    """Mean absolute errors of some rows.

    Attributes:
        rows: How many there are.
        views: Error of each view, percent points [views].
        spread: Error of the best single value, the rows' own median, percent points.
    """

    rows: int
    views: Floats
    spread: float


def draw(views: Sequence[View]) -> dict[str, Figure]:
    """A figure for each view, and one of all errors if the truth may be shown."""
    figures = {view.file(place): _figure(view) for place, view in enumerate(views, start=1)}
    known = [view for view in views if view.truth is not None]
    if known:
        figures["errors"] = _errors(known)
    return figures


def errors(views: Sequence[View], groups: Groups) -> dict[str, Errors]:
    """The errors of each group that has at least `FEWEST` rows.

    Args:
        views: All of the same rows, with their truth.
        groups: Which rows are of each; they may overlap.
    """
    truth, _ = _columns(views[0])
    by_view = np.array([np.abs(_columns(view)[1] - truth) for view in views])
    return {
        name: Errors(
            rows=int(rows.sum()),
            views=by_view[:, rows].mean(axis=1),
            spread=float(np.abs(truth[rows] - np.median(truth[rows])).mean()),
        )
        for name, rows in groups.items()
        if rows.sum() >= FEWEST
    }


def doses(features: pd.DataFrame) -> Groups:
    """Rows of each concentration, the lowest first."""
    dose = features["siRNA_concentration"].to_numpy(float)
    return {f"{one:g} nM": dose == one for one in np.unique(dose[~np.isnan(dose)])}


def genes(view: View) -> Groups:
    """Rows of each gene, or publication where none is named; `*` marks genes that do not train."""
    gene = tabulated.gene(view.part.features).str.upper().to_numpy(object)
    groups = {}
    for name in sorted(set(gene)):
        rows = gene == name
        new = view.strata is not None and (view.strata[rows] == UNSEEN).all()
        groups[f"{name} *" if new else name] = rows
    return groups


def modifications(features: pd.DataFrame) -> Groups:
    """Rows with each modification of guide or sense strand; a row may be in several groups."""
    guide = parse(features["modified_siRNA_antisense_seq_list"], tabulated.GUIDE)
    sense = parse(features["modified_siRNA_sense_seq_list"], tabulated.SENSE)
    fluoro = (guide.sugar == FLUORO).sum(axis=1)
    caps = dict(zip((*CAPS, THIO), (guide.flags + sense.flags).T > 0, strict=True))

    def sugar(code: int) -> NDArray[np.bool_]:
        has: NDArray[np.bool_] = (guide.sugar == code).any(axis=1)
        return has

    return {
        "2'-F in guide: 0 to 2": fluoro <= 2,
        "2'-F in guide: 3 to 5": (fluoro > 2) & (fluoro < 6),
        "2'-F in guide: 6 or more": fluoro >= 6,
        "plain RNA in guide": sugar(RIBO),
        "DNA in guide": sugar(DEOXY),
        "glycol (GNA) in guide": sugar(GNA),
        "2'-5' linkage in guide": sugar(TWO_PRIME),
        "lipid (C16) in sense": (sense.sugar == HEXADECYL).any(axis=1),
        "vinyl phosphonate (VP)": caps["VP"],
        "5' phosphate": caps["P"],
        "GalNAc (L96)": caps["L96"],
        "phosphorothioate": caps[THIO],
    }


def _columns(view: View) -> tuple[Floats, Floats]:
    """Truth and prediction, percent."""
    assert view.truth is not None
    return np.asarray(view.truth[TARGET]), np.asarray(view.predictions[TARGET])


def _figure(view: View) -> Figure:
    return _alone(view) if view.truth is None else _with_truth(view)


def _with_truth(view: View) -> Figure:
    """Above the strata's predictions against the truth, below what became of their calls."""
    assert view.strata is not None
    truth, predicted = _columns(view)
    strata = {name: view.strata == name for name in STRATA if name in set(view.strata)}
    figure = Figure(figsize=(10.9, 6.4), layout="constrained")
    figure.suptitle(view.title)
    above, below = figure.subfigures(2, 1, height_ratios=[2.1, 1], squeeze=False).flat
    panels = above.subplots(1, len(strata), sharey=True, squeeze=False)[0]
    drawn = []
    for panel, (name, rows) in zip(panels, strata.items(), strict=True):
        drawn.append(_against_truth(panel, truth[rows], predicted[rows]))
        scores = metric.score({TARGET: truth[rows]}, {TARGET: predicted[rows]})
        figures = f"MAE {scores['mae']:.1f}, F1 {scores['f1']:.2f}, score {scores['score']:.2f}"
        panel.set_title(f"{name}, {rows.sum():,} rows\n{figures}", fontsize=10)
    panels[0].set_ylabel("predicted mRNA remaining (%)")
    norm = LogNorm(1, max(2, *(np.asarray(hexagons.get_array()).max() for hexagons in drawn)))
    for hexagons in drawn:
        hexagons.set_norm(norm)
    ticks = LogLocator(subs=(1, 2, 5))
    bar = above.colorbar(drawn[0], ax=panels, label="rows in a hexagon", ticks=ticks, format="%d")
    bar.minorticks_off()
    _calls(below.subplots(), truth, predicted, strata)
    return figure


def _against_truth(panel: Axes, truth: Floats, predicted: Floats) -> PolyCollection:
    """How many rows have which truth and prediction; lines part the calls from the rest."""
    x, y = np.minimum(truth, TOP), np.minimum(predicted, TOP)
    hexagons = panel.hexbin(
        x, y, gridsize=36, extent=(0, TOP, 0, TOP), mincnt=1, cmap="cividis_r", linewidths=0.1
    )
    panel.plot([0, TOP], [0, TOP], color="black", linewidth=0.8)
    for line in (panel.axvline, panel.axhline):
        line(THRESHOLD, color="black", linewidth=0.8, linestyle="--")
    panel.set_xticks(list(TICKS), list(TICKS.values()))
    panel.set_yticks(list(TICKS), list(TICKS.values()))
    panel.set_xlim(-4, TOP + 4)
    panel.set_ylim(-4, TOP + 4)
    panel.set_aspect("equal")
    panel.set_xlabel("measured mRNA remaining (%)")
    return hexagons


def _calls(panel: Axes, truth: Floats, predicted: Floats, strata: Groups) -> None:
    """A bar for each stratum: missed and hit are the effective rows, hit and false the calls."""
    names = list(strata)
    below = truth < THRESHOLD, predicted < THRESHOLD
    for place, name in enumerate(names):
        effective, called = (these[strata[name]] for these in below)
        counts = [effective & ~called, effective & called, ~effective & called]
        left = 0.0
        for (label, colour), rows in zip(CALLS, counts, strict=True):
            share = 100 * rows.sum() / max(1, effective.sum())
            panel.barh(place, share, left=left, color=colour, label=None if place else label)
            if share > 4:
                inside = "white" if label == "hit" else "black"
                where = left + share / 2, place
                panel.annotate(f"{rows.sum():,}", where, ha="center", va="center", color=inside)
            left += share
        missed, hits, wrong = (int(rows.sum()) for rows in counts)
        recall, precision = _share(hits, hits + missed), _share(hits, hits + wrong)
        text = f"recall {recall}\nprecision {precision}"
        beside = blended_transform_factory(panel.transAxes, panel.transData)
        panel.text(1.01, place, text, transform=beside, va="center", fontsize=9)
    panel.axvline(100, color="black", linewidth=0.8, linestyle="--")
    panel.set_yticks(range(len(names)), names)
    panel.invert_yaxis()
    panel.set_title(f"calls below {THRESHOLD:g} % (rows in the bars)", loc="left", fontsize=10)
    panel.set_xlabel(f"% of the rows measured below {THRESHOLD:g} %")
    panel.legend(ncols=3, loc="lower right", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
    panel.spines[["top", "right"]].set_visible(False)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def _alone(view: View) -> Figure:
    """Predictions without the truth: how they spread, and how many are called at each dose."""
    predicted = np.asarray(view.predictions[TARGET])
    called = predicted < THRESHOLD
    figure = Figure(figsize=(10.9, 4.2), layout="constrained")
    figure.suptitle(view.title)
    spread, by_dose = figure.subplots(1, 2)
    spread.hist(np.minimum(predicted, TOP), bins=np.arange(0, TOP + 5, 5).tolist(), color="#0072B2")
    spread.axvline(THRESHOLD, color="black", linewidth=0.8, linestyle="--")
    spread.set_xticks(list(TICKS), list(TICKS.values()))
    spread.set_xlabel("predicted mRNA remaining (%)")
    spread.set_ylabel("rows")
    spread.set_title(f"{called.mean():.0%} of {len(called):,} rows are called", fontsize=10)
    groups = doses(view.part.features)
    shown = {name: rows for name, rows in groups.items() if rows.sum() >= FEWEST}
    shares = [100 * called[rows].mean() for rows in shown.values()]
    by_dose.barh(range(len(shown)), shares, color="#0072B2")
    by_dose.set_yticks(range(len(shown)), [f"{n} ({r.sum():,})" for n, r in shown.items()])
    by_dose.invert_yaxis()
    by_dose.set_xlim(0, 100)
    by_dose.set_xlabel(f"called below {THRESHOLD:g} % (% of the rows)")
    by_dose.set_title("by dose (rows)", fontsize=10)
    return figure


def _errors(views: Sequence[View]) -> Figure:
    features = views[0].part.features
    by_gene = errors(views, genes(views[0]))
    worst = sorted(by_gene, key=lambda name: -by_gene[name].views.mean())[:GENES]
    shown = {
        "dose": errors(views, doses(features)),
        "gene": {name: by_gene[name] for name in worst},
        "modification": errors(views, modifications(features)),
    }
    figure = Figure(figsize=(10.9, 4.9 + 0.2 * len(views)), layout="constrained")
    panels = figure.subplots(1, len(shown), sharex=True)
    for panel, (kind, groups) in zip(panels, shown.items(), strict=True):
        _dots(panel, groups, [view.title for view in views])
        panel.set_title(f"by {kind} (rows)", fontsize=10)
    if len(by_gene) > GENES:
        panels[1].set_title(f"by gene (rows), the worst {GENES} of {len(by_gene)}", fontsize=10)
    largest = [max(*one.views, one.spread) for kind in shown.values() for one in kind.values()]
    panels[0].set_xlim(0, 1.05 * max(largest, default=1.0))
    star = "\n* does not train" if any(name.endswith(" *") for name in worst) else ""
    panels[1].set_xlabel(f"mean absolute error (percent points){star}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def _dots(panel: Axes, groups: Mapping[str, Errors], titles: Sequence[str]) -> None:
    """A line for each group, with a mark for each view and one for the group's own spread."""
    places = range(len(groups))
    spread = [one.spread for one in groups.values()]
    panel.scatter(
        spread, places, marker="|", s=160, color=GREY, label="the group's median for all its rows"
    )
    for number, title in enumerate(titles):
        colour, marker = STYLES[number % len(STYLES)]
        means = [one.views[number] for one in groups.values()]
        panel.scatter(means, places, color=colour, marker=marker, s=34, label=title, zorder=3)
    panel.set_yticks(places, [f"{name} ({one.rows:,})" for name, one in groups.items()], fontsize=9)
    panel.invert_yaxis()
    panel.grid(axis="x", alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)
