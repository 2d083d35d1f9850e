"""Parameters that several models here have."""

from podium.competition import Parameter

COMPONENTS = Parameter(
    10,
    "principal components in which cells are compared",
    (1, 1000),
    search=(5, 50, "log"),
)

SOURCE = Parameter(
    "truth",
    "whose counts are used: true ones of labelled cells, or observed ones of all",
    choices=("truth", "observed"),
)

CALLING = Parameter(
    "learnt",
    "labelled cells say which score makes a dropout and how large the truth is, or the model's own",
    choices=("learnt", "own"),
)
