"""An epoch of `gru` against an epoch as the course report runs it, side by side in one run.

    python benchmarks/gru.py [--rows N] [--report-rows N]

The report's way, written anew: each row tokenised on its own whenever it is drawn, both columns
padded to the same length, 32 rows a step, float32, the last step of the padding read. It takes
minutes, so it runs on a part of the rows; both figures are seconds for 10,000 rows.
"""

import argparse
import os
import time

import torch
from podium.competitions.sirna.metric import TARGET
from torch import nn
from torch.utils.data import DataLoader, Dataset

from podium import api, model

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # read when a thread pool starts

COLUMNS = ("siRNA_antisense_seq", "modified_siRNA_antisense_seq_list")


def words(text):
    if " " in text:
        return text.split()
    return [text[i : i + 3].upper() for i in range(0, len(text) - 2, 3)]


class RowByRow(Dataset):
    def __init__(self, table, answers):
        self.table, self.answers = table, answers
        found = [word for name in COLUMNS for text in table[name] for word in words(text)]
        self.numbers = {word: number for number, word in enumerate(dict.fromkeys(found), 1)}
        self.length = max(len(words(text)) for name in COLUMNS for text in table[name])

    def __len__(self):
        return len(self.table)

    def __getitem__(self, row):
        drawn = self.table.iloc[row]
        return [self.encode(drawn[name]) for name in COLUMNS], torch.tensor(
            self.answers.iloc[row], dtype=torch.float32
        )

    def encode(self, text):
        numbers = [self.numbers.get(word, 0) for word in words(text)]
        return torch.tensor(numbers + [0] * (self.length - len(numbers)))


class ReportNetwork(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.embedding = nn.Embedding(size, 200, padding_idx=0)
        self.gru = nn.GRU(200, 256, 3, bidirectional=True, batch_first=True, dropout=0.5)
        self.head = nn.Linear(1024, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, columns):
        read = [self.gru(self.embedding(column))[0][:, -1] for column in columns]
        return self.head(torch.cat([self.dropout(state) for state in read], dim=1))[:, 0]


def report_epoch(table, answers):
    rows = RowByRow(table, answers)
    network = ReportNetwork(len(rows.numbers) + 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    start = time.perf_counter()
    for columns, answer in DataLoader(rows, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        nn.functional.mse_loss(network(columns), answer).backward()
        optimizer.step()
    return time.perf_counter() - start


def podium_epoch(part, competition, **params):
    """The second of two epochs: the first one also reads the rows."""
    changes = {"epochs": 2, "validation": 0.0, **params}
    built = model.load(competition, "gru").with_params(changes).build(0)
    ends = []
    built.fit(part, lambda *_, **__: ends.append(time.perf_counter()))
    return ends[1] - ends[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="shanghai")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--report-rows", type=int, default=2_000)
    given = parser.parse_args()
    competition, _ = api.load("sirna")
    train = api.prepare("sirna", given.dataset).train(0)
    few = train.take(train.rng.permutation(len(train))[: given.report_rows])
    many = train.take(train.rng.permutation(len(train))[: given.rows])
    report = report_epoch(few.features, few.targets[TARGET]) / len(few)
    print(f"report      {1e4 * report:6.1f} s for 10,000 rows")
    for bf16 in (False, True):
        ours = podium_epoch(many, competition, bf16=bf16) / len(many)
        name = "bf16" if bf16 else "float32"
        print(
            f"gru {name:7s} {1e4 * ours:6.1f} s for 10,000 rows, {report / ours:.1f} times faster"
        )


if __name__ == "__main__":
    main()
