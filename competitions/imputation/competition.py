"""Imputation: which zeros of single-cell counts are dropouts, and what the counts were."""

from podium.competition import Competition, Control, Dataset, Score, Source, Stratum, Target

competition = Competition(
    name="imputation",
    title="Dropout imputation",
    summary="Say which zeros of single-cell counts are dropouts, and what the counts were.",
    targets=(Target(name="count", low=0.0, matrix=True),),
    scores=(
        Score(name="f1", title="F1 of dropouts among the zeros"),
        Score(name="mcc", title="MCC of the same", beside=True),
        Score(
            name="ratio",
            title="distance to the truth, over that of the zeros",
            beside=True,
            higher_is_better=False,
            perfect=0.0,
        ),
        Score(name="precision", title="precision: dropouts among the called zeros"),
        Score(name="recall", title="recall: called among the dropouts"),
        Score(
            name="distance",
            title="distance to the true counts",
            higher_is_better=False,
            perfect=0.0,
        ),
        Score(
            name="log1p_rmse",
            title="RMSE of ln(1 + count) over dropouts",
            higher_is_better=False,
            perfect=0.0,
        ),
        Score(name="distance_before", title="distance of the zeros as they are", perfect=None),
        Score(name="called", title="zeros that were called", perfect=None),
        Score(name="dropouts", title="zeros that are dropouts", perfect=None),
        Score(name="zeros", title="zeros of the observed counts", perfect=None),
    ),
    datasets=(
        Dataset(name="demo", title="simulated by Splatter's model, 600 cells x 1,000 genes"),
        Dataset(
            name="autoclass",
            title="Dataset 1 of AutoClass, by Splatter, 500 cells x 938 genes",
            ceiling=True,
            sources=(
                Source(
                    url="https://raw.githubusercontent.com/datapplab/AutoClass/"
                    "61da061d6bc838ad1b481a9dfb0e9289a0c880a3/datasets/Dataset1.zip",
                    members={
                        "cellinfo.csv": (
                            "3033956c7c59522f598ecb6a39459ccd651d47036b22fb82db5871292b86fe29"
                        ),
                        "counts.csv": (
                            "f75286072a8ede66a99b8ca3d85cdc0473f0e49a42e9aae20199a80c4d25fb08"
                        ),
                        "geneinfo.csv": (
                            "9a0c17b1a151c13e8f7df28251e73ff96750c7c964b4002e72fb867b38232373"
                        ),
                        "truecounts.csv": (
                            "b48a49a71d0ba7fb1c7555088e8023f92e0d77a4efa3a0ef76a04cffa6903e78"
                        ),
                    },
                    licence="GPL-3",
                    citation="doi:10.1038/s41467-022-29576-y (Li et al. 2022)",
                ),
            ),
        ),
        Dataset(
            name="zeisel",
            title="mouse cortex, down-sampled to a twentieth, 1,799 cells x 3,529 genes",
            sources=(
                Source(
                    url="https://raw.githubusercontent.com/Zhangxf-ccnu/EnImpute/"
                    "8e42911c0691a48ecf3985d9005fa0891c24330e/pkg/data/zeisel.rda",
                    members={
                        "zeisel.rda": (
                            "76c5b8dc15cabb0d4aacd9ede7741fd4e4b79e92b41238e6b11449552bd86f8c"
                        )
                    },
                    licence="GPL-2 or later",
                    citation="doi:10.1126/science.aaa1934 (Zeisel et al. 2015); the sample by "
                    "doi:10.1038/s41592-018-0033-z (Huang et al. 2018)",
                ),
            ),
        ),
        Dataset(
            name="course",
            title="a course's test_data.csv, test_truedata.csv and data.csv",
            open_file="result.csv",
            options={"rows": ("cells", "genes")},
            sources=(
                Source(
                    url="",
                    # The last takes data.csv where it is there; the first two are always.
                    members={"test_data.csv": None, "test_truedata.csv": None, "*data.csv": None},
                    licence="its owner's",
                    citation="its owner's",
                ),
            ),
        ),
    ),
    strata=(
        Stratum(
            name="cells",
            title="cells that do not train",
            group="cell",
            unseen=("cell",),
        ),
    ),
    halves_by="cell",
    observed=True,
    controls=(
        Control(name="none", model="none"),
        Control(name="all_gene_mean", model="all_gene_mean"),
    ),
    transductive=True,
)
