"""Declared parameters: read without running a file, checked before anything else."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from podium import api
from podium.competition import Parameter, defaults, folders, model_file
from podium.competition.parameters import Undeclared, checked, declared
from podium.errors import ModelError, UnknownNameError
from podium.learning import network_parameters, tree_parameters

SHIPPED = [
    (name, model)
    for name in sorted(set(folders.names()) - {"toy"})
    for model in folders.load(name).models
]
FILE = """
import no_such_package
from podium.competition import Parameter
from podium.learning import tree_parameters
CHOICES = ("a", "b")
PARAMETERS = {
    "shift": Parameter(0.5, "added to all", (-1.0, 1.0), search=(0.0, 1.0)),
    "kind": Parameter("a", "which", choices=CHOICES, search=True),
    "sizes": Parameter([*(1, 2)], "all at once", (1, 100)),
    "start": Parameter(-3, "where", (None, 9)),
    **tree_parameters(rounds=(40, 10, 90, "log")),
}
"""


def read(text, path="mine.py"):
    return declared(text.encode(), Path(path))


def wrong(known):
    """Values that a parameter must not take."""
    entry = known._entry
    values = ["many", float("nan"), float("inf"), -float("inf"), {"a": 1}, [[]], 10**30, -(10**30)]
    low, high = known.within
    if isinstance(entry, bool):
        values += [0, 1, -1, 0.5]
    elif isinstance(entry, int | float):
        if known.choices:
            low, high = min(known.choices), max(known.choices)
            values += [high - 1]
        values += [True, low - 1, high * 2, 1e9 if high < 1e9 else 1e300]
        values += [low + 0.5] if isinstance(entry, int) else []
    elif isinstance(entry, str):
        values += [True, 3, ""]
    else:
        values = [value for value in values if not isinstance(value, dict)]
    if isinstance(known._example, list):
        values = [*([value] for value in values), *values, []]
    elif isinstance(known._example, dict):
        values += [True, 3, [1]]
    else:
        values.append([known._example])
    return values if known.default is None else [*values, *([] if known.optional else [None])]


@pytest.mark.parametrize(("competition", "model"), SHIPPED)
def test_every_wrong_value_is_refused_in_one_sentence(competition, model):
    file = model_file.find(folders.load(competition), model)
    for name, known in file.parameters.items():
        for value in wrong(known):
            with pytest.raises(ModelError) as refused:
                file.with_params({name: value})
            said = str(refused.value)
            assert said == f"{name} of {model} is {known.allowed}, not {repr(value)[:80]}."
    with pytest.raises(UnknownNameError):
        file.with_params({"no_such_parameter": 1})


@pytest.mark.parametrize(("competition", "model"), SHIPPED)
def test_every_shipped_model_declares_what_it_is_given(competition, model):
    file = model_file.find(folders.load(competition), model)
    assert f"\n{model_file.DECLARED}" in file.source.decode()
    assert defaults(file.parameters) == file.params
    assert file.with_params(file.params).params == file.params
    assert all(known.what and "\n" not in known.what for known in file.parameters.values())
    assert b"DEFAULTS" not in file.source


@pytest.mark.parametrize(
    ("call", "competition", "model", "params"),
    [
        ("run", "sirna", "lightgbm", {"rounds": "many"}),
        ("cross_validate", "sirna", "lightgbm", {"leave_new_genes": "many"}),
        ("tune", "sirna", "lightgbm", {"num_threads": 1_000_000_000}),
        ("predict", "sirna", "seqnet", {"validation": -1}),
        ("run", "sirna", "gru", {"hidden": 0}),
        ("cross_validate", "maize", "basenji_small", {"networks": -1}),
        ("tune", "maize", "kmer_ridge", {"groups": ["x"]}),
        ("predict", "dlpfc", "ae_kmeans", {"starts": 0}),
    ],
)
def test_no_data_are_read_for_a_wrong_value(call, competition, model, params, monkeypatch):
    def unreadable(*_):
        raise AssertionError("data are read")

    monkeypatch.setattr("podium.data.dataset.load", unreadable)
    monkeypatch.setattr("podium.execution.starting.prepare", lambda *_: None)
    more = {"tune": {"trials": 1}, "predict": {"rows": "rows.csv"}}.get(call, {})
    (name,) = params
    with pytest.raises(ModelError, match=f"{name} of {model} is "):
        getattr(api, call)(competition, model, params=params, **more)


@pytest.mark.slow
def test_a_wrong_value_costs_no_heavy_import(workspace):
    code = (
        "import sys\nfrom podium import cli\n"
        "sys.argv = ['podium', 'run', 'sirna', 'lightgbm', '--set', 'rounds=many']\n"
        "try:\n    cli.main()\nexcept SystemExit as stop:\n    assert stop.code == 1\n"
        "heavy = {'torch', 'lightgbm', 'sklearn', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (
        "rounds of lightgbm is a whole number from 1 to 100,000, or None, not 'many'" in done.stderr
    )


def test_a_file_is_read_without_being_run():
    known = read(FILE)
    assert defaults(known) == {
        "shift": 0.5,
        "kind": "a",
        "sizes": [1, 2],
        "start": -3,
        "rounds": 40,
        "num_threads": 0,
    }
    assert known["kind"].allowed == "one of a, b"
    assert known["start"].allowed == "a whole number of 9 or less"
    assert known["rounds"].searched == "10 to 90 log"
    assert read("DEFAULTS = {}") is None
    assert read("PARAMETERS = {") is None  # its process says where


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{'a': Parameter(len('x'), 'x')}", r"line 8: len is not known|len\(...\) would have"),
        ("{'a': Parameter(1 + 1, 'x')}", r"line 8: 1 \+ 1 would have to be computed"),
        ("{'a': __import__('os').system('touch owned')}", r"would have to be run"),
        ("{'a': unlink('x')}", "unlink is not known without running it"),
        ("{'a': Settings(epochs=1)}", "Settings is not known without running it"),
        ("{'a': Parameter(5, 'x', (1, 3))}", "its default is 5, and a whole number from 1 to 3"),
        ("{'a': Parameter(2, 'x', (1, 3), search=(0, 3))}", "an end of its search is 0"),
        ("{'a': Parameter(2, 'x', 1, 3)}", r"within is \(low, high\)"),
        ("{'a': Parameter(2, 'x', search=(0, 3, 'log'))}", "above 0"),
        ("{'a': Parameter(2, 'x', search=True)}", "and there are none"),
        ("{'a': Parameter([2], 'x', (1, 9), search=(2, 3))}", "no search tries lists"),
        ("{'a': Parameter(None, 'x')}", "leaves the type open"),
        ("{'a': Parameter(what='x')}", "missing 1 required positional argument"),
        ("{'a': 3}", "is no dict of names and Parameter"),
        ("[Parameter(1)]", "is no dict of names and Parameter"),
        ("tree_parameters(round=3)", "round: known are rounds, "),
        ("{[]: 3}", "cannot be read"),
    ],
)
def test_what_is_no_declaration_is_said(value, said, workspace):
    text = "\n".join(
        [
            "from os import unlink",
            "from podium.competition import Parameter",
            "from podium.learning import Settings, tree_parameters",
            "",
            "",
            "# a file of somebody's",
            "",
            f"PARAMETERS = {value}",
        ]
    )
    with pytest.raises(ModelError, match=said) as refused:
        read(text)
    assert str(refused.value).startswith("mine.py: PARAMETERS ")
    assert not Path("owned").exists()


def test_values_are_taken_as_what_they_stand_for():
    known = {
        "whole": Parameter(3, "x", (1, 10)),
        "share": Parameter(0.5, "x", (0.0, 1.0)),
        "many": Parameter([1.0], "x", (0.0, 9.0)),
        "pair": Parameter((1, 2), "x"),
        "flag": Parameter(True, "x"),
        "old": Undeclared(3),
        "nested": Parameter({}, "x"),
    }
    given = {
        "whole": np.int64(4),
        "share": 1,
        "many": np.array([2, 3]),
        "pair": [5, 6],
        "flag": np.bool_(False),
        "old": np.float32(2.5),
        "nested": {"a": (np.float64(1.0),)},
    }
    taken = checked("mine", known, given)
    assert taken == {
        "whole": 4,
        "share": 1.0,
        "many": [2.0, 3.0],
        "pair": (5, 6),
        "flag": False,
        "old": 2.5,
        "nested": {"a": (1.0,)},
    }
    assert type(taken["share"]) is float
    assert json.dumps(taken)
    assert checked("mine", known, {"whole": 4.0})["whole"] == 4
    endless = []
    endless.append(endless)
    with pytest.raises(ModelError):
        checked("mine", {"old": Undeclared([1])}, {"old": endless})


def test_shared_declarations_say_what_they_know():
    known = network_parameters(epochs=3, learning_rate=(1e-3, 1e-4, 1e-2, "log"))
    assert list(known) == ["epochs", "learning_rate", "device"]
    assert known["learning_rate"].searched == "0.0001 to 0.01 log"
    assert tree_parameters(rounds=(None, 1, 9))["rounds"].default is None
    with pytest.raises(ValueError, match="leaves: known are rounds"):
        tree_parameters(leaves=3)


def test_members_of_a_stack_are_checked_too():
    from podium.competition.model_file import load

    stack = load(folders.load("sirna"), "stack")
    for members, said in [
        ({"ridge": {"alpha": "many"}}, "alpha of ridge is a number from 0 to"),
        ({"ridge": {"alph": 1}}, "Did you mean 'alpha'"),
        ({"ridge": 3}, "Changes to ridge are an object, not 3"),
        ({"nobody": {}}, "cannot be made of nobody"),
    ]:
        with pytest.raises((ModelError, UnknownNameError), match=said):
            stack.with_params({"members": members}).build(0)


HEAD = "from podium.competition import Parameter\nfrom podium.learning import tree_parameters\n"


def test_stars_in_calls_are_read():
    known = read(
        HEAD
        + "OPT = {'what': 'w', 'within': (0, 9)}\nB = {'rounds': 5}\n"
        + "PARAMETERS = {'a': Parameter(5, **OPT), **tree_parameters(**B)}"
    )
    assert known["a"] == Parameter(5, "w", (0, 9))
    assert known["rounds"].default == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("OPT = 3\nPARAMETERS = {'a': Parameter(5, **OPT)}", "line 4: OPT is no dict"),
        ("PARAMETERS = {'a': Parameter(5, what='x', **{'what': 'y'})}", "more than once"),
        # what changes on the way
        ("N = 5\nPARAMETERS = {'a': Parameter(N)}\nN = 7", "line 4: N is .*: lines 3, 5"),
        ("PARAMETERS = {}\nif True:\n    PARAMETERS = {}", "lines 3, 5"),
        ("PARAMETERS = {}\nPARAMETERS |= {'a': Parameter(1)}", "lines 3, 4"),
        ("PARAMETERS = {}\nPARAMETERS['a'] = Parameter(1)", "lines 3, 4"),
        ("N = 1\nfor N in (2, 3):\n    pass\nPARAMETERS = {'a': Parameter(N)}", "lines 3, 4"),
        ("if True:\n    PARAMETERS = {}", "line 4: PARAMETERS is not known without running"),
        # a short text that stands for much
        ("S = 'abc'\nPARAMETERS = {'a': Parameter('a', choices=[*S])}", "S is no list"),
        (
            f"A = [0]\nPARAMETERS = {{'a': Parameter([{'*A, ' * 50_000}])}}",
            "more than 100,000 values",
        ),
        (
            "A0 = [1]\n"
            + "".join(f"A{i + 1} = [{f'*A{i}, ' * 10}]\n" for i in range(10))
            + "PARAMETERS = {'a': Parameter(A10)}",
            "more than 100,000 values",
        ),
        (
            f"S = '{'a' * 1000}'\nPARAMETERS = {{'a': Parameter([{'S, ' * 1000}])}}",
            "more than 100,000 values and characters",
        ),
        # values that are none
        ("PARAMETERS = {**'ab'}", "'ab' is no dict"),
        ("PARAMETERS = {'a': Parameter(5, 7)}", "what is one line of text"),
        ("PARAMETERS = {'a': Parameter(...)}", "a value cannot be recorded: neither number"),
        ("PARAMETERS = {'a': Parameter(b'a')}", "a value cannot be recorded: neither number"),
        ("PARAMETERS = {'a': Parameter(5j)}", "a value cannot be recorded: neither number"),
        ("PARAMETERS = {'a': Parameter(1e999)}", "a value cannot be recorded: a figure"),
        (f"PARAMETERS = {{'a': Parameter(0x{'f' * 6000})}}", "of thousands of digits"),
        (f"PARAMETERS = {{'a': Parameter(5, 'w', (-0x{'f' * 6000}, 9))}}", "thousands of digits"),
        ("PARAMETERS = {'a': Parameter(5, 'w', ('a', 9))}", "of numbers or None"),
        ("PARAMETERS = {'a': Parameter('mean', choices=('mean'))}", "choices is a list"),
    ],
)
def test_what_a_text_cannot_say_is_a_fault_of_the_file(text, said):
    with pytest.raises(ModelError, match=said) as refused:
        read(HEAD + text)
    assert str(refused.value).startswith("mine.py: PARAMETERS cannot be read: ")


def test_the_same_import_twice_is_no_change():
    known = read(HEAD * 2 + "PARAMETERS: dict\nPARAMETERS = {'a': Parameter(5)}")
    assert known["a"].default == 5


@pytest.mark.parametrize("depth", [900, 3000, 100_000])
def test_a_deep_text_is_no_fault_of_podium(depth, tmp_path):
    path = tmp_path / "deep.py"
    path.write_text(f"X = {'-' * depth}1\nPARAMETERS = {{}}\n")
    file = model_file.find(folders.load("sirna"), path)
    assert file.summary == "" or file.summary.startswith("broken: ")


@pytest.mark.parametrize(
    "change",
    [
        "PARAMETERS.update(b=Parameter(1))",
        "PARAMETERS.clear()",
        "globals()['PARAMETERS'] = {'a': Parameter(5.0)}",
    ],
)
def test_what_the_module_has_is_what_its_text_says(change, tmp_path):
    path = tmp_path / "mine.py"
    text = HEAD + "PARAMETERS = {'a': Parameter(5)}\n"
    build = "def build(params, seed): ...\n"
    path.write_text(text + build)
    assert model_file.load(folders.load("sirna"), path).params == {"a": 5}
    path.write_text(text + change + "\n" + build)
    with pytest.raises(ModelError, match="PARAMETERS is not what the file's text says"):
        model_file.load(folders.load("sirna"), path)


def test_a_function_of_numpy_is_refused_as_a_value():
    with pytest.raises(ModelError, match="shift of mine is a number, not <ufunc"):
        checked("mine", {"shift": Parameter(0.5)}, {"shift": np.log1p})
    with pytest.raises(ModelError, match="cannot be recorded"):
        checked("mine", {"old": Undeclared(None)}, {"old": np.log1p})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"choices": "mean"}, "choices is a list"),
        ({"what": 7}, "what is one line"),
        ({"like": ...}, "cannot be recorded"),
        ({"within": (0.0, float("inf"))}, "cannot be recorded"),
    ],
)
def test_a_parameter_is_made_of_what_can_be_kept(given, said):
    with pytest.raises((TypeError, ValueError), match=said):
        Parameter("mean", **given)
