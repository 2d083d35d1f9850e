"""The real dataset: raw files to a matrix of lines and drugs, and what is known of both.

Run `podium data response --dataset gdsc`. Responses are GDSC's (ln of the half-maximal inhibitory
concentration in micromolar), expression and annotation CCLE's, as two published models took them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow.csv

from podium.errors import DataError, note

from .pairs import prepared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from podium.data import Prepared

RESPONSES = "GDSC_IC50.csv"
LINES = "Cell_lines_annotations_20181226.txt"
EXPRESSION = "omics_data/ACH-*.csv"
DRUGS = "*rug_list*.csv"
THRESHOLDS = "IC50_thred.txt"

BLOOD_SITE = "haematopoietic_and_lymphoid_tissue"
ENOUGH = 200
"""Lines that a drug was measured in, of those that are used, from which it is."""


def gdsc(raw: Mapping[str, Path]) -> Prepared:
    """Prepare the files of GDSC and CCLE.

    Args:
        raw: Path of each checked file by its name.

    Returns:
        104,292 pairs of 524 lines and 225 drugs, ln IC50 in micromolar; tables of lines (context,
        site, log2(TPM + 1) of 697 genes) and of drugs (name, targets, pathway, PubChem id).

    Raises:
        DataError: If the files do not fit each other.
    """
    genes = expression({name: file for name, file in raw.items() if name.startswith("omics_data/")})
    about = annotation(raw[LINES])
    measured = pd.read_csv(raw[RESPONSES], index_col=0)
    used = genes.index[genes.index.isin(about.index) & genes.index.isin(measured.columns)]
    responses = measured[used].T
    counts = responses.notna().sum()
    responses = responses.loc[:, counts >= ENOUGH]
    drugs = _drugs(raw[DRUGS], responses.columns)
    _say(genes.index, about.index, measured, len(drugs))
    lines = about.loc[used].join(genes).rename_axis("line").reset_index()
    values = responses.to_numpy(np.float64)
    return prepared(lines, drugs, values, _thresholds(raw[THRESHOLDS], drugs["name"]))


def expression(files: Mapping[str, Path]) -> pd.DataFrame:
    """log2(TPM + 1) of each line [lines, genes], float32.

    Args:
        files: A CSV file for each line, named after it: `Gene_name`, `gene_expression`.

    Raises:
        DataError: If a file has other genes than the first, or one twice, with all such files.
    """
    rows, problems, genes = {}, [], None
    for name, file in sorted(files.items()):
        table = pyarrow.csv.read_csv(file).select(["Gene_name", "gene_expression"])
        own = table["Gene_name"].to_pylist()
        genes = genes or own
        if own != genes or len(set(own)) < len(own):
            lacking, twice = len(set(genes) - set(own)), len(own) - len(set(own))
            problems.append(f"{name}: {lacking} genes are missing, {twice} are there twice")
        rows[file.stem] = table["gene_expression"].to_numpy()
    if problems:
        raise DataError("The lines have not the same genes.", problems=problems)
    return pd.DataFrame.from_dict(rows, orient="index", columns=genes).astype(np.float32)


def annotation(file: Path) -> pd.DataFrame:
    """Context and site of each line that has both; of blood the kind of cancer stands for the site.

    Lines without an id of DepMap cannot be found elsewhere, and are left out.
    """
    columns = ["depMapID", "Site_Primary", "tcga_code"]
    table = pd.read_csv(file, sep="\t", encoding="latin-1", usecols=columns)
    table = table.dropna(subset=["depMapID", "Site_Primary"]).set_index("depMapID")
    blood = table["Site_Primary"] == BLOOD_SITE
    context = np.where(blood, "blood", "solid")
    site = table["tcga_code"].where(blood, table["Site_Primary"]).fillna("other")
    return pd.DataFrame({"context": context, "site": site.str.replace("_", " ")}, table.index)


def _drugs(file: Path, ids: pd.Index) -> pd.DataFrame:
    """Name, targets, pathway and PubChem id of drugs, empty where nobody says.

    Raises:
        DataError: If some are not listed.
    """
    numbers = ids.str.removeprefix("GDSC:").astype(int)
    listed = pd.read_csv(file, dtype=str, keep_default_na=False).astype({"drug_id": int})
    listed = listed.set_index("drug_id")
    if len(lacking := numbers[~numbers.isin(listed.index)]):
        raise DataError(f"{file.name} does not list the drugs {', '.join(map(str, lacking))}.")
    table = listed.loc[numbers, ["Name", "Targets", "Target pathway", "PubCHEM"]]
    table.columns = pd.Index(["name", "targets", "pathway", "pubchem"])
    return table.assign(drug=ids)[["drug", *table.columns]].reset_index(drop=True)


def _thresholds(file: Path, names: pd.Series[str]) -> np.ndarray:
    """Ln IC50 below which a line counts as sensitive, by the drug's name; NaN where nobody says.

    Of a name that is listed twice the first counts.
    """
    listed, values = (
        line.split("\t") for line in file.read_text(encoding="utf-8").strip().split("\n")
    )
    known: dict[str, float] = {}
    for name, value in zip(listed, values, strict=True):
        known.setdefault(name, float(value))
    return names.map(known).to_numpy(np.float64)


def _say(expressed: pd.Index, annotated: pd.Index, measured: pd.DataFrame, drugs: int) -> None:
    """What of the files is not used, in numbers."""
    lost = int((~measured.columns.isin(expressed)).sum())
    note(f"{lost:,} of {measured.shape[1]:,} lines with responses have no expression: left out")
    if siteless := int((~expressed.isin(annotated)).sum()):
        note(f"{siteless:,} of {len(expressed):,} lines with expression have no site: left out")
    note(
        f"{len(measured) - drugs:,} of {len(measured):,} drug ids were measured in fewer than "
        f"{ENOUGH} of the lines that are left: left out"
    )
