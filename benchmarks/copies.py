"""How much alike are honest predictions, and copies that somebody altered?

    PODIUM_WORKSPACE=DIR python benchmarks/copies.py [COMP...]

For each competition the models that were trained in that workspace, on its demo dataset: of every
two that are not the same file the most alike ones; then the best with a seeded change, against
itself. The bounds of `podium.scoring.likeness` lie between both: docs/boards.md has the figures.
"""

from __future__ import annotations

import sys
from itertools import combinations

import numpy as np

import podium
from podium.leaderboard.contest import Contest
from podium.leaderboard.submit import Scorer
from podium.scoring.likeness import Likeness

SHOWN = 6
COMPETITIONS = ("sirna", "maize", "imputation", "dlpfc")


def altered(values, rng):
    """Copies of predictions that were changed a little, by how."""
    flat = values.ravel()
    some = rng.random(len(flat)) < 0.05
    moved = flat.copy()
    if values.dtype == object or values.dtype.kind in "US":
        moved[some] = rng.choice(flat, some.sum())
        few = np.where(rng.random(len(flat)) < 0.01, rng.choice(flat, len(flat)), flat)
        return {"5 % of the labels drawn anew": moved, "1 % of them": few}
    spread = flat.std()
    moved[some] = rng.choice(flat, some.sum())
    return {
        "noise of 1 % of their spread": flat + 0.01 * spread * rng.normal(size=len(flat)),
        "noise of 2 %": flat + 0.02 * spread * rng.normal(size=len(flat)),
        "scaled": 0.97 * flat + 1,
        "5 % of the values drawn anew": moved,
    }


def main(name):
    scorer = Scorer.find(Contest.find(*podium.load(name)))
    likeness = Likeness(scorer.data, 0)
    trained = [r for r in scorer.contest.records() if r.kind == "scored" and r.model]
    records = list({record.sha256: record for record in trained}.values())
    score = scorer.contest.competition.primary
    sign = -1 if score.higher_is_better else 1
    records.sort(key=lambda record: sign * record.public["scores"][score.name])
    tables = [scorer.predictions(record) for record in records]
    alike = likeness.compare([likeness.sketch(table) for table in tables])

    def called(record):
        facts = record.provenance
        return f"{record.name} (seed {facts.get('seed')})"

    pairs = sorted(combinations(range(len(records)), 2), key=lambda pair: -alike.agreement[pair])
    print(f"\n{name}: {len(records)} honest submissions\n\n| pair | agreement | same | marked |")
    print("|---|---|---|---|")
    for pair in pairs[:SHOWN]:
        both = " and ".join(called(records[place]) for place in pair)
        print(line(both, alike, pair))
    target = scorer.data.competition.targets[0]
    values = tables[0][target.name]
    values = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
    rng = np.random.default_rng(0)
    for how, changed in altered(values, rng).items():
        copy = likeness.sketch({target.name: changed.reshape(values.shape)})
        both = likeness.compare([likeness.sketch({target.name: values}), copy])
        print(line(f"{called(records[0])}, {how}", both, (0, 1)))


def line(title, alike, pair):
    near = "yes" if alike.near[pair] else "no"
    return f"| {title} | {alike.agreement[pair]:.5f} | {100 * alike.same[pair]:.1f} % | {near} |"


for competition in sys.argv[1:] or COMPETITIONS:
    main(competition)
