import numpy as np
import pandas as pd
import pytest
from podium.competitions.sirna.competition import competition as sirna
from podium.competitions.sirna.shared import chemistry
from podium.competitions.sirna.shared.chemistry import (
    ABSENT,
    DEOXY,
    FLUORO,
    GNA,
    HEXADECYL,
    OME,
    OTHER,
    RIBO,
    TWO_PRIME,
    VOCABULARY,
    parse,
)
from podium.competitions.sirna.shared.features import build, choose, gene
from podium.competitions.sirna.shared.parameters import GROUPS

# The first labelled row of the real data (LDHA), on an mRNA cut short: 30 A, the site, 10 G.
GUIDE = "UGCCAUAUUGGACUUGGAACCAA"
SENSE = "GGUUCCAAGUCCAAUAUGGCA"
MRNA = "A" * 30 + SENSE.replace("U", "T") + "G" * 10
LDHA = {
    "publication_id": "WO9efb397e42",
    "gene_target_symbol_name": "LDHA",
    "gene_target_ncbi_id": "NM_005566.3",
    "gene_target_species": "Homo sapiens",
    "siRNA_duplex_id": "AD-158499",
    "siRNA_sense_seq": SENSE,
    "siRNA_antisense_seq": GUIDE,
    "cell_line_donor": "Hep3B Cells",
    "siRNA_concentration": 10.0,
    "Transfection_method": "Lipofectamine",
    "Duration_after_transfection_h": 24.0,
    "modified_siRNA_sense_seq_list": "g g u u c c Af a Gf Uf Cf c a a u a u g g c a L96",
    "modified_siRNA_antisense_seq_list": "u Gf c c a Uf a Uf Uf g g a c Uf u Gf g a a c c a a",
    "gene_target_seq": MRNA,
}


def frame(*changes: dict[str, object]) -> pd.DataFrame:
    table = pd.DataFrame([LDHA | change for change in changes])
    return table.astype({"gene_target_seq": "category"})


@pytest.fixture(scope="module")
def ldha() -> pd.Series:
    return build(frame({})).iloc[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base.guide.1", "U"),
        ("base.guide.23", "A"),
        ("sugar.guide.2", "fluoro"),
        ("sugar.guide.3", "ome"),
        ("sugar.sense.7", "fluoro"),
        ("token.guide.14", "fluoro-U"),
        ("token.sense.21", "ome-A"),
        ("count.guide.fluoro", 6),
        ("count.guide.ome", 17),
        ("count.sense.fluoro", 4),
        ("count.sense.L96", 1),
        ("count.guide.VP", 0),
        ("kmer.A", 7),
        ("kmer.GG", 2),
        ("kmer.UGG", 2),
        ("kmer.CCA", 2),
        ("kmer.AAA", 0),
        ("rule.gc", 10 / 23),
        ("rule.gc.2-7", 3 / 6),
        ("rule.gc.9-18", 5 / 10),
        ("rule.gc.run", 3),
        ("energy.step.1", -2.11),  # UG
        ("energy.step.2", -3.42),  # GC
        ("energy.step.22", -0.93),  # AA
        # guide end UG GC CC, far end UU UC CC; each ends in one A-U pair, which cancels
        ("energy.asymmetry", (-2.11 - 3.42 - 3.26) - (-0.93 - 2.35 - 3.26)),
        ("assay.dose", 1),
        ("assay.hours", 24),
        ("assay.cell", "Hep3B Cells"),
        ("site.start", 31),
        ("site.relative", 31 / 61),
        ("site.gc.upstream", 0),
        ("site.gc.downstream", 1),
        ("context.upstream.20", "A"),
        ("context.downstream.10", "G"),
        ("source.duplex", 158499),
        ("source.gene", "LDHA"),
    ],
)
def test_of_the_ldha_row(ldha: pd.Series, name: str, value: object) -> None:
    assert ldha[name] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value)


def test_new_guides_are_of_no_series_and_no_publication_that_trains() -> None:
    known = build(pd.DataFrame([LDHA]))
    new = build(pd.DataFrame([LDHA | sirna.optional]))
    assert known["source.duplex"].tolist() == [158499.0]
    assert new["source.duplex"].isna().all()
    assert new["source.publication"].tolist() == ["new"]
    same = [name for name in known if name not in ("source.duplex", "source.publication")]
    pd.testing.assert_frame_equal(new[same], known[same])


def test_context_ends_with_the_mrna(ldha: pd.Series) -> None:
    assert pd.isna(ldha["context.downstream.11"])
    near_start = build(frame({"gene_target_seq": "CC" + SENSE.replace("U", "T")})).iloc[0]
    assert near_start["site.start"] == 3
    assert list(near_start[["context.upstream.19", "context.upstream.20"]]) == ["C", "C"]
    assert pd.isna(near_start["context.upstream.18"])
    assert pd.isna(near_start["site.gc.downstream"])


def test_unknown_stays_unknown() -> None:
    unknown = {
        "gene_target_seq": None,
        "gene_target_symbol_name": None,
        "cell_line_donor": None,
        "Duration_after_transfection_h": np.nan,
    }
    table = build(frame({}, unknown, {"gene_target_seq": "ACGT" * 20}))
    assert table["site.start"].isna().tolist() == [False, True, True]
    assert table["site.length"].isna().tolist() == [False, True, False]
    assert table["assay.cell"].isna().tolist() == [False, True, False]
    assert table["assay.hours"].isna().tolist() == [False, True, False]


def test_short_strands_end_in_nothing() -> None:
    short = build(frame({"siRNA_antisense_seq": GUIDE[:19]})).iloc[0]
    assert short["base.guide.19"] == "A"
    assert pd.isna(short["base.guide.20"])
    assert short["energy.step.19"] == 0
    assert short["kmer.A"] == 5
    assert short["rule.gc"] == pytest.approx(8 / 19)


def test_rows_do_not_depend_on_each_other() -> None:
    changes = [
        {},
        {"siRNA_antisense_seq": "A" + GUIDE[1:]},
        {"modified_siRNA_antisense_seq_list": "VP u dG"},
        {},
        {"gene_target_seq": "C" * 7 + MRNA, "siRNA_concentration": 0.1},
    ]
    together = build(frame(*changes))
    for row, change in enumerate(changes):
        alone = build(frame(change))
        for name in together.columns:
            a, b = together[name].iloc[row], alone[name].iloc[0]
            assert a == b or (pd.isna(a) and pd.isna(b)), name


def test_columns_are_numbers_or_categories_in_known_groups() -> None:
    table = build(frame({}))
    assert {str(kind) for kind in table.dtypes} == {"float32", "category"}
    assert {name.split(".")[0] for name in table.columns} == set(GROUPS)
    assert not any(set(name) & set('",:[]{}') for name in table.columns)  # LightGBM refuses them
    assert list(choose(table, ["assay"]).columns) == [n for n in table.columns if "assay" in n]


def test_gene_is_the_symbol_or_the_publication() -> None:
    table = frame({"gene_target_symbol_name": "Flcn"}, {"gene_target_symbol_name": None})
    assert list(gene(table)) == ["flcn", "WO9efb397e42"]


def test_vocabulary_is_the_published_one() -> None:
    assert len(VOCABULARY) == len(set(VOCABULARY)) == 33


def test_case_and_brackets_are_chemistry() -> None:
    strand = parse(["A a Af dA (Agn) (Ahd) (A2p)"], width=8)
    assert strand.base[0].tolist() == [0] * 7 + [-1]
    assert strand.sugar[0].tolist() == [RIBO, OME, FLUORO, DEOXY, GNA, HEXADECYL, TWO_PRIME, ABSENT]


def test_caps_and_linkages_take_no_position() -> None:
    strand = parse(["VP u s Gf c L96", "P dT", ""], width=3)
    assert strand.base.tolist() == [[3, 2, 1], [3, -1, -1], [-1, -1, -1]]
    assert strand.flags.tolist() == [[1, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_an_unknown_token_is_other_and_keeps_its_place() -> None:
    strand = parse(["u Xna g"], width=4)
    assert strand.base[0].tolist() == [3, -1, 2, -1]
    assert strand.sugar[0].tolist() == [OME, OTHER, OME, ABSENT]


def test_what_exceeds_the_width_is_dropped() -> None:
    assert parse(["a c g u", "g"], width=2).base.tolist() == [[0, 1], [2, -1]]


def test_phosphorothioates_stand_where_they_follow_a_nucleotide() -> None:
    strands = parse(["VP a s Uf s g c", "s a", "a L96 s", ""], 5)
    assert strands.thio.tolist() == [
        [True, True, False, False, False],
        [False] * 5,
        [False] * 5,
        [False] * 5,
    ]
    assert strands.flags[:, -1].tolist() == [2, 1, 1, 0]


def test_a_strand_read_from_its_end() -> None:
    turned = parse(["a s Uf (Ggn)", "", "?? a"], 4).reversed()
    assert turned.base.tolist() == [[2, 3, 0, -1], [-1] * 4, [0, -1, -1, -1]]
    names = [[chemistry.SUGARS[code] for code in row] for row in turned.sugar]
    assert names[0] == ["gna", "fluoro", "ome", "none"]
    assert names[2] == ["ome", "other", "none", "none"]
    assert turned.thio.tolist()[0] == [False, False, True, False]
    again = turned.reversed()
    assert (again.base == parse(["a s Uf (Ggn)", "", "?? a"], 4).base).all()


def test_tokens_tell_unknown_from_padding() -> None:
    tokens = chemistry.tokens(["VP a ??", "", "a"])
    assert tokens.shape == (3, 3)
    assert (tokens[1] == chemistry.PADDING).all()
    assert tokens[0, 2] == chemistry.UNKNOWN
    assert tokens[0, 1] == tokens[2, 0] == chemistry.VOCABULARY.index("a") + chemistry.FIRST_TOKEN
    assert chemistry.tokens([""]).shape == (1, 1)
