from . import fasta, h5ad, raw, tables
from .dataset import Data, Prepared, fingerprint, get, load
from .h5ad import Annotated

__all__ = [
    "Annotated",
    "Data",
    "Prepared",
    "fasta",
    "fingerprint",
    "get",
    "h5ad",
    "load",
    "raw",
    "tables",
]
