"""The process that a model's code runs in; `podium.execution.worker` starts it and talks with it.

It reads what it is as a line of JSON from stdin, builds the walls, loads the model, and does one
task after the other: a line each. It leaves Parquet files and says what it does as lines of JSON on
stdout. What the model prints goes to stderr. Whoever reads all this must not believe a word: the
model's code is in the same process.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import pickle
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from podium.competition.contract import Competition
    from podium.competition.model_file import LoadedModel
    from podium.competition.part import Model, Part
    from podium.data.dataset import Data

    Job = Mapping[str, Any]

_PAUSE = 0.05  # seconds between two reports of progress


class Listener(Protocol):
    """Is told how a model's training goes."""

    def say(self, **message: Any) -> None:
        """Take a message."""

    def report(self, step: int, value: float, **others: float) -> None:
        """Take how far the model is; see `podium.competition.part.Report`."""


class Channel:
    """Lines of JSON from the process that started this one, and to it."""

    def __init__(self, given: int, told: int) -> None:
        self._given, self._told, self._next = os.fdopen(given, "rb"), told, 0.0

    def hear(self) -> dict[str, Any] | None:
        """The next message; None when there are no more."""
        line = self._given.readline()
        return json.loads(line) if line else None

    def say(self, **message: Any) -> None:
        """Send a message."""
        line = json.dumps(message).encode() + b"\n"
        while line:
            line = line[os.write(self._told, line) :]

    def report(self, step: int, value: float, **others: float) -> None:
        """Say how far the model is; see `podium.competition.part.Report`."""
        if time.monotonic() > self._next:
            figures = {name: _finite(other) for name, other in others.items()}
            self.say(step=[int(step), _finite(value), figures])
            self._next = time.monotonic() + _PAUSE


def _text(choice: Any) -> str:
    """How a search knows a choice that is no plain value: as its records write it."""
    try:
        return json.dumps(choice)
    except (TypeError, ValueError, RecursionError):
        return repr(choice)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(value: float) -> float | None:
    """A figure; JSON has no others than finite ones."""
    return float(value) if math.isfinite(value) else None


class Trial:
    """Stands for Optuna's trial in a model's `space`: the searching process suggests.

    Args:
        channel: To that process.
        number: The trial's.
        fixed: Parameters that no trial changes: a value of these is told, not suggested.
    """

    def __init__(self, channel: Channel, number: int, fixed: Mapping[str, Any]) -> None:
        self.number, self.params = number, dict[str, Any]()
        self._channel, self._fixed = channel, fixed

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """See Optuna's `Trial`."""
        if _is_number(self._fixed.get(name)):
            return float(self._fixed[name])
        limits = {"low": float(low), "high": float(high), "step": step and float(step)}
        return float(self._suggested("float", name, **limits, log=bool(log)))

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """See Optuna's `Trial`."""
        if _is_number(self._fixed.get(name)):
            return int(self._fixed[name])
        limits = {"low": int(low), "high": int(high), "step": int(step)}
        return int(self._suggested("int", name, **limits, log=bool(log)))

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """See Optuna's `Trial`; what is no plain value is known to the search by its text."""
        if name in self._fixed:
            return self._fixed[name]
        choices = list(choices)
        plain = (str, int, float, bool, type(None))
        shown = [choice if isinstance(choice, plain) else _text(choice) for choice in choices]
        place = self._suggested("categorical", name, choices=shown)
        self.params[name] = choices[place]
        return choices[place]

    def __getattr__(self, name: str) -> Any:
        known = "suggest_float, suggest_int, suggest_categorical, number and params"
        raise AttributeError(f"a trial in space() has {known}; it has no {name!r}")

    def _suggested(self, kind: str, name: str, **limits: Any) -> Any:
        self._channel.say(suggest=kind, name=str(name), **limits)
        answer = self._channel.hear() or {"error": "the search is over"}
        if "error" in answer:
            raise ValueError(answer["error"])
        self.params[str(name)] = answer["value"]
        return answer["value"]


def predict(
    model: LoadedModel,
    data: Data,
    job: Job,
    channel: Listener,
    read: dict[str, Part] = {},  # noqa: B006  of this process: parts of a fold are read once
) -> None:
    """Fit a model, or load one that was fitted before, and predict parts."""
    from podium.errors import PodiumError, reason
    from podium.execution import training
    from podium.execution.curves import Recorder
    from podium.scoring import submission

    model = model.with_params(job["params"])
    channel.say(params=dict(model.params))
    fitted = _kept(job.get("fitted"))
    train, recorder = None, Recorder()
    if fitted is None:
        built = model.build(job["seed"])  # refuses what only it can know before rows are read
        train = _fresh(data, "train", job, read)
        if job.get("members"):
            train = replace(train, members=_by_id(job["members"]))
        if job.get("draws"):
            extra = train.extra and replace(train.extra, rng=_generator([0, *b"extra"]))
            train = replace(train, rng=_generator(job["draws"]), extra=extra)
        began = time.perf_counter()

        def report(step: int, value: float, **others: float) -> None:
            recorder.report(step, value, **others)
            channel.report(step, value, **others)

        fitted = training.fit(model, built, train, report)
        channel.say(train_seconds=round(time.perf_counter() - began, 3) + 0.0)
    for name, file in job["parts"].items():
        part = _part(name, data, job, read)
        if train is not None and job.get("draws"):  # a fold goes on drawing where training ended
            part = replace(part, name=train.name, rng=train.rng)
        table = training.predict(model, fitted, part, own_rows=name == "rows")
        try:
            submission.write(table, Path(file))
        except OSError as error:
            raise PodiumError(
                f"The predictions cannot be written: {reason(error)}.",
                hint="Make room in the place for temporary files, or name another: TMPDIR=DIR",
            ) from error
    if recorder.curve:  # some train when they know what they are to predict
        channel.say(curve=recorder.curve)
    if train is not None and job.get("keep"):
        with suppress(Exception):  # some cannot be kept
            Path(job["keep"]).write_bytes(pickle.dumps(fitted))


def space(model: LoadedModel, data: Data, job: Job, channel: Channel) -> None:
    """Ask the model for parameters to try."""
    del data
    fixed = job["fixed"]
    changes = model.space(Trial(channel, job["number"], fixed))
    if not isinstance(changes, dict):
        from podium.errors import ModelError

        raise ModelError(f"{model.path}: space() gave {type(changes).__name__}, not a dict.")
    changes = {name: value for name, value in changes.items() if name not in fixed}
    model.with_params(changes)
    if _lists(json.loads(json.dumps(changes))) != _lists(changes):
        from podium.errors import ModelError

        raise ModelError(
            f"{model.path}: space() gave parameters that JSON would change.",
            hint="The keys of a dict in a parameter must be text.",
        )
    channel.say(changes=changes)


def _lists(value: Any) -> Any:
    """A value with lists in the place of tuples, as JSON has them."""
    if isinstance(value, dict):
        return {name: _lists(entry) for name, entry in value.items()}
    return [_lists(entry) for entry in value] if isinstance(value, list | tuple) else value


def build(model: LoadedModel, data: Data, job: Job, channel: Channel) -> None:
    """Only build the model."""
    del data, channel
    model.with_params(job["params"]).build(0)


TASKS = {"predict": predict, "space": space, "build": build}


def _part(name: str, data: Data, job: Job, read: dict[str, Part]) -> Part:
    """A part of the data; rows of the user's own lie in a folder beside."""
    if job.get("rows"):
        data = replace(data, folder=Path(job["rows"]["folder"]), manifest=job["rows"])
    return _fresh(data, name, job, read)


def _fresh(data: Data, name: str, job: Job, read: dict[str, Part]) -> Part:
    """A part that the model may change: it is read, or in a fold a copy of what was read before."""
    if name in read:
        part = read[name]
    elif name == "train":
        part = data.train(job["seed"])
    else:
        part = data.part(name, job["seed"])
    if not job.get("draws"):
        return part
    read[name] = part
    extra = part.extra and part.extra.take(_all(part.extra))
    return replace(part.take(_all(part)), extra=extra)


def _all(part: Part) -> Any:
    import numpy as np

    return np.arange(len(part))


def _by_id(files: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """Kept predictions of a stack's members, by id."""
    import pandas as pd

    return {name: pd.read_parquet(file).set_index("id") for name, file in files.items()}


def _kept(file: str | None) -> Model | None:
    """A fitted model; None if there is none, or it does not load here."""
    if file:
        with suppress(Exception):
            fitted: Model = pickle.loads(Path(file).read_bytes())  # noqa: S301  in these walls
            return fitted
    return None


def _generator(draws: list[int]) -> Any:
    import numpy as np

    return np.random.default_rng(draws)


def load(setup: Job, channel: Channel) -> tuple[LoadedModel, Data]:
    """The model and its data, as the starting process names them."""
    import podium.competitions
    from podium.competition import folders as competition
    from podium.competition import model_file as model
    from podium.data import dataset as data

    podium.competitions.__path__[:] = setup["roots"]
    known: Competition = competition.load(setup["competition"])
    dataset = known.dataset(setup["dataset"])
    folder, manifest = Path(setup["folder"]), setup["manifest"]
    import podium.execution.training  # before the model's time begins

    channel.say(begin=True)
    source = setup["source"]
    content = None if source is None else source.encode("latin-1")
    loaded = model.load(known, setup["model"], sha256=setup["sha256"], content=content)
    channel.say(defaults=dict(loaded.params), quick=getattr(loaded.module, "QUICK", {}))
    return loaded, data.Data(competition=known, dataset=dataset, folder=folder, manifest=manifest)


def ended_as(work: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    """What some work gives, and the message that says how it ended."""
    from podium.errors import PodiumError

    try:
        return work(), {"done": True}
    except PodiumError as error:
        from podium.execution import walls

        wall = lacking = None
        with suppress(Exception):  # an error of a model may be anything
            wall, lacking = walls.met(error), walls.lacking(error)
        return None, {"refused": error.told, "wall": wall, "lacking": lacking}
    except BaseException as error:  # noqa: BLE001  a fault of ours: a model's own errors are refusals
        traceback.print_exc()
        said = "".join(traceback.format_exception_only(error))[:1000].strip()
        return None, {"fault": said}


def main() -> None:
    """Be a model's process: the streams are those of the process that started it."""
    told = os.dup(1)
    channel = Channel(os.dup(0), told)
    setup = channel.hear()
    if setup is None:
        return
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123  before Path is worth its import
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    sys.path[:] = setup["path"]
    os.environ.update(setup["places"])
    os.chdir(setup["work"])
    if "tempfile" in sys.modules:  # it was imported where the places were others
        sys.modules["tempfile"].tempdir = None  # type: ignore[attr-defined]
    from podium.execution.sandbox import Policy, enter

    def ended(status: int) -> None:
        with suppress(OSError):
            channel.say(ended=os.waitstatus_to_exitcode(status))

    channel.say(left_open=enter(Policy(**setup["policy"]), ended))
    process = os.getpid()
    loaded, last = ended_as(lambda: load(setup, channel))
    channel.say(**last)
    while loaded and (job := channel.hear()):
        model, data = loaded
        _, last = ended_as(partial(TASKS[job["task"]], model, data, job, channel))
        if os.getpid() != process:  # a model that forked, and went on as two
            os._exit(0)
        if os.name == "posix":
            ctypes.CDLL(None).fflush(None)  # C keeps what it printed until its buffer is full
        sys.stderr.flush()
        channel.say(**last)
    os._exit(0)


if __name__ == "__main__":
    main()
