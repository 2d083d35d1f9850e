"""Workers side by side: none does too much, and what is killed loses nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import optuna
import psutil
import pytest
from test_tuning import states, trials

from podium import api
from podium.errors import PodiumError
from podium.execution import executors, jobs
from podium.tuning import search, storages, studies
from suites import mostly_slow

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


def side_by_side(done):
    """How many trials were at work at a time."""
    begun = [(trial.datetime_start, 1) for trial in done]
    ended = [(trial.datetime_complete, -1) for trial in done]
    at_work, most = 0, 0
    for _, change in sorted([*begun, *ended]):
        at_work += change
        most = max(most, at_work)
    return most


def test_two_jobs_do_as_many_as_were_asked_for(write, url, monkeypatch):
    monkeypatch.setattr(search, "LOOK", 0.05)
    seen = []
    found = api.tune(
        "toy", write(), trials=8, jobs=2, storage=url, pruner="none", watch=seen.append
    )
    assert states(found, url) == ["COMPLETE"] * 8
    assert len({str(trial.params) for trial in trials(found, url)}) == 8
    assert side_by_side(trials(found, url)) == 2
    assert seen[-1].done == 8
    again = api.tune("toy", "mine.py", trials=8, jobs=2, storage=url, pruner="none")
    assert (again.new, again.value) == (0, found.value)


@pytest.mark.slow
def test_threads_are_divided(write, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(executors, "cores", lambda: 6)
    fit = "import os; assert os.environ['OMP_NUM_THREADS'] == '3', os.environ"
    assert api.tune("toy", write(fit), trials=4, jobs=2).standing.failed == 0


@pytest.mark.slow
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


@pytest.mark.slow
def test_workers_end_with_the_process_that_began_them(write):
    write(SLEEPS)
    first = running("--trials", 500, "--study", "s", "--jobs", 2)
    wait_for(lambda: begun("s", 2))
    own = [child.pid for child in psutil.Process(first.pid).children(recursive=True)]
    assert own
    first.kill()
    first.communicate()
    wait_for(lambda: not any(map(psutil.pid_exists, own)))


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
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
def test_a_search_that_dies_loses_nothing_to_another(write, monkeypatch, postgres):
    """Two processes search one study; the trials of the one that is killed are done again."""
    monkeypatch.setattr(storages, "SILENCE", 3)
    monkeypatch.setattr(storages, "HEARTBEAT", 1)
    write(SLEEPS)
    code = MAIN.replace("main()", "storages.HEARTBEAT, storages.SILENCE = 1, 3; main()")
    code = f"from podium.tuning import storages; {code}"
    url = postgres.schema()
    options = ["--trials", 25, "--study", "s", "--pruner", "none", "--storage", url]
    killed = []

    def kill(stands):
        if not killed and stands.done > 3 and stands.running > 2 and other.poll() is None:
            other.kill()
            killed.append(other.pid)

    monkeypatch.setattr(search, "LOOK", 0.05)
    command = [sys.executable, "-c", code, "tune", "toy", "mine.py", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as other:
        wait_for(lambda: begun("s", 1, url))
        settings = {"trials": 25, "study": "s", "storage": url, "pruner": "none", "jobs": 2}
        found = api.tune("toy", "mine.py", watch=kill, **settings)
    assert killed
    assert found.standing.complete in (25, 26)  # both may have begun the last one
    complete = [t for t in trials(found, url) if t.state.name == "COMPLETE"]
    assert len({str(trial.params) for trial in complete}) == len(complete)
    assert states(found, url).count("FAIL") <= 1


@pytest.mark.slow
def test_a_journals_study_is_searched_by_one_process(write):
    write(SLEEPS)
    first = running("--trials", 500, "--study", "s")
    try:
        wait_for(lambda: begun("s", 1))
        with pytest.raises(PodiumError, match="Another command is searching toy/demo/s now"):
            api.tune("toy", "mine.py", trials=3, study="s")
    finally:
        first.kill()
        first.communicate()


DEATHS = {
    "exit": ("os._exit(9)", "its exit status is 9"),
    "crash": ("os.kill(os.getpid(), signal.SIGSEGV)", "ended by the signal SIGSEGV"),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "ended by the signal SIGKILL"),
}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("death", mostly_slow(DEATHS, 0))
def test_a_trial_whose_process_dies_is_a_failed_one(death, count, write):
    code, words = DEATHS[death]
    write(f"import os, signal; self.params['a'] == 0 and {code}")
    found = api.tune("toy", "mine.py", trials=4, jobs=count, pruner="none")
    assert found.standing.complete == 3
    (failure,) = found.failures
    assert words in failure


@pytest.mark.slow
def test_a_trial_that_takes_too_much_is_a_failed_one(write):
    write("import time; self.params['a'] == 0 and time.sleep(60)")
    found = api.tune("toy", "mine.py", trials=3, limit_time=2, pruner="none")
    assert found.standing.complete == 2
    assert "ran longer than the limit of 2 seconds" in found.failures[0]
    write("hoard = self.params['a'] == 0 and bytearray(1 << 29)")
    found = api.tune("toy", "mine.py", trials=3, limit_memory=400, pruner="none")
    assert found.standing.complete == 2
    assert "limit of 400 MiB" in found.failures[0]


@pytest.mark.slow
def test_a_broken_model_stops_all_workers(write):
    write("raise RuntimeError('no such thing')")
    with pytest.raises(PodiumError, match=r"The first \d trials"):
        api.tune("toy", "mine.py", trials=50, jobs=2)


@pytest.mark.slow
def test_four_workers_fifteen_trials_each(write, url, monkeypatch):
    monkeypatch.setattr(search, "LOOK", 0.05)
    write("import time; time.sleep(0.002)")
    settings = {"trials": 60, "jobs": 4, "study": "s", "pruner": "none", "sampler": "random"}
    for _ in range(2):
        found = api.tune("toy", "mine.py", storage=url, **settings)
        assert states(found, url) == ["COMPLETE"] * 60
        assert len({str(trial.params) for trial in trials(found, url)}) == 60
    assert side_by_side(trials(found, url)[:60]) == 4


@pytest.fixture
def cluster(workspace):
    """A Dask cluster of two worker processes, at its scheduler's address."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
    ) as found:
        yield found.scheduler_address


DASK = pytest.mark.skipif(not find_spec("distributed"), reason="Dask is not installed")


@pytest.mark.slow
@DASK
@pytest.mark.filterwarnings("default")
def test_a_dask_cluster(write, cluster):
    found = api.tune("toy", write(SLEEPS), trials=20, pruner="none", dask=cluster)
    assert states(found) == ["COMPLETE"] * 20
    assert side_by_side(trials(found)) == 2
    assert found.gain is not None
    here, far = (
        api.cross_validate("toy", "mine.py"),
        api.cross_validate("toy", "mine.py", dask=cluster),
    )
    assert far.predictions.equals(here.predictions)
    assert far.left_open == here.left_open
    here, far = (api.run("toy", "mine.py", name=str(dask), dask=dask) for dask in (None, cluster))
    assert far.file.read_bytes() == here.file.read_bytes()
    assert not far.new  # the same predictions of the same team
    with pytest.raises(PodiumError, match="surprise"):
        api.run("toy", "mine.py", params={"surprise": 1}, dask=cluster)
    with pytest.raises(PodiumError, match="failed in fit"):
        api.cross_validate("toy", write("raise RuntimeError('no such thing')"), dask=cluster)
    with pytest.raises(PodiumError, match="No Dask scheduler answers"):
        api.tune("toy", "mine.py", trials=3, dask="tcp://127.0.0.1:9")


@pytest.mark.slow
@DASK
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("change", ["podium", "data", "model"])
def test_workers_that_cannot_do_the_jobs(change, write, cluster, monkeypatch):
    """Another Podium, no data or another model file: a sentence names the worker."""
    name = write()
    facts = {"podium": {"podium": "other"}, "data": {"version": "x"}, "model": {"model_sha256": ""}}
    words = {"podium": "Podium is another", "data": "data, split or metric", "model": "model file"}
    made = jobs.Trainings.__init__

    def changed(self, *given, **options):
        made(self, *given, **options)
        self._facts |= facts[change]

    monkeypatch.setattr(jobs.Trainings, "__init__", changed)
    with pytest.raises(PodiumError, match="No worker of the Dask cluster") as refused:
        api.cross_validate("toy", name, dask=cluster)
    assert len(refused.value.problems) == 2
    assert all(words[change] in problem for problem in refused.value.problems)


@pytest.mark.slow
@DASK
@pytest.mark.filterwarnings("default")
def test_a_worker_that_joins_late_and_lacks_the_competition(write, cluster, tmp_path, caplog):
    """Its jobs are done by the others, and a sentence names it."""
    import distributed

    plain = api.cross_validate("toy", write("import time; time.sleep(1)"))
    late = [sys.executable, "-m", "distributed.cli.dask_worker", cluster, "--no-dashboard"]
    elsewhere = {**os.environ, "PODIUM_WORKSPACE": str(tmp_path)}
    joined = []

    def join():
        joined.append(subprocess.Popen(late, env=elsewhere, stderr=subprocess.DEVNULL))
        with distributed.Client(cluster, set_as_default=False) as client:
            first = min(client.scheduler_info()["workers"])
            client.wait_for_workers(3)
            client.retire_workers([first])  # a job more than the other one takes

    joiner = threading.Thread(target=join)
    joiner.start()
    try:
        far = api.cross_validate("toy", "mine.py", seeds=6, dask=cluster)
    finally:
        joiner.join()
        joined[0].terminate()
        joined[0].wait()
    assert far.predictions.equals(plain.predictions)
    assert "is left out" in caplog.text


@pytest.mark.slow
@DASK
@pytest.mark.filterwarnings("default")
def test_a_worker_that_dies_loses_no_job(write, cluster):
    """Its jobs are done by another one."""
    import distributed

    plain = api.cross_validate("toy", write("import time; time.sleep(1)"))
    killed = []

    def kill():
        with distributed.Client(cluster, set_as_default=False) as client:
            time.sleep(2)
            pids = client.run(os.getpid)
            os.kill(next(iter(pids.values())), signal.SIGKILL)
            killed.append(True)

    killer = threading.Thread(target=kill)
    killer.start()
    found = api.cross_validate("toy", "mine.py", seeds=3, dask=cluster)
    killer.join()
    assert killed
    assert found.predictions.equals(plain.predictions)


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


def test_a_search_trains_the_model_as_it_was_when_it_began(write, monkeypatch, caplog):
    run = search.Search.run

    def edited(*given):
        Path("mine.py").write_text("raise RuntimeError('edited')")
        run(*given)

    monkeypatch.setattr(search.Search, "run", edited)
    assert api.tune("toy", write(), trials=2, jobs=2).standing.complete == 2
    assert "mine.py has changed since it was loaded" in caplog.text


def test_folds_side_by_side_give_the_same(write):
    here = api.cross_validate("toy", write(), seeds=2)
    both = api.cross_validate("toy", "mine.py", seeds=2, jobs=3)
    assert both.predictions.equals(here.predictions)
    assert both.by_seed == here.by_seed
    with pytest.raises(PodiumError, match="failed in fit"):
        api.cross_validate("toy", write("raise RuntimeError('no such thing')"), jobs=3)
    with pytest.raises(PodiumError, match="1 or more"):
        api.cross_validate("toy", "mine.py", jobs=0)


def test_a_study_may_be_called_as_its_journal_is(write):
    assert api.tune("toy", write(), trials=1, study="journal").study.endswith("/journal")


def test_time_of_jobs_side_by_side_adds_up(write):
    slow = write(fit="import time; time.sleep(0.6)")
    with pytest.raises(PodiumError, match=r"longer than the limit of 1.5 seconds"):
        api.cross_validate("toy", slow, limit_time=1.5, jobs=5)
