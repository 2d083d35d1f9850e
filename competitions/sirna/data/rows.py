"""Rows of one's own: sequences as people write them, brought into the form of the dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from podium.competition import sequences

from ..shared import chemistry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

RNA, DNA = "ACGU", "ACGTN"
LETTERS = {"siRNA_sense_seq": RNA, "siRNA_antisense_seq": RNA, "gene_target_seq": DNA}
TOKENS = ("modified_siRNA_sense_seq_list", "modified_siRNA_antisense_seq_list")
DOSE = "siRNA_concentration"
EXAMPLES = 3


def cleaned(
    features: Mapping[str, pd.Series[Any]], ids: Sequence[str]
) -> tuple[dict[str, pd.Series[Any]], list[str]]:
    """The features with clean sequences, and what is wrong with these and with doses.

    Bare strands are RNA and the mRNA is DNA: blanks, marks of the ends and small letters go. In
    modified strands case is chemistry: only marks of the ends go, and every token must be one of
    `chemistry.VOCABULARY`.

    Args:
        features: Columns by name.
        ids: What messages call the rows.
    """
    columns, problems = dict(features), []
    for name in (*LETTERS, *TOKENS):
        given, what = features[name], f"column {name!r}"
        texts = _texts(given)
        if name in LETTERS:
            clean, trouble = sequences.cleaned(texts, ids, what, LETTERS[name])
        else:
            clean, trouble = chemistry.cleaned(texts, ids, what)
        problems += [f"{what}: {line}" for line in trouble]
        if clean != texts:
            categories = isinstance(given.dtype, pd.CategoricalDtype)  # there may be new ones
            columns[name] = pd.Series(clean, given.index, "category" if categories else given.dtype)
    return columns, problems + _doses(features[DOSE].to_numpy(np.float64), ids)


def _doses(dose: NDArray[np.float64], ids: Sequence[str]) -> list[str]:
    """What is wrong with doses: models take their logarithm."""
    wrong = np.flatnonzero(dose <= 0)
    if not len(wrong):
        return []
    named = ", ".join(f"row {ids[row]!r} {dose[row]:g}" for row in wrong[:EXAMPLES])
    more = ", ..." if len(wrong) > EXAMPLES else ""
    count = f"{len(wrong):,} row{'' if len(wrong) == 1 else 's'}"
    return [f"column {DOSE!r}: not above 0 nM: {count} ({named}{more})"]


def _texts(column: pd.Series[Any]) -> list[Any]:
    """Values of a column; of categories, one text for all rows that have it."""
    codes, values = pd.factorize(column)
    known = [*values, None]
    return [known[code] for code in codes]
