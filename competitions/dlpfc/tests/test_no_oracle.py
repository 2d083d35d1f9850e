"""No model sees the labels that it is scored on: other hidden labels change no prediction."""

import dataclasses

import numpy as np
import pytest
from podium.competitions.dlpfc.data import simulate

from podium import api
from podium.competition import folders as competition
from podium.competition import model_file as model
from podium.competition import version
from podium.data import dataset as data
from podium.execution import training

MODELS = competition.load("dlpfc").models


def thin(part):
    """About 400 rows of a part, taken evenly."""
    thinned = part.take(np.arange(0, len(part), max(1, len(part) // 400)))
    return dataclasses.replace(thinned, extra=thinned.extra and thin(thinned.extra))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Thinned train and test parts of the demo as it is, and with its hidden labels permuted."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PODIUM_DATA", str(tmp_path_factory.mktemp("honest")))
    honest = data.load(*api.load("dlpfc"))
    patch.setenv("PODIUM_DATA", str(tmp_path_factory.mktemp("permuted")))
    patch.setattr(version, "checksums", lambda competition: {})
    made = simulate.demo()
    hidden = ~made.targets["id"].str.startswith("d1").to_numpy()
    targets = made.targets.copy()
    labels = targets.loc[hidden, "domain"].to_numpy()
    targets.loc[hidden, "domain"] = np.random.default_rng(0).permutation(labels)
    permuted = dataclasses.replace(made, targets=targets)
    patch.setattr(simulate, "demo", lambda: permuted)
    changed = data.load(*api.load("dlpfc"))
    patch.undo()
    assert changed.version.data != honest.version.data
    return [(thin(ready.train()), thin(ready.part("test"))) for ready in (honest, changed)]


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_permuted_hidden_labels_change_no_prediction(name, parts):
    file = model.load(competition.load("dlpfc"), name)
    file = file.with_params(getattr(file.module, "QUICK", {}))
    first, second = (
        training.predict(file, training.fit(file, file.build(0), train), test)
        for train, test in parts
    )
    assert first.equals(second)
