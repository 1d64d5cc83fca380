"""Geometries of many cells as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lfpcli.geometry import Geometry


def merged_geometry(cells: Sequence[Geometry]) -> Geometry:
    """Put the segments of cells one after the other; equal section names are listed once.

    Parameters
    ----------
    cells : sequence of Geometry
        The cells.

    Returns
    -------
    Geometry
    """
    names: dict[str, int] = {}
    sections, parents = [], []
    first = 0
    for cell in cells:
        index = np.array([names.setdefault(n, len(names)) for n in cell.section_names])
        sections.append(index[cell.section])
        parents.append(np.where(cell.parent < 0, -1, cell.parent + first))
        first += len(cell)

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(cell, name) for cell in cells])

    return Geometry(
        joined("start"),
        joined("end"),
        joined("diam"),
        joined("area"),
        joined("gid"),
        np.concatenate(sections),
        np.concatenate(parents),
        joined("x"),
        list(names),
    )
