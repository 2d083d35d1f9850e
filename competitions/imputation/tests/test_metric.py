"""The metric against the report's own evaluation, scikit-learn and figures by hand."""

import numpy as np
import pytest
from podium.competitions.imputation import metric as rooms
from podium.competitions.imputation.competition import competition
from podium.competitions.imputation.metric import Sums, finish, metric, statistics
from scipy.sparse import csr_array
from sklearn.metrics import f1_score, matthews_corrcoef, precision_score, recall_score

from podium.metrics.stats import Cells, Tally

FORMS = {"dense": np.asarray, "sparse": csr_array}


def matrices(seed=0, shape=(40, 30), dropout=0.4, called=0.5):
    """Truth, observed and imputed counts; what was seen is as it was."""
    rng = np.random.default_rng(seed)
    truth = rng.negative_binomial(1, 0.2, shape)
    observed = np.where(rng.random(shape) < dropout, 0, truth)
    guess = rng.gamma(1.0, 4.0, shape) * (rng.random(shape) < called)
    return truth, observed, np.where(observed == 0, guess, observed)


def tables(truth, observed, imputed, form=np.asarray):
    solution = {"count": csr_array(truth), "observed": csr_array(observed)}
    return solution, {"count": form(imputed)}


def the_report(truedata, data, after):
    """The report's evaluation, line by line, without its `floor`; NumPy for PyTorch."""
    iszero = data == 0
    true_drop_out_mask = iszero * ((truedata - data) != 0)
    predict_dropout_mask = iszero * (after > 0)
    predict_correct = (predict_dropout_mask * true_drop_out_mask).sum()
    distance = np.sqrt(np.square(truedata - after).sum())
    return {
        "precision": predict_correct / predict_dropout_mask.sum(),
        "recall": predict_correct / true_drop_out_mask.sum(),
        "distance": distance,
        "ratio": distance / np.sqrt(np.square(truedata - data).sum()),
        "distance_before": np.sqrt(np.square(truedata - data).sum()),
        "called": predict_dropout_mask.sum(),
        "dropouts": true_drop_out_mask.sum(),
        "zeros": iszero.sum(),
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(20))
def test_equal_to_the_report_and_to_scikit_learn(seed, form):
    truth, observed, imputed = matrices(seed, dropout=0.1 + 0.04 * seed, called=0.95 - 0.04 * seed)
    scores = metric.score(*tables(truth, observed, imputed, FORMS[form]))
    zero = observed == 0
    labels = (truth > 0)[zero], (imputed > 0)[zero]
    lost = zero & (truth > 0)
    expected = {
        **the_report(truth, observed, imputed),
        "f1": f1_score(*labels),
        "mcc": matthews_corrcoef(*labels),
        "log1p_rmse": np.sqrt(np.mean((np.log1p(truth) - np.log1p(imputed))[lost] ** 2)),
    }
    assert scores == pytest.approx(expected, abs=1e-9)
    assert scores["precision"] == pytest.approx(precision_score(*labels), abs=1e-12)
    assert scores["recall"] == pytest.approx(recall_score(*labels), abs=1e-12)


def test_by_hand():
    # The example of the README: of six zeros three are dropouts; two are called, one rightly.
    truth = [[4, 0, 2, 1], [0, 3, 0, 5]]
    observed = [[0, 0, 2, 0], [0, 3, 0, 0]]
    imputed = [[3, 0, 2, 0], [0, 3, 2, 0]]
    scores = metric.score(*tables(*map(np.array, (truth, observed, imputed))))
    assert scores["precision"] == pytest.approx(1 / 2)
    assert scores["recall"] == pytest.approx(1 / 3)
    assert scores["f1"] == pytest.approx(2 / 5)
    assert scores["mcc"] == pytest.approx((1 * 6 - 2 * 3) / np.sqrt(2 * 3 * 4 * 3))
    assert scores["distance"] == pytest.approx(np.sqrt(1 + 1 + 4 + 25))
    assert scores["ratio"] == pytest.approx(np.sqrt(31 / 42))
    log_error = [np.log(5 / 4), np.log(2), np.log(6)]
    assert scores["log1p_rmse"] == pytest.approx(np.sqrt(np.mean(np.square(log_error))))


def test_the_answers_are_perfect():
    truth, observed, _ = matrices()
    scores = metric.score(*tables(truth, observed, truth))
    assert scores["called"] == scores["dropouts"]
    assert {s.name: scores[s.name] for s in competition.scores if s.perfect is not None} == {
        "f1": 1.0,
        "mcc": 1.0,
        "precision": 1.0,
        "recall": 1.0,
        "ratio": 0.0,
        "distance": 0.0,
        "log1p_rmse": 0.0,
    }


def test_entries_that_were_seen_do_not_count():
    truth, observed, imputed = matrices()
    expected = metric.score(*tables(truth, observed, imputed))
    other_truth = np.where(observed == 0, truth, truth + 7)
    other_guess = np.where(observed == 0, imputed, 1000.0)
    assert metric.score(*tables(other_truth, observed, other_guess)) == expected


@pytest.mark.parametrize("imputed", [0.0, 2.0])
@pytest.mark.parametrize("truth", [0, 3])
@pytest.mark.parametrize("observed", [0, 3])
def test_every_score_is_finite(truth, observed, imputed):
    if observed:
        truth = observed
    shape = (3, 4)
    scores = metric.score(*tables(*(np.full(shape, value) for value in (truth, observed, imputed))))
    assert np.isfinite(list(scores.values())).all()
    nothing = metric.score(*tables(*(np.zeros((0, 4)) for _ in range(3))))
    assert set(nothing.values()) == {0.0}


def test_nothing_called_and_nothing_lost():
    truth, observed, _ = matrices()
    none = metric.score(*tables(truth, observed, observed))
    assert (none["f1"], none["mcc"], none["precision"], none["recall"]) == (0, 0, 0, 0)
    assert none["ratio"] == 1.0
    whole = metric.score(*tables(truth, truth, np.where(truth == 0, 2, truth)))
    assert whole["ratio"] == whole["distance"] > 0


def test_blocks_and_groups_left_out(monkeypatch):
    truth, observed, imputed = matrices()
    solution, predictions = tables(truth, observed, imputed)
    whole = statistics(solution, predictions, None)
    monkeypatch.setattr(rooms, "BLOCK", 70)  # two rows
    assert (statistics(solution, predictions, None) == whole).all()
    estimate = Tally.of(metric, solution, predictions, Cells.of(np.arange(40))).estimate("f1")
    left = finish(whole.sum(axis=0) - whole, None)["f1"]
    one = metric.score(*tables(truth[1:], observed[1:], imputed[1:]))["f1"]
    assert left[0] == pytest.approx(one)
    assert estimate.influence == pytest.approx(39 * (left.mean() - left), rel=1e-4)


def test_float32_is_summed_in_float64():
    truth, observed, imputed = matrices()
    narrow = imputed.astype(np.float32)
    scores = metric.score(*tables(truth, observed, narrow))
    assert scores == metric.score(*tables(truth, observed, narrow.astype(np.float64)))


def test_sums_have_their_names():
    truth, observed, imputed = matrices()
    sums = Sums(*statistics(*tables(truth, observed, imputed), None).T)
    assert (sums.zeros == (observed == 0).sum(axis=1)).all()
    assert (sums.before == ((truth - observed) ** 2).sum(axis=1)).all()
