"""The conformance suite over every competition and dataset, as `podium verify` runs it."""

from itertools import product

import pytest

from podium import api
from podium.competition import folders as competition
from podium.competition import version
from podium.data import dataset as data
from podium.errors import DataError
from podium.verifying import checks, verify
from podium.verifying.under_test import DatasetUnderTest


def cases():
    for name in competition.names():
        found = competition.load(name)
        for dataset in filter(lambda dataset: dataset.frozen, found.datasets):
            marks = [] if dataset.simulated else [pytest.mark.realdata, pytest.mark.slow]
            yield pytest.param(name, dataset.name, marks=marks, id=f"{name}-{dataset.name}")


@pytest.fixture(scope="module")
def prepared():
    return {}


DEAR = (
    *(checks.models_keep_the_contract, checks.spaces_yield_parameters),
    *(checks.answers_follow_from_raw_files, checks.bad_files_are_refused),
    *(checks.imports_are_light, checks.scores_do_not_depend_on_order),
    checks.perfect_beats_controls,
)
"""What trains, makes the data again or reads many files: quick for the toy alone."""


def checked():
    for case, check in product(cases(), verify.CHECKS):
        marks = [pytest.mark.slow] if check in DEAR and case.values[0] != "toy" else []
        name = f"{case.id}-{check.__name__}"
        yield pytest.param(*case.values, check, marks=[*case.marks, *marks], id=name)


@pytest.mark.parametrize(("name", "dataset", "check"), list(checked()))
def test_competition(name, dataset, check, prepared, raw_folder):
    key = (name, dataset)
    if key not in prepared:
        case = DatasetUnderTest(*api.load(name, dataset))
        if not case.dataset.simulated:
            data.get(case.competition, case.dataset, source=raw_folder(name))
        prepared[key] = case
    assert verify.judged(prepared[key], check).problem == ""


def test_unprepared_real_data_is_skipped_and_says_how_to_get_it(own_cache):
    verdicts = list(verify.verify("toy", "table"))
    assert [v.skipped for v in verdicts] == ["skipped: Get it: podium data toy --dataset table"]


def test_a_planted_fault_is_found(own_cache):
    case = DatasetUnderTest(*api.load("toy"))
    (case.data.folder / "public" / "test.parquet").write_bytes(b"")
    verdicts = {v.check: v.problem for v in verify.verify_dataset(case)}
    assert "test.parquet is missing or changed" in verdicts["checksums agree"]


def test_groups_that_straddle_are_found():
    case = DatasetUnderTest(*api.load("toy"))
    rows = case.groups
    train_group = rows.loc[rows["part"] == "train", "group"].iloc[0]
    rows.loc[(rows["part"] != "train") & (rows["stratum"] == "new"), "group"] = train_group
    assert any("are in train" in problem for problem in checks.groups_keep_apart(case))


def test_data_that_do_not_match_their_checksums_are_refused(own_cache, monkeypatch):
    toy, demo = api.load("toy")
    wrong = {"demo": {"data": "0" * 64, "split": "0" * 64}}
    monkeypatch.setattr(version, "checksums", lambda competition: wrong)
    with pytest.raises(DataError, match="does not match its checksums"):
        data.load(toy, demo)
