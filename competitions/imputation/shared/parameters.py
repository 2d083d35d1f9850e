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

SLACK = Parameter(
    0.0005, "how much expected F1 is given for a higher MCC", (0.0, 1.0), search=(0.0, 0.004)
)

NEIGHBOURS = Parameter(
    [15, 50], "numbers of nearest labelled cells to average; all are seen", (1, 10_000)
)

FOLDS = Parameter(5, "of the labelled cells, each described by the others to train", (2, 1000))

ROWS = Parameter(500_000, "about how many zeros train at most", (1, 1_000_000_000))
