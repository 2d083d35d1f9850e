"""Workers side by side: none does too much, and what is killed loses nothing."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import optuna
import pytest

from podium import api
from podium.errors import PodiumError
from podium.tuning import jobs, storages, studies
from test_tuning import states, trials

SLEEPS = "import time; time.sleep(0.1)"
INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""Whoever runs the tests in the background of a shell has interruptions ignored."""
MAIN = f"{INTERRUPTIBLE}; from podium.cli import main; main()"
TUNE = [sys.executable, "-c", MAIN, "tune", "toy", "mine.py"]


@pytest.fixture(params=["journal", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request):
    """Where the study lies: None for the journal."""
    return None if request.param == "journal" else request.getfixturevalue("postgres").schema()


def running(*arguments, **options):
    return subprocess.Popen(
        [*TUNE, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@contextmanager
def study_of(name, url=None):
    with storages.opened(url, studies.folder("toy/demo")) as storage:
        yield optuna.load_study(study_name=f"toy/demo/{name}", storage=storage.optuna)


def trials_of(name, url=None):
    with study_of(name, url) as study:
        return study.trials


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def begun(name, count, url=None):
    """Whether so many trials of a study have ended."""
    try:
        with study_of(name, url) as study:
            return studies.standing(study).done >= count
    except KeyError:
        return False


def test_two_processes_do_as_many_as_were_asked_for(write, url, monkeypatch):
    monkeypatch.setattr(jobs, "LOOK", 0.05)
    seen = []
    found = api.tune(
        "toy", write(), trials=15, jobs=2, storage=url, pruner="none", watch=seen.append
    )
    assert states(found, url) == ["COMPLETE"] * 15
    assert len({str(trial.params) for trial in trials(found, url)}) == 15
    assert len({trial.user_attrs["worker"] for trial in trials(found, url)}) == 2
    assert seen[-1].done == 15
    again = api.tune("toy", "mine.py", trials=15, jobs=2, storage=url, pruner="none")
    assert (again.new, again.value) == (0, found.value)


@pytest.mark.slow
def test_threads_are_divided(write, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(jobs, "cores", lambda: 6)
    fit = "import os; assert os.environ['OMP_NUM_THREADS'] == '3', os.environ"
    assert api.tune("toy", write(fit), trials=4, jobs=2).standing.failed == 0


def test_a_search_that_is_killed_goes_on(write, monkeypatch):
    write(SLEEPS)
    first = running("--trials", 12, "--study", "s", "--pruner", "none")
    wait_for(lambda: begun("s", 3))
    first.kill()
    first.communicate()
    before = {t.number: t.value for t in trials_of("s") if t.state.name == "COMPLETE"}
    found = api.tune("toy", "mine.py", trials=12, study="s", pruner="none")
    assert found.standing.complete == 12
    assert found.standing.running == found.standing.waiting == 0
    after = {trial.number: trial.value for trial in trials_of("s")}
    assert before.items() <= after.items()
    assert len({str(t.params) for t in trials_of("s") if t.value is not None}) == 12
    assert not list(Path(found.storage).parent.glob("locks/*-*"))


@pytest.mark.slow
def test_workers_end_with_the_process_that_began_them(write):
    write(SLEEPS)
    first = running("--trials", 500, "--study", "s", "--jobs", 2)
    wait_for(lambda: begun("s", 2))
    first.kill()
    first.communicate()
    locks = studies.folder("toy/demo") / "locks"
    journal = storages.Journal(folder=studies.folder("toy/demo"))
    wait_for(lambda: not any(journal._lives(path.name) for path in locks.glob("*-*")))


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_interruption_keeps_what_is_done(count, write):
    write(SLEEPS)
    first = running("--trials", 500, "--study", "s", "--jobs", count)
    wait_for(lambda: begun("s", 3))
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=120)
    assert first.returncode == 130
    assert "the same command again goes on" in err
    assert "Traceback" not in err
    with study_of("s") as study:
        stands = studies.standing(study)
    assert stands.done >= 3
    assert stands.running == 0
    assert stands.waiting <= count  # a worker may have been between two trials
    assert not stands.failed  # one that began and was not queued again


@pytest.mark.slow
def test_time_that_is_up_ends_all(write):
    write("import time; time.sleep(0.3)")
    found = api.tune("toy", "mine.py", timeout=8, jobs=2, pruner="none")
    assert found.seconds < 25
    assert found.standing.complete
    assert found.standing.running == found.standing.failed == 0


@pytest.mark.slow
def test_a_worker_that_dies_loses_nothing(write, monkeypatch, url):
    monkeypatch.setattr(storages, "HEARTBEAT", 1)
    write(SLEEPS)
    killed = []

    def kill(_):
        now = trials_of("s", url)
        workers = {t.user_attrs.get("worker") for t in now if t.state.name == "RUNNING"}
        if not killed and None not in workers and len(workers) == 2 and begun("s", 3, url):
            killed.append(workers.pop())
            os.kill(int(killed[0].split("-")[0]), signal.SIGKILL)

    monkeypatch.setattr(jobs, "LOOK", 0.05)
    set_silence(monkeypatch, 3)
    found = api.tune(
        "toy", "mine.py", trials=25, jobs=2, study="s", storage=url, pruner="none", watch=kill
    )
    assert killed
    assert found.standing.complete == 25
    complete = [t for t in trials(found, url) if t.state.name == "COMPLETE"]
    assert len({str(trial.params) for trial in complete}) == 25
    assert states(found, url).count("FAIL") <= 1


def set_silence(monkeypatch, seconds):
    """Workers in a database count as dead sooner, also as other processes see it."""
    monkeypatch.setattr(storages, "SILENCE", seconds)
    code = (
        "from podium.tuning import storages; "
        f"storages.HEARTBEAT, storages.SILENCE = 1, {seconds}; {jobs._CODE}"
    )
    monkeypatch.setattr(jobs, "_CODE", code)


@pytest.mark.slow
def test_when_all_workers_are_killed_that_is_said(write):
    write("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(PodiumError, match="All workers were killed"):
        api.tune("toy", "mine.py", trials=20, jobs=2)


@pytest.mark.slow
def test_what_kills_its_workers_is_not_tried_for_ever(write):
    write("import os, signal; self.params['a'] == 0 and os.kill(os.getpid(), signal.SIGKILL)")
    for _ in range(2):
        with pytest.raises(PodiumError, match="All workers were killed"):
            api.tune("toy", "mine.py", trials=3, jobs=2, pruner="none")
    found = api.tune("toy", "mine.py", trials=3, jobs=2, pruner="none")
    assert found.failures == ["its worker died, each time that it was tried"]
    assert found.standing.complete == 2


@pytest.mark.slow
def test_a_broken_model_stops_all_workers(write):
    write("raise RuntimeError('no such thing')")
    with pytest.raises(PodiumError, match=r"The first \d trials"):
        api.tune("toy", "mine.py", trials=50, jobs=2)


@pytest.mark.slow
@pytest.mark.parametrize("kill", [False, True])
def test_four_processes_fifty_trials_each(kill, write, url, monkeypatch):
    monkeypatch.setattr(jobs, "LOOK", 0.05)
    write("import time; time.sleep(0.002)")
    set_silence(monkeypatch, 4)
    killed = []

    def watch(stands):
        if kill and not killed and stands.done > 80:
            workers = [t.user_attrs.get("worker") for t in trials_of("s", url)]
            killed.append(next(filter(None, reversed(workers))))
            os.kill(int(killed[0].split("-")[0]), signal.SIGKILL)

    for _ in range(1 if kill else 2):
        found = api.tune(
            *("toy", "mine.py"),
            trials=200,
            jobs=4,
            study="s",
            storage=url,
            pruner="none",
            sampler="random",
            watch=watch,
        )
        complete = [t for t in trials(found, url) if t.state.name == "COMPLETE"]
        assert len(complete) == 200
        assert len({str(trial.params) for trial in complete}) == 200
        if not kill:
            assert states(found, url) == ["COMPLETE"] * 200
    assert bool(killed) == kill
    assert len({trial.user_attrs["worker"] for trial in complete}) == 4


@pytest.fixture
def cluster(workspace):
    """A Dask cluster of two worker processes, at its scheduler's address."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
    ) as found:
        yield found.scheduler_address


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("distributed"), reason="Dask is not installed")
@pytest.mark.filterwarnings("default")
def test_a_dask_cluster(write, postgres, cluster):
    url = postgres.schema()
    settings = {"trials": 20, "storage": url, "backend": "dask", "pruner": "none"}
    found = api.tune("toy", write(SLEEPS), scheduler=cluster, **settings)
    assert states(found, url) == ["COMPLETE"] * 20
    assert len({trial.user_attrs["worker"] for trial in trials(found, url)}) == 2
    assert len({trial.user_attrs["worker"].split("-")[0] for trial in trials(found, url)}) == 2
    assert found.gain is not None
    with pytest.raises(PodiumError, match="No Dask scheduler answers"):
        api.tune("toy", "mine.py", scheduler="tcp://127.0.0.1:9", **settings)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_a_trial_whose_worker_died_before_its_first_heartbeat(postgres, monkeypatch, tmp_path):
    import optuna

    monkeypatch.setattr(storages, "SILENCE", 1)
    with storages.opened(postgres.schema(), tmp_path) as storage:
        study = optuna.create_study(storage=storage.optuna)
        study.ask()
        for _ in range(2):
            time.sleep(1.5)
            storage.reap(study)
        assert study.trials[0].state.name == "FAIL"


def test_no_worker_trains_another_version_of_the_model(write, monkeypatch):
    work = jobs.local

    def edited(*given):
        Path("mine.py").write_text(Path("mine.py").read_text() + "\n# edited\n")
        work(*given)

    monkeypatch.setattr(jobs, "local", edited)
    with pytest.raises(PodiumError, match=r"mine\.py has changed since this began"):
        api.tune("toy", write(), trials=2, jobs=2)
