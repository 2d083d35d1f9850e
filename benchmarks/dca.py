"""An epoch of `dca` against a plain PyTorch loop, side by side in one run, and its memory.

    python benchmarks/dca.py [--cells N] [--genes N] [--zeros SHARE] [--rounds N]
    python benchmarks/dca.py --large       # one epoch of 50,000 cells and 2,000 genes, 5 % above 0

The plain way: whole dense tensors, a DataLoader of 32 cells, one layer for each of the three
parameters, the likelihood as it is written on paper (`lgamma` and log-sum-exp), `torch.optim.Adam`.
Both start from the same weights; their first loss and gradients are compared. Seconds are those of
one core; a turn is six epochs in a row, of which the median counts.
"""

import argparse
import resource
import time
from multiprocessing import get_context

import numpy as np
import torch
from measuring import Result, against_first, in_turn, median
from podium.competitions.imputation.models import dca
from podium.competitions.imputation.shared import network, zinb
from scipy.sparse import csr_array, random_array
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from podium.competition import defaults
from podium.learning import INPUTS

BATCH, EPOCHS = 32, 6


class Plain(nn.Module):
    """The same network, with the weights of another."""

    def __init__(self, like):
        super().__init__()
        *hidden, heads = (*like.encoder, *like.decoder)
        self.hidden = nn.Sequential(*hidden)
        self.heads = nn.ModuleList()
        for weight, bias in zip(heads.weight.chunk(3), heads.bias.chunk(3), strict=True):
            head = nn.Linear(heads.in_features, len(bias))
            head.load_state_dict({"weight": weight, "bias": bias})
            self.heads.append(head)

    def forward(self, inputs):
        hidden = self.hidden(inputs)
        mean, dispersion, logit = (head(hidden) for head in self.heads)
        mean = mean.exp().clamp(*zinb.MEAN)
        return mean, functional.softplus(dispersion).clamp(*zinb.DISPERSION), logit


def plain_loss(model, inputs, counts, size):
    mean, theta, logit = model(inputs)
    mean = mean * size[:, None]
    total = torch.log(theta + mean)
    nb = (
        torch.lgamma(counts + theta)
        - torch.lgamma(theta)
        - torch.lgamma(counts + 1)
        + theta * (torch.log(theta) - total)
        + counts * (torch.log(mean) - total)
    )
    inflated = torch.where(counts == 0, torch.logaddexp(logit, nb), nb)
    return -(inflated - functional.softplus(logit)).mean()


def plain_epochs(model, rows, count):
    """Seconds of each epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        for batch in DataLoader(TensorDataset(*rows), batch_size=BATCH, shuffle=True):
            optimizer.zero_grad()
            plain_loss(model, *batch).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    return seconds


def our_epochs(model, made, count):
    ends = [time.perf_counter()]
    params = {**defaults(dca.PARAMETERS), "epochs": count, "validation": 0, "batch": BATCH}
    dca.learn(model, made, params, 0, lambda *_, **__: ends.append(time.perf_counter()))
    return np.diff(ends).tolist()


def drawn(cells, genes, zeros, seed=0):
    """Negative binomial counts of genes of very different means, some of them lost."""
    rng = np.random.default_rng(seed)
    mean = rng.gamma(0.6, 40, genes) * rng.lognormal(0, 0.3, (cells, 1))
    counts = rng.negative_binomial(2, 2 / (2 + mean)).astype(np.float32)
    lost = max(0.0, (zeros - (counts == 0).mean()) / (counts > 0).mean())
    return csr_array(counts * (rng.random(counts.shape) >= lost))


def made_network(made, **params):
    return dca.untrained(made, {**defaults(dca.PARAMETERS), **params}, 0)


def dense_rows(made):
    rows = made.rows
    inputs = (rows[INPUTS] - made.centre) * made.scale
    return inputs, rows[network.COUNTS], rows[network.LOG_SIZE].exp()


def differences(made):
    """Of loss and gradients on one batch, relative to the largest of them."""
    ours = made_network(made)
    plain = Plain(ours)
    ours.loss({name: values[:BATCH] for name, values in made.rows.items()}).total.backward()
    value = ours.loss({name: values[:BATCH] for name, values in made.rows.items()}).total.item()
    expected = plain_loss(plain, *(values[:BATCH] for values in dense_rows(made)))
    expected.backward()
    heads = [torch.cat([getattr(h, n).grad for h in plain.heads]) for n in ("weight", "bias")]
    theirs = [p.grad for p in plain.hidden.parameters()] + heads
    pairs = list(zip([p.grad for p in ours.parameters()], theirs, strict=True))
    largest = max(grad.abs().max() for _, grad in pairs)
    return abs(value - expected.item()) / abs(expected.item()), float(
        max((a - b).abs().max() for a, b in pairs) / largest
    )


def compare(cells, genes, zeros, rounds):
    torch.set_num_threads(1)
    made = network.inputs(drawn(cells, genes, zeros))
    loss, gradients = differences(made)
    ours = made_network(made)
    plain, rows = Plain(ours), dense_rows(made)
    ways = {
        "a plain loop": lambda: median(plain_epochs(plain, rows, EPOCHS)),
        "`dca`": lambda: median(our_epochs(ours, made, EPOCHS)),
    }
    Result(
        title="Training: deep count autoencoder",
        text=f"An epoch of {cells:,} cells and {genes:,} genes, on one core. Asked for is 2 times.",
        header=["way", "an epoch", "times"],
        rows=against_first(in_turn(ways, rounds)),
        notes=[
            f"On one batch the loss of both differs by {loss:.1e} of itself, gradients by "
            f"{gradients:.1e} of the largest."
        ],
    ).write("dca")


def large(cells=50_000, genes=2_000, density=0.05):
    rng = np.random.default_rng(0)
    counts = random_array(
        (cells, genes),
        density=density,
        format="csr",
        rng=rng,
        data_sampler=lambda size: rng.geometric(0.4, size),
    ).astype(np.float32)
    made = network.inputs(csr_array(counts))
    seconds = our_epochs(made_network(made), made, 1)[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return seconds, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=350)
    parser.add_argument("--genes", type=int, default=938)
    parser.add_argument("--zeros", type=float, default=0.36)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--large", action="store_true")
    given = parser.parse_args()
    if not given.large:
        compare(given.cells, given.genes, given.zeros, given.rounds)
        return
    with get_context("spawn").Pool(1) as pool:
        seconds, peak = pool.apply(large)
    Result(
        title="Training: a large deep count autoencoder",
        text="One epoch of `dca` on 50,000 cells and 2,000 genes, 5 % of the counts above 0.",
        header=["an epoch", "peak, GiB"],
        rows=[[f"{seconds:.1f} s", f"{peak / 2**30:.2f}"]],
    ).write("dca_large")


if __name__ == "__main__":
    main()
