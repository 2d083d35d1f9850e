"""A tiny competition for the tests of the harness."""

from podium.competition import Competition, Control, Dataset, Score, Source, Stratum, Target

competition = Competition(
    name="toy",
    title="Toy",
    summary="Predict y from x.",
    targets=(Target(name="y", unit="m", low=-100.0, high=100.0),),
    scores=(
        Score(name="rmse", title="RMSE", higher_is_better=False, perfect=0.0),
        Score(name="mae", title="MAE", higher_is_better=False, perfect=0.0),
    ),
    datasets=(
        Dataset(name="demo", title="simulated, 300 rows"),
        Dataset(
            name="table",
            title="a raw file, 60 labelled and 6 open rows",
            sources=(
                Source(
                    url="http://127.0.0.1:9/toy.zip",
                    members={
                        "toy.csv": (
                            "3acf5dc43d4791ff8402e36b86591735f57dd00a120c7d9066c3967213bf0553"
                        )
                    },
                    licence="Apache-2.0",
                    citation="made up",
                ),
            ),
        ),
    ),
    strata=(
        Stratum(name="new", title="groups that do not train", group="group", unseen=("group",)),
        Stratum(name="seen", title="groups that train", group="group"),
    ),
    controls=(Control(name="zero", model="constant"),),
)
