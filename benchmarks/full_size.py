"""Twelve simulated slices of 4,000 spots and 3,000 genes through models of dlpfc: time and memory.

    python benchmarks/full_size.py                        # spatial_gmm and graph_ae
    python benchmarks/full_size.py --models leiden --slices 2
    python benchmarks/full_size.py --slices 1 --genes 33000 --depth 9000    # a whole Visium file

Each model runs in a process of its own; seconds are those of the processor, reading included;
memory is the highest that it had, libraries included.
"""

import argparse
import resource
import tempfile
import time
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from podium.competition import defaults
from podium.competition.counts import Counts, Stored
from podium.competition.part import Part

ROOM = "podium.competitions.dlpfc"
EDGE = 63.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["spatial_gmm", "graph_ae"])
    parser.add_argument("--slices", type=int, default=12)
    parser.add_argument("--genes", type=int, default=3000)
    parser.add_argument("--depth", type=float, default=2500.0, help="counts of a spot")
    given = parser.parse_args()
    spawn = get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="podium-full-size-") as folder:
        with spawn.Pool(1) as pool:
            spots, stored = pool.apply(write, (folder, given))
        shape = f"{spots:,} spots, {given.genes:,} genes"
        print(f"{given.slices} slices, {shape}, {stored:,} counts above 0", flush=True)
        for model in given.models:
            with spawn.Pool(1) as pool:
                seconds, peak, ari = pool.apply(run, (folder, model))
            print(
                f"{model:12s} {seconds:7.1f} s  {peak / 2**30:.2f} GiB  mean ARI {ari:.3f}",
                flush=True,
            )


def write(folder, given):
    """Simulate and store one slice after the other."""
    simulate = import_module(f"{ROOM}.data.simulate")
    tissue = import_module(f"{ROOM}.data.simulated_tissue")
    simulate.GENES, simulate.DEPTH = given.genes, given.depth
    rng = np.random.default_rng(0)
    genes = simulate.draw_genes(rng)
    spots = stored = 0
    for number in range(given.slices):
        cut = tissue.cut(rng, np.arange(7), rng.uniform(0, 2 * np.pi), EDGE)
        one = simulate.express(rng, genes, cut, 0.3 * rng.standard_normal(given.genes))
        name = f"s{number:02d}"
        Counts.of({name: (one.counts, [f"g{gene}" for gene in range(given.genes)])}).write(
            Path(folder) / f"{name}.h5"
        )
        table = pd.DataFrame(cut.places, columns=["x", "y"]).assign(
            slice=name, domains=7, label=one.label
        )
        table.to_parquet(Path(folder) / f"{name}.parquet")
        spots, stored = spots + len(table), stored + int((one.counts > 0).sum())
    return spots, stored


def run(folder, model):
    """Seconds, bytes and mean ARI of a model on all slices."""
    files = sorted(Path(folder).glob("*.parquet"))
    tables = [pd.read_parquet(file) for file in files]
    features = pd.concat(tables, ignore_index=True)
    truth = features.pop("label").to_numpy()
    sizes = [len(table) for table in tables]
    counts = Counts(
        blocks={file.stem: Stored(file.with_suffix(".h5"), "blocks/0") for file in files},
        block=np.repeat(np.arange(len(files), dtype=np.int32), sizes),
        place=np.concatenate([np.arange(size, dtype=np.int32) for size in sizes]),
    )
    ids = pd.Index(features.index.astype(str), name="id")
    test = Part(name="test", ids=ids, features=features, counts=counts)
    nothing = np.zeros(len(ids), dtype=bool)
    module = import_module(f"{ROOM}.models.{model}")
    start = time.process_time()
    built = module.build(defaults(module.PARAMETERS), 0)
    built.fit(test.take(nothing))
    predicted = built.predict(test)["domain"].to_numpy()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    rows = features.groupby("slice").indices.values()
    return seconds, peak, np.mean([adjusted_rand_score(truth[r], predicted[r]) for r in rows])


if __name__ == "__main__":
    main()
