"""Rows of one's own: SMILES and residues as people write them, in the form of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from podium.competition import sequences

from ..shared.features import DRUG, PROTEIN, RESIDUES
from ..shared.molecules import parse
from .prepare import STEREO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LETTERS = RESIDUES + "UOXBZJ"
"""With those that are rare or not sure, which the real data have, too."""
EXAMPLES = 3


def cleaned(
    features: Mapping[str, pd.Series[Any]], ids: Sequence[str]
) -> tuple[dict[str, pd.Series[Any]], list[str]]:
    """The features in the form of the data, and what is wrong with them.

    Residues are capitals without blanks. SMILES lose blanks and stereo marks; whether the chemistry
    is possible is not asked.

    Args:
        features: Columns by name.
        ids: What messages call the rows.
    """
    columns, problems = dict(features), []
    residues, trouble = sequences.cleaned(
        list(features[PROTEIN]), ids, f"column {PROTEIN!r}", LETTERS
    )
    problems += [f"column {PROTEIN!r}: {line}" for line in trouble]
    smiles = [STEREO.sub("", text.strip()) for text in features[DRUG]]
    reasons = {text: fault(text) for text in dict.fromkeys(smiles)}
    for reason in dict.fromkeys(filter(None, reasons.values())):
        rows = [row for row, text in enumerate(smiles) if reasons[text] == reason]
        shown = ", ".join(f"{ids[row]} ({smiles[row][:40]!r})" for row in rows[:EXAMPLES])
        problems.append(f"column {DRUG!r}: {len(rows):,} cannot be read ({reason}): {shown}")
    for name, values in ((DRUG, smiles), (PROTEIN, residues)):
        columns[name] = pd.Series(values, features[name].index, features[name].dtype)
    return columns, problems


def fault(smiles: str) -> str:
    """Why a text is no SMILES; nothing if it reads as one."""
    try:
        parse(smiles)
    except ValueError as error:
        return str(error)
    return ""
