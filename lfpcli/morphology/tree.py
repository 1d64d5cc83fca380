"""A traced cell in memory: its points, and the sections that NEURON makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

SOMA, AXON, DENDRITE, APICAL = 1, 2, 3, 4
KINDS = {SOMA: "soma", AXON: "axon", DENDRITE: "dend", APICAL: "apic"}


@dataclass(frozen=True)
class Section:
    """An unbranched piece of a cell.

    Attributes
    ----------
    name : str
        Such as ``dend[3]``.
    type : int
        Type code of SWC: 1 soma, 2 axon, 3 dendrite, 4 apical dendrite, others custom.
    points : ndarray, shape (n, 4)
        x, y, z and diameter of the 3-d points, um; n >= 2.
    parent : int
        Index of the parent among the sections of the cell, -1 for a root.
    parent_x : float
        Where on the parent the section begins, 0 to 1.
    wire : tuple of float, optional
        The point on the parent, um, that a weightless wire joins to the first point; without
        one the first point lies on the parent.
    child_x : float
        The end of this section that is joined to the parent; always 0 here.
    start : int
        Index of its first own point among the points of the cell.
    """

    name: str
    type: int
    points: np.ndarray
    parent: int
    parent_x: float = 1.0
    wire: tuple[float, float, float] | None = None
    child_x: float = 0.0
    start: int = 0


@dataclass(frozen=True)
class Morphology:
    """Points of a traced cell, each after its parent.

    Attributes
    ----------
    types : ndarray of int, shape (N,)
        Type codes of SWC.
    points : ndarray, shape (N, 4)
        x, y, z and diameter, um.
    parents : ndarray of int, shape (N,)
        Index of each point's parent, -1 for a root.
    name : str
        What to call the cell in messages: the file's name.
    lines : ndarray of int, shape (N,), or empty
        Line of the file that each point was read from.
    repairs : sequence of str
        What was mended while reading.
    """

    types: np.ndarray
    points: np.ndarray
    parents: np.ndarray
    name: str = "morphology"
    lines: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    repairs: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def sections(self) -> list[Section]:
        """Sections with NEURON's names, in NEURON's order."""
        from lfpcli.morphology.splitting import split

        return split(self)

    @property
    def middle_of_soma(self) -> np.ndarray:
        """Place of the cell, shape (3,), um.

        The mean of the middles between the ends of the soma's sections; the first point where
        there is no soma.
        """
        from lfpcli.morphology.splitting import three_point_sphere

        soma = np.flatnonzero(self.types == SOMA)
        if len(soma) == 1 or three_point_sphere(self):
            return self.points[soma[0], :3].copy()
        ends = [(s.points[0, :3] + s.points[-1, :3]) / 2 for s in self.sections if s.type == SOMA]
        return np.mean(ends, axis=0) if ends else self.points[0, :3].copy()

    def transformed(self, matrix: np.ndarray, shift: Sequence[float] | None = None) -> Morphology:
        """Apply a linear map about the middle of the soma, then move that middle.

        Parameters
        ----------
        matrix : ndarray, shape (3, 3)
            The map of column vectors; diameters stay.
        shift : sequence of float, optional
            Where the middle of the soma goes, um; it stays where left out.

        Returns
        -------
        Morphology
        """
        middle = self.middle_of_soma
        place = middle if shift is None else np.asarray(shift, dtype=float)
        points = self.points.copy()
        points[:, :3] = (points[:, :3] - middle) @ np.asarray(matrix, dtype=float).T + place
        return replace(self, points=points)

    def place_of(self, point: int) -> str:
        """``file:line`` of a point, for messages."""
        return f"{self.name}:{self.lines[point]}" if len(self.lines) else self.name


def kind_of(code: int) -> str:
    """Name that NEURON gives sections of a type: ``dend``, or ``dend_7`` for custom ones."""
    if code < 0:
        return f"minus_{-code}"
    return KINDS.get(code, f"dend_{code}")
