# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From data to a blend, in a notebook
#
# Everything that the command line does is a call of `podium`. This page goes the whole way on the
# simulated siRNA data: look at the data, validate two models, hand predictions in, compare, blend.
# It takes less than a minute, and needs matplotlib (`pip install 'podium[plot]'`).
#
# The directory that a notebook runs in is its workspace: predictions and the board are kept there.

# %%
import os

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import podium

os.environ["PODIUM_TEAM"] = "ana"  # who hands in; else your login name

# %% [markdown]
# ## The data
#
# `prepare` makes a dataset ready and checks it; `train` reads what a model learns from. The answers
# of the test rows are nowhere here.

# %%
data = podium.prepare("sirna")
data

# %%
train = data.train()
train

# %%
columns = ["gene_target_symbol_name", "siRNA_antisense_seq", "siRNA_concentration"]
train.features[columns].join(train.targets).head()

# %% [markdown]
# The target is how much mRNA is left, in per cent. A good siRNA leaves little; less is left at a
# higher dose, and many rows show no effect at all.

# %%
target = train.targets["mRNA_remaining_pct"]
dose = train.features["siRNA_concentration"]

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
left.hist(target, bins=40, color="teal")
left.set(xlabel="mRNA remaining (%)", ylabel="rows")
by_dose = target.groupby(pd.qcut(dose, 5, duplicates="drop"), observed=True).median()
right.bar([f"{group.right:g}" for group in by_dose.index], by_dose, color="teal")
right.set(xlabel="concentration, up to (nM)", ylabel="median mRNA remaining (%)")
plt.show()

# %% [markdown]
# ## A pipeline of your own
#
# A scikit-learn estimator gets the table of features. Its columns are text, categories and numbers
# with gaps, so a `ColumnTransformer` says what happens to each: conditions one-hot, numbers filled
# and scaled, and the words of the guide, which are three letters long here.

# %%
conditions = ["gene_target_symbol_name", "cell_line_donor", "Transfection_method"]
numbers = ["siRNA_concentration", "Duration_after_transfection_h"]

words = make_pipeline(
    make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), conditions),
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (TfidfVectorizer(analyzer="char", ngram_range=(3, 3)), "siRNA_antisense_seq"),
        (TfidfVectorizer(token_pattern=r"\S+"), "modified_siRNA_antisense_seq_list"),
    ),
    Ridge(),
)

# %% [markdown]
# `cross_validate` fits it once a fold, and predicts each row by a model that never saw its answer.
# Do this as often as you like: it costs no look at the board. The interval is over independent
# guides and genes; a stratum is a kind of row that is also scored by itself.

# %%
own = podium.cross_validate("sirna", words)
own

# %% [markdown]
# A shipped model goes by its name (`podium.models("sirna")` lists them). `lookup` knows what was
# measured before of a gene, a guide and its chemistry, so its errors are others.

# %%
shipped = podium.cross_validate("sirna", "lookup")
shipped

# %% [markdown]
# `validations` has both, best first, and how far the second is behind, paired: both models met the
# same rows. This interval holds 0, so nobody can say which one is better.

# %%
earlier = podium.validations("sirna").to_frame()
earlier[["name", "score", "ci", "behind.difference", "behind.ci_low", "behind.ci_high"]]

# %% [markdown]
# ## Truth against prediction
#
# The out-of-fold predictions are a table, in the order of the train part.

# %%
figure, axes = plt.subplots(1, 2, figsize=(7, 3.5), sharey=True, layout="constrained")
for axis, (name, validation) in zip(axes, {"words": own, "lookup": shipped}.items(), strict=True):
    predicted = validation.predictions["mRNA_remaining_pct"]
    axis.hexbin(target, predicted, gridsize=24, extent=(0, 150, 0, 150), bins="log", linewidths=0)
    axis.plot([0, 150], [0, 150], color="grey", linewidth=1)
    axis.set(title=f"{name}: {validation.score:.3f}", xlabel="measured (%)")
axes[0].set_ylabel("predicted out of fold (%)")
plt.show()

# %% [markdown]
# ## The board
#
# `run` trains on the whole train part, predicts the test part and hands the predictions in.

# %%
podium.run("sirna", words, name="words")

# %%
podium.run("sirna", "lookup")

# %% [markdown]
# Predictions may also come from anywhere else, as a table with `id` and the target. This one is the
# median of each cell line.

# %%
test = data.part("test")
medians = target.groupby(train.features["cell_line_donor"]).median()
guess = test.features["cell_line_donor"].map(medians).fillna(target.median())
table = pd.DataFrame({"id": test.ids, "mRNA_remaining_pct": guess.to_numpy()})

podium.check("sirna", table)

# %%
podium.submit("sirna", table, name="medians", message="what a cell line does by itself")

# %%
board = podium.board("sirna").to_frame()
board[["rank", "team", "name", "score", "ci_low", "ci_high", "normalised"]]

# %% [markdown]
# Rows without a rank are the trivial models, and the best that anyone can get, which only the
# simulator knows. Is the difference between two rows more than chance? `compare` pairs them.

# %%
podium.compare("sirna", "words", "lookup")

# %% [markdown]
# ## A blend
#
# Both models have out-of-fold predictions, so the weights are chosen on these: test rows choose
# nothing. A blend is handed in like everything else.

# %%
blend = podium.blend("sirna", "words", "lookup", name="both")
blend

# %%
board = podium.board("sirna").to_frame()
board[["rank", "team", "name", "score", "ci_low", "ci_high", "normalised"]]

# %% [markdown]
# From here: [a model in a file](models.md), which runs behind walls and can be tuned,
# [tuning](tuning.md), [how sure is a score?](statistics.md), and [all names](api.md).
