"""Drug response across contexts: learn from solid tumours, predict blood cancers."""

from podium.competition import Competition, Control, Dataset, Score, Stratum, Target

competition = Competition(
    name="response",
    title="Drug response across contexts",
    summary="Predict ln IC50 of a drug in a cell line, from lines of other tissues.",
    targets=(Target(name="ln_ic50", unit="ln micromolar"),),
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
    datasets=(Dataset(name="demo", title="simulated, 400 lines and 60 drugs"),),
    strata=(
        Stratum(name="blood", title="blood cancers", group="line", unseen=("line",)),
        Stratum(name="solid", title="new lines of solid tumours", group="line", unseen=("line",)),
    ),
    halves_by="line",
    metric_by=("drug", "context", "call", "specific"),
    controls=(Control(name="drug mean", model="drug_mean"),),
)
