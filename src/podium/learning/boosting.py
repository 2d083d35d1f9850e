"""Boosted trees (LightGBM): what the competitions' models of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from podium.competition.part import Report


def reporting(report: Report | None, every: int) -> list[Callable[[Any], None]]:
    """Callbacks that tell the first metric of the first validation set, every so many rounds."""
    if report is None:
        return []

    def tell(state: Any) -> None:
        if (state.iteration + 1) % every == 0:
            report(state.iteration + 1, state.evaluation_result_list[0][2])

    return [tell]
