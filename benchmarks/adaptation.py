"""Whether adapting to other donors pays: `san` and `dann` of dlpfc beside their plain classifier.

    python benchmarks/adaptation.py                      # demo: donor 1 trains, three seeds
    python benchmarks/adaptation.py --simulation 101     # other slices of the same simulator
    python benchmarks/adaptation.py --set noise=0 dropout=0 --seeds 1

Donor 2 has 5 of the 7 layers, donor 3 all. Each row: accuracy and ARI (mean over slices) of the
labels that are most probable in a slice, as many as it has domains, which is what models hand in;
then of each spot's most probable label; the share of spots that this puts in the two layers that
donor 2 lacks; and how often adapting was not trusted, and `plain` handed in. The truth is looked at
for these figures alone. Settings are chosen on other simulations than `demo`.
"""

import argparse
import json
import time
from collections import defaultdict

import numpy as np
from podium.competitions.dlpfc.data import simulate
from podium.competitions.dlpfc.data.simulated_tissue import LAYERS
from podium.competitions.dlpfc.models import dann, san
from podium.competitions.dlpfc.shared.labelled import most_probable
from sklearn.metrics import adjusted_rand_score

from podium.competition import Part, defaults

MODELS = {"dann": dann, "san": san}
LACKING = LAYERS[: -simulate.SHORT_LAYERS]


def donors(seed):
    """A part with answers for each donor, by name."""
    simulate.SEED = seed
    data = simulate.demo()
    donor = data.groups["donor"].to_numpy()
    parts = {}
    for name in np.unique(donor):
        rows = np.flatnonzero(donor == name)
        features = data.features.iloc[rows].reset_index(drop=True)
        parts[name] = Part(
            name="train",
            ids=features.set_index("id").index,
            features=features.drop(columns="id"),
            counts=data.counts.take(rows),
            targets=data.targets.iloc[rows].reset_index(drop=True)[["domain"]],
        )
    return parts


def figures(part, names, probability, domains):
    """Accuracy and ARI of what is handed in and of free labels, and the share in absent layers."""
    truth = part.targets["domain"].to_numpy(str)
    slices = [one.rows for one in part.slices()]
    free = names[probability.argmax(axis=1)].astype(str)
    handed = np.empty_like(free)
    for rows in slices:
        handed[rows] = names[most_probable(probability[rows], domains)].astype(str)
    made = []
    for labels in (handed, free):
        made.append((labels == truth).mean())
        made.append(np.mean([adjusted_rand_score(truth[rows], labels[rows]) for rows in slices]))
    return [*made, np.isin(free, LACKING).mean()]


def measured(parts, models, names, seeds, params):
    """Figures of each donor and model, [seeds, figures], and how often each was not trusted."""
    table, refused = defaultdict(list), defaultdict(int)
    for seed in range(seeds):
        for name in models:
            model = MODELS[name].build({**defaults(MODELS[name].PARAMETERS), **params}, seed)
            model.fit(parts["d1"])
            for donor in names:
                for outcome in model.outcomes(parts[donor].without_answers()):
                    refused[donor, name] += bool(outcome.problem)
                    for kind, values in ((name, outcome.after), ("plain", outcome.before)):
                        if kind == name or name == models[0]:
                            line = figures(parts[donor], model.names, values, outcome.domains)
                            table[donor, kind].append(line)
    return table, refused


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulation", type=int, default=simulate.SEED)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--donors", nargs="+", default=["d2", "d3"])
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    params = {name: json.loads(value) for name, value in (one.split("=") for one in given.set)}
    start = time.process_time()
    table, refused = measured(
        donors(given.simulation), given.models, given.donors, given.seeds, params
    )
    print("| donor | model | accuracy | ARI | free: accuracy | ARI | absent layers | not trusted |")
    print("|---|---|---|---|---|---|---|---|")
    for (donor, name), values in sorted(table.items()):
        mean, spread = np.mean(values, axis=0), np.std(values, axis=0, ddof=given.seeds > 1)
        shown = [f"{m:.3f} ± {s:.3f}" for m, s in zip(mean, spread, strict=True)]
        not_trusted = "" if name == "plain" else f"{refused[donor, name]} of {given.seeds}"
        print(f"| {donor} | `{name}` | {' | '.join(shown)} | {not_trusted} |")
    print(f"{time.process_time() - start:.0f} CPU seconds")


if __name__ == "__main__":
    main()
