import numpy as np
import pandas as pd
import pytest

pytest.importorskip("RNA")

from podium.competitions.sirna.shared import features, folding


def test_energies_of_a_hairpin_and_of_what_cannot_fold() -> None:
    energies = folding.fold_energy(["GGGGAAAACCCC", "AAAAAAAAAAAA", ""])
    assert energies[0] < -3
    assert energies[1:].tolist() == [0, 0]


def test_a_perfect_duplex_is_stronger_than_one_with_a_mismatch() -> None:
    perfect, wrong, none = folding.pair_energy(
        ["GGCAUCGAUG", "GGCAUCGAUG", "GGCAUCGAUG"], ["CAUCGAUGCC", "CAUCGUUGCC", ""]
    )
    assert perfect < wrong < 0
    assert none == 0


def test_a_loop_is_open_and_a_stem_is_not() -> None:
    mrna = "GGGGGGGGGG" + "A" * 10 + "CCCCCCCCCC" + "A" * 20
    seed, site = folding.openness(mrna, np.array([10, 19, 45, 7, 99])).T
    assert seed[0] < -2
    assert seed[1:3] == pytest.approx(0, abs=0.1)
    assert site[2] < -2
    assert np.isnan([seed[3], seed[4], site[0], site[4]]).all()
    assert np.isnan(folding.openness("ACGU", np.array([2, 4]))).all()


def test_features_of_a_site() -> None:
    mrna = "".join(np.random.default_rng(0).choice(list("ACGT"), size=300))
    guide = mrna[100:121].translate(str.maketrans("ACGT", "UGCA"))[::-1] + "UU"
    table = features.build(rows([guide, "A" * 21], [mrna, None]), folding=True)
    names = ["fold.guide", "fold.duplex", "fold.open.seed", "fold.open.site"]
    assert [name for name in table if name.startswith("fold.")] == names
    assert table.loc[0, names].notna().all()
    expected = folding.openness(mrna, np.array([121]))[0]
    assert table.loc[0, names[2:]].tolist() == pytest.approx(expected.tolist())
    assert table.loc[1, names[2:]].isna().all()


def rows(guides: list[str], mrnas: list[str | None]) -> pd.DataFrame:
    count = len(guides)
    return pd.DataFrame(
        {
            "siRNA_antisense_seq": guides,
            "siRNA_sense_seq": [guide[:19] for guide in guides],
            "modified_siRNA_sense_seq_list": ["a"] * count,
            "modified_siRNA_antisense_seq_list": ["a"] * count,
            "siRNA_duplex_id": ["AD-1"] * count,
            "siRNA_concentration": [1.0] * count,
            "Duration_after_transfection_h": [24.0] * count,
            "gene_target_seq": pd.Categorical(mrnas),
            **{name: ["x"] * count for name in features.CATEGORIES.values()},
        }
    )
