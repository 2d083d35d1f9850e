"""The process that a model's code runs in; `podium.runs.isolation` starts and watches it.

It reads one job as a line of JSON from stdin, builds the walls, runs the model, leaves predictions
as Parquet files and tells what it does as lines of JSON on stdout. What the model prints goes to
stderr. Whoever reads all this must not believe a word: the model's code is in the same process.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podium.data import Data
    from podium.model import ModelFile, Report

_PAUSE = 0.05  # seconds between two reports of progress


class Channel:
    """Messages to the watching process; progress goes there as to `training.Progress`."""

    def __init__(self, handle: int) -> None:
        self._handle, self._next = handle, 0.0

    def say(self, **message: Any) -> None:
        """Send a message."""
        line = json.dumps(message).encode() + b"\n"
        while line:
            line = line[os.write(self._handle, line) :]

    def stage(self, title: str) -> Report:
        """Begin a stage."""
        self.say(stage=title)

        def report(step: int, value: float, **others: float) -> None:
            if time.monotonic() > self._next:
                figures = {name: float(other) for name, other in others.items()}
                self.say(step=[int(step), float(value), figures])
                self._next = time.monotonic() + _PAUSE

        return report


def run(data: Data, file: ModelFile, job: dict[str, Any], out: Path, channel: Channel) -> None:
    """Fit, predict the test part and, where there is one, the open part."""
    from podium import submission, training

    seed = job["seed"]
    report = channel.stage(f"{file.name}: training")
    began = time.perf_counter()
    model = training.fit(file, seed, data.train(seed), report)
    channel.say(train_seconds=round(time.perf_counter() - began, 3))
    found = training.predict(file, model, data.part("test", seed))
    submission.write(found, out / "test.parquet")
    if data.has_open:
        found = training.predict(file, model, data.part("open", seed))
        submission.write(found, out / "open.parquet")


def cross_validate(
    data: Data, file: ModelFile, job: dict[str, Any], out: Path, channel: Channel
) -> None:
    """Predict the train part out of fold, once a seed."""
    from podium import submission, training

    for seed in range(job["seed"], job["seed"] + job["seeds"]):
        found = training.cross_validate(data, file, seed=seed, by=job["by"], progress=channel)
        submission.write(found.predictions, out / f"seed-{seed}.parquet")


def work(job: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Do a job; gives the last message, which says how it ended."""
    import podium.competitions
    from podium import competition, data, model
    from podium.errors import PodiumError

    podium.competitions.__path__[:] = job["roots"]
    try:
        found = competition.load(job["competition"])
        dataset = found.dataset(job["dataset"])
        ready = data.Data(
            competition=found,
            dataset=dataset,
            folder=Path(job["folder"]),
            manifest=job["manifest"],
        )
        import podium.training  # before the model's time begins

        channel.say(begin=True)
        file = model.load(found, job["model"], sha256=job["sha256"]).with_params(job["params"])
        channel.say(params=dict(file.params))
        task = {"run": run, "cross_validate": cross_validate}[job["task"]]
        task(ready, file, job, Path(job["out"]), channel)
    except PodiumError as error:
        told = {"message": error.message, "problems": error.problems, "hint": error.hint}
        return {"refused": {"kind": type(error).__name__, **told}}
    except BaseException as error:  # noqa: BLE001  a fault of ours: a model's own errors are refusals
        traceback.print_exc()
        return {"fault": "".join(traceback.format_exception_only(error))[:1000].strip()}
    return {"done": True}


def _main() -> None:
    job = json.loads(sys.stdin.buffer.readline())
    channel, more = Channel(os.dup(1)), os.dup(0)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123  before Path is worth its import
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    sys.path[:] = job["path"]
    from podium.runs.walls import Sight, enter

    channel.say(
        left_open=enter(
            Sight(**job["sight"]),
            lambda status: channel.say(ended=os.waitstatus_to_exitcode(status)),
        )
    )
    process = os.getpid()
    last = work(job, channel)
    if os.getpid() != process:  # a model that forked, and went on as two
        os._exit(0)
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)  # C keeps what it printed until its buffer is full
    channel.say(**last)
    os.read(more, 1)  # until the watching process has looked, or is gone
    os._exit(0)


if __name__ == "__main__":
    _main()
