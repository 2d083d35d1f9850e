"""A ridge regression for each drug, each gene standardised within its own context.

The simplest adaptation: what a context adds to a gene, and how it stretches it, goes. It takes the
genes of lines without answers, and of several lines: a single line has no context.
"""

from __future__ import annotations

from typing import Any

from ..shared.parameters import BY_CONTEXT, PENALTY
from ..shared.ridge import Ridge

PARAMETERS = {"penalty": PENALTY, "scale": BY_CONTEXT}
THREADS = 1  # the same bytes on any number of cores


def build(params: dict[str, Any], seed: int) -> Ridge:
    """Build the model; nothing in it is random."""
    return Ridge(**params)
