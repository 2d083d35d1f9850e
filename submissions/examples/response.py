"""Ridge regression from genes to all drugs at once, genes standardised within each context.

    podium run response submissions/examples/response.py --set penalty=30

Blood and solid tumours differ in most genes. Standardised within its own context, a gene says which
lines have much of it there, and that carries over. Copy this file and change what is done to genes.
"""

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from podium.competition import Parameter

# Default, what it is, what is allowed, what a search tries. Try others with `--set penalty=30`.
PARAMETERS = {
    "penalty": Parameter(1000.0, "on large weights", (0.0, 1e9), search=(10, 1e5, "log")),
}


def standardised(lines):
    """Genes of all lines, each with mean 0 and standard deviation 1 within its context."""
    genes = lines.drop(columns=["context", "site"])
    groups = genes.groupby(lines["context"])
    return (genes - groups.transform("mean")) / groups.transform("std").clip(lower=1e-9)


def build(params, seed):
    """Make the model; nothing in it is random, so `seed` is not needed."""
    return Response(params)


class Response:
    """A mean for each drug, and for each gene and drug a weight."""

    def __init__(self, params):
        self.line = Ridge(params["penalty"])

    def fit(self, train, report=None):
        """Learn from the train part; gaps count as the drug's mean."""
        pairs = train.features.assign(value=train.targets["ln_ic50"])
        known = pairs.pivot_table("value", "line", "drug")
        self.mean, self.spread = known.mean(), known.std().clip(lower=1e-9)
        centred = ((known - self.mean) / self.spread).fillna(0.0)
        genes = standardised(train.tables["lines"])
        self.line.fit(genes.loc[known.index].to_numpy(), centred.to_numpy())

    def predict(self, part):
        """One row for each id of the part, in any order; a new drug gets the mean of all."""
        genes = standardised(part.tables["lines"])
        said = pd.DataFrame(
            self.line.predict(genes.to_numpy()), index=genes.index, columns=self.mean.index
        )
        said = said * self.spread + self.mean
        line = genes.index.get_indexer(part.features["line"])
        drug = self.mean.index.get_indexer(part.features["drug"])
        values = np.where(drug < 0, self.mean.mean(), said.to_numpy()[line, drug])
        return pd.DataFrame({"id": part.ids, "ln_ic50": values})
