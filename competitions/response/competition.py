"""Drug response across contexts: learn from solid tumours, predict blood cancers."""

from podium.competition import Competition, Control, Dataset, Score, Source, Stratum, Target

competition = Competition(
    name="response",
    title="Drug response across contexts",
    summary="Predict ln IC50 of a drug in a cell line, from lines of other tissues.",
    targets=(Target(name="ln_ic50", unit="ln micromolar", low=-50.0, high=50.0),),
    scores=(
        Score(name="r", title="Pearson's r within drug and context, averaged"),
        Score(
            name="specific_r",
            title="the same with what is the drug's own",
            beside=True,
            perfect=None,
        ),
        Score(name="auroc", title="AUROC within drug and context, averaged", beside=True),
        Score(name="rmse", title="RMSE", beside=True, higher_is_better=False, perfect=0.0),
    ),
    datasets=(
        Dataset(name="demo", title="simulated, 400 lines and 60 drugs"),
        Dataset(
            name="gdsc",
            title="524 cell lines and 225 drugs of GDSC, 697 genes",
            sources=(
                Source(
                    url="https://github.com/horsedayday/DualGCN/archive/"
                    "91e42e9000900f150efe5eb99945d26ec3661ca6.zip",
                    members={
                        "GDSC_IC50.csv": (
                            "9dad3b047e20b59b88d88ba00f64ef53e7dcfc11e7cceab19d9e79ae746105bb"
                        ),
                        "Cell_lines_annotations_20181226.txt": (
                            "77648d1cada2f325ba2c049a5fb5408434f73b963c8e1148fb82ba2653e469e1"
                        ),
                        "omics_data/ACH-*.csv": (
                            "205b3a8ab07e43eecb526ff37b0f80241010e4c8e1328b7ed14d455fe8a7d383"
                        ),
                        "*rug_list*.csv": (
                            "b88757dd7aa7979251832b4866ff605f716854705d49ea4cb256f794e262a74e"
                        ),
                    },
                    licence="responses and drugs: GDSC's own terms, non-commercial, do not pass "
                    "on; expression and annotation: CCLE / DepMap, CC BY 4.0; repository: MIT",
                    citation="GDSC and CCLE, in the files of DualGCN (horsedayday/DualGCN)",
                ),
                Source(
                    url="https://raw.githubusercontent.com/kimmo1019/DeepCDR/"
                    "4dc5a901d580511335b9a54ffce9fb188f9f068d/data/CCLE/IC50_thred.txt",
                    members={
                        "IC50_thred.txt": (
                            "521f28602224ca0f182defd4ea76e00a93aabc9b14881ddc83ca6b252506ddd4"
                        )
                    },
                    licence="GDSC's own terms, non-commercial; repository: MIT",
                    citation="GDSC, in a file of DeepCDR (Liu et al. 2020, Bioinformatics)",
                ),
            ),
        ),
    ),
    strata=(
        Stratum(name="blood", title="blood cancers", group="line", unseen=("line",)),
        Stratum(name="solid", title="new lines of solid tumours", group="line", unseen=("line",)),
    ),
    halves_by="line",
    metric_by=("drug", "context", "line", "call"),
    controls=(Control(name="drug mean", model="drug_mean"),),
)
