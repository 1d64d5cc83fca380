"""An unbranched piece of a cell, and what its type is called."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

SOMA, AXON, DENDRITE, APICAL = 1, 2, 3, 4
TYPE_NAMES = {SOMA: "soma", AXON: "axon", DENDRITE: "dend", APICAL: "apic"}


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
    """

    name: str
    type: int
    points: np.ndarray
    parent: int
    parent_x: float = 1.0
    wire: tuple[float, float, float] | None = None
    child_x: float = 0.0
    start: int = 0


def type_name(code: int) -> str:
    """Name that NEURON gives sections of a type: ``dend``, or ``dend_7`` for custom ones."""
    if code < 0:
        return f"minus_{-code}"
    return TYPE_NAMES.get(code, f"dend_{code}")


def type_of_name(name: str) -> int:
    """Type code of SWC for a section's name; dendrite where it says nothing."""
    base = name.rpartition(".")[2].partition("[")[0].lower()
    custom = re.fullmatch(r"dend_(\d+)", base)
    if custom:
        return int(custom[1])
    for code, word in TYPE_NAMES.items():
        if base.startswith(word):
            return code
    return DENDRITE
