"""Predictions as they are stored: columns, matrices, HDF5 files, and those made out of fold.

`podium.submission` and `podium.formats`, which check whole files, are public and lie outside.
"""
