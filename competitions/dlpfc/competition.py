"""Spatial domains: which layer of cortex each spot of a tissue slice belongs to."""

from podium.competition import Competition, Control, Dataset, Score, Source, Stratum, Target

SLICES = (
    *("151507", "151508", "151509", "151510"),
    *("151669", "151670", "151671", "151672"),
    *("151673", "151674", "151675", "151676"),
)
LIBD = "doi:10.1038/s41593-020-00787-0 (Maynard et al. 2021)"
HUMAN_PILOT = (
    "https://raw.githubusercontent.com/LieberInstitute/HumanPilot/"
    "044446d6bd8fc154aa74f7be62ec67effb1ec376/10X/"
)

competition = Competition(
    name="dlpfc",
    title="Spatial domains",
    summary="Cluster the spots of a tissue slice into its layers, from counts and positions.",
    targets=(Target(name="domain", label=True, free=True),),
    scores=(
        Score(name="ari", title="ARI, mean over slices"),
        Score(name="nmi", title="NMI, mean over slices", beside=True),
    ),
    datasets=(
        Dataset(name="demo", title="simulated, 12 slices of about 1,200 spots and 400 genes"),
        Dataset(
            name="151510",
            title="Visium slice 151510 of human cortex, 4,595 spots and 500 genes",
            sources=(
                Source(
                    url="https://raw.githubusercontent.com/feiyoung/DR.SC/"
                    "64d95135ab79e3e42e86e4a2e31724d17bec29d5/data/dlpfc151510.rda",
                    members={
                        "dlpfc151510.rda": (
                            "ea00a1d0ab39724db7454cd364055264061c7a531265fc7bc06b169062f746b4"
                        )
                    },
                    licence="GPL-3",
                    citation=LIBD,
                ),
            ),
        ),
        Dataset(
            name="starmap",
            title="STARmap, three sections of mouse cortex, 3,190 cells and 166 genes",
            sources=(
                Source(
                    url="https://raw.githubusercontent.com/zhengli09/BASS-Analysis/"
                    "81dfe7353093823eed68f403d9c4033031b73de4/data/starmap_mpfc.RData",
                    members={
                        "starmap_mpfc.RData": (
                            "6766a908c810b344ef5c26f91143c29f981c78b39b12a6db71d1d2f44df9fdd5"
                        )
                    },
                    licence="GPL-3",
                    citation="doi:10.1126/science.aat5691 (Wang et al. 2018); domains by BASS, "
                    "doi:10.1186/s13059-022-02734-7",
                ),
            ),
        ),
        Dataset(
            name="course",
            title="a course's folder of sample_*.h5 (X, Y, pos)",
            sources=(
                Source(
                    url="",
                    members={"sample_*.h5": None},
                    licence="its owner's",
                    citation="its owner's",
                ),
            ),
        ),
        Dataset(
            name="libd12",
            title="all 12 Visium slices of human cortex, 47,329 spots",
            sources=(
                *(
                    Source(
                        url="https://spatial-dlpfc.s3.us-east-2.amazonaws.com/h5/"
                        f"{name}_filtered_feature_bc_matrix.h5",
                        members={f"{name}_filtered_feature_bc_matrix.h5": None},
                        licence="as spatialLIBD states: research.libd.org/spatialLIBD",
                        citation=LIBD,
                    )
                    for name in SLICES
                ),
                Source(
                    url=f"{HUMAN_PILOT}barcode_level_layer_map.tsv",
                    members={
                        "*barcode_level_layer_map.tsv": (
                            "b5d81f0e61810bb74d8a02495eda8f84e0eb9335211dcdd03513d747036e5ca9"
                        )
                    },
                    licence="Artistic-2.0",
                    citation=LIBD,
                ),
                Source(
                    url=f"{HUMAN_PILOT}151507/tissue_positions_list.txt",
                    members={"*tissue_positions*": None},
                    licence="Artistic-2.0",
                    citation=LIBD,
                ),
            ),
        ),
    ),
    strata=(
        Stratum(
            name="slices",
            title="whole slices that do not train",
            group="slice",
            unseen=("slice",),
            enough=3,
        ),
        Stratum(
            name="blocks",
            title="blocks of slices that do not train",
            group="block",
            unseen=("slice",),
            approximate=True,
        ),
    ),
    halves_by="block",
    metric_by=("slice",),
    controls=(Control(name="random", model="random"),),
    accepted={
        "ids and order tell nothing": "starmap's cells are listed along the tissue; where they lie "
        "is a feature anyway",
    },
    optional={"x": None, "y": None, "domains": 7},  # six layers and white matter
    transductive=True,
)
