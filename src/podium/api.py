"""Everything that the command line does, as one call each: `import podium`.

Imports are inside the functions, so that a call loads only what it needs.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium import competition as competitions
from podium import workspace
from podium.competition import Competition, Dataset
from podium.errors import BoardError

if TYPE_CHECKING:
    from podium.data import Data
    from podium.entry import Kept, Outcome
    from podium.leaderboard import Row
    from podium.training import CrossValidation, Progress


def load(competition: str, dataset: str | None = None) -> tuple[Competition, Dataset]:
    """A competition and one of its datasets (the default one if None), by name."""
    found = competitions.load(competition)
    return found, found.dataset(dataset)


def prepare(
    competition: str,
    dataset: str | None = None,
    *,
    source: Path | None = None,
    progress: bool = False,
) -> Data:
    """Fetch, prepare and verify a dataset; see `podium.data.get`."""
    from podium.data import get

    return get(*load(competition, dataset), source=source, progress=progress)


def check(competition: str, file: Path | str, *, dataset: str | None = None) -> int:
    """Check a predictions file; gives its number of rows.

    Raises:
        SubmissionError: With everything that is wrong.
    """
    from podium import submission
    from podium.data import load as load_data

    ready = load_data(*load(competition, dataset))
    ids = ready.ids("test")
    submission.align(submission.read(Path(file), ready.competition), ready.competition, ids)
    return len(ids)


def submit(
    competition: str,
    file: Path | str,
    *,
    dataset: str | None = None,
    team: str | None = None,
    name: str | None = None,
    message: str = "",
) -> Outcome:
    """Check, score, keep and record a predictions file.

    Raises:
        SubmissionError: With everything that is wrong with the file; nothing is written then.
    """
    from podium.data import load as load_data
    from podium.entry import Entries, Predictions, label, remark

    start = time.perf_counter()
    path = Path(file)
    shown, message = label(name or path.stem), remark(message)
    entries = Entries.of(load_data(*load(competition, dataset)), team)
    return entries.hand_in(Predictions(path=path, name=shown, message=message, start=start))


def run(
    competition: str,
    model: str | Path,
    *,
    dataset: str | None = None,
    params: Mapping[str, Any] | None = None,
    seed: int = 0,
    team: str | None = None,
    name: str | None = None,
    message: str = "",
    submit: bool = True,
    progress: Progress | None = None,
) -> Outcome | Kept:
    """Train a model on the train part, predict the test part and hand the predictions in.

    Where the dataset has an open part, its predictions are written beside them.

    Args:
        competition: Its name.
        model: A shipped model's name, or the path of a model file.
        dataset: Its name; the default one is simulated.
        params: Changes to the model's `DEFAULTS`.
        seed: Everything random follows from it.
        team: Who hands in.
        name: What the board shows; by default the model and the changed parameters.
        message: A remark for the board.
        submit: False only writes the predictions.
        progress: Shows how far it is.

    Raises:
        ModelError: If the model file fails.
        SubmissionError: If its predictions cannot be scored.
    """
    from podium import model as models
    from podium import scratch, submission, training
    from podium.data import load as load_data
    from podium.entry import Entries, Predictions, label, remark

    start = time.perf_counter()
    ready = load_data(*load(competition, dataset))
    file = models.load(ready.competition, model).with_params(params or {})
    changes = [f"{key}={value}" for key, value in (params or {}).items()]
    shown, message = label(name or " ".join([file.name, *changes])), remark(message)
    entries = Entries.of(ready, team)
    report = progress.stage(f"{file.name}: training") if progress else None
    fitted = training.fit(file, seed, ready.train(seed), report)
    code = {
        "model_sha256": file.sha256,
        "model_file": f"{competition}/{file.name}" if file.shipped else str(file.path),
        "params": file.params,
        "seed": seed,
        "train_seconds": round(time.perf_counter() - start, 3),
    }
    with scratch.directory("podium-run-") as folder:
        path = folder / "predictions.parquet"
        submission.write(training.predict(file, fitted, ready.part("test", seed)), path)
        predictions = Predictions(
            path=path,
            name=shown,
            model=file.name,
            message=message,
            code=code,
            open_table=training.open_predictions(ready, file, fitted, seed),
            start=start,
        )
        return entries.hand_in(predictions) if submit else entries.put_aside(predictions)


def cross_validate(
    competition: str,
    model: str | Path,
    *,
    dataset: str | None = None,
    params: Mapping[str, Any] | None = None,
    seed: int = 0,
    seeds: int = 1,
    by: str | None = None,
    progress: Progress | None = None,
) -> CrossValidation:
    """Out-of-fold score on the train part; see `podium.training.cross_validate`."""
    from podium import model as models
    from podium import training
    from podium.data import load as load_data

    ready = load_data(*load(competition, dataset))
    file = models.load(ready.competition, model).with_params(params or {})
    return training.cross_validate(ready, file, seed=seed, seeds=seeds, by=by, progress=progress)


def board(competition: str, dataset: str | None = None, *, part: str = "public") -> list[Row]:
    """The leaderboard of one part: `public`, or after reveal `private` and `all`.

    Raises:
        BoardError: If the part is sealed or unknown.
    """
    from podium import leaderboard
    from podium.edition import find_edition

    found, chosen = load(competition, dataset)
    if part not in leaderboard.PARTS:
        raise BoardError(f"Unknown part {part!r}. Known: {', '.join(leaderboard.PARTS)}.")
    opened = leaderboard.find_board(workspace.database_url())
    present = find_edition(found, chosen)
    if opened is None or present is None:
        if part != "public":
            raise BoardError(f"Nothing was submitted to {found.name}/{chosen.name} yet.")
        return []
    return opened.rows(found, chosen.name, edition=present.name, part=part)


def reveal(competition: str, dataset: str | None = None) -> bool:
    """Open the private scores for good; False if they are open already.

    Raises:
        BoardError: If there is nothing to reveal.
    """
    from podium import leaderboard
    from podium.entry import now

    found, chosen = load(competition, dataset)
    opened = leaderboard.find_board(workspace.database_url())
    if opened is None or (found.name, chosen.name) not in opened.counts():
        raise BoardError(
            f"Nothing was submitted to {found.name}/{chosen.name} yet.",
            hint=f"Begin with: podium run {found.name} {found.controls[0].model}",
        )
    return opened.reveal(found.name, chosen.name, who=getpass.getuser(), when=now())
