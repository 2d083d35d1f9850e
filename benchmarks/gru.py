"""An epoch of `gru` against an epoch as the course report runs it, side by side in one run.

    python benchmarks/gru.py [--rows N] [--report-rows N] [--turns N]

The report's way, written anew: each row tokenised on its own whenever it is drawn, both columns
padded to the same length, 32 rows a step, float32, the last step of the padding read. It takes
minutes, so it runs on a part of the rows after each epoch of `gru`; both figures are seconds of one
core for 10,000 rows.
"""

import argparse
import os
import time

import torch
from measuring import Result, against_first
from podium.competitions.sirna.metric import TARGET
from torch import nn
from torch.utils.data import DataLoader, Dataset

from podium import api
from podium.competition import model_file as model
from podium.competition import version

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # read when a thread pool starts

COLUMNS = ("siRNA_antisense_seq", "modified_siRNA_antisense_seq_list")


def words(text):
    if " " in text:
        return text.split()
    return [text[i : i + 3].upper() for i in range(0, len(text) - 2, 3)]


class RowByRow(Dataset):
    def __init__(self, table, answers):
        self.table, self.answers = table, answers
        tokens = [word for name in COLUMNS for text in table[name] for word in words(text)]
        self.numbers = {word: number for number, word in enumerate(dict.fromkeys(tokens), 1)}
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


class Report:
    def __init__(self, table, answers):
        self.rows = RowByRow(table, answers)
        self.network = ReportNetwork(len(self.rows.numbers) + 1)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)

    def epoch(self):
        start = time.process_time()
        for columns, answer in DataLoader(self.rows, batch_size=32, shuffle=True):
            self.optimizer.zero_grad()
            nn.functional.mse_loss(self.network(columns), answer).backward()
            self.optimizer.step()
        return time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", help="default: shanghai where it is prepared, else demo")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--report-rows", type=int, default=400)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--float32", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)  # the seconds of more would add up
    competition, _ = api.load("sirna")
    ready = version.is_ready(*api.load("sirna", "shanghai"))
    name = given.dataset or ("shanghai" if ready else "demo")
    train = api.prepare("sirna", name).train(0)
    few = train.take(train.rng.permutation(len(train))[: given.report_rows])
    many = train.take(train.rng.permutation(len(train))[: given.rows])
    report = Report(few.features, few.targets[TARGET])
    precision = {"bf16": False} if given.float32 else {}
    changes = {"epochs": given.turns + 1, "validation": 0.0, **precision}
    built = model.load(competition, "gru").with_params(changes).build(0)
    times = {"the report's way": [], "`gru`": []}
    began = time.process_time()

    def ended(epoch, *_, **__):
        nonlocal began
        taken = time.process_time() - began
        if epoch > 1:  # the first one also reads the rows
            times["`gru`"].append(1e4 * taken / len(many))
            times["the report's way"].append(1e4 * report.epoch() / len(few))
        began = time.process_time()

    built.fit(many, ended)
    Result(
        title="Training: GRU on siRNAs",
        text=(
            f"An epoch of {len(many):,} rows of {name}, and of {len(few):,} as the report "
            "trains; seconds of one core for 10,000 rows. Duplexes that rows share are computed "
            "once. Asked for is 5 times."
        ),
        header=["way", "10,000 rows", "times"],
        rows=against_first(times),
    ).write("gru")


if __name__ == "__main__":
    main()
