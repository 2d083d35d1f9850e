"""What dti's models are chosen by: AUROC out of fold, whole and within a protein.

    python benchmarks/dti_folds.py gpcr biosnap-cluster biosnap

Prints a table: each model as it may be set, for each dataset. The data must be ready (`podium data
dti -d gpcr`). What `podium cv` keeps of them is kept: the stack takes it.
"""

import sys

import podium

VARIANTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("pair_knn", {"drugs": "grams", "proteins": "composition"}),
    ("pair_knn", {"drugs": "circular", "proteins": "composition"}),
    ("pair_knn", {"drugs": "both", "proteins": "composition"}),
    ("pair_knn", {"drugs": "both", "proteins": "words"}),
    ("pair_knn", {}),
    ("kronecker", {}),
    ("kronecker", {"drugs": "grams"}),
    ("kronecker", {"proteins": "words"}),
    ("kronecker", {"penalty": 1.0}),
    ("lightgbm", {}),
    ("lightgbm", {"drugs": "grams"}),
    ("lightgbm", {"drugs": "circular"}),
    ("lightgbm", {"max_bin": 255}),
    ("stack", {}),
)


def main() -> None:
    """Cross-validate all, and print a line for each."""
    datasets = sys.argv[1:] or ["gpcr", "biosnap-cluster", "biosnap"]
    print("| model | " + " | ".join(f"{name} | within" for name in datasets) + " |")
    print("|---" * (1 + 2 * len(datasets)) + "|")
    for model, changes in VARIANTS:
        cells = []
        for dataset in datasets:
            scores = podium.cross_validate("dti", model, dataset=dataset, params=changes).card.whole
            cells += [f"{scores.scores[name]:.3f}"[1:] for name in ("auc", "auc_within")]
        settings = ", ".join(f"`{name}={value}`" for name, value in changes.items())
        print("| " + " | ".join([f"`{model}` {settings}".strip(), *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
