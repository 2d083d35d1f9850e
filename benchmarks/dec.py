"""An epoch of `dec` against an epoch as the course report runs it, side by side in one run.

    python benchmarks/dec.py [--spots 4226] [--genes 1011] [--turns 5] [--score]
    python benchmarks/dec.py --stages [--seeds 3]

The report's way, written anew: a `DataLoader` of 256 spots, float32, stochastic gradient descent on
KL(P || Q) + reconstruction; after each epoch all spots are assigned anew and compared with the
labels (NMI, ARI), as the report does to choose its epoch. Ours refreshes P after each third epoch
and looks at no label. Numbers are random: only time is measured, in seconds of one core. With
`--score`, the ARI of three settings of ours on the slices of demo's train donor, six seeds.

With `--stages`, what clustering adds to the autoencoder that it starts from, on slices that train
(donor 1 of demo, section BZ5 of starmap): k-means on the latent coordinates of one network, then
the assignments after the rounds, in a Markdown table.
"""

import argparse
import time

import numpy as np
import torch
from measuring import Result, against_first, in_turn, median, seconds
from peak import peak
from podium.competitions.dlpfc.models import dec
from podium.competitions.dlpfc.shared.expression import domains
from podium.competitions.dlpfc.shared.latent import genes, kmeans, pretrained
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from podium import api
from podium.competition import defaults
from podium.learning import INPUTS, Autoencoder, has_bf16, latent_of, train_autoencoder

CLUSTERS = 7
SETTINGS = {
    "as shipped": {},
    "256 spots, float32": {
        "batch": 256,
        "bf16": False,
        "fused": False,
        "learning_rate": 1e-3,
        "clustering_rate": 1e-3,
    },
    "1,024 spots": {"batch": 1024, "learning_rate": 2e-3, "clustering_rate": 2e-3},
}


class Report:
    """The report's network and its way of training it."""

    def __init__(self, inputs, labels):
        self.inputs, self.labels = inputs, labels
        genes = inputs.shape[1]
        self.encoder = nn.Sequential(nn.Linear(genes, 256), nn.ReLU(), nn.Linear(256, 64))
        self.decoder = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, genes))
        self.centres = nn.Parameter(torch.randn(CLUSTERS, 64))
        weights = [*self.encoder.parameters(), *self.decoder.parameters(), self.centres]
        self.optimizer = torch.optim.SGD(weights, lr=0.01)
        self.target = dec.target(self.soft(inputs).detach())

    def soft(self, rows):
        return dec.soft_assignment(self.encoder(rows), self.centres)

    def epoch(self):
        start = time.process_time()
        rows = TensorDataset(self.inputs, self.target)
        for x, target in DataLoader(rows, batch_size=256, shuffle=True):
            self.optimizer.zero_grad()
            latent = self.encoder(x)
            soft = dec.soft_assignment(latent, self.centres)
            divergence = nn.functional.kl_div(soft.log(), target, reduction="batchmean")
            (divergence + nn.functional.mse_loss(self.decoder(latent), x)).backward()
            self.optimizer.step()
        with torch.no_grad():
            soft = self.soft(self.inputs)
        self.target = dec.target(soft)
        clusters = soft.argmax(dim=1).numpy()
        normalized_mutual_info_score(self.labels, clusters)
        adjusted_rand_score(self.labels, clusters)
        return time.process_time() - start


class Ours:
    """Rounds of `dec`, one refresh and three epochs each."""

    def __init__(self, inputs, **params):
        self.params = {**defaults(dec.PARAMETERS), "device": "cpu", **params}
        self.inputs = inputs
        self.model = dec.DeepEmbeddedClustering(self.params, 0)
        network = Autoencoder(inputs.shape[1], (self.params["hidden"],), self.params["latent"])
        centres = torch.randn(CLUSTERS, self.params["latent"])
        self.clustering = dec.Clustering(network, centres, self.params["clustering"])

    def epoch(self):
        start = time.process_time()
        latent = latent_of(self.clustering, self.inputs, self.model.settings)
        centres = self.clustering.centres.detach()
        soft = dec.soft_assignment(torch.from_numpy(latent), centres)
        train_autoencoder(
            self.clustering,
            {INPUTS: self.inputs, dec.TARGET: dec.target(soft)},
            settings=self.model.settings,
            seed=0,
            validation=0.0,
        )
        return (time.process_time() - start) / self.params["refresh"]


def scores(seeds=6):
    """Mean ARI of the slices of demo's train donors, by setting [seeds]."""
    train = api.prepare("dlpfc", "demo").train(0)
    labels = train.targets.iloc[:, 0].to_numpy()
    by_setting = {}
    for name, params in SETTINGS.items():
        by_setting[name] = []
        for seed in range(seeds):
            built = dec.build({**defaults(dec.PARAMETERS), **params}, seed)
            predicted = built.predict(train.without_answers()).iloc[:, 1].to_numpy()
            each = [
                adjusted_rand_score(labels[one.rows], predicted[one.rows]) for one in train.slices()
            ]
            by_setting[name].append(float(np.mean(each)))
    return by_setting


def stages(seeds):
    """A row for each dataset and weight of the clustering: means over its slices and seeds."""
    print("| slices | weight | ARI before | after | NMI before | after | unchanged | sizes |")
    print("|---|---|---|---|---|---|---|---|")
    for dataset, named in (("demo", "donor 1 of `demo`"), ("starmap", "BZ5 of `starmap`")):
        train = api.prepare("dlpfc", dataset).train(0)
        labels = train.targets.iloc[:, 0].to_numpy()
        for weight in (0.01, 0.1, 1.0):
            rows = [
                stage(one, labels[one.rows], seed, weight)
                for one in train.slices()
                for seed in range(seeds)
            ]
            cells = " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0)[:-1])
            spread = np.mean(rows, axis=0)[-1]
            print(f"| {named} | {weight:g} | {cells} | {spread:.2f} |", flush=True)


def stage(one, label, seed, weight):
    """ARI and NMI before and after, ARI of both, and spread of log sizes after by that of truth."""
    params = {**defaults(dec.PARAMETERS), "device": "cpu", "clustering": weight}
    model = dec.DeepEmbeddedClustering(params, seed)
    inputs = genes(one)
    network = pretrained(
        lambda count: Autoencoder(count, (params["hidden"],), params["latent"]),
        inputs,
        params,
        seed,
    )
    latent = latent_of(network, inputs, model.settings)
    fitted = kmeans(latent, domains(one), starts=params["starts"], seed=seed)
    before = fitted.labels_
    centres = torch.from_numpy(fitted.cluster_centers_)
    after = model._train(dec.Clustering(network, centres, weight), inputs)  # noqa: SLF001
    spreads = [np.std(np.log(np.unique(x, return_counts=True)[1])) for x in (after, label)]
    return (
        adjusted_rand_score(label, before),
        adjusted_rand_score(label, after),
        normalized_mutual_info_score(label, before),
        normalized_mutual_info_score(label, after),
        adjusted_rand_score(before, after),
        spreads[0] / spreads[1],
    )


def multiplying(ours):
    """Seconds that the matrix products of an epoch take at the best rate that is measured."""
    device = torch.device("cpu")
    kind = torch.bfloat16 if ours.params["bf16"] and has_bf16(device) else torch.float32
    with FlopCounterMode(display=False) as counter:
        ours.epoch()
    return counter.get_total_flops() / ours.params["refresh"] / peak(kind, device)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spots", type=int, default=4_226)
    parser.add_argument("--genes", type=int, default=1_011)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--score", action="store_true")
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    if given.stages:
        stages(given.seeds)
        return
    torch.set_num_threads(1)  # the seconds of more would add up
    rng = np.random.default_rng(0)
    inputs = torch.from_numpy(rng.normal(size=(given.spots, given.genes)).astype(np.float32))
    labels = rng.integers(0, CLUSTERS, given.spots)
    ways = {
        "the report's way": Report(inputs, labels).epoch,
        **{f"`dec`, {name}": Ours(inputs, **params).epoch for name, params in SETTINGS.items()},
    }
    times = in_turn(ways, given.turns)
    limit = multiplying(Ours(inputs))
    report, *_ = map(median, times.values())
    notes = [
        f"Multiplying matrices alone, at the rate of one large product, would take "
        f"{seconds(limit)} an epoch: {report / limit:.1f} times."
    ]
    if given.score:
        notes += [
            f"ARI on demo's train donor, six seeds, {name}: "
            + ", ".join(f"{score:.3f}" for score in by_seed)
            for name, by_seed in scores().items()
        ]
    Result(
        title="Training: deep embedded clustering",
        text=f"An epoch of {given.spots:,} spots and {given.genes:,} genes, on one core. Asked for "
        "is 3 times.",
        header=["way", "an epoch", "times"],
        rows=against_first(times),
        notes=notes,
    ).write("dec")


if __name__ == "__main__":
    main()
