"""DrugBAN: a graph network of atoms, convolutions over residues, bilinear attention between both.

After Bai et al. 2023 (doi:10.1038/s42256-022-00605-1), written anew. Padding is masked in every
layer, sum and norm, so a pair has one prediction whatever is in its batch. Atoms i and residues j
attend by A_ij = sum_l q_l u_il v_jl + b, and a pair's feature k is the mean of u_ik A_ij v_jk over
both. There is no softmax, so several heads would add up to one, and the sums can change places:

    feature_k = sum_l q_l (U'U)_kl (V'V)_kl / (atoms x residues)

with a column of ones in U and V for b. The two squares are computed once a drug and once a protein;
the map A itself is made only to be looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from podium.competition import Part
from podium.errors import note
from podium.learning import BatchNorm1d, perceptron

from .features import DRUG, PROTEIN
from .molecules import parse
from .networks import PairModel, PairNetwork, different

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from podium.learning import Batch, Tensors

ATOMS, BONDS = "atoms", "bonds"
LETTERS = "ABCDEFGHIKLMNOPQRSTUVWXYZ"
ELEMENTS = (6, 7, 8, 16, 9, 17, 35, 15, 53, 5, 14, 34, 11, 30, 26, 78)
"""Atomic numbers that have a code; others share one."""
KINDS = (len(ELEMENTS) + 1, 7, 5, 5, 2, 2)
"""Values of each kind of code: element, degree, hydrogens, charge, aromatic, in a ring."""
STRIDE, FIRST, KERNELS = 4, 8, (5, 7)
"""Residues a position, and letters or positions that each convolution sees."""


def graphs(smiles: Sequence[str], most: int) -> Tensors:
    """Molecules as padded tensors; atoms after the first `most` are left out.

    Returns:
        `atoms`: codes from 1, 0 for padding, int64 [drugs, atoms, kinds]; `bonds`: 1 where two
        atoms are bound and from each atom to itself, uint8 [drugs, atoms, atoms].
    """
    molecules = [parse(text) for text in smiles]
    _tell(map(len, molecules), most, "drugs", "atoms")
    width = min(most, max(map(len, molecules), default=1))
    atoms = torch.zeros(len(smiles), width, len(KINDS), dtype=torch.int64)
    bonds = torch.zeros(len(smiles), width, width, dtype=torch.uint8)
    code = np.full(200, len(ELEMENTS))
    code[list(ELEMENTS)] = np.arange(len(ELEMENTS))
    start = 1 + np.cumsum((0, *KINDS[:-1]))
    for row, one in enumerate(molecules):
        codes = np.stack(
            [
                code[one.numbers],
                one.degrees.clip(0, 6),
                one.hydrogens.clip(0, 4),
                one.charges.clip(-2, 2) + 2,
                one.aromatic,
                one.rings,
            ],
            axis=1,
        )
        count = min(len(one), width)
        atoms[row, :count] = torch.from_numpy(codes + start)[:count]
        near = one.bonds[(one.bonds < count).all(axis=1)]
        bonds[row, near[:, 0], near[:, 1]] = bonds[row, near[:, 1], near[:, 0]] = 1
        bonds[row].diagonal()[:count] = 1
    return {ATOMS: atoms, BONDS: bonds}


def letters(proteins: Sequence[str], most: int) -> Tensors:
    """Residues as padded tensors; those after the first `most` are left out.

    Returns:
        `protein`: codes from 1, 0 for padding, uint8 [proteins, residues]. What has no letter
        of its own is X.
    """
    code = np.full(256, 1 + LETTERS.index("X"), dtype=np.uint8)
    code[np.frombuffer(LETTERS.encode(), np.uint8)] = np.arange(1, len(LETTERS) + 1)
    _tell(map(len, proteins), most, "proteins", "residues")
    width = min(most, max(map(len, proteins), default=1))
    table = np.zeros((len(proteins), width), dtype=np.uint8)
    for row, text in enumerate(proteins):
        some = code[np.frombuffer(text[:width].encode(), np.uint8)]
        table[row, : len(some)] = some
    return {PROTEIN: torch.from_numpy(table)}


def _tell(lengths: Iterable[int], most: int, things: str, pieces: str) -> None:
    """Say how many things are not read to their end."""
    longer = sum(length > most for length in lengths)
    if longer:
        note(f"{longer:,} {things} have more than {most:,} {pieces}: the rest of each is not read.")


class MaskedNorm(nn.Module):
    """Batch normalisation over real places alone, and 0 elsewhere."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = BatchNorm1d(width)

    def forward(self, state: Tensor, there: Tensor) -> Tensor:
        """Normalise [items, places, width] where there is something [items, places, 1]."""
        real = there[..., 0] > 0
        return torch.zeros_like(state).masked_scatter(real[..., None], self.norm(state[real]))


class Atoms(nn.Module):
    """Three graph convolutions.

    h_i becomes norm(relu(sum of h_j W over j bound to i and i itself) + relu(h_i R)).
    """

    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.codes = nn.Embedding(1 + sum(KINDS), width, padding_idx=0)
        self.near = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.own = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.norm = nn.ModuleList(MaskedNorm(width) for _ in range(layers))

    def forward(self, atoms: Tensor, bonds: Tensor) -> tuple[Tensor, Tensor]:
        """Features [drugs, atoms, width], and 1 for real atoms [drugs, atoms, 1]."""
        there = atoms[..., :1] > 0
        width = int(there.any(dim=0).sum())
        there, links = there[:, :width].float(), bonds[:, :width, :width].float()
        state = self.codes(atoms[:, :width]).sum(dim=2) * there
        for near, own, norm in zip(self.near, self.own, self.norm, strict=True):
            state = self.dropout(state)
            bound = torch.relu(near(links @ state))
            state = norm(bound + torch.relu(own(state)), there)
        return state, there


class Residues(nn.Module):
    """Three convolutions; the first takes a step of `STRIDE` residues."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.codes = nn.Embedding(1 + len(LETTERS), width // 2, padding_idx=0)
        self.first = nn.Conv1d(width // 2, width, FIRST, STRIDE, padding=(FIRST - STRIDE) // 2)
        self.others = nn.ModuleList(
            nn.Conv1d(width, width, kernel, padding=kernel // 2) for kernel in KERNELS
        )
        self.norm = nn.ModuleList(MaskedNorm(width) for _ in range(1 + len(KERNELS)))

    def forward(self, residues: Tensor) -> tuple[Tensor, Tensor]:
        """Features [proteins, positions, width], and 1 for real positions [proteins, positions, 1].

        A position is real if one of its `STRIDE` residues is.
        """
        width = int((residues > 0).any(dim=0).sum())
        codes = functional.pad(residues[:, :width], (0, -width % STRIDE)).long()
        there = (codes.unflatten(1, (-1, STRIDE)) > 0).any(dim=2)[..., None].float()
        state = self.codes(codes)
        for layer, norm in zip((self.first, *self.others), self.norm, strict=True):
            channels = self.dropout(state).transpose(1, 2)
            state = norm(torch.relu(layer(channels)).transpose(1, 2), there)
        return state, there


class Squares(nn.Module):
    """U or V of the attention: masked maps of features, and the mean of their squares."""

    def __init__(self, width: int, maps: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, maps), nn.ReLU())

    def maps(self, state: Tensor, there: Tensor) -> Tensor:
        """Maps and a column of ones, 0 where there is nothing [items, places, maps + 1]."""
        return functional.pad(self.layers(state), (0, 1), value=1.0) * there

    def forward(self, state: Tensor, there: Tensor) -> Tensor:
        """Means over places of each map times each, and times 1 [items, maps, maps + 1]."""
        maps = self.maps(state, there)
        sums = maps[..., :-1].transpose(1, 2) @ maps
        return sums / there.sum(dim=1, keepdim=True).clamp(min=1.0)


class DrugBAN(PairNetwork):
    """Takes a `Batch`, gives logits [rows].

    Args:
        params: `width`, `pooled` (maps that are summed up to a feature), `hidden`, `dropout`.
    """

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__()
        width, dropout = params["width"], params["dropout"]
        self.pooled, maps = params["pooled"], params["pooled"] * width
        self.atoms, self.residues = Atoms(width, 3, dropout), Residues(width, dropout)
        self.of_drug, self.of_protein = (Squares(width, maps, dropout) for _ in range(2))
        self.query = nn.Parameter(torch.randn(maps + 1) / (maps + 1) ** 0.5)
        self.norm = BatchNorm1d(width)
        self.decoder = nn.Sequential(
            perceptron((width, params["hidden"])),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(params["hidden"], 1),
        )

    def features(self, batch: Batch) -> Tensor:
        """Of pairs, on one scale [rows, width]."""
        drugs, drug = different(batch)
        of_drug = self.of_drug(*self.atoms(drugs[ATOMS], drugs[BONDS]))
        of_protein = self.of_protein(*self.residues(batch.items[PROTEIN]))
        # index_select: the gradient of plain indexing adds up in any order
        of_drug = (of_drug * self.query).index_select(0, drug)
        both = of_drug * of_protein.index_select(0, batch.item)
        pooled: Tensor = self.norm(both.sum(dim=2).unflatten(1, (-1, self.pooled)).sum(dim=2))
        return pooled

    def attention(self, batch: Batch) -> Tensor:
        """Of each atom and position, 0 for padding [rows, atoms, positions]."""
        drugs, drug = different(batch)
        atoms = self.of_drug.maps(*self.atoms(drugs[ATOMS], drugs[BONDS]))
        residues = self.of_protein.maps(*self.residues(batch.items[PROTEIN]))
        attention: Tensor = (atoms * self.query)[drug] @ residues[batch.item].transpose(1, 2)
        return attention

    def decode(self, features: Tensor) -> Tensor:
        """Logits [rows] of features [rows, width]."""
        logits: Tensor = self.decoder(features)
        return logits[:, 0]

    def forward(self, batch: Batch) -> Tensor:
        """Logits [rows]."""
        return self.decode(self.features(batch))


class DrugbanModel(PairModel[DrugBAN]):
    """Networks of graphs and sequences."""

    def drugs(self, smiles: Sequence[str]) -> Tensors:
        """Graphs."""
        return graphs(smiles, self.params["atoms"])

    def proteins(self, proteins: Sequence[str]) -> Tensors:
        """Residues."""
        return letters(proteins, self.params["residues"])

    def network(self) -> DrugBAN:
        """A network that knows nothing."""
        return DrugBAN(self.params)

    def attention(self, smiles: str, protein: str) -> NDArray[np.float32]:
        """What each atom's attention to each position is, mean of the networks [atoms, positions].

        A position is `STRIDE` residues. Higher counts for more of the pair's features; what the
        decoder makes of these, to bind or not to, the map does not say.
        """
        features = pd.DataFrame({DRUG: [smiles], PROTEIN: [protein]})
        rows = self.rows(Part(name="pair", ids=pd.Index(["pair"]), features=features))
        (batch,) = rows.batches(1, torch.arange(1))
        with torch.inference_mode():
            maps = [one.cpu().eval().attention(batch)[0].numpy() for one in self.networks]
        return np.asarray(np.mean(maps, axis=0))
