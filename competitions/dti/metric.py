"""AUROC, average precision, AUROC within protein, and what is right at .5.

AUROC is exact, by one sort, with ties half (docs/decisions/0026). Within protein only pairs of rows
of one protein count, which a model that does not look at the drug cannot order: it has .5. The
threshold is .5 and never one that was chosen on the answers. A worked example is in README.md.
"""

from podium.metrics import joined, probabilities, ranking

TARGET = "binds"

metric = joined(
    ranking(TARGET, "auc", "average_precision", "auc_within", within="protein"),
    probabilities(TARGET, "brier", "accuracy", "sensitivity", "specificity"),
)
