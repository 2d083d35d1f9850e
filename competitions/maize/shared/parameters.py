"""Parameters that several models here have."""

GROUPS = ("word", "word6", "composition", "region", "core", "tata", "element")
"""Groups of features, see `features.py`."""

ODD = (1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
"""Widths of convolutions that keep a sequence's length."""
