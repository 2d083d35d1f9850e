"""Expression from DNA: one number for each sequence."""

from podium.competition import Competition, Control, Dataset, Score, Source, Stratum, Target

_LEAF = "8015b4ee25564eb04f9fbe360dc349c599a95aadb5357845e8822ccc960e59c7"
_PROTO = "6fe91dd668a9aa426e5d0b64680f705938fd50795afef5d3fb8e8aa0e8ba72ee"


def _source(file: str, sha256: str) -> Source:
    return Source(
        url="https://raw.githubusercontent.com/tobjores/Synthetic-Promoter-Designs-Enabled-by-a-"
        "Comprehensive-Analysis-of-Plant-Core-Promoters/"
        f"fd211ee15cca1ff90ad1f9418caac728d39b3c69/CNN/{file}",
        members={file: sha256},
        licence="none stated: users fetch it themselves",
        citation="doi:10.1038/s41477-021-00932-y (Jores et al. 2021)",
    )


_BOTH = (_source("CNN_test_leaf.tsv", _LEAF), _source("CNN_test_proto.tsv", _PROTO))

competition = Competition(
    name="maize",
    title="Expression from DNA",
    summary="Predict expression, or promoter strength, from a DNA sequence.",
    targets=(Target(name="expression", unit="log2"),),
    scores=(
        Score(name="pearson", title="Pearson's r"),
        Score(name="r2", title="R², about the mean of the answers", beside=True),
        Score(name="rmse", title="RMSE", beside=True, higher_is_better=False, perfect=0.0),
    ),
    datasets=(
        Dataset(name="demo", title="simulated, 6,000 regions of 1,000 bases"),
        Dataset(
            name="jores-leaf",
            title="7,154 core promoters of 170 bases in tobacco leaves",
            sources=_BOTH,
        ),
        Dataset(
            name="jores-proto",
            title="7,595 core promoters of 170 bases in maize protoplasts",
            sources=_BOTH,
        ),
        Dataset(
            name="course",
            title="a course's folders train, validation and test",
            sources=(
                Source(
                    url="",
                    members={},
                    optional=tuple(
                        pattern
                        for part in ("train", "validation", "test")
                        for pattern in (f"{part}/*.npz", f"{part}.f[afn]*", f"{part}.csv")
                    ),
                    licence="its owner's",
                    citation="its owner's",
                ),
            ),
        ),
    ),
    strata=tuple(
        Stratum(name=name, title=title, group="family", unseen=("family",))
        for name, title in (
            ("maize", "sequences of maize"),
            ("sorghum", "sequences of sorghum"),
            ("arabidopsis", "sequences of Arabidopsis"),
            ("other", "sequences of another or no known species"),
        )
    ),
    halves_by="family",
    accepted={
        "ids and order tell nothing": "the study's files list promoters by their GC, which the "
        "sequence tells anyway",
    },
    controls=(Control(name="constant", model="constant"),),
)
