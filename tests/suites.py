"""Which cases of a parametrised test the quick suite runs, and which run with `-m slow`."""

from collections.abc import Iterable
from typing import Any

import pytest

from podium.competition.parameters import suggest


def mostly_slow(cases: Iterable[Any], *quick: int) -> list[Any]:
    """The cases, all but some marked as slow.

    Args:
        cases: What `parametrize` takes.
        quick: Places of those that the quick suite runs, too.
    """
    cases = list(cases)
    kept = {place % len(cases) for place in quick}
    return [case if place in kept else _slow(case) for place, case in enumerate(cases)]


def _slow(case: Any) -> Any:
    if isinstance(case, type(pytest.param())):
        return pytest.param(*case.values, marks=[*case.marks, pytest.mark.slow], id=case.id)
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.slow)


def space(module: Any, trial: Any) -> dict[str, Any]:
    """What a search tries of a model: as its own `space` says, or its declarations."""
    own = getattr(module, "space", None)
    tried: dict[str, Any] = own(trial) if own else suggest(module.PARAMETERS, trial)
    return tried
