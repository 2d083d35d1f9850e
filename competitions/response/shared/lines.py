"""What models of lines share: genes on one scale, responses as a matrix, and the way back to rows.

Most models here learn a matrix, lines by drugs, from the genes of the lines. Responses are
standardised for each drug, so that no drug's mean has to be learnt.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from podium.learning import standardised

from ..metric import TARGET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from podium.competition import Part, Report

    Floats = NDArray[np.float64]

ABOUT = ("context", "site")
"""Columns of the table of lines that are no genes."""
SCALES = ("source", "context")
"""Genes are standardised by the lines that train, or within each context by all of its lines."""


class Lines(NamedTuple):
    """The table of lines.

    Attributes:
        names: [lines].
        context, site: [lines].
        genes: log2(TPM + 1) [lines, genes].
    """

    names: pd.Index
    context: NDArray[np.object_]
    site: NDArray[np.object_]
    genes: Floats

    @classmethod
    def of(cls, part: Part) -> Lines:
        """All lines that a part knows: those that train, those of test rows, one's own."""
        table = part.tables["lines"]
        genes = table.drop(columns=list(ABOUT)).to_numpy(np.float64)
        context, site = (table[name].to_numpy(object) for name in ABOUT)
        return cls(table.index, context, site, genes)

    def take(self, rows: NDArray[np.int64]) -> Lines:
        """Some of them."""
        return Lines(self.names[rows], self.context[rows], self.site[rows], self.genes[rows])


class Scaling:
    """Genes with mean 0 and variance 1.

    Args:
        lines: All that are known.
        learnt: Which of them train.
        scale: One of `SCALES`. What a context is like follows from its genes alone, so lines
            without answers may tell it.
    """

    def __init__(self, lines: Lines, learnt: NDArray[np.int64], scale: str) -> None:
        self.by_context = scale == "context"
        self.moments: dict[str, tuple[Floats, Floats]] = {}
        if self.by_context:
            for name in np.unique(lines.context):
                self.moments[name] = _moments(lines.genes[lines.context == name])
        else:
            self.moments[""] = _moments(lines.genes[learnt])

    def __call__(self, lines: Lines) -> Floats:
        """Genes of lines [lines, genes]; of a context that nobody knew, by these lines alone."""
        if not self.by_context:
            return self._scaled(lines.genes, "")
        scaled = standardised(lines.genes, lines.context)
        for name in set(lines.context) & set(self.moments):
            rows = lines.context == name
            scaled[rows] = self._scaled(lines.genes[rows], name)
        return np.asarray(scaled)

    def _scaled(self, genes: Floats, name: str) -> Floats:
        mean, spread = self.moments[name]
        return np.asarray((genes - mean) / spread)


def _moments(genes: Floats) -> tuple[Floats, Floats]:
    spread = genes.std(axis=0)
    return genes.mean(axis=0), np.where(spread > 1e-6, spread, 1.0)


class Responses(NamedTuple):
    """The responses of train rows as a matrix.

    Attributes:
        lines: Numbers of the lines that train, in the table [lines].
        drugs: Names [drugs].
        scaled: Standardised for each drug, NaN where nothing was measured [lines, drugs].
        mean, spread: ln IC50 of each drug [drugs].
        other: The same of all rows, for a drug that never trained.
    """

    lines: NDArray[np.int64]
    drugs: pd.Index
    scaled: Floats
    mean: Floats
    spread: Floats
    other: tuple[float, float]

    @classmethod
    def of(cls, train: Part, names: pd.Index) -> Responses:
        """Gather the rows; of a pair that is there twice the mean.

        Args:
            train: With targets.
            names: Of the table of lines.
        """
        assert train.targets is not None
        rows = train.features.assign(y=train.targets[TARGET].to_numpy(np.float64))
        matrix = rows.pivot_table(index="line", columns="drug", values="y")
        values = matrix.to_numpy(np.float64)
        mean, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
        general = float(np.nanstd(values - mean)) or 1.0
        spread = np.where(spread > 0, spread, general)
        return cls(
            lines=names.get_indexer(matrix.index),
            drugs=matrix.columns,
            scaled=(values - mean) / spread,
            mean=mean,
            spread=spread,
            other=(float(rows["y"].mean()), general),
        )

    def rows(self, said: Floats, names: pd.Index, part: Part) -> pd.DataFrame:
        """Predictions of a part's rows.

        Args:
            said: Standardised responses [lines, drugs].
            names: Of these lines.
            part: Whose rows name them; of a drug that never trained, the mean of all is said.
        """
        line = names.get_indexer(pd.Index(part.features["line"]))
        drug = self.drugs.get_indexer(pd.Index(part.features["drug"]))
        values = self.mean[drug] + self.spread[drug] * said[line, drug]
        return pd.DataFrame({"id": part.ids, TARGET: np.where(drug < 0, self.other[0], values)})


class LineModel(ABC):
    """A model that says from a line's genes how it responds to each drug.

    Args:
        scale: One of `SCALES`.
    """

    def __init__(self, scale: str) -> None:
        self.scale = scale
        self.scaling: Scaling
        self.responses: Responses

    @abstractmethod
    def learn(self, lines: Lines, genes: Floats, report: Report | None) -> None:
        """Learn `self.responses` from the genes of its lines.

        Args:
            lines: All that are known.
            genes: Theirs, on one scale [lines, genes].
            report: Where it takes long enough to say how far it is.
        """

    @abstractmethod
    def say(self, lines: Lines, genes: Floats) -> Floats:
        """Standardised responses of lines to the drugs of `self.responses` [lines, drugs]."""

    def fit(self, train: Part, report: Report | None = None) -> None:
        """Learn from train rows, and from the genes of all lines."""
        lines = Lines.of(train)
        self.responses = Responses.of(train, lines.names)
        self.scaling = Scaling(lines, self.responses.lines, self.scale)
        self.learn(lines, self.scaling(lines), report)

    def predict(self, part: Part) -> pd.DataFrame:
        """Predict ln IC50."""
        lines = Lines.of(part)
        genes, named = (
            self.scaling(lines),
            np.unique(lines.names.get_indexer(pd.Index(part.features["line"]))),
        )
        some = lines.take(named)
        return self.responses.rows(self.say(some, genes[named]), some.names, part)
