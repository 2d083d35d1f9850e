"""Parameters that several models here have."""

from podium.competition import Parameter

PENALTY = Parameter(3.0, "on the squared weights of genes", (1e-6, 1e6), search=(0.1, 100.0, "log"))

_WHAT = "genes are standardised by the lines that train (source), or within each context"
BY_SOURCE = Parameter("source", _WHAT, choices=("source", "context"))
BY_CONTEXT = Parameter("context", _WHAT, choices=("source", "context"))
