"""Scoring: the one door to the answers. No other module reads a solution.

What is needed of the answers for every submission is read without pandas, and the cells that their
rows lie in are kept beside them: to gather a million rows takes longer than to score them.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from podium.columns import as_numpy
from podium.competition.metric import some_rows
from podium.competition.version import KEPT, PUBLIC, SOLUTION
from podium.data.dataset import Data, given_to_others, metric_columns, target_columns
from podium.errors import PodiumError
from podium.metrics.stats import BUCKETS, Card, Cells, Estimate, Tally, independent_groups
from podium.scoring import golden
from podium.scratch import replacing

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.contract import Competition
    from podium.competition.metric import Table

PARTS = ("public", "private")
ALL = "all"
FEWEST = 20
"""Rows of a group whose scores may be shown."""
_ANSWERS, _GROUPS = f"{SOLUTION}/solution.parquet", f"{SOLUTION}/groups.parquet"
_GIVEN = f"{SOLUTION}/answers.parquet"
_CELLS = f"{SOLUTION}/cells.npz"

Scorecard = Mapping[str, Card]
"""All that scoring found for one submission: a card for `public`, `private` and `all`.

Only `public` may be shown before the competition is revealed.
"""

_LARGE = 1e30
"""Predictions of this size are why a score that is no finite figure is none."""


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The answers of the test part and how its rows are gathered, in the order of its ids."""

    data: Data
    targets: Table
    cells: Cells

    @property
    def answers(self) -> Table:
        """The answers as a submission would say them: the targets alone."""
        return {t.name: self.targets[t.name] for t in self.data.competition.targets}

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Every kind of group of each row."""
        return self.data.table(_GROUPS)

    @cached_property
    def units(self) -> NDArray[np.object_]:
        """The independent unit of each row."""
        return _units(self.data)

    def score(self, predictions: Table) -> Scorecard:
        """Score predictions that are aligned with the test ids.

        Raises:
            PodiumError: If a score is not finite, the metric fails or is not that of its version.
        """
        competition = self.data.competition
        primary, strata = competition.primary.name, competition.strata
        quiet = np.errstate(over="ignore", invalid="ignore")  # what overflows is told below
        with _telling_large(predictions), competition.telling("metric"), quiet:
            tally = Tally.of(competition.metric, self.targets, predictions, self.cells)
            cards = {part: tally.card(primary, strata, part=part) for part in PARTS}
            cards[ALL] = tally.card(primary, strata)
            if not all(np.isfinite(card.whole.influence).all() for card in cards.values()):
                raise PodiumError("The influence of groups on the score is no finite figure.")
        self.check_metric()  # afterwards: what a broken metric says by itself is more to the point
        return cards

    def check_metric(self) -> None:
        """Hold the metric to the golden scores of its version, once.

        Raises:
            PodiumError: With the scores that are others.
        """
        _ = self._checked

    @cached_property
    def _checked(self) -> bool:
        kept = self.data.folder / KEPT
        golden.check(self.data.competition, self.data.dataset, self.targets, kept)
        return True

    def scores_by_group(self, predictions: Table, *, private: bool) -> dict[str, dict[str, float]]:
        """All scores of each group that the metric asks for; of public rows, or of all."""
        rows = np.ones(len(self.cells.code), dtype=bool)
        if not private:
            rows = (self.cells.labels["part"] == "public")[self.cells.code]
        competition = self.data.competition
        return by_group(competition, some_rows(self.targets, rows), some_rows(predictions, rows))

    def estimates_by_group(
        self, predictions: Table, *, private: bool
    ) -> dict[str, dict[str, Estimate]]:
        """The primary score of each group of each kind that has 20 rows or more.

        Of public rows, or of all; a group whose score is not finite is left out. Where groups of a
        kind lie whole in what halves are made of, naming those with public rows would reveal the
        half of all their rows: such a kind is left out before the reveal.
        """
        competition = self.data.competition
        kinds = list(self.groups.columns.drop("id"))
        if not private and (halves := competition.halves_by) in kinds:
            units = self.groups[halves]
            kinds = [k for k in kinds if units.groupby(self.groups[k]).nunique().max() > 1]
        rows = np.ones(len(self.units), dtype=bool)
        if not private:
            rows = (self.cells.labels["part"] == "public")[self.cells.code]
        answers, guesses = some_rows(self.targets, rows), some_rows(predictions, rows)
        primary = competition.primary.name
        estimates: dict[str, dict[str, Estimate]] = {}
        for kind in kinds:
            group = self.groups[kind].to_numpy(object)[rows]
            counts = Counter(group)
            names = sorted(str(name) for name, count in counts.items() if count >= FEWEST)
            if not names:
                continue
            cells = Cells.of(self.units[rows], name=group.astype(str).astype(object))
            tally = Tally.of(competition.metric, answers, guesses, cells)
            estimates[kind] = {}
            for name in names:
                with suppress(PodiumError):
                    if estimate := tally.estimate(primary, name=name):
                        estimates[kind][name] = estimate
        return estimates

    def perfect(self) -> Scorecard:
        """The score of the answers themselves."""
        return self.score(self.answers)

    def ceiling(self) -> Scorecard | None:
        """The score of the simulator's Bayes-optimal predictor; None for real data."""
        matrix = self.data.counts(f"{SOLUTION}/ceiling.h5")
        if matrix is not None:
            return self.score({self.data.competition.targets[0].name: matrix.matrix()})
        if not self.data.has(f"{SOLUTION}/ceiling.parquet"):
            return None
        table = self.data.table(f"{SOLUTION}/ceiling.parquet")
        return self.score(target_columns(self.data.competition, table))


@contextmanager
def _telling_large(predictions: Table) -> Iterator[None]:
    """Say that predictions are too large, where no score can be made of such."""
    try:
        yield
    except PodiumError as error:
        given: list[Any] = [
            one if isinstance(one, np.ndarray) else getattr(one, "data", one)  # of a sparse matrix
            for one in predictions.values()
        ]
        numbers = [one for one in map(np.asarray, given) if one.dtype.kind == "f"]
        largest = max((float(np.abs(one).max(initial=0.0)) for one in numbers), default=0.0)
        if largest < _LARGE:
            raise
        raise PodiumError(
            f"Predictions as large as {largest:.0e} cannot be scored: what the metric makes of "
            "them is beyond the numbers that a computer has.",
            hint="Are the units right? Is something divided by nearly 0?",
        ) from error


def by_group(
    competition: Competition, answers: Table, predictions: Table
) -> dict[str, dict[str, float]]:
    """All scores of each group of the first kind that the metric asks for.

    Groups with fewer than 20 rows are left out: little can be inferred about a single row.
    """
    if not competition.metric_by:
        return {}
    group = answers[competition.metric_by[0]]
    groups = {}
    for name in dict.fromkeys(group):
        rows = group == name
        if rows.sum() >= FEWEST:
            scores = competition.metric.score(
                some_rows(answers, rows), some_rows(predictions, rows)
            )
            groups[str(name)] = scores
    return groups


def open_solution(data: Data) -> Solution:
    """Open the answers of a dataset."""
    return Solution(data=data, targets=_answers(data), cells=_cells(data))


def _answers(data: Data) -> dict[str, Any]:
    competition = data.competition
    targets = [target for target in competition.targets if not target.matrix]
    answers = metric_columns(
        competition,
        _columns(data, _ANSWERS, [target.name for target in targets]),
        _columns(data, _GROUPS, competition.metric_by),
        truth=data.counts(f"{SOLUTION}/solution.h5"),
        counts=data.counts(f"{PUBLIC}/test.h5"),
    )
    if competition.metric.others is not None:
        tables = data.table(_ANSWERS), data.table(_GROUPS)
        rows = data.table(_GIVEN) if data.has(_GIVEN) else None  # the organiser's, if there are any
        answers |= given_to_others(competition, data.ids("test"), *tables, rows)
    return answers


def golden_scores(data: Data) -> golden.Scores:
    """What the metric gives for the fixed predictions of prepared data.

    Raises:
        DataError: If they are damaged.
    """
    return golden.scores(data.competition, _answers(data))


def _columns(data: Data, name: str, wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The wanted columns that a prepared table has: numbers, or texts, equal ones as one object."""
    if not wanted:
        return {}
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = data.file(name)
    there = [column for column in wanted if column in pq.read_schema(path).names]
    with pq.ParquetFile(path, read_dictionary=there) as file:  # texts alone
        table = file.read(columns=there, use_threads=False)
    columns = {}
    for column in there:
        values = table.column(column).combine_chunks()
        if pa.types.is_dictionary(values.type):
            texts = np.array([*values.dictionary.to_pylist(), np.nan], dtype=object)
            columns[column] = texts[as_numpy(values.indices.fill_null(len(texts) - 1))]
        elif values.null_count:
            columns[column] = as_numpy(values.cast(pa.float64()).fill_null(np.nan))
        else:
            columns[column] = as_numpy(values)
    return columns


def _units(data: Data) -> NDArray[np.object_]:
    strata = data.competition.strata
    kinds = list(dict.fromkeys(stratum.group for stratum in strata))
    stratum = _columns(data, _ANSWERS, ["stratum"])["stratum"]
    return independent_groups(strata, stratum, _columns(data, _GROUPS, kinds))


def _cells(data: Data) -> Cells:
    """The cells of the test rows: as they were kept, or gathered anew and kept."""
    if (kept := _kept_cells(data)) is not None:
        return kept
    cells = _gathered(data)
    with suppress(OSError), replacing(data.folder / _CELLS) as scratch, scratch.open("wb") as file:
        texts = json.dumps({kind: of.tolist() for kind, of in cells.labels.items()})
        key = _cells_key(data)
        np.savez(file, key=key, labels=texts, code=cells.code, bucket=cells.bucket)
    return cells


def changed_cells(data: Data) -> str | None:
    """The file of kept cells, if they are not those of the test rows."""
    kept, right = _kept_cells(data), _gathered(data)
    if kept is None or (
        np.array_equal(kept.code, right.code)
        and np.array_equal(kept.bucket, right.bucket)
        and kept.labels.keys() == right.labels.keys()
        and all(np.array_equal(kept.labels[kind], of) for kind, of in right.labels.items())
    ):
        return None
    return _CELLS


def _kept_cells(data: Data) -> Cells | None:
    """Cells as they were kept; None where they are not there, not whole, or of other tables."""
    unreadable = (OSError, EOFError, ValueError, KeyError, BadZipFile)
    with suppress(*unreadable), (data.folder / _CELLS).open("rb") as file, np.load(file) as kept:
        if str(kept["key"]) == _cells_key(data):
            labels = json.loads(str(kept["labels"]))
            return Cells(
                code=kept["code"],
                labels={kind: np.array(of, dtype=object) for kind, of in labels.items()},
                bucket=kept["bucket"],
            )
    return None


def _gathered(data: Data) -> Cells:
    return Cells.of(_units(data), **_columns(data, _ANSWERS, ["part", "stratum"]))


def _cells_key(data: Data) -> str:
    """What cells follow from: the tables, the unit of each stratum, and how many buckets."""
    files = [data.manifest["files"][name] for name in (_ANSWERS, _GROUPS)]
    units = [(stratum.name, stratum.group) for stratum in data.competition.strata]
    return hashlib.sha256(json.dumps([files, units, BUCKETS]).encode()).hexdigest()
