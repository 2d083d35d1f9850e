"""Samplers: which parameters a trial gets. Optuna's own, each draw bound to its trial's number.

A sampler is made anew for each trial, seeded by the study's seed and the trial's number: what it
proposes follows from these and from the trials before. So a search that was interrupted goes on as
it would have, and workers side by side never draw the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler

from podium.errors import UnknownNameError, require_extra

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, TrialState

DEFAULT = "tpe"
_STEP = 1_000_003  # between the seeds of two studies: far more than trials of one
_NEEDS = {"cmaes": "cmaes", "gp": "torch"}

_MAKE: dict[str, Callable[[int, int], BaseSampler]] = {
    # `group` lets a space that branches be searched branch by branch.
    "tpe": lambda _, seed: optuna.samplers.TPESampler(
        multivariate=True, group=True, constant_liar=True, seed=seed
    ),
    "random": lambda _, seed: optuna.samplers.RandomSampler(seed=seed),
    "cmaes": lambda _, seed: optuna.samplers.CmaEsSampler(
        seed=seed, warn_independent_sampling=False
    ),
    "gp": lambda _, seed: optuna.samplers.GPSampler(
        seed=seed, warn_independent_sampling=False, deterministic_objective=True
    ),
    # One sequence for the whole study: trials take their places in it.
    "qmc": lambda whole, _: optuna.samplers.QMCSampler(
        seed=whole, scramble=True, warn_independent_sampling=False
    ),
    "nsgaii": lambda _, seed: optuna.samplers.NSGAIISampler(seed=seed),
}
SAMPLERS = tuple(_MAKE)


def make(name: str, seed: int) -> BaseSampler:
    """A sampler by its name.

    Raises:
        UnknownNameError: If there is none of that name.
        MissingPackageError: If it needs a package that is not installed.
    """
    if name not in _MAKE:
        raise UnknownNameError("sampler", name, SAMPLERS)
    if name in _NEEDS:
        with require_extra(f"The sampler {name}"):
            import_module(_NEEDS[name])
    return ByNumber(_MAKE[name], seed)


class ByNumber(BaseSampler):
    """A sampler that is made anew for each trial: `make(seed of the study, seed of the trial)`."""

    def __init__(self, make: Callable[[int, int], BaseSampler], seed: int) -> None:
        self._make, self._seed = make, seed
        self._sampler = self._made(0)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Make the sampler for this trial."""
        self._sampler = self._made(trial.number)
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """As the sampler does it."""
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the sampler does it."""
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any
    ) -> Any:
        """As the sampler does it."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        """As the sampler does it."""
        self._sampler.after_trial(study, trial, state, values)

    def _made(self, number: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return self._make(self._seed, (self._seed * _STEP + number) % 2**32)
