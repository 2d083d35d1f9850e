"""Searches: what a trial's value is, what is kept, what is refused, and who does the work."""

import json
import shlex
import shutil
from pathlib import Path

import optuna
import pandas as pd
import pytest

from conftest import MODEL
from podium import api
from podium.competition import model_file, version
from podium.data import dataset as data
from podium.errors import ModelError, PodiumError
from podium.execution.jobs import Trainings
from podium.leaderboard.board import open_board
from podium.tuning import kept, pruning, storages, studies


def trials(found, url=None):
    """The trials of a study, as Optuna itself reads them."""
    place = found.study.rsplit("/", 1)[0]
    with storages.opened(url, studies.folder(place)) as storage:
        return optuna.load_study(study_name=found.study, storage=storage.optuna).trials


def states(found, url=None):
    return [trial.state.name for trial in trials(found, url)]


def points(found):
    return [(trial.number, trial.params, trial.value) for trial in trials(found)]


def test_a_trials_value_is_the_score_of_cross_validation(write):
    found = api.tune("toy", write(), trials=2, pruner="none")
    done = trials(found)
    assert [trial.state.name for trial in done] == ["COMPLETE"] * 2
    for trial in done:
        score = api.cross_validate("toy", "mine.py", params=trial.params).card.whole.scores["rmse"]
        assert trial.value == score
    assert done[0].params == {"a": 0.0, "b": 1.0}
    assert found.value == min(trial.value for trial in done)
    assert found.params == done[found.trial].params
    assert found.standing.defaults == done[0].value


@pytest.mark.slow
def test_shipped_models_too(toy):
    found = api.tune("toy", "line", trials=4)
    jittered = api.cross_validate("toy", "line", params=found.params).card.whole.scores["rmse"]
    assert found.value == jittered
    assert found.standing.done == 4


def test_the_same_call_gives_the_same_trials_also_in_two_pieces(write, workspace):
    write()
    first = points(api.tune("toy", "mine.py", trials=14))
    again = api.tune("toy", "mine.py", trials=14)
    assert (again.new, points(again)) == (0, first)
    shutil.rmtree(workspace / "studies")
    api.tune("toy", "mine.py", trials=5)
    rest = api.tune("toy", "mine.py", trials=14)
    assert (rest.new, points(rest)) == (9, first)
    assert points(api.tune("toy", "mine.py", trials=5, seed=1))[1:] != first[1:5]


@pytest.mark.slow
@pytest.mark.parametrize("name", [None, "own"])
def test_a_study_from_when_editions_hashed_the_metrics_file_goes_on(name, write, monkeypatch):
    write()
    toy, demo = api.load("toy")
    former = min(version.former_names(toy, version.find_version(toy, demo)))
    with monkeypatch.context() as before:
        before.setattr("podium.competition.version.Version.name", property(lambda _: former))
        first = api.tune("toy", "mine.py", trials=3, study=name)
    again = api.tune("toy", "mine.py", trials=5, study=name)
    assert (again.study, again.new) == (first.study, 2)


def test_a_trial_that_fails_is_recorded_and_the_search_goes_on(write):
    found = api.tune("toy", write("assert self.params['a'] <= 0.2, 'too steep'"), trials=12)
    assert 0 < found.standing.failed < 12
    assert found.standing.done == 12
    assert found.failures == [
        "The model's process says: mine.py failed in fit: AssertionError: too steep: "
        "mine.py, line 17 in fit: assert self.params['a'] <= 0.2, 'too steep'"
    ]
    assert found.params["a"] <= 0.2


def test_a_model_that_is_broken_stops_its_study(write, podium_cli):
    write("raise RuntimeError('no such thing')")
    done = podium_cli("tune", "toy", "mine.py", "--trials", 50)
    assert done.status == 1
    assert "The first 3 trials of toy/demo/mine-" in done.err
    assert "no such thing" in done.err
    assert "podium cv toy" in done.err
    write()
    assert podium_cli("tune", "toy", "mine.py", "--trials", 2).status == 0


@pytest.mark.parametrize("space", ["raise ValueError('odd')", "return [1]", "return {'c': 1}"])
def test_so_does_a_space_that_is(space, write):
    Path(write()).write_text(MODEL.replace("def space(trial):", f"def space(trial):\n    {space}"))
    with pytest.raises(PodiumError, match=r"mine.py failed in space|not a dict|parameter of mine"):
        api.tune("toy", "mine.py", trials=2)


def test_a_model_with_nothing_to_search_says_so(toy):
    with pytest.raises(ModelError, match="nothing to search"):
        api.tune("sirna", "shuffled", trials=2)


@pytest.mark.slow
def test_defaults_that_are_no_point_of_the_space_are_trial_0_all_the_same(write):
    name = write(defaults='"a": None')
    text = Path(name).read_text().replace('self.params["a"] +', '(self.params["a"] or 0.5) +')
    Path(name).write_text(text)
    found = api.tune("toy", name, trials=14, pruner="none")
    own = api.cross_validate("toy", name).card.whole.scores["rmse"]
    assert trials(found)[0].value == own == found.standing.defaults
    assert trials(found)[0].params == {}
    assert all(set(trial.params) == {"a", "b"} for trial in trials(found)[1:])


@pytest.mark.slow
def test_what_changes_the_values_begins_a_new_study_and_says_why(write):
    first = api.tune("toy", write(), trials=1)
    assert first.why_new == ""
    write("x = 1")
    second = api.tune("toy", "mine.py", trials=1)
    assert second.study != first.study
    assert second.why_new == (
        f"a new study, since {first.study} was of something else: the model file has changed"
    )
    third = api.tune("toy", "mine.py", trials=1, pruner="none", params={"other": [2]})
    assert third.why_new.endswith("other parameters are fixed, the pruner is another")
    with pytest.raises(PodiumError, match="is of something else"):
        api.tune("toy", "mine.py", trials=1, seed=1, study=first.study)
    assert api.tune("toy", "mine.py", trials=1, study="mine").study == "toy/demo/mine"


EXHAUSTIVE = [pytest.param(name, marks=pytest.mark.exhaustive) for name in ("qmc", "nsgaii", "gp")]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", *EXHAUSTIVE])
def test_every_sampler_repeats_itself(sampler, write, workspace):
    if sampler == "cmaes":
        pytest.importorskip("cmaes")
    write()
    first = points(api.tune("toy", "mine.py", trials=6, sampler=sampler))
    shutil.rmtree(workspace / "studies")
    api.tune("toy", "mine.py", trials=3, sampler=sampler)
    second = points(api.tune("toy", "mine.py", trials=6, sampler=sampler))
    assert second == first
    assert len({tuple(params.values()) for _, params, _ in first}) == 6


@pytest.mark.slow
def test_a_search_begins_with_the_best_of_another_dataset(write, raw_folder):
    api.prepare("toy", "table", source=raw_folder("toy"))
    write()
    first = api.tune("toy", "mine.py", trials=6, pruner="none")
    second = api.tune("toy", "mine.py", dataset="table", trials=6, warm_start=first.study)
    order = sorted(trials(first), key=lambda trial: trial.value)[:5]
    assert [t.params for t in trials(second)[1:]] == [t.params for t in order]
    with pytest.raises(ModelError, match="is of the model 'mine'"):
        api.tune("toy", "line", trials=2, warm_start=first.study)


@pytest.mark.slow
def test_pruning_by_folds_saves_trainings_and_finds_the_same(write):
    plain = api.tune("toy", write(), trials=14, pruner="none")
    raced = api.tune("toy", "mine.py", trials=14)
    assert plain.standing.pruned == 0
    assert raced.standing.pruned >= 3
    assert raced.value <= plain.value * 1.05


def test_predictions_of_the_best_are_kept(write):
    import pandas as pd

    found = api.tune("toy", write(), trials=pruning.KEPT + 3, pruner="none")
    folder = studies.folder(found.study)
    assert len(found.predictions) == pruning.KEPT
    assert {*folder.iterdir()} == {*found.predictions, folder / "trial-00000.parquet"}
    best = api.cross_validate("toy", "mine.py", params=found.params)
    pd.testing.assert_frame_equal(pd.read_parquet(found.predictions[0]), best.predictions)


@pytest.mark.slow
def test_the_gain_is_paired(write):
    from podium.metrics.stats import difference

    found = api.tune("toy", write(), trials=15, pruner="none")
    best = api.cross_validate("toy", "mine.py", params=found.params).card.whole
    own = api.cross_validate("toy", "mine.py").card.whole
    value, se, ci = difference(best, own, "rmse")
    assert (found.gain.value, found.gain.se, found.gain.ci) == (value, se, ci)
    assert value < 0
    assert "flatters" in found.remark
    assert found.importances["b"] > found.importances["a"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "--trials N or --timeout S"),
        ({"trials": 0}, "more than 0"),
        ({"trials": 2, "jobs": 0}, "1 or more"),
        ({"trials": 2, "sampler": "tpee"}, "Did you mean 'tpe'"),
        ({"trials": 2, "pruner": "fold"}, "Did you mean 'folds'"),
        ({"trials": 2, "jobs": 2, "dask": "tcp://127.0.0.1:9"}, "one of both"),
        ({"trials": 2, "study": "../x"}, "cannot be a study's"),
        ({"trials": 2, "storage": "sqlite:///x"}, "Leave --storage out"),
        ({"trials": 2, "storage": "nonsense"}, "no address of a database"),
        ({"trials": 2, "storage": "postgresql://a:b@127.0.0.1:9/x"}, "does not answer"),
        ({"trials": 2, "warm_start": "other"}, "nothing was tuned"),
    ],
)
def test_what_is_refused_leaves_nothing(settings, said, write, workspace):
    write()
    with pytest.raises(PodiumError, match=said) as refused:
        api.tune("toy", "mine.py", **settings)
    assert "a:b@" not in str(refused.value)
    assert not (workspace / "studies").exists()


def test_training_with_what_was_found(write, podium_cli):
    found = podium_cli("tune", "toy", write(), "--trials", 8, "--json").json
    label = found["study"].rsplit("/", 1)[1]
    row = podium_cli("run", "toy", "mine.py", "--study", label, "--json").json
    assert row["name"] == f"mine study {label}"
    record = open_board().records(submission=row["submission"])[-1]
    assert record.provenance["params"] == {"other": [1], **found["best"]["params"]}
    assert record.provenance["study"]["study"] == found["study"]
    assert record.provenance["study"]["trial"] == found["best"]["trial"]
    refused = podium_cli("run", "toy", "mine.py", "--study", "none")
    assert refused.status == 1
    assert f"Known: {found['study']}" in refused.err
    assert podium_cli("run", "toy", "line", "--study", label).status == 1


def test_text_and_json_of_the_command(write, podium_cli):
    done = podium_cli("tune", "toy", write(), "--trials", 8)
    assert "best out-of-fold rmse" in done.out
    assert "against DEFAULTS, out of fold, paired: -" in done.out
    assert "flatters" in done.err
    assert "podium run toy mine.py --dataset demo --study mine-" in done.err
    found = podium_cli("tune", "toy", "mine.py", "--trials", 8, "--json").json
    assert found["new"] == 0
    assert sum(found["trials"].values()) == 8
    assert json.dumps(found["best"]["params"])[:5] in done.out or found["best"]["params"]


@pytest.mark.slow
def test_pictures_stand_alone(write):
    pytest.importorskip("plotly")
    (page,) = api.tune("toy", write(), trials=6, pruner="none", plots=Path("pictures")).plots
    text = page.read_text()
    assert text.count("Plotly.newPlot(") == 3
    assert 'src="http' not in text


@pytest.mark.slow
def test_time_that_is_up_ends_the_search(write):
    slow = write("import time; time.sleep(0.05)")
    found = api.tune("toy", slow, timeout=3)
    assert found.standing.running == 0
    assert 2 <= found.seconds < 9
    assert found.standing.done >= 2
    more = api.tune("toy", slow, trials=found.standing.done + found.standing.waiting)
    assert more.standing.waiting == 0
    with pytest.raises(PodiumError, match="is complete yet"):
        api.tune("toy", write("import time; time.sleep(60)"), timeout=0.5)


@pytest.mark.slow
def test_optunas_tools_open_the_journal(write):
    dashboard = pytest.importorskip("optuna_dashboard")
    found = api.tune("toy", write(), trials=3)
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(found.storage)
    )
    assert len(optuna.load_study(study_name=found.study, storage=storage).trials) == 3
    status, body = get(dashboard.wsgi(storage), "/api/studies")
    assert status.startswith("200")
    assert json.loads(body)["study_summaries"][0]["study_name"] == found.study


def get(app, path):
    """What a WSGI application answers."""
    from wsgiref.util import setup_testing_defaults

    environ, said = {"PATH_INFO": path, "REQUEST_METHOD": "GET"}, []
    setup_testing_defaults(environ)
    body = b"".join(app(environ, lambda status, headers, info=None: said.append(status)))
    return said[0], body


def test_a_journal_that_was_cut_is_mended(write, workspace):
    found = api.tune("toy", write(), trials=3)
    journal = Path(found.storage)
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"worker')
    assert api.tune("toy", "mine.py", trials=3).standing == found.standing
    assert journal.read_bytes().startswith(whole)
    assert api.tune("toy", "mine.py", trials=5).standing.done == 5


def test_a_trial_that_was_taken_away_is_no_fault(write, monkeypatch):
    """A machine slept so long that its trial was queued again elsewhere."""
    submit = Trainings.submit

    def slept(self, *given, **options):
        with storages.opened(None, studies.folder("toy/demo")) as storage:
            study = optuna.load_study(study_name="toy/demo/s", storage=storage.optuna)
            for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
                if trial.number == 1:
                    storages.requeue(study, trial.number)
        return submit(self, *given, **options)

    monkeypatch.setattr(Trainings, "submit", slept)
    found = api.tune("toy", write(), trials=4, study="s", pruner="none")
    assert states(found).count("COMPLETE") == 4
    assert found.standing.failed == 0


def test_what_a_terminal_shows(write, monkeypatch):
    from podium.cli.display import live

    shown = live._Search(10, None)
    assert "beginning" in shown.__rich__()
    api.tune("toy", write(), trials=6, watch=shown.watch)
    text = shown.__rich__()
    assert "6 of 10 trials" in text
    assert "DEFAULTS 1.6" in text
    assert "left" in text
    assert "?" not in text


def test_a_dataset_without_folds_is_refused_at_once(write, monkeypatch):
    from podium.errors import DataError
    from podium.execution import training

    def none(*_):
        raise DataError("has no train rows")

    monkeypatch.setattr(training.Folds, "of", none)
    with pytest.raises(DataError, match="no train rows"):
        api.tune("toy", write(), trials=2)


def test_a_space_that_never_ends_holds_no_search(write):
    text = MODEL.replace("def space(trial):", "def space(trial):\n    while True: pass")
    Path(write()).write_text(text)
    with pytest.raises(PodiumError, match="is complete yet"):
        api.tune("toy", "mine.py", timeout=1)
    with pytest.raises(PodiumError, match=r"limit of 0.5 seconds"):
        api.tune("toy", "mine.py", trials=3, limit_time=0.5)


def test_choices_of_any_kind(write, recwarn):
    """Lists and the like are choices, too; Optuna knows them by their text."""
    choice = 'return {"other": trial.suggest_categorical("other", [[1], [2, 3], (4,)]), "a"'
    Path(write()).write_text(MODEL.replace('return {"a"', choice))
    found = api.tune("toy", "mine.py", trials=6, pruner="none")
    assert found.standing.complete == 6
    assert not [warned for warned in recwarn if "categorical" in str(warned.message)]
    done = trials(found)
    assert done[0].params["other"] == "[1]"  # DEFAULTS are a point of the space
    chosen = [t.user_attrs.get("changes", {"other": [1]})["other"] for t in done]
    assert all(json.dumps(list(c)) == t.params["other"] for c, t in zip(chosen, done, strict=True))


def test_what_json_would_change_is_no_parameter(write):
    text = MODEL.replace('"other": [1]', '"other": {"x": 1}')
    text = text.replace('return {"a"', 'return {"other": {0: 1}, "a"')
    Path(write()).write_text(text)
    with pytest.raises(PodiumError, match="JSON would change"):
        api.tune("toy", "mine.py", trials=3)


DECLARED = """
from podium.competition import Parameter
PARAMETERS = {
    "a": Parameter(0.0, "added", (-5.0, 5.0), search=(-1.0, 1.0)),
    "b": Parameter(1.0, "slope", (0.0, 5.0), search=(0.5, 3.0)),
    "other": Parameter([1], "nothing"),
}
"""


def declaring():
    """The model file with declarations, and no `space`."""
    head, _, rest = MODEL.partition("DEFAULTS")
    body = rest.partition("\n")[2]
    start, end = body.index("def space"), body.index("class ")
    return head + DECLARED + body[:start] + body[end:]


@pytest.mark.slow
@pytest.mark.parametrize("declares", [False, True])
@pytest.mark.parametrize("value", [0.25, 3.0, 3])
def test_what_is_set_holds_for_every_trial(declares, value, write):
    write()
    if declares:
        Path("mine.py").write_text(declaring())
    found = api.tune("toy", "mine.py", trials=5, pruner="none", params={"a": value})
    done = trials(found)
    assert all(set(trial.params) == {"b"} for trial in done)
    for trial in done[:3]:
        params = {"a": value, **trial.params}
        card = api.cross_validate("toy", "mine.py", params=params).card
        assert trial.value == card.whole.scores["rmse"]
    assert "a" not in found.params
    with pytest.raises(ModelError, match="nothing to search: all that it searches is set") as error:
        api.tune("toy", "mine.py", trials=2, params={"a": value, "b": 1.0})
    words = shlex.split(error.value.hint.rpartition(": ")[2])
    settings = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
    assert model_file.parse_settings(settings) == {"a": value, "b": 1.0}


def test_a_hint_spells_settings_so_that_they_are_read_as_they_are(toy):
    values = {"text": "3", "word": "two words", "many": (1, 2), "no": None, "yes": True}
    ready = data.load(*api.load("toy"))
    file = model_file.find(toy, "line")
    subject = studies.Subject(data=ready, file=file, fixed=values, seed=0, pruner="", worker=None)
    words = shlex.split(subject.command("cv"))
    assert model_file.parse_settings(words[7::2]) == {**values, "many": [1, 2]}


@pytest.mark.slow
def test_a_declared_space_is_searched_like_a_written_one(write):
    written = points(api.tune("toy", write(), trials=6, pruner="none"))
    Path("mine.py").write_text(declaring())
    assert points(api.tune("toy", "mine.py", trials=6, pruner="none")) == written


def test_studies_are_listed_shown_written_and_deleted(write, podium_cli):
    none = podium_cli("studies", "toy")
    assert (none.status, none.out) == (0, "")
    assert "podium tune toy line --dataset demo --trials 50" in none.err
    label = api.tune("toy", write(), trials=3, pruner="none").study.rsplit("/", 1)[1]
    (study,) = podium_cli("studies", "toy", "--json").json
    assert (study["study"], study["model"], study["complete"]) == (label, "mine", 3)
    assert label in podium_cli("studies", "toy").out
    trials = podium_cli("studies", "toy", label, "--json").json
    assert [trial["state"] for trial in trials] == ["complete"] * 3
    assert min(trial["value"] for trial in trials) == study["value"]
    assert "complete" in podium_cli("studies", "toy", label).out
    assert podium_cli("studies", "toy", label, "--csv", "trials.csv").status == 0
    table = pd.read_csv("trials.csv")
    assert list(table["value"]) == [trial["value"] for trial in trials]
    assert table["params.a"][1] == trials[1]["params"]["a"]

    unknown = podium_cli("studies", "toy", "other")
    assert (unknown.status, "podium studies toy --dataset demo" in unknown.err) == (1, True)
    assert podium_cli("studies", "toy", "--delete").status == 1
    unasked = podium_cli("studies", "toy", label, "--delete")
    assert (unasked.status, "--delete --yes" in unasked.err) == (1, True)
    assert podium_cli("studies", "toy", label, "--delete", "--yes").status == 0
    assert api.studies("toy") == []


def test_a_study_that_is_searched_is_not_deleted(write):
    name = api.tune("toy", write(), trials=2, pruner="none").study
    with (
        kept.opened("toy/demo", name, None) as (storage, study),
        storage.searching(study),
        pytest.raises(PodiumError, match="is searching"),
    ):
        api.studies("toy", name, delete=True)
    assert len(api.studies("toy", name)) == 2
