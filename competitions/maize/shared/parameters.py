"""Parameters that several models here have."""

from podium.competition import Parameter

DISCOVERY = {
    "least_z": Parameter(
        5.0, "how far from chance a word must be", (0.0, 1000.0), search=(4.5, 6.0)
    ),
    "most_words": Parameter(20, "words at most", (0, 1000)),
}
"""Of finding words: see `discovery.py`."""

VARIED = {
    "shift": Parameter(
        8, "bases by which a sequence is moved at most when it trains", (0, 1000), search=(0, 16)
    ),
    "mutations": Parameter(
        0.03,
        "share of its bases that are then replaced by random ones",
        (0.0, 1.0),
        search=(0.0, 0.15),
    ),
}
"""Of networks: each time they see a sequence it is a little different."""

COUNTS = ("word", "word6", "composition", "core")
"""Groups of features that are counts, none below 0: see `features.py`."""

GROUPS = ("word", "word6", "composition", "region", "core", "tata", "element")
"""All groups of features."""

ODD = (1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
"""Widths of convolutions that keep a sequence's length."""
