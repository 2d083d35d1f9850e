"""Training neural networks: one loop for all neural models.

A model gives its network, its rows as whole tensors and a loss; `train_network` does the rest:
device and precision, batches, early stopping on validation rows, the best weights put back. Nothing
here knows what a row is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from podium.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array
    from torch import Tensor, nn

    from podium.competition.part import Report

Tensors = Mapping[str, "Tensor"]
Loss = Callable[[Any, "Batch"], "Tensor | Losses"]
Figures = Callable[["Tensor", "Tensor"], Mapping[str, float]]

_REPORTED = {"step", "value", "training"}
POOL = 16
"""Batches' worth of items that are sorted by length before they are cut into batches."""


@dataclass(frozen=True)
class Losses:
    """A loss by what it is made of.

    Attributes:
        parts: Mean loss of the rows by name, each with its weight: scalars that add up.
    """

    parts: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        if taken := sorted(_REPORTED & set(self.parts)):
            raise ModelError(f"A part of a loss has a name that `report` has: {', '.join(taken)}.")

    @property
    def total(self) -> Tensor:
        """What training brings down."""
        return reduce(torch.add, self.parts.values())


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train.

    Attributes:
        epochs: Passes over the rows at most.
        batch: Rows a step.
        learning_rate: The highest; it rises over the first tenth of the steps and then falls to 0
            along half a cosine wave, unless it is `constant`.
        constant: Keep the learning rate as it is, for trainings whose length nobody knows before.
        weight_decay: Of AdamW.
        fused: Let AdamW change all weights in one pass: faster, its last bits differ.
        clip: The norm to which a gradient is cut.
        patience: Epochs without a better validation loss before training ends.
        bf16: Train in bfloat16 where the machine multiplies so; weights and predictions stay in
            float32.
        device: `auto` (a GPU if there is one), `cpu`, `cuda`, `mps`.

    Raises:
        ModelError: If nothing could be trained so.
    """

    epochs: int
    batch: int
    learning_rate: float
    constant: bool = False
    weight_decay: float = 0.0
    fused: bool = False
    clip: float = 1.0
    patience: int = 10
    bf16: bool = False
    device: str = "auto"

    def __post_init__(self) -> None:
        problems = [
            f"{name}={getattr(self, name)}: more than 0 is expected"
            for name in ("epochs", "batch", "learning_rate", "clip", "patience")
            if not getattr(self, name) > 0
        ]
        if problems:
            raise ModelError("A network cannot be trained so.", problems=problems)

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Settings:
        """Those among a model's parameters that are settings."""
        return cls(**{f.name: params[f.name] for f in fields(cls) if f.name in params})


@dataclass(frozen=True)
class SparseRows:
    """A sparse matrix among the `own` of `Rows`: kept on the host, expanded a batch at a time.

    Attributes:
        matrix: [rows, columns].
        device: Where the expanded rows are wanted.
    """

    matrix: csr_array[Any]
    device: torch.device | str = "cpu"

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def index_select(self, _: int, rows: Tensor) -> Tensor:
        """Some rows (their numbers), dense [rows, columns], called as a tensor's method is."""
        dense = self.matrix[rows.cpu().numpy()].toarray()
        return torch.from_numpy(dense).to(self.device)

    def to(self, device: torch.device) -> SparseRows:
        """The same matrix, whose rows are wanted on a device."""
        return SparseRows(self.matrix, device)


class Batch(NamedTuple):
    """Some rows.

    Attributes:
        items: What rows share, [items, ...] each.
        item: Which of these items each row has, int64 [rows].
        own: What each row has for itself, [rows, ...] each.
        rows: Their numbers, int64 [rows].
        tables: Those of `Rows`, whole.
    """

    items: dict[str, Tensor]
    item: Tensor
    own: dict[str, Tensor]
    rows: Tensor
    tables: Tensors = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows as whole tensors. What several rows share is an item: kept, and computed, once.

    Attributes:
        items: Tensors [items, ...]; none where rows share nothing.
        item: Which item each row has, int64 [rows]; without items, each row its own number.
        own: Tensors [rows, ...], or sparse matrices.
        length: Length of each item, int64 [items], for networks that do not pad: items of like
            length come into one batch.
        tables: Tensors that each batch is given whole: what rows name by numbers of their `own`.
    """

    items: Tensors
    item: Tensor
    own: Mapping[str, Tensor | SparseRows]
    length: Tensor | None = None
    tables: Tensors = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.item)

    def to(self, device: torch.device) -> Rows:
        """The same rows on a device."""
        return Rows(
            items={name: values.to(device) for name, values in self.items.items()},
            item=self.item.to(device),
            own={name: values.to(device) for name, values in self.own.items()},
            length=None if self.length is None else self.length.to(device),
            tables={name: values.to(device) for name, values in self.tables.items()},
        )

    def batches(
        self, size: int, rows: Tensor, generator: torch.Generator | None = None
    ) -> Iterator[Batch]:
        """Cut rows into batches: all rows of an item together, items in random order.

        Args:
            size: Rows a batch.
            rows: Which rows, int64.
            generator: What shuffles them; None keeps the order of the items.
        """
        place = self._places(size, generator).to(self.item.device)
        order = torch.argsort(place[self.item[rows]], stable=True)
        for chosen in rows[order].split(size):
            item = inverse = torch.arange(len(chosen), device=chosen.device)
            if self.items:
                item, inverse = torch.unique(self.item[chosen], return_inverse=True)
            yield Batch(
                items={name: values[item] for name, values in self.items.items()},
                item=inverse,
                own={name: values.index_select(0, chosen) for name, values in self.own.items()},
                rows=chosen,
                tables=self.tables,
            )

    def _places(self, size: int, generator: torch.Generator | None) -> Tensor:
        """Where in the pass each item comes."""
        count = len(next(iter(self.items.values()), self.item))
        if generator is None:
            return torch.arange(count)
        order = torch.randperm(count, generator=generator)
        if self.length is not None:
            length = self.length.cpu()
            pools = [pool[length[pool].argsort(stable=True)] for pool in order.split(POOL * size)]
            order = torch.cat(pools)
        return torch.empty_like(order).scatter_(0, order, torch.arange(count))


@dataclass(frozen=True, kw_only=True)
class History:
    """How training went.

    Attributes:
        training, validation: Mean loss of each epoch; validation is empty without such rows.
        best: The epoch whose weights the network has, from 1.
    """

    training: list[float]
    validation: list[float]
    best: int


def find_device(name: str = "auto") -> torch.device:
    """The device to compute on.

    Raises:
        ModelError: If the named one is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next((kind for kind, usable in there.items() if usable), "cpu"))
    if name != "cpu" and not there.get(name, False):
        raise ModelError(
            f"There is no device {name!r} here.", hint="Use: --set device=auto, or cpu"
        )
    return torch.device(name)


def has_bf16(device: torch.device) -> bool:
    """Whether a device multiplies in bfloat16 faster than in float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return device.type == "cpu" and "avx512_bf16" in _cpu_flags()


def _cpu_flags() -> str:
    from pathlib import Path

    flags = Path("/proc/cpuinfo")
    return flags.read_text(encoding="utf-8") if flags.exists() else ""


def held_out(groups: NDArray[Any], share: float, seed: int) -> NDArray[np.bool_]:
    """Validation rows: whole groups, drawn until they hold a share of the rows.

    Args:
        groups: What must not be torn apart, [rows].
        share: Of the rows, 0 to 1; 0 gives none.
        seed: What is drawn follows from it.
    """
    values, group = np.unique(groups.astype(str), return_inverse=True)
    sizes = np.bincount(group)
    order = np.random.default_rng(seed).permutation(len(values))
    chosen = order[np.cumsum(sizes[order]) <= share * len(group)]
    return np.isin(group, chosen)


def train_network(
    network: nn.Module,
    loss: Loss,
    rows: Rows,
    *,
    settings: Settings,
    seed: int,
    held: NDArray[np.bool_] | None = None,
    report: Report | None = None,
    figures: Figures | None = None,
) -> History:
    """Train a network in place.

    Args:
        network: Takes a `Batch`.
        loss: Takes what the network gives and the batch; gives the mean loss of its rows, whole
            or by its parts.
        rows: All rows.
        settings: How.
        seed: Order of the rows and dropout follow from it.
        held: Rows to validate on instead of learning from them. Training stops early on them and
            the weights of the best epoch are put back; without any, the last ones stay.
        report: Gets the validation loss of each epoch and, as `training`, the loss on the others;
            or the training loss alone without such rows; and the parts of the training loss.
        figures: What else to report of the rows that are held out: takes what the network gives for
            all of them, and their numbers.
    """
    device = find_device(settings.device)
    network.to(device)
    rows = rows.to(device)
    learn, check = _divided(len(rows), held, device)
    training = _Training(network, loss, rows, settings, len(learn))
    validation: list[float] = []
    best, kept = 0, None
    generator = torch.Generator().manual_seed(seed)
    with seeded(seed, device):
        for epoch in range(1, settings.epochs + 1):
            figure, others = training.epoch(learn, generator)
            if len(check):
                others = {"training": figure, **others}
                figure, further = training.validate(check, figures)
                others = {**others, **further}
                validation.append(figure)
            _must_be_finite(epoch, training.losses[-1], figure, settings)
            if report:
                report(epoch, figure, **others)
            if validation and figure <= min(validation):
                best, kept = epoch, copy.deepcopy(network.state_dict())
            if validation and epoch - best >= settings.patience:
                break
    if kept is not None:
        network.load_state_dict(kept)
    losses = training.losses
    return History(training=losses, validation=validation, best=best or len(losses))


def _divided(
    count: int, held: NDArray[np.bool_] | None, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Numbers of the rows to learn from, and of those to validate on.

    Raises:
        ModelError: If all are held out.
    """
    numbers = torch.arange(count, device=device)
    mask = torch.zeros(count, dtype=torch.bool, device=device)
    if held is not None:
        mask = torch.as_tensor(held, device=device)
    if not len(numbers[~mask]):
        raise ModelError("All rows are held out: none is left to learn from.")
    return numbers[~mask], numbers[mask]


class _Training:
    """A network that learns from `count` rows, and what steps it."""

    def __init__(
        self, network: nn.Module, loss: Loss, rows: Rows, settings: Settings, count: int
    ) -> None:
        self.network, self.loss, self.rows, self.settings = network, loss, rows, settings
        self.weights = list(network.parameters())
        self.optimizer = torch.optim.AdamW(
            self.weights,
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=settings.fused,
        )
        steps = settings.epochs * -(-count // settings.batch)
        self.schedule = None if settings.constant else _one_cycle(self.optimizer, settings, steps)
        self.precision = _precision(rows.item.device, settings)
        self.losses: list[float] = []

    def epoch(self, learn: Tensor, generator: torch.Generator) -> tuple[float, dict[str, float]]:
        """Go through the rows once; gives their mean loss, and what its parts are, if named."""
        self.network.train()
        total, parts = 0.0, dict[str, torch.Tensor]()
        for batch in self.rows.batches(self.settings.batch, learn, generator):
            with self.precision:
                losses = self.loss(self.network(batch), batch)
            error = _total(losses)
            _step(self.weights, error, self.optimizer, self.settings.clip)
            if self.schedule:
                self.schedule.step()
            total += float(error.detach()) * len(batch.rows)
            for name, part in losses.parts.items() if isinstance(losses, Losses) else ():
                parts[name] = parts.get(name, 0) + part.detach().float() * len(batch.rows)
        self.losses.append(total / len(learn))
        named = parts if len(parts) > 1 else {}
        return self.losses[-1], {name: float(part) / len(learn) for name, part in named.items()}

    def validate(self, check: Tensor, figures: Figures | None) -> tuple[float, dict[str, float]]:
        """Mean loss of the rows to validate on, and other figures of them."""
        total, outputs, order = 0.0, [], []
        self.network.eval()
        with torch.inference_mode(), self.precision:
            for batch in self.rows.batches(4 * self.settings.batch, check):
                output = self.network(batch)
                total += float(_total(self.loss(output, batch))) * len(batch.rows)
                if figures:
                    outputs.append(output.float())
                    order.append(batch.rows)
            others = figures(torch.cat(outputs), torch.cat(order)) if figures else {}
        return total / len(check), dict(others)


def _total(loss: Tensor | Losses) -> Tensor:
    return loss.total if isinstance(loss, Losses) else loss


def predict_network(network: nn.Module, rows: Rows, settings: Settings) -> NDArray[np.float32]:
    """What a network gives for all rows, in their order, in float32: [rows, ...]."""
    device = find_device(settings.device)
    network.to(device).eval()
    rows = rows.to(device)
    numbers = torch.arange(len(rows), device=device)
    outputs, order = [], []
    with torch.inference_mode():
        for batch in rows.batches(4 * settings.batch, numbers):
            outputs.append(network(batch).float())
            order.append(batch.rows)
    result = torch.cat(outputs)
    result[torch.cat(order)] = result.clone()
    return result.cpu().numpy()


def _one_cycle(
    optimizer: torch.optim.Optimizer, settings: Settings, steps: int
) -> torch.optim.lr_scheduler.OneCycleLR:
    warm = max(0.1, min(2 / steps, 0.75))  # torch divides by 0 where a single step warms up
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=steps, pct_start=warm, cycle_momentum=False
    )


def _step(
    weights: list[nn.Parameter], value: Tensor, optimizer: torch.optim.Optimizer, clip: float
) -> None:
    """Go down the gradient of a loss, by no more than its norm cut to `clip`."""
    optimizer.zero_grad(set_to_none=True)
    value.backward()
    norm = torch.nn.utils.get_total_norm([w.grad for w in weights if w.grad is not None])
    if not norm + 1e-6 <= clip:  # torch adds that much; below, it would multiply all by 1
        torch.nn.utils.clip_grads_with_norm_(weights, clip, norm)
    optimizer.step()


def _must_be_finite(epoch: int, training: float, figure: float, settings: Settings) -> None:
    if not np.isfinite(training) or not np.isfinite(figure):
        raise ModelError(
            f"Training diverged in epoch {epoch}: the loss is {figure}.",
            hint=f"A lower learning rate may help: now {settings.learning_rate}.",
        )


def _precision(device: torch.device, settings: Settings) -> torch.autocast:
    enabled = settings.bf16 and has_bf16(device)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Make what torch draws follow from a seed, and leave its own state as it was."""
    on_gpu = device is not None and device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.manual_seed(seed)
        yield


def later(report: Report | None, done: int) -> Report | None:
    """A report for one of several trainings: counts on from what is done."""
    if report is None:
        return None

    def tell(step: int, value: float, **others: float) -> None:
        report(done + step, value, **others)

    return tell
