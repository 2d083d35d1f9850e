"""A rate for each protein, and what the neighbours of a pair add to it.

    podium run dti submissions/examples/dti.py --set neighbours=20

A pair is like a known one if its drug is spelt alike and its protein is. This model counts short
words of both texts, takes the heaviest known pairs of each, and averages what these did. Copy this
file and change what is counted, or how alike two texts are.
"""

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import HashingVectorizer

from podium.competition import Parameter

# Default, what it is, what is allowed, what a search tries. Try others with `--set prior=.5`.
PARAMETERS = {
    "neighbours": Parameter(20, "known pairs that count", (1, 10_000), search=(3, 100, "log")),
    "power": Parameter(3.0, "of how alike two drugs are", (0.0, 20.0), search=(0.5, 6.0)),
    "prior": Parameter(0.3, "weight of the protein's rate", (0.0, 100.0), search=(0.01, 3, "log")),
}


def words(texts, low, high):
    """Counts of the words of some lengths in each text, as rows of length 1 [texts, 2 ** 14]."""
    counter = HashingVectorizer(
        analyzer="char", ngram_range=(low, high), n_features=2**14, lowercase=False, norm="l2"
    )
    return counter.transform(texts)


def build(params, seed):
    """Make the model; nothing in it is random, so `seed` is not needed."""
    return Neighbours(params)


class Neighbours:
    """Remembers the known pairs, each drug and protein once."""

    def __init__(self, params):
        self.params = params

    def fit(self, train, report=None):
        """Learn from the train part."""
        self.binds = train.targets["binds"].to_numpy(float)
        self.drug, drugs = pd.factorize(train.features["smiles"])
        self.protein, proteins = pd.factorize(train.features["protein"])
        self.drugs, self.proteins = words(drugs, 2, 4), words(proteins, 3, 3)
        count = np.bincount(self.protein)
        total = np.bincount(self.protein, self.binds)
        self.rate = (total + 2 * self.binds.mean()) / (count + 2)

    def predict(self, part):
        """One row for each id of the part, in any order."""
        drug, drugs = pd.factorize(part.features["smiles"])
        protein, proteins = pd.factorize(part.features["protein"])
        alike = np.clip((words(drugs, 2, 4) @ self.drugs.T).toarray(), 0, None)
        like = np.clip((words(proteins, 3, 3) @ self.proteins.T).toarray(), 0, None)
        rate = like**4 @ self.rate + 1e-3 * self.rate.mean()
        rate /= (like**4).sum(axis=1) + 1e-3
        said = np.empty(len(part))
        for row, (one, other) in enumerate(zip(drug, protein, strict=True)):
            weight = alike[one, self.drug] ** self.params["power"] * like[other, self.protein]
            near = np.argsort(-weight, kind="stable")[: self.params["neighbours"]]
            prior = self.params["prior"]
            votes = weight[near] @ self.binds[near] + prior * rate[other]
            said[row] = votes / (weight[near].sum() + prior)
        return pd.DataFrame({"id": part.ids, "binds": np.clip(said, 0, 1)})
