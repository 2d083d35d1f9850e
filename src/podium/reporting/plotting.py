"""Pictures of submissions: what may be shown is decided here, how it looks by a competition.

A competition's `plot.py` has `draw(views) -> {file name: matplotlib Figure}`. Before a board is
revealed a view of the test part has no truth, and scores of groups come from public rows alone, of
groups with at least 20 rows; train rows, predicted out of fold, are shown with their truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import scratch
from podium.competition.view import View
from podium.errors import PodiumError, reason, require_extra
from podium.execution.curves import KEPT, Curve
from podium.figures import shown
from podium.leaderboard import naming
from podium.leaderboard.ranking import WITHDRAWN
from podium.reporting import curves

if TYPE_CHECKING:
    from podium.competition.contract import Competition
    from podium.data.dataset import Data
    from podium.execution.folds import CrossValidation
    from podium.leaderboard.record import Record
    from podium.leaderboard.submit import Scorer


def plot(scorer: Scorer, submissions: Sequence[str], out: Path) -> list[Path]:
    """Draw submissions of the board, by the names that people give: see `leaderboard.naming`.

    Raises:
        BoardError: If a name means none or several, or one is without its file.
        PodiumError: If the competition has no pictures, or `out` cannot be written.
    """
    contest = scorer.contest
    contest.board.must_exist()
    ranking, command = contest.ranking(), contest.command("plot", *submissions)
    lines = [naming.find(contest, name, ranking, command, [WITHDRAWN]) for name in submissions]
    records = [contest.record(line.submission) for line in lines]
    revealed = contest.revealed() is not None
    trained = {
        f"{record.name} ({record.team})": curve
        for record in records
        if (curve := Curve.read(record.provenance.get(KEPT)))
    }
    if trained and not scorer.data.competition.has("plot"):
        return draw(scorer.data, [], out, trained)
    views = [_view(scorer, record, revealed=revealed) for record in records]
    return draw(scorer.data, views, out, trained)


def plot_folds(data: Data, title: str, validation: CrossValidation, out: Path) -> list[Path]:
    """Draw out-of-fold predictions of the train part beside the truth."""
    import pyarrow as pa

    from podium.data.dataset import train_columns
    from podium.scoring import submission
    from podium.scoring.scoring import by_group

    train = data.train()
    ids = pa.array(train.ids, type=pa.string())
    table = submission.from_pandas(validation.predictions)
    predictions = submission.align(
        table, data.competition, ids, genes=data.genes, known=data.labels
    )
    truth = train_columns(data, train)
    scores = by_group(data.competition, truth, predictions)
    part = train.without_answers()
    view = View(
        title=f"{title}, out of fold",
        part=part,
        predictions=predictions,
        truth=truth,
        scores=scores,
        strata=train.strata,
    )
    trained = {f"fold {fold}": curve for fold, curve in validation.curves.items()}
    return draw(data, [view], out, trained)


def check(competition: Competition, out: Path) -> None:
    """Say before a long work if its pictures could not be drawn or written.

    Raises:
        PodiumError: If the competition has none, a package is missing, or `out` is no folder.
    """
    if not competition.has("plot"):
        raise PodiumError(f"{competition.name} has no pictures: its folder has no plot.py.")
    with require_extra("Drawing"):
        competition.module("plot")
    if out.exists() and not out.is_dir():
        raise PodiumError(f"The pictures cannot be written to {out}: it is no folder.")


def draw(
    data: Data, views: Sequence[View], out: Path, trained: Mapping[str, Curve] | None = None
) -> list[Path]:
    """Write the competition's pictures of some views, and training curves, as PNG files.

    Those of several boards may lie in one folder: `<competition>-<dataset>-<name>.png`.

    Args:
        data: What they are of.
        views: What the competition draws; none where it draws nothing.
        out: The folder.
        trained: Curves by title; they become the picture `training`.
    """
    competition, figures = data.competition, dict[str, Any]()
    with require_extra("Drawing"):
        if views or not trained:
            check(competition, out)
            figures |= competition.module("plot").draw(views)
        if trained:
            figures["training"] = curves.picture(trained)
    written = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            path = out / f"{competition.name}-{data.dataset.name}-{name}.png"
            with scratch.replacing(path) as file:
                figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
            written.append(path)
    except OSError as error:
        raise PodiumError(
            f"The pictures cannot be written to {out}: {reason(error)}.",
            hint="Name another folder.",
        ) from error
    return written


def _view(scorer: Scorer, record: Record, *, revealed: bool) -> View:
    predictions = scorer.predictions(record)
    cells = scorer.solution.cells
    return View(
        title=f"{record.name} ({record.team})",
        part=scorer.data.part("test"),
        predictions=predictions,
        truth=scorer.solution.targets if revealed else None,
        scores=shown(scorer.solution.scores_by_group(predictions, private=revealed)),
        strata=cells.labels["stratum"][cells.code] if revealed else None,
    )
