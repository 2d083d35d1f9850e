"""What an organiser asks `podium new` for."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path


@dataclass(frozen=True)
class NewOptions:
    """What an organiser asks for; None where nothing was said. Paths may be given as text.

    Attributes:
        name: Of the competition and its folder.
        table: The table with the answers.
        target: The column to predict.
        metric: A ready-made score.
        row_id: The column of ids; by default the sample's first, else the one called `id`, else
            rows are numbered.
        split: How rows come into parts; by default stratified for labels, else random.
        by: The column of groups or times.
        test: Kaggle's table without answers.
        sample: Kaggle's sample submission.
        solution: Kaggle's answers for `test`.
        positive: The label that counts as positive; by default the last in order.
    """

    name: str
    _: KW_ONLY
    table: Path | str | None = None
    target: str | None = None
    metric: str | None = None
    row_id: str | None = None
    split: str | None = None
    by: str | None = None
    test: Path | str | None = None
    sample: Path | str | None = None
    solution: Path | str | None = None
    positive: str | None = None

    @property
    def files(self) -> dict[str, Path]:
        """The files that were given, by what they are."""
        names = ("table", "test", "sample", "solution")
        given = {name: getattr(self, name) for name in names}
        return {name: Path(file) for name, file in given.items() if file is not None}
