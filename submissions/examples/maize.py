"""Ridge regression on short words: how often each of the 4^5 words of five bases is there.

    podium run maize submissions/examples/maize.py --set word=4

Proteins that switch genes on bind short words of DNA. This model counts words, wherever they are,
and gives each a weight. Copy this file and change what is counted: where a word lies matters too.
"""

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from podium.competition import Parameter

# Default, what it is, what is allowed, what a search tries. Try others with `--set penalty=1000`.
PARAMETERS = {
    "word": Parameter(5, "letters of a word", (1, 8), search=(3, 6)),
    "penalty": Parameter(2000.0, "on large weights", (0.0, 1e9), search=(10, 1e5, "log")),
}

ROWS = 1000  # sequences that are counted at a time


def words(codes, length):
    """How often each word of some length is in each sequence [rows, 4 ** length]."""
    found = np.zeros((len(codes), 4**length), dtype=np.float32)
    for start in range(0, len(codes), ROWS):
        block = np.asarray(codes[start : start + ROWS], dtype=np.int64)  # 0 1 2 3 4 = A C G T N
        places = block.shape[1] - length + 1
        word = sum(block[:, i : i + places] % 4 * 4**i for i in range(length))
        known = sum((block[:, i : i + places] == 4) for i in range(length)) == 0
        row = np.repeat(np.arange(len(block)), places).reshape(word.shape)
        np.add.at(found[start : start + ROWS], (row[known], word[known]), 1)
    return found


def build(params, seed):
    """Make the model; nothing in it is random, so `seed` is not needed."""
    return Words(params)


class Words:
    """A weight for each word."""

    def __init__(self, params):
        self.word, self.line = params["word"], Ridge(params["penalty"])

    def table(self, part):
        """Numbers for each sequence: logs, since the tenth copy adds less than the second."""
        return np.log1p(words(part.sequences.codes, self.word))

    def fit(self, train, report=None):
        """Learn from the train part."""
        self.scale = StandardScaler()
        self.line.fit(self.scale.fit_transform(self.table(train)), train.targets["expression"])

    def predict(self, part):
        """One row for each id of the part, in any order."""
        found = self.line.predict(self.scale.transform(self.table(part)))
        return pd.DataFrame({"id": part.ids, "expression": found})
