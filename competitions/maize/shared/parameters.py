"""Parameters that several models here have."""

COUNTS = ("word", "word6", "composition", "core")
"""Groups of features that no sequence lacks, see `features.py`."""

GROUPS = (*COUNTS, "tata", "element")
"""All groups; the last are NaN where nothing is found."""

ODD = (1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
"""Widths of convolutions that keep a sequence's length."""
