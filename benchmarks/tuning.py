"""What searching costs and what pruning saves.

    python benchmarks/tuning.py pruning --trials 40 --seeds 3     # fold trainings saved, best value
    python benchmarks/tuning.py overhead                          # of the harness, a trial
    python benchmarks/tuning.py jobs --seconds 60                 # two one-core jobs against one
    python benchmarks/tuning.py folds --model lightgbm            # of cv: two side by side, or one

Works in a temporary workspace, on `sirna/demo` unless another competition is named. Figures of
`jobs` and `overhead` mean something on a machine that does nothing else.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna

from podium import api
from podium.tuning import studies

QUICK = """
import pandas as pd

DEFAULTS = {"value": 30.0, "other": 0.0}
HIGH = {"value": 100, "other": 1}

def build(params, seed):
    return Constant(params["value"] + params["other"])

def space(trial):
    return {name: trial.suggest_float(name, 0, high) for name, high in HIGH.items()}

class Constant:
    def __init__(self, value):
        self.value = value

    def fit(self, train, report=None):
        pass

    def predict(self, part):
        return pd.DataFrame({"id": part.ids, "mRNA_remaining_pct": self.value})
"""
SMALL = """
import lightgbm as lgb
import numpy as np
import pandas as pd

from podium.competitions.sirna.shared.features import build as features

TARGET = "mRNA_remaining_pct"
TABLES = {}
DEFAULTS = {
    "rounds": 60, "learning_rate": 0.1, "num_leaves": 15, "min_data_in_leaf": 20,
    "feature_fraction": 0.5, "call_below": 36.0,
}

def build(params, seed):
    return Trees(params, seed)

def space(trial):
    return {
        "rounds": trial.suggest_int("rounds", 10, 100, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 3, 31, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, 100, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 0.8),
        "call_below": trial.suggest_float("call_below", 30.0, 45.0),
    }

class Trees:
    def __init__(self, params, seed):
        own = ("learning_rate", "num_leaves", "min_data_in_leaf", "feature_fraction")
        own = {name: params[name] for name in own}
        self.params = {**own, "seed": seed, "num_threads": 1, "verbose": -1, "deterministic": True}
        self.rounds, self.call_below = params["rounds"], params["call_below"]

    def table(self, part):
        key = hash(tuple(part.ids))
        if key not in TABLES:  # what is measured is the search
            TABLES[key] = features(part.features).select_dtypes("number")
        return TABLES[key]

    def fit(self, train, report=None):
        data = lgb.Dataset(self.table(train), label=train.targets[TARGET])
        self.booster = lgb.train(self.params, data, self.rounds)

    def predict(self, part):
        y = np.clip(self.booster.predict(self.table(part)), 0, 300)
        y[(y >= 30) & (y < self.call_below)] = np.nextafter(30.0, 0.0)
        return pd.DataFrame({"id": part.ids, TARGET: y})
"""
PRUNERS = ("none", "folds")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["pruning", "overhead", "jobs", "folds"])
    parser.add_argument("--competition", default="sirna")
    parser.add_argument("--dataset")
    parser.add_argument("--model", default="small.py", help="small.py: a few quick trees")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--pruners", nargs="+", default=PRUNERS)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    for name in ("PODIUM_WORKSPACE", "PODIUM_DB"):
        os.environ.pop(name, None)
    api.prepare(given.competition, given.dataset)
    with tempfile.TemporaryDirectory(prefix="podium-tuning-") as scratch:
        os.chdir(scratch)
        Path("small.py").write_text(SMALL)
        {"pruning": pruning, "overhead": overhead, "jobs": jobs, "folds": folds}[given.what](given)
        os.chdir(Path(scratch).parent)


def tune(given, **settings):
    from podium.competition.model_file import parse_settings

    return api.tune(
        given.competition,
        given.model,
        dataset=given.dataset,
        params=parse_settings(given.set),
        **settings,
    )


def trials(tuned):
    place = studies.folder(tuned.study.rsplit("/", 1)[0])
    backend = optuna.storages.journal.JournalFileBackend(str(place / "journal.log"))
    storage = optuna.storages.JournalStorage(backend)
    return optuna.load_study(study_name=tuned.study, storage=storage).trials


def pruning(given):
    """Fold trainings and best value of each pruner, for each seed."""
    print("| pruner | seed | trials | pruned | fold trainings saved | best | seconds |")
    print("|---|---|---|---|---|---|---|")
    for seed in range(given.seeds):
        folds = len(np.unique(api.prepare(given.competition, given.dataset).train().folds))
        for pruner in given.pruners:
            tuned = tune(given, trials=given.trials, pruner=pruner, seed=seed)
            done = [trial for trial in trials(tuned) if trial.state.name == "PRUNED"]
            spared = sum(folds - len(trial.intermediate_values) for trial in done)
            share = spared / (folds * tuned.standing.done)
            cells = [pruner, seed, tuned.standing.done, len(done), f"{share:.0%}"]
            cells += [f"{tuned.value:.4f}", f"{tuned.seconds:.0f}"]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


def overhead(given):
    """Milliseconds a trial of a model that does nothing: Optuna alone, and the whole harness.

    CPU time beside wall time: the one that a busy machine does not spoil.
    """
    Path("quick.py").write_text(QUICK)
    given.competition, given.model, given.dataset, given.set = "sirna", "quick.py", None, []
    tune(given, trials=5, pruner="folds")  # loads what is loaded once
    folds = cross_validation()
    print("| pruner | clock | a trial | Optuna alone | five fits and predictions | the harness |")
    print("|---|---|---|---|---|---|")
    for pruner in ("none", "folds"):
        alone = optuna_alone(given.trials)
        first = timed(lambda: tune(given, trials=1, pruner=pruner))  # noqa: B023 - called at once
        count = 1 + given.trials
        again = timed(lambda: tune(given, trials=count, pruner=pruner))  # noqa: B023
        whole = (again - first) / given.trials
        rows = zip(("CPU", "wall"), whole, alone, folds, whole - alone - folds, strict=True)
        for clock, *values in rows:
            cells = " | ".join(f"{1000 * value:.1f} ms" for value in values)
            print(f"| {pruner} | {clock} | {cells} |")


def timed(work):
    """Seconds of CPU and wall that some work takes."""
    start = np.array([time.process_time(), time.perf_counter()])
    work()
    return np.array([time.process_time(), time.perf_counter()]) - start


def cross_validation():
    """Seconds that fitting, predicting and checking the five folds take by themselves."""
    from podium.competition import model_file as model
    from podium.execution import training

    ready = api.prepare("sirna")
    file = model.load(ready.competition, "quick.py")
    folds = training.Folds.of(ready)

    def predict_all():
        for fold in folds.numbers:
            fitted = training.fit(file, 0, folds.train.take(folds.fold != fold))
            training.predict(file, fitted, folds.held(fold))

    return np.median([timed(predict_all) for _ in range(9)], axis=0)


def optuna_alone(count):
    """Seconds a trial that Optuna takes with the same sampler and storage."""
    from podium.tuning import samplers, search

    backend = optuna.storages.journal.JournalFileBackend(f"alone-{time.time_ns()}.log")

    def objective(trial):
        return trial.suggest_float("value", 0, 100) + trial.suggest_float("other", 0, 1)

    with search.quiet():
        storage = optuna.storages.JournalStorage(backend)
        study = optuna.create_study(storage=storage, sampler=samplers.make("tpe", 0))
        return timed(lambda: study.optimize(objective, n_trials=count)) / count


def jobs(given):
    """Trials in the same time by one and by two jobs of one core each."""
    os.environ["OMP_NUM_THREADS"] = "1"
    counts = {}
    for count in (1, 2):
        started = time.time()
        # Both in processes of their own: what counts is what is done once they have begun.
        tuned = tune(given, timeout=given.seconds, jobs=count, pruner="none", study=f"j{count}")
        done = [trial for trial in trials(tuned) if trial.state.name == "COMPLETE"]
        begun = min(trial.datetime_start.timestamp() for trial in done)
        ended = max(trial.datetime_complete.timestamp() for trial in done)
        counts[count] = len(done) / (ended - begun)
        print(f"{count}: {len(done)} trials in {ended - begun:.1f} s after {begun - started:.1f} s")
    print(f"two jobs: {counts[2] / counts[1]:.2f} times the trials of one")


def folds(given):
    """Seconds of `cv` with folds one after the other, with all cores, and two side by side.

    Trainings that spin against each other take many times as long side by side.
    """
    from podium.competition.model_file import parse_settings

    taken = {1: [], 2: []}
    for _ in range(given.seeds):
        for jobs, seconds in taken.items():
            start = time.perf_counter()
            api.cross_validate(
                given.competition,
                given.model,
                dataset=given.dataset,
                params=parse_settings(given.set),
                jobs=jobs,
            )
            seconds.append(time.perf_counter() - start)
    one, two = (float(np.median(seconds)) for seconds in taken.values())
    print(f"one fold at a time {one:.1f} s, two {two:.1f} s: {two / one:.2f} times as long")


if __name__ == "__main__":
    main()
