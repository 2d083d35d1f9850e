"""How far an epoch of each network is from what the machine can multiply, and where the rest goes.

    python benchmarks/peak.py [gru] [seqnet] [basenji] [basenji_small] [dca] [dec] [--threads N]

The most is the rate of one large matrix product, measured here in float32 and bfloat16. What a
network multiplies in an epoch (forwards and backwards) is counted by PyTorch; the time is that of
one epoch of `train_network` at the model's own settings, the second of two. Shares of operators are
those of PyTorch's profiler. On a GPU, the same there.
"""

from __future__ import annotations

import argparse
import copy
import time
from dataclasses import dataclass, replace

import torch
from measuring import Result
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from podium import api
from podium.competition import model_file as model
from podium.learning import find_device, has_bf16, neural, train_network

NETWORKS = {
    "gru": ("sirna", "demo"),
    "seqnet": ("sirna", "demo"),
    "basenji": ("maize", "demo"),
    "basenji_small": ("maize", "demo"),
    "dca": ("imputation", "demo"),
    "dec": ("dlpfc", "demo"),
}
ROWS = 1_500
SHOWN = 3


class Measured(Exception):  # noqa: N818 - it ends a training that was only to be measured
    """Carries what was found."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    rows: int
    seconds: float
    flop: float
    bf16: bool
    device: torch.device
    shares: list[tuple[str, float]]


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak(kind: torch.dtype, device: torch.device, size: int = 2048) -> float:
    """Operations a second of a matrix product: the best of some."""
    a, b = (torch.randn(size, size, device=device).to(kind) for _ in range(2))
    best = 0.0
    for _ in range(6):
        synchronise(device)
        start = time.perf_counter()
        a @ b
        synchronise(device)
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best


def bandwidth(size: int = 1 << 28) -> float:
    """Bytes a second that are copied in memory, read and written."""
    a = torch.ones(size, dtype=torch.uint8)
    b = torch.empty_like(a)
    best = 0.0
    for _ in range(4):
        start = time.perf_counter()
        b.copy_(a)
        best = max(best, 2 * size / (time.perf_counter() - start))
    return best


def measured(network, loss, rows, *, settings, **others):
    """In place of `train_network`: an epoch without, one timed, one counted, one profiled."""
    others |= {"held": None, "report": None, "figures": None}

    def epochs(count: int, report=None) -> None:
        fresh = copy.deepcopy(network)
        once = replace(settings, epochs=count, constant=True)
        train_network(fresh, loss, rows, settings=once, **{**others, "report": report})

    device = find_device(settings.device)
    ends: list[float] = []

    def ended(*_: object, **__: object) -> None:
        synchronise(device)
        ends.append(time.perf_counter())

    epochs(2, ended)
    with FlopCounterMode(display=False) as counter:
        epochs(1)
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    with profile(activities=kinds) as profiled:
        epochs(1)
    spent = {e.key: e.self_cpu_time_total for e in profiled.key_averages()}
    total = sum(spent.values())
    first = sorted(spent.items(), key=lambda entry: -entry[1])[:SHOWN]
    raise Measured(
        Epoch(
            rows=len(rows),
            seconds=ends[1] - ends[0],
            flop=float(counter.get_total_flops()),
            bf16=settings.bf16 and has_bf16(device),
            device=device,
            shares=[(name.removeprefix("aten::"), value / total) for name, value in first],
        )
    )


def epoch_of(name: str) -> Epoch:
    """An epoch of the first training that a model asks for."""
    comp, dataset = NETWORKS[name]
    data = api.prepare(comp, dataset)
    built = model.load(api.load(comp)[0], name).with_params({}).build(0)
    train = data.train(0)
    if comp in ("sirna", "maize"):
        train = train.take(torch.arange(min(ROWS, len(train))).numpy())
    try:
        built.fit(train)
        built.predict(data.part("test", 0))
    except Exception as error:
        while error is not None and not isinstance(error, Measured):
            error = error.__cause__ or error.__context__
        if error is None:
            raise
        return error.args[0]
    raise SystemExit(f"{name} trains no network")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", help=f"of {', '.join(NETWORKS)}; default: all")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    neural.train_network = measured  # models are loaded later, and find this one
    device = find_device()
    most = {bf16: peak(torch.bfloat16 if bf16 else torch.float32, device) for bf16 in (False, True)}
    rows = []
    for name in given.networks or NETWORKS:
        epoch = epoch_of(name)
        rate = epoch.flop / epoch.seconds
        rows.append(
            [
                f"`{name}`",
                f"{epoch.rows:,}",
                "bf16" if epoch.bf16 else "float32",
                f"{epoch.seconds:.2f} s",
                f"{epoch.flop / 1e9:.1f}",
                f"{rate / 1e9:.1f}",
                f"{rate / most[epoch.bf16]:.0%}",
                ", ".join(f"{key} {share:.0%}" for key, share in epoch.shares),
            ]
        )
        print(*rows[-1], flush=True)
    Result(
        title="Training: how far from the machine's peak",
        text=(
            "One epoch of each network at its own settings, against the rate of one large matrix "
            f"product: {most[False] / 1e9:.0f} GFLOP/s in float32, {most[True] / 1e9:.0f} in "
            f"bfloat16, {given.threads} thread(s), {device}."
        ),
        header=["network", "rows", "precision", "epoch", "GFLOP", "GFLOP/s", "of the peak",
                "most of the time"],
        rows=rows,
        notes=[f"Memory is copied at {bandwidth() / 1e9:.1f} GB/s, read and written."],
    ).write("peak")  # fmt: skip


if __name__ == "__main__":
    main()
