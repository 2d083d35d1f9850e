"""Drug-target interaction: does this drug bind this protein?"""

from podium.competition import Competition, Control, Dataset, Score, Source, Stratum, Target

DRUGBAN = (
    "https://raw.githubusercontent.com/peizhenbai/DrugBAN/9923f8c99959e00263103ff9ac61ba0eaccc8e02/"
    "datasets"
)
MOLTRANS = (
    "https://raw.githubusercontent.com/kexinhuang12345/MolTrans/"
    "47ac16b8c158b080ba6cdaec74cd7aa9c1332b73/dataset/BIOSNAP"
)
TRANSFORMER = (
    "https://raw.githubusercontent.com/lifanchen-simm/transformerCPI/"
    "1726d17067047d4e0645d853c39c5b1fd7abdd09/data"
)


def sources(licence: str, citation: str, files: dict[str, str]) -> tuple[Source, ...]:
    """A source for each file: its address, and the member that it is, with its sha256."""
    found = []
    for url, sha256 in files.items():
        *_, folder, name = url.split("/")
        member = {".7z": name.replace(".7z", ".txt")}.get(url[-3:], f"{folder}/{name}")
        found.append(Source(url=url, members={member: sha256}, licence=licence, citation=citation))
    return tuple(found)


BIOSNAP = sources(
    "DrugBAN MIT, MolTrans BSD-3; origin DrugBank, non-commercial: fetch it yourself",
    "BioSNAP (Zitnik et al. 2018) by Huang et al. 2021, doi:10.1093/bioinformatics/btaa880, and "
    "Bai et al. 2023, doi:10.1038/s42256-022-00605-1",
    {
        f"{DRUGBAN}/biosnap/cluster/target_test.csv": (
            "4f02b57226df0bc62356f9f40d0af66a1978d07b58bfb7219bacc824acf84c83"
        ),
        f"{DRUGBAN}/biosnap/cluster/target_train.csv": (
            "597b982d4df0478dc13d8f168a05d36da75cceca2c3abffd5e25f8c751625e22"
        ),
        f"{DRUGBAN}/biosnap/random/test.csv": (
            "27cd0e8fce7225540a5fda9744b8990ffc60b2c0bec206b4b33255026b08b6d1"
        ),
        f"{DRUGBAN}/biosnap/random/val.csv": (
            "9bb93a08f6f726fd4414f2e0d968d0623b931ca6210eeaac6aeb2ea5a9a57696"
        ),
        f"{MOLTRANS}/full_data/test.csv": (
            "6a6cbef681d2b9b28e0314a1eb8b35e5a2deb4be7b7204b19256fe816b1c6ba3"
        ),
        f"{MOLTRANS}/full_data/val.csv": (
            "8da056ecd9a3d40f5ea2831add12fa4c6063d3191169aab89eef0b7114bacf97"
        ),
        f"{MOLTRANS}/missing_data/70/val.csv": (
            "deecb4ae767482ad3ba05c4e0f5de61ac29db906abd127e1f5648cbe7ee6df3a"
        ),
        f"{MOLTRANS}/missing_data/80/train.csv": (
            "4771b5a91c2fbf1babdba4f019ddf84004198cd916e249d6ba687d556b8f566c"
        ),
        f"{MOLTRANS}/missing_data/80/val.csv": (
            "544db155ca88b719d71779e21e2cab0f491e67f37e98b0cf4334592f1814aa16"
        ),
        f"{MOLTRANS}/missing_data/90/val.csv": (
            "69ed0d53743f7e1ab371dd339a937ccf1a28a631309dba177e7638fdadd31463"
        ),
        f"{MOLTRANS}/missing_data/95/val.csv": (
            "e5aa3d0eb6c7aecc302626ee606616a0acbc67aef80946347c4523b49877fe27"
        ),
        f"{MOLTRANS}/unseen_drug/test.csv": (
            "7ac6ba860230e34bdfd9bace87821f436a60c459a609cae1ed35c9fc08f69511"
        ),
        f"{MOLTRANS}/unseen_drug/val.csv": (
            "c37dd0d969c89dc2333e6c6954fdfc908469f0d1e167366c0c3d1ebddf6f2859"
        ),
        f"{MOLTRANS}/unseen_protein/test.csv": (
            "595de5f51b82dc61e6627fdb6206043a246bad1b5b2c4ddf5771224e464d43c3"
        ),
        f"{MOLTRANS}/unseen_protein/val.csv": (
            "8e4a18031bb7553edeb622014fc0bc6822b08d0952998b779947ea4035a03688"
        ),
    },
)
GPCR = sources(
    "repository Apache-2.0; origin GLASS, own terms: fetch it yourself",
    "GLASS (Chan et al. 2015) by Chen et al. 2020, doi:10.1093/bioinformatics/btaa524",
    {
        f"{TRANSFORMER}/GPCR_train.7z": (
            "6a9e47c76ca79e4be6ad6908d6c282f01e6c6a6f5413562dc6ec8ee58165798d"
        ),
        f"{TRANSFORMER}/GPCR_test.7z": (
            "083248530fc446bd5ff4929c9a91bb1a51f953f80533cf2ddc0ab75ec70a39cc"
        ),
    },
)
HUMAN = sources(
    "DrugBAN MIT; origin DrugBank and Matador: fetch it yourself",
    "Liu et al. 2015 by Chen et al. 2020, doi:10.1093/bioinformatics/btaa524, and Bai et al. 2023",
    {
        f"{DRUGBAN}/human/random/train.csv": (
            "51e78ef52bb872079d20b813aacea8649970efd32db0d853a2bdfc12913d300b"
        ),
        f"{DRUGBAN}/human/random/val.csv": (
            "652584cf3fda217c7d730a9b6e9fa1bb46c8441626b72c3d980f5561e8f17a5c"
        ),
        f"{DRUGBAN}/human/random/test.csv": (
            "b8d9664fc15e3bbc6abf6a82cc1e12ba512c33d31f06baf25b95786911d4f005"
        ),
    },
)
UNIT = "protein_cluster"

competition = Competition(
    name="dti",
    title="Drug-target interaction",
    summary="Predict the probability that a drug (SMILES) binds a protein (residues).",
    targets=(Target(name="binds", low=0.0, high=1.0),),
    scores=(
        Score(name="auc", title="AUROC"),
        Score(name="average_precision", title="average precision", beside=True),
        Score(name="auc_within", title="AUROC within protein", beside=True),
        Score(name="brier", title="Brier score", higher_is_better=False, perfect=0.0),
        Score(name="accuracy", title="accuracy at .5"),
        Score(name="sensitivity", title="sensitivity at .5"),
        Score(name="specificity", title="specificity at .5"),
    ),
    datasets=(
        Dataset(name="demo", title="simulated, 12,000 pairs"),
        Dataset(
            name="biosnap",
            title="BioSNAP, 24,416 pairs of 4,393 drugs and 2,179 proteins",
            sources=BIOSNAP,
        ),
        Dataset(
            name="biosnap-cluster",
            title="BioSNAP, the published cross-domain task: clusters that do not train",
            sources=BIOSNAP,
        ),
        Dataset(name="gpcr", title="GLASS, G-protein coupled receptors, new ligands", sources=GPCR),
        Dataset(name="human", title="human, the published random split: a warning", sources=HUMAN),
    ),
    strata=(
        Stratum(name="seen", title="new pairs of drugs and proteins that train", group=UNIT),
        Stratum(
            name="new_drug",
            title="clusters of drugs that do not train",
            group=UNIT,
            unseen=("drug", "drug_cluster"),
        ),
        Stratum(
            name="new_protein",
            title="clusters of proteins that do not train",
            group=UNIT,
            unseen=("protein", "protein_cluster"),
        ),
        Stratum(
            name="new_both",
            title="neither cluster trains",
            group=UNIT,
            unseen=("drug", "drug_cluster", "protein", "protein_cluster"),
        ),
        Stratum(
            name="official",
            title="target_test of the published task",
            group=UNIT,
            unseen=("drug", "protein"),
        ),
        Stratum(
            name="other",
            title="target_train of the published task",
            group=UNIT,
            unseen=("drug", "protein"),
        ),
        Stratum(name="random", title="the published random test", group=UNIT),
    ),
    halves_by=UNIT,
    metric_by=("protein",),
    transductive=True,
    accepted={
        "no test row is in train": "SMILES that differ in capital letters alone are different "
        "compounds: aromatic or not",
        "groups stay together": "new pairs of drugs and proteins that train are what `seen` and "
        "`human` ask for; that human is solved by them is its warning",
        "no test text is nearly in train": "drugs and proteins recur, and strata say which of "
        "them train",
    },
    controls=(
        Control(name="drug rate", model="rates", params={"of": "drug"}),
        Control(name="protein rate", model="rates", params={"of": "protein"}),
        Control(name="both rates", model="rates", params={"of": "both"}),
        Control(name="drug only", model="lightgbm", params={"of": "drug"}),
        Control(name="protein only", model="lightgbm", params={"of": "protein"}),
    ),
)
