"""How far more promoters would bring `basenji_small`: r² in maize against the size of train.

    python benchmarks/maize_curve.py --dataset jores-leaf --out curve            # everything
    python benchmarks/maize_curve.py --dataset jores-leaf --out curve --share 4  # a quarter only
    python benchmarks/maize_curve.py --out curve --draw                          # table and picture

One fold of train is held out; of the families of the other folds, extra rows included, all, a half,
a quarter and an eighth train. The test part is never looked at. Each point is a line of
`curve/points.csv`, so parts may be made one after another, on several machines; a point that is
there is not made again. The line through log(1 - r²) against log size, that is promoters of the
assay itself, is drawn on to the size of the set that the paper's network (Jores et al. 2021,
doi:10.1038/s41477-021-00932-y) learned from, whose r² stands beside it.
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np

from podium import api
from podium.competition import model_file as model

SHARES = (8, 4, 2, 1)
PAPER = {"jores-leaf": (65_004, 0.731), "jores-proto": (68_213, 0.689)}
"""Promoters that the paper's network learned from, and its r² in maize."""
COLUMNS = ("dataset", "share", "fold", "seed", "rows", "own", "r2", "seconds")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", nargs="+", default=list(PAPER), choices=list(PAPER))
    parser.add_argument("--share", nargs="+", type=int, default=list(SHARES))
    parser.add_argument("--fold", nargs="+", type=int, default=[0])
    parser.add_argument("--seed", nargs="+", type=int, default=[0])
    parser.add_argument("--set", nargs="*", default=[], help="parameters, such as networks=1")
    parser.add_argument("--out", type=Path, default=Path("curve"))
    parser.add_argument("--draw", action="store_true", help="draw what is there and end")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    points = given.out / "points.csv"
    if not given.draw:
        measure(given, points)
    draw(read(points), given.out)


def read(points):
    if not points.exists():
        return []
    with points.open(newline="") as file:
        return list(csv.DictReader(file))


def measure(given, points):
    done = {tuple(line[name] for name in COLUMNS[:4]) for line in read(points)}
    wanted = [
        (dataset, share, fold, seed)
        for dataset in given.dataset
        for share in given.share
        for fold in given.fold
        for seed in given.seed
    ]
    for dataset, share, fold, seed in wanted:
        if (dataset, str(share), str(fold), str(seed)) in done:
            continue
        line = point(dataset, share, fold, seed, dict(text.split("=") for text in given.set))
        new = not points.exists()
        with points.open("a", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            if new:
                writer.writeheader()
            writer.writerow(line)
        sys.stderr.write(f"{line}\n")


def point(dataset, share, fold, seed, changes):
    ready = api.prepare("maize", dataset)
    file = model.load(ready.competition, "basenji_small")
    file = file.with_params({name: type(file.params[name])(v) for name, v in changes.items()})
    whole = ready.train(seed)
    train, check = whole.take(whole.folds != fold), whole.take(whole.folds == fold)
    train = fewer(train, share, fold)
    more = round(share**0.5)  # or few rows would also mean few steps
    file = file.with_params({name: more * file.params[name] for name in ("epochs", "patience")})
    start = time.perf_counter()
    built = file.build(seed)
    built.fit(train)
    maize = (check.features["species"] == "maize").to_numpy()
    predicted = built.predict(check.without_answers())["expression"].to_numpy()[maize]
    truth = check.targets["expression"].to_numpy()[maize]
    return {
        "dataset": dataset,
        "share": share,
        "fold": fold,
        "seed": seed,
        "rows": len(train) + (len(train.extra) if train.extra is not None else 0),
        "own": len(train),
        "r2": round(float(np.corrcoef(predicted, truth)[0, 1] ** 2), 4),
        "seconds": round(time.perf_counter() - start),
    }


def fewer(train, share, fold):
    """A part with one of so many families; its extra rows are those of the same families."""
    families = np.unique(train.groups["family"])
    if train.extra is not None:
        families = np.union1d(families, train.extra.groups["family"])
    order = np.random.default_rng(fold).permutation(families)
    kept = set(order[: len(order) // share])
    extra = train.extra
    chosen = train.take(train.groups["family"].isin(kept).to_numpy())
    if extra is not None:
        extra = extra.take(extra.groups["family"].isin(kept).to_numpy())
    return type(train)(**{**vars(chosen), "extra": extra})


def line_through(rows, r2):
    """Slope and height of log(1 - r²) against log size; what it gives for other sizes."""
    slope, height = np.polyfit(np.log(rows), np.log(1 - np.asarray(r2)), 1)
    return slope, lambda size: 1 - np.exp(height + slope * np.log(size))


def draw(points, out):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    table = ["| dataset | promoters to learn from | of the other assay | r² in maize | points |"]
    table.append("|---|---|---|---|---|")
    for number, dataset in enumerate(sorted({line["dataset"] for line in points})):
        own = [line for line in points if line["dataset"] == dataset]
        sizes, means = [], []
        for share in sorted({int(line["share"]) for line in own}, reverse=True):
            some = [line for line in own if int(line["share"]) == share]
            rows, mine, r2 = (
                np.mean([float(line[name]) for line in some]) for name in ("rows", "own", "r2")
            )
            sizes.append(mine)
            means.append(r2)
            table.append(
                f"| {dataset} | {mine:,.0f} | {rows - mine:,.0f} | {r2:.3f} | {len(some)} |"
            )
        colour = f"C{number}"
        axes.plot(sizes, means, "o", color=colour, label=dataset)
        size, theirs = PAPER[dataset]
        axes.plot(size, theirs, "*", color=colour, markersize=12, label="the paper's network")
        if len(sizes) > 1:
            slope, curve = line_through(sizes, means)
            reach = np.geomspace(min(sizes), size, 50)
            axes.plot(reach, curve(reach), "--", color=colour)
            table.append(f"| {dataset} | {size:,} | | {curve(size):.3f} expected | |")
            table.append(f"| {dataset} | {size:,} | | {theirs:.3f} the paper's network | |")
            print(f"{dataset}: 1 - r² falls as size ** {slope:.3f}")
    axes.set(
        xscale="log",
        xlabel="promoters of the assay to learn from",
        ylabel="r² in maize, fold held out",
    )
    axes.legend(frameon=False)
    (out / "curve.md").write_text("\n".join(table) + "\n")
    figure.savefig(out / "curve.png", dpi=120)
    print("\n".join(table))


if __name__ == "__main__":
    main()
