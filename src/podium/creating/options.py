"""What an organiser asks `podium new` for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path


@dataclass(frozen=True)
class NewOptions:
    """What an organiser asks for; None where nothing was said. Paths may be given as text.

    Attributes:
        name: Of the competition and its folder.
        table: The table with the answers.
        target: The column to predict, or several.
        metric: A ready-made score, or a metric file (`FILE.py`).
        row_id: The column of ids; by default the sample's first, else the one called `id`, else
            rows are numbered.
        split: How rows come into parts; by default stratified for labels, else random.
        by: The column of groups, of times, or of the parts that are given.
        test: Kaggle's table without answers.
        sample: Kaggle's sample submission.
        solution: Kaggle's answers for `test`.
        positive: The label that counts as positive; by default the last in order.
        stratum: The column whose values are scored by themselves, too; it is no feature.
        given: Columns that a metric file is given beside ids and answers; they are no features.
        weight: The column of how much each row counts in a ready-made score; it is no feature.
        predict: For a metric file: `number`, `label` or `text`; by default what it takes.
        source: A folder, address or DOI that has the files; what is clear of them is taken.
        beside: Files and folders that models are handed as they are, such as pictures.
        licence: Of the data, and their citation; they are said in `competition.py`.
        lower_is_better: For a metric file; by default what it gives for the answers says so.
    """

    name: str
    _: KW_ONLY
    table: Path | str | None = None
    target: str | Sequence[str] | None = None
    metric: Path | str | None = None
    row_id: str | None = None
    split: str | None = None
    by: str | None = None
    test: Path | str | None = None
    sample: Path | str | None = None
    solution: Path | str | None = None
    positive: str | None = None
    stratum: str | None = None
    given: Sequence[str] | None = None
    weight: str | None = None
    predict: str | None = None
    lower_is_better: bool | None = None
    source: Path | str | None = None
    beside: Sequence[Path | str] | None = None
    licence: str | None = None
    citation: str | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict; none where they are not named."""
        return (self.target,) if isinstance(self.target, str) else tuple(self.target or ())

    @property
    def metric_file(self) -> Path | None:
        """The metric file, if it is one."""
        file = Path(self.metric or "")
        return file if file.suffix in (".py", ".ipynb") else None

    @property
    def files(self) -> dict[str, Path]:
        """The files that were given, by what they are."""
        names = ("table", "test", "sample", "solution")
        given = {name: getattr(self, name) for name in names}
        return {name: Path(file) for name, file in given.items() if file is not None}
