"""Check and score an imputed matrix of 20,000 cells x 2,000 genes, whole processes side by side.

    python benchmarks/wide.py [cells] [genes]

Podium's way reads the file as anybody may have written it, aligns rows and columns by name, checks
all values and that observed counts are as they were, and scores. The plain way is what people
write: pandas reads, `loc` aligns, scikit-learn scores, nothing is checked. Asked for are 15 seconds
and 3 GB.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

CODE = {
    "podium": """
from pathlib import Path
import pyarrow as pa
from scipy.sparse import load_npz, csr_array
from podium.competition import folders as competition
from podium.data.formats import Expected
from podium.data.reader import read
from podium.scoring import submission
from podium.competition.counts import Counts
from podium.competition.part import Part
import pandas as pd
imputation = competition.load("imputation")
ids, genes = json.loads(Path("names.json").read_text())
observed, truth = (csr_array(load_npz(name)) for name in ("observed.npz", "truth.npz"))
def part():
    counts = Counts.of({"cells": (observed, genes)})
    features = pd.DataFrame(index=range(len(ids)))
    return Part(name="test", ids=pd.Index(ids), features=features, counts=counts)
table = read(Path(file), Expected.of(imputation, len(ids), genes))
aligned = submission.align(table, imputation, pa.array(ids), part, genes)
score = imputation.metric.score({"count": truth, "observed": observed}, aligned)["f1"]
""",
    "plain": """
import pandas as pd
from scipy.sparse import load_npz
from sklearn.metrics import f1_score
names = json.loads(open("names.json").read())
observed, truth = (load_npz(name).toarray() for name in ("observed.npz", "truth.npz"))
table = pd.read_csv(file) if file.endswith("csv") else pd.read_parquet(file)
imputed = table.set_index("id").loc[names[0], names[1]].to_numpy()
zero = observed == 0
score = f1_score(truth[zero] > 0, imputed[zero] > 0)
""",
}
FRAME = """
import json, resource, sys, time
start, file = time.perf_counter(), sys.argv[1]
{code}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([time.perf_counter() - start, peak, score]))
"""


def main(cells: int = 20_000, genes: int = 2_000) -> None:
    """Write the files, time both ways on each, print a table."""
    with tempfile.TemporaryDirectory(prefix="podium-wide-") as place:
        folder = Path(place)
        files = write(folder, cells, genes)
        print(f"{'file':>15} {'MB':>6} {'podium s':>9} {'GB':>5} {'plain s':>8} {'GB':>5} ratio")
        for file in files:
            size = (folder / file).stat().st_size / 1e6
            own = timed("podium", folder, file)
            line = f"{file:>15} {size:6.0f} {own[0]:9.2f} {own[1]:5.2f}"
            if not file.endswith(".h5"):
                plain = timed("plain", folder, file)
                assert abs(plain[2] - own[2]) < 1e-9
                line += f" {plain[0]:8.2f} {plain[1]:5.2f} {plain[0] / own[0]:6.2f}"
            print(line, flush=True)


def timed(way: str, folder: Path, file: str) -> list[float]:
    """Seconds, peak memory in GB and F1 of one whole process; the median of three by time."""
    code = FRAME.format(code=CODE[way])
    runs = []
    for _ in range(3):
        command = [sys.executable, "-c", code, file]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    return list(sorted(runs)[1])


def write(folder: Path, cells: int, genes: int) -> list[str]:
    """Counts, dropouts and an imputation of about half of the zeros, in every format."""
    import h5py
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv
    from scipy.sparse import csr_array, save_npz

    rng = np.random.default_rng(0)
    truth = rng.poisson(0.4, (cells, genes)).astype(np.float32)
    observed = truth * (rng.random(truth.shape) < 0.7)
    guess = rng.gamma(1, 1, truth.shape) * (rng.random(truth.shape) < 0.5)
    imputed = np.where(observed > 0, observed, guess).round(3).astype(np.float32)
    ids, names = [f"cell{c}" for c in range(cells)], [f"gene{g}" for g in range(genes)]
    (folder / "names.json").write_text(json.dumps([ids, names]), encoding="utf-8")
    save_npz(folder / "truth.npz", csr_array(truth), compressed=False)
    save_npz(folder / "observed.npz", csr_array(observed), compressed=False)
    order = rng.permutation(cells)
    columns: dict[str, Any] = {"id": [ids[row] for row in order]}
    columns |= dict(zip(names, np.ascontiguousarray(imputed[order].T), strict=True))
    csv.write_csv(pa.table(columns), folder / "imputed.csv")
    pq.write_table(pa.table(columns), folder / "imputed.parquet", compression="zstd")
    with h5py.File(folder / "dense.h5", "w") as file:
        file["id"], file["genes"], file["count"] = columns["id"], names, imputed[order]
    sparse = csr_array(imputed[order])
    with h5py.File(folder / "sparse.h5", "w") as file:
        file["id"], file["genes"] = columns["id"], names
        for key in ("data", "indices", "indptr"):
            file[f"count/{key}"] = getattr(sparse, key)
    return ["imputed.csv", "imputed.parquet", "dense.h5", "sparse.h5"]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
