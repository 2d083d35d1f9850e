"""How sure is a score? The delete-one-group jackknife, from sums alone.

With T the total of the per-row statistics and S_g the sum over group g, the leave-one-group-out
scores are finish(T - S_g) for all groups in one call. Formulas and measured coverage:
docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from podium.competition.metric import some_rows
from podium.errors import PodiumError

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.contract import Stratum
    from podium.competition.metric import Floats, Layout, Metric, Table

BUCKETS = 4096
"""Whole groups share a bucket when there are more than this."""
MIN_GROUPS = 5
"""Below, no interval is shown, unless the stratum says that fewer are enough."""
FEW = 64
"""The same where a metric is no sum and is run anew without each bucket."""
CHUNK = 1 << 20
"""Values of a matrix that are scored at once."""
ROWS = 1 << 16
"""Rows that are scored at once: what is made of them stays in the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Scores of some rows, and how sure the primary one is.

    Attributes:
        scores: Every figure that `finish` returns.
        se: Standard error of the primary score; None with too few groups.
        ci: Its 95 % interval; None with too few groups.
        influence: (G - 1) * (mean of leave-one-out scores - leave-one-out score), float32, one
            for each group in sorted order.
    """

    rows: int
    groups: int
    scores: Mapping[str, float]
    se: float | None
    ci: tuple[float, float] | None
    influence: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Card:
    """Scores of some rows: the whole of them, and each stratum that is among them."""

    whole: Estimate
    strata: Mapping[str, Estimate]


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Rows gathered into cells: all rows of one group, stratum and part lie in one cell.

    Everything that is scored is a union of cells, so rows are looked at once.

    Attributes:
        code: Cell of each row [rows].
        labels: For each kind of label ("part", "stratum") that of each cell [cells].
        bucket: Bucket of the group of each cell [cells].
    """

    code: NDArray[np.int64]
    labels: Mapping[str, NDArray[np.object_]]
    bucket: NDArray[np.int64]

    @classmethod
    def of(cls, group: NDArray[Any], **labels: NDArray[Any]) -> Cells:
        """Gather rows by their group and labels."""
        import pandas as pd

        bucket = _buckets(group)
        frame = pd.DataFrame({**labels, "bucket": bucket})
        grouped = frame.groupby(list(frame.columns), sort=True, dropna=False)
        cells = grouped.size().index.to_frame(index=False)
        return cls(
            code=np.asarray(grouped.ngroup(), dtype=np.int64),
            labels={name: cells[name].to_numpy(object) for name in labels},
            bucket=cells["bucket"].to_numpy(np.int64),
        )

    def coarser(self, buckets: int) -> Cells:
        """The same cells with so many buckets at most: whole ones are put together."""
        if self.bucket.max(initial=0) < buckets:
            return self
        merged = Cells.of(self.bucket % buckets, **self.labels)
        return replace(merged, code=merged.code[self.code])

    def __len__(self) -> int:
        return len(self.bucket)

    def where(self, **labels: str) -> NDArray[np.bool_]:
        """Mask of the cells that carry these labels."""
        mask = np.ones(len(self), dtype=bool)
        for kind, value in labels.items():
            mask &= self.labels[kind] == value
        return mask


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Summed statistics by cell; what scores, strata and intervals are made of.

    Attributes:
        tables: Answers and predictions, for metrics with exact values beside their sums.
        apart: A kind of label, such as folds, whose rows are never compared with each other: what
            is scored is the mean of what the rows of each label give by themselves.
    """

    metric: Metric
    layout: Layout
    tables: tuple[Table, Table]
    cells: Cells
    sums: Any  # [cells, k], sparse where the metric's statistics are
    rows: NDArray[np.int64]  # [cells]
    apart: str | None = None

    @classmethod
    def of(
        cls,
        metric: Metric,
        solution: Table,
        predictions: Table,
        cells: Cells,
        apart: str | None = None,
    ) -> Tally:
        """One pass over the rows, a chunk at a time: memory does not grow with their number.

        A metric of whole tables has no sums: then a union of cells is the sum of their unit
        vectors, and there are few cells.
        """
        if metric.whole is not None:
            cells = cells.coarser(FEW)
            return cls(
                metric=metric,
                layout=replace(metric.layout(solution, predictions), cell=cells.code),
                tables=(solution, predictions),
                cells=cells,
                sums=np.eye(len(cells)),
                rows=np.bincount(cells.code, minlength=len(cells)),
                apart=apart,
            )
        layout = metric.layout(solution, predictions)
        sums: Any = None
        widest = max(
            (column.shape[1] for column in solution.values() if column.ndim > 1), default=1
        )
        step = min(ROWS, max(1, CHUNK // max(widest, 1)))
        for start in range(0, len(cells.code), step):
            rows = slice(start, start + step)
            statistics = metric.statistics(
                {name: column[rows] for name, column in solution.items()},
                {name: column[rows] for name, column in predictions.items()},
                layout,
            )
            sums = sum_by(cells.code[rows], len(cells), statistics, sums)
        return cls(
            metric=metric,
            layout=layout,
            tables=(solution, predictions),
            cells=cells,
            sums=sums,
            rows=np.bincount(cells.code, minlength=len(cells)),
            apart=apart,
        )

    def card(self, primary: str, strata: Iterable[Stratum], **labels: str) -> Card:
        """Score the rows that carry these labels, whole and by stratum.

        Raises:
            PodiumError: If a score is not finite, or no row carries the labels.
        """
        by_stratum, enough = {}, 0
        for entry in strata:
            part = self.estimate(primary, entry.enough, stratum=entry.name, **labels)
            if part is not None:
                by_stratum[entry.name], enough = part, max(enough, entry.enough)
        only = next(iter(by_stratum.values())) if len(by_stratum) == 1 else None
        if only is not None and only.rows == self.rows[self.cells.where(**labels)].sum():
            return Card(whole=only, strata=by_stratum)
        whole = self.estimate(primary, enough or MIN_GROUPS, **labels)
        if whole is None:
            raise PodiumError(f"There are no rows to score ({labels}).")
        return Card(whole=whole, strata=by_stratum)

    def scores(self) -> dict[str, float]:
        """All scores of all rows, without intervals."""
        everything = np.ones(len(self.cells), dtype=bool)
        kind = self.cells.labels[self.apart] if self.apart else everything
        masks = [kind == value for value in dict.fromkeys(kind)]
        return _means([self._finished(self.sums[mask].sum(axis=0), mask) for mask in masks])

    def _finished(self, total: Floats, mask: NDArray[np.bool_]) -> dict[str, float]:
        """All scores of some cells, from their sum."""
        tables = self.tables
        if self.metric.exact is not None and not mask.all():
            rows = mask[self.cells.code]
            tables = some_rows(tables[0], rows), some_rows(tables[1], rows)
        return self.metric.finished(total, self.layout, *tables)

    def estimate(self, primary: str, enough: int = MIN_GROUPS, **labels: str) -> Estimate | None:
        """Score the cells that carry these labels; None where there are none.

        Args:
            primary: The score whose interval is asked for.
            enough: Groups from which an interval is given.
            **labels: What the cells carry.

        Raises:
            PodiumError: If a score is not finite.
        """
        mask = self.cells.where(**labels)
        if not mask.any():
            return None
        if self.apart is not None and self.apart not in labels:
            return self._mean(primary, enough, mask, labels)
        buckets, code = np.unique(self.cells.bucket[mask], return_inverse=True)
        sums = sum_by(code, len(buckets), self.sums[mask])
        groups = sums.toarray() if hasattr(sums, "toarray") else sums
        total = groups.sum(axis=0)
        scores = self._finished(total, mask)
        _must_be_finite(scores)
        influence = _influence(self.metric, self.layout, total, groups, primary)
        return _estimated(int(self.rows[mask].sum()), scores, influence, primary, enough)

    def _mean(
        self, primary: str, enough: int, mask: NDArray[np.bool_], labels: Mapping[str, str]
    ) -> Estimate:
        """The mean of what the rows of each label of the kind `apart` give by themselves.

        Without a group it moves by the mean of what each of them moves by.
        """
        kind = str(self.apart)
        values, buckets = self.cells.labels[kind], np.unique(self.cells.bucket[mask])
        moved, parts = np.zeros(len(buckets)), []
        for value in dict.fromkeys(values[mask]):
            part = self.estimate(primary, enough, **labels, **{kind: value})
            if part is not None:
                own = np.unique(self.cells.bucket[mask & (values == value)])
                moved[np.searchsorted(buckets, own)] += part.influence / max(part.groups - 1, 1)
                parts.append(part)
        scores = _means([part.scores for part in parts])
        influence = (len(buckets) - 1) * (moved - moved.mean()) / len(parts)
        return _estimated(int(self.rows[mask].sum()), scores, influence, primary, enough)


def _estimated(
    rows: int, scores: Mapping[str, float], influence: Floats, primary: str, enough: int
) -> Estimate:
    """Scores, with the interval that the influence of each group gives."""
    se, ci = interval(scores[primary], influence, enough)
    return Estimate(
        rows=rows,
        groups=len(influence),
        scores=scores,
        se=se,
        ci=ci,
        influence=influence.astype(np.float32),
    )


def independent_groups(
    strata: Iterable[Stratum],
    stratum: NDArray[Any],
    groups: pd.DataFrame | Mapping[str, NDArray[Any]],
) -> NDArray[np.object_]:
    """The independent unit of each row, as text: of the kind that the row's stratum names."""
    unit = np.full(len(stratum), "", dtype=object)
    for entry in strata:
        rows = stratum == entry.name
        unit[rows] = f"{entry.group}:" + np.asarray(groups[entry.group], object)[rows]
    return unit


def interval(
    score: float, influence: Floats, enough: int = MIN_GROUPS
) -> tuple[float | None, tuple[float, float] | None]:
    """Standard error and 95 % t interval from influence values; None with too few groups."""
    groups = len(influence)
    if groups < enough:
        return None, None
    se = float(np.sqrt(np.sum(np.square(influence)) / (groups * (groups - 1))))
    half = quantile(groups - 1) * se
    return se, (score - half, score + half)


def quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t: to import SciPy takes as long as to score 10^6 rows."""
    known = _quantiles()
    if freedom <= len(known):
        return float(known[freedom - 1])
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))


@cache
def _quantiles() -> Floats:
    """Of 1 to 4,095 degrees of freedom, as SciPy gives them."""
    return np.asarray(np.load(Path(__file__).with_name("t975.npy")))


def difference(
    first: Estimate, second: Estimate, primary: str, enough: int = MIN_GROUPS
) -> tuple[float, float | None, tuple[float, float] | None]:
    """How much better the first is on the same rows: difference, standard error, 95 % interval.

    Paired by groups: what both have in common with a group does not count as noise.
    """
    gap = first.scores[primary] - second.scores[primary]
    influence = first.influence.astype(np.float64) - second.influence
    return (gap, *interval(gap, influence, enough))


def sum_by(code: NDArray[np.int64], count: int, statistics: Any, before: Any = None) -> Any:
    """Sum rows [rows, k] by their code into [count, k], onto the sums of the rows before them.

    Rows are added one after the other in their order, so that chunks of any length give the same
    bytes. Sparse statistics stay sparse.
    """
    if hasattr(statistics, "toarray"):
        from scipy.sparse import csr_array, vstack

        rows = len(code)
        if before is not None:
            statistics = vstack([before, statistics], format="csr")
            code, rows = np.concatenate([np.arange(count), code]), count + rows
        member = csr_array((np.ones(rows), code, np.arange(rows + 1)), shape=(rows, count))
        return member.T @ statistics
    columns = np.asarray(statistics, dtype=np.float64).T
    if before is None:
        columns = np.ascontiguousarray(columns)
    else:
        code, columns = np.concatenate([np.arange(count), code]), np.hstack([before.T, columns])
    return np.column_stack([np.bincount(code, column, count) for column in columns])


def _influence(
    metric: Metric, layout: Layout, total: Floats, groups: Floats, primary: str
) -> Floats:
    if len(groups) < 2:
        return np.zeros(len(groups))
    left_out = metric.finish(total - groups, layout)[primary]
    return np.asarray((len(groups) - 1) * (left_out.mean() - left_out), dtype=np.float64)


def _buckets(group: NDArray[Any]) -> NDArray[np.int64]:
    """Number groups in sorted order, or hash whole groups together when there are too many."""
    import pandas as pd

    codes, names = pd.factorize(group)
    if len(names) <= BUCKETS:
        return np.asarray(pd.factorize(group, sort=True)[0], dtype=np.int64)
    hashed = pd.util.hash_array(np.asarray(names, dtype=object), categorize=False) % BUCKETS
    return np.asarray(hashed[codes], dtype=np.int64)


def _means(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([scores[name] for scores in each])) for name in each[0]}


def _must_be_finite(scores: Mapping[str, float]) -> None:
    bad = [name for name, value in scores.items() if not np.isfinite(value)]
    if bad:
        raise PodiumError(
            f"The metric gives no finite figure for {', '.join(bad)}: it cannot rank.",
            hint="Constant predictions are a common cause.",
        )
