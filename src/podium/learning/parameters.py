"""Declarations that many models share: those of boosted trees, and of training networks.

    PARAMETERS = {
        "hidden": Parameter(64, "width of the hidden layer", (1, 65_536)),
        **network_parameters(epochs=40, batch=256, learning_rate=(1e-3, 3e-4, 5e-3, "log")),
    }

A model says which it has, and the default of each; with what a search tries behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from podium.competition.parameters import Parameter, declares

_TREES: Mapping[str, tuple[Any, ...]] = {  # as `Parameter` takes them, after the default
    "rounds": ("boosted trees", (1, 100_000)),
    "learning_rate": ("weight of each tree", (1e-6, 10.0)),
    "num_leaves": ("leaves of a tree at most", (2, 131_072)),
    "min_data_in_leaf": ("rows of a leaf at least", (0, 1_000_000)),
    "feature_fraction": ("share of the columns that each tree sees", (1e-6, 1.0)),
    "lambda_l2": ("penalty on the squares of what leaves say", (0.0, 1e6)),
    "max_bin": ("values that a column is cut into", (2, 65_535)),
    "num_threads": ("0 for all cores; the same number gives the same bytes", (0, 1024)),
}
_NETWORKS: Mapping[str, tuple[Any, ...]] = {
    "validation": (
        "share of the rows that is held out to choose the epoch; 0 for none",
        (0.0, 0.9),
    ),
    "epochs": ("passes over the rows at most", (1, 100_000)),
    "batch": ("rows a step", (1, 1_000_000)),
    "learning_rate": ("the highest learning rate", (1e-8, 10.0)),
    "constant": ("keep the learning rate as it is",),
    "weight_decay": ("of AdamW", (0.0, 100.0)),
    "fused": ("change all weights in one pass: faster, the last bits differ",),
    "clip": ("norm to which a gradient is cut", (1e-6, 1e6)),
    "patience": (
        "epochs without a better loss on held-out rows before training ends",
        (1, 100_000),
    ),
    "bf16": ("train in bfloat16 where the machine multiplies so",),
    "device": ("auto: a GPU if there is one", (None, None), ("auto", "cpu", "cuda", "mps")),
}


@declares
def tree_parameters(*, num_threads: int = 0, **given: Any) -> dict[str, Parameter]:
    """Parameters of boosted trees, for `podium.learning.boost`.

    Args:
        num_threads: Its default, which is the last of them.
        given: Of the others the default, or the default and what a search tries:
            `rounds=400`, `rounds=(400, 50, 2000, "log")`.
    """
    return _of(_TREES, {**given, "num_threads": num_threads})


@declares
def network_parameters(*, device: str = "auto", **given: Any) -> dict[str, Parameter]:
    """Parameters of training a network, for `podium.learning.Settings.of`.

    Args:
        device: Its default, which is the last of them.
        given: Of the others the default, or the default and what a search tries:
            `epochs=40`, `learning_rate=(1e-3, 3e-4, 5e-3, "log")`.
    """
    return _of(_NETWORKS, {**given, "device": device})


def _of(known: Mapping[str, tuple[Any, ...]], given: Mapping[str, Any]) -> dict[str, Parameter]:
    """Declarations of those that are given, in their order.

    Raises:
        ValueError: For a name that is not known.
    """
    if unknown := sorted(set(given) - set(known)):
        raise ValueError(f"{', '.join(unknown)}: known are {', '.join(known)}")
    made = {}
    for name, value in given.items():
        default, *search = value if isinstance(value, tuple) else (value,)
        made[name] = replace(Parameter(default, *known[name]), search=tuple(search))
    return made
