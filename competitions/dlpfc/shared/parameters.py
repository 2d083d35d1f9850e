"""Parameters that several models here have."""

from podium.competition import Parameter

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
