"""The same model on one thread and on two: the same bytes, but for networks (docs/models.md)."""

import numpy as np
import pandas as pd
import pytest

from podium import api
from podium.competition import folders
from podium.verifying.under_test import DatasetUnderTest

NEAR = 0.2
"""Of the spread of its predictions: how far a network of one epoch is from itself, by root mean
square. Single values jump where last digits choose which cells are near (`dca`: by .37)."""


def trained(case, threads):
    """What each shipped model predicts of a few rows, and whether it trains by epochs."""
    limit = case.data.expected(len(case.tiny)).limit
    for model, worker in case.models(threads):
        params = worker.model.params
        quick = dict(worker.quick)
        quick |= {"epochs": 1} if "epochs" in params else {}
        quick |= {"num_threads": 0} if "num_threads" in params else {}
        done = worker.predict(quick, {"test": limit}, seed=0)
        yield model, "epochs" in params, pd.read_parquet(done.files["test"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dlpfc", "dti", "imputation", "maize", "response", "sirna"])
def test_models_predict_the_same_on_any_number_of_threads(name, cache, monkeypatch):
    monkeypatch.setenv("PODIUM_DATA", str(cache))
    assert name in folders.names()
    case = DatasetUnderTest(*api.load(name))
    for (model, network, one), (_, _, two) in zip(trained(case, 1), trained(case, 2), strict=True):
        figures = [n for n in one if n != "id" and pd.api.types.is_float_dtype(one[n])]
        if network and figures:  # in float32, sums in another order; docs/models.md says so
            first, second = (table[figures].to_numpy(np.float64) for table in (one, two))
            apart = np.abs(first - second) / first.std()
            assert np.sqrt(np.mean(apart**2)) <= NEAR, model
        else:
            assert one.equals(two), model
