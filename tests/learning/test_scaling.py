"""Standardisation within domains."""

import numpy as np
import pytest

from podium.learning import standardised

DOMAIN = np.repeat(["lines", "patients", "mice"], (40, 25, 35))


def values(dtype=np.float64):
    rng = np.random.default_rng(0)
    shift = {"lines": 0.0, "patients": 50.0, "mice": -3.0}
    add = np.array([shift[name] for name in DOMAIN])[:, None]
    return ((1 + np.abs(add)) * rng.normal(size=(100, 6)) + add).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_domain_has_mean_0_and_variance_1(dtype):
    scaled = standardised(values(dtype), DOMAIN)
    assert scaled.dtype == dtype
    for name in set(DOMAIN):
        rows = scaled[name == DOMAIN]
        np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(rows.std(axis=0), 1, rtol=1e-5)


def test_a_domain_is_untouched_by_the_others():
    alone = standardised(values()[:40])
    np.testing.assert_allclose(standardised(values(), DOMAIN)[:40], alone, rtol=1e-12)
    np.testing.assert_allclose(standardised(values()), standardised(values(), np.zeros(100)))


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9, -1e-9])
def test_what_is_constant_in_a_domain_is_0_there(constant):
    table = values(np.float32)
    table[:40, 2] = constant
    scaled = standardised(table, DOMAIN)
    assert (scaled[:40, 2] == 0).all()
    assert np.isfinite(scaled).all()
    assert scaled[40:, 2].std() > 0.5


def test_small_values_vary_too_and_a_domain_of_one_row_is_0():
    scaled = standardised(1e-9 * values()[:40])
    np.testing.assert_allclose(scaled.std(axis=0), 1)
    assert (standardised(values()[:1]) == 0).all()
    assert standardised(values()[:0]).shape == (0, 6)
