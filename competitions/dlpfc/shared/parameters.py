"""Parameters that several models here have."""

from podium.competition import Parameter
from podium.learning import network_parameters

STARTS = Parameter(
    10, "random beginnings of k-means, of which the tightest clusters are kept", (1, 10_000)
)

LAYERS = {
    "hidden": Parameter(
        256,
        "width of the encoder's hidden layer, which the decoder mirrors",
        (1, 65_536),
        search=(64, 512, "log"),
    ),
    "latent": Parameter(64, "latent coordinates", (1, 16_384), search=(8, 64, "log")),
}

GRAPH = {
    "components": Parameter(
        30, "principal components of a slice", (1, 1000), search=(5, 50, "log")
    ),
    "neighbours": Parameter(
        15,
        "the most similar other spots, to which each spot is joined",
        (1, 1000),
        search=(5, 50, "log"),
    ),
    "steps": Parameter(
        20,
        "resolutions tried at most, until the number of communities is that of the domains",
        (1, 1000),
    ),
}
"""Of the graph that `louvain` and `leiden` cut into communities."""

ADAPTING = {
    "neighbours": Parameter(
        13, "spots that are averaged, itself included", (1, 10_000), search=(7, 61, "log")
    ),
    "hidden": Parameter(128, "width of the hidden layer", (1, 65_536), search=(32, 256, "log")),
    "latent": Parameter(32, "features that are made alike", (1, 16_384), search=(8, 64, "log")),
    "dropout": Parameter(
        0.3, "of genes' values and of the hidden layer", (0.0, 0.95), search=(0.0, 0.7)
    ),
    "noise": Parameter(
        0.3,
        "standard deviation of what is added to the standardised genes",
        (0.0, 100.0),
        search=(0.0, 1.0),
    ),
    "adversary": Parameter(
        1.0, "full strength of the reversed gradient", (0.0, 1000.0), search=(0.1, 3.0, "log")
    ),
    "warm_up": Parameter(
        0.1, "share of the training before gradients are reversed", (0.0, 0.95), search=(0.0, 0.5)
    ),
    **network_parameters(epochs=40, batch=512, learning_rate=3e-3, weight_decay=0.01, bf16=False),
}
"""Of networks that adapt to the slices to predict; batches hold labelled and unlabelled rows."""
