"""Sequences and extra rows: in the files of a dataset, and in what a model is given."""

import numpy as np
import pandas as pd
import pytest

from podium import api
from podium.competition import model_file as model
from podium.competition.sequences import Sequences
from podium.data import dataset as data
from podium.data.dataset import Prepared
from podium.execution import folds as out_of_fold
from podium.execution import views
from podium.execution.training import Folds
from podium.execution.worker import Limits
from podium.verifying import checks
from podium.verifying.under_test import DatasetUnderTest

PARTS = ["train"] * 24 + ["public"] * 4 + ["private"] * 8 + ["extra"] * 10 + ["unused"] * 3
FOLDS = [*(np.arange(24) % 3), *[None] * 12, *(np.arange(10) % 3), *[None] * 3]


def prepared():
    count = len(PARTS)
    rng = np.random.default_rng(0)
    ids = pd.Series([f"r{row}" for row in range(count)])
    texts = ["".join(rng.choice(list("ACGTN"), 12)) for _ in range(count)]
    return Prepared(
        features=pd.DataFrame({"id": ids, "x": rng.normal(size=count)}),
        targets=pd.DataFrame({"id": ids, "y": rng.normal(size=count)}),
        groups=pd.DataFrame(
            {"id": ids, "group": [f"g{p}{f}" for p, f in zip(PARTS, FOLDS, strict=True)]}
        ),
        sequences=Sequences.of(texts, ids),
    )


@pytest.fixture
def made(own_cache, monkeypatch):
    """A toy dataset with sequences and extra rows, and what it was made of."""
    rows = prepared()
    split = pd.DataFrame({"id": rows.features["id"], "part": PARTS, "fold": FOLDS})
    table = split.assign(stratum="new").to_csv(index=False).encode()
    monkeypatch.setattr(data, "build", lambda *_, **__: rows)
    monkeypatch.setattr(data, "split_table", lambda *_: table)
    monkeypatch.setattr(data, "differences", lambda *_: [])
    return api.prepare("toy"), rows


def test_each_part_has_its_rows(made):
    ready, rows = made
    train, test, texts = ready.train(), ready.part("test"), np.array(rows.sequences.texts())
    part = np.array(PARTS)
    assert train.sequences.texts() == texts[part == "train"].tolist()
    assert test.sequences.texts() == texts[np.isin(part, ["public", "private"])].tolist()
    assert test.extra is None
    assert train.extra.sequences.texts() == texts[part == "extra"].tolist()
    y = rows.targets["y"].to_numpy()
    assert train.extra.targets["y"].tolist() == y[part == "extra"].tolist()
    assert train.extra.folds.tolist() == [
        f for p, f in zip(PARTS, FOLDS, strict=True) if p == "extra"
    ]


def test_unused_rows_are_nowhere(made):
    ready, _ = made
    unused = {f"r{row}" for row, part in enumerate(PARTS) if part == "unused"}
    for name in ready.manifest["files"]:
        if name.endswith(".parquet"):
            assert not unused & set(ready.table(name)["id"])


def test_a_held_out_fold_is_held_out_of_the_extra_rows(made):
    train = made[0].train()
    some = train.take(train.folds != 1)
    assert set(some.extra.folds) == {0, 2}
    assert len(some.extra) == (train.extra.folds != 1).sum()
    assert some.without_answers().extra is None
    assert len(train.take(np.array([0])).extra) == (train.extra.folds == 0).sum()


def test_cross_validation_gives_no_extra_rows_of_the_held_out_fold(made, workspace):
    (workspace / "seen.py").write_text(SEEN)
    ready, _ = made
    found = out_of_fold.cross_validate(
        ready, model.find(ready.competition, "seen.py"), params={}, limits=Limits()
    )
    assert len(found.predictions) == 24


def test_groups_that_are_held_out_are_held_out_of_the_extra_rows(made, tmp_path):
    ready = made[0]
    folds = Folds.of(ready, "group")
    folds.train.extra.groups["group"] = folds.train.groups["group"].iloc[:10].to_numpy()
    for fold in folds.numbers:
        seen = views.of_fold(folds, fold, tmp_path / str(fold)).data.train()
        held = set(folds.train.groups.loc[folds.fold == fold, "group"])
        assert not held & set(seen.groups["group"])
        kept = folds.train.extra.ids[~folds.train.extra.groups["group"].isin(held)]
        assert list(seen.extra.ids) == list(kept)
        assert 0 < len(kept) < 10


def test_the_conformance_suite_looks_at_extra_rows(made):
    ready, _ = made
    case = DatasetUnderTest(ready.competition, ready.dataset)
    case.__dict__["data"] = ready
    assert list(checks.parts_are_disjoint_and_complete(case)) == []
    assert list(checks.answers_are_apart(case)) == []
    assert list(checks.groups_keep_apart(case)) == []
    leaked = case.groups.assign(group="g1")
    case.__dict__["groups"] = leaked
    assert any("are in train" in line for line in checks.groups_keep_apart(case))


def test_the_fingerprint_sees_sequences():
    rows = prepared()
    other = rows.sequences.codes.copy()
    other[3, 4] = (other[3, 4] + 1) % 5
    changed = Prepared(**{**vars(rows), "sequences": Sequences(other)})
    assert data.fingerprint(rows) == data.fingerprint(prepared())
    assert data.fingerprint(rows) != data.fingerprint(changed)


SEEN = """
import numpy as np
import pandas as pd
DEFAULTS = {}
def build(params, seed):
    return Seen()
def space(trial):
    return {}
class Seen:
    def fit(self, train, report=None):
        self.folds = set(train.extra.folds)
        assert self.folds == set(train.folds)
        assert len(self.folds) == 2
    def predict(self, part):
        assert part.extra is None
        return pd.DataFrame({"id": part.ids, "y": 0.0})
"""
