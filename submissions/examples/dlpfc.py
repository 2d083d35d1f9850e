"""k-means on principal components of the genes, averaged over neighbouring spots.

    podium run dlpfc submissions/examples/dlpfc.py --set neighbours=12

A layer of the cortex is a band of tissue: spots that lie side by side mostly belong together, so
each spot is described by the mean of its neighbourhood. Copy this file and change how.
"""

import numpy as np
import pandas as pd
from scipy.spatial import KDTree
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from podium.competition import Parameter

# Default, what it is, what is allowed, what a search tries. Try others with `--set neighbours=12`.
PARAMETERS = {
    "components": Parameter(15, "principal components", (1, 1000), search=(5, 40)),
    "neighbours": Parameter(18, "spots that are averaged", (1, 1000), search=(1, 40)),
}


def build(params, seed):
    """Make the model; `seed` decides everything random."""
    return Clusters(params, seed)


class Clusters:
    """Nothing is learnt from labels: each slice is clustered by itself."""

    def __init__(self, params, seed):
        self.params, self.seed = params, seed

    def fit(self, train, report=None):
        """The labelled slices of `train` are there to learn from; this model does not."""

    def predict(self, part):
        """A label for each spot; what the labels are called does not matter."""
        found = np.empty(len(part), dtype=object)
        for one in part.slices():  # one slice at a time: its rows, features and counts
            found[one.rows] = self.cluster(one).astype(str)
        return pd.DataFrame({"id": part.ids, "domain": found})

    def cluster(self, one):
        """The cluster of each spot of a slice."""
        counts = one.counts.toarray().astype(float)
        depth = counts.sum(axis=1, keepdims=True).clip(min=1)
        logs = np.log1p(counts / depth * np.median(depth))  # as if all were read equally deep
        components = min(self.params["components"], *logs.shape)
        genes = PCA(components, random_state=self.seed).fit_transform(logs)

        places = one.features[["x", "y"]].to_numpy()
        count = min(self.params["neighbours"], len(places))
        near = KDTree(places).query(places, k=range(1, count + 1))[1]
        smooth = genes[near].mean(axis=1)

        domains = int(one.features["domains"].iloc[0])  # how many there are is given
        return KMeans(domains, n_init=10, random_state=self.seed).fit_predict(smooth)
