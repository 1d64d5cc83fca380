"""The geometry of segments: what passes from the simulator to the forward models."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lfpcli.errors import InputError, nearest

PROTOTYPE = np.empty(0)


def _none() -> np.ndarray:
    return PROTOTYPE


@dataclass
class Geometry:
    """Segments of one cell, or of many cells one after the other.

    Attributes
    ----------
    start, end : ndarray, shape (N, 3)
        End points of the segments, um.
    diam : ndarray, shape (N,)
        Diameters, um.
    area : ndarray, shape (N,)
        Membrane areas, um2. Computed from the chord where not given.
    gid : ndarray of int, shape (N,)
        The cell each segment belongs to.
    section : ndarray of int, shape (N,)
        Index into `section_names`, per segment.
    parent : ndarray of int, shape (N,)
        Index of the parent segment among the segments here, -1 for a root.
    x : ndarray, shape (N,)
        Place of the segment's middle along its section, 0 to 1.
    section_names : sequence of str
        Names such as ``soma[0]``, ``dend[12]``.
    """

    start: np.ndarray
    end: np.ndarray
    diam: np.ndarray
    area: np.ndarray = field(default_factory=_none)
    gid: np.ndarray = field(default_factory=_none)
    section: np.ndarray = field(default_factory=_none)
    parent: np.ndarray = field(default_factory=_none)
    x: np.ndarray = field(default_factory=_none)
    section_names: Sequence[str] = ("soma[0]",)

    def __post_init__(self) -> None:
        self.start = np.ascontiguousarray(self.start, dtype=float).reshape(-1, 3)
        self.end = np.ascontiguousarray(self.end, dtype=float).reshape(-1, 3)
        n = len(self.start)
        self.diam = np.ascontiguousarray(self.diam, dtype=float).reshape(-1)
        # told by identity: an empty array may be that of a cell without segments
        if self.area is PROTOTYPE:
            self.area = np.pi * self.diam * np.linalg.norm(self.end - self.start, axis=1)
        for name, fill in (("gid", 0), ("section", 0), ("parent", -1)):
            if getattr(self, name) is PROTOTYPE:
                setattr(self, name, np.full(n, fill, dtype=np.int64))
        if self.x is PROTOTYPE:
            self.x = np.full(n, 0.5)
        for name in ("end", "diam", "area", "gid", "section", "parent", "x"):
            if len(getattr(self, name)) != n:
                raise InputError(
                    f"geometry: '{name}' has {len(getattr(self, name))} rows, 'start' has {n}"
                )

    def __len__(self) -> int:
        return len(self.start)

    def __repr__(self) -> str:
        return f"Geometry({len(self)} segments, {len(np.unique(self.gid))} cells)"

    @classmethod
    def joined(cls, cells: Sequence[Geometry]) -> Geometry:
        """Segments of cells one after the other; a name that several cells have is listed once.

        Parameters
        ----------
        cells : sequence of Geometry
            The cells.

        Returns
        -------
        Geometry
        """
        numbers = SectionNumbers()
        sections, parents = [], []
        first = 0
        for cell in cells:
            sections.append(numbers.of_cell(cell.section_names)[cell.section])
            parents.append(np.where(cell.parent < 0, -1, cell.parent + first))
            first += len(cell)

        def column(name: str) -> np.ndarray:
            return np.concatenate([getattr(cell, name) for cell in cells])

        return cls(
            start=column("start"),
            end=column("end"),
            diam=column("diam"),
            area=column("area"),
            gid=column("gid"),
            section=np.concatenate(sections),
            parent=np.concatenate(parents),
            x=column("x"),
            section_names=numbers.names,
        )

    def sections_in_cells(self, gids: np.ndarray, sections: np.ndarray) -> np.ndarray:
        """Numbers that sections have in their cells, from 0 on, as SONATA counts them.

        Parameters
        ----------
        gids : ndarray of int, shape (C,)
            Cells.
        sections : ndarray of int, shape (C,)
            A section of each, as in `section`.

        Returns
        -------
        ndarray of int, shape (C,)
        """
        pairs = np.stack([self.gid, self.section], axis=1)
        known, first = np.unique(pairs, axis=0, return_index=True)
        # sections of a cell count in the order in which its segments come
        order = np.lexsort((first, known[:, 0]))
        begins = np.searchsorted(known[:, 0], known[:, 0])
        numbers = np.empty(len(known), np.int64)
        numbers[order] = np.arange(len(known)) - begins
        number_of = dict(zip(map(tuple, known.tolist()), numbers.tolist(), strict=True))
        wanted = zip(np.asarray(gids).tolist(), np.asarray(sections).tolist(), strict=True)
        return np.array([number_of[pair] for pair in wanted], np.int64)

    @property
    def middle(self) -> np.ndarray:
        """Midpoints of the segments, shape (N, 3), um."""
        return np.asarray(0.5 * (self.start + self.end))

    @property
    def length(self) -> np.ndarray:
        """Distances between the end points, shape (N,), um."""
        return np.asarray(np.linalg.norm(self.end - self.start, axis=1))

    @property
    def is_soma(self) -> np.ndarray:
        """Which segments belong to a section named soma, shape (N,), bool.

        A cell without such a section has its first segment marked, the place
        to which positions then refer.
        """
        named = np.array([is_soma_name(n) for n in self.section_names], dtype=bool)
        mask = named[self.section]
        # somata are looked for cell by cell only where there are several
        alone = len(mask) > 0 and bool(np.all(self.gid == self.gid[0]))
        if len(mask) and not (alone and mask.any()):
            # cells without a soma are marked at their first segment
            first = np.unique(self.gid, return_index=True)[1]
            without = ~np.isin(self.gid[first], self.gid[mask])
            mask[first[without]] = True
        return np.asarray(mask)

    def segment_label(self, index: int) -> str:
        """Name of segment `index` for messages, such as ``dend[3](0.5)``."""
        return f"{self.section_names[self.section[index]]}({self.x[index]:g})"


class SectionNumbers:
    """Numbers of the sections of several cells: sections of one name have one, but not in a cell.

    Attributes
    ----------
    names : list of str
        Names of the sections, by number.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[tuple[str, int], int] = {}
        self._of_cells: dict[tuple[str, ...], np.ndarray] = {}

    def of_cell(self, section_names: Sequence[str]) -> np.ndarray:
        """Numbers of the sections of one more cell, shape (sections,), int."""
        cell = tuple(section_names)
        if cell not in self._of_cells:
            self._of_cells[cell] = self._numbers_of(cell)
        return self._of_cells[cell]

    def _numbers_of(self, cell: tuple[str, ...]) -> np.ndarray:
        numbers = np.empty(len(cell), np.int64)
        times: Counter[str] = Counter()
        for k, name in enumerate(cell):
            key = name, times[name]
            times[name] += 1
            if key not in self._numbers:
                self._numbers[key] = len(self.names)
                self.names.append(name)
            numbers[k] = self._numbers[key]
        return numbers


def is_soma_name(name: str) -> bool:
    """Whether a section name (template prefix included) is that of a soma."""
    return name.rsplit(".", 1)[-1].split("[", 1)[0].lower() == "soma"


@functools.lru_cache(maxsize=256)
def _glob(pattern: str) -> re.Pattern[str]:
    """What matches names of sections, kept as each cell of a network asks for it again."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def select_sections(names: Sequence[str], patterns: Sequence[str]) -> np.ndarray:
    """Indices of the sections that any of the patterns names.

    Parameters
    ----------
    names : sequence of str
        Names of the sections; a template's prefix such as ``Pyr[0].`` does not count.
    patterns : sequence of str
        "all", a kind ("soma", "dend", "apic", "axon", ...; "dend" also names ``dend1`` and
        ``dend_2[0]``), a name (``dend[3]``), or a glob of names in which ``[`` and ``]`` stand for
        themselves (``dend[1*]``).

    Returns
    -------
    ndarray of int, shape (K,)
        Ascending.

    Raises
    ------
    InputError
        Where a pattern names no section.
    """
    # NEURON puts the instance of a template before a section: Pyr[0].dend[3]
    short = [name.rsplit("].", 1)[-1] if "]." in name else name for name in names]
    arrays = [name.split("[", 1)[0] for name in short]
    # dend1 and dend_2 of some authors are meant by dend
    kinds = [name.rstrip("_0123456789") for name in arrays]
    chosen: set[int] = set()
    for pattern in patterns:
        glob = _glob(pattern)
        matching = {
            k
            for k, name in enumerate(short)
            if pattern in ("all", arrays[k], kinds[k], name, names[k]) or glob.match(name)
        }
        if not matching:
            raise InputError(
                f"there is no section '{pattern}'",
                remedy=nearest(
                    pattern, {*kinds, "all"} if "[" not in pattern else short, "section"
                ),
            )
        chosen |= matching
    return np.array(sorted(chosen), dtype=np.int64)


def has_ring(parents: np.ndarray) -> bool:
    """Whether segments hang on each other, by the number of each one's parent.

    Parameters
    ----------
    parents : ndarray of int, shape (S,)
        Numbers from 0 to below S, -1 for none.
    """
    # each round doubles how far up a segment looks; a tree has an end within so many rounds
    above = parents
    for _ in range(len(parents).bit_length()):
        above = np.where(above >= 0, above[above], -1)
    return bool(np.any(above >= 0))
