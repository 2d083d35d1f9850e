"""Parameters that several models here have."""

from podium.competition import Parameter

OF = Parameter("both", "what is looked at", choices=("drug", "protein", "both"))
