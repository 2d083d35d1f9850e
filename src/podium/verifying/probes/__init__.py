"""Leak probes: does anything but the features' meaning tell the answers? Is the metric sound?

Like the checks of `verifying.verify`, which runs them: the docstring says what holds, each line
that is yielded is a way in which it does not. A `Note` is worth a look and fails nothing. What is
meant to be so, a competition says in its facts: `accepted={"the check": "why"}`.
"""

from __future__ import annotations

from collections.abc import Mapping

from podium.verifying.probes.duplicates import (
    no_test_row_is_in_train,
    no_test_text_is_nearly_in_train,
)
from podium.verifying.probes.features import groups_stay_together, no_feature_is_the_target
from podium.verifying.probes.identity import ids_and_order_tell_nothing, metadata_tell_little
from podium.verifying.probes.scores import (
    no_constant_beats_the_controls,
    worse_predictions_score_worse,
)
from podium.verifying.under_test import Check

PROBES: Mapping[Check, str] = {
    ids_and_order_tell_nothing: "shuffle the rows in data.py, and number them anew where ids grow "
    "with the target or with time",
    metadata_tell_little: "see how missing values and lengths come about; fill or cut them alike "
    "for all rows if they were made together with the answers",
    no_test_row_is_in_train: "drop duplicates in data.py before the split, or keep them together: "
    "a group for each set of equal rows (--split grouped)",
    no_test_text_is_nearly_in_train: "cluster the texts and split whole clusters (--split grouped "
    "--by the cluster)",
    groups_stay_together: "split by that column (podium new --split grouped --by it), unless new "
    "rows of known groups are what is asked for",
    no_feature_is_the_target: "take the column out of the features in data.py",
    no_constant_beats_the_controls: "add it as a control: Control(..., params={...})",
    worse_predictions_score_worse: "see to higher_is_better in competition.py, and to finish() in "
    "metric.py",
}
"""Each probe, and what to do about its finding."""
