from . import autoencoder, neural
from .autoencoder import (
    INPUTS,
    Autoencoder,
    BaseAutoencoder,
    VariationalAutoencoder,
    Whole,
    perceptron,
    whole,
)
from .boosting import reporting
from .neural import Batch

__all__ = [
    "INPUTS",
    "Autoencoder",
    "BaseAutoencoder",
    "Batch",
    "VariationalAutoencoder",
    "Whole",
    "autoencoder",
    "neural",
    "perceptron",
    "reporting",
    "whole",
]
