"""From a matrix of responses to rows: a pair of a line and a drug each, with tables beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from podium.data import Prepared

from ..metric import CALL, CALLS, TARGET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def prepared(
    lines: pd.DataFrame,
    drugs: pd.DataFrame,
    responses: Floats,
    thresholds: Floats,
    ceiling: Floats | None = None,
) -> Prepared:
    """A row for each response that was measured, line by line.

    Args:
        lines: `line`, `context`, `site`, then genes [lines].
        drugs: `drug`, and what is known of it [drugs].
        responses: ln IC50 in micromolar; NaN where a pair was not measured [lines, drugs].
        thresholds: Below which a line counts as sensitive; NaN where nobody knows [drugs].
        ceiling: What the best predictor says [lines, drugs].
    """
    line, drug = np.nonzero(~np.isnan(responses))
    named, given = lines["line"].to_numpy(object)[line], drugs["drug"].to_numpy(object)[drug]
    context = lines["context"].to_numpy(object)
    values, threshold = responses[line, drug], thresholds[drug]
    call = np.where(np.isnan(threshold), "", np.where(values < threshold, *CALLS)).astype(object)
    ids = pd.Series([f"{one}/{other}" for one, other in zip(named, given, strict=True)])
    groups = {"line": named, "drug": given, "context": context[line], CALL: call}
    best = None if ceiling is None else {"id": ids, TARGET: ceiling[line, drug].round(4)}
    return Prepared(
        features=pd.DataFrame({"id": ids, "line": named, "drug": given}),
        targets=pd.DataFrame({"id": ids, TARGET: values}),
        groups=pd.DataFrame({"id": ids, **groups}),
        ceiling=None if best is None else pd.DataFrame(best),
        tables={"lines": lines, "drugs": drugs},
    )
