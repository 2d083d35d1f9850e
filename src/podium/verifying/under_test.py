"""The dataset under test: what checks and probes look at, and what they may say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium import scratch
from podium.competition import model_file as models
from podium.competition.version import PUBLIC, SOLUTION
from podium.data import dataset as datas
from podium.errors import MissingPackageError, PodiumError, one_line
from podium.execution import training, views
from podium.execution.worker import Worker
from podium.leaderboard.board import open_board
from podium.leaderboard.contest import Contest
from podium.scoring import submission
from podium.scoring.scoring import Solution, open_solution

if TYPE_CHECKING:
    from podium.competition.contract import Competition, Dataset, Target
    from podium.competition.part import Part, Progress
    from podium.metrics.stats import Estimate

TINY = 400
"""Rows that models are tried on."""


class Note(str):
    """A finding that only the organiser can judge; it fails nothing."""

    __slots__ = ()


@dataclass(frozen=True)
class DatasetUnderTest:
    """One dataset of one competition, prepared."""

    competition: Competition
    dataset: Dataset
    absent: set[str] = field(default_factory=set)
    """Models whose packages were missed."""
    progress: Progress | None = None

    @cached_property
    def data(self) -> datas.Data:
        """The prepared data."""
        return datas.load(self.competition, self.dataset)

    @cached_property
    def contest(self) -> Contest:
        """The dataset in the version of its data, and its board."""
        return Contest(
            competition=self.competition,
            dataset=self.dataset,
            version=self.data.version,
            board=open_board(),
        )

    @cached_property
    def solution(self) -> Solution:
        """The answers, by the one door; no board is needed for them."""
        return open_solution(self.data)

    @cached_property
    def built(self) -> datas.Prepared:
        """What the raw files, or the simulator, give now."""
        return datas.build(self.competition, self.dataset)

    @cached_property
    def scored_rows(self) -> pd.DataFrame:
        """Half and stratum of the test rows, as they are scored, and their groups."""
        solution, groups = (
            self.data.table(f"{SOLUTION}/{name}.parquet") for name in ("solution", "groups")
        )
        return solution[["id", "part", "stratum"]].merge(groups, on="id", validate="one_to_one")

    @cached_property
    def split(self) -> pd.DataFrame:
        """The frozen split."""
        return datas.read_split(self.data.file(f"{SOLUTION}/{datas.SPLIT}"))

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Groups, part, fold and stratum of every labelled row that anybody is given."""
        test = self.data.table(f"{SOLUTION}/groups.parquet")
        given = [f"{PUBLIC}/{name}" for name in datas.FOLDS.values()]
        train = [self.data.table(n)[list(test.columns)] for n in given if self.data.has(n)]
        return pd.concat([*train, test]).merge(self.split, on="id", validate="one_to_one")

    @cached_property
    def sample(self) -> pd.DataFrame:
        """The sample submission."""
        texts = ["id", *(target.name for target in self.competition.targets if target.label)]
        file = self.data.file(f"{PUBLIC}/{datas.SAMPLE}")
        return pd.read_csv(file, dtype=dict.fromkeys(texts, str), keep_default_na=False)

    @property
    def features(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Features of train and of test."""
        return self.data.train().features, self.data.part("test").features

    def answers(self, target: Target) -> pd.Series[Any]:
        """The answers of train and then of test."""
        train, test = self.data.train().targets, pd.Series(self.solution.answers[target.name])
        return test if train is None else pd.concat([train[target.name], test], ignore_index=True)

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The same as columns of numbers [rows, columns]: one for each label; none of matrices."""
        columns = []
        for target in self.competition.targets:
            if target.matrix:
                continue
            answers = self.answers(target)
            if target.label:
                labels = answers.unique()[:30]
                columns += [(answers == label).to_numpy(np.float64) for label in labels]
            else:
                columns.append(answers.to_numpy(np.float64))
        rows = len(self.data.train()) + len(self.data.ids("test"))
        return np.column_stack(columns) if columns else np.zeros((rows, 0))

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.competition.primary.higher_is_better else -1

    def estimate(self, predictions: Mapping[str, Any]) -> Estimate:
        """What predictions of the test part score on all its rows; columns by target."""
        return self.solution.score(predictions)["all"].whole

    @cached_property
    def best(self) -> Mapping[str, float]:
        """What the answers themselves score."""
        return self.solution.perfect()["all"].whole.scores

    @property
    def tiny(self) -> Part:
        """The few test rows that models are tried on."""
        return self.data.part("test").take(self._thinned("test"))

    def models(self, threads: int | None = None) -> Iterator[tuple[str, Worker]]:
        """The processes of the shipped models whose packages are installed, one after the other.

        Each has a few train and test rows, taken evenly; what it says of so few is not shown.

        Args:
            threads: How many their libraries may use; None for what the environment says.
        """
        with scratch.directory("podium-verify-") as folder:
            train, test, extra = (self._thinned(part) for part in ("train", "test", "extra"))
            given = views.cut(self.data, folder, train=train, test=("test", test), extra=extra)
            for name in self.competition.models:
                file = models.find(self.competition, name)
                with Worker(
                    *(self.competition, file, given), threads=threads, prints=False
                ) as worker:
                    try:
                        worker.model  # noqa: B018  starts it
                    except MissingPackageError:
                        self.absent.add(name)
                        continue
                    except PodiumError:
                        pass  # whoever asks it for something will hear of it
                    yield name, worker

    def _thinned(self, part: str) -> NDArray[np.bool_]:
        """About `TINY` rows of a part."""
        rows = self.data.rows(part) if self.data.has(f"{PUBLIC}/{part}.parquet") else 0
        tried: NDArray[np.bool_] = np.arange(rows) % max(1, rows // TINY) == 0
        return tried

    @cached_property
    def tried_controls(self) -> Mapping[str, Estimate | str]:
        """What each control scores, or why it cannot be scored."""
        tried: dict[str, Estimate | str] = {}
        for control in self.competition.controls:
            try:
                file = models.load(self.competition, control.model).with_params(control.params)
                tried[control.name] = self.estimate(training.predict_test(self.data, file))
            except Exception as error:  # noqa: BLE001  model and metric are anybody's code
                tried[control.name] = one_line(error)
        return tried

    @property
    def controls(self) -> dict[str, Estimate]:
        """What each control scores that can be scored."""
        return {n: said for n, said in self.tried_controls.items() if not isinstance(said, str)}

    @property
    def best_control(self) -> Estimate | None:
        """What the best control scores; None if no control can be scored."""
        primary = self.competition.primary.name
        return max(
            self.controls.values(),
            key=lambda estimate: self.sign * estimate.scores[primary],
            default=None,
        )

    def score(self, table: pd.DataFrame) -> dict[str, float]:
        """All public scores of a predictions table, by the door that users take."""
        test = self.data.part
        aligned = submission.align(
            *(submission.from_pandas(table), self.competition, self.data.ids("test")),
            lambda: test("test"),
            self.data.genes,
            known=self.data.labels,
        )
        return dict(self.solution.score(aligned)["public"].whole.scores)


Check = Callable[[DatasetUnderTest], Iterator[str]]
"""Its docstring says what holds, its name is its title, and each line how it does not hold."""
