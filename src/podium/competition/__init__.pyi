from . import sequences
from .contract import Competition, Control, Dataset, Score, Source, Stratum, Target
from .counts import Counts
from .parameters import Parameter, defaults
from .part import Model, Part, Report, Slice
from .sequences import Sequences, ends
from .view import View

__all__ = [
    "Competition",
    "Control",
    "Counts",
    "Dataset",
    "Model",
    "Parameter",
    "Part",
    "Report",
    "Score",
    "Sequences",
    "Slice",
    "Source",
    "Stratum",
    "Target",
    "View",
    "defaults",
    "ends",
    "sequences",
]
