"""Molecules from SMILES, without a library of chemistry.

Reads what OpenSMILES (http://opensmiles.org) names: brackets, branches, rings, fragments behind
dots, aromatic small letters. Marks of stereochemistry, isotopes and numbers of atoms are read and
dropped; a hydrogen that is written as an atom of its own counts with its neighbour's. Whether the
chemistry is possible is not asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Atom = tuple[int, bool, int, int]
    """Number, whether aromatic, hydrogens (-1: as many as the valence leaves), charge."""
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

PERIODIC_TABLE = (
    "* H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se "
    "Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy "
    "Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf "
    "Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
)
SMALL = "b c n o p s as se si te"
ELEMENTS = PERIODIC_TABLE.split()
"""Symbols by atomic number; 0 is the atom that may be any."""
NUMBERS = {symbol: number for number, symbol in enumerate(ELEMENTS)}
AROMATIC = {symbol: NUMBERS[symbol.capitalize()] for symbol in SMALL.split()}
VALENCES = {5: (3,), 6: (4,), 7: (3, 5), 8: (2,), 9: (1,), 15: (3, 5), 16: (2, 4, 6)}
VALENCES |= dict.fromkeys((17, 35, 53), (1,))
"""Of atoms without brackets: hydrogens fill up to the first that is not below the bonds."""
ORDERS = {"-": 1.0, "/": 1.0, "\\": 1.0, "=": 2.0, "#": 3.0, "$": 4.0, ":": 1.5, "~": 1.0}
TOKEN = re.compile(
    r"(?P<atom>\[[^\[\]]*\]|Br|Cl|[BCNOPSFI*bcnops])|(?P<bond>[-=#$:~/\\])"
    r"|(?P<ring>[0-9]|%[0-9]{2}|%\([0-9]{1,5}\))|(?P<other>[().])"
)
BRACKET = re.compile(
    r"\[[0-9]*(?P<symbol>[A-Z][a-z]?|as|se|si|te|[bcnops]|\*)(?:@+(?:[A-Z]{2}[0-9]+)?)?"
    r"(?P<hydrogens>H[0-9]?)?(?P<charge>\++|-+|[+-][0-9]{1,2})?(?::[0-9]+)?\]"
)
OPEN = "brackets do not close"


@dataclass(frozen=True)
class Molecule:
    """Atoms in the order of the text, and the bonds between them.

    Attributes:
        numbers: Atomic numbers, 0 for `*` [atoms].
        charges: Formal charges [atoms].
        hydrogens: How many hydrogens each has, written or not [atoms].
        aromatic: Whether it is written as aromatic [atoms].
        rings: Whether it is in a ring [atoms].
        degrees: Bonds to other atoms than hydrogens [atoms].
        bonds: The two atoms of each [bonds, 2].
        orders: 1, 2, 3, or 1.5 where aromatic [bonds].
        ring_bonds: Whether it is in a ring [bonds].
    """

    numbers: Ints
    charges: Ints
    hydrogens: Ints
    aromatic: Bools
    rings: Bools
    degrees: Ints
    bonds: Ints
    orders: NDArray[np.float64]
    ring_bonds: Bools

    def __len__(self) -> int:
        """How many atoms there are."""
        return len(self.numbers)

    @property
    def symbols(self) -> list[str]:
        """The element of each atom."""
        return [ELEMENTS[number] for number in self.numbers]


@lru_cache(maxsize=1 << 13)  # folds and members ask for the same drugs again and again
def parse(smiles: str) -> Molecule:
    """Read a SMILES. What it gives is shared by all who ask: never write into it.

    Raises:
        ValueError: If the text is no SMILES, with a sentence that says why.
    """
    read = _Reader(smiles)
    atoms = len(read.atoms)
    numbers, aromatic, hydrogens, charges = (
        np.array(column) for column in zip(*read.atoms, strict=True)
    )
    bonds = np.array(list(read.bonds), dtype=np.int64).reshape(-1, 2)
    ring_bonds = _ring_bonds(atoms, list(read.bonds))
    orders = np.array(list(read.bonds.values()), dtype=np.float64)  # None is not a number
    unsaid = np.isnan(orders)
    orders[unsaid] = np.where(aromatic[bonds[unsaid]].all(axis=1) & ring_bonds[unsaid], 1.5, 1.0)
    ends, single = bonds.ravel(), np.where(orders == 1.5, 1.0, orders)
    taken = np.bincount(ends, np.repeat(single, 2), atoms).astype(np.int64)
    hydrogens = np.array(
        [_hydrogens(*atom, used) for atom, used in zip(read.atoms, taken.tolist(), strict=True)]
    )
    rings = np.zeros(atoms, dtype=bool)
    rings[bonds[ring_bonds]] = True
    degrees = np.bincount(ends, minlength=atoms)
    molecule = Molecule(
        numbers, charges, hydrogens, aromatic, rings, degrees, bonds, orders, ring_bonds
    )
    return _merged(molecule) if (numbers == 1).any() else molecule


def joined(molecules: Sequence[Molecule]) -> Molecule:
    """All as one, with their atoms one after another; no bond joins two of them."""
    first = np.cumsum([0, *[len(molecule) for molecule in molecules]])
    columns = {
        field.name: np.concatenate([getattr(molecule, field.name) for molecule in molecules])
        for field in fields(Molecule)
    }
    places = np.repeat(first[:-1], [len(molecule.bonds) for molecule in molecules])
    columns["bonds"] = columns["bonds"] + places[:, None]
    return Molecule(**columns)


class _Reader:
    """What is written: atoms, and bonds with their orders, None where no mark says it."""

    def __init__(self, smiles: str) -> None:
        self.atoms: list[Atom] = []
        self.bonds: dict[tuple[int, int], float | None] = {}
        self.last: int | None = None
        self.mark: str | None = None
        self.branches: list[int] = []
        self.rings: dict[str, tuple[int, str | None]] = {}
        self.empty = True
        position = 0
        while token := TOKEN.match(smiles, position):
            position = token.end()
            self._take(token.lastgroup or "", token.group())
        if position < len(smiles):
            raise ValueError(_stranger(smiles[position]))
        self._no_mark()
        if self.branches:
            raise ValueError(OPEN)
        if self.rings:
            raise ValueError("rings do not close")
        self._not_empty()

    def _take(self, kind: str, text: str) -> None:
        if kind == "atom":
            self._atom(_atom(text))
        elif kind == "ring":
            self._ring(text.strip("%()").lstrip("0"))
        else:
            self._no_mark()
            if kind == "bond":
                self.mark = text
                return
            if text == "(":
                self.branches.append(self._before("a branch"))
            self._not_empty()
            self.empty = text != ")"
            if text == ".":
                self.last = None
            if text == ")" and not self.branches:
                raise ValueError(OPEN)
            if text == ")":
                self.last = self.branches.pop()

    def _atom(self, atom: Atom) -> None:
        self.atoms.append(atom)
        self.empty = False
        here = len(self.atoms) - 1
        if self.last is None:
            self._no_mark()
        else:
            self._bind(self.last, here, self.mark)
        self.last, self.mark = here, None

    def _ring(self, number: str) -> None:
        here = self._before("a ring")
        if number in self.rings:
            start, mark = self.rings.pop(number)
            if mark and self.mark and ORDERS[mark] != ORDERS[self.mark]:
                raise ValueError("a ring has different bonds at its two ends")
            self._bind(start, here, mark or self.mark)
        else:
            self.rings[number] = (here, self.mark)
        self.mark = None

    def _bind(self, one: int, other: int, mark: str | None) -> None:
        if one == other or {(one, other), (other, one)} & self.bonds.keys():
            raise ValueError("a ring closes where there is a bond already, or on its own atom")
        self.bonds[one, other] = ORDERS[mark] if mark else None

    def _before(self, what: str) -> int:
        if self.last is None:
            raise ValueError(f"{what} opens before any atom")
        return self.last

    def _not_empty(self) -> None:
        if not self.atoms:
            raise ValueError("there is no atom")
        if self.empty:
            raise ValueError("a branch or a fragment is empty")

    def _no_mark(self) -> None:
        if self.mark:
            raise ValueError("a bond leads nowhere")


def _stranger(letter: str) -> str:
    return OPEN if letter in "[]" else f"{letter!r} is no part of SMILES"


def _atom(text: str) -> Atom:
    """Read an atom, with or without brackets."""
    if text[0] != "[":
        number = AROMATIC.get(text) or NUMBERS[text]
        return number, text in AROMATIC, -1 if number else 0, 0
    parts = BRACKET.fullmatch(text)
    symbol = parts["symbol"] if parts else ""
    if parts is None or (symbol not in NUMBERS and symbol not in AROMATIC):
        raise ValueError(f"{text} is no atom")
    said, sign = parts["hydrogens"] or "H0", parts["charge"] or "+0"
    digits = sign.strip("+-")
    size = int(digits) if digits else len(sign)
    return (
        AROMATIC[symbol] if symbol in AROMATIC else NUMBERS[symbol],
        symbol in AROMATIC,
        int(said[1:] or 1),
        -size if sign[0] == "-" else size,
    )


def _hydrogens(number: int, aromatic: bool, written: int, charge: int, taken: int) -> int:
    """Those that are written, or that an atom without brackets has beside `taken` by bonds."""
    if written >= 0:
        return written
    valences = VALENCES[number]
    if aromatic:  # one electron is the ring's
        return max(0, valences[0] - taken - 1)
    return next((valence - taken for valence in valences if valence >= taken), 0)


def _ring_bonds(atoms: int, bonds: Sequence[tuple[int, int]]) -> Bools:
    """Which bonds are in a ring: those on the way round of a bond that no tree needs [bonds]."""
    neighbours: list[list[tuple[int, int]]] = [[] for _ in range(atoms)]
    for bond, (one, other) in enumerate(bonds):
        neighbours[one].append((other, bond))
        neighbours[other].append((one, bond))
    depth, parent = [-1] * atoms, [(-1, -1)] * atoms
    needed = [False] * len(bonds)
    for root in range(atoms):
        if depth[root] >= 0:
            continue
        depth[root] = 0
        reached = [root]
        for atom in reached:
            for other, bond in neighbours[atom]:
                if depth[other] < 0:
                    depth[other], parent[other], needed[bond] = depth[atom] + 1, (atom, bond), True
                    reached.append(other)
    rings = np.zeros(len(bonds), dtype=bool)
    for bond, (one, other) in enumerate(bonds):
        if needed[bond]:
            continue
        rings[bond] = True
        while one != other:
            if depth[one] < depth[other]:
                one, other = other, one
            one, step = parent[one]
            rings[step] = True
    return rings


def _merged(molecule: Molecule) -> Molecule:
    """The molecule without hydrogens that have one bond, to another atom, and no charge."""
    ends = molecule.bonds
    plain = (molecule.numbers == 1) & (molecule.charges == 0) & (molecule.degrees == 1)
    plain[ends[(molecule.numbers[ends] == 1).all(axis=1)]] = False
    gone = plain[ends].any(axis=1)
    heavy = ends[gone][~plain[ends[gone]]]
    lost = np.bincount(heavy, minlength=len(molecule))
    place = np.cumsum(~plain) - 1
    return Molecule(
        molecule.numbers[~plain],
        molecule.charges[~plain],
        (molecule.hydrogens + lost)[~plain],
        molecule.aromatic[~plain],
        molecule.rings[~plain],
        (molecule.degrees - lost)[~plain],
        place[ends[~gone]],
        molecule.orders[~gone],
        molecule.ring_bonds[~gone],
    )
