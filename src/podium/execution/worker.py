"""A model's process as the one that started it sees it: it takes one task after the other.

What it says is data, and it may lie: messages are lines of JSON, of which nothing is believed that
could harm another than the model itself. What it leaves are files, which pass the checks of any
that is handed in.
"""

from __future__ import annotations

import json
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, Self, cast

from podium import errors, scratch
from podium.competition.version import get_command
from podium.errors import ModelError, PodiumError
from podium.execution import output, policy, secret, starting, walls
from podium.execution.curves import Curve
from podium.execution.monitor import TICK, Monitor, available
from podium.execution.output import Printed
from podium.execution.sandbox import FILES

if TYPE_CHECKING:
    import pandas as pd

    from podium.competition.contract import Competition
    from podium.competition.model_file import ModelFile
    from podium.competition.part import Report
    from podium.execution.sandbox import Policy
    from podium.execution.starting import Process
    from podium.execution.views import View

_LINE = 1 << 20  # bytes of a message
_SAID, _STEP = 64 << 20, 1000  # bytes of all messages of one task; of one that tells a step
_MIB = 1 << 20
_SHARE = 0.9  # of the free memory, where no limit is named
_LONGEST = 10**8  # seconds: three years
SHORTEST = 1e-3
"""Seconds that are left of a limit that was reached."""
_KINDS = {
    kind.__name__: kind
    for kind in (
        *(ModelError, errors.SubmissionError, errors.DataError),
        *(errors.MissingPackageError, errors.UnknownNameError),
    )
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a model's process may take, and what it sees beyond what all of them do.

    Attributes:
        seconds: From the model's import to its last prediction; None for any time.
        memory: MiB of it and all that it starts; None for nine tenths of what is free.
        see: Absolute paths that its user shows it.
        trust: Whether it may run where nothing guards the user's files from it.
    """

    seconds: float | None = None
    memory: float | None = None
    see: tuple[Path, ...] = ()
    trust: bool = False

    def __post_init__(self) -> None:
        if self.seconds is not None and not 0 < self.seconds <= _LONGEST:
            raise PodiumError(f"A time limit is more than 0 and at most {_LONGEST:,} seconds.")
        if self.memory is not None and not 0 < self.memory <= 1 << 40:
            raise PodiumError("A memory limit is a number of MiB, more than 0.")
        secret.look_anew()  # each command makes its own

    @property
    def memory_mb(self) -> float:
        """The limit on memory, or the default."""
        if self.memory is not None:
            return self.memory
        with suppress(OSError, StopIteration):
            return _SHARE * available()
        return float("inf")


def rest(left: float | None, taken: float) -> float | None:
    """What is left of a limit on the time of a model's code; None for any time."""
    return None if left is None else max(left - taken, SHORTEST)


@dataclass(kw_only=True)
class Done:
    """What a task came to.

    Attributes:
        files: What it left, by part, where the process cannot write.
        params: The model's complete parameters, as the process told them.
        train_seconds: As the process measured it; None where nothing was trained.
        curve: What the model reported while it was trained; its own claim.
        changes: What `space` gave.
        seconds: That the model's code has taken.
        peak_memory_mb: Of the largest process, MiB; None where the system does not say.
        left_open: What this system does not guard.
        see: What its user showed it.
        members: Of a stack, whose kept predictions were handed to it.
    """

    files: dict[str, Path] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    train_seconds: float | None = None
    curve: Curve | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    peak_memory_mb: float | None = None
    left_open: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


class Worker:
    """A model's process: it begins with the first task, and again after one that ended it.

    Use it as a context: what it started and wrote is gone at the end.

    Args:
        competition: Whose model it is.
        model: The model's file.
        view: What the process is given of the data.
        limits: Of a task: time, and memory of all that the process starts.
        stop: Asked again and again while a task is done: an error that ends it.
        threads: How many its libraries may use; None for what the environment says.
        prints: Whether what it prints is shown.
    """

    def __init__(
        self,
        competition: Competition,
        model: ModelFile,
        view: View,
        *,
        limits: Limits = Limits(),
        stop: Callable[[], BaseException | None] = lambda: None,
        threads: int | None = None,
        prints: bool = True,
    ) -> None:
        self._competition, self._model, self._view = competition, model, view
        self._limits, self._stop, self._threads, self._prints = limits, stop, threads, prints
        self._stack, self._home, self._lock = ExitStack(), ExitStack(), threading.RLock()
        self._folder: Path | None = None
        self._live: _Live | None = None
        self._tasks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._drop(done=True)
            self._stack.close()

    def begin(self) -> None:
        """Start the process, before there is a task for it.

        Raises:
            PodiumError: If the model does not load.
        """
        with self._lock:
            self._begun()

    @property
    def model(self) -> ModelFile:
        """The model's file with its `DEFAULTS`, as the process tells them.

        Raises:
            PodiumError: If it does not load.
        """
        with self._lock:
            return self._model.with_defaults(self._begun().defaults)

    @property
    def quick(self) -> Mapping[str, Any]:
        """Changes that make the model quick, as its file says."""
        with self._lock:
            return self._begun().quick

    def predict(
        self,
        params: Mapping[str, Any],
        parts: Mapping[str, int],
        *,
        seed: int,
        report: Report | None = None,
        seconds: float | None = None,
        fitted: Path | None = None,
        keep: int = 0,
        members: Mapping[str, pd.DataFrame] = MappingProxyType({}),
        **job: Any,
    ) -> Done:
        """Have the model fitted, and parts predicted.

        Args:
            params: Changes to the model's `DEFAULTS`.
            parts: Names of parts, and bytes that the predictions of each may have.
            seed: Everything random follows from it.
            report: Shows how far it is.
            seconds: What is left of the limit on time; None for all of it.
            fitted: A model that this model's process has fitted before.
            keep: Bytes that the fitted model may have, for it to be kept as `files["fitted"]`;
                0 for not keeping it.
            members: What a stack's members predict of train rows out of fold, by member.
            job: What else `podium.execution.child.predict` needs.

        Raises:
            PodiumError: If it is refused, dies, takes too much, or leaves no predictions.
        """
        with self._lock:
            live, place = self._begun(seconds), self._place()
            self._tasks += 1
            left = {name: live.work / f"{self._tasks}-{name}.parquet" for name in parts}
            kept = live.work / f"{self._tasks}.fitted"
            done = self._call(
                *("predict", seconds, report, None),
                params=dict(params),
                seed=seed,
                parts={name: str(path) for name, path in left.items()},
                fitted=fitted and str(fitted),
                keep=str(kept) if keep else None,
                rows=self._view.rows,
                members=self._shown(members),
                **job,
            )
            for name, limit in parts.items():
                done.files[name] = place / f"{self._tasks}-{name}.parquet"
                output.take(left[name], done.files[name], limit)
                with suppress(OSError):  # to remove more is not safe while the process lives
                    left[name].unlink()
            if keep:
                with suppress(ModelError):
                    output.take(kept, place / "fitted", keep)
                    done.files["fitted"] = place / "fitted"
        return done

    def _shown(self, tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
        """Tables as files that the process can read, and cannot change."""
        files = {name: self.given(f"{number}.parquet") for number, name in enumerate(tables)}
        for name, file in files.items():
            tables[name].to_parquet(file, index=False)
        return {name: str(file) for name, file in files.items()}

    def space(
        self, suggest: Callable[[Mapping[str, Any]], Any], number: int, fixed: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Have the model say which parameters to try.

        Args:
            suggest: Answers what the model asks its trial.
            number: The trial's.
            fixed: Parameters that no trial changes.

        Raises:
            PodiumError: If it is refused, dies or takes too much.
        """
        with self._lock:
            asked = {"number": number, "fixed": dict(fixed)}
            return self._call("space", None, None, suggest, **asked).changes

    def build(self, params: Mapping[str, Any]) -> None:
        """Have the model built, which refuses parameters that it cannot take.

        Raises:
            PodiumError: If it is refused.
        """
        with self._lock:
            self._call("build", None, None, None, params=dict(params))

    def given(self, name: str) -> Path:
        """Where a file may be put that the process is to see, and cannot change."""
        with self._lock:
            return self._begun().work.with_name("given") / name

    def _place(self) -> Path:
        """A folder that the process does not see."""
        if self._folder is None:
            self._folder = self._stack.enter_context(scratch.directory("podium-run-"))
        return self._folder

    def _begun(self, seconds: float | None = None) -> _Live:
        if self._live is None:
            place = self._home.enter_context(scratch.directory("podium-model-"))
            seconds = self._limits.seconds if seconds is None else seconds
            with self._guarded():
                self._live = self._started(place, seconds)
        return self._live

    def _started(self, place: Path, seconds: float | None) -> _Live:
        memory = self._limits.memory_mb
        path = self._model.path.resolve()
        own = None if self._model.shipped else path
        work = place / "work"
        given = place / "given"
        for folder in (work, place / "root", given):
            folder.mkdir()
        if own:
            self._model.write_module(given)
        seen = policy.of(
            *(self._competition, own, [*self._view.given, given], place),
            int(min(memory * _MIB, 1 << 50)),
            self._limits.see,
        )
        live = _Live(
            starting.start(work, self._model.source, self._threads),
            work,
            memory,
            stop=self._stop,
            seen=seen,
            shipped=self._model.shipped,
            trusted=self._model.shipped or self._limits.trust,
            prints=self._prints,
        )
        self._live = live  # so that it is ended if it fails to begin
        live.monitor.allow(None, None)
        root = self._competition.folder.parent.absolute()
        live.send(
            competition=self._competition.name,
            roots=[str(root)],
            model=self._model.name if self._model.shipped else str(path),
            sha256=self._model.sha256,
            source=None if self._model.shipped else self._model.source.decode("latin-1"),
            work=str(work),
            places={**policy.places(work), **policy.found_again(root)},
            path=[*policy.python_path(), str(given)],
            policy=asdict(seen),
            trusted=live.trusted,
            **self._view.message,
        )
        live.begin(seconds, self._limits.seconds)
        return live

    def _call(
        self,
        task: str,
        seconds: float | None,
        report: Report | None,
        suggest: Callable[[Mapping[str, Any]], Any] | None,
        **job: Any,
    ) -> Done:
        live = self._begun(seconds)
        seconds = self._limits.seconds if seconds is None else seconds
        with self._guarded():
            live.monitor.idle, began = False, time.monotonic() - live.spent
            live.spent = 0.0  # loading the model counts with the first task
            left = None if seconds is None else max(began + seconds - time.monotonic(), 1e-3)
            live.monitor.allow(left, self._limits.seconds)
            live.send(task=task, **job)
            done = live.follow(Done(), report, suggest)
        live.monitor.allow(None, None)
        live.monitor.idle = True
        done.seconds = time.monotonic() - began
        done.peak_memory_mb, done.left_open = live.monitor.peak, live.left_open
        done.see = tuple(map(str, self._limits.see))
        return done

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Work with the process: what has gone wrong with it ends it, and names the file as typed.

        What the model was refused leaves it as it is, and at rest.
        """
        try:
            yield
        except Refused as refused:
            self._say_wall(refused)
            if self._live and self._live.begun:
                self._live.monitor.allow(None, None)
                self._live.monitor.idle = True
            else:
                self._drop()
            raise self._named(refused.error) from None
        except BaseException as error:
            self._drop()
            if isinstance(error, PodiumError):
                raise self._named(error) from None
            raise

    def _say_wall(self, refused: Refused) -> None:
        """Have the error say that a wall is there on purpose, and what to do, if it met one."""
        get = get_command(self._competition, self._view.data.dataset)
        live, hints = self._live, [refused.error.hint]
        if live and FILES not in live.left_open:
            hints.append(walls.of_package(refused.lacking, live.seen, self._competition))
        hints.append(walls.words(refused.wall, live.left_open if live else (), get))
        refused.error.hint = "\n".join(filter(None, hints))

    def _drop(self, *, done: bool = False) -> None:
        if self._live:
            self._live.end(done=done)
        self._live = None
        self._home.close()

    def _named(self, error: PodiumError) -> PodiumError:
        """The same error with the model's file named as the user did."""
        path, name = str(self._model.path.resolve()), str(self._model.path)
        message, hint, *problems = (
            text.replace(path, name) for text in (error.message, error.hint, *error.problems)
        )
        PodiumError.__init__(error, message, problems=problems, hint=hint)
        return error


class Refused(Exception):  # noqa: N818  carries an error
    """The process refused something, and goes on."""

    def __init__(self, error: PodiumError, wall: object, lacking: object) -> None:
        super().__init__(str(error))
        self.error, self.wall, self.lacking = error, wall, lacking


def _unguarded() -> PodiumError:
    return PodiumError(
        f"Nothing guards {FILES} from a model on this system: its code does not run.",
        hint="If you know the code, and it may do what you may: --trust (of run, cv, tune, predict "
        "and score-all). Or run it on Linux: docs/security.md",
    )


class _Live:
    """A process at work: its messages, its prints, and what watches it."""

    def __init__(
        self,
        process: Process,
        work: Path,
        memory: float,
        *,
        stop: Callable[[], BaseException | None],
        seen: Policy,
        shipped: bool,
        trusted: bool,
        prints: bool,
    ) -> None:
        self.trusted = trusted
        self.seen = seen
        self.work, self.begun, self.spent = work, False, 0.0
        self.defaults: Mapping[str, Any] = {}
        self.quick: Mapping[str, Any] = {}
        self.left_open: tuple[str, ...] = ()
        self.monitor = Monitor(process, work, memory)
        self._process, self._stop, self._shipped = process, stop, shipped
        self._said, self._spoken, self._over = 0, False, threading.Event()
        self._messages: queue.Queue[bytes | None] = queue.Queue(maxsize=100)
        self._threads = [
            threading.Thread(target=self._read_messages, daemon=True),
            threading.Thread(target=self._read_prints, args=(prints,), daemon=True),
        ]
        for thread in (self.monitor, *self._threads):
            thread.start()

    def send(self, **message: Any) -> None:
        """Give it its facts, or a task."""
        pipe = cast("IO[bytes]", self._process.stdin)
        with suppress(OSError, ValueError):  # it has died: following it says how
            pipe.write(json.dumps(message).encode() + b"\n")
            pipe.flush()

    def begin(self, seconds: float | None, limit: float | None) -> None:
        """Wait until the model is loaded, which is the model's time from where its code runs.

        Raises:
            PodiumError: If that fails, or nothing guards from code that is not trusted.
            Refused: If the model does not load.
        """
        began = time.monotonic()
        for message in self._heard():
            if isinstance(message.get("left_open"), list) and not self._spoken:
                self.left_open = tuple(map(str, message["left_open"]))
                if FILES in self.left_open and not self.trusted:  # it has ended by itself
                    raise _unguarded()
            elif "begin" in message and not self._spoken:
                self._spoken = True  # from here on the model may speak
                began = time.monotonic()
                self.monitor.allow(seconds, limit)
            elif isinstance(message.get("defaults"), dict):
                self.defaults = message["defaults"]
                self.quick = message.get("quick") or {}
            elif "done" in message:
                self.begun, self.spent = True, time.monotonic() - began
                self.monitor.allow(None, None)
                return

    def follow(
        self,
        done: Done,
        report: Report | None,
        suggest: Callable[[Mapping[str, Any]], Any] | None,
    ) -> Done:
        """Follow a task until it is done.

        Raises:
            PodiumError: If the process dies or takes too much.
            Refused: If the task is refused.
        """
        self._said = 0
        for message in self._heard():
            if "step" in message and report:
                _show(message["step"], report)
            elif isinstance(message.get("params"), dict):
                done.params = message["params"]
            elif isinstance(message.get("train_seconds"), float):
                done.train_seconds = message["train_seconds"]
            elif "curve" in message:
                done.curve = Curve.read(message["curve"])
            elif isinstance(message.get("changes"), dict):
                done.changes = message["changes"]
            elif "suggest" in message and suggest:
                self.send(**_answer(message, suggest))
            elif "done" in message:
                if problem := self.monitor.problem(with_files=True):
                    raise problem
                return done
        raise AssertionError("it ends by returning, or by an error")

    def end(self, *, done: bool) -> None:
        """End it, and everything that it started."""
        self._over.set()
        self.monitor.end(done=done)
        for thread in self._threads:
            thread.join(1.0)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _heard(self) -> Iterator[Mapping[str, Any]]:
        """Its messages, of which those that end a task badly are raised."""
        while True:
            if error := self._stop():
                raise error
            line: bytes | None = b""
            with suppress(queue.Empty):
                line = self._messages.get(timeout=TICK)
            if self.monitor.verdict:
                raise self.monitor.verdict
            if line == b"":
                continue
            if line is None:
                raise _died(self._process.wait())
            message = self._understood(line)
            if isinstance(message.get("ended"), int):
                raise self.monitor.verdict or _died(message["ended"])
            if "refused" in message:
                theirs = self._spoken and not self._shipped
                error = refusal(message["refused"], theirs=theirs)
                raise Refused(error, message.get("wall"), message.get("lacking"))
            if "fault" in message:
                said = errors.in_one_line(str(message["fault"])[:1000])
                if self._spoken and not self._shipped:
                    raise ModelError(f"The model's process says: {said}")
                raise RuntimeError(f"in the model's process: {said}")
            yield message

    def _understood(self, line: bytes) -> Mapping[str, Any]:
        message = None
        with suppress(ValueError, RecursionError):
            message = json.loads(line, parse_constant=_no_number)
        if not isinstance(message, dict):
            raise _no_message()
        if "step" not in message or len(line) > _STEP:
            self._said += len(line)
        if self._said > _SAID:
            raise _no_message()
        return message

    def _read_messages(self) -> None:
        pipe = cast("IO[bytes]", self._process.stdout)
        with suppress(ValueError, OSError):
            while (line := pipe.readline(_LINE)) and not self._over.is_set():
                self._put(line)
        self._put(None)

    def _put(self, line: bytes | None) -> None:
        while not self._over.is_set():
            with suppress(queue.Full):
                self._messages.put(line, timeout=TICK)
                return

    def _read_prints(self, shown: bool) -> None:
        pipe = cast("IO[bytes]", self._process.stderr)
        printed = Printed(sys.stderr)
        with suppress(ValueError, OSError):
            while chunk := pipe.read1(1 << 16):  # type: ignore[attr-defined]
                with suppress(ValueError, OSError):  # who does not listen holds up no model
                    if shown:
                        printed.write(chunk.decode(errors="replace"))


def _show(step: Any, report: Report) -> None:
    with suppress(TypeError, ValueError, AttributeError, OverflowError):
        number, figure, others = step
        figures = {str(name)[:20]: float(other) for name, other in list(others.items())[:5]}
        report(int(number), float(figure), **figures)


def _answer(
    message: Mapping[str, Any], suggest: Callable[[Mapping[str, Any]], Any]
) -> dict[str, Any]:
    try:
        return {"value": suggest(message)}
    except (ValueError, TypeError, KeyError, OverflowError) as error:  # the model asks nonsense
        return {"error": str(error)[:1000]}


def _no_message() -> ModelError:
    return ModelError("The model's process sent something that is no message.")


def _no_number(text: str) -> None:
    raise ValueError(text)


def refusal(told: Any, *, theirs: bool) -> PodiumError:
    """The error that the process told of; as its words where the model's code may have said it."""
    if not isinstance(told, dict):
        return ModelError("The model's process failed.")
    kind = _KINDS.get(str(told.get("kind")), PodiumError)
    given = told.get("problems")
    problems = [str(problem) for problem in given[:1000]] if isinstance(given, list) else []
    message, hint = str(told.get("message")), str(told.get("hint") or "")
    if theirs:
        message = f"The model's process says: {errors.in_one_line(message)}"
        problems = [errors.in_one_line(problem) for problem in problems]
        hint = hint and f"It says, too: {errors.in_one_line(hint)}"
    error = kind.__new__(kind)  # some kinds word themselves
    PodiumError.__init__(error, message, problems=problems, hint=hint)
    return error


def _died(code: int) -> ModelError:
    """How a process ended that should have gone on."""
    number = -code if code < 0 else code - 128  # a process in between passes signals on so
    try:
        how = f"it was ended by the signal {signal.Signals(number).name}"
    except ValueError:
        how = f"its exit status is {code}"
    return ModelError(
        f"The model's process ended before it gave predictions: {how}.",
        hint="A model returns; it does not exit. A library in C may have crashed, or the "
        "machine's memory was full.",
    )
