"""`san` and `dann`: their losses by hand, what is watched, and what happens when adapting fails."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from podium.competitions.dlpfc.shared.labelled import most_probable  # noqa: E402
from podium.competitions.dlpfc.shared.transfer import Outcome  # noqa: E402

san, dann = (import_module(f"podium.competitions.dlpfc.models.{name}") for name in ("san", "dann"))


def outputs() -> tuple[Any, Any, Any]:
    """Logits, what discriminators say, and which rows are of the target: 5 rows, 3 labels."""
    rng = np.random.default_rng(0)
    logits, told = (torch.tensor(rng.normal(size=(5, 3)), requires_grad=True) for _ in range(2))
    return logits, told, torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0], dtype=torch.float64)


def test_the_loss_of_san_is_that_of_the_paper_term_by_term() -> None:
    logits, told, target = outputs()
    z, d, t = logits.detach().numpy(), told.detach().numpy(), target.numpy()
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    present = [np.mean([p[i, k] for i in range(5) if t[i]]) for k in range(3)]
    domain = 0.0
    for i in range(5):
        for k in range(3):
            says = 1 / (1 + np.exp(-d[i, k]))
            error = -np.log(says if t[i] else 1 - says)
            domain += present[k] * p[i, k] * error / 5
    entropy = np.mean([-(p[i] * np.log(p[i])).sum() for i in range(5) if t[i]])
    value = san.loss(logits, told, target, entropy=0.3)
    assert value.item() == pytest.approx(domain + 0.3 * entropy, rel=1e-12)


def test_weights_let_no_gradient_through() -> None:
    logits, told, target = outputs()
    san.loss(logits, told, target, entropy=0.0).backward()
    assert logits.grad is None or not logits.grad.any()
    assert told.grad.abs().min() > 0


def test_the_entropy_is_that_of_the_target_alone() -> None:
    logits, told, target = outputs()
    san.loss(logits, told.detach(), target, entropy=1.0).backward()
    assert not logits.grad[:2].any()
    assert logits.grad[2:].any(dim=1).all()


def test_a_label_that_the_target_lacks_pulls_at_no_row() -> None:
    logits, told, target = outputs()
    logits.data[2:, 0] = -40.0
    san.loss(logits, told, target, entropy=0.1).backward()
    assert told.grad[:, 0].abs().max() < 1e-12
    assert told.grad[:, 1:].abs().min() > 1e-4


def test_the_loss_of_dann() -> None:
    logits, told, target = outputs()
    says = torch.where(target > 0, told[:, 0].sigmoid(), 1 - told[:, 0].sigmoid())
    torch.testing.assert_close(dann.loss(logits, told[:, :1], target), -says.log().mean())


@pytest.mark.parametrize("model", [san, dann])
def test_a_batch_of_one_domain_has_finite_gradients(model: Any) -> None:
    options = {"entropy": 0.1} if model is san else {}
    for target in (torch.zeros(5), torch.ones(5)):
        logits, told, _ = outputs()
        model.loss(logits, told, target, **options).backward()
        assert torch.isfinite(told.grad).all()
        assert logits.grad is None or torch.isfinite(logits.grad).all()


def sure(labels: list[int], confidence: float = 0.9) -> np.ndarray:
    """Probabilities of four labels, with one of them likely in each row."""
    rest = (1 - confidence) / 3
    return np.where(np.eye(4, dtype=bool)[labels], confidence, rest).astype(np.float32)


BEFORE = sure([0, 1, 2, 3] * 25)


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        (BEFORE, ""),
        (sure([0, 1, 2, 0] * 25, 0.97), ""),
        (sure([1] * 100, 0.99), "labels are left"),
        (sure([0, 1, 2, 3] * 25, 0.6), "less sure"),
        (sure([1, 2, 0, 0] * 25, 0.97), "keep their label"),
    ],
)
def test_what_is_watched(after: np.ndarray, problem: str) -> None:
    outcome = Outcome(np.arange(100), 3, BEFORE, after)
    assert problem in outcome.problem
    assert bool(problem) == bool(outcome.problem)


def test_more_layers_than_there_are_is_not_trusted() -> None:
    before = sure([0, 1, 2, 0] * 25, 0.97)
    assert "more layers" in Outcome(np.arange(100), 3, before, BEFORE).problem


def test_a_slice_has_as_many_labels_as_domains() -> None:
    probability = sure([0, 0, 0, 1, 1, 2, 3])
    assert set(most_probable(probability, 4)) == {0, 1, 2, 3}
    assert set(most_probable(probability, 2)) == {0, 1}
    assert set(most_probable(probability, 9)) == {0, 1, 2, 3}


@pytest.mark.slow
def test_adapting_pays_on_donor_2_of_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accuracy and ARI of each spot's most probable label, and the share in absent layers."""
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "benchmarks")
    adaptation = import_module("adaptation")
    parts = adaptation.donors(adaptation.simulate.SEED)
    table, _ = adaptation.measured(parts, ["dann", "san"], ["d2"], 1, {})
    accuracy, ari, absent = (
        {name: table["d2", name][0][place] for name in ("plain", "dann", "san")}
        for place in (2, 3, 4)
    )
    assert accuracy["san"] > 0.73
    assert ari["san"] > 0.59
    for figure in (accuracy, ari):
        assert figure["san"] > figure["plain"] > figure["dann"]
    assert absent["san"] < absent["plain"] < absent["dann"]
