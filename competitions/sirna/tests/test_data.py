from pathlib import Path

import pandas as pd
import pytest
from podium.competitions.sirna.data import prepare as data
from podium.competitions.sirna.data import rows

from podium.errors import DataError

# Site of the first guide; the last 17 of these bases pair with guide positions 18-2.
MRNA = "CCCCC" + "ACGTTGCATGACCTGATTGCA" + "GGGGG"
GUIDE = "UGCAAUCAGGUCAUGCAACGUAA"
OTHER = "AUUUUUUUUUUUUUUUUUUUUAA"


def row(row_id: str, gene: str = "", guide: str = GUIDE, mrna: str = "", **fields: object) -> dict:
    values = dict.fromkeys(("id", *data.FEATURES, data.TARGET), "")
    named = {
        "id": row_id,
        "publication_id": "WO1",
        "gene_target_symbol_name": gene,
        "gene_target_seq": mrna,
        "siRNA_antisense_seq": guide,
        "siRNA_concentration": "10.0",
        data.TARGET: "50",
    }
    return values | named | fields


def write(folder: Path, labelled: list[dict], unlabelled: list[dict]) -> dict[str, Path]:
    raw = {data.LABELLED: labelled, data.OPEN: unlabelled}
    for name, table in raw.items():
        pd.DataFrame(table).to_csv(folder / name, index=False)
    return {name: folder / name for name in raw}


def test_prepares_labelled_then_open_rows(tmp_path: Path) -> None:
    raw = write(
        tmp_path,
        [row("7", "Flcn", mrna=MRNA), row("3", "FLCN", OTHER, Duration_after_transfection_h="24")],
        [row("1", "FLCN", mRNA_remaining_pct="")],
    )
    prepared = data.shanghai(raw)
    assert list(prepared.features["id"]) == ["7", "3", "1"]
    assert tuple(prepared.features.columns) == ("id", *data.FEATURES)
    assert list(prepared.targets["id"]) == list(prepared.groups["id"]) == ["7", "3"]
    assert list(prepared.groups["gene"]) == ["flcn", "flcn"]
    assert list(prepared.groups["guide"]) == [GUIDE, OTHER]
    assert prepared.features["gene_target_seq"].dtype == "category"
    assert prepared.features["siRNA_concentration"].tolist() == [10.0, 10.0, 10.0]
    assert prepared.features["Duration_after_transfection_h"].isna().tolist() == [True, False, True]
    assert prepared.features["cell_line_donor"].isna().all()


def test_finds_the_gene_of_nameless_rows_in_the_known_mrnas() -> None:
    features = pd.DataFrame(
        [
            row("1", "TTR", OTHER, MRNA),
            row("2", None, GUIDE, None, publication_id="WO2"),
            row("3", None, OTHER, None, publication_id="WO2"),  # half of the guides is enough
            row("4", None, OTHER, None, publication_id="WO3"),
        ]
    )
    assert list(data.target_genes(features)) == ["ttr", "ttr", "ttr", "publication WO3"]


def test_site_must_match_at_guide_positions_2_to_18_only() -> None:
    ends = "A" + GUIDE[1:18] + "GGGGG"
    seed = "U" + "A" + GUIDE[2:]
    for guide, gene in ((ends, "ttr"), (seed, "publication WO2")):
        features = pd.DataFrame(
            [row("1", "TTR", OTHER, MRNA), row("2", None, guide, None, publication_id="WO2")]
        )
        assert data.target_genes(features)[1] == gene


def test_says_which_columns_are_missing(tmp_path: Path) -> None:
    raw = write(tmp_path, [row("1")], [row("2")])
    pd.read_csv(raw[data.OPEN]).drop(columns=["gene_target_seq", "id"]).to_csv(raw[data.OPEN])
    with pytest.raises(DataError, match=r"missing column id\n.*missing column gene_target_seq"):
        data.shanghai(raw)


def test_refuses_text_where_numbers_belong(tmp_path: Path) -> None:
    raw = write(tmp_path, [row("1", siRNA_concentration="much")], [row("2")])
    with pytest.raises(DataError, match=r"train_data\.csv cannot be read as a table"):
        data.shanghai(raw)


def test_a_dose_is_above_0_or_not_known() -> None:
    asked = {name: pd.Series(["ACGU"] * 4) for name in rows.LETTERS}
    asked["gene_target_seq"] = pd.Series(["ACGT"] * 4)
    asked |= {name: pd.Series(["a C g u"] * 4) for name in rows.TOKENS}
    asked[rows.DOSE] = pd.Series([10.0, float("nan"), 1e-3, 5.0])
    assert rows.cleaned(asked, list("abcd"))[1] == []
    asked[rows.DOSE] = pd.Series([0.0, 1.0, -3.0, 5.0])
    assert rows.cleaned(asked, list("abcd"))[1] == [
        "column 'siRNA_concentration': not above 0 nM: 2 rows (row 'a' 0, row 'c' -3)"
    ]
