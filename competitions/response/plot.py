"""Pictures of submissions: how well each drug is predicted, a colour for each context.

Where the truth may not be shown there is the distribution of the predictions instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .metric import TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from podium.competition import View

COLOURS = {"solid": "tab:blue", "blood": "tab:red"}
OTHER = "tab:gray"
BINS = [float(end) for end in np.linspace(-1.0, 1.0, 51)]


def draw(views: Sequence[View]) -> dict[str, Figure]:
    """A figure for each view."""
    return {view.file(place): _figure(view) for place, view in enumerate(views, start=1)}


def _figure(view: View) -> Figure:
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    panel = figure.subplots()
    panel.set_title(view.title)
    if view.truth is None:
        panel.hist(np.asarray(view.predictions[TARGET]), bins=50, color=OTHER)
        panel.set_xlabel(f"predicted {TARGET}")
        panel.set_ylabel("rows")
    else:
        _drugs(panel, view)
    return figure


def _drugs(panel: Axes, view: View) -> None:
    """Drugs by Pearson's r, for each context; the legend has their mean."""
    assert view.truth is not None
    rows = view.part.features[["line", "drug"]].assign(
        said=np.asarray(view.predictions[TARGET]), truth=np.asarray(view.truth[TARGET])
    )
    context = view.part.tables["lines"]["context"].loc[rows["line"]].to_numpy(object)
    for name, some in rows.groupby(context):
        values = pd.Series({drug: _pearson(key) for drug, key in some.groupby("drug")})
        label = f"{name}: mean r = {values.mean():.3f}, {len(values):,} drugs"
        colour = COLOURS.get(str(name), OTHER)
        panel.hist(values, bins=BINS, color=colour, alpha=0.5, label=label)
        panel.axvline(values.mean(), color=colour, linewidth=1.0)
    panel.set_xlabel("Pearson's r within the drug")
    panel.set_ylabel("drugs")
    panel.legend(fontsize=8)


def _pearson(rows: pd.DataFrame) -> float:
    """Pearson's r of prediction and truth; 0 where either does not vary."""
    varies = (np.ptp(rows[["said", "truth"]].to_numpy(), axis=0) > 0).all()
    return float(rows["said"].corr(rows["truth"])) if varies else 0.0
