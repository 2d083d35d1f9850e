"""siRNA efficacy: how much target mRNA remains after a chemically modified siRNA."""

from podium.competition import Competition, Control, Dataset, Score, Source, Stratum, Target

competition = Competition(
    name="sirna",
    title="siRNA efficacy",
    summary="Predict the mRNA that remains (%) after treatment with a chemically modified siRNA.",
    targets=(Target(name="mRNA_remaining_pct", unit="%", low=0.0, high=300.0),),
    scores=(
        Score(name="score", title="official score"),
        Score(name="mae", title="MAE (%)", higher_is_better=False, perfect=0.0),
        Score(name="f1", title="F1 of < 30 %"),
        Score(name="precision", title="precision of < 30 %"),
        Score(name="recall", title="recall of < 30 %"),
        Score(
            name="range_mae",
            title="MAE where 0-30 % is predicted",
            higher_is_better=False,
            perfect=0.0,
        ),
    ),
    datasets=(
        Dataset(name="demo", title="simulated, 6,000 rows"),
        Dataset(
            name="shanghai",
            title="2024 Shanghai siRNA competition, 25,782 labelled and 4,874 open rows",
            open_with_features=True,
            sources=(
                Source(
                    url="https://raw.githubusercontent.com/kiyoumiii/DL4RNA_AI4S_comp/"
                    "239cd6f26ca0fe96717f2558762bef7367ec2df8/data/siRNA_0715.zip",
                    members={
                        "train_data.csv": (
                            "19c630570cd50e88f56ef29a68633ff2638d56023b39fedddbdfc0721950f58a"
                        ),
                        "sample_submission.csv": (
                            "7340eedafe0c875d6ca1f507e0ff0f1f1ac28c3f5060027e0bb14e2f096199e7"
                        ),
                        "vocab.csv": (
                            "ec23055d0c13e4b7a2b91272b5ddce94e1fdb3c868ab5883b40e88a8c0b44397"
                        ),
                    },
                    licence="organiser's terms, not stated: fetch it yourself, do not pass it on",
                    citation="2024 Shanghai siRNA drug-efficacy prediction competition",
                ),
            ),
        ),
    ),
    strata=(
        Stratum(
            name="unseen_gene",
            title="genes that do not train",
            group="gene",
            unseen=("gene", "guide"),
        ),
        Stratum(
            name="unseen_guide",
            title="new guides of genes that train",
            group="guide",
            unseen=("guide",),
        ),
        Stratum(name="seen", title="other rows of guides that train", group="guide"),
    ),
    halves_by="guide",
    optional={
        "publication_id": "new",
        "siRNA_duplex_id": "new",  # without a number: it is of no series that trains
        "concentration_unit": "nM",
    },
    accepted={
        "no test text is nearly in train": "rows of genes and guides that train are strata of "
        "their own, unseen_guide and seen; genes of unseen_gene do not train",
    },
    controls=(
        Control(name="constant mean", model="constant"),
        Control(name="constant 29.9", model="constant", params={"value": 29.9}),
        Control(name="shuffled", model="shuffled"),
    ),
)
