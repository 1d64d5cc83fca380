"""An unbranched piece of a cell, and what its type is called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

SOMA, AXON, DENDRITE, APICAL = 1, 2, 3, 4
TYPE_NAMES = {SOMA: "soma", AXON: "axon", DENDRITE: "dend", APICAL: "apic"}
# what parts of axons are called in models: initial segment, hillock, myelin, nodes of Ranvier
AXON_PARTS = ("axon", "ais", "iseg", "hill", "myelin", "node")


@dataclass(frozen=True, kw_only=True)
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
        The end of this section that is joined to the parent, 0 or 1.
    start : int
        Index of its first own point among the points of the cell.
    lines : ndarray of int, shape (n,), or empty
        Line of the file that each point was read from.
    Ra, cm : float, optional
        Axial resistivity, ohm cm, and specific capacitance, uF/cm2, where the file has them.
    cylinders : ndarray, shape (nseg,), or empty
        Diameters of the segments, um, of a section that a hoc file gave no 3-d points: what its
        area is made of, and not of the points by which it is drawn.
    """

    name: str
    type: int
    points: np.ndarray
    parent: int
    parent_x: float = 1.0
    wire: tuple[float, float, float] | None = None
    child_x: float = 0.0
    start: int = 0
    lines: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    Ra: float | None = None
    cm: float | None = None
    cylinders: np.ndarray = field(default_factory=lambda: np.empty(0))


def type_name(code: int) -> str:
    """Name that NEURON gives sections of a type: ``dend``, or ``dend_7`` for custom ones."""
    if code < 0:
        return f"minus_{-code}"
    return TYPE_NAMES.get(code, f"dend_{code}")


@lru_cache(maxsize=1 << 14)
def type_of_name(name: str) -> int:
    """Type code of SWC for a section's name; dendrite where it says nothing."""
    base = name.rpartition(".")[2].partition("[")[0].lower()
    custom = re.fullmatch(r"dend_(\d+)", base)
    if custom:
        return int(custom[1])
    for code, word in TYPE_NAMES.items():
        if base.startswith(word):
            return code
    return AXON if base.startswith(AXON_PARTS) else DENDRITE


def numbered(codes: Sequence[int]) -> list[str]:
    """Names of sections of the given types, counted type by type: ``dend[0]``, ``dend[1]``."""
    count: dict[int, int] = {}
    names = []
    for code in codes:
        number = count[code] = count.get(code, -1) + 1
        names.append(f"{type_name(code)}[{number}]")
    return names


def cylinder(point: np.ndarray) -> np.ndarray:
    """Return the 3-d points of the cylinder along x, as long as wide, that stands for a point.

    Parameters
    ----------
    point : ndarray, shape (4,)
        x, y, z and diameter, um.

    Returns
    -------
    ndarray, shape (3, 4)
    """
    points = np.repeat(point[None], 3, axis=0)
    points[:, 0] += np.array([-0.5, 0.0, 0.5]) * point[3]
    return points


def rounded(values: np.ndarray) -> np.ndarray:
    """Round to the eight digits in which NEURON's Import3d passes numbers on, shape as before."""
    digits = [f"{value:.8g}" for value in values.ravel().tolist()]
    return np.array(digits, dtype=float).reshape(values.shape)
