"""Parameters that several models here have."""

from podium.competition import Parameter

OF = Parameter("both", "what is looked at", choices=("drug", "protein", "both"))
DRUGS = Parameter(
    "both",
    "what says how alike drugs are: circular fingerprints, n-grams, or the mean of both",
    choices=("circular", "grams", "both"),
)
