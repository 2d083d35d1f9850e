"""Pearson's r, the coefficient of determination and the root mean squared error, over all rows.

Pearson's r is 0 where predictions or answers do not vary: they say nothing of the order. R² is
about the mean of the answers; where these do not vary it is 1 for the answers themselves and 0 for
all else. A worked example is in README.md.
"""

from podium.metrics import regression

TARGET = "expression"

metric = regression(TARGET, "pearson", "r2", "rmse")
