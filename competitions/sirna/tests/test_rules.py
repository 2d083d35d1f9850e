import numpy as np
import pytest
from podium.competitions.sirna.shared import rules


def test_encode_reads_rna_and_dna_and_pads():
    codes = rules.encode(["ACGU", "acgt", "AN", ""])
    assert codes.dtype == np.int8
    assert codes.tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [0, -1, -1, -1], [-1, -1, -1, -1]]
    assert rules.encode(["ACGU"], width=2).tolist() == [[0, 1]]
    assert rules.encode([]).shape == (0, 0)


def test_reverse_complement_twice_is_the_strand():
    strand = rules.encode(["AACGU"])
    assert rules.reverse_complement(strand).tolist() == rules.encode(["ACGUU"]).tolist()
    assert rules.reverse_complement(rules.reverse_complement(strand)).tolist() == strand.tolist()


def test_core_of_a_real_duplex_is_the_end_of_its_passenger():
    # AD-158499: passenger GGUUCCAAGUCCAAUAUGGCA, 21 nt, lies on guide bases 1-21.
    core = rules.core(rules.encode(["UGCCAUAUUGGACUUGGAACCAA"]))
    assert core.tolist() == rules.encode(["UUCCAAGUCCAAUAUGGCA"]).tolist()


def test_longest_run():
    mask = np.array([[True, True, False, True], [False] * 4, [True] * 4])
    assert rules.longest_run(mask).tolist() == [2, 0, 4]


@pytest.mark.parametrize(
    ("step", "energy"),
    [
        ("AA", -0.93),
        ("AU", -1.10),
        ("UA", -1.33),
        ("CU", -2.08),
        ("CA", -2.11),
        ("GU", -2.24),
        ("GA", -2.35),
        ("CG", -2.36),
        ("GG", -3.26),
        ("GC", -3.42),
    ],
)
def test_a_step_and_its_complement_have_the_published_energy(step, energy):
    bases = rules.encode([step])
    both = np.concatenate([bases, rules.reverse_complement(bases)])
    assert rules.stacking_energy(both).tolist() == [[energy], [energy]]


def test_missing_bases_have_no_energy():
    assert rules.stacking_energy(rules.encode(["GC", "GCG"])).tolist() == [
        [-3.42, 0],
        [-3.42, -2.36],
    ]


def test_duplex_energy_by_hand():
    # ACG: A-C -2.24, C-G -2.36, one AU end.  GC: one step, no AU end.
    energies = rules.duplex_energy(rules.encode(["ACG", "GC"]))
    assert energies == pytest.approx([4.09 + 0.45 - 2.24 - 2.36, 4.09 - 3.42])


def test_asymmetry_by_hand():
    # Guide 5' UUUU: 3 x -.93 + .45; the core begins GGGG: 3 x -3.26.
    guide = rules.encode(["UUUUAAAAAAAAAAACCCCGG", "CCCCAAAAAAAAAAAUUUUGG"])
    assert rules.asymmetry(guide) == pytest.approx([-2.79 + 0.45 + 9.78, -9.78 + 2.79 - 0.45])


def test_reynolds_by_hand():
    #          123456789012345678 9
    best = "GCAGCGCCGUACAAUUUUA"  # 7 G/C before 13, A3, U10, A/U 15-19, A19
    worst = "CCGCCCCCCCCCGCCCCCG"
    assert rules.is_gc(rules.encode([best])).sum() == 9
    assert rules.reynolds(rules.encode([best, worst])).tolist() == [9, -2]


def test_ui_tei_by_hand():
    good = "GCACGCACGUACAAUUUUA"
    bad = "AGGGGGGGGGCCCCUAUGC"
    assert rules.ui_tei(rules.encode([good, bad])).tolist() == [4, 0]


def test_amarzguioui_by_hand():
    good = "GCGGCAGGGUACAAUUUAA"
    bad = "UAACCCCCCCCCCCCCCCG"
    assert rules.amarzguioui(rules.encode([good, bad])).tolist() == [4, -2]
