"""Parameters that several models here have."""

from podium.competition import Parameter

GROUPS = (
    *("base", "sugar", "token", "kmer", "energy", "rule", "count"),  # of the duplex
    "assay",
    *("site", "context", "source"),  # of the target and of who measured
)
"""Groups of features, see `features.py`."""

CALL_ABOVE = Parameter(
    0.35,
    "probability of less than 30 % from which on a row is called so; None calls none",
    (0.0, 0.999),
    optional=True,
)
