"""How near leave-one-group-out scores from 512 bins come to exact ones: a table for decision 0026.

python benchmarks/ranking_bins.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "metrics"))
from test_ranking import KINDS, left_out

print("| score | predictions | largest error of a score without a group | standard error: of it |")
print("| --- | --- | --- | --- |")
for score in ("auc", "average_precision", "auc_within"):
    for kind in KINDS:
        errors, ratios = [], []
        for seed in range(5):
            exact, influence, found = left_out(score, seed, kind)
            groups = len(exact)
            errors.append(np.abs(influence - found.influence).max() / (groups - 1))
            se = np.sqrt((influence**2).sum() / (groups * (groups - 1)))
            ratios.append(abs(found.se / se - 1) if se else 0.0)
        print(f"| {score} | {kind} | {max(errors):.1e} | {max(ratios):.2%} |")
