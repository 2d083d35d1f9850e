"""What else is wrong with predictions, told without the answers: what was seen must stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .metric import BLOCK, TARGET, dense

if TYPE_CHECKING:
    from podium.competition import Part
    from podium.metrics import Table

EXAMPLES = 5


def problems(part: Part, predictions: Table) -> list[str]:
    """A line that counts the observed counts that were changed, if any were."""
    imputed = predictions[TARGET]
    changed = 0
    examples: list[str] = []
    for one in part.slices():
        step = max(1, BLOCK // max(1, len(one.genes)))
        for start in range(0, len(one), step):
            observed = one.counts[start : start + step].tocoo()
            rows = one.rows[start : start + step]
            given = dense(imputed[rows])[observed.row, observed.col]
            kept = observed.data.astype(given.dtype)  # float32 rounds counts above 2^24
            bad = np.flatnonzero((given != kept) & (observed.data != 0))
            changed += len(bad)
            examples += [
                f"{part.ids[rows[observed.row[entry]]]}, {one.genes[observed.col[entry]]}: "
                f"{observed.data[entry]:g} became {given[entry]:g}"
                for entry in bad[: EXAMPLES - len(examples)].tolist()
            ]
    if not changed:
        return []
    more = "; ..." if changed > EXAMPLES else ""
    what = "observed count is" if changed == 1 else "observed counts are"
    listed = "; ".join(examples)
    return [f"{changed:,} {what} changed: only zeros may be imputed ({listed}{more})"]
