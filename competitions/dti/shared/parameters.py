"""Parameters that several models here have."""

from podium.competition import Parameter

OF = Parameter("both", "what is looked at", choices=("drug", "protein", "both"))

DRUGBAN = {
    "width": Parameter(32, "features of an atom, of a residue and of a pair", (2, 4096)),
    "pooled": Parameter(3, "maps of the attention that are summed up to a feature", (1, 100)),
    "hidden": Parameter(128, "width of the decoder", (1, 65_536)),
    "atoms": Parameter(64, "of a drug that are read, from the first", (1, 10_000)),
    "residues": Parameter(1200, "of a protein that are read, from the first", (1, 100_000)),
    "dropout": Parameter(0.2, "before each layer, in training", (0.0, 0.95), search=(0.1, 0.5)),
    "networks": Parameter(1, "networks whose mean is said", (1, 1000)),
}
DRUGS = Parameter(
    "both",
    "what says how alike drugs are: circular fingerprints, n-grams, or the mean of both",
    choices=("circular", "grams", "both"),
)
