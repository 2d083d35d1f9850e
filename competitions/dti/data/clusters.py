"""Which drugs are the same, and which drugs and proteins are alike: made once, then kept.

Drugs are one if they share the first block of the InChIKey: stereo isomers and spellings fall
together. Drugs are alike from a Tanimoto similarity of .5 on (Morgan fingerprints of radius 2,
1,024 bits), proteins from a cosine of .5 (counts of the 8,000 words of three residues); clusters
are connected components, as in the published task. Drugs need RDKit (extra `chem`), so what was
made of them is committed in `drugs/`, one line a SMILES in the order of the raw files; proteins
do not.

    python -m podium.competitions.dti.data.clusters RAW    # writes drugs/*.csv anew
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ..shared.features import spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]

DRUGS = Path(__file__).parent / "drugs"
BITS, RADIUS = 1024, 2
WORD = 3
STEP = 512


def of_drugs(smiles: Sequence[str], targets: Sequence[str] = ()) -> pd.DataFrame:
    """What there is to know of drugs, by RDKit.

    Args:
        smiles: Different ones.
        targets: Those whose neighbourhood a source must not have.

    Returns:
        One line a SMILES: `drug`, the place of the first SMILES of the same compound; `cluster`,
        the place of the first of its cluster; `near`, 1 if it is alike to one of `targets`. A
        SMILES that RDKit refuses has -1 and -1.
    """
    from rdkit import Chem, rdBase

    rdBase.DisableLog("rdApp.*")
    molecules = [Chem.MolFromSmiles(text) for text in smiles]
    known = np.array([molecule is not None for molecule in molecules])
    blocks = [_inchi_key(m).split("-")[0] if m is not None else "" for m in molecules]
    names = [block or text for block, text in zip(blocks, smiles, strict=True)]
    drug = _first(pd.factorize(np.array(names, dtype=object))[0])
    bits = _fingerprints([m for m in molecules if m is not None])
    of_targets = np.isin(np.array(smiles, dtype=object)[known], list(targets))
    cluster, near = np.full(len(smiles), -1), np.zeros(len(smiles), dtype=np.int64)
    rows = np.flatnonzero(known)
    cluster[known] = rows[_first(components(_alike_drugs(bits), len(rows)))]
    for start, alike in _alike_drugs(bits):
        near[rows[start : start + len(alike)]] = alike[:, of_targets].any(axis=1)
    return pd.DataFrame({"drug": np.where(known, drug, -1), "cluster": cluster, "near": near})


def of_proteins(sequences: Sequence[str]) -> NDArray[np.int64]:
    """The place of the first sequence of the cluster of each [sequences]."""
    words = spelled(sequences, WORD)
    return _first(components(_alike_proteins(words, words), len(sequences)))


def near_proteins(sequences: Sequence[str], targets: Sequence[str]) -> Bools:
    """Which proteins are alike to one of the targets [sequences]."""
    blocks = _alike_proteins(spelled(sequences, WORD), spelled(targets, WORD))
    return np.concatenate([alike.any(axis=1) for _, alike in blocks])


def components(blocks: Iterator[tuple[int, Bools]], count: int) -> NDArray[np.int64]:
    """The component of each item, from blocks of rows that say who is alike [rows, count]."""
    pairs = [(np.argwhere(alike) + np.array([start, 0])).T for start, alike in blocks]
    left, right = np.concatenate(pairs, axis=1) if pairs else np.zeros((2, 0), np.int64)
    graph = csr_array((np.ones(len(left)), (left, right)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _first(code: NDArray[Any]) -> NDArray[np.int64]:
    """The place of the first item with the same code [items]."""
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    return np.asarray(first[place], dtype=np.int64)


def _inchi_key(molecule: Any) -> str:
    from rdkit.Chem import inchi

    key: Any = inchi.MolToInchiKey
    return str(key(molecule))


def _fingerprints(molecules: Sequence[Any]) -> NDArray[np.float32]:
    from rdkit.Chem import rdFingerprintGenerator

    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    return np.stack([generator.GetFingerprintAsNumPy(m) for m in molecules]).astype(np.float32)


def _alike_drugs(bits: NDArray[np.float32]) -> Iterator[tuple[int, Bools]]:
    size = bits.sum(axis=1)
    for start in range(0, len(bits), STEP):
        common = bits[start : start + STEP] @ bits.T
        either = size[start : start + STEP, None] + size - common
        yield start, 2 * common >= either


def _alike_proteins(some: csr_array, others: csr_array) -> Iterator[tuple[int, Bools]]:
    """Whole numbers throughout: the same on every machine."""
    squares = [np.asarray(words.multiply(words).sum(axis=1)).ravel() for words in (some, others)]
    for start in range(0, some.shape[0], STEP):
        common = (some[start : start + STEP] @ others.T).toarray()
        size = squares[0][start : start + STEP, None] * squares[1]
        yield start, (4 * common**2 >= size) & (common > 0)


def main(folder: Path) -> None:
    """Write `drugs/*.csv` anew from the raw files in a folder."""
    from podium.data import raw

    from ..competition import competition
    from . import prepare

    DRUGS.mkdir(exist_ok=True)
    for name in prepare.FILES:
        dataset = competition.dataset(name)
        with raw.members(competition, dataset, source=folder, progress=None) as files:
            rows = prepare.read(files, name)
        targets = rows.loc[rows["file"].str.startswith(prepare.TARGETS), "smiles"]
        table = of_drugs(list(rows["smiles"].unique()), list(targets.unique()))
        table.to_csv(DRUGS / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
