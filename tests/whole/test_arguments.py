"""Arguments of a wrong type are refused in one sentence, before any work."""

import inspect

import numpy as np
import pytest

import podium
from podium.errors import PodiumError

WRONG = {
    "run: name is text, not 5": lambda: podium.run("toy", "line", name=5),
    "run: seed is from 0 to 4294967295, not -1": lambda: podium.run("toy", "line", seed=-1),
    "run: params is a mapping of names to values, not 'a=3'": lambda: podium.run(
        "toy", "line", params="a=3"
    ),
    "run: dask is text, not 5": lambda: podium.run("toy", "line", dask=5),
    "cross_validate: seeds is 1 or more, not 0": lambda: podium.cross_validate(
        "toy", "line", seeds=0
    ),
    "cross_validate: seeds is a whole number, not 1.5": lambda: podium.cross_validate(
        "toy", "line", seeds=1.5
    ),
    "cross_validate: jobs is a whole number, not '2'": lambda: podium.cross_validate(
        "toy", "line", jobs="2"
    ),
    "run: limit_time is a number, not 'x'": lambda: podium.run("toy", "line", limit_time="x"),
    "tune: trials is a whole number, not 'x'": lambda: podium.tune("toy", "line", trials="x"),
    "tune: there is no argument 'trial'; known: trials": lambda: podium.tune(
        "toy", "line", trial=3
    ),
    "tune: model is a model's name or a model file, not 5": lambda: podium.tune("toy", 5, trials=3),
    "predict: rows is a file or a pandas DataFrame, not [1, 2]": lambda: podium.predict(
        "toy", "line", [1, 2]
    ),
    "predict: tables['lines'] is a file or a pandas DataFrame, not 5": lambda: podium.predict(
        "toy", "line", "rows.csv", tables={"lines": 5}
    ),
    "report: out is a path or text, not 5": lambda: podium.report(out=5),
    "import_records: file is a path or text, not 5": lambda: podium.import_records(5),
    "submit: message is text, not 5": lambda: podium.submit("toy", "p.csv", message=5),
    "compare: submissions is text, not 5": lambda: podium.compare("toy", "a", 5),
    "new: table is a path or text, not 5": lambda: podium.new("mine", table=5),
    "standings: top is a whole number, not 'x'": lambda: podium.standings("toy", top="x"),
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_argument_is_refused_in_one_sentence(words):
    with pytest.raises(PodiumError) as error:
        WRONG[words]()
    assert str(error.value).startswith(f"podium.{words}")


def test_all_wrong_arguments_are_named():
    with pytest.raises(PodiumError) as error:
        podium.run("toy", "line", name=5, seed="x")
    assert str(error.value).startswith("podium.run: seed is a whole number, not 'x'.")
    assert error.value.problems == ("name is text, not 5",)


def test_every_public_call_is_checked():
    calls = [getattr(podium, name) for name in podium.__all__]
    assert all(hasattr(c, "__wrapped__") for c in calls if inspect.isfunction(c))


def test_numbers_of_numpy_are_numbers(toy):
    assert podium.cross_validate("toy", "line", seed=np.int64(0), seeds=np.int32(1)).card
