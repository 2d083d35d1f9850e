"""Rows of one's own: SMILES and residues as people write them, in the form of the data."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd

from podium.competition import sequences

from ..shared.features import DRUG, PROTEIN, RESIDUES
from .prepare import STEREO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LETTERS = RESIDUES + "UOXBZJ"
"""With those that are rare or not sure, which the real data have, too."""
TOKEN = re.compile(r"\[[^\[\]]+\]|%\d\d|Br|Cl|[BCNOPSFIbcnops*]|[-=#$:.~()]|\d")
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
    reasons = [fault(text) for text in smiles]
    for reason in dict.fromkeys(filter(None, reasons)):
        rows = [row for row, why in enumerate(reasons) if why == reason]
        shown = ", ".join(f"{ids[row]} ({smiles[row][:40]!r})" for row in rows[:EXAMPLES])
        problems.append(f"column {DRUG!r}: {len(rows):,} {reason}: {shown}")
    for name, values in ((DRUG, smiles), (PROTEIN, residues)):
        columns[name] = pd.Series(values, features[name].index, features[name].dtype)
    return columns, problems


def fault(smiles: str) -> str:
    """Why a text is no SMILES; nothing if it reads as one."""
    if not smiles:
        return "are empty"
    tokens = TOKEN.findall(smiles)
    if "".join(tokens) != smiles:
        return "have letters that SMILES do not have"
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth < 0:
            break
    if depth:
        return "have brackets that do not close"
    rings = Counter(token.lstrip("%") for token in tokens if token.lstrip("%").isdigit())
    if any(count % 2 for count in rings.values()):
        return "have rings that do not close"
    return ""
