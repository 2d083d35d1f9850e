"""Features for tables of numbers: what is known to matter for a siRNA, vectorised.

`build` gives one column a feature, named `group.rest`; models choose by group:

    base     each base of the guide                    sugar    each modification, both strands
    token    base and modification together            kmer     counts of 1-, 2- and 3-mers
    energy   stacking per step, asymmetry, duplex      rule     GC, runs, classic design rules
    count    modifications counted, caps               assay    dose, cell, transfection, time
    site     where in the mRNA, and what is around     context  each base around the site
    source   gene, transcript, publication, duplex number
    fold     folding of guide, duplex and site; only when asked for, with the extra `bio`

Site, context and source help on genes and publications that train and mislead on others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..data.prepare import CORE
from . import rules
from .chemistry import CAPS, SUGARS, THIO, Strands, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

GUIDE = 23
SENSE = 21
"""Positions of the two strands that have features; 99% of the strands have just these."""

FLANK = 20
"""Bases of context on either side of the site."""

SITE = 21
"""Length of the site on the mRNA: guide positions 1 to 21."""

BASES = ("A", "C", "G", "U")
DUPLEX = (
    "siRNA_antisense_seq",
    "modified_siRNA_sense_seq_list",
    "modified_siRNA_antisense_seq_list",
)
_COMPLEMENT = str.maketrans("ACGU", "TGCA")

CATEGORIES = {
    "assay.cell": "cell_line_donor",
    "assay.transfection": "Transfection_method",
    "assay.species": "gene_target_species",
    "source.gene": "gene_target_symbol_name",
    "source.transcript": "gene_target_ncbi_id",
    "source.publication": "publication_id",
}

Columns = dict[str, Any]


def build(features: pd.DataFrame, *, folding: bool = False) -> pd.DataFrame:
    """Compute all features.

    Args:
        features: Rows with the columns of the competition; of any dataset, in any order.
        folding: Whether group `fold` is among them.

    Returns:
        One row a row, default index; float32 columns (NaN: not known) and categorical ones.
    """
    duplex, first = distinct(features, DUPLEX)
    target, holder = distinct(features, ("siRNA_antisense_seq", "gene_target_seq"))
    columns = {
        **_take(dict(_of_duplex(features.iloc[first])), duplex),
        **_take(dict(_of_site(features.iloc[holder])), target),
        **_of_assay(features),
    }
    if folding:
        columns |= _take(dict(_of_folding(features.iloc[holder])), target)
    return pd.DataFrame(columns)


def choose(table: pd.DataFrame, groups: Iterable[str]) -> pd.DataFrame:
    """The columns of the named groups only."""
    wanted = set(groups)
    return table[[name for name in table.columns if name.split(".")[0] in wanted]]


def gene(features: pd.DataFrame) -> pd.Series[str]:
    """What tells genes apart in features: the symbol whatever its case, else the publication."""
    symbol = features["gene_target_symbol_name"].str.casefold()
    return symbol.fillna(features["publication_id"])


def distinct(
    features: pd.DataFrame, names: Iterable[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows repeat: the number of each row's combination of values, and where each first is."""
    key = np.zeros(len(features), dtype=np.int64)
    for name in names:
        codes, values = pd.factorize(features[name])
        key = key * (len(values) + 1) + codes + 1
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    return number, first


def around(guide: str, mrna: str) -> tuple[float, str, str]:
    """First base of the site (1 for the first of the mRNA) and the bases on either side of it."""
    core = guide[CORE].translate(_COMPLEMENT)[::-1]
    offset = mrna.find(core)
    if offset < 0 or not core:
        return np.nan, "", ""
    end = offset + CORE.stop  # guide position 1 pairs with the last base of the site
    start = end - SITE
    upstream = mrna[max(start - FLANK, 0) : max(start, 0)]
    return start + 1, upstream.rjust(FLANK), mrna[end : end + FLANK]


def _take(columns: Columns, rows: NDArray[np.int64]) -> Columns:
    return {
        name: values.take(rows) if isinstance(values, pd.Categorical) else _number(values)[rows]
        for name, values in columns.items()
    }


def _number(values: Any) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)


def _of_duplex(features: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """Features of the two strands by themselves."""
    guide = rules.encode(features["siRNA_antisense_seq"], GUIDE)
    sense = parse(features["modified_siRNA_sense_seq_list"], SENSE)
    antisense = parse(features["modified_siRNA_antisense_seq_list"], GUIDE)
    yield from _positions("base.guide", guide, BASES)
    yield from _of_chemistry("sense", sense)
    yield from _of_chemistry("guide", antisense)
    yield from _kmers(guide)
    yield from _energies(guide)
    yield from _rules(guide)


def _positions(
    name: str, codes: NDArray[np.int8], categories: Iterable[str]
) -> Iterator[tuple[str, pd.Categorical]]:
    kind = pd.CategoricalDtype(list(categories))
    for position, column in enumerate(codes.T, start=1):
        yield f"{name}.{position}", pd.Categorical.from_codes(column, dtype=kind)


def _of_chemistry(strand: str, modified: Strands) -> Iterator[tuple[str, Any]]:
    yield from _positions(f"sugar.{strand}", modified.sugar, SUGARS)
    tokens = modified.sugar * 5 + modified.base + 1
    names = [f"{sugar}-{base}" for sugar in SUGARS for base in ("?", *BASES)]
    yield from _positions(f"token.{strand}", tokens, names)
    for code, sugar in enumerate(SUGARS):
        yield f"count.{strand}.{sugar}", (modified.sugar == code).sum(axis=1)
    for code, flag in enumerate((*CAPS, THIO)):
        yield f"count.{strand}.{flag}", modified.flags[:, code]


def _kmers(guide: rules.Bases) -> Iterator[tuple[str, Any]]:
    for k in (1, 2, 3):
        words = np.lib.stride_tricks.sliding_window_view(guide, k, axis=1)
        code = words @ (4 ** np.arange(k)[::-1])
        row = np.broadcast_to(np.arange(len(guide))[:, None], code.shape)
        whole = (words != rules.NONE).all(axis=2)
        cells = np.bincount(row[whole] * 4**k + code[whole], minlength=len(guide) * 4**k)
        counts = cells.reshape(len(guide), 4**k)
        for word in range(4**k):
            letters = "".join(BASES[word // 4**place % 4] for place in reversed(range(k)))
            yield f"kmer.{letters}", counts[:, word]


def _energies(guide: rules.Bases) -> Iterator[tuple[str, Any]]:
    for step, energy in enumerate(rules.stacking_energy(guide).T, start=1):
        yield f"energy.step.{step}", energy
    yield "energy.duplex", rules.duplex_energy(guide[:, : rules.CORE])
    yield "energy.asymmetry", rules.asymmetry(guide)


def _rules(guide: rules.Bases) -> Iterator[tuple[str, Any]]:
    """Fractions of G and C, and the classic scores of the 19 base pairs."""
    gc = rules.is_gc(guide)
    length = np.maximum((guide != rules.NONE).sum(axis=1), 1)
    yield "rule.gc", gc.sum(axis=1) / length
    yield "rule.gc.2-7", gc[:, 1:7].mean(axis=1)
    yield "rule.gc.9-18", gc[:, 8:18].mean(axis=1)
    yield "rule.gc.run", rules.longest_run(gc)
    core = rules.core(guide)
    yield "rule.reynolds", rules.reynolds(core)
    yield "rule.ui_tei", rules.ui_tei(core)
    yield "rule.amarzguioui", rules.amarzguioui(core)


def _of_site(features: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """Where the guide binds in its mRNA; not known where there is no mRNA or no such site in it."""
    guides = features["siRNA_antisense_seq"].str.upper()
    transcripts = features["gene_target_seq"].astype(object).fillna("")
    sites = [around(guide, mrna) for guide, mrna in zip(guides, transcripts, strict=True)]
    start = np.array([site[0] for site in sites], dtype=np.float32)
    length = transcripts.str.len().to_numpy(dtype=np.float32)
    upstream = rules.encode((site[1] for site in sites), FLANK)
    downstream = rules.encode((site[2] for site in sites), FLANK)
    yield "site.start", start
    yield "site.length", np.where(length > 0, length, np.nan)
    yield "site.relative", start / np.maximum(length, 1)
    for name, flank in (("upstream", upstream), ("downstream", downstream)):
        known = (flank != rules.NONE).sum(axis=1)
        gc = rules.is_gc(flank).sum(axis=1)
        yield f"site.gc.{name}", np.where(known > 0, gc / np.maximum(known, 1), np.nan)
        yield from _positions(f"context.{name}", flank, BASES)


def _of_folding(features: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """Energies of guide and duplex, and how open the site is: its seed half and the whole."""
    from . import folding

    guides = features["siRNA_antisense_seq"].str.upper()
    yield "fold.guide", folding.fold_energy(guides)
    yield "fold.duplex", folding.pair_energy(guides, features["siRNA_sense_seq"].str.upper())
    transcripts = features["gene_target_seq"].astype(object).fillna("")
    sites = [around(guide, mrna) for guide, mrna in zip(guides, transcripts, strict=True)]
    ends = np.nan_to_num([site[0] + SITE - 1 for site in sites], nan=-1).astype(np.int64)
    opened = np.full((len(features), len(folding.WIDTHS)), np.nan)
    for mrna, rows in features.groupby(transcripts.to_numpy()).indices.items():
        opened[rows] = folding.openness(str(mrna), ends[rows])
    yield "fold.open.seed", opened[:, 0]
    yield "fold.open.site", opened[:, 1]


def _of_assay(features: pd.DataFrame) -> Columns:
    number = features["siRNA_duplex_id"].str.extract(r"(\d+)", expand=False)
    categories = {name: features[column].astype("category") for name, column in CATEGORIES.items()}
    return {
        "assay.dose": _number(np.log10(features["siRNA_concentration"])),
        "assay.hours": _number(features["Duration_after_transfection_h"]),
        "source.duplex": _number(pd.to_numeric(number)),
        **categories,
    }
