"""What the models that impute cells of any genes take for a matrix as large as a worm's.

    python benchmarks/own_matrix.py [MODEL ...]

The matrix is made here: 4,186 cells x 13,488 genes, 98.6 % zeros, eight kinds of cells whose genes
differ in their means, cells that differ in depth, counts negative binomial. Asked for are less than
a minute and 2 GB. `podium predict` runs as users run it; memory is that of its largest process,
seconds of processor time are those of all. `dca` has three epochs here: how many it takes
depends on the cells.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from measuring import PODIUM
from scipy.sparse import csr_array, vstack

from podium.data import h5ad

MODELS = ("svd", "knn_smooth", "nb_posterior", "diffusion", "dca")
CELLS, GENES, KINDS, COUNTS = 4186, 13488, 8, 218
"""COUNTS: of a cell of usual depth."""


def made(seed: int = 0) -> csr_array[Any]:
    """Counts [cells, genes]."""
    rng = np.random.default_rng(seed)
    means = rng.lognormal(0, 2, GENES) * rng.lognormal(0, 1, (KINDS, GENES))
    means *= COUNTS / means.sum(axis=1, keepdims=True)
    kinds, depths = rng.integers(0, KINDS, CELLS), rng.lognormal(0, 0.6, CELLS)
    rows = [
        csr_array(rng.poisson(rng.gamma(2, means[[kind]] * depth / 2)).astype(np.float32))
        for kind, depth in zip(kinds, depths, strict=True)
    ]
    return csr_array(vstack(rows))


def watched(command: list[str]) -> tuple[float, float, float]:
    """Seconds of wall and of processors, and MiB of the largest process, of a command."""
    start, cpu, peak = time.perf_counter(), dict[int, float](), 0.0
    with subprocess.Popen(command) as first:
        while first.poll() is None:
            with suppress(psutil.Error):
                family = psutil.Process(first.pid)
                for one in [family, *family.children(recursive=True)]:
                    used = one.cpu_times()
                    cpu[one.pid] = used.user + used.system
                    peak = max(peak, one.memory_info().rss / (1 << 20))
            time.sleep(0.1)
    if first.returncode:
        raise subprocess.CalledProcessError(first.returncode, command)
    return time.perf_counter() - start, sum(cpu.values()), peak


def main() -> None:
    """Make the matrix and impute it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=MODELS)
    counts = made()
    share = 1 - counts.nnz / (CELLS * GENES)
    print(f"{CELLS:,} cells x {GENES:,} genes, {100 * share:.1f} % zeros")
    names = pd.Index([f"cell{n}" for n in range(CELLS)], name="cell")
    genes = np.array([f"WBGene{n:08d}" for n in range(GENES)])
    with tempfile.TemporaryDirectory() as place:
        file, out = Path(place) / "worm.h5ad", Path(place) / "imputed.h5"
        h5ad.write(file, h5ad.Annotated(pd.DataFrame(index=names), counts, genes, None))
        for model in parser.parse_args().models:
            command = [PODIUM, "predict", "imputation", model, "--input", str(file)]
            command += ["--output", str(out), "--force", "--json"]
            command += ["--set", "epochs=3"] if model == "dca" else []
            wall, cpu, peak = watched(command)
            print(f"{model}: {wall:.0f} s, {cpu:.0f} s of CPU, {peak:,.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
