"""Look at alike cells: where they have counts, a zero is probably a dropout.

    podium run imputation submissions/examples/imputation.py --set cells=20

A zero is called a dropout, and gets the mean of the most alike cells, where that mean is large.
How large is learnt from the train cells, whose true counts are known. Copy this file and change
what makes cells alike.
"""

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.neighbors import NearestNeighbors

from podium.competition import Parameter

# Default, what it is, what is allowed, what a search tries. Try others with `--set cells=20`.
PARAMETERS = {
    "cells": Parameter(30, "alike cells that are averaged", (1, 10_000), search=(5, 60)),
    "components": Parameter(10, "principal components", (1, 1000), search=(2, 30)),
}


def build(params, seed):
    """Make the model; `seed` decides everything random."""
    return AlikeCells(params, seed)


class AlikeCells:
    """Fills zeros with what alike cells have."""

    def __init__(self, params, seed):
        self.params, self.seed = params, seed

    def fit(self, train, report=None):
        """Find the mean from which on calling a zero pays: the best F1 of ten candidates."""
        hits = np.zeros((10, 2))  # rightly called, and called, for each candidate
        dropouts = 0
        self.cuts = np.geomspace(0.05, 5, 10)
        for one in train.slices():
            counts, truth = one.counts.toarray(), one.truth.toarray()
            zero = counts == 0
            mean, dropout = self.mean(counts)[zero], truth[zero] > 0
            called = [mean >= cut for cut in self.cuts]
            hits += [[(dropout & one).sum(), one.sum()] for one in called]
            dropouts += dropout.sum()
        f1 = 2 * hits[:, 0] / (hits[:, 1] + dropouts)
        self.cut = self.cuts[f1.argmax()]

    def predict(self, part):
        """All counts of each cell: those that were seen as they are, called zeros filled."""
        tables = []
        for one in part.slices():
            counts = one.counts.toarray().astype(float)
            mean = self.mean(counts)
            filled = np.where((counts == 0) & (mean >= self.cut), mean, counts)
            table = pd.DataFrame(filled, columns=one.genes)
            table.insert(0, "id", part.ids[one.rows])
            tables.append(table)
        return pd.concat(tables, ignore_index=True)

    def mean(self, counts):
        """The mean of the most alike cells, at each cell's own depth [cells, genes]."""
        depth = counts.sum(axis=1, keepdims=True).clip(min=1)
        scaled = counts / depth * np.median(depth)
        components = min(self.params["components"], counts.shape[1] - 1)
        place = TruncatedSVD(components, random_state=self.seed).fit_transform(np.log1p(scaled))
        near = NearestNeighbors(n_neighbors=min(self.params["cells"], len(counts))).fit(place)
        alike = near.kneighbors(place, return_distance=False)
        return scaled[alike].mean(axis=1) * depth / np.median(depth)
