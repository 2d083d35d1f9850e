"""The real dataset: raw files to features, targets and groups.

Run `podium data sirna --dataset shanghai`. The files are those of the 2024 Shanghai siRNA
drug-efficacy competition: 25,782 labelled rows and 4,874 rows whose answers were never published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from podium.data import Prepared
from podium.errors import DataError

from ..metric import TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LABELLED = "train_data.csv"
OPEN = "sample_submission.csv"
NUMBERS = ("siRNA_concentration", "Duration_after_transfection_h")
FEATURES = (
    "publication_id",
    "gene_target_symbol_name",
    "gene_target_ncbi_id",
    "gene_target_species",
    "siRNA_duplex_id",
    "siRNA_sense_seq",
    "siRNA_antisense_seq",
    "cell_line_donor",
    "siRNA_concentration",
    "concentration_unit",
    "Transfection_method",
    "Duration_after_transfection_h",
    "modified_siRNA_sense_seq",
    "modified_siRNA_antisense_seq",
    "modified_siRNA_sense_seq_list",
    "modified_siRNA_antisense_seq_list",
    "gene_target_seq",
)

CORE = slice(1, 18)
"""Guide positions 2-18, which pair with the target; position 1 and the 3' end often do not."""

_COMPLEMENT = str.maketrans("ACGU", "TGCA")


def shanghai(raw: Mapping[str, Path]) -> Prepared:
    """Prepare the files of the Shanghai competition.

    Args:
        raw: Path of each checked file by its name in the archive.

    Returns:
        Features of all 30,656 rows (labelled, then open) and percent of mRNA remaining, 0.1-292,
        of the labelled ones. Their groups are `gene` (see `target_genes`) and `guide`, the bare
        antisense strand in upper case.

    Raises:
        DataError: If a file lacks columns that it should have, or cannot be read as a table.
    """
    labelled = _read(raw[LABELLED])
    features = pa.concat_tables([labelled, _read(raw[OPEN])]).select(["id", *FEATURES])
    frame = features.unify_dictionaries().to_pandas()
    known = frame.head(len(labelled))
    groups = pd.DataFrame(
        {
            "id": known["id"],
            "gene": target_genes(known),
            "guide": known["siRNA_antisense_seq"].str.upper(),
        }
    )
    targets = labelled.select(["id", TARGET]).to_pandas()
    return Prepared(features=frame, targets=targets, groups=groups)


def target_genes(features: pd.DataFrame) -> pd.Series[str]:
    """The gene that each row targets: no gene named here shares a target with another.

    A name counts without its case, so that the orthologues Flcn and FLCN are one gene. Rows
    without a name are judged by publication: if at least half of their guides have their site
    (guide positions 2-18) in the mRNA of one named gene, that is their gene, else they are a gene
    of their own, `publication <id>`. This matters: of the six publications with nameless rows,
    three (1,475 of 3,049 rows) repeat the guides of named SOD1, TTR and ANGPTL3 rows,
    and would leak if those genes were held out by name.
    """
    named = features["gene_target_symbol_name"].str.casefold()
    publication = features["publication_id"]
    genes = _found_genes(features[named.isna()], _transcripts(features, named))
    named = named.fillna(publication.map(genes).astype(named.dtype))
    return named.fillna("publication " + publication)


def _transcripts(features: pd.DataFrame, gene: pd.Series[str]) -> list[tuple[str, str]]:
    """Gene and mRNA (upper-case DNA) of each different target sequence."""
    known = pd.DataFrame({"gene": gene, "mrna": features["gene_target_seq"]}).dropna()
    known = known.drop_duplicates()
    return [(str(gene), str(mrna).upper()) for gene, mrna in known.itertuples(index=False)]


def _found_genes(nameless: pd.DataFrame, transcripts: list[tuple[str, str]]) -> dict[str, str]:
    """Publication to the gene whose mRNA holds the site of at least half of its guides."""
    genes = {}
    for publication, rows in nameless.groupby("publication_id"):
        guides = rows["siRNA_antisense_seq"].str.upper().unique()
        sites = [guide[CORE].translate(_COMPLEMENT)[::-1] for guide in guides]
        hits = pd.Series(
            [gene for site in sites for gene in {g for g, mrna in transcripts if site in mrna}]
        ).value_counts()
        if len(hits) and hits.iloc[0] >= len(sites) / 2:
            genes[str(publication)] = str(hits.index[0])
    return genes


def _read(path: Path) -> pa.Table:
    numbers = dict.fromkeys((*NUMBERS, TARGET), pa.float64())
    texts = dict.fromkeys(("id", *FEATURES), pa.string())
    # The mRNAs are 98% of the file and there are 52 of them: a dictionary reads each once.
    types = {**texts, **numbers, "gene_target_seq": pa.dictionary(pa.int32(), pa.string())}
    options = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    try:
        table = pyarrow.csv.read_csv(path, convert_options=options)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from error
    missing = [name for name in ("id", *FEATURES, TARGET) if name not in table.column_names]
    if missing:
        raise DataError(
            f"{path} has not the columns of the Shanghai competition.",
            problems=[f"missing column {name}" for name in missing],
            hint="Fetch the file again: podium data sirna --dataset shanghai",
        )
    return table
