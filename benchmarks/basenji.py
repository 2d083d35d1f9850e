"""An epoch of `basenji` against an epoch as the course report runs it, side by side in one run.

    python benchmarks/basenji.py [--length 1000] [--rows 2000]

The report's way, written anew: one-hot float32 tensors of all rows in memory, a `DataLoader` that
draws them one by one into batches of 32, the report's network with norm before pool and dilated
blocks that all read the same input. Rows are random: only time is measured, in seconds of one core.
"""

import argparse
import time

import numpy as np
import torch
from measuring import Result, against_first, in_turn
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from podium import api
from podium.competition import model_file as model
from podium.learning import neural


class ReportNetwork(nn.Module):
    def __init__(self, length):
        super().__init__()
        sizes, pools = (4, 64, 64, 72), (8, 4, 4)
        layers = []
        for number, size in enumerate(pools):
            width, padding = (5, 3) if number else (15, 7)
            layers += [
                nn.GELU(),
                nn.Conv1d(sizes[number], sizes[number + 1], width, padding=padding, bias=False),
                nn.BatchNorm1d(sizes[number + 1], momentum=0.9),
                nn.MaxPool1d(size),
                nn.Dropout(0.2),
            ]
            length = (length + 2 * padding - width + 1) // size
        self.blocks = nn.Sequential(*layers)
        self.dilations = nn.ModuleList(
            nn.Sequential(
                nn.GELU(),
                nn.Conv1d(72, 32, 3, padding=2**number, dilation=2**number, bias=False),
                nn.BatchNorm1d(32, momentum=0.9),
                nn.GELU(),
                nn.Conv1d(32, 72, 1, bias=False),
                nn.BatchNorm1d(72, momentum=0.9),
                nn.Dropout(0.25),
            )
            for number in range(6)
        )
        self.last = nn.Sequential(
            nn.GELU(),
            nn.Conv1d(72, 64, 1, bias=False),
            nn.BatchNorm1d(64, momentum=0.9),
            nn.Dropout(0.1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(64 * length, 1),
            nn.Dropout(0.1),
        )

    def forward(self, bases):
        read = self.blocks(bases)
        return self.last(sum(block(read) for block in self.dilations))[:, 0]


class Report:
    def __init__(self, codes, answers):
        hot = np.eye(5, 4, dtype=np.float32)[codes].transpose(0, 2, 1).copy()
        self.rows = TensorDataset(torch.from_numpy(hot), torch.from_numpy(answers))
        self.network = ReportNetwork(codes.shape[1])
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)

    def epoch(self):
        self.network.train()
        start = time.process_time()
        for bases, answer in DataLoader(self.rows, batch_size=32, shuffle=True):
            self.optimizer.zero_grad()
            nn.functional.mse_loss(self.network(bases), answer).backward()
            self.optimizer.step()
        return time.process_time() - start


class Ours:
    def __init__(self, codes, answers, **params):
        competition, _ = api.load("maize")
        built = model.load(competition, "basenji").with_params({"device": "cpu", **params})
        self.settings = neural.Settings(
            **{**neural.Settings.of(built.params).__dict__, "epochs": 1}
        )
        self.network = built.module.Network(built.params, codes.shape[1])
        self.loss = built.module.tensors.mean_squared_error
        own = {
            "codes": torch.from_numpy(codes),
            "answer": torch.from_numpy(answers),
            "assay": torch.zeros(len(codes), dtype=torch.int64),
        }
        self.rows = neural.Rows(items={}, item=torch.arange(len(codes)), own=own)

    def epoch(self):
        start = time.process_time()
        neural.train(self.network, self.loss, self.rows, settings=self.settings, seed=0)
        return time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)  # the seconds of more would add up
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (given.rows, given.length), dtype=np.uint8)
    answers = rng.normal(size=given.rows).astype(np.float32)
    report, exact, ours = (
        Report(codes, answers),
        Ours(codes, answers, bf16=False),
        Ours(codes, answers),
    )
    ways = {
        "the report's way": report.epoch,
        "`basenji` in float32": exact.epoch,
        "`basenji`": ours.epoch,
    }
    Result(
        title="Training: Basenji",
        text=f"An epoch of {given.rows:,} sequences of {given.length:,} bases, on one core. Asked "
        "for is 3 times.",
        header=["way", "an epoch", "times"],
        rows=against_first(in_turn(ways, given.turns)),
    ).write("basenji")


if __name__ == "__main__":
    main()
